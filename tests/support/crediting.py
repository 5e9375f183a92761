"""What tests of corrections share: payments as Stripe's reports leave them, the ledger's balances."""

from uuid import UUID

from sqlalchemy import func, select

from billing.ledger import payment_received
from billing.money import Money
from staffing import clock
from staffing.invoicing import booking
from staffing.invoicing.models import Invoice, LedgerPosting, LedgerTransaction
from staffing.payments.models import Payment
from staffing.persistence.base import new_id
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database

MARCH_TERMS = {"tax": {"rates": [{"name": "Sales tax", "percent": "7", "jurisdiction": "US-OH"}]}}


async def pay_part(database: Database, invoice_id: UUID, minor: int, *, state: str = "succeeded") -> UUID:
    """A payment of so much as Stripe's report leaves it: its row, and in the ledger once it succeeded."""
    async with database.transaction(SYSTEM) as tx:
        invoice = await tx.get_one(Invoice, invoice_id)
        payment = Payment(
            id=new_id(),
            facility_id=invoice.facility_id,
            invoice_id=invoice_id,
            stripe_payment_intent_id=f"pi_{new_id().hex}",
            method="card",
            method_label="Visa ending in 4242",
            amount_minor=minor,
            currency=invoice.currency,
            state=state,
            started_at=clock.now(),
            settled_at=clock.now() if state == "succeeded" else None,
        )
        tx.add(payment)
        if state == "succeeded":
            entry = payment_received(str(invoice.facility_id), payment.stripe_payment_intent_id, Money(minor, invoice.currency))
            await booking.book(tx, entry, invoice_id, clock.now())
            owed = await _sum(tx, LedgerPosting.account == "receivable", LedgerTransaction.invoice_id == invoice_id)
            if owed <= 0:
                invoice.state, invoice.paid_at = "paid", clock.now()
        return payment.id


async def balance(database: Database, account: str, invoice_id: UUID | None = None) -> int:
    """The sum on an account of the ledger, of one invoice or of all."""
    async with database.transaction(SYSTEM) as tx:
        of = [LedgerTransaction.invoice_id == invoice_id] if invoice_id else []
        return await _sum(tx, LedgerPosting.account == account, *of)


async def ledger_sum(database: Database) -> int:
    """Over all accounts: nothing, always."""
    async with database.transaction(SYSTEM) as tx:
        return await _sum(tx)


async def _sum(tx: object, *conditions: object) -> int:
    statement = (
        select(func.coalesce(func.sum(LedgerPosting.amount_minor), 0))
        .join(LedgerTransaction, LedgerTransaction.id == LedgerPosting.transaction_id)
        .where(*conditions)  # type: ignore[arg-type]
    )
    return int(await tx.scalar(statement))  # type: ignore[attr-defined]
