"""Whether a proposal has been overtaken by what happened since: known from the rows at once, without planning again.

It says no more than what can be seen without the rules; applying looks at everything (`recheck`).
"""

from datetime import datetime

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import aliased

from staffing.requests.models import CoverageWindow, RequestState, StaffingRequest
from staffing.scheduling.models import Assignment, AssignmentState, CallOff, Plan, PlanChoice, PlanRelease
from staffing.scheduling.problem import STILL_WORTH_IT


def is_overtaken(now: datetime) -> ColumnElement[bool]:
    """SQL about `Plan`: one of its choices cannot be made any more, or somebody whom it takes off a window left it already."""
    return or_(_choice_gone(now), _release_gone(now))


def _choice_gone(now: datetime) -> ColumnElement[bool]:
    busy, window = aliased(Assignment), CoverageWindow
    still = func.tstzrange(func.greatest(func.lower(window.during), now), func.greatest(func.upper(window.during), now))
    elsewhere = exists().where(
        busy.coordinator_id == PlanChoice.coordinator_id,
        busy.state == AssignmentState.CONFIRMED,
        busy.during.op("&&")(still),
        ~_released(busy),
    )
    away = exists().where(
        CallOff.coordinator_id == PlanChoice.coordinator_id,
        CallOff.withdrawn_at.is_(None),
        CallOff.during.op("&&")(still),
    )
    return (
        exists()
        .where(
            PlanChoice.plan_id == Plan.id,
            window.id == PlanChoice.window_id,
            StaffingRequest.id == window.request_id,
            or_(
                window.cancelled,
                StaffingRequest.state != RequestState.OPEN,
                func.upper(window.during) < now + STILL_WORTH_IT,
                elsewhere,
                away,
                _heads() > window.headcount,
            ),
        )
        .correlate(Plan)
    )


def _heads() -> ColumnElement[int]:
    """How many people the window would have: those there and not taken off, and those the plan sends."""
    there, sent = aliased(Assignment), aliased(PlanChoice)
    window = CoverageWindow
    stay = (
        select(func.count())
        .select_from(there)
        .where(there.window_id == window.id, there.state == AssignmentState.CONFIRMED, ~_released(there))
        .correlate(window, Plan)
        .scalar_subquery()
    )
    come = (
        select(func.count())
        .select_from(sent)
        .where(sent.window_id == window.id, sent.plan_id == Plan.id)
        .correlate(window, Plan)
        .scalar_subquery()
    )
    return stay + come


def _released(assignment: type[Assignment]) -> ColumnElement[bool]:
    """The plan ends this assignment itself."""
    return exists().where(PlanRelease.plan_id == Plan.id, PlanRelease.assignment_id == assignment.id)


def _release_gone(now: datetime) -> ColumnElement[bool]:
    ending = aliased(Assignment)
    return (
        exists()
        .where(
            PlanRelease.plan_id == Plan.id,
            ending.id == PlanRelease.assignment_id,
            or_(ending.state != AssignmentState.CONFIRMED, func.lower(ending.during) <= now),
        )
        .correlate(Plan)
    )
