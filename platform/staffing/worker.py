"""The worker: takes jobs off the queue and does them, until it is told to end.

Jobs come over one connection of its own; their transactions use a pool beside it. A worker that dies is noticed by the next one
through the queue's heartbeat, and its jobs are picked up again.
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

import asyncpg
from sqlalchemy import make_url

from staffing import clock
from staffing.billing_runs import jobs as billing_run_jobs
from staffing.dunning import jobs as dunning_jobs
from staffing.invariants import jobs as invariant_jobs
from staffing.invoicing import charge_jobs
from staffing.payments import jobs as payments_jobs
from staffing.persistence import failpoints, jobs
from staffing.persistence.jobs import HEARTBEAT_TIMEOUT, JobContext, JobKind, Repeating
from staffing.persistence.transactions import connect
from staffing.requests import jobs as requests_jobs
from staffing.scheduling import jobs as scheduling_jobs
from staffing.scheduling.helper import Helper
from staffing.scheduling.solver_process import Stopping
from staffing.settings import Settings

log = logging.getLogger(__name__)

KINDS: tuple[JobKind, ...] = (
    *requests_jobs.KINDS,
    *scheduling_jobs.KINDS,
    *payments_jobs.KINDS,
    *billing_run_jobs.KINDS,
    *charge_jobs.KINDS,
    *dunning_jobs.KINDS,
    *invariant_jobs.KINDS,
)
REPEATING: tuple[Repeating, ...] = (*payments_jobs.REPEATING, *dunning_jobs.REPEATING, *invariant_jobs.REPEATING)
LOOK_EVERY = timedelta(seconds=2)
"""Jobs announce themselves; this often the worker looks for those whose worker has died."""
_POOL = 6
_WAIT_SECONDS = 60
"""Twenty jobs may come at once: each waits for its turn at the pool."""
_STATEMENT_SECONDS = 60


async def run_worker(
    settings: Settings,
    dsn: str,
    *,
    kinds: Sequence[JobKind] = KINDS,
    repeating: Sequence[Repeating] = REPEATING,
    heartbeat_timeout: timedelta = HEARTBEAT_TIMEOUT,
    resources: Mapping[type, Any] | None = None,
) -> None:
    """Work until SIGTERM or SIGINT, then finish what was begun; a search under way is ended and written down as interrupted.

    `dsn` is the database as the application's role. `resources` replaces what jobs are given by type.
    """
    clock.follow_file(settings.clock_file)
    failpoints.arm(settings.failpoint)
    stopping = Stopping()
    helper = Helper()
    given = {
        Settings: settings,
        Stopping: stopping,
        Helper: helper,
        **(resources if resources is not None else resources_for(settings)),
    }
    database = connect(dsn, pool_size=_POOL, statement_seconds=_STATEMENT_SECONDS, wait_seconds=_WAIT_SECONDS)
    try:
        async with _connection(dsn) as connection:
            worker = jobs.worker_on(connection)
            jobs.register(worker, JobContext(database, given), list(kinds))
            jobs.repeat(worker, database, [one for one in repeating if one.kind in {kind.name for kind in kinds}])
            with _told_to_end(stopping, worker.shutdown):
                log.info("worker ready: %s", ", ".join(kind.name for kind in kinds))
                await worker.run(dequeue_timeout=min(LOOK_EVERY, heartbeat_timeout), heartbeat_timeout=heartbeat_timeout)
    finally:
        await helper.close()
        await database.close()
        log.info("worker ended")


def resources_for(settings: Settings) -> dict[type, Any]:
    """What the jobs of all features are given."""
    return {**payments_jobs.resources(settings)}


@asynccontextmanager
async def _connection(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(
        make_url(dsn).set(drivername="postgresql").render_as_string(hide_password=False),
        timeout=10,
        server_settings={"application_name": "relief-desk-worker", "timezone": "UTC"},
    )
    try:
        yield connection
    finally:
        with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            await connection.close(timeout=2)


@contextmanager
def _told_to_end(*events: asyncio.Event) -> Iterator[None]:
    """Within the block, SIGTERM and SIGINT set the events."""
    loop = asyncio.get_running_loop()

    def end() -> None:
        log.info("worker told to end")
        for event in events:
            event.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
