"""Our invoice beside Stripe's: every difference as a sentence; none when all is well. Pure."""

from billing.money import Money
from billing.stripe_results import StripeInvoice
from staffing.invoicing.models import Invoice, InvoiceState

_SETTLED = {"paid"}
_WITHDRAWN = {"void", "uncollectible", "deleted"}


def differences(ours: Invoice, theirs: StripeInvoice) -> tuple[str, ...]:
    """What Stripe holds otherwise than our books, each with what follows from it."""
    found = []
    owed, billed = Money(ours.total_minor, ours.currency), Money(theirs.total_minor, theirs.currency)
    if owed != billed:
        found.append(f"Stripe's invoice is for {billed}, ours for {owed}. Nothing was booked.")
    paid = Money(theirs.amount_paid_minor, theirs.currency)
    if theirs.status in _SETTLED and paid != owed:
        found.append(f"Stripe took {paid}, we are owed {owed}. Nothing was booked.")
    if theirs.metadata.get("invoice_id") != str(ours.id):
        found.append("Stripe's invoice does not carry our invoice's id.")
    if theirs.number is not None and theirs.number != ours.number:
        found.append(f"Stripe's invoice has the number {theirs.number}, ours {ours.number}.")
    if theirs.status in _WITHDRAWN:
        found.append(f"At Stripe this invoice is {theirs.status}: it cannot be paid there.")
    if ours.state == InvoiceState.PAID and theirs.status not in _SETTLED:
        found.append(f"Our ledger says paid, Stripe says {theirs.status}.")
    return tuple(found)
