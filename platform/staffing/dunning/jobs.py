"""The daily look at what is unpaid, and the e-mails that follow from it.

The look comes every hour and does nothing outside the agency's day: what it did is written down per invoice and per facility, so
that it does not matter how often it comes.
"""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from billing.stripe.failures import StripeFailure
from billing.stripe.results import StripeInvoice
from staffing import clock
from staffing.dunning import service
from staffing.dunning.service import SEND_REMINDER
from staffing.invoicing.models import Invoice, InvoiceState
from staffing.payments.jobs import passing, wait_after
from staffing.payments.stripe_calls import AttemptOver, StripeStep, once
from staffing.persistence import jobs
from staffing.persistence.jobs import JobContext, JobKind, Repeating, TryAgain
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Transaction
from staffing.wall_clock import local_hour

if TYPE_CHECKING:
    pass

log = logging.getLogger(__name__)
LOOK = "dunning.look"
REMIND = "dunning.remind"
_UNHURRIED = 8
"""As if tried so often: an e-mail is in no hurry, and Stripe forgets its key after a day."""


async def look(context: JobContext, payload: Mapping[str, str]) -> None:
    """Have every facility looked at that owes something."""
    async with context.database.transaction(SYSTEM) as tx:
        zone = await service.zone_of_agency(tx)
        if local_hour(clock.now(), zone) < service.FIRST_HOUR:
            return
        for facility_id in await service.facilities_to_look_at(tx):
            await jobs.enqueue(tx, REMIND, {"id": str(facility_id)}, dedupe=f"{REMIND}:{facility_id}")


async def remind(context: JobContext, payload: Mapping[str, str]) -> None:
    """Remind one facility of what is due for it today."""
    async with context.database.transaction(SYSTEM) as tx:
        await service.remind_facility(tx, UUID(payload["id"]))


async def send_reminder(context: JobContext, payload: Mapping[str, str]) -> None:
    """Have Stripe send its e-mail about an invoice, unless it was paid meanwhile. The reminder on the portal is there anyway."""
    from billing.stripe.gateway import StripeGateway

    gateway: StripeGateway = context.resource(StripeGateway)
    invoice_id, stage = UUID(payload["invoice_id"]), payload["stage"]
    async with context.database.transaction(SYSTEM) as tx:
        invoice = await tx.get(Invoice, invoice_id)
    if invoice is None or invoice.state != InvoiceState.SENT or invoice.stripe_invoice_id is None:
        return
    stripe_invoice_id = invoice.stripe_invoice_id

    async def look_there() -> StripeInvoice | None:
        """Stripe does not tell whether it wrote; the same key writes once."""
        return None

    async def keep(tx: Transaction, sent: StripeInvoice) -> None:
        """The stage is written down already."""

    try:
        await once(
            context.database,
            StripeStep("send", invoice.facility_id, invoice_id, detail=stage),
            look=look_there,
            do=lambda key: gateway.send_invoice(stripe_invoice_id, idempotency_key=key),
            keep=keep,
        )
    except AttemptOver:
        return
    except StripeFailure as failure:
        if passing(failure):
            raise TryAgain(wait_after(_UNHURRIED), str(failure)) from failure
        log.warning("Stripe sent no e-mail about invoice %s: %s", invoice_id, failure)


KINDS: list[JobKind] = [
    JobKind(LOOK, look, concurrency=1),
    JobKind(REMIND, remind),
    JobKind(SEND_REMINDER, send_reminder),
]
REPEATING: list[Repeating] = [Repeating(LOOK, "7 * * * *")]
"""Every hour of UTC: whatever the agency's zone is, one of them is its morning."""
