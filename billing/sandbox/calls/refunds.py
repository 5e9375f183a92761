"""Refunds: money back for a charge, all or a part of it; at once to a card, after days to a bank account."""

from __future__ import annotations

from billing.sandbox.calls import balance, payment_methods
from billing.sandbox.context import Context
from billing.sandbox.interface.listings import equals, page
from billing.sandbox.shapes import corrections
from billing.sandbox.wire import Object, Problem

_DAY = 24 * 3600
_ARRIVES_AFTER = 5 * _DAY
_FAILS_AFTER = 2 * _DAY


def create(context: Context, parameters: Object) -> Object:
    """`POST /v1/refunds`"""
    return make(context, _charge(context, parameters), parameters)


def make(context: Context, charge: Object, values: Object) -> Object:
    """A refund for a charge; `values` has amount, reason and metadata where they are given."""
    left = charge["amount"] - charge["amount_refunded"]
    amount: int = values.get("amount", left)
    _refuse(context, charge, amount, left)
    made = corrections.refund(context.now, charge, amount, values)
    number = payment_methods.number_of(context.require("payment_method", charge["payment_method"]))
    if number.refunds == "pending":
        made.update(status="pending", pending_reason="processing")
        context.later(_ARRIVES_AFTER, "refund_arrives", made["id"])
    elif number.refunds == "failed":
        context.later(_FAILS_AFTER, "refund_fails", made["id"])
    card = charge["payment_method_details"]["type"] == "card"
    made["balance_transaction"] = balance.move(context, made, -amount, "refund" if card else "payment_refund", "refund")
    context.store.add(made, parent=charge["id"])
    refunded = charge["amount_refunded"] + amount
    changed = context.store.put({**charge, "amount_refunded": refunded, "refunded": refunded == charge["amount"]})
    context.emit("refund.created", made)
    context.emit("charge.refunded", changed)
    return made


def retrieve(context: Context, parameters: Object, refund: str) -> Object:
    """`GET /v1/refunds/:id`"""
    return context.require("refund", refund)


def listing(context: Context, parameters: Object) -> Object:
    """`GET /v1/refunds`"""
    conditions = [equals(name, parameters[name]) for name in ("charge", "payment_intent") if name in parameters]
    return page(context, "refund", "/v1/refunds", parameters, conditions)


def arrive(context: Context, refund: str) -> None:
    """A refund that was under way has arrived."""
    kept = context.require("refund", refund)
    if kept["status"] == "pending":
        arrived = context.change(kept, {"status": "succeeded", "pending_reason": None}, "refund.updated")
        context.emit("charge.refund.updated", arrived)


def fail(context: Context, refund: str, reason: str = "expired_or_canceled_card") -> None:
    """The bank sends a refund back: the money is ours again, and can be refunded in another way."""
    kept = context.require("refund", refund)
    if kept["status"] not in ("pending", "succeeded"):
        raise Problem(400, f"A refund that is {kept['status']} cannot fail any more.")
    back = balance.move(context, kept, kept["amount"], "refund_failure", "refund_failure")
    failed = {**kept, "status": "failed", "failure_reason": reason, "failure_balance_transaction": back, "pending_reason": None}
    context.store.put(failed)
    charge = context.require("charge", kept["charge"])
    context.store.put({**charge, "amount_refunded": charge["amount_refunded"] - kept["amount"], "refunded": False})
    context.emit("refund.failed", failed)
    context.emit("charge.refund.updated", failed)


def _charge(context: Context, parameters: Object) -> Object:
    """The charge that is meant."""
    if ("charge" in parameters) == ("payment_intent" in parameters):
        raise Problem(
            400, "One of the following params should be provided for this request: payment_intent or charge.", began=False
        )
    if "charge" in parameters:
        return context.require("charge", parameters["charge"], "charge", status=400)
    intent = context.require("payment_intent", parameters["payment_intent"], "payment_intent", status=400)
    if intent["latest_charge"] is None or intent["status"] not in ("succeeded", "processing"):
        raise Problem(400, f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.")
    return context.require("charge", intent["latest_charge"])


def _refuse(context: Context, charge: Object, amount: int, left: int) -> None:
    if charge["status"] != "succeeded":
        raise Problem(400, f"Charge {charge['id']} is {charge['status']} and cannot be refunded.", code="charge_not_refundable")
    taken = [one for one in context.store.children("dispute", charge["id"]) if not one["is_charge_refundable"]]
    if any(one["status"] != "won" for one in taken):
        raise Problem(400, f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
    if left == 0:
        raise Problem(400, f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if amount > left:
        raise Problem(400, f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", param="amount")
    if amount < 1:
        raise Problem(400, "Invalid positive integer", code="parameter_invalid_integer", param="amount", began=False)
