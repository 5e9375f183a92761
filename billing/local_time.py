"""Worked time cut where the facility's wall clock crosses a border. Instants in, instants out, no second lost or won.

The wall clock is what a person in the facility reads: on the night when clocks go back it shows 01:30 twice, and a
border at 01:30 is crossed each time; on the night when they go forward it jumps over 02:30, and a border there is
crossed at the jump. Lengths are always measured between instants.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_ONE_DAY = timedelta(days=1)
_ONE_SECOND = timedelta(seconds=1)


class UnknownTimeZone(ValueError):
    """There is no such time zone; the message names it."""


def zone_of(name: str) -> ZoneInfo:
    """The IANA time zone `name`, such as `America/Chicago`. Raises `UnknownTimeZone`."""
    try:
        if name and not name.startswith(("/", ".")):
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise UnknownTimeZone(f"{name!r} is not a time zone: write an IANA name such as America/Chicago.")


def pieces_between_borders(
    start: datetime, end: datetime, zone: ZoneInfo, borders: Iterable[time]
) -> list[tuple[datetime, datetime]]:
    """Cut `[start, end)` (UTC instants) at each of `borders` on the wall clock of `zone`, and where that clock changes.

    Between two cuts the wall clock runs evenly and crosses no border, so one look into a piece tells its kind.
    """
    cuts = {start, end, *(cut for cut in _border_instants(start, end, zone, tuple(sorted(borders))) if start < cut < end)}
    ordered = sorted(cuts)
    changes = [
        _clock_change(one, other, zone)
        for one, other in pairwise(ordered)
        if _offset(one, zone) != _offset(other - _ONE_SECOND, zone)
    ]
    ordered = sorted({*ordered, *changes})
    return list(pairwise(ordered))


def months_after(day: date, months: int) -> date:
    """The same day of the month, `months` later; the month's last day where it has no such day (31 January + 1: 28 February)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _border_instants(start: datetime, end: datetime, zone: ZoneInfo, borders: tuple[time, ...]) -> Iterable[datetime]:
    day = start.astimezone(zone).date() - _ONE_DAY
    last = end.astimezone(zone).date() + _ONE_DAY
    while day <= last:
        yield from _borders_of_day(day, zone, borders)
        day += _ONE_DAY


# A month of one facility asks for the same few days again with every entry.
@lru_cache(maxsize=2048)
def _borders_of_day(day: date, zone: ZoneInfo, borders: tuple[time, ...]) -> tuple[datetime, ...]:
    return tuple(
        datetime.combine(day, border.replace(fold=fold), tzinfo=zone).astimezone(UTC) for border in borders for fold in (0, 1)
    )


def _clock_change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first whole second in `(before, after)` that has another offset from UTC than `before`."""
    offset = _offset(before, zone)
    low, high = 0, int((after - before) / _ONE_SECOND)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(before + middle * _ONE_SECOND, zone) == offset:
            low = middle
        else:
            high = middle
    return before + high * _ONE_SECOND


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta | None:
    return instant.astimezone(zone).utcoffset()
