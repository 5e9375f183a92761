"""The agreed cover behind recorded work: where a coordinator is assigned, for which service, when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.dialects.postgresql import Range

from staffing.care.models import Patient
from staffing.catalogue import SERVICE_BY_CODE
from staffing.errors import NotFound
from staffing.facilities.models import Facility
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.requests.models import StaffingRequest
from staffing.scheduling.models import Assignment, AssignmentState
from staffing.scheduling.reach import POST_NOTES, PRE_READ
from staffing.worklog.rules import Span


@dataclass(frozen=True, slots=True)
class Cover:
    """One window that a coordinator is confirmed for."""

    facility_id: UUID
    facility_name: str
    facility_initials: str
    facility_colour: int
    facility_zone: str
    service: str
    start: datetime
    end: datetime

    @property
    def service_name(self) -> str:
        return SERVICE_BY_CODE[self.service].name

    @property
    def span(self) -> Span:
        return Span(self.start, self.end)


async def own_cover(tx: Transaction, principal: Principal, span: Span) -> list[Cover]:
    """The coordinator's confirmed windows at all facilities that touch `span`, in order; of a window that they called off
    after it had begun, the part before.
    """
    start = func.lower(Assignment.during)
    worked = and_(Assignment.state == AssignmentState.CALLED_OFF, Assignment.ended_at > start, Assignment.ended_at >= span.start)
    end = func.least(func.upper(Assignment.during), Assignment.ended_at)
    rows = await tx.execute(
        select(
            Assignment.facility_id, Facility.name, Facility.initials, Facility.colour, Facility.time_zone,
            StaffingRequest.service, start, end,
        )
        .join(Facility, Facility.id == Assignment.facility_id)
        .join(StaffingRequest, StaffingRequest.id == Assignment.request_id)
        .where(
            Assignment.coordinator_id == principal.own_coordinator_id(),
            or_(Assignment.state == AssignmentState.CONFIRMED, worked),
            Assignment.during.overlaps(Range(span.start, span.end)),
        )
        .order_by(func.lower(Assignment.during))
    )  # fmt: skip
    return [Cover(*row) for row in rows]


async def cover_around(tx: Transaction, principal: Principal, at: datetime) -> list[Cover]:
    """The windows that let the coordinator work with patients at `at`: those running, about to begin or just over."""
    found = await own_cover(tx, principal, Span(at - POST_NOTES, at + PRE_READ))
    return [cover for cover in found if cover.facility_id in principal.care_facility_ids]


def place_for(covers: Sequence[Cover], facility_id: UUID, at: datetime, service: str | None = None) -> Cover:
    """The window that work at `facility_id` at `at` belongs to: of the asked service if one is asked, else the nearest in time.

    Raises `NotFound` where the coordinator has no such window: a facility or a service that is not theirs.
    """
    mine = [cover for cover in covers if cover.facility_id == facility_id and service in (None, cover.service)]
    if not mine:
        raise NotFound
    return min(mine, key=lambda cover: max(cover.start - at, at - cover.end))


async def facility_zone(tx: Transaction, facility_id: UUID) -> str:
    """The time zone of a facility that the caller knows. Raises `NotFound`."""
    zone: str | None = await tx.scalar(select(Facility.time_zone).where(Facility.id == facility_id))
    if zone is None:
        raise NotFound
    return zone


async def check_patient(tx: Transaction, principal: Principal, facility_id: UUID, patient_id: UUID) -> None:
    """Raise `NotFound` unless the patient belongs to this facility and the coordinator cares there now."""
    found = await tx.scalar(
        select(Patient.id).where(
            Patient.id == patient_id,
            Patient.facility_id == facility_id,
            Patient.facility_id.in_(principal.care_facility_ids),
        )
    )
    if found is None:
        raise NotFound
