"""Work off the request: a thin port over pgqueuer.

A job is a row inserted on the caller's own connection: gone after a rollback, invisible before the commit. Its payload holds ids
only. pgqueuer picks a job up again when its worker dies; because it counts no start of a dead worker, starts are counted
in our own table, and a job that has been started three times without an end is given up.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert

from staffing.persistence.models import JobStart
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database, Transaction

if TYPE_CHECKING:
    from pgqueuer import Job, PgQueuer, Queries
    from pgqueuer.domain.settings import DBSettings
    from pgqueuer.models import Schedule

log = logging.getLogger(__name__)
T = TypeVar("T")

MAX_STARTS = 3
QUEUE_SCHEMA = "queue"
HEARTBEAT_TIMEOUT = timedelta(seconds=6)


# pgqueuer is loaded when it is used: a page that enqueues nothing, and every start, does without.


@cache
def _settings() -> "DBSettings":
    from pgqueuer.domain.settings import DBSettings

    return DBSettings(db_schema=QUEUE_SCHEMA)


def install_sql() -> str:
    """The queue's own tables, in a schema of their own."""
    from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment

    return QueryBuilderEnvironment(_settings()).build_install_query()


def queries(connection: Any) -> "Queries":
    """pgqueuer's statements on one asyncpg connection."""
    from pgqueuer import AsyncpgDriver, Queries
    from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder

    return Queries(
        AsyncpgDriver(connection),
        QueryBuilderEnvironment(_settings()),
        QueryQueueBuilder(_settings()),
        QuerySchedulerBuilder(_settings()),
    )


async def enqueue(
    tx: Transaction,
    kind: str,
    payload: Mapping[str, str],
    *,
    priority: int = 0,
    dedupe: str | None = None,
    run_after: timedelta | None = None,
) -> None:
    """Have `kind` done once this transaction is finished. With `dedupe`, a job of the same key that still waits is enough."""
    await tx.flush()
    raw = (await (await tx.connection()).get_raw_connection()).driver_connection
    await queries(raw).enqueue(
        kind,
        json.dumps(payload, sort_keys=True).encode(),
        priority,
        execute_after=run_after,
        dedupe_key=dedupe,
        on_conflict="skip",
    )


class TryAgain(Exception):
    """Raised by a job that could not finish now: it runs again after `after`."""

    def __init__(self, after: timedelta, reason: str) -> None:
        super().__init__(reason)
        self.after = after


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a job is given: the database and the objects the worker was composed with."""

    database: Database
    resources: Mapping[type, Any] = field(default_factory=dict)

    def resource(self, kind: type[T]) -> T:
        found = self.resources[kind]
        assert isinstance(found, kind)
        return found


Handler = Callable[[JobContext, Mapping[str, str]], Awaitable[None]]
GiveUp = Callable[[JobContext, Mapping[str, str], str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of job: its name, what it does, and how it says that it will not be tried again.

    `concurrency` is how many of it are done at once (0: any number), `ahead` how many more a worker keeps at hand. For work in
    many short pieces: the queue writes down in batches what is done, and a worker without anything at hand waits for that.
    """

    name: str
    run: Handler
    give_up: GiveUp | None = None
    concurrency: int = 0
    ahead: int = 0


@dataclass(frozen=True, slots=True)
class Repeating:
    """A kind of job that comes again at the times of a cron expression (UTC), once, however many workers there are."""

    kind: str
    expression: str


def repeat(worker: "PgQueuer", database: Database, repeating: Sequence[Repeating]) -> None:
    """Teach a worker which jobs come again by themselves. It only enqueues them; one that still waits is enough."""
    for one in repeating:
        worker.schedule(one.kind, one.expression)(_enqueuing(database, one.kind))


def _enqueuing(database: Database, kind: str) -> Callable[["Schedule"], Awaitable[None]]:
    async def run(schedule: "Schedule") -> None:
        async with database.transaction(SYSTEM) as tx:
            await enqueue(tx, kind, {}, dedupe=kind)

    return run


def register(worker: "PgQueuer", context: JobContext, kinds: list[JobKind]) -> None:
    """Teach a worker the kinds of job it works off."""
    for kind in kinds:
        limit = kind.concurrency + kind.ahead
        worker.entrypoint(kind.name, concurrency_limit=limit, on_failure="hold")(_guarded(context, kind))


def worker_on(connection: Any) -> "PgQueuer":
    """A worker on its own asyncpg connection."""
    from pgqueuer import AsyncpgDriver, PgQueuer

    return PgQueuer(connection=AsyncpgDriver(connection), channel=_settings().channel, queries=queries(connection))


def _guarded(context: JobContext, kind: JobKind) -> Callable[["Job"], Awaitable[None]]:
    from pgqueuer import RetryRequested

    # What is only at hand has not started: a death does not count against it.
    turns = asyncio.Semaphore(kind.concurrency) if kind.ahead else nullcontext()

    async def run(job: "Job") -> None:
        async with turns:
            await start(job)

    async def start(job: "Job") -> None:
        payload = json.loads(job.payload or b"{}")
        starts = await _count_start(context.database, int(job.id), kind.name)
        if starts > MAX_STARTS:
            log.error("job %s (%s) was started %s times without an end: given up", job.id, kind.name, MAX_STARTS)
            await _mark_given_up(context.database, int(job.id))
            if kind.give_up is not None:
                await kind.give_up(context, payload, f"stopped after {MAX_STARTS} starts without an end")
            return
        try:
            await kind.run(context, payload)
        except TryAgain as later:
            await _forget_start(context.database, int(job.id))
            raise RetryRequested(delay=later.after, reason=str(later)) from later
        except Exception as error:
            log.exception("job %s (%s) failed", job.id, kind.name)
            if kind.give_up is not None:
                await kind.give_up(context, payload, f"{type(error).__name__}: {error}")
            raise
        await _forget_start(context.database, int(job.id))

    return run


_NOT_WAITED_FOR = func.set_config("synchronous_commit", "off", True)
"""Makes a transaction one whose commit does not wait for the disk. A worker's death loses nothing of it; that of the database
server may lose a moment of counting, and it is no fault of a job."""


async def _count_start(database: Database, job_id: int, kind: str) -> int:
    async with database.transaction(SYSTEM) as tx:
        statement = insert(JobStart).values(
            job_id=job_id, kind=kind, starts=1, first_started_at=func.now(), last_started_at=func.now()
        )
        statement = statement.on_conflict_do_update(
            index_elements=[JobStart.job_id], set_={"starts": JobStart.starts + 1, "last_started_at": func.now()}
        )
        return int((await tx.execute(statement.returning(JobStart.starts, _NOT_WAITED_FOR))).scalar_one())


async def _forget_start(database: Database, job_id: int) -> None:
    """An end that the job reached by itself does not count towards giving up."""
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(JobStart).where(JobStart.job_id == job_id).values(starts=0).returning(_NOT_WAITED_FOR))


async def _mark_given_up(database: Database, job_id: int) -> None:
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(JobStart).where(JobStart.job_id == job_id).values(gave_up_at=func.now()))
