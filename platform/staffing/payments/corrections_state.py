"""Refunds, disputes at the bank and credit notes as Stripe holds them, taken into our books. Each happening books once."""

from uuid import UUID

from sqlalchemy import select

from billing.ledger import JournalEntry, dispute_lost, dispute_won, payment_disputed, payment_refunded, refund_returned
from billing.money import Money
from billing.stripe.results import StripeDispute, StripeRefund
from staffing import clock
from staffing.crediting.models import CreditNote
from staffing.invoicing import booking
from staffing.invoicing.models import Invoice
from staffing.payments.at_stripe import InvoiceAtStripe
from staffing.payments.models import Payment, PaymentDispute, Refund, RefundState
from staffing.persistence import audit
from staffing.persistence.base import new_id
from staffing.persistence.transactions import Transaction

MADE_AT_STRIPE = "made_at_stripe"
"""The reason of a refund that nobody asked for here."""
_REFUND_STATES = {
    "pending": RefundState.PENDING,
    "requires_action": RefundState.PENDING,
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "canceled": RefundState.FAILED,
}
HELD_BACK = frozenset({"needs_response", "under_review", "won", "lost", "appeal_needs_response", "appeal_under_review"})
"""States of a dispute in which the bank has taken the money; an inquiry (`warning_…`) only asks."""


async def keep(tx: Transaction, invoice: Invoice, said: InvoiceAtStripe) -> list[bool]:
    """Take all of them in. Which bookings were new."""
    payments = {
        row.stripe_payment_intent_id: row for row in await tx.scalars(select(Payment).where(Payment.invoice_id == invoice.id))
    }
    entries: list[JournalEntry] = []
    for one in said.payments:
        row = payments.get(one.payment.id)
        if row is None:
            continue
        for refund in one.refunds:
            entries += _refunded(await _refund_row(tx, row, refund), refund)
        for dispute in one.disputes:
            entries += _disputed(await _dispute_row(tx, row, dispute), dispute)
    await _credit_notes(tx, invoice, said)
    await tx.flush()
    return [await booking.book(tx, entry, invoice.id, clock.now()) for entry in entries]


async def _refund_row(tx: Transaction, payment: Payment, theirs: StripeRefund) -> Refund:
    row = await tx.scalar(select(Refund).where(Refund.stripe_refund_id == theirs.id))
    ours = _uuid(theirs.metadata.get("refund_id", ""))
    if row is None and ours is not None:
        row = await tx.scalar(select(Refund).where(Refund.id == ours, Refund.payment_id == payment.id))
    if row is None:
        row = Refund(
            id=new_id(),
            facility_id=payment.facility_id,
            invoice_id=payment.invoice_id,
            payment_id=payment.id,
            amount_minor=theirs.amount_minor,
            currency=theirs.currency,
            reason=MADE_AT_STRIPE,
            state=RefundState.REQUESTED.value,
            requested_at=theirs.created_at,
        )
        tx.add(row)
    row.stripe_refund_id = theirs.id
    state = _REFUND_STATES.get(theirs.status, RefundState.PENDING)
    row.failure = (theirs.failure_reason or "").replace("_", " ") if state is RefundState.FAILED else ""
    if row.state != state:
        row.state = state.value
        row.settled_at = None if state is RefundState.PENDING else clock.now()
        audit.note(tx, f"refund.{state.value}", "refund", row.id, facility_id=row.facility_id)
    return row


def _refunded(row: Refund, theirs: StripeRefund) -> list[JournalEntry]:
    facility, amount = str(row.facility_id), Money(theirs.amount_minor, theirs.currency)
    taken = payment_refunded(facility, str(row.id), amount)
    if row.state == RefundState.FAILED:
        return [taken, refund_returned(facility, str(row.id), amount)]
    return [taken]


async def _dispute_row(tx: Transaction, payment: Payment, theirs: StripeDispute) -> PaymentDispute:
    row = await tx.scalar(select(PaymentDispute).where(PaymentDispute.stripe_dispute_id == theirs.id))
    if row is None:
        row = PaymentDispute(
            id=new_id(),
            facility_id=payment.facility_id,
            invoice_id=payment.invoice_id,
            payment_id=payment.id,
            stripe_dispute_id=theirs.id,
            currency=theirs.currency,
            opened_at=theirs.created_at,
            state="",
        )
        tx.add(row)
    row.amount_minor, row.reason, row.evidence_due_at = theirs.amount_minor, theirs.reason, theirs.evidence_due_at
    if row.state != theirs.status:
        row.state = theirs.status
        row.closed_at = clock.now() if theirs.closed else None
        audit.note(tx, "payment_dispute.change", "payment_dispute", row.id, facility_id=row.facility_id, detail=theirs.status)
    return row


def _disputed(row: PaymentDispute, theirs: StripeDispute) -> list[JournalEntry]:
    if theirs.status not in HELD_BACK:
        return []
    facility, amount = str(row.facility_id), Money(theirs.amount_minor, theirs.currency)
    entries = [payment_disputed(facility, theirs.id, amount)]
    if theirs.status == "won":
        entries.append(dispute_won(facility, theirs.id, amount))
    if theirs.status == "lost":
        entries.append(dispute_lost(facility, theirs.id, amount))
    return entries


async def _credit_notes(tx: Transaction, invoice: Invoice, said: InvoiceAtStripe) -> None:
    """Tie Stripe's credit notes to ours; one that is not ours is for a person to look at."""
    if not said.credit_notes:
        return
    ours = {row.id: row for row in await tx.scalars(select(CreditNote).where(CreditNote.invoice_id == invoice.id))}
    for theirs in said.credit_notes:
        if theirs.status != "issued":
            continue
        row = ours.get(_uuid(theirs.metadata.get("credit_note_id", "")) or new_id())
        if row is None:
            invoice.stripe_problem = f"Stripe has a credit note ({theirs.number}) that our books do not have."
        elif (theirs.total_minor, theirs.currency) != (row.total_minor, row.currency):
            words = Money(theirs.total_minor, theirs.currency), Money(row.total_minor, row.currency)
            row.stripe_credit_note_id = theirs.id
            row.stripe_problem = f"Stripe's credit note is for {words[0]}, ours for {words[1]}."
        else:
            row.stripe_credit_note_id, row.stripe_problem = theirs.id, ""


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
