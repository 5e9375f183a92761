"""Whether the database answers."""

import asyncio

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from staffing.persistence.tenancy import NOBODY
from staffing.persistence.transactions import Database


async def answers(database: Database, within_seconds: float = 2) -> bool:
    try:
        async with asyncio.timeout(within_seconds), database.transaction(NOBODY) as tx:
            await tx.execute(text("select 1"))
    except (SQLAlchemyError, OSError, TimeoutError):
        return False
    return True
