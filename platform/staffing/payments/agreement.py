"""Our invoice beside Stripe's: every difference as a sentence; none when all is well. Pure."""

from billing.money import Money
from billing.stripe.results import StripeInvoice
from staffing.invoicing.models import Invoice, InvoiceState
from staffing.payments.at_stripe import InvoiceAtStripe

_WITHDRAWN = {"void", "deleted"}


def money_differences(ours: Invoice, said: InvoiceAtStripe, credit_minor: int) -> tuple[str, ...]:
    """Where the money is not what our books expect: nothing may be booked then. `credit_minor`: the facility's, in our ledger."""
    theirs = said.invoice
    found = amount_differences(ours, theirs)
    used = said.credit_used_minor
    if not 0 <= used <= credit_minor:
        words = Money(used, theirs.currency), Money(credit_minor, ours.currency)
        found.append(f"Stripe took {words[0]} of the facility's credit for it, our ledger has {words[1]}. Nothing was booked.")
    paid, expected = said.received_minor + theirs.paid_off_stripe_minor, theirs.amount_due_minor
    if theirs.status == "paid" and (paid != expected or theirs.amount_paid_minor not in (paid, said.received_minor)):
        paid = paid if paid != expected else theirs.amount_paid_minor
        words = Money(paid, theirs.currency), Money(expected, ours.currency)
        found.append(f"Stripe took {words[0]}, we are owed {words[1]}. Nothing was booked.")
    currencies = {one.payment.currency for one in said.payments} - {ours.currency}
    if currencies:
        found.append(f"Stripe was paid in {', '.join(sorted(currencies))}, not in {ours.currency}. Nothing was booked.")
    return tuple(found)


def amount_differences(ours: Invoice, theirs: StripeInvoice) -> list[str]:
    """Where Stripe's invoice is not for the amount of ours."""
    owed, billed = Money(ours.total_minor, ours.currency), Money(theirs.total_minor, theirs.currency)
    found = []
    if owed != billed:
        found.append(f"Stripe's invoice is for {billed}, ours for {owed}. Nothing was booked.")
    if theirs.metadata.get("invoice_id") != str(ours.id):
        found.append("Stripe's invoice does not carry our invoice's id.")
    return found


def other_differences(ours: Invoice, said: InvoiceAtStripe) -> tuple[str, ...]:
    """What somebody should look at, with the amounts right."""
    theirs, found = said.invoice, []
    if ours.state == InvoiceState.VOID and said.kept_minor + theirs.paid_off_stripe_minor > 0:
        found.append("It was withdrawn here, and paid at Stripe all the same. Refund it: nothing of it is owed.")
    if theirs.number is not None and theirs.number != ours.number:
        found.append(f"Stripe's invoice has the number {theirs.number}, ours {ours.number}.")
    if theirs.status in _WITHDRAWN and ours.state != InvoiceState.VOID:
        found.append(f"At Stripe this invoice is {theirs.status}: it cannot be paid there.")
    if theirs.status == "uncollectible" and ours.state not in (InvoiceState.UNCOLLECTIBLE, InvoiceState.VOID):
        found.append("At Stripe this invoice is marked uncollectible, here it is not.")
    if ours.state == InvoiceState.PAID and theirs.status not in ("paid", *_WITHDRAWN):
        found.append(f"Our ledger says paid, Stripe says {theirs.status}.")
    return tuple(found)
