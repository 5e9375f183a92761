"""Times at which an hour costs more, read on the facility's wall clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum

from billing.rates.calendars import check_region, holidays_of
from billing.rates.checks import InvalidRateCard, check_multiplier

_MIDNIGHT = time(0)
_SATURDAY = 5


class PremiumRule(StrEnum):
    """Where two premiums meet: the highest alone, or both multiplied."""

    HIGHEST = "highest"
    STACK = "stack"


@dataclass(frozen=True, slots=True)
class Night:
    """From `begins` to `ends` on the facility's wall clock, past midnight when `ends` is the earlier of the two.

    `pay_multiplier` is the coordinator's; without it, the coordinator's pay rises as the bill does.
    """

    begins: time
    ends: time
    multiplier: Decimal
    pay_multiplier: Decimal | None = None

    kind = "night"

    def __post_init__(self) -> None:
        if self.begins == self.ends:
            raise InvalidRateCard("A night that begins and ends at the same time has no length.")
        if any(border.second or border.microsecond or border.tzinfo for border in (self.begins, self.ends)):
            raise InvalidRateCard("A night begins and ends at a whole minute of the facility's clock, such as 22:00.")
        _check_multipliers("night", self.multiplier, self.pay_multiplier)

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

    def name_of(self, local: datetime) -> str:
        """What is special about `local`, in words; nothing to add for a night."""
        return ""


@dataclass(frozen=True, slots=True)
class Weekend:
    """Saturday 00:00 to Monday 00:00 on the facility's wall clock."""

    multiplier: Decimal
    pay_multiplier: Decimal | None = None

    kind = "weekend"
    borders = (_MIDNIGHT,)

    def __post_init__(self) -> None:
        _check_multipliers("weekend", self.multiplier, self.pay_multiplier)

    def covers(self, local: datetime) -> bool:
        """Whether the wall clock `local` lies in this premium's time."""
        return local.weekday() >= _SATURDAY

    def name_of(self, local: datetime) -> str:
        """What is special about `local`, in words; nothing to add for a weekend."""
        return ""


@dataclass(frozen=True, slots=True)
class Holiday:
    """Whole days, each from 00:00 to 24:00 on the facility's wall clock.

    The contract lists `days`, or names the public holidays of a `region` (`US`, `US-CA`), or both. With `observed`, a
    holiday that falls on a weekend counts on its own day and on the day on which it is kept; without, on its own day alone.
    """

    days: frozenset[date]
    multiplier: Decimal
    region: str = ""
    observed: bool = True
    pay_multiplier: Decimal | None = None

    kind = "holiday"
    borders = (_MIDNIGHT,)

    def __post_init__(self) -> None:
        if not self.days and not self.region:
            raise InvalidRateCard("A holiday premium needs at least one day, or a region.")
        if self.region:
            check_region(self.region)
        _check_multipliers("holiday", self.multiplier, self.pay_multiplier)

    def covers(self, local: datetime) -> bool:
        """Whether the wall clock `local` lies in this premium's time."""
        return bool(self.name_of(local))

    def name_of(self, local: datetime) -> str:
        """The holiday's name, such as `Thanksgiving Day (US-CA)`, or the day where the contract lists it."""
        day = local.date()
        if self.region and (name := holidays_of(self.region, day.year, self.observed).get(day)):
            return f"{name} ({self.region})"
        return day.isoformat() if day in self.days else ""


Premium = Night | Weekend | Holiday


def _check_multipliers(name: str, multiplier: Decimal, pay_multiplier: Decimal | None) -> None:
    check_multiplier(f"multiplier of the {name}", multiplier)
    if pay_multiplier is not None:
        check_multiplier(f"pay multiplier of the {name}", pay_multiplier)
