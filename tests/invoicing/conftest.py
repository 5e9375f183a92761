"""Invoices in the states that tests start from, and the sandbox."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from support.invoices import Sandbox, at, running_sandbox, work
from support.world import World, principal

from staffing.invoicing import service
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.settings import Settings


@pytest.fixture
async def sandbox(settings: Settings, tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with running_sandbox(settings, tmp_path) as running:
        yield running


@pytest.fixture
def finalized(database: Database, world: World, standing: None) -> Callable[..., Awaitable[UUID]]:
    """`await finalized()`: Northside's invoice for March, two lines, $42.00 + $4.55 = $46.55, finalised by Bella."""

    async def make(*, facility_id: UUID | None = None, coordinator_id: UUID | None = None) -> UUID:
        place, who = facility_id or world.north, coordinator_id or world.maria
        patient = world.rosa if place == world.north else world.tom
        async with database.transaction(SYSTEM) as tx:
            work(tx, world, at(2, 9), facility_id=place, coordinator_id=who, patient_id=patient)
            work(tx, world, at(2, 11), seconds=360, service="prior_authorization", facility_id=place, coordinator_id=who)
        bella = principal(world, "bella")
        async with database.transaction(bella.scope()) as tx:
            drafted = await service.draft_invoice(tx, bella, place, date(2026, 3, 1), date(2026, 3, 31))
            await service.review(tx, bella, drafted.id)
            await service.finalize(tx, bella, drafted.id)
        return drafted.id

    return make
