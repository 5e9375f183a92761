"""Paying an invoice: Stripe's published test numbers decide how it ends. Card and account numbers are never kept.

A card answers at once. A US bank debit is under way for four business days, then it succeeds or comes back.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from billing.sandbox.calls import balance, disputes, payment_methods, settling
from billing.sandbox.context import Context
from billing.sandbox.interface.listings import equals, page
from billing.sandbox.shapes import payments as shapes
from billing.sandbox.test_numbers import TestMethod
from billing.sandbox.wire import Object, Problem

_BUSINESS_DAYS = 4
_FRIDAY = 4
_AUTHENTICATION = TestMethod(
    "card", "", "", "", "authentication_required", "authentication_required", "Your card was declined. It needs authentication."
)


class Declined(Exception):
    """The card said no. What was tried is kept; `charge` is the failed charge, `number` says why."""

    def __init__(self, number: TestMethod, charge: Object) -> None:
        super().__init__(number.message)
        self.number = number
        self.charge = charge

    def as_problem(self) -> Problem:
        """The answer that the interface gives."""
        return Problem(
            402,
            self.number.message,
            type="card_error",
            code=self.number.code,
            decline_code=self.number.decline_code,
            extra={"charge": self.charge["id"]},
        )


def pay(context: Context, parameters: Object, invoice: str) -> Object:
    """`POST /v1/invoices/:id/pay`, with a saved or a test payment method, or out of band."""
    kept = context.require("invoice", invoice)
    require_payable(kept)
    settling.refuse_processing(context, invoice, "paid")
    if parameters.get("paid_out_of_band"):
        settling.cancel_intent(context, invoice, "automatic")
        return settling.settle(context, kept, out_of_band=True)
    method = payment_methods.to_charge(context, kept, parameters.get("payment_method"))
    return charge(context, kept, method, alone=parameters.get("off_session", True))


def collect(context: Context, invoice: str) -> None:
    """Stripe charges an invoice that advances by itself; a failure waits for somebody to act."""
    kept = context.require("invoice", invoice)
    kept = context.store.put({**kept, "next_payment_attempt": None})
    if kept["status"] != "open" or not kept["auto_advance"]:
        return
    try:
        with context.store.undone_by(Problem):
            charge(context, kept, payment_methods.to_charge(context, kept, None), alone=True)
    except (Declined, Problem):
        return


def require_payable(kept: Object) -> None:
    """Only an open invoice, or one that was given up, can be paid."""
    if kept["status"] == "paid":
        raise Problem(400, "Invoice is already paid", code="invoice_already_paid")
    if kept["status"] not in ("open", "uncollectible"):
        raise Problem(400, f"An invoice that is {kept['status']} cannot be paid.", code="invoice_not_payable")


def charge(context: Context, kept: Object, method: Object, *, alone: bool) -> Object:
    """Charge `method` for what remains: the invoice afterwards, or `Declined` once the attempt is kept.

    `alone`: nobody is there who could confirm it to the bank.
    """
    intent = settling.open_intent(context, kept["id"])
    if intent is None:
        raise Problem(400, "This invoice has nothing left to pay.", code="invoice_not_payable")
    if method["type"] not in intent["payment_method_types"]:
        raise Problem(400, f"This invoice does not take {method['type']}.", param="payment_method")
    number = payment_methods.number_of(method)
    made = shapes.charge(context.now, intent, method)
    kept = {**kept, "attempted": True, "attempt_count": kept["attempt_count"] + 1}
    if number.kind == "us_bank_account":
        return _debit(context, kept, intent, made)
    if number.code or (alone and not number.alone):
        why = number if number.code else _AUTHENTICATION
        context.store.add(made, parent=intent["id"])
        raise Declined(why, _failed(context, kept, intent, made, why))
    context.store.add(made, parent=intent["id"])
    return _succeeded(context, kept, intent, made)


def settle_debit(context: Context, intent_id: str) -> None:
    """The bank answers about a debit: it succeeded, or it comes back."""
    intent = context.require("payment_intent", intent_id)
    (made,) = [one for one in context.store.children("charge", intent_id) if one["status"] == "pending"]
    (tie,) = context.store.search("invoice_payment", [equals("payment.payment_intent", intent_id)], newest_first=True, limit=1)
    kept = context.require("invoice", tie["invoice"])
    number = payment_methods.number_of(context.require("payment_method", made["payment_method"]))
    if number.code:
        _failed(context, kept, intent, made, number)
    else:
        _succeeded(context, kept, intent, {**made, "paid": True, "status": "succeeded"})


def _debit(context: Context, kept: Object, intent: Object, made: Object) -> Object:
    """A bank debit sets out."""
    made.update(paid=False, status="pending")
    made["outcome"].update(seller_message="The bank has not answered yet.")
    context.store.add(made, parent=intent["id"])
    under_way = context.store.put(
        {
            **intent,
            "status": "processing",
            "latest_charge": made["id"],
            "payment_method": made["payment_method"],
            "last_payment_error": None,
        }
    )
    kept = context.store.put(kept)
    context.emit("charge.pending", made)
    context.emit("payment_intent.processing", under_way)
    if payment_methods.number_of(context.require("payment_method", made["payment_method"])).settles:
        context.later(_seconds_of_business_days(context.now, _BUSINESS_DAYS), "debit", intent["id"])
    return kept


def _succeeded(context: Context, kept: Object, intent: Object, made: Object) -> Object:
    """Money came in: the invoice is paid."""
    card = made["payment_method_details"]["type"] == "card"
    made["balance_transaction"] = balance.move(
        context, made, made["amount"], "charge" if card else "payment", "charge", balance.fee_for(made)
    )
    made["receipt_url"] = f"{kept['hosted_invoice_url']}/receipt"
    made["outcome"].update(seller_message="Payment complete.")
    made = context.store.put(made)
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
    (tie,) = [tie for tie in context.store.children("invoice_payment", kept["id"]) if tie["status"] == "open"]
    moments = {**tie["status_transitions"], "paid_at": context.now}
    tie = context.store.put({**tie, "status": "paid", "amount_paid": intent["amount"], "status_transitions": moments})
    context.emit("invoice_payment.paid", tie)
    settled = settling.settle(context, kept, paid_minor=intent["amount"])
    disputes.begin_by_number(context, made)
    return settled


def _failed(context: Context, kept: Object, intent: Object, made: Object, number: TestMethod) -> Object:
    """Keep a failed attempt and tell about it."""
    made.update(
        amount_captured=0,
        captured=False,
        paid=False,
        status="failed",
        failure_code=number.code,
        failure_message=number.message,
    )
    made["outcome"].update(
        network_status="declined_by_network",
        reason=number.decline_code or number.code,
        seller_message="The bank declined the payment.",
        type="issuer_declined",
    )
    context.store.put(made)
    error = {
        "type": "card_error" if number.kind == "card" else "invalid_request_error",
        "code": number.code,
        "decline_code": number.decline_code or None,
        "message": number.message,
        "charge": made["id"],
    }
    again = {
        "status": "requires_payment_method",
        "last_payment_error": error,
        "latest_charge": made["id"],
        "payment_method": None,
    }
    failed_intent = context.store.put({**intent, **again})
    context.store.put(kept)
    context.emit("charge.failed", made)
    context.emit("payment_intent.payment_failed", failed_intent)
    context.emit("invoice.payment_failed", kept)
    return made


def _seconds_of_business_days(now: int, days: int) -> int:
    """How long `days` business days are from now on; banks' holidays are left out of account."""
    moment = start = datetime.fromtimestamp(now, UTC)
    while days:
        moment += timedelta(days=1)
        days -= moment.weekday() <= _FRIDAY
    return int((moment - start).total_seconds())


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
    wanted = parameters.get("payment", {})
    if "payment_intent" in wanted:
        conditions.append(equals("payment.payment_intent", wanted["payment_intent"]))
    return page(context, "invoice_payment", "/v1/invoice_payments", parameters, conditions)
