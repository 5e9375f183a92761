"""Refunds, credit notes, withdrawals, write-offs and disputes: done once at Stripe, booked once here, even in the end."""

from uuid import UUID

import pytest
from sqlalchemy import text, update
from support.invoices import Died
from support.paying import Till, ask_for_refund, issue_note, now_is

from billing.ledger import written_off
from billing.money import Money
from staffing import clock
from staffing.crediting.models import CreditNote
from staffing.invoicing import booking
from staffing.invoicing.models import Invoice
from staffing.payments.models import Payment, PaymentDispute, Refund
from staffing.persistence.tenancy import SYSTEM

FAULTS = ["timeout_before", "timeout_after", "error_before", "error_after", "rate_limit", "lock"]
PAID = [("invoice_finalised", 4200), ("payment_received", 4200)]


async def test_a_refund_is_made_once_and_booked_once(till: Till) -> None:
    invoice_id = await till.paid()
    refund_id = await ask_for_refund(till, invoice_id, 1000)
    for _ in range(3):
        await till.run("payments.refund", refund_id)
    await till.hear()
    (refund,) = await till.rows(Refund)
    assert (refund.state, refund.failure, refund.settled_at is not None) == ("succeeded", "", True)
    (at_stripe,) = await till.sandbox.objects("refunds")
    assert (at_stripe["amount"], at_stripe["metadata"]["refund_id"]) == (1000, str(refund_id))
    assert await till.booked() == [*PAID, ("payment_refunded", 1000)]


@pytest.mark.parametrize("kind", FAULTS)
async def test_every_fault_while_refunding_refunds_once(till: Till, kind: str) -> None:
    invoice_id = await till.paid()
    refund_id = await ask_for_refund(till, invoice_id, 1000)
    await till.sandbox.fault(kind, "/v1/refunds", uses=2)
    await till.until_done("payments.refund", refund_id)
    assert [one["amount"] for one in await till.sandbox.objects("refunds")] == [1000]
    assert await till.booked() == [*PAID, ("payment_refunded", 1000)]


async def test_dying_after_stripe_refunded_refunds_once(till: Till) -> None:
    invoice_id = await till.paid()
    refund_id = await ask_for_refund(till, invoice_id, 1000)
    till.sandbox.die_after = 0
    with pytest.raises(Died):
        await till.run("payments.refund", refund_id)
    till.sandbox.die_after = -1
    with now_is(minutes=6):
        await till.run("payments.look_after", "")
        await till.work_off()
    assert len(await till.sandbox.objects("refunds")) == 1
    assert await till.booked() == [*PAID, ("payment_refunded", 1000)]
    async with till.database.transaction(SYSTEM) as tx:
        assert set(await tx.scalars(text("select state from stripe_calls"))) == {"done"}


async def test_a_refund_that_stripe_refuses_has_failed_with_its_reason(till: Till) -> None:
    invoice_id = await till.paid()
    refund_id = await ask_for_refund(till, invoice_id, 9000)
    for _ in range(2):
        await till.run("payments.refund", refund_id)
    (refund,) = await till.rows(Refund)
    assert refund.state == "failed"
    assert refund.failure.startswith("Stripe refused the refund: Refund amount (9000) is greater")
    assert await till.booked() == PAID


async def test_a_refund_that_comes_back_is_booked_back(till: Till) -> None:
    invoice_id = await till.paid("4000 0000 0000 5126")
    refund_id = await ask_for_refund(till, invoice_id, 1000)
    await till.run("payments.refund", refund_id)
    await till.control("clock", {"advance_seconds": 6 * 86400})
    await till.hear()
    (refund,) = await till.rows(Refund)
    assert (refund.state, refund.failure) == ("failed", "expired or canceled card")
    assert await till.booked() == [*PAID, ("payment_refunded", 1000), ("refund_returned", 1000)]
    assert await till.balances() == {"clearing": 4200, "revenue": -4200}


async def test_a_refund_made_at_stripe_is_known_here(till: Till) -> None:
    invoice_id = await till.paid()
    intent = (await till.payment(invoice_id)).stripe_payment_intent_id
    await till.post("/v1/refunds", {"payment_intent": intent, "amount": 500})
    await till.hear()
    (refund,) = await till.rows(Refund)
    assert (refund.reason, refund.amount_minor, refund.state) == ("made_at_stripe", 500, "succeeded")
    assert await till.booked() == [*PAID, ("payment_refunded", 500)]


async def test_a_credit_note_lowers_what_an_open_invoice_asks_for(till: Till) -> None:
    invoice_id = await till.sent()
    note_id = await issue_note(till, invoice_id, 1200)
    for _ in range(2):
        await till.run("payments.credit_note", note_id)
    (note,) = await till.rows(CreditNote)
    assert (note.stripe_problem, note.stripe_credit_note_id is not None) == ("", True)
    await till.pay(invoice_id)
    await till.hear()
    invoice = await till.read(invoice_id)
    assert (invoice.state, invoice.stripe_problem, invoice.stripe_paid_minor) == ("paid", "", 3000)
    assert await till.balances() == {"clearing": 3000, "revenue": -3000}


async def test_a_credit_note_over_all_of_it_settles_the_invoice(till: Till) -> None:
    invoice_id = await till.sent()
    await till.run("payments.credit_note", await issue_note(till, invoice_id, 4200))
    await till.hear()
    assert ((await till.read(invoice_id)).state, (await till.read(invoice_id)).stripe_problem) == ("paid", "")
    assert await till.balances() == {}
    assert await till.rows(Payment) == []


@pytest.mark.parametrize("kind", FAULTS)
async def test_a_credit_note_with_refund_and_balance(till: Till, kind: str) -> None:
    invoice_id = await till.paid()
    note_id = await issue_note(till, invoice_id, 3000, refund=2000, balance=1000)
    await till.sandbox.fault(kind, "/v1/credit_notes", uses=2)
    await till.until_done("payments.credit_note", note_id)
    (note,) = await till.sandbox.objects("credit_notes")
    (refund,) = await till.sandbox.objects("refunds")
    assert (note["total"], note["refunds"][0]["refund"], refund["amount"]) == (3000, refund["id"], 2000)
    (customer,) = await till.sandbox.objects("customers")
    assert customer["balance"] == -1000
    assert await till.balances() == {"clearing": 2200, "revenue": -1200, "customer_credit": -1000}


async def test_kept_credit_pays_the_next_invoice(till: Till) -> None:
    first = await till.paid()
    await till.run("payments.credit_note", await issue_note(till, first, 1000, balance=1000))
    second = await till.sent()
    await till.pay(second)
    await till.hear()
    invoice = await till.read(second)
    assert (invoice.state, invoice.stripe_paid_minor, invoice.stripe_problem) == ("paid", 3200, "")
    assert await till.booked(second) == [("credit_used", 1000), ("invoice_finalised", 4200), ("payment_received", 3200)]
    assert await till.balances() == {"clearing": 7400, "revenue": -7400}


async def test_an_invoice_covered_by_credit_is_paid_at_once(till: Till) -> None:
    first = await till.paid(seconds=7200)
    await till.run("payments.credit_note", await issue_note(till, first, 5000, balance=5000))
    second = await till.sent()
    await till.work_off()
    assert (await till.read(second)).state == "paid"
    assert await till.booked(second) == [("credit_used", 4200), ("invoice_finalised", 4200)]
    assert (await till.balances())["customer_credit"] == -800


async def test_a_withdrawn_invoice_is_void_at_stripe(till: Till) -> None:
    invoice_id = await till.sent()
    async with till.database.transaction(SYSTEM) as tx:
        await tx.execute(update(Invoice).where(Invoice.id == invoice_id).values(state="void", voided_at=clock.now()))
    for _ in range(2):
        await till.run("payments.void", invoice_id)
    (at_stripe,) = await till.sandbox.objects("invoices")
    invoice = await till.read(invoice_id)
    assert (at_stripe["status"], invoice.stripe_status, invoice.stripe_problem) == ("void", "void", "")


async def test_a_draft_at_stripe_of_a_withdrawn_invoice_is_removed(till: Till) -> None:
    invoice_id = await till.invoice()
    till.sandbox.die_after = 2
    with pytest.raises(Died):
        await till.run("invoicing.send", invoice_id)
    till.sandbox.die_after = -1
    async with till.database.transaction(SYSTEM) as tx:
        await tx.execute(update(Invoice).where(Invoice.id == invoice_id).values(state="void", voided_at=clock.now()))
    await till.run("payments.void", invoice_id)
    assert await till.sandbox.objects("invoices") == []
    assert (await till.read(invoice_id)).stripe_invoice_id is None


async def write_off(till: Till, invoice_id: UUID) -> None:
    """As the desk leaves it."""
    async with till.database.transaction(SYSTEM) as tx:
        invoice = await tx.get_one(Invoice, invoice_id)
        invoice.state, invoice.uncollectible_at = "uncollectible", clock.now()
        entry = written_off(str(invoice.facility_id), str(invoice.id), Money(4200, "USD"))
        await booking.book(tx, entry, invoice.id, clock.now())


async def test_what_is_written_off_can_be_paid_after_all(till: Till) -> None:
    invoice_id = await till.sent()
    await write_off(till, invoice_id)
    await till.run("payments.write_off", invoice_id)
    assert [one["status"] for one in await till.sandbox.objects("invoices")] == ["uncollectible"]
    assert await till.balances() == {"bad_debt": 4200, "revenue": -4200}
    method = await till.save_method()
    await till.post(f"/v1/invoices/{(await till.read(invoice_id)).stripe_invoice_id}/pay", {"payment_method": method})
    await till.hear()
    invoice = await till.read(invoice_id)
    assert (invoice.state, invoice.stripe_problem) == ("paid", "")
    assert await till.balances() == {"clearing": 4200, "revenue": -4200}


@pytest.mark.parametrize(
    ("card", "evidence", "state", "left"),
    [
        ("4000 0000 0000 0259", "winning_evidence", "won", {"clearing": 4200, "revenue": -4200}),
        ("4000 0000 0000 2685", "losing_evidence", "lost", {"receivable": 4200, "revenue": -4200}),
    ],
)
async def test_a_dispute_takes_the_money_until_it_is_decided(
    till: Till, card: str, evidence: str, state: str, left: dict[str, int]
) -> None:
    invoice_id = await till.paid(card)
    await till.hear()
    (dispute,) = await till.rows(PaymentDispute)
    assert (dispute.state, dispute.amount_minor, dispute.closed_at) == ("needs_response", 4200, None)
    assert dispute.evidence_due_at is not None
    assert dispute.evidence_due_at > clock.now()
    assert await till.balances() == {"disputed": 4200, "revenue": -4200}
    answer = {"evidence[uncategorized_text]": evidence, "submit": "true"}
    await till.post(f"/v1/disputes/{dispute.stripe_dispute_id}", answer)
    await till.hear()
    (dispute,) = await till.rows(PaymentDispute)
    assert (dispute.state, dispute.closed_at is not None) == (state, True)
    assert await till.balances() == left
    assert (await till.read(invoice_id)).state == "paid"


async def test_an_inquiry_moves_no_money(till: Till) -> None:
    await till.paid("4000 0000 0000 1976")
    await till.hear()
    (dispute,) = await till.rows(PaymentDispute)
    assert dispute.state == "warning_needs_response"
    assert await till.balances() == {"clearing": 4200, "revenue": -4200}
