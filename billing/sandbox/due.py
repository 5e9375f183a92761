"""What happens by itself when time passes: bank debits settle, refunds arrive, disputes run out, pages expire.

Asked before every request and about once a second by the deliverer of webhooks, always by the sandbox's own clock, so that a
clock moved on by five days lets five days of banks' work happen. Each thing happens at the moment at which it was due.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from billing.sandbox.calls import checkout, disputes, payments, refunds
from billing.sandbox.context import Addresses, Context, SandboxClock
from billing.sandbox.store import Transaction
from billing.sandbox.wire import Problem

_LOG = logging.getLogger(__name__)

HAPPENINGS: dict[str, Callable[[Context, str], None]] = {
    "debit": payments.settle_debit,
    "debit_disputed": disputes.return_debit,
    "collect": payments.collect,
    "refund_arrives": refunds.arrive,
    "refund_fails": refunds.fail,
    "evidence_due": disputes.run_out,
    "dispute_decided": disputes.decide_by_time,
    "setup_expires": checkout.expire_by_time,
}
"""By the kind that `Context.later` was called with."""


def run(store: Transaction, addresses: Addresses, clock: SandboxClock) -> bool:
    """Let everything happen that is due by now; whether anything did."""
    clock.load(store)
    now = int(clock().timestamp())
    happened = False
    while True:
        row = store.execute(
            "select position, due_at, kind, subject from due where due_at <= ? order by due_at, position limit 1", (now,)
        ).fetchone()
        if row is None:
            return happened
        store.execute("delete from due where position = ?", (row[0],))
        moment = datetime.fromtimestamp(row[1], UTC)
        try:
            with store.undone_by(Problem):
                HAPPENINGS[row[2]](Context(store, addresses, lambda at=moment: at), row[3])  # type: ignore[misc]
        except Problem as problem:
            # What it was about has gone on in the meantime; nothing else must wait for it.
            _LOG.warning("%s of %s did not happen: %s", row[2], row[3], problem.message)
        happened = True


def at_once(store: Transaction, addresses: Addresses, clock: SandboxClock, kind: str, subject: str) -> bool:
    """Let one thing happen now that is planned for later; False when it is not planned."""
    row = store.execute("select position from due where kind = ? and subject = ?", (kind, subject)).fetchone()
    if row is None:
        return False
    store.execute("delete from due where position = ?", (row[0],))
    HAPPENINGS[kind](Context(store, addresses, clock), subject)
    return True
