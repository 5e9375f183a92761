"""Webhooks that never came: Stripe keeps its events for 30 days, and what is missing here is taken in from its list."""

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from staffing import clock
from staffing.payments import webhooks
from staffing.payments.models import StripeEvent
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database

if TYPE_CHECKING:
    from billing.stripe.gateway import StripeGateway

REACH = timedelta(days=30)
"""So long Stripe keeps events."""


async def back_fill(database: Database, gateway: "StripeGateway", reach: timedelta = REACH) -> list[str]:
    """Store the events that are missing, oldest first, each with its job. Their ids. Raises the `StripeFailure` of the call."""
    events = await gateway.list_events(clock.now() - reach)
    missing = []
    async with database.transaction(SYSTEM) as tx:
        have = set(await tx.scalars(select(StripeEvent.id).where(StripeEvent.id.in_([event.id for event in events]))))
    for event in events:
        if event.id in have:
            continue
        async with database.transaction(SYSTEM) as tx:
            if await webhooks.take_in(tx, event):
                missing.append(event.id)
    return missing
