"""Where a history plays: a database and a sandbox of its own, the people, a clock that only goes on, and a worker by hand.

Everything is the product's: its use cases in the name of those who may, its jobs from its queue, its door for webhooks, the
sandbox over its interface. Nothing happens unless the history says so.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import text, update
from support import databases
from support import world as worlds
from support.contracts import set_terms
from support.history.seen import Seen, look_around
from support.invoices import Died, Sandbox, running_sandbox, webhook
from support.paying import Till
from support.visitors import Visitor
from support.world import World, principal

from staffing import clock
from staffing.app import create_app
from staffing.identity.models import Role
from staffing.identity.principals import Principal
from staffing.persistence.jobs import JobContext, TryAgain
from staffing.persistence.provision import Prepared
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database, Transaction
from staffing.roster.models import Credential
from staffing.roster.rules import SCREENING
from staffing.scheduling import jobs as scheduling_jobs
from staffing.scheduling.reach import with_facilities
from staffing.settings import Settings
from staffing.worker import KINDS

T = TypeVar("T")
Job = tuple[str, Mapping[str, str]]

_PLANNING = {kind.name for kind in scheduling_jobs.KINDS}
HANDLERS = {kind.name: kind.run for kind in KINDS if kind.name not in _PLANNING}
"""All jobs but the solver's: what it finds depends on the machine, and a history has to be the same when it is played again."""

TERMS = {
    "tax": {"rates": [{"name": "Sales tax", "percent": "7", "jurisdiction": "US-OH"}]},
    "premiums": [
        {"kind": "weekend", "multiplier": "1.5"},
        {"kind": "night", "from": "22:00", "to": "06:00", "multiplier": "1.25"},
    ],
    "late_cancellation": {"kind": "percent", "window_minutes": 1440, "percent": "50"},
}
"""Northside's contract; Southlake's has prices and nothing else."""


@dataclass(slots=True)
class Stage:
    """One history's world. `do` is the way into it: the clock stands at `now` meanwhile."""

    settings: Settings
    template: Prepared
    folder: Path
    name: str
    now: datetime
    loop: asyncio.Runner = field(default_factory=lambda: asyncio.Runner(loop_factory=asyncio.new_event_loop))
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    later: list[Job] = field(default_factory=list)
    """Jobs whose trouble was to pass: they come again with the next work."""
    events: list[Mapping[str, Any]] = field(default_factory=list)
    """Everything that Stripe has told so far, oldest first, whether or not it reached us."""
    database: Database = field(init=False)
    world: World = field(init=False)
    sandbox: Sandbox = field(init=False)
    till: Till = field(init=False)
    door: Visitor = field(init=False)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Have `work` done at the history's instant."""

        async def standing() -> T:
            with clock.standing_at(self.now):
                return await work

        return self.loop.run(standing())

    async def build(self) -> None:
        enter = self.stack.enter_async_context
        prepared = await enter(databases.copy_of_template(self.settings, self.template, self.name))
        self.database = databases.open_database(prepared)
        self.stack.push_async_callback(self.database.close)
        self.world = await worlds.build(self.database)
        self.sandbox = await enter(running_sandbox(self.settings, self.folder))
        self.till = Till(self.database, self.sandbox, self.settings, self.world)
        self.door = Visitor(create_app(self.settings, self.database))
        async with self.database.transaction(SYSTEM) as tx:
            await set_terms(tx, self.world.north, TERMS)
        await self.screen()

    def close(self) -> None:
        try:
            self.do(self.stack.aclose())
        finally:
            self.loop.close()

    def pass_time(self, length: timedelta) -> None:
        self.now += length
        self.do(self.screen())

    async def screen(self) -> None:
        """The monthly exclusion screening, which is the roster's and not what a history is about."""
        today = clock.now().date()
        async with self.database.transaction(SYSTEM) as tx:
            await tx.execute(update(Credential).where(Credential.kind == SCREENING).values(verified_on=today))
            await tx.execute(update(Credential).values(expires_on=today + timedelta(days=365)))

    @asynccontextmanager
    async def as_(self, who: str) -> AsyncIterator[tuple[Transaction, Principal]]:
        """One request of this person's, as the web begins it."""
        caller = principal(self.world, who)
        async with self.database.transaction(caller.scope()) as tx:
            if caller.role is Role.COORDINATOR:
                caller = await with_facilities(tx, caller, clock.now())
                await tx.enter(caller.scope())
            tx.info["actor"] = caller.actor()
            yield tx, caller

    def manager_of(self, facility_id: UUID) -> str:
        return "alice" if facility_id == self.world.north else "charlie"

    def coordinator(self, coordinator_id: UUID) -> str:
        return "maria" if coordinator_id == self.world.maria else "joseph"

    async def look(self) -> Seen:
        await self._hear_of_events()
        return await look_around(self.database)

    async def work_off(self, most: int = 1000) -> list[str]:
        """Do up to so many of the jobs that wait, oldest first, as a worker does. Their names."""
        again, self.later = self.later, []
        done: list[str] = []
        while len(done) < most and (job := again.pop(0) if again else await self._take()):
            done.append(job[0])
            await self._run(job)
            assert len(done) < 400, f"the jobs never end: {done[-12:]}"
        self.later += again
        return done

    async def die_at_work(self) -> str:
        """The process ends while it does the next job: what it said to Stripe is said, and the job is lost."""
        job = await self._take()
        if job is None:
            return ""
        self.sandbox.die_after = 0
        try:
            await HANDLERS[job[0]](self.context, job[1])
        except (Died, TryAgain):
            pass
        finally:
            self.sandbox.die_after = -1
        return job[0]

    async def enqueue(self, kind: str) -> None:
        """What the clock of the worker does: have a repeating job done."""
        await HANDLERS[kind](self.context, {})

    @property
    def context(self) -> JobContext:
        return self.till.context

    async def post_webhook(self, event: Mapping[str, Any]) -> int:
        body, headers = webhook(event, self.settings.stripe_webhook_secret.split(",")[0])
        return (await self.door.http.post("/hooks/stripe", content=body, headers=headers)).status_code

    async def system(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        async with self.database.transaction(SYSTEM) as tx:
            return await work(tx)

    async def _run(self, job: Job) -> None:
        for _ in range(3):
            try:
                await HANDLERS[job[0]](self.context, job[1])
            except TryAgain:
                continue
            return
        self.later.append(job)

    async def _take(self) -> Job | None:
        async with self.database.transaction(SYSTEM) as tx:
            row = (
                await tx.execute(
                    text(
                        "delete from queue.pgqueuer"
                        " where id = (select min(id) from queue.pgqueuer where entrypoint = any(:names))"
                        " returning entrypoint, convert_from(payload, 'UTF8')"
                    ),
                    {"names": list(HANDLERS)},
                )
            ).one_or_none()
        return None if row is None else (row[0], json.loads(row[1]))

    async def _hear_of_events(self) -> None:
        """Stripe's list of events, as far as it has grown."""
        async with self.sandbox.client() as http:
            while True:
                since = {"ending_before": self.events[-1]["id"]} if self.events else {}
                answer = await http.get(
                    "/v1/events", params={"limit": 100, **since}, headers={"authorization": "Bearer sk_test_x"}
                )
                new = list(reversed(answer.json()["data"]))
                self.events += new
                if len(new) < 100:
                    return


def starts() -> tuple[datetime, ...]:
    """Two days before the clocks go forward; three before they go back in the night that a month ends; before a month's end."""
    return (
        datetime(2026, 3, 6, 15, tzinfo=UTC),
        datetime(2026, 10, 29, 14, tzinfo=UTC),
        datetime(2026, 4, 29, 20, tzinfo=UTC),
    )
