"""The weekly pattern of a request: on which weekdays, from when to when, by the facility's wall clock. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from staffing.errors import Invalid

DAY_MINUTES = 24 * 60
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_CELL = re.compile(r"([1-7])-([01]\d|2[0-3]):([0-5]\d)")
_TIME = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")


@dataclass(frozen=True, slots=True, order=True)
class WeeklyInterval:
    """`[start_minute, end_minute)` after local midnight of a weekday; 0 is Monday. It never crosses midnight: a night is two
    intervals, one on each day, because a billing day is the facility's own day.
    """

    weekday: int
    start_minute: int
    end_minute: int

    def __post_init__(self) -> None:
        if not (0 <= self.weekday <= 6 and 0 <= self.start_minute < self.end_minute <= DAY_MINUTES):
            raise ValueError(f"no interval within one day: {self.weekday} {self.start_minute}–{self.end_minute}")

    @property
    def minutes(self) -> int:
        return self.end_minute - self.start_minute


def clock_text(minute: int) -> str:
    """Minutes after midnight as people and the stored pattern write them; the midnight that ends a day is 24:00."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def from_cells(cells: Iterable[str], *, step: int) -> tuple[WeeklyInterval, ...]:
    """The cells of the weekly grid, `"<ISO weekday>-<HH:MM>"` and `step` minutes each, joined where they touch.

    Raises `Invalid` on `windows` for what no grid of ours has sent.
    """
    found: list[WeeklyInterval] = []
    for cell in cells:
        match = _CELL.fullmatch(cell.strip())
        start = int(match[2]) * 60 + int(match[3]) if match else -1
        if match is None or start % step:
            raise Invalid(windows="Please choose the hours again: one of them is not on the grid.")
        found.append(WeeklyInterval(int(match[1]) - 1, start, start + step))
    return joined(found)


def to_cells(intervals: Iterable[WeeklyInterval], *, step: int) -> tuple[str, ...]:
    """The cells that show these intervals on a grid of `step` minutes. Each begins and ends on the grid (see `step_for`)."""
    return tuple(
        f"{interval.weekday + 1}-{clock_text(minute)}"
        for interval in joined(intervals)
        for minute in range(interval.start_minute, interval.end_minute, step)
    )


def step_for(intervals: Iterable[WeeklyInterval]) -> int:
    """The coarsest grid, hours or half hours, on which these intervals lie; 0 when neither fits."""
    ends = [minute for interval in intervals for minute in (interval.start_minute, interval.end_minute)]
    return next((step for step in (60, 30) if all(minute % step == 0 for minute in ends)), 0)


def joined(intervals: Iterable[WeeklyInterval]) -> tuple[WeeklyInterval, ...]:
    """In order, with those that touch or overlap on one day made one."""
    result: list[WeeklyInterval] = []
    for interval in sorted(intervals):
        last = result[-1] if result else None
        if last is not None and last.weekday == interval.weekday and interval.start_minute <= last.end_minute:
            result[-1] = WeeklyInterval(last.weekday, last.start_minute, max(last.end_minute, interval.end_minute))
        else:
            result.append(interval)
    return tuple(result)


def stored(intervals: Iterable[WeeklyInterval]) -> list[list[Any]]:
    """As `StaffingRequest.pattern` keeps it."""
    return [[one.weekday, clock_text(one.start_minute), clock_text(one.end_minute)] for one in intervals]


def read(pattern: Sequence[Sequence[Any]]) -> tuple[WeeklyInterval, ...]:
    """A stored pattern. An end that is not after its start, as an import may bring it, reads as the end of the day."""
    intervals = []
    for weekday, start, end in pattern:
        first, last = _minute(start), _minute(end)
        intervals.append(WeeklyInterval(int(weekday), first, last if last > first else DAY_MINUTES))
    return joined(intervals)


def in_words(intervals: Iterable[WeeklyInterval]) -> str:
    """Mon–Fri 08:00–12:00; Sat, Sun 09:00–13:00: days with the same hours together."""
    days_of: dict[str, list[int]] = {}
    for weekday, group in groupby(joined(intervals), key=lambda one: one.weekday):
        hours = ", ".join(f"{clock_text(one.start_minute)}–{clock_text(one.end_minute)}" for one in group)
        days_of.setdefault(hours, []).append(weekday)
    return "; ".join(f"{_days(days)} {hours}" for hours, days in days_of.items())


def _days(weekdays: list[int]) -> str:
    """Mon, Wed–Fri: runs of three and more days by their ends."""
    runs: list[list[int]] = []
    for weekday in weekdays:
        if runs and weekday == runs[-1][-1] + 1:
            runs[-1].append(weekday)
        else:
            runs.append([weekday])
    return ", ".join(
        f"{WEEKDAYS[run[0]]}–{WEEKDAYS[run[-1]]}" if len(run) > 2 else ", ".join(WEEKDAYS[day] for day in run) for run in runs
    )


def days_in_words(first: date, last: date) -> str:
    """Wed 4 – Fri 20 Mar 2026: what both days share is said once."""
    end = f"{last:%a} {last.day} {last:%b %Y}"
    if first == last:
        return end
    start = f"{first:%a} {first.day}"
    if first.year != last.year:
        start += f" {first:%b %Y}"
    elif first.month != last.month:
        start += f" {first:%b}"
    return f"{start} – {end}"


def _minute(text: str) -> int:
    match = _TIME.fullmatch(text)
    if match is None or (minute := int(match[1]) * 60 + int(match[2])) > DAY_MINUTES:
        raise ValueError(f"{text!r} is no time of day")
    return minute
