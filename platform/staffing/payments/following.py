"""From anything that Stripe has to the invoice of ours that it is about, and into our books."""

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from billing.stripe.events import Subject
from billing.stripe.failures import StripeBusy, StripeRefused
from staffing.invoicing.models import Invoice
from staffing.payments import saving, stripe_state
from staffing.payments.at_stripe import fetch
from staffing.persistence.failpoints import failpoint
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database

if TYPE_CHECKING:
    from billing.stripe.gateway import StripeGateway

_TURNS = 12
"""How often an invoice is fetched again because somebody else took it in meanwhile."""


async def follow_invoice(database: Database, gateway: "StripeGateway", stripe_invoice_id: str) -> str:
    """Take the invoice into our books as Stripe holds it now. What came of it. Raises the `StripeFailure` of a call."""
    ours = await _ours(database, gateway, stripe_invoice_id)
    if ours is None:
        return "ignored: not an invoice of ours"
    for _ in range(_TURNS):
        async with database.transaction(SYSTEM) as tx:
            version = await tx.scalar(select(Invoice.version).where(Invoice.id == ours))
        if version is None:
            return "ignored: not an invoice of ours"
        said = await fetch(gateway, stripe_invoice_id)
        if said is None:
            return "ignored: Stripe has no such invoice"
        failpoint("payment.after_fetched")
        async with database.transaction(SYSTEM) as tx:
            outcome = await stripe_state.record(tx, ours, said, version)
        if outcome is not None:
            return outcome
    raise StripeBusy("The invoice is taken in by others all the time.")


async def follow(database: Database, gateway: "StripeGateway", subject: Subject) -> str:
    """Take in whatever `subject` is about."""
    try:
        if subject.kind == "setup":
            return await saving.follow_setup(database, gateway, subject.id)
        if subject.kind in ("payment_method", "customer"):
            customer = subject.customer_id if subject.kind == "payment_method" else subject.id
            return await saving.follow_customer(database, gateway, customer)
        stripe_invoice_id = await _invoice_of(gateway, subject)
    except StripeRefused as refused:
        if refused.code != "resource_missing":
            raise
        return f"ignored: Stripe has no such {subject.kind.replace('_', ' ')}"
    if stripe_invoice_id is None:
        return "ignored: not about an invoice"
    return await follow_invoice(database, gateway, stripe_invoice_id)


async def _invoice_of(gateway: "StripeGateway", subject: Subject) -> str | None:
    """Stripe's id of the invoice that `subject` is about; asked for, not believed."""
    if subject.kind == "invoice":
        return subject.id
    if subject.kind == "credit_note":
        return (await gateway.retrieve_credit_note(subject.id)).invoice_id
    payment: str | None = subject.id
    if subject.kind == "charge":
        payment = (await gateway.retrieve_charge(subject.id)).payment_intent_id
    elif subject.kind == "refund":
        payment = (await gateway.retrieve_refund(subject.id)).payment_intent_id
    elif subject.kind == "dispute":
        payment = (await gateway.retrieve_dispute(subject.id)).payment_intent_id
    return None if payment is None else await gateway.find_invoice_of_payment(payment)


async def _ours(database: Database, gateway: "StripeGateway", stripe_invoice_id: str) -> UUID | None:
    """Our id of Stripe's invoice: by its id, else, when an outcome was lost, by ours that it carries."""
    async with database.transaction(SYSTEM) as tx:
        found = await tx.scalar(select(Invoice.id).where(Invoice.stripe_invoice_id == stripe_invoice_id))
    if found is not None:
        return found
    try:
        return UUID((await gateway.retrieve_invoice(stripe_invoice_id)).metadata.get("invoice_id", ""))
    except ValueError:
        return None
    except StripeRefused as refused:
        if refused.code != "resource_missing":
            raise
        return None
