"""Reading what the planner needs: a fixed number of queries, whatever the size."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, or_, select, true
from sqlalchemy.dialects.postgresql import Range

from matching.problem import Interval
from staffing.facilities.models import Facility, OffshorePolicy, RateCard, ServiceRate
from staffing.facilities.pausing import paused_ids
from staffing.persistence.transactions import Transaction
from staffing.requests.models import CoverageWindow, RequestState, StaffingRequest
from staffing.scheduling.facts import (
    Booking,
    Facts,
    Held,
    RequestFact,
    WindowFact,
    interval_of,
)
from staffing.scheduling.loading_people import coordinators
from staffing.scheduling.models import Assignment, AssignmentState
from staffing.scheduling.problem import LONGEST_HORIZON, STILL_WORTH_IT, remaining
from staffing.scheduling.rates import rate_on
from staffing.wall_clock import local_day

_WEEK_AROUND = timedelta(days=8)
"""Weeks that the horizon cuts are counted whole, in every zone."""


async def load_facts(tx: Transaction, at: datetime, facility_ids: Collection[UUID] = ()) -> Facts:
    """Everything that planning from `at` depends on; with `facility_ids` for the requests of these facilities alone."""
    return Facts(
        at=at,
        requests=await open_requests(tx, at, facility_ids),
        coordinators=await coordinators(tx, at),
        bookings=tuple(booking for _id, booking in await _bookings(tx, at)),
    )


async def load_running(
    tx: Transaction,
    at: datetime,
    *,
    until: datetime | None = None,
    facility_ids: Collection[UUID] = (),
    with_paused: bool = False,
) -> Facts:
    """As `load_facts`, with what is assigned ahead and ends by `until` (None: in the next four weeks) to be planned anew.

    What is assigned at a paused facility stays as it is; with `with_paused` it may be given to somebody else.
    """
    latest = until or at + LONGEST_HORIZON
    requests = await open_requests(tx, at, facility_ids, until=latest, covered=True, with_paused=with_paused)
    held = await _held(tx, at, [window.id for request in requests for window in request.windows])
    movable = {one.assignment_id for one in held}
    return Facts(
        at=at,
        requests=requests,
        coordinators=await coordinators(tx, at),
        bookings=tuple(booking for assignment_id, booking in await _bookings(tx, at) if assignment_id not in movable),
        held=held,
    )


async def open_requests(
    tx: Transaction,
    at: datetime,
    facility_ids: Collection[UUID] = (),
    *,
    until: datetime | None = None,
    covered: bool = False,
    with_paused: bool = False,
) -> tuple[RequestFact, ...]:
    """Open requests, of these facilities or of all, with the windows of the next four weeks that still lack somebody; with
    `covered` also those that lack nobody. Of a window that is under way, what is left of it. Facilities that are paused because
    they have not paid are left out unless `with_paused`.
    """
    latest = at + LONGEST_HORIZON if until is None else min(until, at + LONGEST_HORIZON)
    rows = await tx.execute(_windows_ahead(at, latest, facility_ids, covered=covered, with_paused=with_paused))
    windows: dict[UUID, list[WindowFact]] = defaultdict(list)
    heads: dict[UUID, tuple[StaffingRequest, Facility]] = {}
    for request, facility, window_id, during, lacks in rows:
        heads[request.id] = (request, facility)
        windows[request.id].append(WindowFact(window_id, remaining(interval_of(during), at), lacks))
    people = await _people_on(tx, heads)
    rates = await _bill_rates(tx, {facility.id for _request, facility in heads.values()})
    return tuple(
        _request_fact(request, facility, tuple(windows[request.id]), people.get(request.id, 0), rates)
        for request, facility in heads.values()
    )


def _windows_ahead(at: datetime, latest: datetime, facility_ids: Collection[UUID], *, covered: bool, with_paused: bool) -> Any:
    """SQL: windows of open requests that end by `latest`, with their request, facility and how many they lack."""
    filled = (
        select(Assignment.window_id, func.count().label("heads"))
        .where(Assignment.state == AssignmentState.CONFIRMED)
        .group_by(Assignment.window_id)
        .subquery()
    )
    missing = CoverageWindow.headcount - func.coalesce(filled.c.heads, 0)
    return (
        select(StaffingRequest, Facility, CoverageWindow.id, CoverageWindow.during, missing)
        .join(Facility, Facility.id == StaffingRequest.facility_id)
        .join(CoverageWindow, CoverageWindow.request_id == StaffingRequest.id)
        .outerjoin(filled, filled.c.window_id == CoverageWindow.id)
        .where(
            StaffingRequest.state == RequestState.OPEN,
            CoverageWindow.cancelled.is_(False),
            func.upper(CoverageWindow.during) >= at + STILL_WORTH_IT,
            func.upper(CoverageWindow.during) <= latest,
            true() if covered else missing > 0,
            StaffingRequest.facility_id.in_(list(facility_ids)) if facility_ids else true(),
            true() if with_paused else StaffingRequest.facility_id.not_in(paused_ids()),
        )
        .order_by(StaffingRequest.reference, func.lower(CoverageWindow.during))
    )


def _request_fact(
    request: StaffingRequest, facility: Facility, windows: tuple[WindowFact, ...], people: int, rates: "_Rates"
) -> RequestFact:
    first_day = local_day(windows[0].during.start, facility.time_zone)
    return RequestFact(
        id=request.id,
        reference=request.reference,
        facility_id=facility.id,
        facility=facility.name,
        facility_zone=facility.time_zone,
        facility_state=facility.state,
        offshore_allowed=facility.offshore_policy == OffshorePolicy.ALLOWED,
        service=request.service,
        level=request.level,
        language=request.language,
        ehr_system=request.ehr_system,
        skills=tuple(request.skills),
        priority=request.priority,
        headcount=request.headcount,
        max_coordinators=request.max_coordinators,
        bill_per_hour=rate_on(rates.get((facility.id, request.service), ()), first_day),
        windows=windows,
        people=people,
        facility_colour=facility.colour,
    )


_Rates = dict[tuple[UUID, str], list[tuple[date, Decimal]]]


async def _bill_rates(tx: Transaction, facility_ids: Iterable[UUID]) -> _Rates:
    rows = await tx.execute(
        select(RateCard.facility_id, ServiceRate.service, RateCard.valid_from, ServiceRate.bill_per_hour)
        .join(ServiceRate, ServiceRate.rate_card_id == RateCard.id)
        .where(RateCard.facility_id.in_(list(facility_ids)))
        .order_by(RateCard.valid_from)
    )
    rates: _Rates = defaultdict(list)
    for facility_id, service, valid_from, bill in rows:
        rates[facility_id, service].append((valid_from, bill))
    return rates


async def _people_on(tx: Transaction, request_ids: Iterable[UUID]) -> dict[UUID, int]:
    rows = await tx.execute(
        select(Assignment.request_id, func.count(Assignment.coordinator_id.distinct()))
        .where(Assignment.request_id.in_(list(request_ids)), Assignment.state == AssignmentState.CONFIRMED)
        .group_by(Assignment.request_id)
    )
    return {row[0]: row[1] for row in rows}


async def _bookings(tx: Transaction, at: datetime) -> list[tuple[UUID, Booking]]:
    """What people are assigned to around now, with the part that they worked of what they called off."""
    around = Range(at - _WEEK_AROUND, at + LONGEST_HORIZON + _WEEK_AROUND)
    start = func.lower(Assignment.during)
    worked = and_(Assignment.state == AssignmentState.CALLED_OFF, Assignment.ended_at > start)
    rows = await tx.execute(
        select(
            Assignment.id,
            Assignment.coordinator_id,
            Assignment.facility_id,
            Assignment.during,
            Assignment.state,
            Assignment.ended_at,
        )
        .where(or_(Assignment.state == AssignmentState.CONFIRMED, worked), Assignment.during.overlaps(around))
        .order_by(Assignment.coordinator_id, start)
    )
    return [
        (assignment_id, Booking(coordinator_id, facility_id, served(during, state, ended_at)))
        for assignment_id, coordinator_id, facility_id, during, state, ended_at in rows
    ]


def served(during: Range[datetime], state: str, ended_at: datetime | None) -> Interval:
    """The time of an assignment: of one that was called off, what came before."""
    whole = interval_of(during)
    if state == AssignmentState.CALLED_OFF and ended_at is not None:
        return Interval(whole.start, min(whole.end, ended_at))
    return whole


async def _held(tx: Transaction, at: datetime, window_ids: list[UUID]) -> tuple[Held, ...]:
    """Who is assigned to these windows and has not begun."""
    rows = await tx.execute(
        select(Assignment.id, Assignment.coordinator_id, Assignment.request_id, Assignment.window_id, Assignment.during)
        .where(
            Assignment.window_id.in_(window_ids),
            Assignment.state == AssignmentState.CONFIRMED,
            func.lower(Assignment.during) > at,
        )
        .order_by(Assignment.id)
    )
    return tuple(Held(row[0], row[1], row[2], row[3], interval_of(row[4])) for row in rows)
