"""Parked accounts, lost webhooks and the comparison of both sides' books."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text, update
from support.paying import Till, ask_for_refund, issue_note, now_is
from support.tampering import Tampering
from support.world import principal

from billing.stripe.backoff import ONE_TRY
from staffing.invoicing.models import BillingAccount, Invoice
from staffing.payments import back_filling, reconciling, service
from staffing.payments.errors import NotParked
from staffing.payments.gateway import gateway_for
from staffing.payments.models import Reconciliation, StripeEvent
from staffing.payments.reconciliation import Fact, compare, compared
from staffing.persistence.tenancy import SYSTEM


async def differences(till: Till) -> list[tuple[str, str]]:
    run = await reconciling.reconcile(till.database, till.sandbox.gateway)
    return [(one["kind"], one["what"]) for one in run.differences]


async def everything(till: Till) -> None:
    """One of each: paid, refunded, credited with credit kept, disputed, under way, open, withdrawn."""
    first = await till.paid()
    await till.run("payments.refund", await ask_for_refund(till, first, 700))
    second = await till.paid()
    await till.run("payments.credit_note", await issue_note(till, second, 1500, refund=500, balance=1000))
    await till.paid("4000 0000 0000 0259")
    await till.sent()
    withdrawn = await till.sent()
    await till.hear()
    async with till.database.transaction(SYSTEM) as tx:
        await tx.execute(update(Invoice).where(Invoice.id == withdrawn).values(state="void"))
    await till.run("payments.void", withdrawn)
    debit = await till.sent()
    await till.automatic("pm_usBankAccount_success")
    await till.run("payments.charge", debit)
    await till.hear()


async def test_no_difference_when_all_is_well(till: Till) -> None:
    await everything(till)
    assert await differences(till) == []
    (run,) = await till.rows(Reconciliation)
    # Among them four fees (three payments, a dispute) and the balance.
    assert (run.compared, run.problem, run.finished_at is not None) == (20, "", True)


async def test_what_webhooks_never_told_is_taken_in_by_the_comparison(till: Till) -> None:
    invoice_id = await till.sent()
    await till.pay(invoice_id)
    assert await differences(till) == []
    assert (await till.read(invoice_id)).state == "paid"
    assert await till.booked() == [("invoice_finalised", 4200), ("payment_received", 4200)]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("update invoices set total_minor = total_minor + 1", ("invoice", "The amount differs.")),
        ("update invoices set stripe_invoice_id = 'in_gone00000000'", ("invoice", "Stripe does not have this invoice.")),
        ("update payments set amount_minor = 1", ("payment", "The amount differs.")),
        ("update refunds set stripe_refund_id = 're_gone00000000'", ("refund", "Stripe does not have this refund.")),
        ("update credit_notes set stripe_credit_note_id = 'cn_gone00000'",
         ("credit_note", "Stripe does not have this credit note.")),
        ("update billing_accounts set stripe_customer_id = 'cus_gone00000'", ("customer", "Stripe does not have this facility.")),
    ],
)  # fmt: skip
async def test_each_kind_of_object_is_compared(till: Till, change: str, found: tuple[str, str]) -> None:
    invoice_id = await till.paid()
    await till.run("payments.credit_note", await issue_note(till, invoice_id, 1500, refund=500, balance=1000))
    await till.hear()
    assert await differences(till) == []
    async with till.database.transaction(SYSTEM) as tx:
        await tx.execute(text(change))
        await tx.execute(text("update billing_accounts set parked_because = 'stays as it is for this test'"))
    assert found in await differences(till)


async def test_what_only_stripe_has_is_a_difference(till: Till) -> None:
    invoice_id = await till.sent()
    customer = (await till.account()).stripe_customer_id
    other = await till.post("/v1/invoices", {"customer": customer, "collection_method": "send_invoice", "days_until_due": 1})
    await till.post(f"/v1/invoices/{other['id']}/add_lines", {"lines[0][amount]": 100, "lines[0][description]": "By hand"})
    await till.post(f"/v1/invoices/{other['id']}/finalize", {})
    assert await differences(till) == [("invoice", "Stripe has this invoice, our books do not.")]
    assert (await till.read(invoice_id)).stripe_problem == ""


async def test_four_days_without_webhooks_are_made_up_for_in_one_night(till: Till) -> None:
    """R19: everything is booked at the next run, and nothing differs then."""
    invoices = [await till.sent() for _ in range(4)]
    for invoice_id in invoices:
        await till.pay(invoice_id)
    with now_is(days=4):
        assert len(await back_filling.back_fill(till.database, till.sandbox.gateway)) > 20
        await till.work_off()
        assert [(await till.read(one)).state for one in invoices] == ["paid"] * 4
        assert await till.booked() == [("invoice_finalised", 4200)] * 4 + [("payment_received", 4200)] * 4
        assert await differences(till) == []
        assert await back_filling.back_fill(till.database, till.sandbox.gateway) == []
        assert await back_filling.back_fill(till.database, till.sandbox.gateway, timedelta(days=1)) == []


async def test_the_janitor_works_off_events_that_were_left(till: Till) -> None:
    invoice_id = await till.sent()
    await till.pay(invoice_id)
    await back_filling.back_fill(till.database, till.sandbox.gateway)
    async with till.database.transaction(SYSTEM) as tx:
        await tx.execute(text("delete from queue.pgqueuer"))
    with now_is(minutes=6):
        await till.run("payments.look_after", "")
        await till.work_off()
    assert all(one.processed_at for one in await till.rows(StripeEvent))
    assert (await till.read(invoice_id)).state == "paid"


def _changed(kind: str, **values: Any) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        if content.get("object") == kind:
            content.update(values)

    return change


TAMPERED = {
    "a larger total": _changed("invoice", total=4300, amount_due=4300),
    "less paid": _changed("invoice", amount_paid=4100),
    "another currency": _changed("invoice", currency="eur"),
    "less received": _changed("payment_intent", amount_received=4100),
    "received in another currency": _changed("payment_intent", currency="cad"),
    "credit that nobody gave": _changed("invoice", amount_due=4000),
    "another invoice's id": _changed("invoice", metadata={}),
}


@pytest.mark.parametrize("what", TAMPERED)
async def test_an_amount_that_is_not_ours_parks_the_facility(till: Till, what: str) -> None:
    """R13: nothing is allocated, the desk is told, and a person releases it after a look."""
    invoice_id, other = await till.sent(), await till.sent()
    await till.pay(invoice_id)
    await till.pay(other)
    honest = till.sandbox.gateway
    till.sandbox.gateway = gateway_for(
        till.settings, http=httpx.AsyncClient(transport=Tampering(till, TAMPERED[what])), backoff=ONE_TRY
    )
    await till.run("invoicing.check", invoice_id)
    await till.sandbox.gateway.aclose()
    till.sandbox.gateway = honest
    assert (await till.account()).parked_because.startswith("RD-2026-0001: ")
    invoice = await till.read(invoice_id)
    assert (invoice.state, invoice.stripe_problem != "") == ("sent", True)
    # While it is parked nothing is booked by itself, not even what is right.
    await till.run("invoicing.check", other)
    assert (await till.read(other)).state == "sent"
    assert await till.booked() == [("invoice_finalised", 4200)] * 2
    bella = principal(till.world, "bella")
    async with till.database.transaction(bella.scope()) as tx:
        assert await service.unpark(tx, bella, till.world.north) == 2
    await till.work_off()
    assert (await till.account()).parked_because == ""
    assert [(await till.read(one)).state for one in (invoice_id, other)] == ["paid", "paid"]
    assert await till.booked() == [("invoice_finalised", 4200)] * 2 + [("payment_received", 4200)] * 2
    async with till.database.transaction(bella.scope()) as tx:
        with pytest.raises(NotParked):
            await service.unpark(tx, bella, till.world.north)


async def test_what_still_differs_is_parked_again(till: Till) -> None:
    invoice_id = await till.sent()
    await till.pay(invoice_id)
    async with till.database.transaction(SYSTEM) as tx:
        await tx.execute(update(Invoice).values(total_minor=4300))
    await till.run("invoicing.check", invoice_id)
    bella = principal(till.world, "bella")
    async with till.database.transaction(bella.scope()) as tx:
        await service.unpark(tx, bella, till.world.north)
    await till.work_off()
    assert "Stripe's invoice is for 42.00 USD, ours for 43.00 USD" in (await till.account()).parked_because


async def test_a_parked_facility_holds_back_no_other(till: Till) -> None:
    async with till.database.transaction(SYSTEM) as tx:
        parked = update(BillingAccount).where(BillingAccount.facility_id == till.world.north)
        await tx.execute(parked.values(parked_because="RD-2026-0099: look"))
    other = await till.paid(facility_id=till.world.south)
    assert (await till.read(other)).state == "paid"


async def test_two_comparisons_at_once(till: Till) -> None:
    await till.paid()
    await asyncio.gather(*(reconciling.reconcile(till.database, till.sandbox.gateway) for _ in range(3)))
    assert [one.differences for one in await till.rows(Reconciliation)] == [[], [], []]


def test_the_comparison_itself() -> None:
    same = Fact("in_1", "RD-1", "paid", 4200, "USD", {"amount paid": 4200})
    ours = {"invoice": [same, Fact("in_2", "RD-2", "open", 100, "USD"), Fact("in_3", "RD-3", "open", 5, "EUR")]}
    theirs = {
        "invoice": [
            Fact("in_1", "RD-1", "paid", 4200, "USD", {"amount paid": 4100}),
            Fact("in_3", "RD-3", "open", 5, "USD"),
            Fact("in_9", "RD-9", "open", 7, "USD"),
        ],
        "refund": [Fact("re_1", "re_1", "pending", 5, "USD")],
    }
    assert [(one.reference, one.what, one.ours_minor, one.theirs_minor) for one in compare(ours, theirs)] == [
        ("RD-1", "The amount paid differs.", 4200, 4100),
        ("RD-2", "Stripe does not have this invoice.", 100, None),
        ("RD-3", "The currency is EUR here, USD at Stripe.", None, None),
        ("RD-9", "Stripe has this invoice, our books do not.", None, 7),
        ("re_1", "Stripe has this refund, our books do not.", None, 5),
    ]
    assert compared(ours, theirs) == 5
    assert compare(ours, ours) == []
