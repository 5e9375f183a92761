"""From rows to a planning problem. Pure: `facts.Facts` in, `matching.Problem` out, with what a week still allows beside it.

Ids in the problem are our own as text. A window that lacks several people in a request whose windows lack different numbers is
stated once per layer ("the first missing person", "the second"), as `<id>.2` from the second layer on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from math import gcd
from uuid import UUID

from matching.problem import Coordinator, Interval, Problem, Request, Window
from staffing.catalogue import STANDING_CREDENTIALS
from staffing.roster.rules import (
    SCREENING,
    CredentialStanding,
    available_intervals,
    credential_standing,
    valid_until,
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


@dataclass(frozen=True, slots=True)
class Stated:
    """A problem, and the minutes that each coordinator has left in each local week of it."""

    problem: Problem
    week_minutes: Mapping[str, WeekMinutes]


def state_problem(facts: Facts) -> Stated | None:
    """The problem of covering everything that is open; None when nothing is."""
    if not facts.requests:
        return None
    horizon = horizon_of(facts.at, (window.during for request in facts.requests for window in request.windows))
    requests = tuple(stated for request in facts.requests for stated in _requests(request))
    asked = frozenset(request.facility for request in requests)
    team = [person for person in facts.coordinators if _is_here(person, facts.at)]
    booked: dict[UUID, list[Booking]] = {person.id: [] for person in team}
    for booking in facts.bookings:
        booked.setdefault(booking.coordinator_id, []).append(booking)
    left = {
        str(person.id): left_by_week(person.weekly_cap_minutes, booked[person.id], horizon, person.time_zone) for person in team
    }
    facilities = {
        str(person.id): facilities_left(person.max_facilities, booked[person.id], horizon, person.time_zone) for person in team
    }
    coordinators = tuple(
        _coordinator(
            person,
            available=_available(person, booked[person.id], horizon),
            cap_minutes=sum(left[str(person.id)].values()),
            target_minutes=sum(left_by_week(person.weekly_target_minutes, booked[person.id], horizon, person.time_zone).values()),
            max_facilities=facilities[str(person.id)][0],
            context=_Context(facts.at, horizon, asked),
        )
        for person in team
    )
    only = {name: allowed for name, (_count, allowed) in facilities.items()}
    problem = Problem(
        horizon=horizon,
        coordinators=coordinators,
        requests=requests,
        slot_minutes=_slot(requests),
        forbidden=barred_pairs(coordinators, requests, left, only),
    )
    return Stated(problem, left)


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
    return UUID(problem_id.partition(".")[0])


def _requests(request: RequestFact) -> Iterable[Request]:
    for number, (heads, windows) in enumerate(layers(request.windows), start=1):
        suffix = f".{number}" if number > 1 else ""
        yield Request(
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
            headcount=heads,
            max_coordinators=_sharers(request),
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


def _coordinator(
    person: CoordinatorFact,
    *,
    available: tuple[Interval, ...],
    cap_minutes: int,
    target_minutes: int,
    max_facilities: int,
    context: _Context,
) -> Coordinator:
    asked, zone = context.asked, person.time_zone
    return Coordinator(
        id=str(person.id),
        services=person.services,
        available=available,
        cap_minutes=cap_minutes,
        target_minutes=target_minutes,
        max_facilities=max_facilities,
        pay_per_hour=_whole(person.pay_per_hour),
        time_zone=zone,
        languages=frozenset({*person.languages, ANY}),
        systems=frozenset({*person.ehr_systems, ANY}),
        credentials={
            credential.kind: valid_until(credential.expires_on, zone) or context.horizon.end + NEVER_ENDS
            for credential in person.credentials
        },
        known_facilities=frozenset({str(facility) for facility in person.oriented | person.served} & asked),
        excluded_facilities=frozenset({str(facility) for facility in person.excluded} & asked),
        work_country=person.work_country,
        licence_states=frozenset(person.licence_states),
        screened_until=None if _is_screened(person, context.at) else context.horizon.start,
        oriented_facilities=frozenset({str(facility) for facility in person.oriented} & asked),
    )


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
