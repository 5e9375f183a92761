"""A worker that is killed, or told to end, in the middle of a search; and a job that kills every worker that takes it."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

import psutil
import pytest
from sqlalchemy import func, select
from support.proposing import in_system
from support.visitors import Visitor
from support.workers import crowd, until, worker
from support.world import World

from staffing.persistence import jobs
from staffing.persistence.models import JobStart
from staffing.persistence.provision import Prepared
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.scheduling.models import Assignment, Plan, PlanChoice, PlanGap, PlanState
from staffing.settings import Settings

pytestmark = pytest.mark.usefixtures("standing")
SignIn = Callable[[str], Awaitable[Visitor]]

DEADLY = """
import asyncio, os, signal, sys
from datetime import timedelta
from pathlib import Path
from staffing import settings
from staffing.persistence.jobs import JobKind
from staffing.worker import run_worker

async def die(context, payload):
    with open(sys.argv[2], "a") as log:
        log.write("started\\n")
    os.kill(os.getpid(), signal.SIGKILL)

async def give_up(context, payload, why):
    with open(sys.argv[2], "a") as log:
        log.write(why + "\\n")

kinds = [JobKind("tests.deadly", die, give_up=give_up)]
asyncio.run(run_worker(settings.load(), sys.argv[1], kinds=kinds, resources={}, heartbeat_timeout=timedelta(seconds=1)))
"""


async def searching(database: Database, plan_id: UUID) -> bool:
    """Whether the solver has found a first plan and is looking for a better one."""
    ((state, progress),) = await in_system(database, select(Plan.state, Plan.progress).where(Plan.id == plan_id))
    return state == PlanState.SOLVING and bool(progress and progress["points"])


async def state_of(database: Database, plan_id: UUID) -> str:
    ((state,),) = await in_system(database, select(Plan.state).where(Plan.id == plan_id))
    return str(state)


async def counts(database: Database) -> list[int]:
    """How many rows there are of what a plan writes."""
    return [
        (await in_system(database, select(func.count()).select_from(table)))[0][0] for table in (PlanChoice, PlanGap, Assignment)
    ]


async def press_plan(visitor: Visitor) -> UUID:
    answer = await visitor.post("/desk/plans")
    return UUID(answer.url.path.rpartition("/")[2])


async def test_killed_in_the_middle_of_a_search(
    database: Database, prepared: Prepared, settings: Settings, world: World, sign_in: SignIn, tmp_path: Path
) -> None:
    await crowd(database, world)
    dora = await sign_in("dora")
    async with worker(prepared, settings, tmp_path) as first:
        plan_id = await press_plan(dora)
        await until(lambda: searching(database, plan_id))
        solvers = psutil.Process(first.pid).children(recursive=True)
        assert solvers
        first.send_signal(signal.SIGKILL)
        await first.wait()

    async def says_interrupted() -> bool:
        return "The planner was interrupted before it had a proposal." in (await dora.get(f"/desk/plans/{plan_id}")).text

    await until(says_interrupted, 10)
    assert "Run it again" in (await dora.get(f"/desk/plans/{plan_id}")).text
    assert await counts(database) == [0, 0, 0]
    # The solver's processes died with the worker.
    _, alive = await asyncio.to_thread(psutil.wait_procs, solvers, timeout=5)
    assert alive == []

    async with worker(prepared, settings, tmp_path):
        answer = await dora.post(f"/desk/plans/{plan_id}/again")
        second_id = UUID(answer.url.path.rpartition("/")[2])
        await until(lambda: searching(database, second_id))
        assert "Good enough, stop here" in (await dora.get(f"/desk/plans/{second_id}")).text
        await dora.post(f"/desk/plans/{second_id}/stop")

        async def proposed() -> bool:
            return await state_of(database, second_id) == PlanState.PROPOSED

        await until(proposed)
    page = await dora.get(f"/desk/plans/{second_id}")
    assert "Apply plan 2" in page.text
    assert await state_of(database, plan_id) == PlanState.INTERRUPTED
    choices, _, assignments = await counts(database)
    assert choices > 100
    assert assignments == 0
    assert not list((settings.home / "plans").glob(f"*{second_id}*"))


async def test_told_to_end_in_the_middle_of_a_search(
    database: Database, prepared: Prepared, settings: Settings, world: World, sign_in: SignIn, tmp_path: Path
) -> None:
    await crowd(database, world)
    dora = await sign_in("dora")
    async with worker(prepared, settings, tmp_path) as process:
        plan_id = await press_plan(dora)
        await until(lambda: searching(database, plan_id))
        process.terminate()
        async with asyncio.timeout(8):
            assert await process.wait() == 0
    assert await state_of(database, plan_id) == PlanState.INTERRUPTED
    assert await counts(database) == [0, 0, 0]


async def test_a_job_that_kills_its_worker_is_given_up_after_three_starts(
    database: Database, prepared: Prepared, settings: Settings, tmp_path: Path
) -> None:
    said = tmp_path / "said"
    async with database.transaction(SYSTEM) as tx:
        await jobs.enqueue(tx, "tests.deadly", {})
    for _ in range(3):
        async with worker(prepared, settings, tmp_path, DEADLY, str(said)) as process, asyncio.timeout(20):
            assert await process.wait() == -signal.SIGKILL

    async def gave_up() -> bool:
        return bool(await in_system(database, select(JobStart.job_id).where(JobStart.gave_up_at.is_not(None))))

    async with worker(prepared, settings, tmp_path, DEADLY, str(said)) as process:
        await until(gave_up)
        process.terminate()
        async with asyncio.timeout(8):
            assert await process.wait() == 0
    assert said.read_text().splitlines() == ["started"] * 3 + ["stopped after 3 starts without an end"]
