"""What a dispatcher does with plans: ask for one, stop it early, discard it, run it again. Applying is in `applying`."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import Range

from staffing import clock
from staffing.errors import NotFound
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence import audit, jobs
from staffing.persistence.base import new_id
from staffing.persistence.transactions import Transaction
from staffing.scheduling.errors import NothingToPlan, PlanHasMovedOn
from staffing.scheduling.lifecycle import RUNNING, follow, shown_state
from staffing.scheduling.loading import open_requests
from staffing.scheduling.models import Plan, PlanState
from staffing.scheduling.problem import horizon_of

PROPOSE_PLAN = "scheduling.propose_plan"
_NUMBERING = 7_401
"""Key of the advisory lock under which plans are numbered."""


async def request_plan(
    tx: Transaction,
    principal: Principal,
    *,
    time_limit_seconds: int,
    facility_ids: Collection[UUID] = (),
    keeps_running: bool = False,
) -> UUID:
    """Have everything that is open planned, or what is open at these facilities.

    With `keeps_running` what is assigned ahead is planned anew as well, near what runs: people may change places where that
    covers more. Raises `NothingToPlan` when every window of the next four weeks is covered.
    """
    principal.require(Permission.DESK_PLANS_RUN)
    now = clock.now()
    requests = await open_requests(tx, now, facility_ids)
    if not requests:
        raise NothingToPlan
    horizon = horizon_of(now, (window.during for request in requests for window in request.windows))
    await tx.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _NUMBERING})
    number = int(await tx.scalar(select(func.coalesce(func.max(Plan.number), 0))) or 0) + 1
    plan = Plan(
        id=new_id(),
        number=number,
        state=PlanState.QUEUED.value,
        horizon=Range(horizon.start, horizon.end),
        time_limit_seconds=time_limit_seconds,
        facility_ids=sorted(str(one) for one in facility_ids),
        keeps_running=keeps_running,
        requested_by=principal.account_id,
        requested_at=now,
    )
    tx.add(plan)
    await jobs.enqueue(tx, PROPOSE_PLAN, {"plan_id": str(plan.id)}, dedupe=f"plan:{plan.id}")
    audit.note(tx, "plan.requested", "plan", plan.id, detail=f"plan {number}")
    return plan.id


async def run_again(tx: Transaction, principal: Principal, plan_id: UUID, *, time_limit_seconds: int) -> UUID:
    """A new plan in place of one that was interrupted, failed or no longer pleases; a waiting proposal is discarded."""
    principal.require(Permission.DESK_PLANS_RUN)
    plan = await locked_plan(tx, plan_id)
    state = await state_now(tx, plan)
    if state in RUNNING:
        raise PlanHasMovedOn(f"Plan {plan.number} is still being worked out. Wait for it, or discard it first.")
    if state is PlanState.PROPOSED:
        decide(tx, principal, plan, PlanState.DISCARDED)
    elif plan.state == PlanState.SOLVING:
        interrupt(tx, plan)
    wanted = [UUID(one) for one in plan.facility_ids]
    return await request_plan(
        tx, principal, time_limit_seconds=time_limit_seconds, facility_ids=wanted, keeps_running=plan.keeps_running
    )


async def stop_early(tx: Transaction, principal: Principal, plan_id: UUID) -> None:
    """The best plan so far is good enough: the solver stops at its next look and proposes that."""
    principal.require(Permission.DESK_PLANS_RUN)
    plan = await locked_plan(tx, plan_id)
    if await state_now(tx, plan) is not PlanState.SOLVING:
        raise PlanHasMovedOn
    if plan.stop_requested_at is None:
        plan.stop_requested_at = clock.now()
        audit.note(tx, "plan.stopped_early", "plan", plan.id)


async def discard(tx: Transaction, principal: Principal, plan_id: UUID) -> None:
    """Nobody wants this plan; a solver at work on it ends. Discarding twice is discarding once."""
    principal.require(Permission.DESK_PLANS_RUN)
    plan = await locked_plan(tx, plan_id)
    if plan.state != PlanState.DISCARDED:
        decide(tx, principal, plan, PlanState.DISCARDED)


async def locked_plan(tx: Transaction, plan_id: UUID) -> Plan:
    """The plan, held against changes by others. Raises `NotFound`."""
    plan = await tx.scalar(select(Plan).where(Plan.id == plan_id).with_for_update())
    if plan is None:
        raise NotFound
    return plan


async def state_now(tx: Transaction, plan: Plan) -> PlanState:
    """Where the plan stands, a dead solver counted as what it is."""
    silent_for: timedelta | None = await tx.scalar(select(func.now() - Plan.heartbeat_at).where(Plan.id == plan.id))
    return shown_state(PlanState(plan.state), silent_for)


def decide(tx: Transaction, principal: Principal, plan: Plan, wanted: PlanState) -> None:
    """A person decided what becomes of the plan."""
    plan.state = follow(PlanState(plan.state), wanted).value
    plan.decided_by = principal.account_id
    plan.decided_at = clock.now()
    audit.note(tx, f"plan.{wanted.value}", "plan", plan.id, detail=f"plan {plan.number}")


def interrupt(tx: Transaction, plan: Plan) -> None:
    """The solver died or was stopped before it had a proposal. Nothing of it was applied."""
    plan.state = follow(PlanState(plan.state), PlanState.INTERRUPTED).value
    plan.finished_at = clock.now()
    plan.failure = "The planner was interrupted before it had a proposal. Nothing was changed."
    audit.note(tx, "plan.interrupted", "plan", plan.id, detail=f"plan {plan.number}")
