"""Limits that count what is already assigned: minutes left in each local week, facilities left. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from matching.problem import Coordinator, ForbiddenPair, Interval, Request, Window
from staffing.roster.rules import week_of
from staffing.scheduling.facts import Booking

WeekMinutes = Mapping[date, int]
"""Minutes by the Monday of a coordinator's local week."""


def weeks_between(horizon: Interval, zone: str) -> list[date]:
    """The Mondays of the local weeks that the horizon touches."""
    monday, last = week_of(horizon.start, zone), week_of(horizon.end - timedelta(minutes=1), zone)
    return [monday + timedelta(days=7 * number) for number in range((last - monday).days // 7 + 1)]


def minutes_by_week(spans: Iterable[Interval | Window], zone: str) -> Counter[date]:
    """How long the spans are together in each local week; each belongs to the week it starts in."""
    minutes: Counter[date] = Counter()
    for span in spans:
        minutes[week_of(span.start, zone)] += (span.end - span.start) // timedelta(minutes=1)
    return minutes


def left_by_week(weekly_minutes: int, booked: Iterable[Booking], horizon: Interval, zone: str) -> dict[date, int]:
    """What each week of the horizon has left of `weekly_minutes`, never below 0."""
    taken = minutes_by_week((booking.during for booking in booked), zone)
    return {week: max(0, weekly_minutes - taken[week]) for week in weeks_between(horizon, zone)}


def facilities_left(
    max_facilities: int, booked: Iterable[Booking], horizon: Interval, zone: str
) -> tuple[int, frozenset[str] | None]:
    """(how many facilities a plan may use, the only ones it may use or None for any).

    Facilities served in the weeks of the horizon count. While there is room the rest may be used, a served one counting again;
    once there is none, only those already served.
    """
    weeks = set(weeks_between(horizon, zone))
    served = {str(one.facility_id) for one in booked if week_of(one.during.start, zone) in weeks}
    room = max_facilities - len(served)
    return (room, None) if room > 0 else (len(served), frozenset(served))


def barred_pairs(
    coordinators: Sequence[Coordinator], requests: Sequence[Request], only: Mapping[str, frozenset[str] | None]
) -> tuple[ForbiddenPair, ...]:
    """Pairs that cannot be because of the facilities that are already assigned."""
    return tuple(
        ForbiddenPair(person.id, request.id)
        for person in coordinators
        if (allowed := only[person.id]) is not None
        for request in requests
        if request.facility not in allowed
    )
