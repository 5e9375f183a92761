"""How worked seconds become billed seconds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from billing.rates.checks import InvalidRateCard

ROUNDING_UNITS = (0, 1, 6, 15)


class RoundingMode(StrEnum):
    """Where time between two multiples of the unit goes. An exact multiple always stays."""

    NEAREST = "nearest"
    UP = "up"


class RoundingScope(StrEnum):
    """What is rounded: each entry, or the sum of the seconds on a line."""

    ENTRY = "entry"
    LINE = "line"


@dataclass(frozen=True, slots=True)
class RoundingRule:
    """Billed time in multiples of `unit_minutes` (0: to the second)."""

    unit_minutes: int = 0
    mode: RoundingMode = RoundingMode.NEAREST
    scope: RoundingScope = RoundingScope.LINE

    def __post_init__(self) -> None:
        if isinstance(self.unit_minutes, bool) or self.unit_minutes not in ROUNDING_UNITS:
            raise InvalidRateCard(f"A rounding unit is 0, 1, 6 or 15 minutes, not {self.unit_minutes}.")

    def rounded(self, seconds: int) -> int:
        """`seconds` as this rule bills them: nearest with half up, or up. The raw time is never changed by it."""
        unit = self.unit_minutes * 60
        if unit == 0:
            return seconds
        if self.mode is RoundingMode.UP:
            return -(-seconds // unit) * unit
        return (2 * seconds + unit) // (2 * unit) * unit
