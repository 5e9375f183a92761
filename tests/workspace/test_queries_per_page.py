"""A page asks the database as often for a hundred entries as for two, and not often."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event
from support.visitors import Visitor
from support.world import NOW, World, assign, principal

from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.worklog import service
from staffing.worklog.rules import Span
from staffing.worklog.service import Work

pytestmark = pytest.mark.usefixtures("standing")
MONDAY = NOW.date() - timedelta(days=2)
SIGNING_IN = 3
"""Reads of every request before its page: session, account, reach."""


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.lstrip().lower().startswith("select") and "set_config" not in statement:
            seen.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    yield seen
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)


async def record(database: Database, world: World, first: int, count: int, *, submit: bool) -> None:
    maria = principal(world, "maria")
    async with database.transaction(maria.scope()) as tx:
        for number in range(first, first + count):
            start = NOW - timedelta(minutes=2 * number + 2)
            work = Work(facility_id=world.north, patient_id=world.rosa, activity="records", note=f"Item {number}.")
            await service.add_entry(tx, maria, work, Span(start, start + timedelta(minutes=1)), "Forgot it.")
        if submit:
            await service.submit_week(tx, maria, MONDAY)


@pytest.mark.parametrize(
    ("who", "path", "submit"),
    [
        ("maria", "/workspace", False),
        ("maria", "/workspace/week", False),
        ("alice", "/portal/approvals", True),
        ("alice", "/portal/patients", True),
    ],
)
async def test_the_number_of_queries_does_not_grow_with_the_rows(
    database: Database, world: World, sign_in: Callable[[str], Awaitable[Visitor]], who: str, path: str, submit: bool
) -> None:
    async with database.transaction(SYSTEM) as tx:
        await assign(tx, world, world.maria, world.north, start=NOW - timedelta(hours=5), hours=8)
    await record(database, world, 0, 2, submit=submit)
    visitor = await sign_in(who)
    with counted(database) as few:
        assert (await visitor.get(path)).status_code == 200
    await record(database, world, 2, 100, submit=submit)
    with counted(database) as many:
        assert (await visitor.get(path)).status_code == 200
    assert len(many) == len(few) <= SIGNING_IN + 8
    assert max(many.count(statement) for statement in many) <= 2
