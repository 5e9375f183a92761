"""Idempotency keys as Stripe keeps them: the first answer of work that began is given again, also when it was an error."""

from __future__ import annotations

import hashlib
import json

from billing.sandbox.store import Transaction, saved_answer
from billing.sandbox.wire import Answer, Object, Problem

_KEPT_SECONDS = 24 * 3600
_STUCK_SECONDS = 60
_LONGEST_KEY = 255


def fingerprint(method: str, path: str, parameters: Object) -> str:
    """What must be the same for a key to be used again."""
    return json.dumps([method, path, parameters], sort_keys=True)


def scoped(key: str, api_key: str) -> str:
    """The key as it is kept: what one API key has sent is nothing to another. Raises `Problem` for a key too long."""
    if len(key) > _LONGEST_KEY:
        raise Problem(400, "Idempotency-Key is too long; the maximum length is 255 characters.", began=False)
    return f"{hashlib.sha256(api_key.encode()).hexdigest()[:16]}:{key}"


def take(transaction: Transaction, key: str, content: str, now: float) -> Answer | None:
    """Take `key` for work on `content` at `now` (seconds since 1970); the saved answer when that work was done before.

    Raises `Problem` when the key was used with other content (400), or when its work is still going on (409).
    """
    transaction.execute("delete from keys where taken_at < ?", (now - _KEPT_SECONDS,))
    row = transaction.execute("select fingerprint, status, body, taken_at from keys where key = ?", (key,)).fetchone()
    if row is None:
        transaction.execute("insert into keys values (?, ?, ?, null, null)", (key, content, now))
        return None
    shown = key.partition(":")[2]
    if row[0] != content:
        raise Problem(
            400,
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try"
            f" using a key other than '{shown}' if you meant to execute a different request.",
            type="idempotency_error",
            began=False,
        )
    if row[1] is not None:
        return saved_answer(row[1:3])
    if now - row[3] < _STUCK_SECONDS:
        raise Problem(
            409,
            f"There is currently another in-progress request using this Idempotency-Key: {shown}.",
            type="idempotency_error",
            code="idempotency_key_in_use",
            began=False,
        )
    transaction.execute("update keys set taken_at = ? where key = ?", (now, key))
    return None


def save(transaction: Transaction, key: str, answer: Answer) -> None:
    """Keep the answer of finished work for its key."""
    transaction.execute("update keys set status = ?, body = ? where key = ?", (answer.status, answer.body, key))


def release(transaction: Transaction, key: str) -> None:
    """Forget a key under which no work began."""
    transaction.execute("delete from keys where key = ? and status is null", (key,))
