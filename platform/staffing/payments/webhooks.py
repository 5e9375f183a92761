"""Taking in a genuine webhook: stored once under Stripe's own id, worked off by a job. Nothing of it is believed here."""

import json
from typing import Any

from sqlalchemy.dialects.postgresql import insert

from billing.stripe.events import Event
from staffing import clock
from staffing.payments.models import StripeEvent
from staffing.persistence import jobs
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Transaction

PROCESS = "invoicing.process_event"


async def take_in(tx: Transaction, event: Event) -> bool:
    """Store `event` and have it worked off. False when it is here already: then nothing happens.

    Stripe is no account of ours: the transaction becomes the system's, for this one row and its job.
    """
    await tx.enter(SYSTEM)
    statement = (
        insert(StripeEvent)
        .values(
            id=event.id,
            type=event.type,
            object_id=event.object_id,
            created_at=event.created,
            received_at=clock.now(),
            payload=storable(event.payload),
            outcome="",
        )
        .on_conflict_do_nothing(index_elements=[StripeEvent.id])
        .returning(StripeEvent.id)
    )
    if (await tx.execute(statement)).scalar_one_or_none() is None:
        return False
    await jobs.enqueue(tx, PROCESS, {"id": event.id})
    return True


def storable(payload: Any) -> Any:
    """The payload without NUL characters, which a payer may have pasted into a field and PostgreSQL cannot hold."""
    escaped = json.dumps(payload).replace("\\\\", "\\u005c")  # so that a written-out \u0000 is not taken for the character
    return json.loads(escaped.replace("\\u0000", ""))
