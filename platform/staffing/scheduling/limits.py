"""Limits that count what is already assigned: minutes left in each local week, facilities left. Pure.

A problem has one cap for its whole horizon; the cap of the roster is per week. So the problem gets the sum of what the weeks have
left, pairs that break a week by themselves are barred from the start, and what a plan breaks together is found by `overruns`:
those pairs are barred and the search goes on.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from matching.problem import Assignment, Coordinator, ForbiddenPair, Interval, Problem, Request, Window
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
    coordinators: Sequence[Coordinator],
    requests: Sequence[Request],
    left: Mapping[str, WeekMinutes],
    only: Mapping[str, frozenset[str] | None],
) -> tuple[ForbiddenPair, ...]:
    """Pairs that cannot be because of what is already assigned."""
    pairs = []
    for person in coordinators:
        facilities = only[person.id]
        for request in requests:
            elsewhere = facilities is not None and request.facility not in facilities
            if elsewhere or (request.is_whole and not _fits(request, left[person.id], person.time_zone)):
                pairs.append(ForbiddenPair(person.id, request.id))
    return tuple(pairs)


def _fits(request: Request, left: WeekMinutes, zone: str) -> bool:
    # With one week only, the problem's own cap says it, in its own words.
    if len(left) < 2:
        return True
    return all(minutes <= left[week] for week, minutes in minutes_by_week(request.windows, zone).items())


def overruns(problem: Problem, left: Mapping[str, WeekMinutes], assignments: Iterable[Assignment]) -> tuple[ForbiddenPair, ...]:
    """The pairs to bar so that nobody is beyond the cap of any week; empty when nobody is.

    In a week that is too full the requests of the highest priority stay, the longer one first.
    """
    windows = {window.id: (request, window) for request in problem.requests for window in request.windows}
    people = {person.id: person for person in problem.coordinators}
    load: dict[tuple[str, date], Counter[str]] = {}
    for assignment in assignments:
        request, window = windows[assignment.window]
        week = week_of(window.start, people[assignment.coordinator].time_zone)
        minutes = (window.end - window.start) // timedelta(minutes=1)
        load.setdefault((assignment.coordinator, week), Counter())[request.id] += minutes
    priority = {request.id: request.priority for request in problem.requests}
    pairs: set[ForbiddenPair] = set()
    for (name, week), minutes_of in load.items():
        room = left[name][week]
        if sum(minutes_of.values()) <= room:
            continue
        for request_id, minutes in sorted(minutes_of.items(), key=lambda item: (-priority[item[0]], -item[1], item[0])):
            if minutes <= room:
                room -= minutes
            else:
                pairs.add(ForbiddenPair(name, request_id))
    return tuple(sorted(pairs))
