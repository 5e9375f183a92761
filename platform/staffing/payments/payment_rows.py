"""Our rows of payments, derived from Stripe's objects."""

from sqlalchemy import select

from billing.stripe.results import StripeCharge
from staffing import clock
from staffing.invoicing.models import Invoice
from staffing.payments.at_stripe import InvoiceAtStripe, PaymentAtStripe
from staffing.payments.models import Payment, PaymentState
from staffing.persistence import audit
from staffing.persistence.base import new_id
from staffing.persistence.transactions import Transaction

_BRANDS = {"amex": "American Express", "diners": "Diners Club", "jcb": "JCB", "unionpay": "UnionPay"}


async def keep(tx: Transaction, invoice: Invoice, said: InvoiceAtStripe) -> tuple[PaymentAtStripe, ...]:
    """Make or change a row for each payment that somebody tried. Those payments."""
    rows = {
        row.stripe_payment_intent_id: row for row in await tx.scalars(select(Payment).where(Payment.invoice_id == invoice.id))
    }
    tried = tuple(one for one in said.payments if one.tried)
    for one in tried:
        row = rows.get(one.payment.id)
        if row is None:
            row = Payment(
                id=new_id(),
                facility_id=invoice.facility_id,
                invoice_id=invoice.id,
                stripe_payment_intent_id=one.payment.id,
                currency=one.payment.currency,
                state="",
                started_at=one.charge.created_at if one.charge else one.payment.created_at,
            )
            tx.add(row)
        _derive(tx, row, one, said)
    await tx.flush()
    return tried


def method_label(kind: str, brand: str, last4: str) -> str:
    """How people call a way to pay: `Visa ending in 4242`."""
    if kind == "card":
        name = _BRANDS.get(brand, brand.replace("_", " ").title()) or "Card"
    else:
        name = brand.title() if brand.isupper() else brand or "Bank account"
    return f"{name} ending in {last4}" if last4 else name


def _derive(tx: Transaction, row: Payment, one: PaymentAtStripe, said: InvoiceAtStripe) -> None:
    payment, charge = one.payment, one.charge
    state = _state(one)
    tried_minor = charge.amount_minor if charge else payment.amount_minor
    row.amount_minor = payment.received_minor if one.succeeded else tried_minor
    row.method = charge.kind if charge else ""
    row.method_label = _label(charge) if charge else ""
    if charge is not None:
        row.started_at = charge.created_at
    row.failure = "" if state is not PaymentState.FAILED else _why(one)
    if row.state == state:
        return
    row.state = state.value
    settled = state is not PaymentState.PROCESSING
    row.settled_at = (said.invoice.paid_at if one.succeeded else None) or clock.now() if settled else None
    audit.note(tx, f"payment.{state.value}", "payment", row.id, facility_id=row.facility_id, detail=row.method)


def _state(one: PaymentAtStripe) -> PaymentState:
    if one.succeeded:
        return PaymentState.SUCCEEDED
    return PaymentState.PROCESSING if one.payment.status == "processing" else PaymentState.FAILED


def _label(charge: StripeCharge) -> str:
    return method_label(charge.kind, charge.brand, charge.last4)


def _why(one: PaymentAtStripe) -> str:
    """Stripe's own sentence for why a payment failed."""
    said = (one.charge.failure_message if one.charge else "") or one.payment.failure_message
    return said or "The payment did not go through."
