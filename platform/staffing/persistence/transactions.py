"""Transactions: opened, finished and given up here and nowhere else.

One request or one job is one transaction. Code in between adds rows, reads and enqueues jobs; it never commits. Audit rows
noted on the way are written in one batch just before the commit, so that the chain's head is locked for a moment only.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, SessionTransaction

from staffing.persistence.tenancy import NOBODY, Scope

EXCLUSION_VIOLATION = "23P01"
UNIQUE_VIOLATION = "23505"
SERIALIZATION_FAILURES = {"40001", "40P01"}
UNSTORABLE = {"22021", "22P05"}
"""Text that PostgreSQL cannot hold: a NUL character, in JSON too."""
UNREACHABLE = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, ConnectionError, OSError)


class Transaction(AsyncSession):
    """A session whose rows are limited to its `Scope`."""

    @property
    def scope(self) -> Scope:
        scope: Scope = self.info.get("scope", NOBODY)
        return scope

    async def enter(self, scope: Scope) -> None:
        """Limit everything that follows to `scope`."""
        self.info["scope"] = scope
        if self.in_transaction():
            await self.execute(text(_SET), _parameters(scope))


def sqlstate(error: BaseException) -> str:
    """PostgreSQL's code of a failed statement, or `''`."""
    original = getattr(error, "orig", None)
    return str(getattr(original, "sqlstate", None) or getattr(original, "pgcode", None) or "")


def constraint(error: DBAPIError) -> str:
    """The name of the constraint that a statement broke, or `''`."""
    cause = getattr(error.orig, "__cause__", None)
    return str(getattr(cause, "constraint_name", None) or "")


@dataclass(frozen=True, slots=True)
class Database:
    """The engine of one process and the transactions made on it."""

    engine: AsyncEngine
    sessions: async_sessionmaker[Transaction]

    def open(self) -> Transaction:
        """A transaction that its caller hands to `finish` or `give_up`: for the unit of work of a request."""
        return self.sessions()

    @asynccontextmanager
    async def transaction(self, scope: Scope) -> AsyncIterator[Transaction]:
        """One transaction, kept when the block ends well, undone when it raises."""
        tx = self.sessions()
        tx.info["scope"] = scope
        try:
            yield tx
            await finish(tx)
        finally:
            await give_up(tx)

    async def close(self) -> None:
        await self.engine.dispose()


async def finish(tx: Transaction) -> None:
    """Write the noted audit rows, then make everything permanent. The one commit of the product."""
    await tx.flush()
    for write_pending in tx.info.pop("before_finish", ()):
        await write_pending(tx)
    await tx.commit()


async def give_up(tx: Transaction) -> None:
    """Undo whatever was not finished and give the connection back."""
    tx.info.pop("before_finish", None)
    await tx.close()


def connect(dsn: str, *, pool_size: int = 10, statement_seconds: int = 10, wait_seconds: float = 5) -> Database:
    """A database for one process. `statement_seconds` bounds every statement, so that a slow one cannot hold the pool;
    `wait_seconds` is how long a transaction may wait for a connection: a page cannot, a job can.
    """
    engine = create_async_engine(
        dsn,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=wait_seconds,
        pool_pre_ping=False,
        pool_recycle=1800,
        # Statement parameters are patients' data: they never reach an error message or a log.
        hide_parameters=True,
        connect_args={
            "timeout": 5,
            "server_settings": {
                "application_name": "relief-desk",
                "timezone": "UTC",
                "statement_timeout": str(statement_seconds * 1000),
                "idle_in_transaction_session_timeout": "60000",
            },
        },
    )
    return Database(engine, async_sessionmaker(engine, class_=Transaction, expire_on_commit=False, autoflush=False))


_SET = """select set_config('app.scope', :scope, true), set_config('app.facilities', :facilities, true),
 set_config('app.care_facilities', :care_facilities, true), set_config('app.coordinator', :coordinator, true)"""


def _parameters(scope: Scope) -> dict[str, str]:
    return {name.removeprefix("app."): value for name, value in scope.settings().items()}


@event.listens_for(Session, "after_begin")
def _limit(session: Session, transaction: SessionTransaction, connection: Any) -> None:
    """Transaction-local settings: they vanish with the transaction, so a pooled connection never carries them on."""
    scope: Scope = session.info.get("scope", NOBODY)
    if scope is not NOBODY and transaction.nested is False:
        connection.execute(text(_SET), _parameters(scope))
