"""Customers: made, read, changed, listed."""

from __future__ import annotations

from billing.sandbox import objects
from billing.sandbox.context import Context
from billing.sandbox.listings import equals, page
from billing.sandbox.wire import Object, Problem

_TEXTS = ("name", "email", "description", "phone")


def create(context: Context, parameters: Object) -> Object:
    """`POST /v1/customers`"""
    _refuse_bad_email(parameters)
    made = context.store.add(objects.customer(context.now, parameters))
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
    return change(context, kept, changes, "customer.updated")


def listing(context: Context, parameters: Object) -> Object:
    """`GET /v1/customers`"""
    conditions = [equals("email", parameters["email"])] if "email" in parameters else []
    return page(context, "customer", "/v1/customers", parameters, conditions)


def merged_metadata(kept: Object, given: Object | str) -> Object:
    """Metadata after a change: keys are added, an empty value removes its key, an empty text removes all."""
    if isinstance(given, str):
        return {}
    return {key: value for key, value in {**kept, **given}.items() if value != ""}


def change(context: Context, kept: Object, changes: Object, event_type: str) -> Object:
    """Keep `changes` to an object and tell about it, with the values before."""
    previous = {name: kept[name] for name, value in changes.items() if kept[name] != value}
    changed = context.store.put({**kept, **changes})
    if previous:
        context.emit(event_type, changed, previous)
    return changed


def _refuse_bad_email(parameters: Object) -> None:
    email = parameters.get("email")
    if email and (email.count("@") != 1 or "." not in email.rpartition("@")[2] or " " in email):
        raise Problem(400, f"Invalid email address: {email}", code="email_invalid", param="email", began=False)
