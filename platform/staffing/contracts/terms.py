"""The stored terms of a rate card: the keys of a rate file's card, and beside them `tax` and `overtime_rates`. Pure.

`tax` is written as a rate file's `tax`. `overtime_rates` holds the negotiated price of an hour of overtime, by service, or by
service and level as `prior_authorization/3`; prices of ordinary hours are rows of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from billing.rate_files import InvalidRateFile, read_tax, read_terms
from billing.rates import InvalidRateCard, RateCard, RoundingRule, ServiceRate
from billing.taxes import NO_TAX, TaxRule

TAX, OVERTIME_RATES = "tax", "overtime_rates"
Prices = Mapping[tuple[str, int], Decimal]
"""By service and level (0: every level without its own), whole currency units per hour."""


@dataclass(frozen=True, slots=True)
class Terms:
    """One version of a contract as billing applies it."""

    card: RateCard
    tax: TaxRule


def read(prices: Prices, rounding: RoundingRule, stored: Mapping[str, Any]) -> Terms:
    """The version that these prices and stored terms make. Raises `InvalidRateFile` with every problem."""
    overtime = stored.get(OVERTIME_RATES) or {}
    rest = {key: value for key, value in stored.items() if key not in (TAX, OVERTIME_RATES)}
    problems: list[str] = []
    tax = NO_TAX
    if stored.get(TAX):
        try:
            tax = read_tax(stored[TAX])
        except InvalidRateFile as error:
            problems += error.problems
    try:
        card = read_terms(rest, _services(prices, overtime), rounding)
    except InvalidRateFile as error:
        raise InvalidRateFile([*problems, *error.problems]) from error
    except InvalidRateCard as error:
        raise InvalidRateFile([*problems, *(f"services: {problem}" for problem in error.problems)]) from error
    if problems:
        raise InvalidRateFile(problems)
    return Terms(card, tax)


def _services(prices: Prices, overtime: Mapping[str, str]) -> dict[str, ServiceRate]:
    services: dict[str, ServiceRate] = {}
    for service in {service for service, _ in prices}:
        levels = {
            level: ServiceRate(price, None, _decimal(overtime.get(f"{service}/{level}")))
            for (name, level), price in prices.items()
            if name == service and level
        }
        # A service that is priced for some levels only has no price for the others: the lowest one stands for them.
        general = prices.get((service, 0), min(rate.bill_per_hour for rate in levels.values()) if levels else Decimal(0))
        services[service] = ServiceRate(general, None, _decimal(overtime.get(service)), levels)
    return services


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
