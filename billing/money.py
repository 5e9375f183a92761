"""Money as integer minor units with a currency, and the one place where an amount is rounded.

Rates are `Decimal` per hour, worked time is whole seconds, an amount is an integer of minor units (cents). The step
from the exact product to minor units happens once per invoice line, here, half up: 0.5 of a cent becomes a whole one,
away from zero, so that a credit is the exact mirror of what it takes back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

SECONDS_PER_HOUR = 3600

# ISO 4217 currencies with other than two decimals, as Stripe charges them.
_NO_MINOR_UNIT = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF")
)
_THREE_DIGITS = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
_CODE = re.compile(r"[A-Z]{3}")


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies cannot be added or compared."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of `minor` units (cents for USD) in the ISO 4217 `currency`, written in capitals."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if isinstance(self.minor, bool) or not isinstance(self.minor, int):
            raise TypeError(f"Money is counted in whole minor units, not {self.minor!r}.")
        minor_digits(self.currency)

    def __add__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        return self + -other

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same_currency(other)
        return self.minor < other.minor

    def __str__(self) -> str:
        """Plain and unambiguous, for logs and terminals: `1234.50 USD`. Pages format by locale."""
        return f"{self.major} {self.currency}"

    @property
    def major(self) -> Decimal:
        """The amount in whole currency units, with as many decimals as the currency has: `Decimal("1234.50")`."""
        return Decimal(self.minor).scaleb(-minor_digits(self.currency))

    def _same_currency(self, other: Money) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self} and {other} are of different currencies.")


def minor_digits(currency: str) -> int:
    """How many decimals `currency` has: 2 for USD, 0 for JPY, 3 for KWD.

    Raises `ValueError` when `currency` is not three capital letters.
    """
    if not _CODE.fullmatch(currency):
        raise ValueError(f"{currency!r} is not a currency: write the three capital letters of ISO 4217, such as USD.")
    if currency in _NO_MINOR_UNIT:
        return 0
    return 3 if currency in _THREE_DIGITS else 2


def round_half_up(value: Fraction | Decimal | int) -> int:
    """The nearest whole number; exactly half goes away from zero. Exact: no binary float is involved."""
    exact = Fraction(value)
    whole, rest = divmod(abs(exact.numerator), exact.denominator)
    if 2 * rest >= exact.denominator:
        whole += 1
    return whole if exact >= 0 else -whole


def amount_for(seconds: int, rate_per_hour: Decimal, currency: str) -> Money:
    """What `seconds` of work cost at `rate_per_hour` (whole currency units per hour), rounded half up to a minor unit.

    Called once per invoice line, with the line's whole seconds: rounding parts and adding them would drift.
    """
    exact = Fraction(seconds) * Fraction(rate_per_hour) * 10 ** minor_digits(currency) / SECONDS_PER_HOUR
    return Money(round_half_up(exact), currency)


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum of `amounts`, all of which must be in `currency`; nothing to add gives zero."""
    result = Money(0, currency)
    for amount in amounts:
        result += amount
    return result


def rate_text(rate: Decimal, currency: str) -> str:
    """A rate with at least the currency's decimals, and all that it has: `60.00`, `31.625`."""
    exact = rate.normalize()
    digits = minor_digits(currency)
    exponent = exact.as_tuple().exponent
    return f"{exact:.{digits}f}" if isinstance(exponent, int) and -exponent <= digits else f"{exact:f}"
