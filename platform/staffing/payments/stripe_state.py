"""What Stripe says about an invoice, taken into our books. Whatever order its messages come in, the same state follows.

Only objects fetched from Stripe come in here, never the content of a webhook or of a redirect. What follows from them is derived
whole each time, and the ledger takes each cause once.
"""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm.attributes import flag_modified

from billing.ledger import Account as LedgerAccount
from billing.ledger import credit_used, paid_elsewhere, payment_received, recovered
from billing.money import Money
from billing.stripe.results import StripeInvoice
from staffing import clock
from staffing.invoicing import accounts, booking, lifecycle, pausing
from staffing.invoicing.lifecycle import Step
from staffing.invoicing.models import BillingAccount, Invoice, InvoiceState, LedgerPosting, LedgerTransaction
from staffing.invoicing.steps import take_step
from staffing.payments import corrections_state, fees, payment_rows
from staffing.payments.agreement import amount_differences, money_differences, other_differences
from staffing.payments.at_stripe import InvoiceAtStripe
from staffing.persistence import audit
from staffing.persistence.failpoints import failpoint
from staffing.persistence.transactions import Transaction

ISSUED_AT_STRIPE = frozenset({"open", "paid", "uncollectible"})


async def record(tx: Transaction, invoice_id: UUID, said: InvoiceAtStripe, seen_version: int | None = None) -> str | None:
    """Take what Stripe says into our books. What came of it, in words for the record.

    None when the invoice changed since it had `seen_version`: what was fetched may be older than what is known, so it has to
    be fetched again. An amount or currency that is not ours is never booked: the facility's account is parked until somebody
    has looked.
    """
    ours = await _locked(tx, invoice_id)
    if ours is None:
        return "ignored: not an invoice of ours"
    account, invoice = ours
    if seen_version is not None and invoice.version != seen_version:
        return None
    theirs = said.invoice
    if invoice.stripe_invoice_id not in (None, theirs.id) or invoice.state in lifecycle.OPEN:
        invoice.stripe_problem = f"Stripe has a second invoice ({theirs.id}) for this one. Void it at Stripe."
        return "refused: not the invoice that we sent"
    _note(invoice, theirs)
    if theirs.status == "draft":
        await tx.flush()
        return "noted: draft"
    if problems := money_differences(invoice, said, await _credit(tx, invoice)):
        return await _park(tx, account, invoice, problems)
    if account.parked_because:
        invoice.stripe_problem = f"Nothing is booked by itself for this facility: {account.parked_because}"
        await tx.flush()
        return "waits: the facility's account is parked"
    invoice.stripe_problem = " ".join(other_differences(invoice, said))
    return await _book(tx, invoice, said)


async def sent(tx: Transaction, invoice_id: UUID, theirs: StripeInvoice) -> None:
    """Stripe has made the invoice final: from now on the facility can pay it. Its money is looked at by `record`."""
    ours = await _locked(tx, invoice_id)
    if ours is None or ours[1].stripe_invoice_id not in (None, theirs.id) or amount_differences(ours[1], theirs):
        return
    _note(ours[1], theirs)
    ours[1].stripe_problem = ""
    _send(tx, ours[1], theirs)
    await tx.flush()


async def _locked(tx: Transaction, invoice_id: UUID) -> tuple[BillingAccount, Invoice] | None:
    facility_id = await tx.scalar(select(Invoice.facility_id).where(Invoice.id == invoice_id))
    if facility_id is None:
        return None
    account = await accounts.locked(tx, facility_id)
    found = await tx.execute(
        select(Invoice).where(Invoice.id == invoice_id).with_for_update().execution_options(populate_existing=True)
    )
    return account, found.scalar_one()


def _note(invoice: Invoice, said: StripeInvoice) -> None:
    invoice.stripe_invoice_id = said.id
    invoice.stripe_status = said.status
    invoice.stripe_total_minor, invoice.stripe_paid_minor = said.total_minor, said.amount_paid_minor
    invoice.stripe_seen_at = clock.now()
    flag_modified(invoice, "stripe_seen_at")  # each look makes a new version, also at the same instant
    invoice.hosted_url = said.hosted_invoice_url or invoice.hosted_url


def _send(tx: Transaction, invoice: Invoice, theirs: StripeInvoice) -> None:
    if theirs.status in ISSUED_AT_STRIPE and lifecycle.possible(invoice.state, Step.SEND):
        take_step(tx, invoice, Step.SEND)
        invoice.sent_at = clock.now()


async def _park(tx: Transaction, account: BillingAccount, invoice: Invoice, problems: tuple[str, ...]) -> str:
    """Nothing more is booked by itself for this facility until a person has looked."""
    invoice.stripe_problem = " ".join(problems)
    if not account.parked_because:
        account.parked_because = f"{invoice.number}: {invoice.stripe_problem}"
        audit.note(
            tx, "billing_account.park", "invoice", invoice.id, facility_id=invoice.facility_id, detail="amount or currency"
        )
    await tx.flush()
    return "refused: " + invoice.stripe_problem


async def _book(tx: Transaction, invoice: Invoice, said: InvoiceAtStripe) -> str:
    theirs = said.invoice
    _send(tx, invoice, theirs)
    await tx.flush()
    at, facility = clock.now(), str(invoice.facility_id)
    entries = []
    for payment in await payment_rows.keep(tx, invoice, said):
        if payment.succeeded:
            paid = Money(payment.payment.received_minor, payment.payment.currency)
            entries.append(payment_received(facility, payment.payment.id, paid))
        entries += fees.entries(facility, payment)
    if said.credit_used_minor:
        entries.append(credit_used(facility, str(invoice.id), Money(said.credit_used_minor, theirs.currency)))
    if theirs.paid_off_stripe_minor:
        entries.append(paid_elsewhere(facility, str(invoice.id), Money(theirs.paid_off_stripe_minor, theirs.currency)))
    booked = [await booking.book(tx, entry, invoice.id, at) for entry in entries]
    failpoint("payment.after_booked")
    booked += await corrections_state.keep(tx, invoice, said)
    await _settle(tx, invoice, said)
    await tx.flush()
    failpoint("payment.after_settled")
    return "booked" if any(booked) else f"noted: {theirs.status}"


async def _settle(tx: Transaction, invoice: Invoice, said: InvoiceAtStripe) -> None:
    """Paid at Stripe, with all its money in our books: paid."""
    if said.invoice.status != "paid" or not lifecycle.possible(invoice.state, Step.PAY):
        return
    if invoice.state == InvoiceState.UNCOLLECTIBLE:
        given_up = await _balance(tx, LedgerAccount.BAD_DEBT, LedgerTransaction.invoice_id == invoice.id)
        if given_up > 0:
            entry = recovered(str(invoice.facility_id), said.invoice.id, Money(given_up, invoice.currency))
            await booking.book(tx, entry, invoice.id, clock.now())
    take_step(tx, invoice, Step.PAY)
    invoice.paid_at = said.invoice.paid_at or clock.now()
    await pausing.resume_when_settled(tx, invoice.facility_id)


async def _credit(tx: Transaction, invoice: Invoice) -> int:
    """What the facility has to its credit in our ledger, in minor units, before this invoice used any of it."""
    of_others = (LedgerTransaction.invoice_id != invoice.id) | (LedgerTransaction.kind != "credit_used")
    return -await _balance(tx, LedgerAccount.CUSTOMER_CREDIT, LedgerTransaction.facility_id == invoice.facility_id, of_others)


async def _balance(tx: Transaction, account: LedgerAccount, *of: object) -> int:
    statement = (
        select(func.coalesce(func.sum(LedgerPosting.amount_minor), 0))
        .join(LedgerTransaction, LedgerTransaction.id == LedgerPosting.transaction_id)
        .where(LedgerPosting.account == account.value, *of)  # type: ignore[arg-type]
    )
    return int((await tx.execute(statement)).scalar_one())
