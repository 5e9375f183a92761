"""Disputes: a payer's bank takes a payment back, or asks about it, with a day until which an answer must be there."""

from __future__ import annotations

from billing.sandbox.calls import balance, payment_methods
from billing.sandbox.calls.customers import merged_metadata
from billing.sandbox.context import Context
from billing.sandbox.interface.listings import equals, page
from billing.sandbox.shapes import corrections
from billing.sandbox.wire import Object, Problem

_DAY = 24 * 3600
_TO_ANSWER = 9 * _DAY
_TO_DECIDE = 60 * _DAY
_OPEN = ("needs_response", "warning_needs_response")
_UNDER_REVIEW = ("under_review", "warning_under_review")


def begin_by_number(context: Context, charge: Object) -> None:
    """Some test numbers bring a dispute: a card's at once, a bank's a day after the debit had succeeded."""
    number = payment_methods.number_of(context.require("payment_method", charge["payment_method"]))
    if not number.disputed:
        return
    if number.kind == "us_bank_account":
        context.later(_DAY, "debit_disputed", charge["id"])
    else:
        begin(context, charge, number.disputed)


def begin(context: Context, charge: Object, reason: str, amount: int | None = None) -> Object:
    """A dispute about a charge; the reason `inquiry` moves no money yet."""
    if charge["status"] != "succeeded" or charge["disputed"]:
        raise Problem(400, "This charge cannot be disputed.")
    debit = charge["payment_method_details"]["type"] == "us_bank_account"
    inquiry = reason == "inquiry"
    amount = charge["amount"] - charge["amount_refunded"] if amount is None else amount
    if not 0 < amount <= charge["amount"]:
        raise Problem(400, "A dispute is over a part of the charge.", param="amount")
    status = "warning_needs_response" if inquiry else "lost" if debit else "needs_response"
    due_by = None if debit else _end_of_day(context.now + _TO_ANSWER)
    made = corrections.dispute(context.now, charge, amount, "general" if inquiry else reason, status, due_by)
    context.store.add(made, parent=charge["id"])
    context.store.put({**charge, "disputed": True})
    context.emit("charge.dispute.created", made)
    if not inquiry:
        made = _withdraw(context, made)
    if due_by is not None:
        context.later(due_by - context.now, "evidence_due", made["id"])
    if debit:
        # A bank debit that its payer's bank takes back cannot be argued about.
        context.emit("charge.dispute.closed", made)
    return made


def return_debit(context: Context, charge: str) -> None:
    """A bank debit comes back after it had succeeded."""
    kept = context.require("charge", charge)
    if not kept["disputed"]:
        begin(context, kept, payment_methods.number_of(context.require("payment_method", kept["payment_method"])).disputed)


def retrieve(context: Context, parameters: Object, dispute: str) -> Object:
    """`GET /v1/disputes/:id`"""
    return context.require("dispute", dispute)


def listing(context: Context, parameters: Object) -> Object:
    """`GET /v1/disputes`"""
    conditions = [equals(name, parameters[name]) for name in ("charge", "payment_intent") if name in parameters]
    return page(context, "dispute", "/v1/disputes", parameters, conditions)


def update(context: Context, parameters: Object, dispute: str) -> Object:
    """`POST /v1/disputes/:id`: evidence, sent to the bank with `submit`. Stripe's test texts decide at once."""
    kept = context.require("dispute", dispute)
    changes: Object = {}
    if "metadata" in parameters:
        changes["metadata"] = merged_metadata(kept["metadata"], parameters["metadata"])
    if "evidence" in parameters:
        _require_open(kept)
        changes["evidence"] = {**kept["evidence"], **parameters["evidence"]}
        changes["evidence_details"] = {**kept["evidence_details"], "has_evidence": True}
    kept = context.change(kept, changes, "charge.dispute.updated")
    if parameters.get("submit", "evidence" in parameters):
        return _submit(context, kept)
    return kept


def close(context: Context, parameters: Object, dispute: str) -> Object:
    """`POST /v1/disputes/:id/close`: the payer is right."""
    kept = context.require("dispute", dispute)
    _require_open(kept)
    return decide(context, kept, won=False)


def run_out(context: Context, dispute: str) -> None:
    """Nobody answered in time."""
    kept = context.require("dispute", dispute)
    if kept["status"] in _OPEN:
        late = {**kept["evidence_details"], "past_due": True}
        decide(context, {**kept, "evidence_details": late}, won=False)


def decide_by_time(context: Context, dispute: str) -> None:
    """The bank has looked at the answer, and keeps to its payer."""
    kept = context.require("dispute", dispute)
    if kept["status"] in _UNDER_REVIEW:
        decide(context, kept, won=False)


def decide(context: Context, kept: Object, *, won: bool) -> Object:
    """The end of a dispute; a won one brings the money back."""
    if kept["status"] not in (*_OPEN, *_UNDER_REVIEW):
        raise Problem(400, f"A dispute that is {kept['status']} cannot be decided any more.")
    inquiry = kept["status"].startswith("warning")
    kept = context.store.put({**kept, "status": "warning_closed" if inquiry else "won" if won else "lost"})
    context.emit("charge.dispute.closed", kept)
    if won and not inquiry:
        moved = balance.move(context, kept, kept["amount"], "adjustment", "dispute_reversal", -balance.DISPUTE_FEE)
        kept = context.store.put(
            {**kept, "balance_transactions": [*kept["balance_transactions"], context.require("balance_transaction", moved)]}
        )
        context.emit("charge.dispute.funds_reinstated", kept)
    return kept


def _submit(context: Context, kept: Object) -> Object:
    """The evidence goes to the bank."""
    _require_open(kept)
    sent = {**kept["evidence_details"], "submission_count": kept["evidence_details"]["submission_count"] + 1}
    status = "warning_under_review" if kept["status"].startswith("warning") else "under_review"
    details = {**sent, "submission_method": "manual"}
    kept = context.change(kept, {"evidence_details": details, "status": status}, "charge.dispute.updated")
    text = kept["evidence"]["uncategorized_text"]
    if text in ("winning_evidence", "losing_evidence"):
        return decide(context, kept, won=text == "winning_evidence")
    context.later(_TO_DECIDE, "dispute_decided", kept["id"])
    return kept


def _withdraw(context: Context, made: Object) -> Object:
    """Stripe takes the disputed amount and a fee out of our balance."""
    moved = balance.move(context, made, -made["amount"], "adjustment", "dispute", balance.DISPUTE_FEE)
    made = context.store.put({**made, "balance_transactions": [context.require("balance_transaction", moved)]})
    context.emit("charge.dispute.funds_withdrawn", made)
    return made


def _require_open(kept: Object) -> None:
    if kept["status"] not in _OPEN:
        raise Problem(400, "This dispute is already closed or under review.")


def _end_of_day(moment: int) -> int:
    return moment - moment % _DAY + _DAY - 1
