"""Our side of the comparison with Stripe, read from our tables and the ledger.

Every object carries Stripe's id, under which the other side has it. Something without one that has to be there by now is named
by its own id, so that it is a difference.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from billing.ledger import Account as LedgerAccount
from billing.ledger import Happening
from staffing.crediting.models import CreditNote
from staffing.facilities.models import Facility
from staffing.invoicing.models import BillingAccount, Invoice, InvoiceState, LedgerPosting, LedgerTransaction
from staffing.payments.corrections_state import HELD_BACK
from staffing.payments.models import Payment, PaymentDispute, Refund, RefundState
from staffing.payments.reconciliation import BALANCE, Fact
from staffing.persistence.transactions import Transaction

_AT_STRIPE = {
    InvoiceState.FINALIZED: "open",
    InvoiceState.SENT: "open",
    InvoiceState.PAID: "paid",
    InvoiceState.VOID: "void",
    InvoiceState.UNCOLLECTIBLE: "uncollectible",
}
_RECEIVED = (Happening.PAYMENT_RECEIVED.value, Happening.PAID_ELSEWHERE.value)


async def read(tx: Transaction, settled_before: datetime) -> dict[str, list[Fact]]:
    """Everything that Stripe has to have as well. What was only just made (not before then) may still be on its way."""
    return {
        "customer": await _customers(tx),
        "invoice": await _invoices(tx, settled_before),
        "payment": await _payments(tx),
        "refund": await _refunds(tx, settled_before),
        "credit_note": await _credit_notes(tx, settled_before),
        "dispute": await _disputes(tx),
        "fee": await _fees(tx),
        "balance": await _balance(tx),
    }


async def _customers(tx: Transaction) -> list[Fact]:
    """Facilities with their credit, as Stripe counts it: less than nothing."""
    kept = await tx.execute(
        select(LedgerPosting.facility_id, func.sum(LedgerPosting.amount_minor))
        .where(LedgerPosting.account == LedgerAccount.CUSTOMER_CREDIT.value)
        .group_by(LedgerPosting.facility_id)
    )
    credit = {facility_id: int(amount) for facility_id, amount in kept}
    rows = await tx.execute(
        select(BillingAccount.stripe_customer_id, BillingAccount.facility_id, BillingAccount.currency, Facility.name)
        .join(Facility, Facility.id == BillingAccount.facility_id)
        .where(BillingAccount.stripe_customer_id.is_not(None))
    )
    return [
        Fact(customer, name, "there", credit.get(facility_id, 0), currency)
        for customer, facility_id, currency, name in rows
        if customer is not None
    ]


async def _invoices(tx: Transaction, settled_before: datetime) -> list[Fact]:
    received = await _booked(tx, LedgerAccount.RECEIVABLE, _RECEIVED)
    rows = await tx.scalars(select(Invoice).where(Invoice.number.is_not(None)))
    return [
        Fact(
            one.stripe_invoice_id or str(one.id),
            one.number or "",
            # Paid before Stripe knew that it was withdrawn: there it stays paid, whatever is sent back.
            "paid" if one.state == InvoiceState.VOID and received.get(one.id) else _AT_STRIPE[InvoiceState(one.state)],
            one.total_minor,
            one.currency,
            {"amount paid": -received.get(one.id, 0)},
        )
        for one in rows
        if one.stripe_invoice_id or (one.state != InvoiceState.VOID and one.finalized_at and one.finalized_at < settled_before)
    ]


async def _payments(tx: Transaction) -> list[Fact]:
    booked = {
        source: -amount
        for source, amount in await tx.execute(
            select(LedgerTransaction.source, LedgerPosting.amount_minor)
            .join(LedgerPosting, LedgerPosting.transaction_id == LedgerTransaction.id)
            .where(
                LedgerTransaction.kind == Happening.PAYMENT_RECEIVED.value,
                LedgerPosting.account == LedgerAccount.RECEIVABLE.value,
            )
        )
    }
    rows = await tx.execute(select(Payment, Invoice.number).join(Invoice, Invoice.id == Payment.invoice_id))
    return [
        Fact(
            row.stripe_payment_intent_id,
            number or "",
            row.state,
            row.amount_minor,
            row.currency,
            {"amount booked": booked.get(row.stripe_payment_intent_id, 0)},
        )
        for row, number in rows
    ]


async def _refunds(tx: Transaction, settled_before: datetime) -> list[Fact]:
    rows = await tx.execute(select(Refund, Invoice.number).join(Invoice, Invoice.id == Refund.invoice_id))
    return [
        Fact(row.stripe_refund_id or str(row.id), number or "", row.state, row.amount_minor, row.currency)
        for row, number in rows
        if row.stripe_refund_id or (row.state != RefundState.FAILED and row.requested_at < settled_before)
    ]


async def _credit_notes(tx: Transaction, settled_before: datetime) -> list[Fact]:
    rows = await tx.scalars(select(CreditNote))
    return [
        Fact(row.stripe_credit_note_id or str(row.id), row.number, "issued", row.total_minor, row.currency)
        for row in rows
        if row.stripe_credit_note_id or row.issued_at < settled_before
    ]


async def _disputes(tx: Transaction) -> list[Fact]:
    held = await tx.execute(
        select(LedgerTransaction.source, func.sum(LedgerPosting.amount_minor))
        .join(LedgerPosting, LedgerPosting.transaction_id == LedgerTransaction.id)
        .where(LedgerTransaction.kind == Happening.PAYMENT_DISPUTED.value, LedgerPosting.account == LedgerAccount.DISPUTED.value)
        .group_by(LedgerTransaction.source)
    )
    booked = {source: int(amount) for source, amount in held}
    rows = await tx.execute(select(PaymentDispute, Invoice.number).join(Invoice, Invoice.id == PaymentDispute.invoice_id))
    return [
        Fact(
            row.stripe_dispute_id,
            number or "",
            row.state,
            row.amount_minor,
            row.currency,
            {"amount held back": booked.get(row.stripe_dispute_id, 0)},
        )
        for row, number in rows
    ]


async def _fees(tx: Transaction) -> list[Fact]:
    """What Stripe kept, by the movement of its balance."""
    rows = await tx.execute(
        select(LedgerTransaction.source, Invoice.number, LedgerPosting.amount_minor, LedgerPosting.currency)
        .join(LedgerPosting, LedgerPosting.transaction_id == LedgerTransaction.id)
        .outerjoin(Invoice, Invoice.id == LedgerTransaction.invoice_id)
        .where(LedgerPosting.account == LedgerAccount.FEES.value)
    )
    return [Fact(movement, number or "", "kept", amount, currency) for movement, number, amount, currency in rows]


async def _balance(tx: Transaction) -> list[Fact]:
    """What Stripe holds for the agency, or has paid out to it."""
    rows = await tx.execute(
        select(LedgerPosting.currency, func.sum(LedgerPosting.amount_minor))
        .where(LedgerPosting.account == LedgerAccount.CLEARING.value)
        .group_by(LedgerPosting.currency)
    )
    return [Fact(currency, BALANCE, "held", int(amount), currency) for currency, amount in rows if amount]


def held_back_minor(state: str, amount_minor: int) -> int:
    """What a dispute in this state has taken from our balance."""
    return amount_minor if state in HELD_BACK else 0


async def _booked(tx: Transaction, account: LedgerAccount, kinds: tuple[str, ...]) -> dict[UUID | None, int]:
    rows = await tx.execute(
        select(LedgerTransaction.invoice_id, func.sum(LedgerPosting.amount_minor))
        .join(LedgerPosting, LedgerPosting.transaction_id == LedgerTransaction.id)
        .where(LedgerPosting.account == account.value, LedgerTransaction.kind.in_(kinds))
        .group_by(LedgerTransaction.invoice_id)
    )
    return {invoice_id: int(amount) for invoice_id, amount in rows}
