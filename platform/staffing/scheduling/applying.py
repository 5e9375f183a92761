"""Applying a plan: all of its choices become assignments, or none does and the page says what changed in the meantime."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError

from staffing import clock
from staffing.facilities.models import Facility
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence import audit
from staffing.persistence.transactions import EXCLUSION_VIOLATION, UNIQUE_VIOLATION, Transaction, sqlstate
from staffing.requests.models import CoverageWindow, StaffingRequest
from staffing.roster.models import Coordinator
from staffing.scheduling import recheck
from staffing.scheduling.errors import PlanHasMovedOn, PlanNoLongerFits
from staffing.scheduling.facts import interval_of
from staffing.scheduling.lifecycle import follow
from staffing.scheduling.models import Assignment, AssignmentState, Plan, PlanChoice, PlanState
from staffing.scheduling.recheck import Choice
from staffing.scheduling.service import decide, locked_plan

SAID_OF_AN_ASSIGNMENT = ("sentences", "knows_facility", "others")
"""What an assignment keeps of a choice's reason. Facilities and coordinators read assignments, so no money is in it."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying did."""

    number: int
    assignments: int
    people: int


async def apply_plan(tx: Transaction, principal: Principal, plan_id: UUID) -> Applied:
    """Make the plan's assignments.

    Everything is checked once more against the rows as they are now. Raises `PlanNoLongerFits` with a sentence per choice
    that cannot be made any more, `PlanHasMovedOn` when somebody decided about the plan before.
    """
    principal.require(Permission.DESK_PLANS_APPLY)
    plan = await locked_plan(tx, plan_id)
    follow(PlanState(plan.state), PlanState.APPLIED)
    choices = await _choices(tx, plan)
    if not choices:
        raise PlanHasMovedOn(f"Plan {plan.number} proposes nobody, so there is nothing to apply.")
    await hold_still(tx, choices)
    if broken := await recheck.what_broke(tx, choices, clock.now()):
        raise _no_longer_fits(plan, broken)
    seats = await _free_seats(tx, choices)
    try:
        async with tx.begin_nested():
            tx.add_all(_assignment(choice, seats[choice.window_id].pop(0), plan, principal) for choice in choices)
            await tx.flush()
    except IntegrityError as refused:
        if sqlstate(refused) not in (EXCLUSION_VIOLATION, UNIQUE_VIOLATION):
            raise
        raise _no_longer_fits(plan, await recheck.in_the_way(tx, choices)) from refused
    decide(tx, principal, plan, PlanState.APPLIED)
    _note_facilities(tx, choices)
    return Applied(plan.number, len(choices), len({choice.coordinator_id for choice in choices}))


async def hold_still(tx: Transaction, choices: Sequence[Choice]) -> None:
    """Lock the coordinators and windows concerned, always in the same order, so that two plans apply one after the other."""
    for column in (Coordinator.id, CoverageWindow.id):
        ids = {choice.coordinator_id if column is Coordinator.id else choice.window_id for choice in choices}
        statement = select(column).where(column.in_(list(ids))).order_by(column).with_for_update(key_share=True)
        await tx.execute(statement)


async def _choices(tx: Transaction, plan: Plan) -> list[Choice]:
    rows = await tx.execute(
        select(PlanChoice, Coordinator.name, StaffingRequest.id, StaffingRequest.reference, Facility, CoverageWindow.during)
        .join(Coordinator, Coordinator.id == PlanChoice.coordinator_id)
        .join(CoverageWindow, CoverageWindow.id == PlanChoice.window_id)
        .join(StaffingRequest, StaffingRequest.id == CoverageWindow.request_id)
        .join(Facility, Facility.id == PlanChoice.facility_id)
        .where(PlanChoice.plan_id == plan.id)
        .order_by(PlanChoice.coordinator_id, CoverageWindow.during)
    )
    return [
        Choice(
            window_id=choice.window_id,
            during=interval_of(during),
            coordinator_id=choice.coordinator_id,
            coordinator=name,
            request_id=request_id,
            reference=reference,
            facility_id=facility.id,
            facility=facility.name,
            facility_zone=facility.time_zone,
            why=choice.why,
        )
        for choice, name, request_id, reference, facility, during in rows
    ]


async def _free_seats(tx: Transaction, choices: Iterable[Choice]) -> dict[UUID, list[int]]:
    """The seats of each window that nobody holds, lowest first."""
    ids = [choice.window_id for choice in choices]
    taken: dict[UUID, set[int]] = defaultdict(set)
    for window_id, seat in await tx.execute(
        select(Assignment.window_id, Assignment.seat).where(
            Assignment.window_id.in_(ids), Assignment.state == AssignmentState.CONFIRMED
        )
    ):
        taken[window_id].add(seat)
    rows = await tx.execute(select(CoverageWindow.id, CoverageWindow.headcount).where(CoverageWindow.id.in_(ids)))
    return {
        window_id: [seat for seat in range(1, headcount + 1) if seat not in taken[window_id]] for window_id, headcount in rows
    }


def _assignment(choice: Choice, seat: int, plan: Plan, principal: Principal) -> Assignment:
    return Assignment(
        facility_id=choice.facility_id,
        request_id=choice.request_id,
        window_id=choice.window_id,
        coordinator_id=choice.coordinator_id,
        during=Range(choice.during.start, choice.during.end),
        seat=seat,
        state=AssignmentState.CONFIRMED.value,
        plan_id=plan.id,
        why=_said(choice.why),
        created_by=principal.account_id,
        created_at=clock.now(),
    )


def _said(why: dict[str, Any]) -> dict[str, Any]:
    return {key: why[key] for key in SAID_OF_AN_ASSIGNMENT if key in why}


def _no_longer_fits(plan: Plan, conflicts: Sequence[str]) -> PlanNoLongerFits:
    return PlanNoLongerFits(tuple(conflicts), f"/desk/plans/{plan.id}")


def _note_facilities(tx: Transaction, choices: Iterable[Choice]) -> None:
    per_facility: dict[UUID, list[Choice]] = defaultdict(list)
    for choice in choices:
        per_facility[choice.facility_id].append(choice)
    for facility_id, made in per_facility.items():
        requests = {choice.request_id for choice in made}
        for request_id in sorted(requests):
            windows = sum(choice.request_id == request_id for choice in made)
            audit.note(
                tx, "request.assigned", "staffing_request", request_id, facility_id=facility_id, detail=f"{windows} windows"
            )
