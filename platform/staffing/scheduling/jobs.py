"""The planner as a job: snapshot, search, check, explain, propose. Nothing of it runs inside an open transaction but the reading
and the writing; a plan that breaks a rule is never shown.
"""

import asyncio
import hashlib
import json
import logging
import shutil
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import Range

from matching.formats import problem_to_json
from matching.problem import Assignment, Problem
from matching.relief import CHANGE_PRICE
from matching.solution import Progress, Solution
from matching.verify import objective_of, verify_plan
from staffing import clock
from staffing.persistence import audit
from staffing.persistence.jobs import JobContext, JobKind, TryAgain
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Transaction
from staffing.scheduling import pieces, solver_process
from staffing.scheduling.calling_off import FIND_RELIEF
from staffing.scheduling.errors import SearchFailed
from staffing.scheduling.facts import Facts, Held
from staffing.scheduling.lifecycle import RUNNING, SILENCE, follow
from staffing.scheduling.loading import load_facts, load_running
from staffing.scheduling.models import Plan, PlanChoice, PlanGap, PlanRelease, PlanState
from staffing.scheduling.pieces import Carrier
from staffing.scheduling.problem import state_problem
from staffing.scheduling.progress import Story
from staffing.scheduling.proposals import Proposal, propose
from staffing.scheduling.relief_search import find_relief, gave_up_relief
from staffing.scheduling.running import state_running
from staffing.scheduling.service import PROPOSE_PLAN, interrupt
from staffing.scheduling.solver_process import Abandoned, Look, Stopping, Verdict
from staffing.settings import Settings

log = logging.getLogger(__name__)


async def propose_plan(context: JobContext, payload: Mapping[str, str]) -> None:
    """Work out one plan. Picked up again after its worker died, it only writes down that it was interrupted."""
    plan_id = UUID(payload["plan_id"])
    folder = context.resource(Settings).home / "plans" / str(plan_id)
    begun = await _begin(context, plan_id)
    if begun is None:
        shutil.rmtree(folder, ignore_errors=True)
        return
    posed, seconds = begun
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        watch = _Watch(context, plan_id, objective_of(posed.problem, ()), context.resource(Stopping))
        plan = await _solve(context, plan_id, posed.problem, seconds, folder, watch.look)
        await _finish(context, plan_id, await watch.during(asyncio.to_thread(_explained, posed, plan)))
    except Abandoned:
        await _interrupted(context, plan_id)
    except SearchFailed as failure:
        log.error("plan %s: %s", plan_id, failure)
        await _fail(context, plan_id, "The planner ended without a plan. Nothing was changed; run it again.")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _solve(context: JobContext, plan_id: UUID, problem: Problem, seconds: float, folder: Path, look: Look) -> Solution:
    """Search, with the help of other workers where there are said to be any."""
    helpers = context.resource(Settings).solver_helpers
    if not helpers:
        return await solver_process.solve(problem, seconds=seconds, folder=folder, look=look)
    carrier = Carrier(context, plan_id, folder)
    carrying = asyncio.create_task(carrier.carry())
    try:
        return await solver_process.solve(problem, seconds=seconds, folder=folder, look=look, helpers=helpers, hear=carrier.hear)
    finally:
        carrying.cancel()
        await asyncio.gather(carrying, return_exceptions=True)
        await carrier.clear()


@dataclass(frozen=True, slots=True)
class _Posed:
    """What a plan answers: the facts, the problem made of them, and what runs of it (empty: only what is open is planned)."""

    facts: Facts
    problem: Problem
    running: Mapping[Assignment, Held]


async def _begin(context: JobContext, plan_id: UUID) -> tuple[_Posed, float] | None:
    """Store what the plan starts from. None when there is nothing to do any more."""
    async with context.database.transaction(SYSTEM) as tx:
        plan = await tx.scalar(select(Plan).where(Plan.id == plan_id).with_for_update())
        if plan is None or plan.state not in RUNNING:
            return None
        if plan.state == PlanState.SOLVING:
            await _take_over(tx, plan)
            return None
        posed = await _pose(tx, plan)
        if posed is None:
            _end(tx, plan, PlanState.FAILED, "Everything was covered before the planner came to it: there is nothing to plan.")
            return None
        snapshot = {"problem": problem_to_json(posed.problem)}
        plan.state = follow(PlanState.QUEUED, PlanState.SOLVING).value
        plan.started_at = clock.now()
        plan.horizon = Range(posed.problem.horizon.start, posed.problem.horizon.end)
        plan.snapshot, plan.snapshot_hash = snapshot, hash_of(snapshot)
        await tx.flush()
        await tx.execute(update(Plan).where(Plan.id == plan_id).values(heartbeat_at=func.clock_timestamp()))
        return posed, float(plan.time_limit_seconds)


async def _pose(tx: Transaction, plan: Plan) -> _Posed | None:
    facilities = [UUID(one) for one in plan.facility_ids]
    if not plan.keeps_running:
        facts = await load_facts(tx, clock.now(), facilities)
        problem = state_problem(facts)
        return None if problem is None else _Posed(facts, problem, {})
    facts = await load_running(tx, clock.now(), facility_ids=facilities)
    running = state_running(facts)
    if running is None or not any(window.missing for request in facts.requests for window in request.windows):
        return None
    problem = replace(
        running.problem,
        previous=tuple(sorted(running.plan)),
        weights=replace(running.problem.weights, change=CHANGE_PRICE),
    )
    return _Posed(facts, problem, running.plan)


async def _take_over(tx: Transaction, plan: Plan) -> None:
    """The plan is said to be solving, but this job is only now beginning: whoever solved it is dead, or slow to tell."""
    silent_for: timedelta | None = await tx.scalar(select(func.now() - Plan.heartbeat_at).where(Plan.id == plan.id))
    if silent_for is not None and silent_for < SILENCE:
        raise TryAgain(SILENCE, "the solver may still be alive")
    interrupt(tx, plan)


def hash_of(snapshot: Mapping[str, Any]) -> str:
    """SHA-256 of the snapshot in one canonical form."""
    return hashlib.sha256(json.dumps(snapshot, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class _Watch:
    """Tells the plan's row twice a second how far the search is, and hears from it what people want."""

    def __init__(self, context: JobContext, plan_id: UUID, nothing: int, stopping: Stopping) -> None:
        self.context, self.plan_id, self.stopping = context, plan_id, stopping
        self.story = Story(nothing)

    async def during(self, work: Coroutine[Any, Any, Proposal]) -> Proposal:
        """Wait for what comes after the search, with signs of life: without them the plan would be taken for interrupted."""
        task = asyncio.ensure_future(work)
        while not (await asyncio.wait({task}, timeout=1))[0]:
            await self.look(None)
        return task.result()

    async def look(self, progress: Progress | None) -> Verdict:
        if progress is not None:
            self.story.add(progress)
        if self.stopping.is_set():
            return Verdict.ABANDON
        async with self.context.database.transaction(SYSTEM) as tx:
            row = (
                await tx.execute(
                    update(Plan)
                    .where(Plan.id == self.plan_id, Plan.state == PlanState.SOLVING)
                    .values(heartbeat_at=func.clock_timestamp(), progress=self.story.told())
                    .returning(Plan.stop_requested_at)
                )
            ).one_or_none()
        if row is None:
            return Verdict.ABANDON
        return Verdict.STOP if row.stop_requested_at is not None else Verdict.GO_ON


def _explained(posed: _Posed, plan: Solution) -> Proposal:
    """Check the plan with code that shares nothing with the search, then put it in words."""
    from matching.explaining.explain import explain_assignments, explain_plan

    if violations := verify_plan(posed.problem, plan):
        raise SearchFailed(f"the plan breaks {len(violations)} rules, the first: {violations[0].rule}")
    explained = explain_plan(posed.problem, plan)
    return propose(posed.facts, posed.problem, explained, explain_assignments(posed.problem, plan), posed.running)


async def _finish(context: JobContext, plan_id: UUID, proposal: Proposal) -> None:
    async with context.database.transaction(SYSTEM) as tx:
        plan = await tx.scalar(select(Plan).where(Plan.id == plan_id).with_for_update())
        if plan is None or plan.state != PlanState.SOLVING:
            return
        tx.add_all(
            PlanChoice(
                plan_id=plan_id,
                facility_id=choice.facility_id,
                window_id=choice.window_id,
                coordinator_id=choice.coordinator_id,
                why=choice.why,
            )
            for choice in proposal.choices
        )
        tx.add_all(
            PlanGap(plan_id=plan_id, facility_id=gap.facility_id, window_id=gap.window_id, missing=gap.missing, why=gap.why)
            for gap in proposal.gaps
        )
        tx.add_all(PlanRelease(plan_id=plan_id, assignment_id=assignment_id) for assignment_id in proposal.releases)
        plan.solution = proposal.summary
        _end(tx, plan, PlanState.PROPOSED, "")


async def _interrupted(context: JobContext, plan_id: UUID) -> None:
    """The worker was told to end, or somebody discarded the plan while it was worked out."""
    async with context.database.transaction(SYSTEM) as tx:
        plan = await tx.scalar(select(Plan).where(Plan.id == plan_id).with_for_update())
        if plan is not None and plan.state == PlanState.SOLVING:
            interrupt(tx, plan)


async def _fail(context: JobContext, plan_id: UUID, sentence: str) -> None:
    async with context.database.transaction(SYSTEM) as tx:
        plan = await tx.scalar(select(Plan).where(Plan.id == plan_id).with_for_update())
        if plan is not None and plan.state in RUNNING:
            _end(tx, plan, PlanState.FAILED, sentence)


async def _gave_up(context: JobContext, payload: Mapping[str, str], why: str) -> None:
    sentence = "The planner failed because of a fault on our side. Nothing was changed; run it again."
    await _fail(context, UUID(payload["plan_id"]), sentence)


def _end(tx: Transaction, plan: Plan, state: PlanState, failure: str) -> None:
    plan.state = follow(PlanState(plan.state), state).value
    plan.finished_at = clock.now()
    plan.failure = failure
    audit.note(tx, f"plan.{state.value}", "plan", plan.id, detail=f"plan {plan.number}")


KINDS: list[JobKind] = [
    JobKind(PROPOSE_PLAN, propose_plan, give_up=_gave_up, concurrency=1),
    JobKind(FIND_RELIEF, find_relief, give_up=gave_up_relief, concurrency=2),
    *pieces.KINDS,
]
