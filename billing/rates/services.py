"""What an hour of a service costs, by level, and how prices rise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

from billing.money import minor_digits, round_half_up
from billing.rates.checks import HIGHEST_RATE, InvalidRateCard, check_decimal, check_rate

HIGHEST_LEVEL = 5
_LARGEST_RISE = Decimal(100)


@dataclass(frozen=True, slots=True)
class ServiceRate:
    """Whole currency units per hour: what the facility is billed, and (where known) what the coordinator is paid.

    `overtime_bill_per_hour` is the negotiated price of an hour of overtime. `levels` holds rates of their own for
    coordinators of levels 1 to 5; a level without one has this rate.
    """

    bill_per_hour: Decimal
    pay_per_hour: Decimal | None = None
    overtime_bill_per_hour: Decimal | None = None
    levels: Mapping[int, ServiceRate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_rate("bill_per_hour", self.bill_per_hour)
        if self.pay_per_hour is not None:
            check_rate("pay_per_hour", self.pay_per_hour)
        if self.overtime_bill_per_hour is not None:
            check_rate("overtime_bill_per_hour", self.overtime_bill_per_hour)
            if self.overtime_bill_per_hour < self.bill_per_hour:
                raise InvalidRateCard("The overtime_bill_per_hour must not be below the bill_per_hour.")
        for level, rate in self.levels.items():
            if level not in range(1, HIGHEST_LEVEL + 1):
                raise InvalidRateCard(f"A level with a rate of its own is 1 to {HIGHEST_LEVEL}, not {level}.")
            if rate.levels:
                raise InvalidRateCard("The rate of a level has no levels of its own.")
        object.__setattr__(self, "levels", MappingProxyType(dict(self.levels)))

    def at(self, level: int) -> tuple[int, ServiceRate]:
        """The rate for a coordinator of `level`, and the level it is agreed for (0: every level without its own)."""
        own = self.levels.get(level)
        return (0, self) if own is None else (level, own)


@dataclass(frozen=True, slots=True)
class PriceRise:
    """From the facility's local day `on`, hourly rates are `percent` higher than the day before.

    `services` are those that rise (empty: all); `bill` and `pay` say which side. A risen rate is rounded half up to
    `round_to` whole currency units (0: to the currency's smallest unit) before the next rise is taken from it.
    """

    on: date
    percent: Decimal
    services: frozenset[str] = frozenset()
    bill: bool = True
    pay: bool = False
    round_to: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        check_decimal("percent of a price rise", self.percent, Decimal(0), _LARGEST_RISE)
        check_decimal("round_to of a price rise", self.round_to, Decimal(0), Decimal(100))
        if not self.bill and not self.pay:
            raise InvalidRateCard("A price rise raises the bill side, the pay side, or both.")

    def applied_to(self, rate: ServiceRate, currency: str) -> ServiceRate:
        """`rate` after the rise, levels and overtime rates included."""

        def risen(per_hour: Decimal | None) -> Decimal | None:
            return None if per_hour is None else self.risen(per_hour, currency)

        bill = self.risen(rate.bill_per_hour, currency) if self.bill else rate.bill_per_hour
        return replace(
            rate,
            bill_per_hour=bill,
            pay_per_hour=risen(rate.pay_per_hour) if self.pay else rate.pay_per_hour,
            overtime_bill_per_hour=risen(rate.overtime_bill_per_hour) if self.bill else rate.overtime_bill_per_hour,
            levels={level: self.applied_to(own, currency) for level, own in rate.levels.items()},
        )

    def risen(self, per_hour: Decimal, currency: str) -> Decimal:
        """`per_hour` raised and rounded half up, in whole currency units."""
        step = Fraction(self.round_to) or Fraction(1, 10 ** minor_digits(currency))
        steps = round_half_up(Fraction(per_hour) * (1 + Fraction(self.percent) / 100) / step)
        exact = steps * step
        return min(HIGHEST_RATE, Decimal(exact.numerator) / Decimal(exact.denominator))
