"""What people are assigned to ahead: a coordinator's own schedule, and what the agency can record a call-off of."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import Range

from staffing import clock
from staffing.facilities.models import Facility
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.requests.models import StaffingRequest
from staffing.roster.models import Coordinator
from staffing.scheduling.models import Assignment, AssignmentState
from staffing.scheduling.problem import LONGEST_HORIZON


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyAhead:
    """An assignment ahead or under way. Only a confirmed one can be called off."""

    id: UUID
    state: AssignmentState
    coordinator_id: UUID
    coordinator: str
    coordinator_zone: str
    start: datetime
    end: datetime
    facility: str
    facility_colour: int
    facility_zone: str
    service: str


async def duties_ahead(
    tx: Transaction, principal: Principal, coordinator_id: UUID | None = None, *, until: datetime | None = None
) -> list[DutyAhead]:
    """Assignments that have not ended, the soonest first: for the agency anybody's; a coordinator's own, with those that
    they called off.
    """
    states = [AssignmentState.CONFIRMED.value]
    if principal.of_agency:
        principal.require(Permission.DESK_ROSTER_READ)
    else:
        principal.require(Permission.WORKSPACE_SCHEDULE_READ)
        coordinator_id = principal.own_coordinator_id()
        states.append(AssignmentState.CALLED_OFF.value)
    now = clock.now()
    query = (
        select(
            Assignment.id,
            Assignment.state,
            Assignment.coordinator_id,
            Coordinator.name.label("coordinator"),
            Coordinator.time_zone.label("coordinator_zone"),
            func.lower(Assignment.during).label("start"),
            func.upper(Assignment.during).label("end"),
            Facility.name.label("facility"),
            Facility.colour.label("facility_colour"),
            Facility.time_zone.label("facility_zone"),
            StaffingRequest.service,
        )
        .join(Coordinator, Coordinator.id == Assignment.coordinator_id)
        .join(Facility, Facility.id == Assignment.facility_id)
        .join(StaffingRequest, StaffingRequest.id == Assignment.request_id)
        .where(
            Assignment.state.in_(states),
            Assignment.during.overlaps(Range(now, until or now + LONGEST_HORIZON)),
        )
        .order_by(func.lower(Assignment.during), Coordinator.name)
    )
    if coordinator_id is not None:
        query = query.where(Assignment.coordinator_id == coordinator_id)
    return [DutyAhead(**{**row._mapping, "state": AssignmentState(row.state)}) for row in await tx.execute(query)]
