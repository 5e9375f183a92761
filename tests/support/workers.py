"""Real worker processes in tests, waiting for what they do, and a problem that keeps a solver busy."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from support.world import NOW, World, ask

from staffing.persistence.base import new_id
from staffing.persistence.provision import Prepared
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.roster.models import AvailabilityRule, Coordinator, CoordinatorService, Credential, PayRate
from staffing.settings import Settings

WORKER = """
import asyncio, os, sys
from datetime import timedelta
from staffing import settings
from staffing.worker import run_worker
asyncio.run(run_worker(settings.load(), sys.argv[1], resources={}))
"""


@asynccontextmanager
async def worker(
    prepared: Prepared, settings: Settings, folder: Path, program: str = WORKER, *arguments: str, **environment: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A real worker process whose clock stands at the world's instant."""
    clock_file = folder / "clock"
    clock_file.write_text(NOW.isoformat())
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, prepared.app_dsn, *arguments),
        env={
            **os.environ,
            **environment,
            "RELIEF_HOME": str(settings.home),
            "RELIEF_DEMO": "1",
            "RELIEF_CLOCK_FILE": str(clock_file),
            "DATABASE_URL": "",
        },
        stdin=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until(condition: Callable[[], Awaitable[Any]], seconds: float = 20) -> Any:
    """Wait for something to become true; fail when it does not."""
    async with asyncio.timeout(seconds):
        while not (found := await condition()):  # noqa: ASYNC110 - the other side is another process
            await asyncio.sleep(0.1)
    return found


async def crowd(database: Database, world: World) -> None:
    """A problem that keeps the solver busy for longer than the test takes: 60 people, 150 overlapping requests."""
    async with database.transaction(SYSTEM) as tx:
        for number in range(60):
            person = Coordinator(
                id=new_id(), reference=f"C-{3000 + number}", name=f"Person {number}", work_country="US",
                time_zone="America/New_York", credential_class="medical_assistant", languages=["en"], ehr_systems=["epic"],
                licence_states=[], weekly_cap_minutes=1500 + 60 * (number % 7), weekly_target_minutes=1200, max_facilities=2,
                joined_on=date(2025, 1, 1),
            )  # fmt: skip
            tx.add(person)
            await tx.flush()
            for kind in ("hipaa_training", "exclusion_screening", "background_check"):
                tx.add(Credential(
                    coordinator_id=person.id, kind=kind, issued_on=date(2026, 2, 20), expires_on=date(2027, 1, 1),
                    verified_on=date(2026, 2, 20), verified_by="Dora Petrie",
                ))  # fmt: skip
            for service in ("patient_care_coordinator", "prior_authorization"):
                tx.add(CoordinatorService(coordinator_id=person.id, service=service, level=3))
            for weekday in range(7):
                tx.add(AvailabilityRule(
                    coordinator_id=person.id, weekday=weekday, starts_at_time=time(number % 9), ends_at_time=time(14 + number % 9)
                ))  # fmt: skip
            tx.add(PayRate(coordinator_id=person.id, valid_from=date(2025, 1, 1), pay_per_hour=Decimal(18 + number % 13)))
        for number in range(150):
            request, _ = await ask(
                tx, world, (world.north, world.south)[number % 2], start=NOW + timedelta(hours=15 + (number * 7) % 80),
                hours=2 + number % 5, headcount=1 + number % 3, priority=1 + number % 5,
            )  # fmt: skip
            request.max_coordinators = 1 + number % 2
