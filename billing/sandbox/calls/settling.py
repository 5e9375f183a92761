"""How a final invoice ends: paid, void or given up; and the payment intent that waits for it."""

from __future__ import annotations

from billing.sandbox.calls.customers import add_to_balance
from billing.sandbox.context import Context
from billing.sandbox.wire import Object, Problem


def settle(context: Context, final: Object, *, paid_minor: int = 0, out_of_band: bool = False) -> Object:
    """Nothing remains of the invoice: `paid_minor` were paid through Stripe now, or all of it elsewhere."""
    moments = {**final["status_transitions"], "paid_at": context.now}
    remaining = final["amount_remaining"]
    paid = {
        **final,
        "status": "paid",
        "amount_paid": final["amount_paid"] + (remaining if out_of_band else paid_minor),
        "amount_remaining": 0,
        "attempted": final["attempted"] or not out_of_band,
        "auto_advance": False,
        "next_payment_attempt": None,
        "status_transitions": moments,
    }
    if out_of_band:
        paid["amount_paid_off_stripe"] = remaining
    context.store.put(paid)
    context.emit("invoice.paid", paid)
    context.emit("invoice.payment_succeeded", paid)
    return paid


def void(context: Context, parameters: Object, invoice: str) -> Object:
    """`POST /v1/invoices/:id/void`: credit of the customer's that the invoice had used comes back."""
    kept = context.require("invoice", invoice)
    if kept["status"] not in ("open", "uncollectible"):
        raise Problem(400, f"You can only void open or uncollectible invoices; this one is {kept['status']}.")
    refuse_processing(context, invoice, "voided")
    moments = {**kept["status_transitions"], "voided_at": context.now}
    voided = context.store.put({**kept, "status": "void", "auto_advance": False, "status_transitions": moments})
    cancel_intent(context, invoice, "void_invoice")
    used = kept["ending_balance"] - kept["starting_balance"]
    if used:
        values = {"type": "unapplied_from_invoice", "invoice": invoice, "currency": kept["currency"]}
        add_to_balance(context, kept["customer"], -used, values)
    context.emit("invoice.voided", voided)
    return voided


def mark_uncollectible(context: Context, parameters: Object, invoice: str) -> Object:
    """`POST /v1/invoices/:id/mark_uncollectible`"""
    kept = context.require("invoice", invoice)
    if kept["status"] != "open":
        raise Problem(400, f"You can only mark open invoices as uncollectible; this one is {kept['status']}.")
    moments = {**kept["status_transitions"], "marked_uncollectible_at": context.now}
    marked = context.store.put({**kept, "status": "uncollectible", "status_transitions": moments})
    context.emit("invoice.marked_uncollectible", marked)
    return marked


def open_intent(context: Context, invoice: str) -> Object | None:
    """The payment intent that the invoice waits for."""
    intents = context.store.children("payment_intent", invoice)
    return next((intent for intent in reversed(intents) if intent["status"] not in ("canceled", "succeeded")), None)


def cancel_intent(context: Context, invoice: str, reason: str) -> None:
    """Nobody can pay the invoice through Stripe any more."""
    intent = open_intent(context, invoice)
    if intent is None:
        return
    canceled = {"status": "canceled", "canceled_at": context.now, "cancellation_reason": reason}
    context.emit("payment_intent.canceled", context.store.put({**intent, **canceled}))
    for tie in context.store.children("invoice_payment", invoice):
        if tie["status"] == "open":
            moments = {**tie["status_transitions"], "canceled_at": context.now}
            context.store.put({**tie, "status": "canceled", "status_transitions": moments})


def refuse_processing(context: Context, invoice: str, what: str) -> None:
    """Raise `Problem` while a bank debit for the invoice is under way."""
    intent = open_intent(context, invoice)
    if intent is not None and intent["status"] == "processing":
        raise Problem(
            400,
            f"This invoice cannot be {what} while a payment for it is processing.",
            code="payment_intent_unexpected_state",
        )
