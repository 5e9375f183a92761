"""Reads about what coordinators are assigned to and where they are known, for the agency's pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import Range

from staffing.facilities.models import Facility
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.requests.models import StaffingRequest
from staffing.roster.models import FacilityExclusion, Orientation
from staffing.roster.rules import week_bounds, week_of
from staffing.scheduling.facts import interval_of
from staffing.scheduling.limits import minutes_by_week
from staffing.scheduling.models import Assignment, AssignmentState


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A facility a coordinator is oriented at (`on` says since when) or must not be sent to (`reason` says why)."""

    name: str
    colour: int
    on: date | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyRow:
    """An assignment of a coordinator."""

    start: datetime
    end: datetime
    facility: str
    facility_colour: int
    facility_zone: str
    service: str
    request_id: UUID
    reference: str


async def minutes_this_week(
    tx: Transaction, principal: Principal, people: Iterable[tuple[UUID, str]], at: datetime
) -> dict[UUID, int]:
    """Minutes that each coordinator, given with their zone, is assigned to in their local week around `at`."""
    principal.require(Permission.DESK_ROSTER_READ)
    zone_of = dict(people)
    around = Range(at - timedelta(days=8), at + timedelta(days=8))
    rows = await tx.execute(
        select(Assignment.coordinator_id, Assignment.during).where(
            Assignment.coordinator_id.in_(list(zone_of)),
            Assignment.state == AssignmentState.CONFIRMED,
            Assignment.during.overlaps(around),
        )
    )
    minutes = dict.fromkeys(zone_of, 0)
    for coordinator_id, during in rows:
        zone = zone_of[coordinator_id]
        minutes[coordinator_id] += minutes_by_week([interval_of(during)], zone)[week_of(at, zone)]
    return minutes


async def duties(tx: Transaction, principal: Principal, coordinator_id: UUID, zone: str, at: datetime) -> list[DutyRow]:
    """What a coordinator is assigned to in their local week around `at` and the one after it."""
    principal.require(Permission.DESK_ROSTER_READ)
    week = week_bounds(week_of(at, zone), zone)
    rows = await tx.execute(
        select(
            Assignment.during,
            Facility.name,
            Facility.colour,
            Facility.time_zone,
            StaffingRequest.service,
            StaffingRequest.id,
            StaffingRequest.reference,
        )
        .join(Facility, Facility.id == Assignment.facility_id)
        .join(StaffingRequest, StaffingRequest.id == Assignment.request_id)
        .where(
            Assignment.coordinator_id == coordinator_id,
            Assignment.state == AssignmentState.CONFIRMED,
            Assignment.during.overlaps(Range(week.start, week.end + timedelta(days=7))),
        )
        .order_by(func.lower(Assignment.during))
    )
    return [
        DutyRow(
            start=interval_of(during).start,
            end=interval_of(during).end,
            facility=facility,
            facility_colour=colour,
            facility_zone=facility_zone,
            service=service,
            request_id=request_id,
            reference=reference,
        )
        for during, facility, colour, facility_zone, service, request_id, reference in rows
    ]


async def oriented_at(tx: Transaction, principal: Principal, coordinator_id: UUID) -> list[PlaceRow]:
    """Facilities at which a coordinator is oriented: the warm bench."""
    principal.require(Permission.DESK_ROSTER_READ)
    rows = await tx.execute(
        select(Facility.name, Facility.colour, Orientation.oriented_on)
        .join(Facility, Facility.id == Orientation.facility_id)
        .where(Orientation.coordinator_id == coordinator_id)
        .order_by(Facility.name)
    )
    return [PlaceRow(name, colour, on=oriented_on) for name, colour, oriented_on in rows]


async def excluded_from(tx: Transaction, principal: Principal, coordinator_id: UUID) -> list[PlaceRow]:
    """Facilities to which a coordinator must not be sent, and why."""
    principal.require(Permission.DESK_ROSTER_READ)
    rows = await tx.execute(
        select(Facility.name, Facility.colour, FacilityExclusion.reason)
        .join(Facility, Facility.id == FacilityExclusion.facility_id)
        .where(FacilityExclusion.coordinator_id == coordinator_id)
        .order_by(Facility.name)
    )
    return [PlaceRow(name, colour, reason=reason) for name, colour, reason in rows]
