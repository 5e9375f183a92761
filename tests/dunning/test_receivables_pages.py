"""Receivables through the real door: by age, reminding, terms, the pause; and what facility and dispatcher read about it."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import event, select, update
from support.visitors import Visitor
from support.world import World, ask

from staffing import clock
from staffing.dunning import service
from staffing.dunning.models import Reminder
from staffing.invoicing.models import BillingAccount
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database

SignIn = Callable[[str], Awaitable[Visitor]]
AtStripe = Callable[..., Awaitable[UUID]]
pytestmark = pytest.mark.usefixtures("standing")
TERMS = {"terms_days": "30", "reminder_days": "-2, 5, 15", "pause_after_days": "20", "collection": "send_invoice"}


def morning(late: int) -> datetime:
    return datetime(2026, 3, 18, 13, 0, tzinfo=UTC) + timedelta(days=late)


async def pause(database: Database, world: World, *, only_announced: bool = False) -> None:
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(
            update(BillingAccount).where(BillingAccount.facility_id == world.north).values(pause_after_days=15, reminder_days=[])
        )
    for late in (10, 15):
        if late == 15 and only_announced:
            return
        with clock.standing_at(morning(late)):
            async with database.transaction(SYSTEM) as tx:
                await service.remind_facility(tx, world.north)


@pytest.mark.parametrize("name", ["bella", "olga"])
async def test_what_is_owed_by_age(database: Database, world: World, at_stripe: AtStripe, sign_in: SignIn, name: str) -> None:
    await at_stripe(day=2)
    await at_stripe(day=3, facility_id=world.south)
    with clock.standing_at(morning(31)):
        visitor = await sign_in(name)
        page = await visitor.get("/desk/receivables")
        file = (await visitor.get("/desk/receivables/csv")).text.splitlines()
    assert "Northside Family Medicine" in page.text
    assert page.text.count("$42.00") == 4
    assert "$84.00" in page.text
    # The name, the age and the sum open the invoices behind them.
    assert page.text.count(f'href="/desk/receivables/{world.north}"') == 3
    assert file[1].startswith("F-1001,Northside Family Medicine,USD,0.00,0.00,42.00,0.00,0.00,42.00,0.00,")
    assert file[-1].startswith("total,,USD,0.00,0.00,84.00,0.00,0.00,84.00,0.00,")


async def test_reminding_by_hand_once_a_day(database: Database, world: World, at_stripe: AtStripe, sign_in: SignIn) -> None:
    invoice_id = await at_stripe()
    with clock.standing_at(morning(5)):
        bella = await sign_in("bella")
        page = await bella.get(f"/desk/receivables/{world.north}")
        assert "Remind now" in page.text
        assert "5 days" in page.text
        page = await bella.post(f"/desk/invoices/{invoice_id}/remind")
        assert "The reminder of RD-2026-0001 is on the facility" in page.text
        assert "Remind now" not in page.text
        assert "Reminded by hand" in page.text
        again = await bella.post(f"/desk/invoices/{invoice_id}/remind")
        assert again.status_code == 409
        assert "reminded today already" in again.text
        alice, charlie = await sign_in("alice"), await sign_in("charlie")
        for address in ("/portal", "/portal/invoices", "/portal/requests"):
            page = await alice.get(address)
            assert "RD-2026-0001 over $42.00 is 5 days overdue." in page.text, address
            assert f'href="/portal/invoices/{invoice_id}/pay"' in page.text
            assert "RD-2026-0001" not in (await charlie.get(address)).text


async def test_nothing_is_shown_before_a_reminder_went_out(
    database: Database, world: World, at_stripe: AtStripe, sign_in: SignIn
) -> None:
    await at_stripe()
    with clock.standing_at(morning(1)):
        assert "overdue." not in (await (await sign_in("alice")).get("/portal")).text


async def test_agreeing_on_terms(database: Database, world: World, sign_in: SignIn) -> None:
    bella = await sign_in("bella")
    here = f"/desk/receivables/{world.north}"
    page = await bella.get(here)
    assert 'value="-3, 3, 10, 20"' in page.text
    page = await bella.post(f"{here}/terms", TERMS)
    assert "These terms hold from the next invoice on." in page.text
    async with database.transaction(SYSTEM) as tx:
        account = await tx.get_one(BillingAccount, world.north)
    assert (account.terms_days, account.reminder_days, account.pause_after_days) == (30, [-2, 5, 15], 20)
    assert "Nothing was changed." in (await bella.post(f"{here}/terms", TERMS)).text
    await bella.post(f"{here}/terms", {**TERMS, "pause_after_days": ""})
    async with database.transaction(SYSTEM) as tx:
        assert (await tx.get_one(BillingAccount, world.north)).pause_after_days is None


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("terms_days", "soon", "Please type a number."),
        ("terms_days", "-1", "This must be 0 or more."),
        ("reminder_days", "3, often", "Please type days like"),
        ("reminder_days", "900", "At most 365 days"),
        ("reminder_days", "9" * 3000, "At most 365 days"),
        ("reminder_days", "1,2,3,4,5,6,7,8,9", "At most 8 reminders"),
        ("pause_after_days", "4", "This must be 5 or more."),
        ("collection", "charge_automatically", "There is no saved way to pay"),
        ("collection", "barter", "Choose one of the ways offered."),
    ],
)
async def test_terms_that_cannot_be_are_named_and_kept(
    database: Database, world: World, sign_in: SignIn, field: str, value: str, said: str
) -> None:
    bella = await sign_in("bella")
    answer = await bella.post(f"/desk/receivables/{world.north}/terms", {**TERMS, field: value})
    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="30"' in answer.text or field == "terms_days"
    if field != "collection":
        assert f'value="{value}"' in answer.text
    async with database.transaction(SYSTEM) as tx:
        assert (await tx.get_one(BillingAccount, world.north)).terms_days == 14


async def test_a_pause_is_seen_by_all_and_lifted_with_a_reason(
    database: Database, world: World, at_stripe: AtStripe, sign_in: SignIn
) -> None:
    await at_stripe()
    await pause(database, world)
    here = f"/desk/receivables/{world.north}"
    with clock.standing_at(morning(15)):
        async with database.transaction(SYSTEM) as tx:
            await ask(tx, world, world.north, start=morning(16))
        for name, address in (("dora", "/desk"), ("dora", "/desk/plans"), ("olga", "/desk"), ("bella", "/desk")):
            page = await (await sign_in(name)).get(address)
            assert "Northside Family Medicine has not paid: its requests are not planned." in page.text, (name, address)
        dora = await sign_in("dora")
        nothing = await dora.post("/desk/plans")
        assert "Plan 1" not in nothing.text
        assert (await dora.get(here)).status_code == 403
        page = await (await sign_in("alice")).get("/portal/requests")
        assert "your requests are not planned" in page.text
        assert "Paying it resumes planning at once." in page.text
        bella = await sign_in("bella")
        assert "Planning is paused" in (await bella.get(here)).text
        wrong = await bella.post(f"{here}/resume", {"reason": " "})
        assert wrong.status_code == 422
        assert "Please say why planning goes on." in wrong.text
        long = await bella.post(f"{here}/resume", {"reason": "x" * 501})
        assert long.status_code == 422
        assert "x" * 501 in long.text
        page = await bella.post(f"{here}/resume", {"reason": "The cheque <b>is</b> in the post."})
        assert "Planning goes on for Northside Family Medicine." in page.text
        assert "The cheque &lt;b&gt;is&lt;/b&gt; in the post." in page.text
        assert (await bella.post(f"{here}/resume", {"reason": "Again."})).status_code == 409
        assert "has not paid" not in (await dora.get("/desk")).text
    async with database.transaction(SYSTEM) as tx:
        assert await tx.scalar(select(Reminder.sent_by).where(Reminder.stage == "pause_lifted")) == world.bella


async def test_the_pages_need_few_queries(database: Database, world: World, at_stripe: AtStripe, sign_in: SignIn) -> None:
    await at_stripe()
    await pause(database, world)
    with clock.standing_at(morning(15)):
        bella = await sign_in("bella")
        for address, most in (("/desk/receivables", 8), (f"/desk/receivables/{world.north}", 12)):
            count = 0

            def one_more(*_: object) -> None:
                nonlocal count
                count += 1

            event.listen(database.engine.sync_engine, "before_cursor_execute", one_more)
            await bella.get(address)
            event.remove(database.engine.sync_engine, "before_cursor_execute", one_more)
            assert count <= most, (address, count)


async def test_an_announced_pause_is_said_at_the_desk(
    database: Database, world: World, at_stripe: AtStripe, sign_in: SignIn
) -> None:
    await at_stripe()
    await pause(database, world, only_announced=True)
    with clock.standing_at(morning(11)):
        page = await (await sign_in("bella")).get("/desk/receivables")
        assert "A pause of planning is announced to Northside Family Medicine." in page.text
    await pause(database, world)
    with clock.standing_at(morning(15)):
        assert "is announced" not in (await (await sign_in("bella")).get("/desk/receivables")).text
