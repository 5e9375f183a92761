"""Saved ways to pay: made from a test number, attached to a customer, detached for good."""

from __future__ import annotations

from billing.sandbox.context import Context
from billing.sandbox.interface.listings import equals, page
from billing.sandbox.shapes import methods
from billing.sandbox.test_numbers import BY_TOKEN, TestMethod, behind
from billing.sandbox.wire import Object, Problem


def retrieve(context: Context, parameters: Object, method: str) -> Object:
    """`GET /v1/payment_methods/:id`"""
    return context.require("payment_method", method)


def attach(context: Context, parameters: Object, method: str) -> Object:
    """`POST /v1/payment_methods/:id/attach`; a test id such as `pm_card_visa` makes a new one."""
    if "customer" not in parameters:
        raise Problem(400, "Must provide customer.", code="parameter_missing", param="customer", began=False)
    kept = from_test_number(context, BY_TOKEN[method]) if method in BY_TOKEN else context.require("payment_method", method)
    return attach_to(context, kept, parameters["customer"])


def detach(context: Context, parameters: Object, method: str) -> Object:
    """`POST /v1/payment_methods/:id/detach`: it is nobody's default any more."""
    kept = context.require("payment_method", method)
    if kept["customer"] is None:
        raise Problem(400, "The payment method you provided is not attached to a customer so detachment is impossible.")
    payer = context.require("customer", kept["customer"])
    if payer["invoice_settings"]["default_payment_method"] == method:
        settings = {**payer["invoice_settings"], "default_payment_method": None}
        context.change(payer, {"invoice_settings": settings}, "customer.updated")
    context.store.set_setting(f"detached:{method}", "1")
    return context.change(kept, {"customer": None}, "payment_method.detached")


def list_of_customer(context: Context, parameters: Object, customer: str) -> Object:
    """`GET /v1/customers/:id/payment_methods`"""
    context.require("customer", customer)
    return _listing(context, {**parameters, "customer": customer}, f"/v1/customers/{customer}/payment_methods")


def listing(context: Context, parameters: Object) -> Object:
    """`GET /v1/payment_methods`"""
    return _listing(context, parameters, "/v1/payment_methods")


def from_test_number(context: Context, number: TestMethod) -> Object:
    """A new payment method behind one of Stripe's test numbers."""
    return context.store.add(methods.payment_method(context.now, number))


def attach_to(context: Context, kept: Object, customer: str) -> Object:
    """Save a payment method for a customer; raises `Problem` for a card that the bank will not have saved."""
    payer = context.require("customer", customer, "customer", status=400)
    detached = context.store.execute("select 1 from settings where name = ?", (f"detached:{kept['id']}",)).fetchone()
    if detached or kept["customer"] not in (None, customer):
        raise Problem(
            400, "This PaymentMethod was detached from a customer, or is another customer's, and may not be used again."
        )  # fmt: skip
    number = number_of(kept)
    if not number.attaches:
        if number.kind == "card":
            raise Problem(402, number.message, type="card_error", code=number.code, decline_code=number.decline_code)
        raise Problem(400, "The bank account could not be verified.", code="payment_method_microdeposit_failed")
    return context.change(kept, {"customer": payer["id"]}, "payment_method.attached")


def to_charge(context: Context, invoice: Object, wanted: str | None) -> Object:
    """The way to pay for an invoice: the one named, else the invoice's default, else the customer's."""
    payer = context.require("customer", invoice["customer"])
    chosen = wanted or invoice["default_payment_method"] or payer["invoice_settings"]["default_payment_method"]
    if chosen is None:
        raise Problem(
            400,
            "There is no `default_payment_method` set on this Customer or Invoice. Please provide a PaymentMethod or attach one.",
            param="payment_method",
        )
    if chosen in BY_TOKEN:
        return from_test_number(context, BY_TOKEN[chosen])
    kept = context.require("payment_method", chosen, "payment_method", status=400)
    if kept["customer"] != payer["id"]:
        raise Problem(400, "The payment method does not belong to the customer of this invoice.", param="payment_method")
    return kept


def number_of(kept: Object) -> TestMethod:
    """The test number behind a payment method."""
    return behind(kept["type"], kept[kept["type"]]["last4"])


def _listing(context: Context, parameters: Object, url: str) -> Object:
    conditions = [equals(name, parameters[name]) for name in ("customer", "type") if name in parameters]
    return page(context, "payment_method", url, parameters, conditions)
