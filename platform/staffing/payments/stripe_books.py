"""Stripe's side of the comparison, read from its lists."""

from typing import TYPE_CHECKING

from billing.stripe.results import StripeBalance, StripeBalanceTransaction, StripeCharge
from staffing.payments.models import PaymentState, RefundState
from staffing.payments.our_books import held_back_minor
from staffing.payments.reconciliation import BALANCE, Fact

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
_OF_THE_ACCOUNT = frozenset({"payout", "payout_reversal", "topup", "topup_reversal", "fee", "network_cost", "tax"})
"""Reporting categories of money between the agency and Stripe themselves: what is paid out, and what Stripe asks for its services
beside its fee of each payment. Accounting has those from its bank and from Stripe's bills.
"""


async def read(gateway: "StripeGateway") -> dict[str, list[Fact]]:
    """Everything in seven lists, all pages of each, and the balance. Raises the `StripeFailure` of a call."""
    customers = await gateway.list_customers()
    invoices = await gateway.list_invoices()
    charges = await gateway.list_charges()
    movements = await gateway.list_balance_transactions()
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
        "fee": [Fact(one.id, one.id, "kept", one.fee_minor, one.currency) for one in movements if one.fee_minor],
        "balance": _balance(await gateway.retrieve_balance(), movements),
    }


def _balance(now: StripeBalance, movements: tuple[StripeBalanceTransaction, ...]) -> list[Fact]:
    """Per currency what Stripe holds of payments by its own account of it, as if nothing had been paid out."""
    held: dict[str, int] = {}
    for part in (now.available_minor, now.pending_minor):
        for currency, amount in part.items():
            held[currency] = held.get(currency, 0) + amount
    for one in movements:
        if one.category in _OF_THE_ACCOUNT:
            held[one.currency] = held.get(one.currency, 0) - one.net_minor
    return [Fact(currency, BALANCE, "held", amount, currency) for currency, amount in held.items() if amount]


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
