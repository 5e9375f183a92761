"""The `expand` parameter: objects in place of their ids."""

from __future__ import annotations

from billing.sandbox.context import Context
from billing.sandbox.wire import Object, Problem

_KINDS = {
    "balance_transaction": "balance_transaction",
    "charge": "charge",
    "customer": "customer",
    "failure_balance_transaction": "balance_transaction",
    "invoice": "invoice",
    "latest_charge": "charge",
    "payment_intent": "payment_intent",
    "payment_method": "payment_method",
    "setup_intent": "setup_intent",
}


def expanded(context: Context, result: Object, wanted: list[str]) -> Object:
    """`result` with the objects behind the ids that `wanted` names (`payments`, `customer`, `data.customer` …)."""
    for name in wanted:
        steps = name.split(".")
        targets = result["data"] if steps[0] == "data" and result.get("object") == "list" else [result]
        for target in targets:
            _expand(context, target, steps[-1], name)
    return result


def _expand(context: Context, target: Object, field: str, name: str) -> None:
    if field == "payments" and target["object"] == "invoice":
        every = context.store.children("invoice_payment", target["id"])
        url = f"/v1/invoice_payments?invoice={target['id']}"
        target["payments"] = {"object": "list", "data": every, "has_more": False, "url": url}
        return
    if field not in _KINDS or field not in target:
        raise Problem(400, f"This property cannot be expanded ({name}).", param="expand", began=False)
    if isinstance(target[field], str):
        target[field] = context.require(_KINDS[field], target[field])
