"""A month closed by workers that die on the way: begin, die, begin again, until every invoice is out."""

import asyncio
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select
from support.billing_runs import state_of
from support.dying_workers import ended, started
from support.world import NOW, World, principal

from staffing.billing_runs import service
from staffing.billing_runs.models import BillingRun, BillingRunItem
from staffing.persistence.failpoints import DIED
from staffing.persistence.provision import Prepared
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database

KINDS = ("billing_runs.",)


class Month:
    """One run and the worker that is at it. `deaths` counts those that died and were followed by another."""

    def __init__(self, database: Database, prepared: Prepared, home: Path, world: World) -> None:
        self.database, self.prepared, self.home, self.world = database, prepared, home, world
        self.deaths = 0
        self.worker: ForkServerProcess | None = None
        self.restarted_at = 0.0

    async def close(self, failpoint: str = "", kill: Callable[[], float | None] | None = None) -> UUID:
        """Start a run, issue all it proposes, and see it done. The first worker dies at `failpoint`; `kill` says after how many
        seconds the worker at hand is killed, None: no more.
        """
        bella = principal(self.world, "bella")
        async with self.database.transaction(bella.scope()) as tx:
            from support.billing_runs import FEBRUARY

            run_id = (await service.start(tx, bella, FEBRUARY)).id
        self._start(failpoint)
        try:
            while await state_of(self.database, run_id) != "done":
                await self._until_it_stands(run_id, kill)
                await self._decide(run_id)
            await self._wait_for_a_late_death(failpoint)
        finally:
            if self.worker is not None and self.worker.is_alive():
                self.worker.terminate()
                await ended(self.worker)
        return run_id

    def _start(self, failpoint: str = "") -> None:
        self.worker = started(self.prepared.app_dsn, self.home, NOW.isoformat(), kinds=KINDS, failpoint=failpoint)

    async def _until_it_stands(self, run_id: UUID, kill: Callable[[], float | None] | None) -> None:
        """Until the run waits for a person or is over; a dead worker is replaced."""
        async with asyncio.timeout(120):
            killed_after = kill() if kill else None
            since = time.monotonic()
            while await state_of(self.database, run_id) in ("proposing", "issuing"):
                assert self.worker is not None
                if killed_after is not None and time.monotonic() - since > killed_after:
                    self.worker.kill()
                    await asyncio.to_thread(self.worker.join, 5)
                    killed_after, since = (kill() if kill else None), time.monotonic()
                self._replace_the_dead()
                await asyncio.sleep(0.03)

    def _replace_the_dead(self) -> None:
        assert self.worker is not None
        if not self.worker.is_alive():
            assert self.worker.exitcode in (DIED, -9), self.worker.exitcode
            self.deaths += 1
            self.restarted_at = time.monotonic()
            self._start()

    async def _decide(self, run_id: UUID) -> None:
        """What Bella does: look again at what failed, accept the flags, press the button."""
        bella = principal(self.world, "bella")
        async with self.database.transaction(bella.scope()) as tx:
            run = await tx.get_one(BillingRun, run_id, populate_existing=True)
            if run.state != "proposed":
                return
            failed = (
                await tx.scalars(
                    select(BillingRunItem.facility_id).where(BillingRunItem.run_id == run_id, BillingRunItem.state == "failed")
                )
            ).all()
            if failed:
                await service.look_again(tx, bella, run_id)
                return
            await service.accept_all(tx, bella, run_id)
            await service.issue(tx, bella, run_id)

    async def _wait_for_a_late_death(self, failpoint: str) -> None:
        """A point behind the last commit kills the worker when the run is done already."""
        if failpoint and not self.deaths:
            assert self.worker is not None
            await asyncio.to_thread(self.worker.join, 10)
            assert self.worker.exitcode == DIED, f"{failpoint} was never reached"
            self.deaths += 1

    async def nothing_waits(self) -> bool:
        """Whether no job of the run is left in the queue."""
        from sqlalchemy import text

        async with self.database.transaction(SYSTEM) as tx:
            left = text("select count(*) from queue.pgqueuer where entrypoint like 'billing_runs.%'")
            return not await tx.scalar(left)

    async def given_up(self) -> int:
        """How many jobs were given up because their worker died under them three times."""
        from staffing.persistence.models import JobStart

        async with self.database.transaction(SYSTEM) as tx:
            return await tx.scalar(select(func.count()).select_from(JobStart).where(JobStart.gave_up_at.is_not(None))) or 0
