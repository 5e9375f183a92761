"""A plan that two workers solve together, pieces going through the queue; and that nothing is lost when nobody helps."""

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select
from support.proposing import ask_for_plan, in_system, job_context
from support.workers import crowd, until, worker
from support.world import World, principal

from matching.formats import problem_from_json
from matching.problem import Assignment as Pair
from matching.verify import rule_violations
from staffing.persistence.models import JobStart
from staffing.persistence.provision import Prepared
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.scheduling import service
from staffing.scheduling.helper import Helper, HelperDied
from staffing.scheduling.models import Plan, PlanChoice, PlanState, SolverPiece, SolverShare
from staffing.scheduling.pieces import SOLVE_PIECE, checked, signed, solve_piece
from staffing.settings import Settings

pytestmark = pytest.mark.usefixtures("standing")
SECONDS = 8

ONLY = """
import asyncio, sys
from staffing import settings, worker
kinds = [kind for kind in worker.KINDS if kind.name == sys.argv[2]]
asyncio.run(worker.run_worker(settings.load(), sys.argv[1], kinds=kinds, resources={}))
"""
"""A worker that does jobs of one kind alone: one plans, the other can but help."""


async def proposed(database: Database, plan_id: UUID) -> bool:
    ((state, failure),) = await in_system(database, select(Plan.state, Plan.failure).where(Plan.id == plan_id))
    assert state in (PlanState.QUEUED, PlanState.SOLVING, PlanState.PROPOSED), failure
    return state == PlanState.PROPOSED


async def left_over(database: Database) -> list[tuple[int, int]]:
    return [
        ((await in_system(database, select(func.count()).select_from(SolverShare)))[0][0],
         (await in_system(database, select(func.count()).select_from(SolverPiece)))[0][0])
    ]  # fmt: skip


async def test_two_workers_solve_one_plan_together(
    database: Database, prepared: Prepared, settings: Settings, world: World, tmp_path: Path
) -> None:
    await crowd(database, world)
    plan_id = await ask_for_plan(database, world, seconds=120)
    caller = principal(world, "dora")

    async def helped() -> bool:
        """Somebody has answered, and has been counted on since: the first answers only show that they are there."""
        await proposed(database, plan_id)
        done = select(func.count()).select_from(JobStart).where(JobStart.kind == SOLVE_PIECE, JobStart.starts == 0)
        return (await in_system(database, done))[0][0] > 4

    async with (
        worker(prepared, settings, tmp_path, ONLY, SOLVE_PIECE),
        worker(prepared, settings, tmp_path, ONLY, "scheduling.propose_plan", RELIEF_SOLVER_HELPERS="2"),
    ):
        await until(helped, 100)
        async with database.transaction(caller.scope()) as tx:
            await service.stop_early(tx, caller, plan_id)
        await until(lambda: proposed(database, plan_id), 60)
    assert await left_over(database) == [(0, 0)]
    # The plan keeps every rule of the problem that was stored with it.
    ((snapshot,),) = await in_system(database, select(Plan.snapshot).where(Plan.id == plan_id))
    problem = problem_from_json(snapshot["problem"])
    pairs = await in_system(
        database, select(PlanChoice.coordinator_id, PlanChoice.window_id).where(PlanChoice.plan_id == plan_id)
    )
    assert len(pairs) > 100
    ids = {window.id for request in problem.requests for window in request.windows}
    assert list(rule_violations(problem, [Pair(str(who), str(window)) for who, window in pairs if str(window) in ids])) == []


async def test_pieces_that_nobody_answers_cost_nothing(
    database: Database, prepared: Prepared, settings: Settings, world: World, tmp_path: Path
) -> None:
    await crowd(database, world)
    plan_id = await ask_for_plan(database, world, seconds=SECONDS)
    async with worker(prepared, settings, tmp_path, ONLY, "scheduling.propose_plan", RELIEF_SOLVER_HELPERS="3"):
        await until(lambda: proposed(database, plan_id), 60)
    assert await left_over(database) == [(0, 0)]


def test_what_another_deployment_signed_is_not_read(settings: Settings) -> None:
    data = signed(settings, b"a task")
    assert checked(settings, data) == b"a task"
    for forged in (data[:-1] + b"x", b"\0" * 32 + b"a task", b""):
        with pytest.raises(ValueError, match="not signed"):
            checked(settings, forged)


async def test_a_piece_of_a_search_that_is_over_is_left(database: Database, settings: Settings, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        assert (await tx.scalars(select(SolverPiece.id))).all() == []
    await solve_piece(job_context(database, settings), {"piece_id": str(world.maria)})
    helper = Helper()
    with pytest.raises(HelperDied, match="over"):
        await helper.do(world.maria, None, b"")
    await helper.close()


async def test_a_helper_whose_process_ends_says_so_and_begins_anew(world: World) -> None:
    helper = Helper()
    with pytest.raises(HelperDied):
        await helper.do(world.maria, b"no pickle at all", b"nor this")
    assert helper.share_id is None
    await helper.close()
