"""Stripe's side of the comparison, read from its lists."""

from typing import TYPE_CHECKING

from billing.stripe.results import StripeCharge
from staffing.payments.models import PaymentState, RefundState
from staffing.payments.our_books import held_back_minor
from staffing.payments.reconciliation import Fact

if TYPE_CHECKING:
    from billing.stripe.gateway import StripeGateway

_CHARGES = {"succeeded": PaymentState.SUCCEEDED, "pending": PaymentState.PROCESSING, "failed": PaymentState.FAILED}
_REFUNDS = {
    "pending": RefundState.PENDING,
    "requires_action": RefundState.PENDING,
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "canceled": RefundState.FAILED,
}


async def read(gateway: "StripeGateway") -> dict[str, list[Fact]]:
    """Everything in six lists, all pages of each. Raises the `StripeFailure` of a call."""
    customers = await gateway.list_customers()
    invoices = await gateway.list_invoices()
    charges = await gateway.list_charges()
    return {
        "customer": [Fact(one.id, one.id, "there", one.balance_minor, "") for one in customers if "facility_id" in one.metadata],
        "invoice": [
            Fact(
                one.id,
                one.number or one.id,
                one.status,
                one.total_minor,
                one.currency,
                {"amount paid": one.amount_paid_minor},
            )
            for one in invoices
            if one.status != "draft"
        ],
        "payment": _payments(charges),
        "refund": [
            Fact(one.id, one.id, _REFUNDS.get(one.status, RefundState.PENDING).value, one.amount_minor, one.currency)
            for one in await gateway.list_refunds()
        ],
        "credit_note": [
            Fact(one.id, one.number, one.status, one.total_minor, one.currency)
            for one in await gateway.list_credit_notes()
            if one.status == "issued"
        ],
        "dispute": [
            Fact(
                one.id,
                one.id,
                one.status,
                one.amount_minor,
                one.currency,
                {"amount held back": held_back_minor(one.status, one.amount_minor)},
            )
            for one in await gateway.list_disputes()
        ],
    }


def _payments(charges: tuple[StripeCharge, ...]) -> list[Fact]:
    """Per demand for money its last attempt; the list has the newest first."""
    last: dict[str, StripeCharge] = {}
    for charge in charges:
        if charge.payment_intent_id:
            last.setdefault(charge.payment_intent_id, charge)
    return [
        Fact(
            intent,
            intent,
            _CHARGES[charge.status].value,
            charge.amount_minor,
            charge.currency,
            {"amount booked": charge.amount_minor if charge.status == "succeeded" else 0},
        )
        for intent, charge in last.items()
    ]
