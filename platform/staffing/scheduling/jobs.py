"""The planner as a job: snapshot, search, check, explain, propose. Nothing of it runs inside an open transaction but the reading
and the writing; a plan that breaks a rule is never shown.
"""

import asyncio
import hashlib
import json
import logging
import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import Range

from matching.formats import problem_to_json
from matching.problem import Problem
from matching.solution import Progress, Reason, Solution
from matching.verify import objective_of, verify_plan
from staffing import clock
from staffing.persistence import audit
from staffing.persistence.jobs import JobContext, JobKind, TryAgain
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Transaction
from staffing.scheduling import solver_process
from staffing.scheduling.errors import SearchFailed
from staffing.scheduling.facts import Facts
from staffing.scheduling.lifecycle import RUNNING, SILENCE, follow
from staffing.scheduling.loading import load_facts
from staffing.scheduling.models import Plan, PlanChoice, PlanGap, PlanState
from staffing.scheduling.problem import Stated, state_problem
from staffing.scheduling.progress import Story
from staffing.scheduling.proposals import Proposal, propose
from staffing.scheduling.search import Found, Run, search
from staffing.scheduling.service import PROPOSE_PLAN, interrupt
from staffing.scheduling.solver_process import Abandoned, Verdict
from staffing.settings import Settings

log = logging.getLogger(__name__)


class Stopping(asyncio.Event):
    """Set when the worker is told to end: a search under way ends at its next look."""


async def propose_plan(context: JobContext, payload: Mapping[str, str]) -> None:
    """Work out one plan. Picked up again after its worker died, it only writes down that it was interrupted."""
    plan_id = UUID(payload["plan_id"])
    folder = context.resource(Settings).home / "plans" / str(plan_id)
    begun = await _begin(context, plan_id)
    if begun is None:
        shutil.rmtree(folder, ignore_errors=True)
        return
    facts, stated, seconds = begun
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        watch = _Watch(context, plan_id, objective_of(stated.problem, ()), context.resource(Stopping))
        found = await search(stated, seconds, watch.runner(folder), lambda: watch.good_enough)
        await _finish(context, plan_id, await asyncio.to_thread(_explained, facts, found))
    except Abandoned:
        await _interrupted(context, plan_id)
    except SearchFailed as failure:
        log.error("plan %s: %s", plan_id, failure)
        await _fail(context, plan_id, "The planner ended without a plan. Nothing was changed; run it again.")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _begin(context: JobContext, plan_id: UUID) -> tuple[Facts, Stated, float] | None:
    """Store what the plan starts from. None when there is nothing to do any more."""
    async with context.database.transaction(SYSTEM) as tx:
        plan = await tx.scalar(select(Plan).where(Plan.id == plan_id).with_for_update())
        if plan is None or plan.state not in RUNNING:
            return None
        if plan.state == PlanState.SOLVING:
            await _take_over(tx, plan)
            return None
        facts = await load_facts(tx, clock.now(), [UUID(one) for one in plan.facility_ids])
        stated = state_problem(facts)
        if stated is None:
            _end(tx, plan, PlanState.FAILED, "Everything was covered before the planner came to it: there is nothing to plan.")
            return None
        snapshot = snapshot_of(stated)
        plan.state = follow(PlanState.QUEUED, PlanState.SOLVING).value
        plan.started_at = clock.now()
        plan.horizon = Range(stated.problem.horizon.start, stated.problem.horizon.end)
        plan.snapshot, plan.snapshot_hash = snapshot, hash_of(snapshot)
        await tx.flush()
        await tx.execute(update(Plan).where(Plan.id == plan_id).values(heartbeat_at=func.clock_timestamp()))
        return facts, stated, float(plan.time_limit_seconds)


async def _take_over(tx: Transaction, plan: Plan) -> None:
    """The plan is said to be solving, but this job is only now beginning: whoever solved it is dead, or slow to tell."""
    silent_for: timedelta | None = await tx.scalar(select(func.now() - Plan.heartbeat_at).where(Plan.id == plan.id))
    if silent_for is not None and silent_for < SILENCE:
        raise TryAgain(SILENCE, "the solver may still be alive")
    interrupt(tx, plan)


def snapshot_of(stated: Stated) -> dict[str, Any]:
    """The whole input of a search as JSON: what is stored, and what can be solved again."""
    left = {name: {week.isoformat(): minutes for week, minutes in weeks.items()} for name, weeks in stated.week_minutes.items()}
    return {"problem": problem_to_json(stated.problem), "week_minutes": left}


def hash_of(snapshot: Mapping[str, Any]) -> str:
    """SHA-256 of the snapshot in one canonical form."""
    return hashlib.sha256(json.dumps(snapshot, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class _Watch:
    """Tells the plan's row twice a second how far the search is, and hears from it what people want."""

    def __init__(self, context: JobContext, plan_id: UUID, nothing: int, stopping: Stopping) -> None:
        self.context, self.plan_id, self.stopping = context, plan_id, stopping
        self.story = Story(nothing)
        self.good_enough = False

    def runner(self, folder: Path) -> Run:
        async def run(problem: Problem, seconds: float) -> Solution:
            self.story.next_round()
            return await solver_process.solve(problem, seconds=seconds, folder=folder, look=self.look)

        return run

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
        self.good_enough = row.stop_requested_at is not None
        return Verdict.STOP if self.good_enough else Verdict.GO_ON


def _explained(facts: Facts, found: Found) -> Proposal:
    """Check the plan with code that shares nothing with the search, then put it in words."""
    from matching.explaining.explain import explain_assignments, explain_plan

    if violations := verify_plan(found.problem, found.plan):
        raise SearchFailed(f"the plan breaks {len(violations)} rules, the first: {violations[0].rule}")
    plan = explain_plan(found.problem, found.plan)
    reasons: tuple[Reason, ...] = explain_assignments(found.problem, found.plan)
    return propose(facts, found.problem, plan, reasons)


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


KINDS: list[JobKind] = [JobKind(PROPOSE_PLAN, propose_plan, give_up=_gave_up, concurrency=1)]
