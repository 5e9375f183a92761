"""Rate cards: what an hour of a service costs, when it costs more, and how worked time becomes billed time.

A card says nothing about who or when; `billing.rating` applies it. All wall-clock rules (night, weekend, holiday) are
read on the facility's clock. What a card cannot express is refused when it is made, never ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

REGULAR = "regular"
ROUNDING_UNITS = (0, 1, 6, 15)
_MIDNIGHT = time(0)
_SATURDAY = 5
_HIGHEST_RATE = Decimal(100_000)
_HIGHEST_MULTIPLIER = Decimal(10)
_LONGEST_MINIMUM = 24 * 60
_MOST_DECIMALS = 6


class InvalidRateCard(ValueError):
    """A rate card contradicts itself or asks for a rule that does not exist; the message says which."""


class RoundingMode(StrEnum):
    """Where time between two multiples of the unit goes. An exact multiple always stays."""

    NEAREST = "nearest"
    UP = "up"


class RoundingScope(StrEnum):
    """What is rounded: each entry, or the sum of the seconds on a line."""

    ENTRY = "entry"
    LINE = "line"


class PremiumRule(StrEnum):
    """Where two premiums meet: the highest alone, or both multiplied."""

    HIGHEST = "highest"
    STACK = "stack"


@dataclass(frozen=True, slots=True)
class ServiceRate:
    """Whole currency units per hour: what the facility is billed, and (where known) what the coordinator is paid."""

    bill_per_hour: Decimal
    pay_per_hour: Decimal | None = None

    def __post_init__(self) -> None:
        _check_decimal("bill_per_hour", self.bill_per_hour, Decimal(0), _HIGHEST_RATE)
        if self.pay_per_hour is not None:
            _check_decimal("pay_per_hour", self.pay_per_hour, Decimal(0), _HIGHEST_RATE)


@dataclass(frozen=True, slots=True)
class RoundingRule:
    """Billed time in multiples of `unit_minutes` (0: to the second)."""

    unit_minutes: int = 0
    mode: RoundingMode = RoundingMode.NEAREST
    scope: RoundingScope = RoundingScope.LINE

    def __post_init__(self) -> None:
        if self.unit_minutes not in ROUNDING_UNITS:
            raise InvalidRateCard(f"A rounding unit is 0, 1, 6 or 15 minutes, not {self.unit_minutes}.")

    def rounded(self, seconds: int) -> int:
        """`seconds` as this rule bills them: nearest with half up, or up. The raw time is never changed by it."""
        unit = self.unit_minutes * 60
        if unit == 0:
            return seconds
        if self.mode is RoundingMode.UP:
            return -(-seconds // unit) * unit
        return (2 * seconds + unit) // (2 * unit) * unit


@dataclass(frozen=True, slots=True)
class Night:
    """From `begins` to `ends` on the facility's wall clock, past midnight when `ends` is the earlier of the two."""

    begins: time
    ends: time
    multiplier: Decimal

    kind = "night"

    def __post_init__(self) -> None:
        if self.begins == self.ends:
            raise InvalidRateCard("A night that begins and ends at the same time has no length.")
        if any(border.second or border.microsecond or border.tzinfo for border in (self.begins, self.ends)):
            raise InvalidRateCard("A night begins and ends at a whole minute of the facility's clock, such as 22:00.")
        _check_decimal("multiplier of the night", self.multiplier, Decimal(1), _HIGHEST_MULTIPLIER)

    @property
    def borders(self) -> tuple[time, ...]:
        """Times of day at which the premium may begin or end."""
        return (self.begins, self.ends)

    def covers(self, local: datetime) -> bool:
        """Whether the wall clock `local` lies in this premium's time."""
        clock = local.time()
        if self.begins < self.ends:
            return self.begins <= clock < self.ends
        return clock >= self.begins or clock < self.ends


@dataclass(frozen=True, slots=True)
class Weekend:
    """Saturday 00:00 to Monday 00:00 on the facility's wall clock."""

    multiplier: Decimal

    kind = "weekend"
    borders = (_MIDNIGHT,)

    def __post_init__(self) -> None:
        _check_decimal("multiplier of the weekend", self.multiplier, Decimal(1), _HIGHEST_MULTIPLIER)

    def covers(self, local: datetime) -> bool:
        """Whether the wall clock `local` lies in this premium's time."""
        return local.weekday() >= _SATURDAY


@dataclass(frozen=True, slots=True)
class Holiday:
    """The named `days`, each from 00:00 to 24:00 on the facility's wall clock. The contract lists them."""

    days: frozenset[date]
    multiplier: Decimal

    kind = "holiday"
    borders = (_MIDNIGHT,)

    def __post_init__(self) -> None:
        if not self.days:
            raise InvalidRateCard("A holiday premium needs at least one day.")
        _check_decimal("multiplier of the holiday", self.multiplier, Decimal(1), _HIGHEST_MULTIPLIER)

    def covers(self, local: datetime) -> bool:
        """Whether the wall clock `local` lies in this premium's time."""
        return local.date() in self.days


Premium = Night | Weekend | Holiday


@dataclass(frozen=True, slots=True)
class RateCard:
    """Everything a contract says about turning worked time into money.

    `services` maps a service's name to its rate. An entry is never billed for less than `minimum_call_minutes` (0: no
    minimum).
    """

    services: Mapping[str, ServiceRate]
    rounding: RoundingRule = field(default_factory=RoundingRule)
    premiums: tuple[Premium, ...] = ()
    premium_rule: PremiumRule = PremiumRule.HIGHEST
    minimum_call_minutes: int = 0

    def __post_init__(self) -> None:
        if not self.services:
            raise InvalidRateCard("A rate card needs at least one service.")
        if not 0 <= self.minimum_call_minutes <= _LONGEST_MINIMUM:
            raise InvalidRateCard(f"A minimum call is 0 to {_LONGEST_MINIMUM} minutes, not {self.minimum_call_minutes}.")
        object.__setattr__(self, "services", MappingProxyType(dict(self.services)))

    @property
    def borders(self) -> frozenset[time]:
        """Every time of day at which some premium may begin or end."""
        return frozenset(border for premium in self.premiums for border in premium.borders)

    def premium_at(self, local: datetime) -> tuple[str, Decimal]:
        """The kind of time the facility's wall clock `local` falls in, and its multiplier (1 for regular time).

        Of equal multipliers the one named first on the card gives the kind.
        """
        covering = [premium for premium in self.premiums if premium.covers(local)]
        if not covering:
            return REGULAR, Decimal(1)
        if self.premium_rule is PremiumRule.HIGHEST:
            highest = max(covering, key=lambda premium: premium.multiplier)
            return highest.kind, highest.multiplier
        multiplier = Decimal(1)
        for premium in covering:
            multiplier *= premium.multiplier
        return "+".join(premium.kind for premium in covering), multiplier


def _check_decimal(name: str, value: Decimal, lowest: Decimal, highest: Decimal) -> None:
    if not isinstance(value, Decimal) or not value.is_finite():
        raise InvalidRateCard(f"The {name} must be a decimal number, not {value!r}.")
    if not lowest <= value <= highest:
        raise InvalidRateCard(f"The {name} must lie between {lowest} and {highest}, not {value}.")
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -_MOST_DECIMALS:
        raise InvalidRateCard(f"The {name} has more than {_MOST_DECIMALS} decimals: {value}.")
