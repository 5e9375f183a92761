"""When a coordinator can work and how long their papers last. Pure: days, instants and zones in, instants out.

A weekly rule is wall time in the coordinator's own zone, so each local day is worked out on its own: 09:00 stays 09:00 when the
clocks change.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from matching.problem import Interval
from staffing.wall_clock import local_day, readings, start_of_day

MIDNIGHTS = (time(0), time(23, 59))
"""Ends of a weekly interval that mean the midnight which ends the day: a `time` cannot say 24:00, and people write 23:59."""
EXPIRING_DAYS = 30
"""A credential that ends within this many days is worth a reminder."""
SCREENING_DAYS = 31
"""An exclusion screening (LEIE, SAM, state) is repeated monthly; nobody is assigned on an older one."""
SCREENING_NOTICE_DAYS = 5
SCREENING = "exclusion_screening"


class CredentialStanding(StrEnum):
    """Where a verified credential stands on a day."""

    VERIFIED = "verified"
    EXPIRING = "expiring"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """Hours of every week in a coordinator's own zone: `weekday` 0 is Monday; they never cross midnight (see `MIDNIGHTS`)."""

    weekday: int
    starts: time
    ends: time


def available_intervals(
    weekly: Sequence[WeeklyHours], away: Iterable[Interval], zone: str, first: date, last: date
) -> tuple[Interval, ...]:
    """The instants at which somebody with these weekly hours can work on the local days `first` to `last`, time off taken out."""
    place = ZoneInfo(zone)
    found: list[Interval] = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        spans = (_on_day(rule, day, place) for rule in weekly if rule.weekday == day.weekday())
        found.extend(span for span in spans if span is not None)
    return without(joined(found), away)


def _on_day(rule: WeeklyHours, day: date, place: ZoneInfo) -> Interval | None:
    end_day, end_time = (day + timedelta(days=1), time(0)) if rule.ends in MIDNIGHTS else (day, rule.ends)
    # A wall time that comes twice or never on the day of a clock change is not guessed: what both readings allow is offered.
    start = max(readings(datetime.combine(day, rule.starts), place))
    end = min(readings(datetime.combine(end_day, end_time), place))
    return Interval(start, end) if start < end else None


def joined(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """The same time with touching and overlapping intervals made one, in order."""
    result: list[Interval] = []
    for interval in sorted(intervals, key=lambda one: (one.start, one.end)):
        if result and interval.start <= result[-1].end:
            result[-1] = Interval(result[-1].start, max(result[-1].end, interval.end))
        else:
            result.append(interval)
    return tuple(result)


def without(intervals: Iterable[Interval], taken: Iterable[Interval]) -> tuple[Interval, ...]:
    """What is left of `intervals` once `taken` is cut out."""
    left = list(joined(intervals))
    for cut in joined(taken):
        left = [piece for interval in left for piece in _cut(interval, cut)]
    return tuple(left)


def _cut(interval: Interval, cut: Interval) -> list[Interval]:
    if cut.end <= interval.start or cut.start >= interval.end:
        return [interval]
    pieces = (Interval(interval.start, cut.start), Interval(cut.end, interval.end))
    return [piece for piece in pieces if piece.start < piece.end]


def within(intervals: Iterable[Interval], bounds: Interval) -> tuple[Interval, ...]:
    """The part of `intervals` that lies in `bounds`."""
    cut = (Interval(max(one.start, bounds.start), min(one.end, bounds.end)) for one in intervals)
    return tuple(one for one in cut if one.start < one.end)


def valid_until(expires_on: date | None, zone: str) -> datetime | None:
    """The instant at which a credential ends: the end of its last day where the coordinator lives. None: it does not expire."""
    if expires_on is None:
        return None
    return start_of_day(expires_on + timedelta(days=1), zone)


def week_of(instant: datetime, zone: str) -> date:
    """The Monday of the local week. A stretch of work belongs to the week it starts in."""
    day = local_day(instant, zone)
    return day - timedelta(days=day.weekday())


def week_bounds(monday: date, zone: str) -> Interval:
    """The local week that begins on `monday`."""
    return Interval(start_of_day(monday, zone), start_of_day(monday + timedelta(days=7), zone))


def standing_of(expires_on: date | None, today: date, *, notice_days: int = EXPIRING_DAYS) -> CredentialStanding:
    """Where a credential stands on a coordinator's own day. Its last day still counts."""
    if expires_on is None or expires_on > today + timedelta(days=notice_days):
        return CredentialStanding.VERIFIED
    return CredentialStanding.EXPIRED if expires_on < today else CredentialStanding.EXPIRING


def last_day(kind: str, expires_on: date | None, verified_on: date) -> date | None:
    """The last day on which a credential counts; a screening counts for `SCREENING_DAYS`, whatever end was written down."""
    if kind != SCREENING:
        return expires_on
    repeated = verified_on + timedelta(days=SCREENING_DAYS)
    return repeated if expires_on is None else min(expires_on, repeated)


def credential_standing(kind: str, expires_on: date | None, verified_on: date, today: date) -> CredentialStanding:
    """Where a credential of this kind stands. The monthly screening is worth a reminder only in its last days."""
    notice = SCREENING_NOTICE_DAYS if kind == SCREENING else EXPIRING_DAYS
    return standing_of(last_day(kind, expires_on, verified_on), today, notice_days=notice)
