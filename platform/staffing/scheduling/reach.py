"""How far a coordinator can see: minimum necessary, decided by their assignments."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select

from staffing.identity.principals import Principal
from staffing.persistence.tenancy import Scope
from staffing.persistence.transactions import Transaction
from staffing.scheduling.models import Assignment, AssignmentState

PRE_READ = timedelta(hours=24)
"""Patients can be read this long before an assignment starts, to prepare."""
POST_NOTES = timedelta(hours=72)
"""And this long after it ends, to finish notes."""


async def with_facilities(tx: Transaction, principal: Principal, at: datetime) -> Principal:
    """The principal with the facilities a coordinator knows and those whose patients they may see at `at`."""
    coordinator_id = principal.own_coordinator_id()
    await tx.enter(Scope("coordinator", coordinator_id=coordinator_id))
    caring = func.bool_or(
        or_(
            and_(
                Assignment.state == AssignmentState.CONFIRMED,
                func.lower(Assignment.during) <= at + PRE_READ,
                func.upper(Assignment.during) >= at - POST_NOTES,
            ),
            # What they had begun before they called off: the notes on it are still to be finished.
            and_(
                Assignment.state == AssignmentState.CALLED_OFF,
                Assignment.ended_at > func.lower(Assignment.during),
                Assignment.ended_at >= at - POST_NOTES,
            ),
        )
    )
    rows = await tx.execute(
        select(Assignment.facility_id, caring)
        .where(Assignment.coordinator_id == coordinator_id)
        .group_by(Assignment.facility_id)
        .order_by(Assignment.facility_id)
    )
    known = [(facility_id, may_care) for facility_id, may_care in rows]
    return replace(
        principal,
        facility_ids=tuple(facility_id for facility_id, _ in known),
        care_facility_ids=tuple(facility_id for facility_id, may_care in known if may_care),
    )
