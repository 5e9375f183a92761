"""What of an invoice's payments can be sent back, and asking for it. Stripe is reached by the jobs."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Text, and_, cast, exists, func, select

from billing.ledger import Happening
from staffing import clock
from staffing.contracts.amounts import money_text
from staffing.crediting.errors import CreditNotPossible
from staffing.crediting.models import CreditNote
from staffing.crediting.standing import standing
from staffing.errors import Invalid
from staffing.invoicing.models import Invoice, LedgerTransaction
from staffing.payments.models import Payment, PaymentDispute, PaymentState, Refund, RefundState
from staffing.persistence import audit
from staffing.persistence.base import new_id
from staffing.persistence.transactions import Transaction

_DISPUTE_IS_OVER = ("won", "warning_closed")
_ON_ITS_WAY = (RefundState.REQUESTED.value, RefundState.PENDING.value)


@dataclass(frozen=True, slots=True)
class Refundable:
    """A payment and what of it can be sent back now, in minor units."""

    payment_id: UUID
    method_label: str
    amount_minor: int
    left_minor: int


async def refundable(tx: Transaction, invoice_id: UUID) -> list[Refundable]:
    """The invoice's payments that can be refunded, latest first. One that the payer's bank took back cannot."""
    back = (
        select(func.coalesce(func.sum(Refund.amount_minor), 0))
        .where(Refund.payment_id == Payment.id, Refund.state != RefundState.FAILED.value)
        .scalar_subquery()
    )
    disputed = exists().where(PaymentDispute.payment_id == Payment.id, PaymentDispute.state.not_in(_DISPUTE_IS_OVER))
    rows = await tx.execute(
        select(Payment.id, Payment.method_label, Payment.amount_minor, Payment.amount_minor - back)
        .where(Payment.invoice_id == invoice_id, Payment.state == PaymentState.SUCCEEDED.value, ~disputed)
        .order_by(Payment.settled_at.desc(), Payment.id.desc())
    )
    return [Refundable(payment_id, label, amount, int(left)) for payment_id, label, amount, left in rows if left > 0]


async def overpaid(tx: Transaction, invoice_id: UUID) -> int:
    """What came in for the invoice beyond what is owed on it, less what is on its way back already, in minor units.

    A payment made twice is such; so is a refund of a credit note that did not arrive.
    """
    owed = (await standing(tx, invoice_id)).owed_minor
    coming = await tx.scalar(
        select(func.coalesce(func.sum(Refund.amount_minor), 0)).where(
            Refund.invoice_id == invoice_id, Refund.state.in_(_ON_ITS_WAY), ~_booked()
        )
    )
    return max(-owed - int(coming or 0), 0)


async def refuse_under_way(tx: Transaction, invoice: Invoice, what: str) -> None:
    """Raise `CreditNotPossible` while a bank debit is under way: what is owed is not known until it is settled."""
    amount = await tx.scalar(
        select(func.sum(Payment.amount_minor)).where(
            Payment.invoice_id == invoice.id, Payment.state == PaymentState.PROCESSING.value
        )
    )
    if amount:
        raise CreditNotPossible.on_invoice(
            f"A payment of {money_text(int(amount), invoice.currency)} is under way and takes a few days."
            f" The invoice can be {what} when it has arrived or failed.",
            invoice.id,
        )


async def request_for_note(tx: Transaction, note: CreditNote) -> None:
    """Ask for the refunds that settle a credit note: from the latest payment first. Its job makes them with the note.

    Raises `Invalid` (`to`) when the payments do not have as much left.
    """
    missing = note.refund_minor
    found = await refundable(tx, note.invoice_id)
    if missing > (left := sum(one.left_minor for one in found)):
        raise Invalid(to=_too_little(left, note.currency))
    for one in found:
        if amount := min(one.left_minor, missing):
            _add(tx, note.facility_id, note.invoice_id, one.payment_id, amount, note.currency, note.reason, note)
            missing -= amount
    await tx.flush()


def add_without_note(
    tx: Transaction, invoice: Invoice, payment_id: UUID, amount_minor: int, reason: str, form_id: UUID, by: UUID
) -> Refund:
    """Ask for money back that is not owed at all. The caller has checked that it is not."""
    refund = _add(tx, invoice.facility_id, invoice.id, payment_id, amount_minor, invoice.currency, reason, None)
    refund.form_id, refund.requested_by = form_id, by
    return refund


def split(found: Sequence[Refundable], amount_minor: int) -> list[tuple[Refundable, int]]:
    """From which payments an amount would come, latest first."""
    parts = []
    for one in found:
        if amount := min(one.left_minor, amount_minor):
            parts.append((one, amount))
            amount_minor -= amount
    return parts


def check_refundable(found: Sequence[Refundable], amount_minor: int, currency: str) -> None:
    """Raise `Invalid` (`to`) when so much cannot be sent back through Stripe."""
    left = sum(one.left_minor for one in found)
    if amount_minor > left:
        raise Invalid(to=_too_little(left, currency))


def _add(
    tx: Transaction,
    facility_id: UUID,
    invoice_id: UUID,
    payment_id: UUID,
    amount_minor: int,
    currency: str,
    reason: str,
    note: CreditNote | None,
) -> Refund:
    refund = Refund(
        id=new_id(),
        facility_id=facility_id,
        invoice_id=invoice_id,
        payment_id=payment_id,
        credit_note_id=note.id if note else None,
        amount_minor=amount_minor,
        currency=currency,
        reason=reason,
        state=RefundState.REQUESTED.value,
        requested_at=clock.now(),
        requested_by=note.issued_by if note else None,
    )
    tx.add(refund)
    audit.note(tx, "refund.request", "refund", refund.id, facility_id=facility_id)
    return refund


def _booked() -> ColumnElement[bool]:
    """Whether the ledger has the refund already."""
    return exists().where(
        and_(
            LedgerTransaction.kind == Happening.PAYMENT_REFUNDED.value,
            LedgerTransaction.source == cast(Refund.id, Text),
        )
    )


def _too_little(left_minor: int, currency: str) -> str:
    if not left_minor:
        return "Nothing of it was paid in a way that can be refunded here. Keep it as credit for the next invoice."
    return f"Only {money_text(left_minor, currency)} can be refunded. Keep it as credit for the next invoice, or credit less."
