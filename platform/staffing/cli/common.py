"""What several commands need: settings, a prepared database, a progress bar."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from sqlalchemy.exc import SQLAlchemyError

from staffing import clock, settings
from staffing.errors import ReliefError
from staffing.persistence import provision, revisions
from staffing.persistence.transactions import Database, connect
from staffing.settings import Settings

T = TypeVar("T")
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


class NotMigrated(ReliefError):
    """The database has not been migrated: run `relief migrate` first."""


def configured() -> Settings:
    """The settings, with the clock following them."""
    loaded = settings.load()
    clock.follow_file(loaded.clock_file)
    return loaded


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work; a database that cannot be reached is one sentence."""
    try:
        return asyncio.run(work)
    except (SQLAlchemyError, ConnectionError) as failure:
        if "password authentication failed" in str(failure):
            raise ReliefError(
                "The database does not take this deployment's password. `relief migrate` sets it anew."
            ) from failure
        raise ReliefError(f"The database refused: {type(failure).__name__}: {str(failure).splitlines()[0]}") from failure


@asynccontextmanager
async def opened(loaded: Settings) -> AsyncIterator[Database]:
    """A migrated database as the application's role."""
    prepared = provision.locate(loaded)
    if not await revisions.is_current(prepared):
        raise NotMigrated
    database = connect(prepared.app_dsn, pool_size=4, statement_seconds=60)
    try:
        yield database
    finally:
        await database.close()


def progress() -> Progress:
    """A bar on a terminal, nothing in a pipe."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TimeElapsedColumn(),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    )
