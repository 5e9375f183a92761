"""What every clause of a rate card checks about its numbers, and how rates are multiplied without loss."""

from __future__ import annotations

from decimal import Context, Decimal
from functools import reduce

HIGHEST_RATE = Decimal(100_000)
HIGHEST_MULTIPLIER = Decimal(10)
MOST_DECIMALS = 6
ONE = Decimal(1)
# Wide enough for a rate times every multiplier a card can hold: the product is exact, never rounded.
_EXACT = Context(prec=400)


class InvalidRateCard(ValueError):
    """A rate card contradicts itself or asks for what cannot be. `problems` holds one sentence for each reason."""

    def __init__(self, *problems: str) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


def check_decimal(name: str, value: Decimal, lowest: Decimal, highest: Decimal) -> None:
    """Raise `InvalidRateCard` unless `value` is a decimal from `lowest` to `highest` with at most six places."""
    if not isinstance(value, Decimal) or not value.is_finite():
        raise InvalidRateCard(f"The {name} must be a decimal number, not {value!r}.")
    if not lowest <= value <= highest:
        raise InvalidRateCard(f"The {name} must lie between {lowest} and {highest}, not {value}.")
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -MOST_DECIMALS:
        raise InvalidRateCard(f"The {name} has more than {MOST_DECIMALS} decimals: {value}.")


def check_rate(name: str, value: Decimal) -> None:
    """Raise `InvalidRateCard` unless `value` can be a price of an hour."""
    check_decimal(name, value, Decimal(0), HIGHEST_RATE)


def check_multiplier(name: str, value: Decimal) -> None:
    """Raise `InvalidRateCard` unless `value` is from 1 to 10: a premium never lowers a price."""
    check_decimal(name, value, ONE, HIGHEST_MULTIPLIER)


def check_whole(name: str, value: int, lowest: int, highest: int) -> None:
    """Raise `InvalidRateCard` unless `value` is a whole number from `lowest` to `highest`."""
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise InvalidRateCard(f"The {name} must be a whole number from {lowest} to {highest}, not {value!r}.")


def product(*factors: Decimal) -> Decimal:
    """The exact product."""
    return reduce(_EXACT.multiply, factors, ONE)
