"""Jobs that a worker keeps at hand: taken off the queue, not started, and so many at once as their kind allows."""

import asyncio
from collections.abc import Mapping

import asyncpg
from sqlalchemy import func, select, text
from support.databases import plain

from staffing.persistence import jobs
from staffing.persistence.jobs import HEARTBEAT_TIMEOUT, JobContext, JobKind
from staffing.persistence.models import JobStart
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database


async def test_what_is_at_hand_has_not_started_and_waits_its_turn(database: Database, prepared: object) -> None:
    running, most, done = 0, 0, 0
    two_run, go_on, all_done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work(context: JobContext, payload: Mapping[str, str]) -> None:
        nonlocal running, most, done
        running, most = running + 1, max(most, running + 1)
        if running == 2:
            two_run.set()
        await go_on.wait()
        await asyncio.sleep(0)
        running, done = running - 1, done + 1
        if done == 10:
            all_done.set()

    async with database.transaction(SYSTEM) as tx:
        for number in range(10):
            await jobs.enqueue(tx, "test.work", {"number": str(number)})
    connection = await asyncpg.connect(plain(prepared.app_dsn))  # type: ignore[attr-defined]
    worker = jobs.worker_on(connection)
    jobs.register(worker, JobContext(database), [JobKind("test.work", work, concurrency=2, ahead=4)])
    running_worker = asyncio.create_task(worker.run(dequeue_timeout=HEARTBEAT_TIMEOUT, heartbeat_timeout=HEARTBEAT_TIMEOUT))
    try:
        async with asyncio.timeout(30):
            await two_run.wait()
            assert (await _taken(database), running) == (6, 2)
            async with database.transaction(SYSTEM) as tx:
                assert await tx.scalar(select(func.count()).select_from(JobStart)) == 2
            go_on.set()
            await all_done.wait()
    finally:
        worker.shutdown.set()
        await running_worker
        await connection.close()
    assert most == 2
    async with database.transaction(SYSTEM) as tx:
        assert set(await tx.scalars(select(JobStart.starts))) == {0}


async def _taken(database: Database) -> int:
    async with database.transaction(SYSTEM) as tx:
        return int(await tx.scalar(text("select count(*) from queue.pgqueuer where status = 'picked'")) or 0)
