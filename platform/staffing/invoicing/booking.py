"""Writing journal entries of `billing.ledger` down: append-only, each cause once."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from billing.ledger import JournalEntry
from staffing.invoicing.models import LedgerPosting, LedgerTransaction
from staffing.persistence.base import new_id
from staffing.persistence.transactions import Transaction


async def book(tx: Transaction, entry: JournalEntry, invoice_id: UUID, at: datetime) -> bool:
    """Write `entry` down. False when the same happening with the same reference is in the ledger already."""
    facility_id = UUID(entry.facility)
    statement = (
        insert(LedgerTransaction)
        .values(
            id=new_id(),
            facility_id=facility_id,
            invoice_id=invoice_id,
            kind=entry.happening.value,
            source=entry.reference,
            booked_at=at,
        )
        .on_conflict_do_nothing(index_elements=[LedgerTransaction.kind, LedgerTransaction.source])
        .returning(LedgerTransaction.id)
    )
    transaction_id = (await tx.execute(statement)).scalar_one_or_none()
    if transaction_id is None:
        return False
    await tx.execute(
        insert(LedgerPosting),
        [
            {
                "transaction_id": transaction_id,
                "account": posting.account.value,
                "facility_id": facility_id,
                "amount_minor": posting.amount_minor,
                "currency": entry.currency,
            }
            for posting in entry.postings
        ],
    )
    return True
