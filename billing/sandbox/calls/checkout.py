"""Checkout in setup mode: a hosted page on which somebody saves a way to pay for later."""

from __future__ import annotations

from billing.sandbox.calls import payment_methods
from billing.sandbox.context import Context
from billing.sandbox.interface.listings import equals, page
from billing.sandbox.shapes import methods
from billing.sandbox.test_numbers import TestMethod
from billing.sandbox.wire import Object, Problem, random_text

_LIVES = 24 * 3600
_KINDS = ("card", "us_bank_account")


def create(context: Context, parameters: Object) -> Object:
    """`POST /v1/checkout/sessions`, in setup mode only."""
    if parameters.get("mode") != "setup":
        raise Problem(400, "The sandbox implements Checkout in setup mode only.", param="mode", began=False)
    for name in ("customer", "success_url"):
        if name not in parameters:
            raise Problem(400, f"Missing required param: {name}.", code="parameter_missing", param=name, began=False)
    kinds = parameters.get("allowed_payment_method_types")
    if kinds is None and "currency" not in parameters:
        raise Problem(400, "Missing required param: currency.", code="parameter_missing", param="currency", began=False)
    for position, kind in enumerate(kinds or []):
        if kind not in _KINDS:
            raise Problem(400, f"The sandbox takes no {kind}.", param=f"allowed_payment_method_types[{position}]", began=False)
    payer = context.require("customer", parameters["customer"], "customer", status=400)
    kinds = list(kinds or _KINDS)
    metadata = parameters.get("setup_intent_data", {}).get("metadata") or {}
    intent = context.store.add(methods.setup_intent(context.now, payer["id"], kinds, metadata), parent=payer["id"])
    context.emit("setup_intent.created", intent)
    made = methods.setup_session(context.now, parameters, kinds, intent["id"])
    token = random_text(40)
    made["url"] = context.addresses.setup_page(token)
    context.store.add(made, parent=payer["id"])
    context.store.add_page(token, made["id"])
    context.later(_LIVES, "setup_expires", made["id"])
    return made


def retrieve(context: Context, parameters: Object, session: str) -> Object:
    """`GET /v1/checkout/sessions/:id`"""
    return context.require("checkout.session", session)


def listing(context: Context, parameters: Object) -> Object:
    """`GET /v1/checkout/sessions`"""
    conditions = [equals(name, parameters[name]) for name in ("customer", "status") if name in parameters]
    return page(context, "checkout.session", "/v1/checkout/sessions", parameters, conditions)


def expire(context: Context, parameters: Object, session: str) -> Object:
    """`POST /v1/checkout/sessions/:id/expire`"""
    kept = context.require("checkout.session", session)
    if kept["status"] != "open":
        raise Problem(400, f'Only Checkout Sessions with a status in ["open"] can be expired; this one is {kept["status"]}.')
    expired = context.store.put({**kept, "status": "expired", "url": None})
    intent = context.require("setup_intent", kept["setup_intent"])
    canceled = context.store.put({**intent, "status": "canceled", "cancellation_reason": "abandoned"})
    context.emit("setup_intent.canceled", canceled)
    context.emit("checkout.session.expired", expired)
    return expired


def expire_by_time(context: Context, session: str) -> None:
    """A page that nobody used goes away after a day."""
    if context.require("checkout.session", session)["status"] == "open":
        expire(context, {}, session)


def complete(context: Context, session: Object, number: TestMethod) -> Object:
    """Save what was typed on the hosted page. Raises `Problem` when the bank will not have it saved."""
    if number.kind not in session["payment_method_types"]:
        raise Problem(400, "This cannot be saved here.")
    intent = context.require("setup_intent", session["setup_intent"])
    method = payment_methods.attach_to(context, payment_methods.from_test_number(context, number), session["customer"])
    done = context.store.put({**intent, "status": "succeeded", "payment_method": method["id"]})
    context.emit("setup_intent.succeeded", done)
    complete = context.store.put({**session, "status": "complete", "url": None})
    context.emit("checkout.session.completed", complete)
    return complete


def retrieve_intent(context: Context, parameters: Object, intent: str) -> Object:
    """`GET /v1/setup_intents/:id`"""
    return context.require("setup_intent", intent)


def list_intents(context: Context, parameters: Object) -> Object:
    """`GET /v1/setup_intents`"""
    conditions = [equals(name, parameters[name]) for name in ("customer", "payment_method") if name in parameters]
    return page(context, "setup_intent", "/v1/setup_intents", parameters, conditions)
