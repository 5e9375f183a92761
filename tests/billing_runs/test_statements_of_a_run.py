"""A run asks the database little: the pages that people look at meanwhile, and each facility's turn."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import date

import pytest
from sqlalchemy import event
from support.billing_runs import HANDLERS, drain, start, usual, worked
from support.visitors import Visitor
from support.world import World, principal

from staffing.billing_runs import service
from staffing.billing_runs.models import BillingRun
from staffing.persistence.jobs import JobContext
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database

SignIn = Callable[[str], Awaitable[Visitor]]
pytestmark = pytest.mark.usefixtures("standing")
STATEMENTS_A_PAGE = 8
"""Beside the session's row and the tenancy settings, which every page has."""


async def test_pages_of_a_run_ask_little_in_every_state(database: Database, world: World, sign_in: SignIn) -> None:
    await usual(database, world, 12)
    bella, alice = await sign_in("bella"), await sign_in("alice")
    run_id = await start(database, world)
    here = f"/desk/billing-runs/{run_id}"
    pages = [(bella, path) for path in (here, f"{here}/progress", "/desk/billing-runs", "/desk/invoices")]
    pages.append((alice, "/portal/invoices"))
    most: dict[tuple[str, str], list[str]] = {}

    async def look(state: str) -> None:
        async with database.transaction(SYSTEM) as tx:
            assert (await tx.get_one(BillingRun, run_id)).state == state
        for visitor, path in pages:
            most[state, path.replace(str(run_id), "ID")] = await statements(database, visitor, path)

    await look("proposing")
    await drain(database)
    await look("proposed")
    async with database.transaction(principal(world, "bella").scope()) as tx:
        await service.issue(tx, principal(world, "bella"), run_id)
    await look("issuing")
    await drain(database)
    await look("done")
    assert {key: said for key, said in most.items() if len(said) > STATEMENTS_A_PAGE} == {}


async def statements(database: Database, visitor: Visitor, path: str) -> list[str]:
    with listening(database) as asked:
        assert (await visitor.get(path)).status_code == 200
    return [one for one in asked if "set_config" not in one and "login_sessions" not in one]


@contextmanager
def listening(database: Database) -> Iterator[list[str]]:
    """The statements of the block."""
    asked: list[str] = []

    def note(*arguments: object) -> None:
        asked.append(str(arguments[2]))

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)


async def test_a_turn_asks_as_often_for_an_invoice_of_many_entries_as_for_one_of_few(database: Database, world: World) -> None:
    few, many = await usual(database, world, 2)
    async with database.transaction(SYSTEM) as tx:
        for number in range(60):
            worked(tx, many, date(2026, 2, 10 + number // 6), hours=0.5, hour=13 + number % 6)
    run_id = await start(database, world)
    counts: dict[str, list[int]] = {}
    for kind in (service.PROPOSE, service.ISSUE):
        if kind == service.ISSUE:
            await drain(database)
            async with database.transaction(principal(world, "bella").scope()) as tx:
                await service.accept_all(tx, principal(world, "bella"), run_id)
                await service.issue(tx, principal(world, "bella"), run_id)
        for clinic in (few, many):
            payload = {"run": str(run_id), "facility": str(clinic.id), "account": str(world.bella)}
            with listening(database) as asked:
                await HANDLERS[kind](JobContext(database), payload)
            counts.setdefault(kind, []).append(len(asked))
    assert counts[service.PROPOSE][0] == counts[service.PROPOSE][1] <= 24
    # The last turn of a run leads it on as well.
    assert counts[service.ISSUE][0] <= 28
    assert counts[service.ISSUE][1] <= counts[service.ISSUE][0] + 8
