"""Reading what the planner needs: a fixed number of queries, whatever the size."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, true
from sqlalchemy.dialects.postgresql import Range

from staffing.facilities.models import Facility, OffshorePolicy, RateCard, ServiceRate
from staffing.persistence.transactions import Transaction
from staffing.requests.models import CoverageWindow, RequestState, StaffingRequest
from staffing.roster.models import (
    AvailabilityRule,
    Coordinator,
    CoordinatorService,
    Credential,
    FacilityExclusion,
    Orientation,
    PayRate,
    TimeOff,
)
from staffing.roster.rules import WeeklyHours
from staffing.scheduling.facts import Booking, CoordinatorFact, CredentialFact, Facts, RequestFact, WindowFact, interval_of
from staffing.scheduling.models import Assignment, AssignmentState
from staffing.scheduling.problem import LONGEST_HORIZON, STILL_WORTH_IT
from staffing.wall_clock import local_day

_WEEK_AROUND = timedelta(days=8)
"""Weeks that the horizon cuts are counted whole, in every zone."""


async def load_facts(tx: Transaction, at: datetime, facility_ids: Collection[UUID] = ()) -> Facts:
    """Everything that planning from `at` depends on; with `facility_ids` for the requests of these facilities alone."""
    return Facts(
        at=at,
        requests=await open_requests(tx, at, facility_ids),
        coordinators=await _coordinators(tx, at),
        bookings=await _bookings(tx, at),
    )


async def open_requests(tx: Transaction, at: datetime, facility_ids: Collection[UUID] = ()) -> tuple[RequestFact, ...]:
    """Open requests, of these facilities or of all, with the windows of the next four weeks that still lack somebody."""
    filled = (
        select(Assignment.window_id, func.count().label("heads"))
        .where(Assignment.state == AssignmentState.CONFIRMED)
        .group_by(Assignment.window_id)
        .subquery()
    )
    missing = CoverageWindow.headcount - func.coalesce(filled.c.heads, 0)
    rows = await tx.execute(
        select(StaffingRequest, Facility, CoverageWindow.id, CoverageWindow.during, missing)
        .join(Facility, Facility.id == StaffingRequest.facility_id)
        .join(CoverageWindow, CoverageWindow.request_id == StaffingRequest.id)
        .outerjoin(filled, filled.c.window_id == CoverageWindow.id)
        .where(
            StaffingRequest.state == RequestState.OPEN,
            CoverageWindow.cancelled.is_(False),
            func.upper(CoverageWindow.during) >= at + STILL_WORTH_IT,
            func.upper(CoverageWindow.during) <= at + LONGEST_HORIZON,
            missing > 0,
            StaffingRequest.facility_id.in_(list(facility_ids)) if facility_ids else true(),
        )
        .order_by(StaffingRequest.reference, func.lower(CoverageWindow.during))
    )
    windows: dict[UUID, list[WindowFact]] = defaultdict(list)
    heads: dict[UUID, tuple[StaffingRequest, Facility]] = {}
    for request, facility, window_id, during, lacks in rows:
        heads[request.id] = (request, facility)
        windows[request.id].append(WindowFact(window_id, interval_of(during), lacks))
    people = await _people_on(tx, heads)
    rates = await _bill_rates(tx, {facility.id for _request, facility in heads.values()})
    return tuple(
        _request_fact(request, facility, tuple(windows[request.id]), people.get(request.id, 0), rates)
        for request, facility in heads.values()
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


def rate_on(dated: Iterable[tuple[date, Decimal]], day: date) -> Decimal | None:
    """The rate in force on a day, of rates in order of their first day; None before the first."""
    return next((rate for valid_from, rate in reversed(list(dated)) if valid_from <= day), None)


async def _people_on(tx: Transaction, request_ids: Iterable[UUID]) -> dict[UUID, int]:
    rows = await tx.execute(
        select(Assignment.request_id, func.count(Assignment.coordinator_id.distinct()))
        .where(Assignment.request_id.in_(list(request_ids)), Assignment.state == AssignmentState.CONFIRMED)
        .group_by(Assignment.request_id)
    )
    return {row[0]: row[1] for row in rows}


async def _bookings(tx: Transaction, at: datetime) -> tuple[Booking, ...]:
    around = Range(at - _WEEK_AROUND, at + LONGEST_HORIZON + _WEEK_AROUND)
    rows = await tx.execute(
        select(Assignment.coordinator_id, Assignment.facility_id, Assignment.during)
        .where(Assignment.state == AssignmentState.CONFIRMED, Assignment.during.overlaps(around))
        .order_by(Assignment.coordinator_id, func.lower(Assignment.during))
    )
    return tuple(Booking(coordinator_id, facility_id, interval_of(during)) for coordinator_id, facility_id, during in rows)


@dataclass(frozen=True, slots=True)
class _About:
    """What other tables say about coordinators, by their id."""

    services: "_Rows"
    credentials: "_Rows"
    weekly: "_Rows"
    away: "_Rows"
    pay: "_Rows"
    oriented: "_Rows"
    excluded: "_Rows"
    served: "_Rows"


async def _coordinators(tx: Transaction, at: datetime) -> tuple[CoordinatorFact, ...]:
    people = (await tx.scalars(select(Coordinator).order_by(Coordinator.reference))).all()
    rule, live = AvailabilityRule, Assignment.state == AssignmentState.CONFIRMED
    owner, papers = CoordinatorService.coordinator_id, Credential.coordinator_id
    hours = select(rule.coordinator_id, rule.weekday, rule.starts_at_time, rule.ends_at_time)
    paid = select(PayRate.coordinator_id, PayRate.valid_from, PayRate.pay_per_hour)
    served = select(Assignment.coordinator_id, Assignment.facility_id).where(live, func.lower(Assignment.during) < at)
    about = _About(
        services=await _grouped(tx, select(owner, CoordinatorService.service, CoordinatorService.level)),
        credentials=await _grouped(tx, select(papers, Credential.kind, Credential.expires_on, Credential.verified_on)),
        weekly=await _grouped(tx, hours.order_by(rule.weekday, rule.starts_at_time)),
        away=await _grouped(tx, select(TimeOff.coordinator_id, TimeOff.during).where(func.upper(TimeOff.during) > at)),
        pay=await _grouped(tx, paid.order_by(PayRate.valid_from)),
        oriented=await _grouped(tx, select(Orientation.coordinator_id, Orientation.facility_id)),
        excluded=await _grouped(tx, select(FacilityExclusion.coordinator_id, FacilityExclusion.facility_id)),
        served=await _grouped(tx, served.distinct()),
    )
    return tuple(_coordinator_fact(person, about, at) for person in people)


def _coordinator_fact(person: Coordinator, about: _About, at: datetime) -> CoordinatorFact:
    return CoordinatorFact(
        id=person.id,
        reference=person.reference,
        name=person.name,
        work_country=person.work_country,
        time_zone=person.time_zone,
        languages=tuple(person.languages),
        ehr_systems=tuple(person.ehr_systems),
        licence_states=tuple(person.licence_states),
        weekly_cap_minutes=person.weekly_cap_minutes,
        weekly_target_minutes=person.weekly_target_minutes,
        max_facilities=person.max_facilities,
        joined_on=person.joined_on,
        left_on=person.left_on,
        services=dict(about.services[person.id]),
        credentials=tuple(
            CredentialFact(kind=kind, expires_on=expires_on, verified_on=verified_on)
            for kind, expires_on, verified_on in sorted(about.credentials[person.id])
        ),
        weekly=tuple(WeeklyHours(*rule) for rule in about.weekly[person.id]),
        away=tuple(interval_of(during) for (during,) in about.away[person.id]),
        pay_per_hour=rate_on(about.pay[person.id], local_day(at, person.time_zone)),
        oriented=frozenset(facility_id for (facility_id,) in about.oriented[person.id]),
        served=frozenset(facility_id for (facility_id,) in about.served[person.id]),
        excluded=frozenset(facility_id for (facility_id,) in about.excluded[person.id]),
    )


_Rows = dict[UUID, list[tuple[Any, ...]]]


async def _grouped(tx: Transaction, statement: Any) -> _Rows:
    """Rows by their first column, a coordinator."""
    grouped: _Rows = defaultdict(list)
    for coordinator_id, *values in await tx.execute(statement):
        grouped[coordinator_id].append(tuple(values))
    return grouped
