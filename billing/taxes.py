"""Tax on an invoice's lines, as the facility's jurisdiction asks for it and as Stripe works it out.

A rate is in addition to the price or inside it. Each rate is taken from each line and rounded half up there, which is what
Stripe does with tax rates; a contract or law that rounds once per invoice can say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from billing.money import Money, round_half_up

MOST_RATES = 5
"""As many as Stripe takes on one line."""
_HUNDRED = Decimal(100)
_MOST_DECIMALS = 4


class TaxRounding(StrEnum):
    """Where a tax is rounded: on each line, or once on the invoice."""

    LINE = "line"
    INVOICE = "invoice"


@dataclass(frozen=True, slots=True)
class TaxRate:
    """A tax of `percent` (at most four decimals), such as the sales tax of the jurisdiction `US-TX`."""

    name: str
    percent: Decimal
    jurisdiction: str = ""

    def __post_init__(self) -> None:
        if not self.percent.is_finite() or not 0 <= self.percent <= _HUNDRED:
            raise ValueError(f"A tax rate is 0 to 100 percent, not {self.percent}.")
        exponent = self.percent.normalize().as_tuple().exponent
        if isinstance(exponent, int) and -exponent > _MOST_DECIMALS:
            raise ValueError(f"A tax rate has at most {_MOST_DECIMALS} decimals, not {self.percent}.")


@dataclass(frozen=True, slots=True)
class TaxRule:
    """The taxes of one invoice: at most five rates, none compounded on another, all `inclusive` or none."""

    rates: tuple[TaxRate, ...] = ()
    inclusive: bool = False
    rounding: TaxRounding = TaxRounding.LINE

    def __post_init__(self) -> None:
        if len(self.rates) > MOST_RATES:
            raise ValueError(f"An invoice has at most {MOST_RATES} tax rates, not {len(self.rates)}.")


@dataclass(frozen=True, slots=True)
class TaxAmount:
    """What one rate comes to on the invoice. `taxable` is what it was taken from, without any tax inside."""

    rate: TaxRate
    taxable: Money
    tax: Money


NO_TAX = TaxRule()


def taxes(line_amounts: Sequence[int], currency: str, rule: TaxRule) -> tuple[TaxAmount, ...]:
    """What each rate of `rule` comes to on lines of these minor units."""
    amounts = line_amounts if rule.rounding is TaxRounding.LINE else [sum(line_amounts)]
    minor = [sum(round_half_up(amount * part) for amount in amounts) for part in _parts(rule)]
    taxable = sum(line_amounts) - (sum(minor) if rule.inclusive else 0)
    return tuple(
        TaxAmount(rate, Money(taxable, currency), Money(tax, currency)) for rate, tax in zip(rule.rates, minor, strict=True)
    )


def _parts(rule: TaxRule) -> list[Fraction]:
    """What part of an amount each tax is: of a price that holds the tax, less than the percentage."""
    whole = 100 + sum((Fraction(rate.percent) for rate in rule.rates), Fraction(0)) if rule.inclusive else Fraction(100)
    return [Fraction(rate.percent) / whole for rate in rule.rates]
