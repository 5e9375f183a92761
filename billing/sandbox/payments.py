"""Paying an invoice: Stripe's published test cards decide how it ends. Card numbers are looked at and never kept."""

from __future__ import annotations

from dataclasses import dataclass

from billing.sandbox import invoices, payment_objects
from billing.sandbox.context import Context
from billing.sandbox.listings import equals, page
from billing.sandbox.wire import Object, Problem


@dataclass(frozen=True, slots=True)
class TestCard:
    """How a payment with one of the test cards ends; `decline_code` is empty when it succeeds."""

    brand: str
    last4: str
    code: str = ""
    decline_code: str = ""
    message: str = ""


_VISA = TestCard("visa", "4242")
_DECLINED = TestCard("visa", "0002", "card_declined", "generic_decline", "Your card was declined.")
CARDS = {
    "4242424242424242": _VISA,
    "5555555555554444": TestCard("mastercard", "4444"),
    "378282246310005": TestCard("amex", "0005"),
    "4000000000000002": _DECLINED,
    "4000000000009995": TestCard("visa", "9995", "card_declined", "insufficient_funds", "Your card has insufficient funds."),
    "4000000000000069": TestCard("visa", "0069", "expired_card", "expired_card", "Your card has expired."),
    "4000000000000127": TestCard("visa", "0127", "incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect."),
}
"""Stripe's published test card numbers that the sandbox knows."""

_METHODS = {"pm_card_visa": _VISA, "pm_card_chargeDeclined": _DECLINED}


class Declined(Exception):
    """The card said no. What was tried is kept; `charge` is the failed charge."""

    def __init__(self, card: TestCard, charge: Object) -> None:
        super().__init__(card.message)
        self.card = card
        self.charge = charge

    def as_problem(self) -> Problem:
        """The answer that the interface gives."""
        return Problem(
            402,
            self.card.message,
            type="card_error",
            code=self.card.code,
            decline_code=self.card.decline_code,
            extra={"charge": self.charge["id"]},
        )


def pay(context: Context, parameters: Object, invoice: str) -> Object:
    """`POST /v1/invoices/:id/pay`, with a test payment method or out of band."""
    kept = context.require("invoice", invoice)
    require_open(kept)
    if parameters.get("paid_out_of_band"):
        for intent in context.store.children("payment_intent", invoice):
            context.store.put({**intent, "status": "canceled", "canceled_at": context.now})
        return invoices.settle(context, kept, out_of_band=True)
    card = _METHODS.get(parameters.get("payment_method", ""))
    if card is None:
        raise Problem(
            400,
            "There is no default payment method set on this customer, and no test payment method was given"
            f" ({', '.join(_METHODS)}).",
            param="payment_method",
        )
    return charge_card(context, kept, card)


def require_open(kept: Object) -> None:
    """Only an open invoice can be paid."""
    if kept["status"] == "paid":
        raise Problem(400, "Invoice is already paid", code="invoice_already_paid")
    if kept["status"] != "open":
        raise Problem(400, f"An invoice that is {kept['status']} cannot be paid.", code="invoice_not_payable")


def charge_card(context: Context, kept: Object, card: TestCard) -> Object:
    """Charge `card` for what is due: the paid invoice, or `Declined` once the attempt is kept."""
    (intent,) = context.store.children("payment_intent", kept["id"])
    made = payment_objects.charge(context.now, intent, {"brand": card.brand, "last4": card.last4})
    kept = {**kept, "attempted": True, "attempt_count": kept["attempt_count"] + 1}
    if card.decline_code:
        raise Declined(card, _failed(context, kept, intent, made, card))
    made["receipt_url"] = f"{kept['hosted_invoice_url']}/receipt"
    context.store.add(made, parent=intent["id"])
    paid_intent = context.store.put(
        {
            **intent,
            "status": "succeeded",
            "amount_received": intent["amount"],
            "latest_charge": made["id"],
            "payment_method": made["payment_method"],
            "last_payment_error": None,
        }
    )
    context.emit("charge.succeeded", made)
    context.emit("payment_intent.succeeded", paid_intent)
    (tie,) = context.store.children("invoice_payment", kept["id"])
    moments = {**tie["status_transitions"], "paid_at": context.now}
    tie = context.store.put({**tie, "status": "paid", "amount_paid": intent["amount"], "status_transitions": moments})
    context.emit("invoice_payment.paid", tie)
    return invoices.settle(context, kept)


def _failed(context: Context, kept: Object, intent: Object, made: Object, card: TestCard) -> Object:
    """Keep a failed attempt and tell about it."""
    made.update(
        amount_captured=0,
        captured=False,
        paid=False,
        status="failed",
        failure_code=card.code,
        failure_message=card.message,
    )
    made["outcome"].update(
        network_status="declined_by_network",
        reason=card.decline_code,
        seller_message="The bank declined the payment.",
        type="issuer_declined",
    )
    context.store.add(made, parent=intent["id"])
    error = {
        "type": "card_error",
        "code": card.code,
        "decline_code": card.decline_code,
        "message": card.message,
        "charge": made["id"],
    }
    failed_intent = context.store.put({**intent, "last_payment_error": error, "latest_charge": made["id"]})
    context.store.put(kept)
    context.emit("charge.failed", made)
    context.emit("payment_intent.payment_failed", failed_intent)
    context.emit("invoice.payment_failed", kept)
    return made


def retrieve_intent(context: Context, parameters: Object, intent: str) -> Object:
    """`GET /v1/payment_intents/:id`"""
    return context.require("payment_intent", intent)


def list_intents(context: Context, parameters: Object) -> Object:
    """`GET /v1/payment_intents`"""
    conditions = [equals("customer", parameters["customer"])] if "customer" in parameters else []
    return page(context, "payment_intent", "/v1/payment_intents", parameters, conditions)


def retrieve_charge(context: Context, parameters: Object, charge: str) -> Object:
    """`GET /v1/charges/:id`"""
    return context.require("charge", charge)


def list_charges(context: Context, parameters: Object) -> Object:
    """`GET /v1/charges`"""
    names = ("customer", "payment_intent")
    conditions = [equals(name, parameters[name]) for name in names if name in parameters]
    return page(context, "charge", "/v1/charges", parameters, conditions)


def list_invoice_payments(context: Context, parameters: Object) -> Object:
    """`GET /v1/invoice_payments`"""
    names = ("invoice", "status")
    conditions = [equals(name, parameters[name]) for name in names if name in parameters]
    return page(context, "invoice_payment", "/v1/invoice_payments", parameters, conditions)
