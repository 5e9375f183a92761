"""Corrections that are overtaken: the facility pays, its bank acts, before Stripe hears of what was decided here."""

from uuid import UUID

import pytest
from sqlalchemy import select
from support.paying import Till, now_is
from support.world import principal

from staffing.crediting.models import CreditNote, CreditReason
from staffing.crediting.rules import Asked
from staffing.crediting.service import To
from staffing.invoicing.models import InvoiceLine
from staffing.payments import corrections, reconciling
from staffing.payments.models import Refund
from staffing.persistence.base import new_id
from staffing.persistence.jobs import TryAgain
from staffing.persistence.tenancy import SYSTEM

CARD = "4242 4242 4242 4242"


async def issue(till: Till, invoice_id: UUID, minor: int, to: To = To.REFUND) -> UUID:
    """A credit note as the desk issues it; its job waits."""
    bella = principal(till.world, "bella")
    async with till.database.transaction(bella.scope()) as tx:
        line_id = await tx.scalar(select(InvoiceLine.id).where(InvoiceLine.invoice_id == invoice_id))
        assert line_id is not None
        asked = [Asked(line_id=line_id, amount_minor=minor)]
        return (await corrections.issue_credit_note(tx, bella, invoice_id, asked, CreditReason.GOODWILL, new_id(), to)).id


async def refund_what_is_over(till: Till, invoice_id: UUID, minor: int) -> None:
    """The desk sends back what came in beyond what is owed."""
    bella, payment = principal(till.world, "bella"), await till.payment(invoice_id)
    async with till.database.transaction(bella.scope()) as tx:
        await corrections.request_refund(tx, bella, invoice_id, payment.id, minor, "requested_by_customer", new_id())
    await till.work_off()


async def differences(till: Till) -> list[str]:
    with now_is(minutes=20):
        run = await reconciling.reconcile(till.database, till.sandbox.gateway)
    return [one["what"] for one in run.differences]


async def note(till: Till, note_id: UUID) -> CreditNote:
    async with till.database.transaction(SYSTEM) as tx:
        return await tx.get_one(CreditNote, note_id)


async def test_a_withdrawal_overtaken_by_a_payment_is_booked_and_can_be_refunded(till: Till) -> None:
    invoice_id = await till.sent()
    bella = principal(till.world, "bella")
    async with till.database.transaction(bella.scope()) as tx:
        await corrections.void_invoice(tx, bella, invoice_id, "It went to the wrong address.")
    await till.pay(invoice_id)
    await till.work_off()
    invoice = await till.read(invoice_id)
    assert (invoice.state, (await till.account()).parked_because) == ("void", "")
    assert "withdrawn here, and paid at Stripe" in invoice.stripe_problem
    assert ("payment_received", 4200) in await till.booked(invoice_id)
    assert (await till.balances())["receivable"] == -4200
    await refund_what_is_over(till, invoice_id, 4200)
    assert (await till.read(invoice_id)).stripe_problem == ""
    assert "receivable" not in await till.balances()
    assert await differences(till) == []


async def test_a_credit_note_overtaken_by_a_payment_gets_to_stripe_and_what_came_in_beyond_can_be_refunded(till: Till) -> None:
    invoice_id = await till.sent()
    note_id = await issue(till, invoice_id, 1200)
    await till.pay(invoice_id)
    await till.work_off()
    made = await note(till, note_id)
    assert (made.applied_minor, made.stripe_problem) == (1200, "")
    (at_stripe,) = await till.sandbox.objects("credit_notes")
    assert (at_stripe["total"], at_stripe["post_payment_amount"]) == (1200, 1200)
    assert (await till.balances())["receivable"] == -1200
    assert await differences(till) == []
    await refund_what_is_over(till, invoice_id, 1200)
    assert "receivable" not in await till.balances()
    assert await differences(till) == []


async def test_a_payment_between_two_tries_of_a_credit_note_does_not_spoil_the_second(till: Till) -> None:
    invoice_id = await till.sent()
    note_id = await issue(till, invoice_id, 1200)
    await till.sandbox.fault("timeout_before", "/v1/credit_notes")
    with pytest.raises(TryAgain):
        await till.run("payments.credit_note", note_id)
    await till.pay(invoice_id)
    await till.work_off()
    assert (await note(till, note_id)).stripe_problem == ""
    assert len(await till.sandbox.objects("credit_notes")) == 1
    assert await differences(till) == []


async def test_a_credit_note_that_a_bank_debit_holds_up_gets_to_stripe_afterwards(till: Till) -> None:
    method = await till.save_method("pm_usBankAccount_success")
    invoice_id = await till.sent()
    note_id = await issue(till, invoice_id, 1200)
    stripe_id = (await till.read(invoice_id)).stripe_invoice_id
    await till.post(f"/v1/invoices/{stripe_id}/pay", {"payment_method": method})
    await till.work_off()
    assert "while a payment for it is processing" in (await note(till, note_id)).stripe_problem
    await till.control("clock", {"advance_seconds": 7 * 86400})
    await till.hear()
    with now_is(minutes=6):
        await till.run("payments.look_after", "")
        await till.work_off()
    assert (await note(till, note_id)).stripe_credit_note_id
    assert await differences(till) == []


async def test_a_credit_note_whose_refund_stripe_refuses_stands_all_the_same(till: Till) -> None:
    invoice_id = await till.paid(CARD)
    note_id = await issue(till, invoice_id, 1200)
    charge = await till.charge_of(invoice_id)
    await till.control("disputes", {"charge": charge, "reason": "fraudulent"})
    await till.work_off()
    (refund,) = await till.rows(Refund)
    assert (refund.state, bool(refund.failure)) == ("failed", True)
    assert (await note(till, note_id)).stripe_problem == ""
    assert (await till.balances())["receivable"] == -1200
    await till.hear()
    assert await differences(till) == []
