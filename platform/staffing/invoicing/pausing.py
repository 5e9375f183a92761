"""Ending the pause of a facility's service, in the transaction that settles what it was paused for."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from billing.ledger import Account as LedgerAccount
from staffing import clock
from staffing.identity import queries as identity
from staffing.invoicing.models import BillingAccount, Invoice, InvoiceState, LedgerPosting, LedgerTransaction
from staffing.persistence import audit
from staffing.persistence.transactions import Transaction
from staffing.wall_clock import local_day


async def resume_when_settled(tx: Transaction, facility_id: UUID) -> bool:
    """Go on planning for a paused facility when none of its invoices is owed past the agreed days. Whether that was so.

    Call it with the facility's account locked, after the invoice's new state.
    """
    await tx.flush()
    account = await tx.get(BillingAccount, facility_id)
    if account is None or account.paused_at is None or await _holds(tx, account):
        return False
    account.paused_at = None
    audit.note(tx, "billing_account.resume", "facility", facility_id, facility_id=facility_id, detail="settled")
    await tx.flush()
    return True


async def _holds(tx: Transaction, account: BillingAccount) -> bool:
    """Whether an invoice is still so long overdue that service is paused for it, or was given up without being paid."""
    if account.pause_after_days is None:
        return False
    agency = await identity.agency(tx)
    latest = local_day(clock.now(), agency.time_zone if agency else "UTC") - timedelta(days=account.pause_after_days)
    owed = (
        select(func.coalesce(func.sum(LedgerPosting.amount_minor), 0))
        .join(LedgerTransaction, LedgerTransaction.id == LedgerPosting.transaction_id)
        .where(LedgerTransaction.invoice_id == Invoice.id, LedgerPosting.account == LedgerAccount.RECEIVABLE.value)
        .scalar_subquery()
    )
    unpaid = (Invoice.state == InvoiceState.UNCOLLECTIBLE.value) | ((Invoice.state == InvoiceState.SENT.value) & (owed > 0))
    found = await tx.scalar(
        select(Invoice.id).where(Invoice.facility_id == account.facility_id, unpaid, Invoice.due_on <= latest).limit(1)
    )
    return found is not None
