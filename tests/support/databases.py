"""Real databases for tests: one server per run, one migrated template, a fresh copy of it for each test that asks."""

import asyncio
import fcntl
import itertools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from sqlalchemy import make_url

from staffing import settings as settings_module
from staffing.persistence import embedded, migrating, provision
from staffing.persistence.transactions import Database, connect
from staffing.settings import Settings

TEMPLATE = "relief_template"
_numbers = itertools.count(1)


def test_settings(home: Path, **environment: str) -> Settings:
    """Settings as a deployment in demo mode would have them, on a home of its own and without fsync.

    With DATABASE_URL set the tests use that server; its role must be allowed to create databases and roles.
    """
    given = os.environ.get("DATABASE_URL", "")
    return settings_module.load(
        {
            "RELIEF_HOME": str(home),
            "RELIEF_DEMO": "1",
            "RELIEF_DATABASE_FAST": "1",
            "PORT": "8123",
            "DATABASE_URL": renamed(given, TEMPLATE) if given else "",
            **environment,
        }
    )


test_settings.__test__ = False  # type: ignore[attr-defined]


def make_template(settings: Settings) -> provision.Prepared:
    """The migrated template, made by the first process that asks; the others wait for it."""
    with (settings.home / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        asyncio.run(_ensure_given_database(settings))
        prepared = asyncio.run(provision.prepare(settings, database=TEMPLATE))
        migrating.migrate(prepared)
        asyncio.run(migrating.grant(prepared))
    return prepared


async def _ensure_given_database(settings: Settings) -> None:
    if settings.database_url:
        async with administrator(settings) as connection:
            if not await connection.fetchval("select 1 from pg_database where datname = $1", TEMPLATE):
                await connection.execute(f'create database "{TEMPLATE}"')


@asynccontextmanager
async def administrator(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    """Somebody who may create databases. Not connected to the template, which can only be copied while nobody is."""
    if settings.database_url:
        connection = await asyncpg.connect(plain(settings.database_url, "postgres"))
    else:
        connection = await asyncpg.connect(**embedded.ensure_running(settings.home).connect_kwargs("postgres"))
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def copy_of_template(settings: Settings, template: provision.Prepared, worker: str) -> AsyncIterator[provision.Prepared]:
    """A database of its own with every table and nothing in it (0.1 s), dropped afterwards."""
    name = f"relief_{worker}_{next(_numbers)}"
    owner = make_url(template.owner_dsn).username
    async with administrator(settings) as connection:
        await connection.execute(f'drop database if exists "{name}" with (force)')
        await connection.execute(f'create database "{name}" template "{TEMPLATE}" owner "{owner}"')
        try:
            yield provision.Prepared(renamed(template.owner_dsn, name), renamed(template.app_dsn, name), template.app_role)
        finally:
            await connection.execute(f'drop database if exists "{name}" with (force)')


def renamed(dsn: str, database: str) -> str:
    return make_url(dsn).set(database=database).render_as_string(hide_password=False)


def plain(dsn: str, database: str | None = None) -> str:
    """The same address for asyncpg itself."""
    url = make_url(dsn).set(drivername="postgresql")
    return (url.set(database=database) if database else url).render_as_string(hide_password=False)


def open_database(prepared: provision.Prepared) -> Database:
    """A connected database as the application's role."""
    return connect(prepared.app_dsn, pool_size=5)
