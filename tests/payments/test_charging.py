"""Automatic collection: an explicit charge after the invoice is final, a decline that rests a day, bank debits that take days."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text, update
from support.invoices import Died
from support.paying import Till, now_is

from staffing.invoicing.models import BillingAccount, Invoice
from staffing.payments.janitor import is_turn
from staffing.payments.models import Payment
from staffing.payments.names import TRIED_AGAIN
from staffing.persistence.jobs import TryAgain
from staffing.persistence.tenancy import SYSTEM

CHARGE = "payments.charge"


async def test_a_facility_that_is_charged_automatically_pays_by_itself(till: Till) -> None:
    await till.automatic()
    invoice_id = await till.invoice()
    assert await till.work_off() == ["invoicing.send", CHARGE, "invoicing.check"]
    invoice, payment = await till.read(invoice_id), await till.payment(invoice_id)
    assert (invoice.state, invoice.stripe_problem) == ("paid", "")
    assert (payment.state, payment.amount_minor, payment.method, payment.method_label) == (
        "succeeded", 4200, "card", "Visa ending in 4242",
    )  # fmt: skip
    assert await till.booked() == [("invoice_finalised", 4200), ("payment_received", 4200)]
    (at_stripe,) = await till.sandbox.objects("invoices")
    assert (at_stripe["collection_method"], at_stripe["auto_advance"]) == ("charge_automatically", False)
    assert at_stripe["payment_settings"]["payment_method_types"] == ["card", "us_bank_account"]


async def test_a_facility_that_is_sent_invoices_is_never_charged(till: Till) -> None:
    await till.save_method()
    invoice_id = await till.sent()
    await till.run(CHARGE, invoice_id)
    assert (await till.read(invoice_id)).state == "sent"
    assert await till.charges() == []


async def test_automatic_without_a_saved_method_is_sent(till: Till) -> None:
    await till.automatic()
    async with till.database.transaction(SYSTEM) as tx:
        await tx.execute(update(BillingAccount).values(payment_method=None))
    invoice_id = await till.invoice()
    await till.work_off()
    assert (await till.read(invoice_id)).state == "sent"
    assert [one["collection_method"] for one in await till.sandbox.objects("invoices")] == ["send_invoice"]


async def test_a_decline_is_kept_and_rests_a_day(till: Till) -> None:
    await till.automatic("pm_card_chargeCustomerFail")
    invoice_id = await till.invoice()
    await till.work_off()
    payment = await till.payment(invoice_id)
    assert (payment.state, payment.failure) == ("failed", "Your card was declined.")
    assert (await till.read(invoice_id)).state == "sent"
    for later in (0, 1, 23, 23.9):
        with now_is(hours=later):
            await till.run(CHARGE, invoice_id)
            await till.run("payments.look_after", "")
            await till.work_off()
    assert len(await till.sandbox.objects("charges")) == 1
    with now_is(hours=24.1):
        await till.run(CHARGE, invoice_id)
    assert len(await till.sandbox.objects("charges")) == 2
    assert await till.booked() == [("invoice_finalised", 4200)]


async def test_a_declined_invoice_is_paid_on_the_page_after_all(till: Till) -> None:
    await till.automatic("pm_card_chargeCustomerFail")
    invoice_id = await till.invoice()
    await till.work_off()
    assert await till.pay(invoice_id) == 303
    await till.hear()
    payment = await till.payment(invoice_id)
    assert (payment.state, payment.failure, payment.method_label) == ("succeeded", "", "Visa ending in 4242")
    assert (await till.read(invoice_id)).state == "paid"
    with now_is(days=2):
        await till.run(CHARGE, invoice_id)
    assert len(await till.charges()) == 1


async def test_a_bank_debit_takes_days(till: Till) -> None:
    await till.automatic("pm_usBankAccount_success")
    invoice_id = await till.invoice()
    await till.work_off()
    payment = await till.payment(invoice_id)
    assert (payment.state, payment.method, payment.settled_at) == ("processing", "us_bank_account", None)
    assert (await till.read(invoice_id)).state == "sent"
    assert await till.booked() == [("invoice_finalised", 4200)]
    await till.run(CHARGE, invoice_id)
    assert len(await till.sandbox.objects("charges")) == 1
    await till.control("clock", {"advance_seconds": 7 * 86400})
    await till.hear()
    assert ((await till.payment(invoice_id)).state, (await till.read(invoice_id)).state) == ("succeeded", "paid")
    assert await till.booked() == [("invoice_finalised", 4200), ("payment_received", 4200)]


async def test_a_bank_debit_that_comes_back_took_no_money(till: Till) -> None:
    await till.automatic("pm_usBankAccount_insufficientFunds")
    invoice_id = await till.invoice()
    await till.work_off()
    await till.control("clock", {"advance_seconds": 7 * 86400})
    await till.hear()
    payment = await till.payment(invoice_id)
    assert payment.state == "failed"
    assert payment.failure
    assert (await till.read(invoice_id)).state == "sent"
    assert await till.booked() == [("invoice_finalised", 4200)]


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after", "error_before", "error_after", "rate_limit", "lock"])
async def test_every_fault_while_charging_charges_once(till: Till, kind: str) -> None:
    await till.automatic()
    invoice_id = await till.sent()
    await till.sandbox.fault(kind, "/v1/invoices/in_", uses=2)
    await till.until_done(CHARGE, invoice_id)
    assert (await till.read(invoice_id)).state == "paid"
    assert [one["amount"] for one in await till.charges()] == [4200]
    assert await till.booked() == [("invoice_finalised", 4200), ("payment_received", 4200)]


@pytest.mark.parametrize("lost", ["died", "no answer"])
async def test_a_lost_answer_to_the_charge_is_found_again_by_the_janitor(till: Till, lost: str) -> None:
    await till.automatic()
    invoice_id = await till.sent()
    if lost == "died":
        till.sandbox.die_after = 0
        with pytest.raises(Died):
            await till.run(CHARGE, invoice_id)
        till.sandbox.die_after = -1
    else:
        till.sandbox.lose = 0
        with pytest.raises(TryAgain):
            await till.run(CHARGE, invoice_id)
    assert (await till.read(invoice_id)).state == "sent"
    async with till.database.transaction(SYSTEM) as tx:
        await tx.execute(text("delete from queue.pgqueuer"))  # the job itself was lost, too
    with now_is(minutes=5, seconds=1):
        await till.run("payments.look_after", "")
        assert CHARGE in await till.work_off()
        assert (await till.read(invoice_id)).state == "paid"
    assert len(await till.charges()) == 1
    assert await till.booked() == [("invoice_finalised", 4200), ("payment_received", 4200)]


async def test_two_workers_charging_at_once_charge_once(till: Till) -> None:
    await till.automatic()
    invoice_id = await till.sent()
    await asyncio.gather(*(till.run(CHARGE, invoice_id) for _ in range(4)), return_exceptions=True)
    await till.until_done(CHARGE, invoice_id)
    await till.run("invoicing.check", invoice_id)
    assert len(await till.charges()) == 1
    assert (await till.read(invoice_id)).state == "paid"
    assert len(await till.rows(Payment)) == 1


async def test_a_parked_facility_is_not_charged(till: Till) -> None:
    await till.automatic()
    invoice_id = await till.sent()
    async with till.database.transaction(SYSTEM) as tx:
        await tx.execute(update(BillingAccount).values(parked_because="RD-2026-0001: look"))
    await till.run(CHARGE, invoice_id)
    assert await till.charges() == []


def test_the_janitor_looks_less_often_the_longer_something_waits() -> None:
    now = datetime(2026, 3, 4, 15, 2, tzinfo=UTC)
    ages = {"1 min": timedelta(minutes=1), "6 min": timedelta(minutes=6), "2 h": timedelta(hours=2), "2 d": timedelta(days=2)}
    assert {name for name, age in ages.items() if is_turn(age, now)} == {"6 min", "2 h"}
    assert {name for name, age in ages.items() if is_turn(age, now + timedelta(minutes=20))} == {"6 min"}
    assert {name for name, age in ages.items() if is_turn(age, now.replace(hour=0, minute=3))} == {"6 min", "2 h", "2 d"}


async def test_a_sending_that_is_to_be_tried_again_survives_the_loss_of_its_job(till: Till) -> None:
    """Between a saved failure that is settled and the next attempt no call is open: only the invoice says that it waits."""
    invoice_id = await till.invoice()
    async with till.database.transaction(SYSTEM) as tx:
        (await tx.get_one(Invoice, invoice_id)).stripe_problem = f"It is not known whether it was done. {TRIED_AGAIN}"
        await tx.execute(text("delete from queue.pgqueuer"))
    with now_is(minutes=6):
        await till.run("payments.look_after", "")
        assert "invoicing.send" in await till.work_off()
    invoice = await till.read(invoice_id)
    assert (invoice.state, invoice.stripe_problem) == ("sent", "")
