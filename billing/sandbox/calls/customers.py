"""Customers: made, read, changed, listed; and their credit."""

from __future__ import annotations

from billing.sandbox.context import Context
from billing.sandbox.interface.listings import equals, page
from billing.sandbox.shapes import corrections, invoicing
from billing.sandbox.wire import Object, Problem

_TEXTS = ("name", "email", "description", "phone")


def create(context: Context, parameters: Object) -> Object:
    """`POST /v1/customers`"""
    _refuse_bad_email(parameters)
    made = context.store.add(invoicing.customer(context.now, parameters))
    context.emit("customer.created", made)
    return made


def retrieve(context: Context, parameters: Object, customer: str) -> Object:
    """`GET /v1/customers/:id`"""
    return context.require("customer", customer)


def update(context: Context, parameters: Object, customer: str) -> Object:
    """`POST /v1/customers/:id`"""
    _refuse_bad_email(parameters)
    kept = context.require("customer", customer)
    changes: Object = {name: parameters[name] or None for name in _TEXTS if name in parameters}
    if "metadata" in parameters:
        changes["metadata"] = merged_metadata(kept["metadata"], parameters["metadata"])
    settings = parameters.get("invoice_settings", {})
    if "default_payment_method" in settings:
        changes["invoice_settings"] = {**kept["invoice_settings"], "default_payment_method": _default(context, kept, settings)}
    return context.change(kept, changes, "customer.updated")


def listing(context: Context, parameters: Object) -> Object:
    """`GET /v1/customers`"""
    conditions = [equals("email", parameters["email"])] if "email" in parameters else []
    return page(context, "customer", "/v1/customers", parameters, conditions)


def list_balance_transactions(context: Context, parameters: Object, customer: str) -> Object:
    """`GET /v1/customers/:id/balance_transactions`"""
    context.require("customer", customer)
    url = f"/v1/customers/{customer}/balance_transactions"
    conditions = [equals("customer", customer)]
    if "invoice" in parameters:
        conditions.append(equals("invoice", parameters["invoice"]))
    return page(context, "customer_balance_transaction", url, parameters, conditions)


def add_to_balance(context: Context, customer: str, amount: int, values: Object) -> str:
    """Change a customer's balance (negative: credit is given); the id of the movement."""
    kept = context.require("customer", customer)
    changed = context.change(kept, {"balance": kept["balance"] + amount, "currency": values["currency"]}, "customer.updated")
    made = corrections.customer_balance_transaction(context.now, changed, {**values, "amount": amount})
    context.store.add(made, parent=customer)
    return str(made["id"])


def merged_metadata(kept: Object, given: Object | str) -> Object:
    """Metadata after a change: keys are added, an empty value removes its key, an empty text removes all."""
    if isinstance(given, str):
        return {}
    return {key: value for key, value in {**kept, **given}.items() if value != ""}


def _default(context: Context, payer: Object, settings: Object) -> str | None:
    """The saved way to pay that was named, which must be this customer's."""
    wanted: str = settings["default_payment_method"]
    param = "invoice_settings[default_payment_method]"
    if not wanted:
        return None
    method = context.require("payment_method", wanted, param, status=400)
    if method["customer"] != payer["id"]:
        raise Problem(
            400,
            f"The customer does not have a payment method with the ID {wanted}. The payment method must be attached first.",
            code="resource_missing",
            param=param,
        )
    return wanted


def _refuse_bad_email(parameters: Object) -> None:
    email = parameters.get("email")
    if email and (email.count("@") != 1 or "." not in email.rpartition("@")[2] or " " in email):
        raise Problem(400, f"Invalid email address: {email}", code="email_invalid", param="email", began=False)
