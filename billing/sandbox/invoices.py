"""Invoices from draft to final: made, filled, finalised, sent, voided. Paying them is in `payments`."""

from __future__ import annotations

from billing.sandbox import objects, payment_objects
from billing.sandbox.context import Context
from billing.sandbox.customers import change, merged_metadata
from billing.sandbox.listings import equals, lines_of, page
from billing.sandbox.wire import Object, Problem, random_text

_DAY = 24 * 3600
_MOST_LINES = 250


def create(context: Context, parameters: Object) -> Object:
    """`POST /v1/invoices`"""
    if "customer" not in parameters:
        raise Problem(400, "Must provide customer.", code="parameter_missing", param="customer", began=False)
    payer = context.require("customer", parameters["customer"], "customer", status=400)
    _check_terms(parameters, payer)
    made = objects.invoice(context.now, payer, parameters)
    made["lines"] = objects.empty_list(f"/v1/invoices/{made['id']}/lines")
    made["due_date"] = _due_date(context.now, parameters)
    context.store.add(made, parent=payer["id"])
    _remember_term(context, made["id"], parameters)
    if parameters.get("pending_invoice_items_behavior") == "include":
        waiting = context.store.children("invoiceitem", payer["id"])
        items = [item for item in waiting if item["invoice"] is None and item["currency"] == made["currency"]]
        made = _with_items(context, made, items)
    context.emit("invoice.created", made)
    return made


def retrieve(context: Context, parameters: Object, invoice: str) -> Object:
    """`GET /v1/invoices/:id`"""
    return context.require("invoice", invoice)


def update(context: Context, parameters: Object, invoice: str) -> Object:
    """`POST /v1/invoices/:id`"""
    kept = context.require("invoice", invoice)
    changes: Object = {}
    if "metadata" in parameters:
        changes["metadata"] = merged_metadata(kept["metadata"], parameters["metadata"])
    texts: Object = {name: parameters[name] or None for name in ("description", "footer") if name in parameters}
    if texts:
        _require_draft(kept)
        changes.update(texts)
    return change(context, kept, changes, "invoice.updated")


def listing(context: Context, parameters: Object) -> Object:
    """`GET /v1/invoices`"""
    names = ("customer", "status", "collection_method")
    conditions = [equals(name, parameters[name]) for name in names if name in parameters]
    return page(context, "invoice", "/v1/invoices", parameters, conditions)


def lines(context: Context, parameters: Object, invoice: str) -> Object:
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


def add_lines(context: Context, parameters: Object, invoice: str) -> Object:
    """`POST /v1/invoices/:id/add_lines`"""
    kept = context.require("invoice", invoice)
    _require_draft(kept)
    if not 1 <= len(parameters["lines"]) <= _MOST_LINES:
        raise Problem(400, f"Between 1 and {_MOST_LINES} lines can be added at a time.", param="lines", began=False)
    for position, line in enumerate(parameters["lines"]):
        if "amount" not in line:
            raise Problem(400, "Every line needs an amount.", code="parameter_missing", param=f"lines[{position}][amount]")
    if "invoice_metadata" in parameters:
        kept["metadata"] = merged_metadata(kept["metadata"], parameters["invoice_metadata"])
    items = [_new_item(context, kept["customer"], kept["currency"], line) for line in parameters["lines"]]
    filled = _with_items(context, kept, items)
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
    _require_draft(target)
    if parameters.get("currency", target["currency"]) != target["currency"]:
        raise Problem(400, "The currency of the invoice item and of the invoice must be the same.", param="currency")
    item = _new_item(context, payer["id"], target["currency"], parameters)
    _with_items(context, target, [item])
    return context.require("invoiceitem", item["id"])


def finalize(context: Context, parameters: Object, invoice: str) -> Object:
    """`POST /v1/invoices/:id/finalize`"""
    kept = context.require("invoice", invoice)
    if kept["status"] != "draft":
        raise Problem(
            400,
            "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
            code="invoice_not_editable",
        )
    if kept["total"] < 0:
        raise Problem(400, "The sandbox does not finalize invoices with a negative total yet.")
    token = random_text(40)
    moments = {**kept["status_transitions"], "finalized_at": context.now}
    final = {
        **kept,
        "status": "open",
        "auto_advance": parameters.get("auto_advance", kept["auto_advance"]),
        "number": kept["number"] or _next_number(context, kept["customer"]),
        "due_date": _due_date(context.now, _term(context, kept["id"])) if kept["due_date"] else None,
        "effective_at": context.now,
        "ending_balance": 0,
        "hosted_invoice_url": context.addresses.page(token),
        "invoice_pdf": f"{context.addresses.page(token)}/receipt",
        "status_transitions": moments,
    }
    _refuse_used_number(context, final)
    context.store.put(final)
    context.store.add_page(token, final["id"])
    context.emit("invoice.finalized", final)
    if final["amount_due"] == 0:
        return settle(context, final)
    intent = context.store.add(payment_objects.payment_intent(context.now, final), parent=final["id"])
    context.store.add(payment_objects.invoice_payment(context.now, final, intent["id"]), parent=final["id"])
    context.emit("payment_intent.created", intent)
    return final


def send(context: Context, parameters: Object, invoice: str) -> Object:
    """`POST /v1/invoices/:id/send`: nobody is written to, only the event is made."""
    kept = context.require("invoice", invoice)
    if kept["collection_method"] != "send_invoice":
        raise Problem(400, "You can only manually send an invoice if its collection method is 'send_invoice'.")
    if kept["status"] == "draft":
        kept = finalize(context, {}, invoice)
    if kept["status"] not in ("open", "paid"):
        raise Problem(400, f"An invoice that is {kept['status']} cannot be sent.")
    context.emit("invoice.sent", kept)
    return kept


def void(context: Context, parameters: Object, invoice: str) -> Object:
    """`POST /v1/invoices/:id/void`"""
    kept = context.require("invoice", invoice)
    if kept["status"] not in ("open", "uncollectible"):
        raise Problem(400, f"You can only void open or uncollectible invoices; this one is {kept['status']}.")
    moments = {**kept["status_transitions"], "voided_at": context.now}
    voided = context.store.put({**kept, "status": "void", "auto_advance": False, "status_transitions": moments})
    for intent in context.store.children("payment_intent", invoice):
        canceled = {"status": "canceled", "canceled_at": context.now, "cancellation_reason": "void_invoice"}
        context.emit("payment_intent.canceled", context.store.put({**intent, **canceled}))
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


def settle(context: Context, final: Object, *, out_of_band: bool = False) -> Object:
    """The invoice is paid now: nothing remains."""
    moments = {**final["status_transitions"], "paid_at": context.now}
    paid = {
        **final,
        "status": "paid",
        "amount_paid": final["amount_due"],
        "amount_remaining": 0,
        "attempted": not out_of_band,
        "auto_advance": False,
        "status_transitions": moments,
    }
    if out_of_band:
        paid["amount_paid_off_stripe"] = final["amount_due"]
    context.store.put(paid)
    context.emit("invoice.paid", paid)
    context.emit("invoice.payment_succeeded", paid)
    return paid


def _with_items(context: Context, kept: Object, items: list[Object]) -> Object:
    """The draft with the items as further lines, and its sums."""
    for item in items:
        context.store.put({**item, "invoice": kept["id"]})
        context.store.add(objects.line_item(item, kept["id"]), parent=kept["id"])
    every = context.store.children("line_item", kept["id"])
    total = sum(line["amount"] for line in every)
    sums = ("subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax")
    due = {"amount_due": max(total, 0), "amount_remaining": max(total, 0)}
    return context.store.put({**kept, **dict.fromkeys(sums, total), **due, "lines": lines_of(kept, every)})


def _new_item(context: Context, payer: str, currency: str, values: Object) -> Object:
    item = context.store.add(objects.invoice_item(context.now, payer, currency, None, values), parent=payer)
    context.emit("invoiceitem.created", item)
    return item


def _check_terms(parameters: Object, payer: Object) -> None:
    sends = parameters.get("collection_method") == "send_invoice"
    has_term = "days_until_due" in parameters or "due_date" in parameters
    if has_term and not sends:
        raise Problem(400, "You can only set 'days_until_due' or 'due_date' if collection method is 'send_invoice'.", began=False)
    if sends and not has_term:
        raise Problem(400, "You must pass either 'days_until_due' or 'due_date' when 'send_invoice' is used.", began=False)
    if sends and not payer["email"]:
        raise Problem(
            400,
            "Missing email. In order to create invoices that are sent to the customer, the customer must have a valid email.",
        )


def _due_date(now: int, term: Object) -> int | None:
    if "days_until_due" in term:
        return now + int(term["days_until_due"]) * _DAY
    due: int | None = term.get("due_date")
    return due


def _remember_term(context: Context, invoice: str, parameters: Object) -> None:
    """The term counts from finalising, so it is kept beside the draft."""
    if "days_until_due" in parameters:
        days = str(parameters["days_until_due"])
        context.store.execute("insert into settings values (?, ?)", (f"term:{invoice}", days))


def _term(context: Context, invoice: str) -> Object:
    row = context.store.execute("select value from settings where name = ?", (f"term:{invoice}",)).fetchone()
    return {"due_date": context.require("invoice", invoice)["due_date"]} if row is None else {"days_until_due": row[0]}


def _next_number(context: Context, customer: str) -> str:
    payer = context.require("customer", customer)
    context.store.put({**payer, "next_invoice_sequence": payer["next_invoice_sequence"] + 1})
    return f"{payer['invoice_prefix']}-{payer['next_invoice_sequence']:04}"


def _refuse_used_number(context: Context, final: Object) -> None:
    same = context.store.search(
        "invoice",
        [equals("number", final["number"]), ("json_extract(body, '$.status') <> ?", "draft")],
        newest_first=True,
        limit=1,
    )
    if same:
        raise Problem(400, f"The invoice number {final['number']} is already in use.", param="number")


def _require_draft(kept: Object) -> None:
    if kept["status"] != "draft":
        raise Problem(400, "This invoice is no longer editable", code="invoice_not_editable")
