"""The invariants: they hold where all is well, each finds what breaks it, and the owner reads what was found."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text
from support.invoices import Sandbox, running_sandbox
from support.paying import Till, ask_for_refund, issue_note, now_is
from support.visitors import Visitor
from support.world import NOW, World, assign

from staffing import clock
from staffing.demo import loading
from staffing.invariants import jobs, service
from staffing.invariants.models import InvariantCheck
from staffing.invariants.statements import ALL, ALWAYS
from staffing.persistence.jobs import JobContext
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.settings import Settings

pytestmark = pytest.mark.usefixtures("standing")


@pytest.fixture
async def sandbox(settings: Settings, tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with running_sandbox(settings, tmp_path) as running:
        yield running


@pytest.fixture
async def till(database: Database, sandbox: Sandbox, settings: Settings, world: World) -> Till:
    """With one of each: paid and refunded in part, credited, disputed at the bank; and somebody who is assigned tomorrow."""
    till = Till(database, sandbox, settings, world)
    async with database.transaction(SYSTEM) as tx:
        # Who recorded the work of February was assigned then.
        for who, where in ((world.maria, world.north), (world.joseph, world.south)):
            for day in range(1, 8):
                start = NOW.replace(month=2, day=day, hour=13)
                await assign(tx, world, who, where, start=start, hours=6)
        await assign(tx, world, world.maria, world.north, start=NOW + timedelta(hours=20), hours=4)
    first = await till.paid()
    await till.run("payments.refund", await ask_for_refund(till, first, 700))
    await till.paid("4000 0000 0000 0259")
    await till.sent()
    await till.hear()
    return till


async def names(database: Database) -> set[str]:
    async with database.transaction(SYSTEM) as tx:
        return {one.name for one in await service.broken(tx)}


async def test_all_hold_in_the_demo(database: Database) -> None:
    await loading.load(database, advance=lambda step: None)
    async with database.transaction(SYSTEM) as tx:
        assert [str(one) for one in await service.broken(tx, ALWAYS)] == []


async def names_after(database: Database, change: str) -> set[str]:
    """What would be broken after a change past the use cases, which is taken back."""
    found: set[str] = set()
    with contextlib.suppress(Undone):
        async with database.transaction(SYSTEM) as tx:
            for statement in change.split(";"):
                await tx.execute(text(statement))
            found = {one.name for one in await service.broken(tx)}
            raise Undone
    return found


class Undone(Exception):
    """What a test planted is taken back."""


PLANTED = [
    ("update invoices set total_minor = total_minor + 1 where number = 'RD-2026-0001'", {"invoice_booked", "invoice_total"}),
    ("update invoices set tax_minor = 1 where number = 'RD-2026-0001'", {"invoice_booked", "invoice_total"}),
    ("update invoices set state = 'paid' where number = 'RD-2026-0003'", {"paid_means_settled"}),
    ("update invoices set stripe_paid_minor = 4199 where number = 'RD-2026-0001'", {"paid_as_stripe_says"}),
    ("update payments set amount_minor = amount_minor - 1", {"payment_booked"}),
    ("update payments set state = 'failed'", {"payment_booked", "refunded_at_most_once"}),
    ("update refunds set amount_minor = 5000", {"refund_booked", "refunded_at_most_once"}),
    ("update payment_disputes set state = 'lost'", {"bank_dispute_booked"}),
    ("update work_entries set state = 'approved'", {"work_invoiced_once"}),
    (
        "update invoice_line_entries set during = tstzrange(lower(during), upper(during) - interval '1 second')",
        {"work_invoiced_whole"},
    ),
    ("update number_series set last = last + 1", {"numbers_gapless"}),
    ("update credentials set expires_on = '2026-03-04' where kind = 'hipaa_training'", {"assignment_allowed"}),
    (
        "update facilities set offshore_policy = 'us_only'; update coordinators set work_country = 'PH'",
        {"assignment_allowed"},
    ),
    ("update work_entries set service = 'prior_authorization'", {"work_was_assigned"}),
    ("update stripe_events set processed_at = null", set()),
]
"""A change past the use cases, and which invariants it breaks."""


async def test_all_hold_where_all_is_well_and_each_finds_what_breaks_it(till: Till) -> None:
    assert await names(till.database) == set()
    for change, wanted in PLANTED:
        assert await names_after(till.database, change) == wanted, change


async def test_a_credit_note_that_took_no_number_of_its_series_is_found(till: Till) -> None:
    invoice_id = await till.paid()
    await issue_note(till, invoice_id, 1000, balance=1000)
    assert await names(till.database) == {"numbers_gapless"}


async def test_what_waits_too_long_is_found(till: Till) -> None:
    await till.invoice()
    assert await names(till.database) == set()
    with now_is(minutes=16):
        assert await names(till.database) == {"nothing_waits"}


async def test_the_job_writes_down_what_it_found_and_the_owner_reads_it(
    till: Till, sign_in: Callable[[str], Awaitable[Visitor]], caplog: pytest.LogCaptureFixture
) -> None:
    olga, context = await sign_in("olga"), JobContext(till.database)
    assert "Not looked at yet" in (await olga.get("/desk/reconciliation")).text
    await jobs.look(context, {})
    assert f"All {len(ALL)} rules" in (await olga.get("/desk/reconciliation")).text
    async with till.database.transaction(SYSTEM) as tx:
        await tx.execute(text("update payments set amount_minor = amount_minor - 1"))
    with now_is(minutes=15):
        await jobs.look(context, {})
    page = (await olga.get("/desk/reconciliation")).text
    assert "The ledger has every payment that succeeded, once and in full, and none that did not." in page
    assert "succeeded, 4199, the ledger has 4200" in page
    assert "payment_booked" in caplog.text


async def test_looks_that_found_nothing_are_forgotten_after_a_week(database: Database, world: World) -> None:
    context = JobContext(database)
    async with database.transaction(SYSTEM) as tx:
        tx.add(InvariantCheck(checked_at=NOW - timedelta(days=30), looked_at=1, broken=[{"name": "kept"}]))
    for days in (0, 1, 9):
        with clock.standing_at(NOW + timedelta(days=days)):
            await jobs.look(context, {})
    async with database.transaction(SYSTEM) as tx:
        kept = list(await tx.scalars(select(InvariantCheck)))
    assert [(NOW - one.checked_at).days for one in sorted(kept, key=lambda one: one.checked_at)] == [30, -9]
