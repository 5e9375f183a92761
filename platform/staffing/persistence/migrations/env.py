"""How Alembic reaches the database: asynchronously, as the owner, with a short lock timeout, one run at a time."""

import asyncio
from typing import Any

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from staffing.persistence import schema

LOCK = 7_245_001
"""Advisory lock: two processes that start at once migrate one after the other."""


def include_name(name: str | None, kind: str, parents: Any) -> bool:
    return kind != "schema" or name is None


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=schema.metadata(),
        compare_type=True,
        compare_server_default=False,
        include_name=include_name,
    )
    with context.begin_transaction():
        connection.execute(text(f"select pg_advisory_xact_lock({LOCK})"))
        connection.execute(text("set local lock_timeout = '5s'"))
        context.run_migrations()


async def main() -> None:
    engine = create_async_engine(context.config.attributes["dsn"], poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(run)
    finally:
        await engine.dispose()


asyncio.run(main())
