"""Reminders against the real database and the sandbox: once, one a day and facility, one e-mail; the pause and its end."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update
from support.invoices import Sandbox
from support.world import World, ask, principal

from staffing import clock
from staffing.dunning import jobs as dunning_jobs
from staffing.dunning import notices, service
from staffing.dunning.errors import NothingToRemindOf, NotPaused, RemindedToday
from staffing.dunning.models import Reminder
from staffing.dunning.service import SEND_REMINDER
from staffing.errors import Invalid, NotAllowed
from staffing.facilities.pausing import paused_facilities
from staffing.invoicing.models import BillingAccount, Invoice
from staffing.payments import jobs as payments_jobs
from staffing.payments.models import Payment
from staffing.persistence import jobs
from staffing.persistence.base import new_id
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.scheduling.loading import load_running, open_requests

AtStripe = Callable[..., Awaitable[UUID]]
pytestmark = pytest.mark.usefixtures("standing")


def morning(late: int) -> datetime:
    """Nine o'clock in New York, so many days after the due date of 18 March 2026."""
    return datetime(2026, 3, 18, 13, 0, tzinfo=UTC) + timedelta(days=late)


async def remind(database: Database, facility_id: UUID, late: int) -> list[str]:
    with clock.standing_at(morning(late)):
        async with database.transaction(SYSTEM) as tx:
            return sorted((await service.remind_facility(tx, facility_id)).values())


async def stages(database: Database) -> list[str]:
    async with database.transaction(SYSTEM) as tx:
        return list(await tx.scalars(select(Reminder.stage).order_by(Reminder.sent_at, Reminder.invoice_id)))


async def change(database: Database, facility_id: UUID, **values: object) -> None:
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(BillingAccount).where(BillingAccount.facility_id == facility_id).values(**values))


async def account(database: Database, facility_id: UUID) -> BillingAccount:
    async with database.transaction(SYSTEM) as tx:
        return await tx.get_one(BillingAccount, facility_id)


async def waiting(database: Database, kind: str) -> list[dict[str, str]]:
    """The payloads of the jobs of a kind that wait."""
    import json

    async with database.transaction(SYSTEM) as tx:
        raw = (await (await tx.connection()).get_raw_connection()).driver_connection
        rows = await raw.fetch(f"select payload from {jobs.QUEUE_SCHEMA}.pgqueuer where entrypoint = $1", kind)  # type: ignore[union-attr]
    return [json.loads(row["payload"]) for row in rows]


async def paused(database: Database, world: World, at_stripe: AtStripe) -> UUID:
    """Northside's invoice after its pause was announced and came."""
    invoice_id = await at_stripe()
    await change(database, world.north, pause_after_days=15, reminder_days=[])
    assert await remind(database, world.north, 10) == ["pause_warning"]
    assert await remind(database, world.north, 15) == ["paused"]
    return invoice_id


async def test_each_stage_goes_out_once(database: Database, world: World, at_stripe: AtStripe) -> None:
    await at_stripe()
    for late in (-4, -3, -3, -2, 3, 3, 4, 10, 20, 21):
        await remind(database, world.north, late)
    assert await stages(database) == ["due_soon_3", "overdue_3", "overdue_10", "overdue_20"]


async def test_eight_workers_at_once_remind_once(database: Database, world: World, at_stripe: AtStripe) -> None:
    await at_stripe()
    found = await asyncio.gather(*(remind(database, world.north, 3) for _ in range(8)))
    assert sorted(found) == [[]] * 7 + [["overdue_3"]]
    assert len(await waiting(database, SEND_REMINDER)) == 1


async def test_a_worker_that_was_down_for_a_week_sends_the_newest_only(
    database: Database, world: World, at_stripe: AtStripe
) -> None:
    await at_stripe()
    await remind(database, world.north, 3)
    assert await remind(database, world.north, 22) == ["overdue_20"]
    assert await remind(database, world.north, 23) == []


async def test_several_invoices_of_a_facility_make_one_notice_and_one_email(
    database: Database, world: World, at_stripe: AtStripe
) -> None:
    first, _second = await at_stripe(day=2), await at_stripe(day=3)
    assert await remind(database, world.north, 3) == ["overdue_3", "overdue_3"]
    assert await waiting(database, SEND_REMINDER) == [{"invoice_id": str(first), "stage": "overdue_3"}]
    alice = principal(world, "alice")
    with clock.standing_at(morning(3)):
        async with database.transaction(alice.scope()) as tx:
            (notice,) = await notices.notices(tx, alice)
    assert notice.text == "2 invoices over $84.00 together are unpaid; the first, RD-2026-0001, is 3 days overdue."
    assert notice.pay_href == f"/portal/invoices/{first}/pay"


async def test_nothing_is_sent_before_the_agencys_morning(
    database: Database, world: World, at_stripe: AtStripe, sandbox: Sandbox
) -> None:
    await at_stripe()
    with clock.standing_at(morning(3) - timedelta(hours=2)):
        await dunning_jobs.look(sandbox.context(database), {})
    assert await waiting(database, dunning_jobs.REMIND) == []
    with clock.standing_at(morning(3)):
        await dunning_jobs.look(sandbox.context(database), {})
        await dunning_jobs.look(sandbox.context(database), {})
    assert await waiting(database, dunning_jobs.REMIND) == [{"id": str(world.north)}]


async def test_nobody_is_reminded_while_a_bank_debit_is_under_way(database: Database, world: World, at_stripe: AtStripe) -> None:
    invoice_id = await at_stripe()
    async with database.transaction(SYSTEM) as tx:
        tx.add(
            Payment(
                id=new_id(), facility_id=world.north, invoice_id=invoice_id, stripe_payment_intent_id="pi_x",
                method="us_bank_account", amount_minor=4200, currency="USD", state="processing", started_at=clock.now(),
            )
        )  # fmt: skip
    assert await remind(database, world.north, 3) == []
    with pytest.raises(NothingToRemindOf):
        async with database.transaction(SYSTEM) as tx:
            await service.remind_now(tx, principal(world, "bella"), invoice_id)


async def test_a_parked_account_is_not_reminded(database: Database, world: World, at_stripe: AtStripe) -> None:
    await at_stripe()
    await change(database, world.north, parked_because="Stripe says another amount.")
    assert await remind(database, world.north, 3) == []


async def test_stripe_is_told_once_per_stage(database: Database, world: World, at_stripe: AtStripe, sandbox: Sandbox) -> None:
    invoice_id = await at_stripe()
    for late, stage in ((3, "overdue_3"), (10, "overdue_10")):
        with clock.standing_at(morning(late)):
            for _ in range(2):
                await dunning_jobs.send_reminder(sandbox.context(database), {"invoice_id": str(invoice_id), "stage": stage})
    assert [event["type"] for event in await sandbox.events()].count("invoice.sent") == 2


async def test_a_paid_invoice_gets_no_email(database: Database, world: World, at_stripe: AtStripe, sandbox: Sandbox) -> None:
    invoice_id = await at_stripe()
    async with database.transaction(SYSTEM) as tx:
        hosted = (await tx.get_one(Invoice, invoice_id)).hosted_url or ""
    await sandbox.pay(hosted)
    await payments_jobs.check(sandbox.context(database), {"id": str(invoice_id)})
    await dunning_jobs.send_reminder(sandbox.context(database), {"invoice_id": str(invoice_id), "stage": "overdue_3"})
    assert "invoice.sent" not in [event["type"] for event in await sandbox.events()]


async def test_by_hand_once_a_day(database: Database, world: World, at_stripe: AtStripe) -> None:
    invoice_id = await at_stripe()
    bella = principal(world, "bella")
    with clock.standing_at(morning(5)):
        async with database.transaction(bella.scope()) as tx:
            assert (await service.remind_now(tx, bella, invoice_id)).number == "RD-2026-0001"
        with pytest.raises(RemindedToday):
            async with database.transaction(bella.scope()) as tx:
                await service.remind_now(tx, bella, invoice_id)
        dora = principal(world, "dora")
        with pytest.raises(NotAllowed):
            async with database.transaction(dora.scope()) as tx:
                await service.remind_now(tx, dora, invoice_id)
    assert await remind(database, world.north, 5) == []
    assert await stages(database) == ["by_hand_2026-03-23"]


async def test_a_pause_holds_planning_and_says_so(database: Database, world: World, at_stripe: AtStripe) -> None:
    await paused(database, world, at_stripe)
    alice, charlie = principal(world, "alice"), principal(world, "charlie")
    with clock.standing_at(morning(15)):
        async with database.transaction(SYSTEM) as tx:
            await ask(tx, world, world.north, start=morning(16))
            await ask(tx, world, world.south, start=morning(16))
        async with database.transaction(SYSTEM) as tx:
            assert [one.facility_id for one in await open_requests(tx, clock.now())] == [world.south]
            assert [one.facility_id for one in (await load_running(tx, clock.now())).requests] == [world.south]
            assert len((await load_running(tx, clock.now(), with_paused=True)).requests) == 2
        async with database.transaction(alice.scope()) as tx:
            (notice,) = await notices.notices(tx, alice)
            assert [one.id for one in await paused_facilities(tx, alice)] == [world.north]
        async with database.transaction(charlie.scope()) as tx:
            assert await notices.notices(tx, charlie) == ()
            assert await paused_facilities(tx, charlie) == []
    assert notice.kind == "bad"
    assert "RD-2026-0001 over $42.00 is 15 days overdue." in notice.text
    assert "not planned" in notice.text


async def test_the_warning_names_the_day(database: Database, world: World, at_stripe: AtStripe) -> None:
    await at_stripe()
    await change(database, world.north, pause_after_days=15, reminder_days=[])
    await remind(database, world.north, 10)
    alice = principal(world, "alice")
    with clock.standing_at(morning(11)):
        async with database.transaction(alice.scope()) as tx:
            (notice,) = await notices.notices(tx, alice)
    assert notice.text.endswith("If it is not paid by 1 Apr 2026, your requests are not planned any more.")


async def test_paying_resumes_at_once(database: Database, world: World, at_stripe: AtStripe, sandbox: Sandbox) -> None:
    invoice_id = await paused(database, world, at_stripe)
    with clock.standing_at(morning(16)):
        async with database.transaction(SYSTEM) as tx:
            hosted = (await tx.get_one(Invoice, invoice_id)).hosted_url or ""
        await sandbox.pay(hosted)
        await payments_jobs.check(sandbox.context(database), {"id": str(invoice_id)})
    assert (await account(database, world.north)).paused_at is None
    assert await remind(database, world.north, 17) == []


async def test_a_second_invoice_overdue_as_long_keeps_the_pause(
    database: Database, world: World, at_stripe: AtStripe, sandbox: Sandbox
) -> None:
    first, second = await at_stripe(day=2), await at_stripe(day=3)
    await change(database, world.north, pause_after_days=15, reminder_days=[])
    await remind(database, world.north, 10)
    await remind(database, world.north, 15)
    for invoice_id, still in ((first, True), (second, False)):
        with clock.standing_at(morning(16)):
            async with database.transaction(SYSTEM) as tx:
                hosted = (await tx.get_one(Invoice, invoice_id)).hosted_url or ""
            await sandbox.pay(hosted)
            await payments_jobs.check(sandbox.context(database), {"id": str(invoice_id)})
        assert ((await account(database, world.north)).paused_at is not None) is still


async def test_a_person_lifts_a_pause_with_a_reason(database: Database, world: World, at_stripe: AtStripe) -> None:
    await paused(database, world, at_stripe)
    bella = principal(world, "bella")
    with clock.standing_at(morning(16)):
        with pytest.raises(Invalid):
            async with database.transaction(bella.scope()) as tx:
                await service.lift_pause(tx, bella, world.north, "  ")
        async with database.transaction(bella.scope()) as tx:
            await service.lift_pause(tx, bella, world.north, "The cheque is in the post.")
        with pytest.raises(NotPaused):
            async with database.transaction(bella.scope()) as tx:
                await service.lift_pause(tx, bella, world.north, "Again.")
    assert (await account(database, world.north)).paused_at is None
    for late in range(17, 60):
        await remind(database, world.north, late)
    assert (await account(database, world.north)).paused_at is None
    async with database.transaction(SYSTEM) as tx:
        assert await tx.scalar(select(Reminder.reason).where(Reminder.stage == "pause_lifted")) == "The cheque is in the post."
