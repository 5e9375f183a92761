"""An invoice as Stripe holds it now, with everything that happened to its money: read in one go, from nothing else.

What a webhook or a redirect says is never used: this is fetched afresh, so the order in which messages come does not matter.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from billing.stripe.failures import StripeBusy, StripeRefused
from billing.stripe.results import (
    StripeBalanceTransaction,
    StripeCharge,
    StripeCreditNote,
    StripeDispute,
    StripeInvoice,
    StripePayment,
    StripeRefund,
)

if TYPE_CHECKING:
    from billing.stripe.gateway import StripeGateway

_READINGS = 4
_CAME_BACK = ("failed", "canceled")
_KEPT = ("won", "warning_needs_response", "warning_under_review", "warning_closed", "prevented")


@dataclass(frozen=True, slots=True)
class PaymentAtStripe:
    """A demand for money, the last attempt at it, and what was given or taken back of it."""

    payment: StripePayment
    charge: StripeCharge | None
    refunds: tuple[StripeRefund, ...] = ()
    disputes: tuple[StripeDispute, ...] = ()

    @property
    def succeeded(self) -> bool:
        return self.payment.status == "succeeded"

    @property
    def movements(self) -> tuple[StripeBalanceTransaction, ...]:
        """What the payment and its disputes did to our balance at Stripe."""
        of_charge = self.charge.movements if self.charge else ()
        return (*of_charge, *(one for dispute in self.disputes for one in dispute.movements))

    @property
    def tried(self) -> bool:
        """Whether anybody has tried to pay: until then there is only a demand."""
        return self.charge is not None or self.payment.status in ("processing", "succeeded")


@dataclass(frozen=True, slots=True)
class InvoiceAtStripe:
    """One invoice and its money."""

    invoice: StripeInvoice
    payments: tuple[PaymentAtStripe, ...] = ()
    credit_notes: tuple[StripeCreditNote, ...] = ()

    @property
    def credit_used_minor(self) -> int:
        """How much of the customer's credit paid for it. Negative: Stripe asked for more than the invoice."""
        invoice = self.invoice
        return invoice.total_minor - invoice.amount_due_minor - invoice.credited_before_payment_minor

    @property
    def received_minor(self) -> int:
        """What payments through Stripe brought."""
        return sum(one.payment.received_minor for one in self.payments if one.succeeded)

    @property
    def kept_minor(self) -> int:
        """What of it neither was sent back nor is being taken back by a bank."""
        refunds = sum(refund.amount_minor for one in self.payments for refund in one.refunds if refund.status not in _CAME_BACK)
        disputes = sum(dispute.amount_minor for one in self.payments for dispute in one.disputes if dispute.status not in _KEPT)
        return self.received_minor - refunds - disputes


async def fetch(gateway: "StripeGateway", stripe_invoice_id: str) -> InvoiceAtStripe | None:
    """The invoice as it is now; None when Stripe has none of this id.

    Read again when it changed between the first and the last answer, so that all parts are of one moment.
    """
    before = await _invoice(gateway, stripe_invoice_id)
    for _ in range(_READINGS):
        if before is None or before.status == "draft":
            return None if before is None else InvoiceAtStripe(before)
        ties = await gateway.list_payments_of_invoice(stripe_invoice_id)
        payments = [await _payment(gateway, tie.payment_intent_id) for tie in ties if tie.payment_intent_id]
        credited = before.credited_before_payment_minor or before.credited_after_payment_minor
        notes = await gateway.list_credit_notes(invoice_id=stripe_invoice_id) if credited else ()
        after = await _invoice(gateway, stripe_invoice_id)
        if after == before:
            return InvoiceAtStripe(before, tuple(sorted(payments, key=lambda one: one.payment.id)), notes)
        before = after
    raise StripeBusy("The invoice changes at Stripe faster than it can be read.")


async def _invoice(gateway: "StripeGateway", stripe_invoice_id: str) -> StripeInvoice | None:
    try:
        return await gateway.retrieve_invoice(stripe_invoice_id)
    except StripeRefused as refused:
        if refused.code != "resource_missing":
            raise
        return None


async def _payment(gateway: "StripeGateway", payment_intent_id: str) -> PaymentAtStripe:
    payment = await gateway.retrieve_payment(payment_intent_id)
    charge = await gateway.retrieve_charge(payment.latest_charge_id) if payment.latest_charge_id else None
    if charge is None or charge.status != "succeeded":
        return PaymentAtStripe(payment, charge)
    refunds = await gateway.list_refunds(payment_intent_id=payment_intent_id)
    disputes = await gateway.list_disputes(payment_intent_id=payment_intent_id) if charge.disputed else ()
    return PaymentAtStripe(payment, charge, refunds, disputes)
