"""Lists, the board and one request: the right rows, the right order, nobody else's."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event
from sqlalchemy.dialects.postgresql import Range
from support.world import NOW, World, ask, assign, principal

from staffing.errors import NotFound
from staffing.persistence.base import Base, new_id
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database, Transaction
from staffing.requests import queries, schedule
from staffing.requests.models import CoverageWindow
from staffing.scheduling.models import Plan, PlanGap

pytestmark = pytest.mark.usefixtures("standing")
HOUR = timedelta(hours=1)


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """What is sent to the database within the block."""
    sent: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        sent.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)


def gap(tx: Transaction, plan: Plan, window: CoverageWindow, why: dict[str, Any]) -> None:
    tx.add(PlanGap(id=new_id(), plan_id=plan.id, facility_id=window.facility_id, window_id=window.id, missing=1, why=why))


def plan(tx: Transaction, world: World, number: int) -> Plan:
    made = Plan(
        id=new_id(), number=number, state="proposed", horizon=Range(NOW, NOW + 24 * HOUR), time_limit_seconds=5,
        requested_by=world.dora, requested_at=NOW,
    )  # fmt: skip
    tx.add(made)
    return made


async def board(database: Database, world: World, who: str) -> list[queries.BoardRow]:
    caller = principal(world, who)
    async with database.transaction(caller.scope()) as tx:
        return await queries.board_rows(tx, caller)


async def test_the_board_puts_the_soonest_gap_first(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        late, _ = await ask(tx, world, world.north, start=NOW + 48 * HOUR)
        equal, _ = await ask(tx, world, world.south, start=NOW + 20 * HOUR, priority=2)
        urgent, _ = await ask(tx, world, world.north, start=NOW + 20 * HOUR, priority=5)
        covered = await assign(tx, world, world.maria, world.south, start=NOW + 2 * HOUR)
        await ask(tx, world, world.north, start=NOW - 9 * HOUR)
    rows = await board(database, world, "dora")
    assert [row.id for row in rows] == [urgent.id, equal.id, late.id, covered.request_id]
    first, last = rows[0], rows[-1]
    assert (first.needed, first.covered, first.state) == (1, 0, "open")
    assert first.earliest_uncovered_at == NOW + 20 * HOUR
    assert first.blocked_by == queries.NOT_PLANNED
    assert (last.needed, last.covered, last.earliest_uncovered_at, last.blocked_by) == (1, 1, None, "")
    assert (last.facility, last.facility_initials) == ("Southlake Heart Clinic", "SH")


async def test_what_blocks_a_request_is_the_latest_plan_s_reason_for_its_first_gap(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        _, window = await ask(tx, world, world.north)
        earlier = plan(tx, world, 1)
        await tx.flush()
        gap(tx, earlier, window, {"sentence": "An older reason."})
        await tx.flush()
        later = plan(tx, world, 2)
        await tx.flush()
        gap(tx, later, window, {"sentence": "Of 60 coordinators, 23 offer the service; none of them have hours left."})
    (row,) = await board(database, world, "dora")
    assert row.blocked_by == "Of 60 coordinators, 23 offer the service; none of them have hours left."
    (own,) = await board(database, world, "alice")
    assert own.blocked_by == row.blocked_by


async def test_a_facility_sees_its_own_and_nothing_else(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        north, _ = await ask(tx, world, world.north)
        south, _ = await ask(tx, world, world.south)
    expected = {"alice": {north.id}, "bob": {north.id}, "charlie": {south.id}, "dora": {north.id, south.id}}
    for who, own in expected.items():
        caller = principal(world, who)
        scopes = [caller.scope(), SYSTEM]  # both barriers, then the predicate alone
        for scope in scopes:
            async with database.transaction(scope) as tx:
                assert {row.id for row in await queries.requests_of(tx, caller)} == own
                assert {row.id for row in await queries.board_rows(tx, caller)} == own
                assert await queries.counts(tx, caller) == (len(own), 0)
        for foreign in {north.id, south.id} - own:
            with pytest.raises(NotFound):
                async with database.transaction(SYSTEM) as tx:
                    await queries.request_detail(tx, caller, foreign)
    with pytest.raises(NotFound):
        await board(database, world, "maria")


async def test_row_level_security_holds_the_line_alone(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        request, _ = await ask(tx, world, world.north)
    agency_eyes, stranger = principal(world, "dora"), principal(world, "charlie")
    async with database.transaction(stranger.scope()) as tx:
        assert await queries.board_rows(tx, agency_eyes) == []
        with pytest.raises(NotFound):
            await queries.request_detail(tx, agency_eyes, request.id)


async def test_one_request_with_who_comes_and_why_nobody_does(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        covered = await assign(tx, world, world.maria, world.north, start=NOW + HOUR, hours=2)
        open_window = CoverageWindow(
            id=new_id(), facility_id=world.north, request_id=covered.request_id, headcount=1,
            during=Range(NOW + 24 * HOUR, NOW + 26 * HOUR),
        )  # fmt: skip
        tx.add(open_window)
        made = plan(tx, world, 1)
        await tx.flush()
        gap(tx, made, open_window, {"sentence": "Three know Epic, all at their cap."})
    alice = principal(world, "alice")
    async with database.transaction(alice.scope()) as tx:
        detail = await queries.request_detail(tx, alice, covered.request_id)
    assert [(window.people, window.missing, window.why) for window in detail.windows] == [
        (("Maria Sandoval",), 0, ""),
        ((), 1, "Three know Epic, all at their cap."),
    ]
    assert detail.state == "partially_filled"
    assert detail.submitted_by == "Alice Newton"


async def test_past_and_present_are_two_lists(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        over, _ = await ask(tx, world, world.north, start=NOW - 9 * HOUR)
        cancelled, window = await ask(tx, world, world.north)
        cancelled.state, cancelled.closed_at, window.cancelled = "cancelled", NOW, True
        ahead, _ = await ask(tx, world, world.north)
    alice = principal(world, "alice")
    async with database.transaction(alice.scope()) as tx:
        assert [row.id for row in await queries.requests_of(tx, alice)] == [ahead.id]
        assert {row.id for row in await queries.requests_of(tx, alice, past=True)} == {over.id, cancelled.id}
        assert await queries.counts(tx, alice) == (1, 2)


async def test_statements_do_not_grow_with_the_rows(database: Database, world: World) -> None:
    async def cost(caller: Any) -> int:
        async with database.transaction(caller.scope()) as tx:
            with statements(database) as sent:
                await queries.requests_of(tx, caller)
                await queries.board_rows(tx, caller)
        return len(sent)

    alice = principal(world, "alice")
    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.north)
    few = await cost(alice)
    async with database.transaction(SYSTEM) as tx:
        for _ in range(queries.PAGE_SIZE + 5):
            await ask(tx, world, world.north)
    assert await cost(alice) == few <= 8
    async with database.transaction(alice.scope()) as tx:
        pages = [await queries.requests_of(tx, alice, page=page) for page in (1, 2)]
    assert [len(page) for page in pages] == [queries.PAGE_SIZE + 1, 6]
    shown = [row.id for row in pages[0][: queries.PAGE_SIZE]] + [row.id for row in pages[1]]
    assert len(set(shown)) == queries.PAGE_SIZE + 6


async def test_a_new_form_starts_from_the_caller_s_own_last_request(database: Database, world: World) -> None:
    alice, bob = principal(world, "alice"), principal(world, "bob")
    async with database.transaction(SYSTEM) as tx:
        assert await queries.latest_of(tx, alice) is None
        older, _ = await ask(tx, world, world.north)
        newer, _ = await ask(tx, world, world.north)
        older.submitted_at, newer.submitted_at = NOW - 2 * HOUR, NOW - HOUR
        newer.submitted_by = world.bob
        await tx.flush()
        expected: list[tuple[Any, UUID]] = [(alice, older.id), (bob, newer.id)]
        for caller, request_id in expected:
            found = await queries.latest_of(tx, caller)
            assert found is not None
            assert found.id == request_id
        assert await queries.latest_of(tx, principal(world, "charlie")) is None


def test_the_schedule_is_named_by_its_real_columns() -> None:
    """`requests` may not import the models above it, so their columns are written down twice and compared here."""
    for light in (schedule.assignments, schedule.plan_gaps):
        real = Base.metadata.tables[light.name]
        for column in light.columns:
            assert type(column.type) is type(real.c[column.name].type), column
