"""Work on invoices off the request: sending to Stripe, working off its webhooks, asking how it sees an invoice.

Each can be run again at any time: what was done is not done twice.
"""

import random
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import update

from billing.stripe_results import StripeFailure, StripeInvoice, StripeOutcomeUnknown, StripeRefused
from staffing import clock
from staffing.invoicing import stripe_state, stripe_sync
from staffing.invoicing.gateway import gateway_for
from staffing.invoicing.models import Invoice, InvoiceState, StripeEvent
from staffing.invoicing.service import CHECK, SEND
from staffing.invoicing.stripe_calls import AttemptOver, most_tries
from staffing.invoicing.stripe_sync import StripeDisagrees
from staffing.invoicing.webhooks import PROCESS
from staffing.persistence.jobs import JobContext, JobKind, TryAgain
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Transaction
from staffing.settings import Settings

if TYPE_CHECKING:
    from billing.stripe_gateway import StripeGateway

FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=1)


def resources(settings: Settings) -> dict[type, Any]:
    """What the worker gives these jobs, by type."""
    from billing.stripe_gateway import StripeGateway

    return {StripeGateway: gateway_for(settings)}


async def send(context: JobContext, payload: Mapping[str, str]) -> None:
    """Bring a finalised invoice to Stripe. Passing trouble is tried again by itself; what is refused waits for a person."""
    invoice_id = UUID(payload["id"])
    try:
        await stripe_sync.send_invoice(context.database, _gateway(context), invoice_id)
    except StripeFailure as failure:
        if not passing(failure):
            await _show_problem(context, invoice_id, stripe_sync.in_plain_words(failure))
            return
        await _show_problem(context, invoice_id, f"{failure.in_words} It is tried again by itself.")
        facility_id = await _facility_of(context, invoice_id)
        tries = await most_tries(context.database, facility_id, invoice_id)
        raise TryAgain(wait_after(tries), str(failure)) from failure
    except AttemptOver:
        problem = "For a day it was not known whether Stripe had this invoice; it has not. Look there before you try again."
        await _show_problem(context, invoice_id, problem)
    except StripeDisagrees as difference:
        await _show_problem(context, invoice_id, str(difference))


async def process_event(context: JobContext, payload: Mapping[str, str]) -> None:
    """Work off a stored webhook: fetch its invoice as it is now, and take that into our books."""
    async with context.database.transaction(SYSTEM) as tx:
        event = await tx.get(StripeEvent, payload["id"])
    if event is None or event.processed_at is not None:
        return
    if not event.type.startswith("invoice.") or not event.object_id.startswith("in_"):
        async with context.database.transaction(SYSTEM) as tx:
            await _close(tx, event.id, "ignored: not about an invoice")
        return
    said = await _fetch(context, event.object_id)
    async with context.database.transaction(SYSTEM) as tx:
        outcome = "ignored: Stripe has no such invoice" if said is None else await _take(tx, said)
        await _close(tx, event.id, outcome)


async def check(context: JobContext, payload: Mapping[str, str]) -> None:
    """Ask Stripe how it sees an invoice, and take that into our books: finds a payment whose webhook was lost."""
    async with context.database.transaction(SYSTEM) as tx:
        invoice = await tx.get(Invoice, UUID(payload["id"]))
    if invoice is None or invoice.stripe_invoice_id is None:
        return
    said = await _fetch(context, invoice.stripe_invoice_id)
    if said is None:
        await _show_problem(context, invoice.id, "Stripe does not have this invoice any more.")
        return
    async with context.database.transaction(SYSTEM) as tx:
        await stripe_state.record(tx, invoice.id, said)


def passing(failure: StripeFailure) -> bool:
    """Whether trying again can help without anybody doing something."""
    return failure.retry_same_key or isinstance(failure, StripeOutcomeUnknown)


def wait_after(tries: int) -> timedelta:
    """5 s, doubling to an hour; a random part keeps two hundred invoices from coming back at one instant."""
    longest = min(FIRST_WAIT * (1 << min(tries - 1, 16)), LONGEST_WAIT)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


async def _take(tx: Transaction, said: StripeInvoice) -> str:
    ours = said.metadata.get("invoice_id", "")
    try:
        invoice_id = UUID(ours)
    except ValueError:
        return "ignored: not an invoice of ours"
    return await stripe_state.record(tx, invoice_id, said)


async def _fetch(context: JobContext, stripe_invoice_id: str) -> StripeInvoice | None:
    """The invoice as Stripe holds it now; None when there is none. Raises `TryAgain` while Stripe cannot be asked."""
    try:
        return await _gateway(context).retrieve_invoice(stripe_invoice_id)
    except StripeRefused as refused:
        if refused.code != "resource_missing":
            raise
        return None
    except StripeFailure as failure:
        raise TryAgain(wait_after(3), str(failure)) from failure


def _gateway(context: JobContext) -> "StripeGateway":
    from billing.stripe_gateway import StripeGateway

    return context.resource(StripeGateway)


async def _facility_of(context: JobContext, invoice_id: UUID) -> UUID:
    async with context.database.transaction(SYSTEM) as tx:
        return (await tx.get_one(Invoice, invoice_id)).facility_id


async def _show_problem(context: JobContext, invoice_id: UUID, sentence: str) -> None:
    async with context.database.transaction(SYSTEM) as tx:
        await tx.execute(update(Invoice).where(Invoice.id == invoice_id).values(stripe_problem=sentence))


async def _close(tx: Transaction, event_id: str, outcome: str) -> None:
    done = update(StripeEvent).where(StripeEvent.id == event_id)
    await tx.execute(done.values(processed_at=clock.now(), outcome=outcome))


async def _gave_up_sending(context: JobContext, payload: Mapping[str, str], why: str) -> None:
    async with context.database.transaction(SYSTEM) as tx:
        invoice = await tx.get(Invoice, UUID(payload["id"]))
        if invoice is not None and invoice.state == InvoiceState.FINALIZED:
            invoice.stripe_problem = "Sending stopped because of a fault on our side. Nothing was charged; try again."


async def _gave_up_event(context: JobContext, payload: Mapping[str, str], why: str) -> None:
    async with context.database.transaction(SYSTEM) as tx:
        await tx.execute(update(StripeEvent).where(StripeEvent.id == payload["id"]).values(outcome=f"failed: {why}"))


KINDS: list[JobKind] = [
    JobKind(SEND, send, give_up=_gave_up_sending),
    JobKind(PROCESS, process_event, give_up=_gave_up_event),
    JobKind(CHECK, check),
]
