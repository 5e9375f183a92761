"""Tax rates, and the tax on lines. Each line's tax is rounded by itself, halves up."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from billing.sandbox.calls.balance import half_up
from billing.sandbox.calls.customers import merged_metadata
from billing.sandbox.context import Context
from billing.sandbox.interface.listings import page
from billing.sandbox.shapes import corrections
from billing.sandbox.wire import Object, Problem


def create(context: Context, parameters: Object) -> Object:
    """`POST /v1/tax_rates`"""
    if not 0 <= parameters["percentage"] <= 100:
        raise Problem(400, "percentage must be between 0 and 100.", param="percentage", began=False)
    made = context.store.add(corrections.tax_rate(context.now, parameters))
    context.emit("tax_rate.created", made)
    return made


def retrieve(context: Context, parameters: Object, rate: str) -> Object:
    """`GET /v1/tax_rates/:id`"""
    return context.require("tax_rate", rate)


def update(context: Context, parameters: Object, rate: str) -> Object:
    """`POST /v1/tax_rates/:id`: percentage and behaviour never change."""
    kept = context.require("tax_rate", rate)
    changes: Object = {"active": parameters["active"]} if "active" in parameters else {}
    if "metadata" in parameters:
        changes["metadata"] = merged_metadata(kept["metadata"], parameters["metadata"])
    return context.change(kept, changes, "tax_rate.updated")


def listing(context: Context, parameters: Object) -> Object:
    """`GET /v1/tax_rates`"""
    names = ("active", "inclusive")
    # SQLite reads the truth values of JSON as 1 and 0.
    conditions = [(f"json_extract(body, '$.{name}') = ?", int(parameters[name])) for name in names if name in parameters]
    return page(context, "tax_rate", "/v1/tax_rates", parameters, conditions)


def on_line(context: Context, amount: int, rate_ids: list[str], param: str) -> list[Object]:
    """The taxes on a line of `amount`. Raises `Problem` for a rate that is not there, or not in use."""
    rates = [context.require("tax_rate", rate, param, status=400) for rate in rate_ids]
    for rate in rates:
        if not rate["active"]:
            raise Problem(400, f"The tax rate {rate['id']} is archived and cannot be used.", param=param)
    within = sum(_share(rate) for rate in rates if rate["inclusive"])
    taxable = Fraction(amount) / (1 + within)
    return [corrections.tax(half_up(taxable * _share(rate)), half_up(taxable), rate) for rate in rates]


def on_top(taxes: list[Object]) -> int:
    """The part of `taxes` that is not within the amounts already."""
    return sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "exclusive")


def totals(taxes: list[Object]) -> list[Object]:
    """The taxes of all lines by rate."""
    found: dict[str, Object] = {}
    for tax in taxes:
        rate = tax["tax_rate_details"]["tax_rate"]
        sums = found.setdefault(rate, {**tax, "amount": 0, "taxable_amount": 0})
        sums["amount"] += tax["amount"]
        sums["taxable_amount"] += tax["taxable_amount"]
    return list(found.values())


def _share(rate: Object) -> Fraction:
    return Fraction(Decimal(str(rate["percentage"]))) / 100
