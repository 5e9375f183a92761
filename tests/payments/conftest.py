"""A till: the sandbox and the product's payment jobs."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.invoices import Sandbox, running_sandbox
from support.paying import Till
from support.world import World

from staffing.persistence.transactions import Database
from staffing.settings import Settings


@pytest.fixture
async def sandbox(settings: Settings, tmp_path: Path, standing: None) -> AsyncIterator[Sandbox]:
    async with running_sandbox(settings, tmp_path) as running:
        yield running


@pytest.fixture
def till(database: Database, sandbox: Sandbox, settings: Settings, world: World) -> Till:
    return Till(database, sandbox, settings, world)
