"""Northside's invoice for March at the sandbox, sent and unpaid."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from support.invoices import Sandbox, at, running_sandbox, work
from support.world import World, principal

from staffing.invoicing import service
from staffing.payments import jobs as payments_jobs
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.settings import Settings

AtStripe = Callable[..., Awaitable[UUID]]


@pytest.fixture
async def sandbox(settings: Settings, tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with running_sandbox(settings, tmp_path) as running:
        yield running


@pytest.fixture
def at_stripe(database: Database, world: World, sandbox: Sandbox, standing: None) -> AtStripe:
    """`await at_stripe(day=2)`: an invoice over one hour of that day of March, $42.00, issued on 4 March, due on 18 March."""

    async def make(*, day: int = 2, facility_id: UUID | None = None) -> UUID:
        place, bella = facility_id or world.north, principal(world, "bella")
        async with database.transaction(SYSTEM) as tx:
            who = world.maria if place == world.north else world.joseph
            work(tx, world, at(day, 9), facility_id=place, coordinator_id=who)
        async with database.transaction(bella.scope()) as tx:
            drafted = await service.draft_invoice(tx, bella, place, date(2026, 3, day), date(2026, 3, day))
            await service.review(tx, bella, drafted.id)
            await service.finalize(tx, bella, drafted.id)
        await payments_jobs.send(sandbox.context(database), {"id": str(drafted.id)})
        return drafted.id

    return make
