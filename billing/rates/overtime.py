"""Overtime: which worked minutes are over the limit of a week or a day, and who carries the cost.

The federal rule counts a week of seven days, always beginning on the same day (29 CFR 778.105), and pays what goes over 40
hours one and a half times. California adds a limit by the day, double time beyond twelve hours, and the seventh day worked
in a row. Which rule holds is agreed in the contract; a limit that is not set does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from billing.rates.checks import InvalidRateCard, check_multiplier, check_whole

OVERTIME, DOUBLE_TIME = "overtime", "double_time"
_DAY_MINUTES = 24 * 60
_WEEK_MINUTES = 7 * _DAY_MINUTES
_SEVENTH_DAY_MINUTES = 8 * 60
_NEVER = 10**9


class PassThrough(StrEnum):
    """What the facility pays for an hour of overtime."""

    SAME_MARKUP = "same_markup"
    """The markup on the coordinator's overtime pay stays what it is: the bill rate is multiplied as the pay is."""
    NEGOTIATED = "negotiated"
    """A rate of its own for each service (`ServiceRate.overtime_bill_per_hour`); the pay is multiplied all the same."""


@dataclass(frozen=True, slots=True)
class OvertimeStep:
    """Time over a limit: `overtime` or `double_time`, and what the pay is multiplied by."""

    kind: str
    multiplier: Decimal


@dataclass(frozen=True, slots=True)
class Overtime:
    """Limits in worked minutes of one coordinator at one facility, on the facility's calendar.

    `week_starts_on` is 0 for Monday to 6 for Sunday. Minutes that are over the day's limit are not counted again towards the
    week's. With `seventh_day`, work on the last day of a week in which every day was worked is overtime from its first
    minute, and double time (where `double_multiplier` is set) beyond eight hours.
    """

    multiplier: Decimal
    after_weekly_minutes: int | None = None
    after_daily_minutes: int | None = None
    double_after_daily_minutes: int | None = None
    double_multiplier: Decimal | None = None
    seventh_day: bool = False
    week_starts_on: int = 0
    pass_through: PassThrough = PassThrough.SAME_MARKUP

    def __post_init__(self) -> None:
        check_multiplier("multiplier of overtime", self.multiplier)
        if self.after_weekly_minutes is None and self.after_daily_minutes is None:
            raise InvalidRateCard("Overtime needs a limit: after_weekly_minutes, after_daily_minutes, or both.")
        for name, limit, most in (
            ("weekly limit of overtime", self.after_weekly_minutes, _WEEK_MINUTES),
            ("daily limit of overtime", self.after_daily_minutes, _DAY_MINUTES),
            ("daily limit of double time", self.double_after_daily_minutes, _DAY_MINUTES),
        ):
            if limit is not None:
                check_whole(name, limit, 1, most)
        check_whole("first day of the week", self.week_starts_on, 0, 6)
        self._check_double_time()

    def _check_double_time(self) -> None:
        if self.double_multiplier is not None:
            check_multiplier("multiplier of double time", self.double_multiplier)
            if self.double_multiplier < self.multiplier:
                raise InvalidRateCard("Double time costs at least as much as overtime.")
        if self.double_after_daily_minutes is not None:
            if self.double_multiplier is None:
                raise InvalidRateCard("Double time needs its multiplier.")
            if self.after_daily_minutes is not None and self.double_after_daily_minutes < self.after_daily_minutes:
                raise InvalidRateCard("Double time begins after overtime, not before it.")
        elif self.double_multiplier is not None and not self.seventh_day:
            raise InvalidRateCard("Double time needs its limit: double_after_daily_minutes.")

    def step(self, day_seconds: int, week_seconds: int, is_seventh_day: bool) -> tuple[OvertimeStep | None, int]:
        """What the next second is, and for how many seconds that holds.

        `day_seconds` were worked on this day so far, `week_seconds` in this week without those that were overtime.
        """
        if is_seventh_day:
            return self._seventh_day(day_seconds)
        to_double = _until(self.double_after_daily_minutes, day_seconds)
        if to_double <= 0 and self.double_multiplier is not None:
            return OvertimeStep(DOUBLE_TIME, self.double_multiplier), _NEVER
        to_limit = min(_until(self.after_daily_minutes, day_seconds), _until(self.after_weekly_minutes, week_seconds))
        if to_limit <= 0:
            return OvertimeStep(OVERTIME, self.multiplier), to_double
        return None, min(to_limit, to_double)

    def _seventh_day(self, day_seconds: int) -> tuple[OvertimeStep, int]:
        left = _SEVENTH_DAY_MINUTES * 60 - day_seconds
        if left <= 0 and self.double_multiplier is not None:
            return OvertimeStep(DOUBLE_TIME, self.double_multiplier), _NEVER
        return OvertimeStep(OVERTIME, self.multiplier), left if left > 0 else _NEVER


def _until(limit_minutes: int | None, seconds: int) -> int:
    return _NEVER if limit_minutes is None else limit_minutes * 60 - seconds
