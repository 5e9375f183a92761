"""Applying a plan: all of it becomes the schedule, or nothing does and the page says what changed in the meantime."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.scheduling import changing
from staffing.scheduling.changing import Change, InTheWay
from staffing.scheduling.errors import PlanHasMovedOn, PlanNoLongerFits
from staffing.scheduling.lifecycle import follow
from staffing.scheduling.models import Plan, PlanChoice, PlanRelease, PlanState
from staffing.scheduling.recheck import Choice
from staffing.scheduling.service import decide, locked_plan


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying did."""

    number: int
    assignments: int
    people: int
    released: int


async def apply_plan(tx: Transaction, principal: Principal, plan_id: UUID) -> Applied:
    """Make the plan's assignments, and end those that it gives to others.

    Everything is checked once more against the rows as they are now. Raises `PlanNoLongerFits` with a sentence per choice
    that cannot be made any more, `PlanHasMovedOn` when somebody decided about the plan before.
    """
    principal.require(Permission.DESK_PLANS_APPLY)
    plan = await locked_plan(tx, plan_id)
    follow(PlanState(plan.state), PlanState.APPLIED)
    choices = await _choices(tx, plan)
    releases = list(await tx.scalars(select(PlanRelease.assignment_id).where(PlanRelease.plan_id == plan.id)))
    if not choices and not releases:
        raise PlanHasMovedOn(f"Plan {plan.number} changes nothing, so there is nothing to apply.")
    change = Change(takes=choices, releases=releases, plan_id=plan.id, parts=plan.keeps_running)
    try:
        await changing.make(tx, principal, change)
    except InTheWay as found:
        raise PlanNoLongerFits(found.sentences, f"/desk/plans/{plan.id}") from found
    decide(tx, principal, plan, PlanState.APPLIED)
    return Applied(plan.number, len(choices), len({choice.coordinator_id for choice in choices}), len(releases))


async def _choices(tx: Transaction, plan: Plan) -> list[Choice]:
    rows = await tx.execute(
        select(PlanChoice.coordinator_id, PlanChoice.window_id, PlanChoice.why).where(PlanChoice.plan_id == plan.id)
    )
    return await changing.choices_for(tx, [(row[0], row[1], row[2]) for row in rows])
