"""Idempotency keys: under which one step for one of our objects is sent to Stripe, and sent again."""

from __future__ import annotations

import re
from uuid import UUID

from billing.stripe.values import NotAllowedToLeave

STEPS = {
    "facility": frozenset({"customer", "default", "detach"}),
    "invoice": frozenset({"create", "lines", "finalize", "send", "pay", "paid_elsewhere", "void", "uncollectible", "delete"}),
    "credit_note": frozenset({"create", "void"}),
    "refund": frozenset({"create"}),
    "setup": frozenset({"create"}),
    "tax_rate": frozenset({"create"}),
}
"""What can be done, by the kind of our object that it is done for."""

_KEY = re.compile(
    "(?:"
    + "|".join(f"{kind}:[0-9a-f-]{{36}}:(?:{'|'.join(sorted(steps))})" for kind, steps in STEPS.items())
    + r")(?::[0-9]{1,4}){1,2}"
)


def idempotency_key(kind: str, object_id: UUID, step: str, attempt: int = 1, part: int | None = None) -> str:
    """The key under which one step for one of our objects is sent: `invoice:<id>:finalize:1`.

    `kind` and `step` are of `STEPS`; `part` numbers the calls of a step that needs several (250 lines each). Store it
    before the call, and send the same again after an unknown outcome. Raises `NotAllowedToLeave` for anything else.
    """
    key = f"{kind}:{object_id}:{step}:{attempt}" + ("" if part is None else f":{part}")
    return checked_key(key)


def checked_key(key: str) -> str:
    """`key` when it is one that `idempotency_key` makes; raises `NotAllowedToLeave` otherwise."""
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise NotAllowedToLeave("An idempotency key is made by billing.stripe.keys.idempotency_key.")
    return key
