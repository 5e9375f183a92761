"""Call-offs and relief in tests: a third coordinator, a call-off, and the search taken to its answer with the real solver."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from support import world as worlds
from support.proposing import job_context
from support.world import NOW, World, assign, principal

from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.scheduling.call_off_queries import CallOffDetail, call_off_detail
from staffing.scheduling.call_off_rules import CallOffReason, Reach
from staffing.scheduling.calling_off import NewCallOff, call_off
from staffing.scheduling.relief_search import find_relief
from staffing.scheduling.relieving import Relieved, confirm
from staffing.settings import Settings


async def add_ana(database: Database) -> UUID:
    """Ana Delfin of Ohio, as able as Maria."""
    async with database.transaction(SYSTEM) as tx:
        ana = worlds._coordinator("C-2003", "Ana Delfin", "US", "America/New_York", ["en"])
        tx.add(ana)
        await tx.flush()
        worlds._abilities(tx, ana)
        return ana.id


async def assigned(
    database: Database, world: World, who: UUID, where: UUID, hours: float, *, length: float = 4, now: datetime = NOW
) -> UUID:
    """Somebody on a window that begins so many hours from now. Returns the assignment."""
    async with database.transaction(SYSTEM) as tx:
        return (await assign(tx, world, who, where, start=now + timedelta(hours=hours), hours=length)).id


async def called_off(database: Database, world: World, assignment_id: UUID, by: str = "dora", **said: Any) -> UUID:
    caller = principal(world, by)
    values = {"reach": Reach.THIS, "reason": CallOffReason.ILLNESS, **said}
    async with database.transaction(caller.scope()) as tx:
        tx.info["actor"] = caller.actor()
        return (await call_off(tx, caller, NewCallOff(assignment_id=assignment_id, **values))).id


async def searched(database: Database, settings: Settings, world: World, call_off_id: UUID) -> CallOffDetail:
    """The worker does its work; the call-off as the desk sees it then."""
    await find_relief(job_context(database, settings), {"call_off_id": str(call_off_id)})
    return await seen(database, world, call_off_id)


async def seen(database: Database, world: World, call_off_id: UUID) -> CallOffDetail:
    caller = principal(world, "dora")
    async with database.transaction(caller.scope()) as tx:
        return await call_off_detail(tx, caller, call_off_id)


async def confirmed(database: Database, world: World, call_off: CallOffDetail, key: str, by: str = "dora") -> Relieved:
    caller = principal(world, by)
    assert call_off.search_id is not None
    async with database.transaction(caller.scope()) as tx:
        tx.info["actor"] = caller.actor()
        return await confirm(tx, caller, call_off.id, call_off.search_id, key)
