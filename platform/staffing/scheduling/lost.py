"""What call-offs opened: the windows, and whether they still lack somebody."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import aliased

from staffing.facilities.models import Facility
from staffing.persistence.transactions import Transaction
from staffing.requests.models import CoverageWindow, RequestState, StaffingRequest
from staffing.scheduling.facts import Held, interval_of
from staffing.scheduling.models import Assignment, AssignmentState
from staffing.scheduling.problem import STILL_WORTH_IT, remaining


def lost_windows(now: datetime) -> Any:
    """SQL: every assignment that a call-off ended, with its window, and whether that still lacks somebody and is worth it."""
    return (
        select(
            Assignment.id.label("assignment_id"),
            Assignment.coordinator_id,
            Assignment.call_off_id,
            Assignment.window_id,
            CoverageWindow.during,
            func.lower(CoverageWindow.during).label("start"),
            func.upper(CoverageWindow.during).label("end"),
            Facility.name.label("facility"),
            Facility.colour.label("facility_colour"),
            Facility.time_zone.label("facility_zone"),
            StaffingRequest.service,
            StaffingRequest.id.label("request_id"),
            StaffingRequest.reference,
            _is_open(now).label("open"),
        )
        .join(CoverageWindow, CoverageWindow.id == Assignment.window_id)
        .join(StaffingRequest, StaffingRequest.id == Assignment.request_id)
        .join(Facility, Facility.id == Assignment.facility_id)
        .where(Assignment.state == AssignmentState.CALLED_OFF)
    )


def _is_open(now: datetime) -> ColumnElement[bool]:
    confirmed, stepped_in = aliased(Assignment), aliased(Assignment)
    heads = (
        select(func.count())
        .select_from(confirmed)
        .where(confirmed.window_id == CoverageWindow.id, confirmed.state == AssignmentState.CONFIRMED)
        .correlate(CoverageWindow)
        .scalar_subquery()
    )
    # Who stepped in and called off later opened the window by a call-off of their own.
    relieved = exists().where(stepped_in.window_id == Assignment.window_id, stepped_in.relief_for_id == Assignment.call_off_id)
    return (
        (StaffingRequest.state == RequestState.OPEN)
        & ~CoverageWindow.cancelled
        & (func.upper(CoverageWindow.during) >= now + STILL_WORTH_IT)
        & (heads < CoverageWindow.headcount)
        & ~relieved
    )


async def still_lost(tx: Transaction, call_off_id: UUID, now: datetime) -> list[Held]:
    """What a call-off took from somebody and nobody else has taken yet, as far as it is worth it."""
    rows = await tx.execute(lost_windows(now).where(Assignment.call_off_id == call_off_id))
    return [
        Held(
            assignment_id=row.assignment_id,
            coordinator_id=row.coordinator_id,
            request_id=row.request_id,
            window_id=row.window_id,
            during=remaining(interval_of(row.during), now),
        )
        for row in sorted(rows, key=lambda row: (row.start, row.assignment_id))
        if row.open
    ]
