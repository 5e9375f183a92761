"""Plans in tests: what the job is given, and a plan taken from the button to its proposal with the real solver."""

from typing import Any
from uuid import UUID

from support.world import World, principal

from staffing.persistence.jobs import JobContext
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.scheduling import service
from staffing.scheduling.helper import Helper
from staffing.scheduling.jobs import propose_plan
from staffing.scheduling.solver_process import Stopping
from staffing.settings import Settings

SECONDS = 5
"""Time limit of a search in tests; the small world is proven best long before."""


def job_context(database: Database, settings: Settings) -> JobContext:
    """What the worker would give the job."""
    return JobContext(database, {Settings: settings, Stopping: Stopping(), Helper: Helper()})


async def ask_for_plan(database: Database, world: World, by: str = "dora", seconds: int = SECONDS) -> UUID:
    """Press Plan."""
    caller = principal(world, by)
    async with database.transaction(caller.scope()) as tx:
        tx.info["actor"] = caller.actor()
        return await service.request_plan(tx, caller, time_limit_seconds=seconds)


async def proposed_plan(database: Database, settings: Settings, world: World, by: str = "dora") -> UUID:
    """Press Plan, and the worker does its work."""
    plan_id = await ask_for_plan(database, world, by)
    await propose_plan(job_context(database, settings), {"plan_id": str(plan_id)})
    return plan_id


async def in_system(database: Database, statement: Any) -> list[tuple[Any, ...]]:
    """Rows of a statement, seen as a job would see them."""
    async with database.transaction(SYSTEM) as tx:
        return [tuple(row) for row in await tx.execute(statement)]
