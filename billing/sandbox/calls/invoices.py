"""Invoices from draft to final: made, changed, listed, finalised, sent. Their end is in `settling`, lines in `invoice_lines`."""

from __future__ import annotations

from billing.sandbox.calls import customers, invoice_lines, settling
from billing.sandbox.context import Context
from billing.sandbox.interface.listings import equals, page
from billing.sandbox.shapes import invoicing, payments
from billing.sandbox.wire import Object, Problem, random_text

_DAY = 24 * 3600
_COLLECTED_AFTER = 3600
"""Stripe begins to collect an invoice that advances by itself about an hour after it became final."""


def create(context: Context, parameters: Object) -> Object:
    """`POST /v1/invoices`"""
    if "customer" not in parameters:
        raise Problem(400, "Must provide customer.", code="parameter_missing", param="customer", began=False)
    payer = context.require("customer", parameters["customer"], "customer", status=400)
    _check_terms(parameters, payer)
    made = invoicing.invoice(context.now, payer, parameters)
    made["lines"] = invoicing.empty_list(f"/v1/invoices/{made['id']}/lines")
    made["due_date"] = _due_date(context.now, parameters)
    made.update(_payment_terms(context, payer, parameters))
    context.store.add(made, parent=payer["id"])
    _remember_term(context, made["id"], parameters)
    if parameters.get("pending_invoice_items_behavior") == "include":
        made = invoice_lines.with_waiting_items(context, made)
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
        changes["metadata"] = customers.merged_metadata(kept["metadata"], parameters["metadata"])
    texts: Object = {name: parameters[name] or None for name in ("description", "footer") if name in parameters}
    if texts:
        invoice_lines.require_draft(kept)
        changes.update(texts)
    if "default_payment_method" in parameters:
        payer = context.require("customer", kept["customer"])
        changes.update(_payment_terms(context, payer, {"default_payment_method": parameters["default_payment_method"]}))
    if "auto_advance" in parameters:
        changes["auto_advance"] = parameters["auto_advance"]
    return context.change(kept, changes, "invoice.updated")


def delete(context: Context, parameters: Object, invoice: str) -> Object:
    """`DELETE /v1/invoices/:id`: drafts only."""
    kept = context.require("invoice", invoice)
    if kept["status"] != "draft":
        raise Problem(400, "You can only delete draft invoices.", code="invoice_not_editable")
    for line in context.store.children("line_item", invoice):
        context.store.remove(line["id"])
    context.store.remove(invoice)
    context.emit("invoice.deleted", kept)
    return {"id": invoice, "object": "invoice", "deleted": True}


def listing(context: Context, parameters: Object) -> Object:
    """`GET /v1/invoices`"""
    names = ("customer", "status", "collection_method")
    conditions = [equals(name, parameters[name]) for name in names if name in parameters]
    return page(context, "invoice", "/v1/invoices", parameters, conditions)


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
        "hosted_invoice_url": context.addresses.page(token),
        "invoice_pdf": f"{context.addresses.page(token)}/receipt",
        "status_transitions": moments,
    }
    _refuse_used_number(context, final)
    final.update(_with_credit(context, final))
    context.store.put(final)
    context.store.add_page(token, final["id"])
    context.emit("invoice.finalized", final)
    if final["amount_due"] == 0:
        return settling.settle(context, final)
    intent = context.store.add(payments.payment_intent(context.now, final, ways_to_pay(final)), parent=final["id"])
    context.store.add(payments.invoice_payment(context.now, final, intent["id"]), parent=final["id"])
    context.emit("payment_intent.created", intent)
    if final["auto_advance"] and final["collection_method"] == "charge_automatically":
        final = context.store.put({**final, "next_payment_attempt": context.now + _COLLECTED_AFTER})
        context.later(_COLLECTED_AFTER, "collect", final["id"])
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


def ways_to_pay(invoice: Object) -> list[str]:
    """The kinds of payment that an invoice takes: its own, else those of the sandbox's settings (a bank debit only in USD)."""
    kinds = invoice["payment_settings"]["payment_method_types"] or ["card", "us_bank_account"]
    return [kind for kind in kinds if kind != "us_bank_account" or invoice["currency"] == "usd"]


def _with_credit(context: Context, final: Object) -> Object:
    """The customer's credit is used up by what the invoice asks for."""
    balance = context.require("customer", final["customer"])["balance"]
    applied = max(-final["total"], balance) if balance < 0 else balance
    due = final["total"] + applied
    if applied:
        values = {"type": "applied_to_invoice", "invoice": final["id"], "currency": final["currency"]}
        customers.add_to_balance(context, final["customer"], -applied, values)
    return {
        "amount_due": due,
        "amount_remaining": due,
        "starting_balance": balance,
        "ending_balance": balance - applied,
    }


def _payment_terms(context: Context, payer: Object, parameters: Object) -> Object:
    """How an invoice may be paid, and with which saved method."""
    terms: Object = {}
    if parameters.get("default_payment_method"):
        method = context.require("payment_method", parameters["default_payment_method"], "default_payment_method", status=400)
        if method["customer"] != payer["id"]:
            raise Problem(400, "The payment method must be attached to the customer.", param="default_payment_method")
        terms["default_payment_method"] = method["id"]
    kinds = parameters.get("payment_settings", {}).get("payment_method_types")
    if kinds:
        for position, kind in enumerate(kinds):
            if kind not in ("card", "us_bank_account"):
                param = f"payment_settings[payment_method_types][{position}]"
                raise Problem(400, f"The sandbox takes no {kind}.", param=param, began=False)
        terms["payment_settings"] = {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": list(kinds),
        }
    return terms


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
        context.store.set_setting(f"term:{invoice}", str(parameters["days_until_due"]))


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
