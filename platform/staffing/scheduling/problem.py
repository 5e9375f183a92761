"""From rows to a planning problem. Pure: `facts.Facts` in, `matching.Problem` out.

Ids in the problem are our own as text. A window that lacks several people in a request whose windows lack different numbers is
stated once per layer ("the first missing person", "the second"), as `<id>.2` from the second layer on. A window that somebody
holds in a request for one person throughout is stated with its holder, as `<id>@<coordinator>` (see `running`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from math import gcd
from uuid import UUID

from matching.problem import Coordinator, Interval, Limit, Problem, Request, Window
from staffing.catalogue import STANDING_CREDENTIALS
from staffing.roster.rules import (
    SCREENING,
    CredentialStanding,
    available_intervals,
    credential_standing,
    valid_until,
    week_bounds,
    within,
    without,
)
from staffing.scheduling.facts import Booking, CoordinatorFact, Facts, RequestFact, WindowFact
from staffing.scheduling.limits import WeekMinutes, barred_pairs, facilities_left, left_by_week
from staffing.wall_clock import local_day

LONGEST_HORIZON = timedelta(days=28)
STILL_WORTH_IT = timedelta(minutes=30)
"""A window that is under way is planned while at least this much of it is left."""
QUARTER = 15
ANY = "any"
"""Stands for a language or system that a request does not ask for; everybody has it."""
LICENSED_SKILL = "nursing_licence"
"""Work that needs a nursing licence needs it for the state of the facility's patients."""
NEVER_ENDS = timedelta(days=366)
STANDING = frozenset(STANDING_CREDENTIALS) - {SCREENING}
"""Credentials asked of everybody to the end of the work. The screening is repeated monthly, so it has a rule of its own."""


def state_problem(facts: Facts) -> Problem | None:
    """The problem of covering everything that is open; None when nothing is."""
    requests = tuple(stated for request in facts.requests for stated in open_layers(request))
    return posed(facts, requests, facts.bookings) if requests else None


def posed(facts: Facts, requests: tuple[Request, ...], bookings: Iterable[Booking]) -> Problem:
    """The problem of these requests, for everybody who is with us, beside what they are booked for."""
    horizon = horizon_of(facts.at, (Interval(window.start, window.end) for one in requests for window in one.windows))
    team = [person for person in facts.coordinators if _is_here(person, facts.at)]
    booked: dict[UUID, list[Booking]] = {person.id: [] for person in team}
    for booking in bookings:
        booked.setdefault(booking.coordinator_id, []).append(booking)
    context = _Context(facts.at, horizon, frozenset(request.facility for request in requests))
    stated = [_coordinator(person, booked[person.id], context) for person in team]
    coordinators = tuple(person for person, _only in stated)
    return Problem(
        horizon=horizon,
        coordinators=coordinators,
        requests=requests,
        slot_minutes=_slot(requests),
        forbidden=barred_pairs(coordinators, requests, {person.id: only for person, only in stated}),
    )


def remaining(during: Interval, at: datetime) -> Interval:
    """What is left of a window at an instant: of one that is under way, the part from the next quarter of an hour on."""
    if during.start >= at:
        return during
    quarter = timedelta(minutes=QUARTER)
    hour = at.replace(minute=0, second=0, microsecond=0)
    start = hour + quarter * -((hour - at) // quarter)
    return Interval(min(start, during.end), during.end)


@dataclass(frozen=True, slots=True)
class _Context:
    at: datetime
    horizon: Interval
    asked: frozenset[str]


def _is_here(person: CoordinatorFact, at: datetime) -> bool:
    return person.left_on is None or person.left_on >= local_day(at, person.time_zone)


def horizon_of(at: datetime, windows: Iterable[Interval]) -> Interval:
    """From now, or the start of a window under way, to the end of the last window; on whole minutes."""
    spans = list(windows)
    now = at.replace(second=0, microsecond=0)
    return Interval(min([now, *(span.start for span in spans)]), max(span.end for span in spans))


def window_of(problem_id: str) -> UUID:
    """The window that an id of the problem stands for."""
    return UUID(re.split("[.@]", problem_id, maxsplit=1)[0])


def open_layers(request: RequestFact) -> Iterable[Request]:
    """What a request still lacks, one request of the problem for each layer."""
    for number, (heads, windows) in enumerate(layers(request.windows), start=1):
        suffix = f".{number}" if number > 1 else ""
        yield stated_request(request, suffix, windows, headcount=heads, sharers=_sharers(request))


def stated_request(request: RequestFact, suffix: str, windows: Iterable[WindowFact], *, headcount: int, sharers: int) -> Request:
    """Some windows of a request as one of the problem. `suffix` goes to its id and to theirs."""
    return Request(
        id=f"{request.id}{suffix}",
        facility=str(request.facility_id),
        time_zone=request.facility_zone,
        service=request.service,
        level=request.level,
        language=request.language or ANY,
        system=request.ehr_system or ANY,
        credentials=frozenset({*request.skills, *STANDING}),
        priority=request.priority,
        bill_per_hour=_whole(request.bill_per_hour),
        headcount=headcount,
        max_coordinators=sharers,
        windows=tuple(Window(f"{window.id}{suffix}", window.during.start, window.during.end) for window in windows),
        offshore_allowed=request.offshore_allowed,
        licence_state=request.facility_state if LICENSED_SKILL in request.skills else None,
    )


def layers(windows: Iterable[WindowFact]) -> list[tuple[int, tuple[WindowFact, ...]]]:
    """(heads, windows): first the windows that lack anybody, then those that lack a second person, and so on.

    Equal layers are one with more heads, so a request that nobody covers yet is one layer with its whole headcount.
    """
    ordered = sorted(windows, key=lambda window: (window.during.start, str(window.id)))
    result: list[tuple[int, tuple[WindowFact, ...]]] = []
    for depth in range(1, max((window.missing for window in ordered), default=0) + 1):
        layer = tuple(window for window in ordered if window.missing >= depth)
        if result and result[-1][1] == layer:
            result[-1] = (result[-1][0] + 1, layer)
        else:
            result.append((1, layer))
    return result


def _sharers(request: RequestFact) -> int:
    """How many people may share each missing head, those already there counted."""
    missing = max(window.missing for window in request.windows)
    room = request.max_coordinators * request.headcount - request.people
    return max(1, min(request.max_coordinators, room // missing))


def _coordinator(person: CoordinatorFact, booked: list[Booking], context: _Context) -> tuple[Coordinator, frozenset[str] | None]:
    """Somebody as the problem has them, and the only facilities they may serve beside what they are booked for (None: any)."""
    asked, zone, horizon = context.asked, person.time_zone, context.horizon
    left = left_by_week(person.weekly_cap_minutes, booked, horizon, zone)
    most, only = facilities_left(person.max_facilities, booked, horizon, zone)
    stated = Coordinator(
        id=str(person.id),
        services=person.services,
        available=_available(person, booked, horizon),
        cap_minutes=sum(left.values()),
        limits=_limits(left, zone),
        target_minutes=sum(left_by_week(person.weekly_target_minutes, booked, horizon, zone).values()),
        max_facilities=most,
        pay_per_hour=_whole(person.pay_per_hour),
        time_zone=zone,
        languages=frozenset({*person.languages, ANY}),
        systems=frozenset({*person.ehr_systems, ANY}),
        credentials={
            credential.kind: valid_until(credential.expires_on, zone) or horizon.end + NEVER_ENDS
            for credential in person.credentials
        },
        known_facilities=frozenset({str(facility) for facility in person.oriented | person.served} & asked),
        excluded_facilities=frozenset({str(facility) for facility in person.excluded} & asked),
        work_country=person.work_country,
        licence_states=frozenset(person.licence_states),
        screened_until=None if _is_screened(person, context.at) else horizon.start,
        oriented_facilities=frozenset({str(facility) for facility in person.oriented} & asked),
    )
    return stated, only


def _limits(left: WeekMinutes, zone: str) -> tuple[Limit, ...]:
    """A cap for each week; with one week only, the cap of the whole horizon says it."""
    return tuple(Limit(week_bounds(week, zone), minutes) for week, minutes in left.items()) if len(left) > 1 else ()


def _is_screened(person: CoordinatorFact, at: datetime) -> bool:
    """Whether the last exclusion screening counts today: the next one comes before work that is further out."""
    today = local_day(at, person.time_zone)
    screenings = [one for one in person.credentials if one.kind == SCREENING]
    standings = [credential_standing(one.kind, one.expires_on, one.verified_on, today) for one in screenings]
    return any(standing is not CredentialStanding.EXPIRED for standing in standings)


def _available(person: CoordinatorFact, booked: list[Booking], horizon: Interval) -> tuple[Interval, ...]:
    """The weekly hours of each local day in the horizon on which they are with us, without time off and other assignments."""
    zone = person.time_zone
    first = max(local_day(horizon.start, zone), person.joined_on)
    last = local_day(horizon.end, zone)
    if person.left_on is not None:
        last = min(last, person.left_on)
    free = available_intervals(person.weekly, person.away, zone, first, last)
    return within(without(free, (booking.during for booking in booked)), horizon)


def _whole(rate: Decimal | None) -> int:
    """Money per hour as the solver weighs it: whole units, half up. Pages reckon with the exact rates."""
    return int((rate or Decimal(0)).quantize(Decimal(1), ROUND_HALF_UP))


def _slot(requests: Iterable[Request]) -> int:
    """A quarter of an hour, or the longest stretch that measures every window."""
    lengths = ((window.end - window.start) // timedelta(minutes=1) for request in requests for window in request.windows)
    return gcd(QUARTER, *lengths)
