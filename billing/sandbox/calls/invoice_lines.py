"""What stands on an invoice: lines and items, their taxes, and the sums they make."""

from __future__ import annotations

from billing.sandbox.calls import taxes
from billing.sandbox.calls.customers import merged_metadata
from billing.sandbox.context import Context
from billing.sandbox.interface.listings import lines_of
from billing.sandbox.shapes import invoicing
from billing.sandbox.wire import Object, Problem

_MOST_LINES = 250


def listing(context: Context, parameters: Object, invoice: str) -> Object:
    """`GET /v1/invoices/:id/lines`; lines stand in the order in which they were added."""
    context.require("invoice", invoice)
    every = context.store.children("line_item", invoice)
    start = 0
    if "starting_after" in parameters:
        ids = [line["id"] for line in every]
        start = ids.index(parameters["starting_after"]) + 1 if parameters["starting_after"] in ids else len(ids)
    limit = min(max(parameters.get("limit", 10), 1), 100)
    shown = every[start : start + limit]
    url = f"/v1/invoices/{invoice}/lines"
    return {"object": "list", "data": shown, "has_more": start + limit < len(every), "url": url}


def add(context: Context, parameters: Object, invoice: str) -> Object:
    """`POST /v1/invoices/:id/add_lines`"""
    kept = context.require("invoice", invoice)
    require_draft(kept)
    if not 1 <= len(parameters["lines"]) <= _MOST_LINES:
        raise Problem(400, f"Between 1 and {_MOST_LINES} lines can be added at a time.", param="lines", began=False)
    for position, line in enumerate(parameters["lines"]):
        if "amount" not in line:
            raise Problem(400, "Every line needs an amount.", code="parameter_missing", param=f"lines[{position}][amount]")
    if "invoice_metadata" in parameters:
        kept["metadata"] = merged_metadata(kept["metadata"], parameters["invoice_metadata"])
    added = [
        (_new_item(context, kept["customer"], kept["currency"], line), _taxes(context, line, f"lines[{position}][tax_rates]"))
        for position, line in enumerate(parameters["lines"])
    ]
    filled = _with_items(context, kept, added)
    context.emit("invoice.updated", filled, {"lines": kept["lines"]})
    return filled


def create_item(context: Context, parameters: Object) -> Object:
    """`POST /v1/invoiceitems`"""
    if "customer" not in parameters:
        raise Problem(400, "Must provide customer.", code="parameter_missing", param="customer", began=False)
    if "amount" not in parameters:
        raise Problem(400, "Must provide amount.", code="parameter_missing", param="amount", began=False)
    payer = context.require("customer", parameters["customer"], "customer", status=400)
    if "invoice" not in parameters:
        return _new_item(context, payer["id"], parameters.get("currency", "usd"), parameters)
    target = context.require("invoice", parameters["invoice"], "invoice", status=400)
    require_draft(target)
    if parameters.get("currency", target["currency"]) != target["currency"]:
        raise Problem(400, "The currency of the invoice item and of the invoice must be the same.", param="currency")
    item = _new_item(context, payer["id"], target["currency"], parameters)
    _with_items(context, target, [(item, [])])
    return context.require("invoiceitem", item["id"])


def with_waiting_items(context: Context, kept: Object) -> Object:
    """The draft with the customer's items that waited for an invoice."""
    waiting = context.store.children("invoiceitem", kept["customer"])
    items = [item for item in waiting if item["invoice"] is None and item["currency"] == kept["currency"]]
    return _with_items(context, kept, [(item, []) for item in items])


def require_draft(kept: Object) -> None:
    """Raise `Problem` unless the invoice is a draft."""
    if kept["status"] != "draft":
        raise Problem(400, "This invoice is no longer editable", code="invoice_not_editable")


def _with_items(context: Context, kept: Object, added: list[tuple[Object, list[Object]]]) -> Object:
    """The draft with the items as further lines, and its sums."""
    for item, line_taxes in added:
        context.store.put({**item, "invoice": kept["id"]})
        line = {**invoicing.line_item(item, kept["id"]), "taxes": line_taxes}
        context.store.add(line, parent=kept["id"])
    every = context.store.children("line_item", kept["id"])
    all_taxes = [tax for line in every for tax in line["taxes"]]
    subtotal = sum(line["amount"] for line in every)
    within = sum(tax["amount"] for tax in all_taxes if tax["tax_behavior"] == "inclusive")
    total = subtotal + taxes.on_top(all_taxes)
    sums = {
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - within,
        "total": total,
        "total_excluding_tax": subtotal - within,
        "total_taxes": taxes.totals(all_taxes),
        "amount_due": max(total, 0),
        "amount_remaining": max(total, 0),
    }
    return context.store.put({**kept, **sums, "lines": lines_of(kept, every)})


def _taxes(context: Context, line: Object, param: str) -> list[Object]:
    return taxes.on_line(context, line["amount"], line.get("tax_rates") or [], param)


def _new_item(context: Context, payer: str, currency: str, values: Object) -> Object:
    item = context.store.add(invoicing.invoice_item(context.now, payer, currency, None, values), parent=payer)
    context.emit("invoiceitem.created", item)
    return item
