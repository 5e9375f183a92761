"""What Stripe says about an invoice, taken into our books. Whatever order its messages come in, the same state follows.

Only an object fetched from Stripe comes in here, never the content of a webhook or of a redirect.
"""

from uuid import UUID

from sqlalchemy import select

from billing.ledger import payment_received
from billing.money import Money
from billing.stripe_results import StripeInvoice
from staffing import clock
from staffing.invoicing import booking, lifecycle
from staffing.invoicing.lifecycle import Step
from staffing.invoicing.models import Invoice
from staffing.invoicing.reconciliation import differences
from staffing.invoicing.steps import take_step
from staffing.persistence.transactions import Transaction

ISSUED_AT_STRIPE = frozenset({"open", "paid", "uncollectible"})


async def record(tx: Transaction, invoice_id: UUID, said: StripeInvoice) -> str:
    """Note what Stripe says, and book a payment that is not booked yet. What came of it, in words for the record.

    An amount or currency that is not ours is never booked: it is shown as a problem until somebody has looked.
    """
    found = await tx.execute(
        select(Invoice).where(Invoice.id == invoice_id).with_for_update().execution_options(populate_existing=True)
    )
    invoice = found.scalar_one_or_none()
    if invoice is None:
        return "ignored: not an invoice of ours"
    if invoice.stripe_invoice_id not in (None, said.id) or invoice.state not in lifecycle.ISSUED:
        invoice.stripe_problem = f"Stripe has a second invoice ({said.id}) for this one. Void it at Stripe."
        return "refused: not the invoice that we sent"
    _note(invoice, said)
    if (problems := differences(invoice, said)) and said.status != "draft":
        invoice.stripe_problem = " ".join(problems)
        await tx.flush()
        return "refused: " + invoice.stripe_problem
    if said.status in ISSUED_AT_STRIPE and lifecycle.possible(invoice.state, Step.SEND):
        take_step(tx, invoice, Step.SEND)
        invoice.sent_at = clock.now()
    if said.status == "paid" and lifecycle.possible(invoice.state, Step.PAY):
        await _book_payment(tx, invoice, said)
        return "booked"
    await tx.flush()
    return f"noted: {said.status}"


def _note(invoice: Invoice, said: StripeInvoice) -> None:
    invoice.stripe_invoice_id = said.id
    invoice.stripe_status = said.status
    invoice.stripe_total_minor, invoice.stripe_paid_minor = said.total_minor, said.amount_paid_minor
    invoice.stripe_seen_at = clock.now()
    invoice.hosted_url = said.hosted_invoice_url or invoice.hosted_url
    invoice.stripe_problem = ""


async def _book_payment(tx: Transaction, invoice: Invoice, said: StripeInvoice) -> None:
    """Cash against what the facility owed. The cause is Stripe's invoice: it is paid once, however often we are told."""
    take_step(tx, invoice, Step.PAY)
    at = clock.now()
    invoice.paid_at = said.paid_at or at
    await tx.flush()
    paid = Money(said.amount_paid_minor, said.currency)
    await booking.book(tx, payment_received(str(invoice.facility_id), said.id, paid), invoice.id, at)
