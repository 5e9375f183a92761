"""Credit notes: they lower what an invoice still asks for; what is left over is given back, in one way or in several."""

from __future__ import annotations

from fractions import Fraction

from billing.sandbox.calls import refunds, settling, taxes
from billing.sandbox.calls.balance import half_up
from billing.sandbox.calls.customers import add_to_balance
from billing.sandbox.context import Context
from billing.sandbox.interface.listings import equals, lines_of, page
from billing.sandbox.shapes import corrections
from billing.sandbox.wire import Object, Problem

_WAYS_BACK = ("refund_amount", "credit_amount", "out_of_band_amount")


def create(context: Context, parameters: Object) -> Object:
    """`POST /v1/credit_notes`"""
    invoice = context.require("invoice", parameters["invoice"], "invoice", status=400)
    if invoice["status"] not in ("open", "paid", "uncollectible"):
        raise Problem(400, f"You cannot issue a credit note for an invoice that is {invoice['status']}.", param="invoice")
    settling.refuse_processing(context, invoice["id"], "credited")
    if not parameters.get("lines"):
        raise Problem(400, "One of `amount`, `lines`, or `shipping_cost` must be provided.", param="lines", began=False)
    lines = _lines(context, invoice, parameters["lines"])
    amounts = _amounts(lines)
    _refuse_more_than_is_left(context, invoice, amounts["total"])
    before = min(amounts["total"], invoice["amount_remaining"])
    after = amounts["total"] - before
    _check_ways_back(context, parameters, after)
    amounts.update(
        pre_payment_amount=before,
        post_payment_amount=after,
        type="mixed" if before and after else "pre_payment" if before else "post_payment",
    )
    number = f"{invoice['number']}-CN-{len(context.store.children('credit_note', invoice['id'])) + 1:02}"
    made = corrections.credit_note(context.now, invoice, number, parameters, amounts)
    made["lines"] = lines_of(made, lines, "credit_notes")
    context.store.add(made, parent=invoice["id"])
    for line in lines:
        context.store.add(line, parent=made["id"])
    invoice = _lower(context, invoice, before, after)
    made = context.store.put({**made, **_give_back(context, invoice, made, parameters)})
    context.emit("credit_note.created", made)
    return made


def retrieve(context: Context, parameters: Object, note: str) -> Object:
    """`GET /v1/credit_notes/:id`"""
    return context.require("credit_note", note)


def listing(context: Context, parameters: Object) -> Object:
    """`GET /v1/credit_notes`"""
    conditions = [equals(name, parameters[name]) for name in ("customer", "invoice") if name in parameters]
    return page(context, "credit_note", "/v1/credit_notes", parameters, conditions)


def list_lines(context: Context, parameters: Object, note: str) -> Object:
    """`GET /v1/credit_notes/:id/lines`"""
    context.require("credit_note", note)
    every = context.store.children("credit_note_line_item", note)
    return {"object": "list", "data": every, "has_more": False, "url": f"/v1/credit_notes/{note}/lines"}


def void(context: Context, parameters: Object, note: str) -> Object:
    """`POST /v1/credit_notes/:id/void`: only of an open invoice, when no money went back."""
    kept = context.require("credit_note", note)
    invoice = context.require("invoice", kept["invoice"])
    if kept["status"] == "void":
        raise Problem(400, "This credit note is already void.")
    if kept["post_payment_amount"] or invoice["status"] != "open":
        raise Problem(400, "You can only void a credit note of an open invoice that gave nothing back.")
    settling.refuse_processing(context, invoice["id"], "changed")
    _lower(context, invoice, -kept["pre_payment_amount"], 0)
    voided = context.store.put({**kept, "status": "void", "voided_at": context.now})
    context.emit("credit_note.voided", voided)
    return voided


def _lines(context: Context, invoice: Object, wanted: list[Object]) -> list[Object]:
    """The credit note's lines with their taxes. Raises `Problem` for more than a line has left."""
    found: list[Object] = []
    for position, line in enumerate(wanted):
        param = f"lines[{position}]"
        if line["type"] != "invoice_line_item" or "invoice_line_item" not in line or "amount" not in line:
            raise Problem(400, "The sandbox credits amounts of lines of the invoice only.", param=f"{param}[type]", began=False)
        target = context.require("line_item", line["invoice_line_item"], f"{param}[invoice_line_item]", status=400)
        if target["invoice"] != invoice["id"]:
            raise Problem(400, "The line does not belong to this invoice.", param=f"{param}[invoice_line_item]")
        credited = _credited(context, invoice, target) + sum(
            one["amount"] for one in found if one["invoice_line_item"] == target["id"]
        )
        if not 0 < line["amount"] <= target["amount"] - credited:
            raise Problem(
                400,
                f"The amount {line['amount']} is more than the line has left to credit ({target['amount'] - credited}).",
                param=f"{param}[amount]",
            )
        shares = [_share(tax, credited, line["amount"], target["amount"]) for tax in target["taxes"]]
        found.append(corrections.credit_note_line(target, line["amount"], shares, line.get("metadata") or {}))
    return found


def _share(tax: Object, credited: int, amount: int, whole: int) -> Object:
    """The part of a line's tax that belongs to `amount` of it; the parts of a line credited whole make its whole tax."""

    def up_to(part: int, figure: str) -> int:
        return half_up(Fraction(tax[figure] * part, whole))

    figures = {name: up_to(credited + amount, name) - up_to(credited, name) for name in ("amount", "taxable_amount")}
    return {**tax, **figures}


def _credited(context: Context, invoice: Object, line: Object) -> int:
    """What earlier credit notes have taken from a line."""
    notes = [note for note in context.store.children("credit_note", invoice["id"]) if note["status"] == "issued"]
    every = [one for note in notes for one in context.store.children("credit_note_line_item", note["id"])]
    return sum(int(one["amount"]) for one in every if one["invoice_line_item"] == line["id"])


def _amounts(lines: list[Object]) -> Object:
    """The sums of a credit note."""
    every = [tax for line in lines for tax in line["taxes"]]
    subtotal = sum(line["amount"] for line in lines)
    within = sum(tax["amount"] for tax in every if tax["tax_behavior"] == "inclusive")
    total = subtotal + taxes.on_top(every)
    return {
        "amount": total,
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal - within,
        "total": total,
        "total_excluding_tax": subtotal - within,
        "total_taxes": taxes.totals(every),
    }


def _refuse_more_than_is_left(context: Context, invoice: Object, total: int) -> None:
    issued = [note for note in context.store.children("credit_note", invoice["id"]) if note["status"] == "issued"]
    left = invoice["total"] - sum(note["total"] for note in issued)
    if total > left:
        raise Problem(400, f"The credit note's total ({total}) is more than the invoice has left to credit ({left}).")


def _check_ways_back(context: Context, parameters: Object, after: int) -> None:
    """What was paid already goes back somewhere, to the cent."""
    linked = 0
    for position, one in enumerate(parameters.get("refunds", [])):
        param = f"refunds[{position}][refund]"
        if one.get("type", "refund") != "refund" or "refund" not in one:
            raise Problem(400, "The sandbox links refunds of its own only.", param=param, began=False)
        linked += int(one.get("amount_refunded", context.require("refund", one["refund"], param, status=400)["amount"]))
    named = linked + sum(parameters.get(name, 0) for name in _WAYS_BACK)
    if named != after:
        raise Problem(
            400,
            "The sum of refunds, credit amount and out of band amount must equal the post payment amount"
            f" ({after}); it is {named}.",
        )


def _lower(context: Context, invoice: Object, before: int, after: int) -> Object:
    """The invoice asks for `before` less (more, when negative); with nothing left it is paid."""
    changes = {
        "amount_due": invoice["amount_due"] - before,
        "amount_remaining": invoice["amount_remaining"] - before,
        "pre_payment_credit_notes_amount": invoice["pre_payment_credit_notes_amount"] + before,
        "post_payment_credit_notes_amount": invoice["post_payment_credit_notes_amount"] + after,
    }
    changed = context.change(invoice, changes, "invoice.updated")
    if not before:
        return changed
    if changed["amount_remaining"] == 0:
        settling.cancel_intent(context, invoice["id"], "automatic")
        return settling.settle(context, changed)
    intent = settling.open_intent(context, invoice["id"])
    if intent is not None:
        context.store.put({**intent, "amount": changed["amount_remaining"]})
        for tie in context.store.children("invoice_payment", invoice["id"]):
            if tie["status"] == "open":
                context.store.put({**tie, "amount_requested": changed["amount_remaining"]})
    return changed


def _give_back(context: Context, invoice: Object, made: Object, parameters: Object) -> Object:
    """Refund and credit as they were asked for."""
    given: Object = {"refunds": []}
    amount = parameters.get("refund_amount", 0)
    if amount:
        refund = refunds.make(context, _paid_charge(context, invoice), {"amount": amount})
        given["refunds"].append(_link(refund["id"], amount))
    for one in parameters.get("refunds", []):
        whole = context.require("refund", one["refund"])["amount"]
        given["refunds"].append(_link(one["refund"], one.get("amount_refunded", whole)))
    if parameters.get("credit_amount"):
        values = {"type": "credit_note", "credit_note": made["id"], "invoice": invoice["id"], "currency": invoice["currency"]}
        given["customer_balance_transaction"] = add_to_balance(context, invoice["customer"], -parameters["credit_amount"], values)
    return given


def _paid_charge(context: Context, invoice: Object) -> Object:
    """The charge that paid the invoice."""
    for intent in context.store.children("payment_intent", invoice["id"]):
        for charge in context.store.children("charge", intent["id"]):
            if charge["status"] == "succeeded":
                return charge
    raise Problem(400, "This invoice was not paid through Stripe: there is nothing to refund.", param="refund_amount")


def _link(refund: str, amount: int) -> Object:
    return {"amount_refunded": amount, "payment_record_refund": None, "refund": refund, "type": "refund"}
