"""All orders and doublings of what happens to one invoice lead to the same rows and the same ledger."""

import asyncio
from datetime import date
from itertools import permutations
from typing import Any

from sqlalchemy import select
from support.paying import Till, ask_for_refund

from billing.stripe.events import read_event
from staffing.invoicing.models import Invoice, LedgerPosting, LedgerTransaction
from staffing.payments import webhooks
from staffing.payments.models import Payment, PaymentDispute, Refund, StripeEvent
from staffing.persistence.tenancy import SYSTEM

KINDS = ("invoice.created", "invoice.finalized", "invoice.paid", "refund.created", "charge.dispute.created")


async def state(till: Till, invoice_id: Any) -> tuple[Any, ...]:
    """Everything that follows from the events, without our own ids."""
    async with till.database.transaction(SYSTEM) as tx:
        invoice = await tx.get_one(Invoice, invoice_id)
        payments = await tx.scalars(select(Payment).where(Payment.invoice_id == invoice_id))
        refunds = await tx.scalars(select(Refund).where(Refund.invoice_id == invoice_id))
        disputes = await tx.scalars(select(PaymentDispute).where(PaymentDispute.invoice_id == invoice_id))
        ledger = await tx.execute(
            select(LedgerTransaction.kind, LedgerPosting.account, LedgerPosting.amount_minor)
            .join(LedgerPosting, LedgerPosting.transaction_id == LedgerTransaction.id)
            .where(LedgerTransaction.invoice_id == invoice_id)
        )
        return (
            (invoice.state, invoice.paid_at, invoice.stripe_status, invoice.stripe_paid_minor, invoice.stripe_problem),
            sorted((one.state, one.amount_minor, one.method_label, one.settled_at) for one in payments),
            sorted((one.state, one.amount_minor, one.reason, one.settled_at) for one in refunds),
            sorted((one.state, one.amount_minor, one.reason, one.evidence_due_at) for one in disputes),
            sorted(tuple(row) for row in ledger),
        )


async def test_all_120_orders_lead_to_the_same_state(till: Till) -> None:
    """Each order on an invoice of its own: paid, disputed in part, refunded in part, and nothing of it heard before."""
    ends: list[tuple[Any, ...]] = []
    till.day = date(2026, 1, 1)
    for number, order in enumerate(permutations(KINDS)):
        if number == 60:
            till.day = date(2026, 1, 1)
        invoice_id = await till.sent(facility_id=till.world.north if number < 60 else till.world.south)
        await till.pay(invoice_id)
        intent = await intent_of(till, invoice_id)
        charge = next(one for one in await till.sandbox.objects("charges") if one["payment_intent"] == intent)["id"]
        await till.post("/v1/refunds", {"payment_intent": intent, "amount": 1000})
        await till.control("disputes", {"charge": charge, "reason": "fraudulent", "amount": 2000})
        events = await events_of(till, invoice_id, intent, charge)
        for kind in order:
            async with till.database.transaction(SYSTEM) as tx:
                await webhooks.take_in(tx, read_event(events[kind]))
            await till.run("invoicing.process_event", events[kind]["id"])
            if number % 7 == 0:  # and now and then a doubled one
                await till.run("invoicing.process_event", events[kind]["id"])
        ends.append(await state(till, invoice_id))
    assert len(ends) == 120
    assert all(one == ends[0] for one in ends)
    invoice, payments, refunds, disputes, ledger = ends[0]
    assert (invoice[0], invoice[2:], payments[0][0], refunds[0][0], disputes[0][0]) == (
        "paid", ("paid", 4200, ""), "succeeded", "succeeded", "needs_response",
    )  # fmt: skip
    assert sorted({kind for kind, _, _ in ledger}) == [
        "fee_charged", "invoice_finalised", "payment_disputed", "payment_received", "payment_refunded",
    ]  # fmt: skip
    assert sorted(amount for _, account, amount in ledger if account == "fees") == [152, 1500]


async def intent_of(till: Till, invoice_id: Any) -> str:
    stripe_id = (await till.read(invoice_id)).stripe_invoice_id
    assert stripe_id is not None
    (tie,) = await till.sandbox.gateway.list_payments_of_invoice(stripe_id)
    assert tie.payment_intent_id is not None
    return tie.payment_intent_id


async def events_of(till: Till, invoice_id: Any, intent: str, charge: str) -> dict[str, Any]:
    """One event of each kind about this invoice."""
    stripe_id = (await till.read(invoice_id)).stripe_invoice_id
    found: dict[str, Any] = {}
    for kind in KINDS:
        async with till.sandbox.client() as http:
            params: dict[str, Any] = {"limit": 100, "type": kind}
            answer = await http.get("/v1/events", params=params, headers={"authorization": "Bearer sk_test_x"})
        for event in answer.json()["data"]:
            about = event["data"]["object"]
            if stripe_id in (about["id"], about.get("invoice")) or about.get("charge") == charge:
                found[kind] = event
                break
    assert set(found) == set(KINDS), set(KINDS) - set(found)
    return found


async def test_ten_same_events_eight_at_once_book_once(till: Till) -> None:
    invoice_id = await till.sent()
    await till.pay(invoice_id)
    (paid,) = [one for one in await till.sandbox.events() if one["type"] == "invoice.paid"]

    async def taken() -> None:
        async with till.database.transaction(SYSTEM) as tx:
            await webhooks.take_in(tx, read_event(paid))

    await asyncio.gather(*(taken() for _ in range(10)))
    assert [one.type for one in await till.rows(StripeEvent)] == ["invoice.paid"]
    await asyncio.gather(*(till.run("invoicing.process_event", paid["id"]) for _ in range(8)))
    assert await till.booked() == [("invoice_finalised", 4200), ("payment_received", 4200)]


async def test_different_events_at_once_book_once(till: Till) -> None:
    """A refund, its charge and its payment are told of at the same moment, by several workers."""
    invoice_id = await till.paid()
    await till.run("payments.refund", await ask_for_refund(till, invoice_id, 1000))
    events = [read_event(one) for one in await till.sandbox.events()]
    async with till.database.transaction(SYSTEM) as tx:
        for event in events:
            await webhooks.take_in(tx, event)
    await asyncio.gather(*(till.run("invoicing.process_event", event.id) for event in events))
    assert await till.booked() == [("invoice_finalised", 4200), ("payment_received", 4200), ("payment_refunded", 1000)]
    assert all(one.processed_at is not None for one in await till.rows(StripeEvent))
