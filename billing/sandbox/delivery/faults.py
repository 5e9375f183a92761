"""Faults on purpose: the one place where the sandbox is told to fail, for tests of what the product does then.

Off unless the factory is called with `faults_allowed=True`. `POST /_control/faults` with
`{"kind": …, "path": "/v1/invoices", "uses": 1, "seconds": 60, "every": 1}` sets one for the next `uses` requests whose path
begins so (any path when empty), or of them each third with `"every": 3`; for webhooks `path` is the beginning of the event's
type. `DELETE /_control/faults` clears all.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from billing.sandbox.store import Transaction
from billing.sandbox.wire import Object, Problem

CALL_FAULTS = {
    "timeout_before": "hang for `seconds`, do nothing",
    "timeout_after": "do the work, then hang for `seconds`",
    "error_before": "answer 500 without work, saved for the key",
    "error_after": "do the work, answer 500, saved for the key",
    "rate_limit": "answer 429, nothing saved",
    "lock": "answer 409, nothing saved",
}
WEBHOOK_FAULTS = {
    "webhook_drop": "take the event for delivered without sending it",
    "webhook_duplicate": "send the event twice",
    "webhook_delay": "send the event `seconds` later",
    "webhook_reorder": "send the event after the next one that arrives, at the latest `seconds` later",
    "webhook_forge": "send it with a wrong signature, once; then again as it should be",
    "webhook_tamper": "send it with its content changed after signing, once; then again as it should be",
    "webhook_stale": "send it signed ten minutes ago, once; then again as it should be",
    "webhook_version": "send it in the shape of another version of the interface, once; then again as it should be",
    "webhook_unknown": "send an event of an unknown type about an unknown object before it",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, and for how long where it matters."""

    kind: str
    seconds: float


def add(transaction: Transaction, wanted: Object) -> None:
    """Set a fault. Raises `Problem` for a kind that does not exist."""
    kind, path = wanted.get("kind"), wanted.get("path", "")
    uses, seconds, every = wanted.get("uses", 1), wanted.get("seconds", 60), wanted.get("every", 1)
    if kind not in (*CALL_FAULTS, *WEBHOOK_FAULTS):
        raise Problem(400, f"No such fault. There are: {', '.join((*CALL_FAULTS, *WEBHOOK_FAULTS))}.", param="kind")
    whole = isinstance(uses, int) and isinstance(every, int) and every > 0
    if not isinstance(path, str) or not whole or not isinstance(seconds, (int, float)):
        raise Problem(400, "path is a text, uses and every are whole numbers, seconds is a number.")
    transaction.execute(
        "insert into fault_plans (kind, path, uses, seconds, every, seen) values (?, ?, ?, ?, ?, 0)",
        (kind, path, uses, seconds, every),
    )


def clear(transaction: Transaction) -> None:
    """No more faults."""
    transaction.execute("delete from fault_plans")


def take(transaction: Transaction, kinds: Collection[str], subject: str) -> Fault | None:
    """The next fault of one of `kinds` for `subject` (a path, or an event's type), used up by one."""
    marks = ", ".join("?" for _ in kinds)
    row = transaction.execute(
        f"select position, kind, seconds, every, seen from fault_plans where uses > 0 and kind in ({marks})"  # noqa: S608
        " and substr(?, 1, length(path)) = path order by position limit 1",
        (*kinds, subject),
    ).fetchone()
    if row is None:
        return None
    position, kind, seconds, every, seen = row
    hit = (seen + 1) % every == 0
    transaction.execute("update fault_plans set seen = seen + 1, uses = uses - ? where position = ?", (1 if hit else 0, position))
    return Fault(kind, seconds) if hit else None
