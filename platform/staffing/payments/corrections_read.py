"""Reads for the pages of credit notes: the refunds that settle one, which the caller has read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from staffing.payments.models import Payment, Refund
from staffing.persistence.transactions import Transaction

STATE_WORDS = {
    "requested": "Asked for",
    "pending": "On its way",
    "succeeded": "Sent back",
    "failed": "Did not go through",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRefund:
    """Money that went back for a credit note, or is to."""

    id: UUID
    method_label: str
    amount_minor: int
    currency: str
    state: str
    failure: str
    requested_at: datetime
    settled_at: datetime | None

    @property
    def state_words(self) -> str:
        return STATE_WORDS[self.state]


async def refunds_of_note(tx: Transaction, note_id: UUID) -> Sequence[NoteRefund]:
    """The refunds that settle a credit note, in the order in which they were asked for."""
    rows = await tx.execute(
        select(
            Refund.id,
            Payment.method_label,
            Refund.amount_minor,
            Refund.currency,
            Refund.state,
            Refund.failure,
            Refund.requested_at,
            Refund.settled_at,
        )
        .join(Payment, Payment.id == Refund.payment_id)
        .where(Refund.credit_note_id == note_id)
        .order_by(Refund.requested_at, Refund.id)
    )
    return [NoteRefund(**row) for row in rows.mappings()]
