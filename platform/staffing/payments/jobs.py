"""Work with Stripe off the request: sending, charging, correcting, working off its webhooks, comparing.

Each can be run again at any time: what was done is not done twice. Passing trouble is tried again by itself, with growing waits;
what is refused waits for a person.
"""

import random
from collections.abc import Awaitable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select, update

from billing.stripe.events import WebhookRefused, read_event, subject_of
from billing.stripe.failures import StripeFailure, StripeOutcomeUnknown
from staffing import clock
from staffing.crediting.models import CreditNote
from staffing.invoicing.models import Invoice, InvoiceState
from staffing.invoicing.service import CHECK, SEND, VOID_AT_STRIPE
from staffing.payments import back_filling, charging, correcting, janitor, names, reconciling, saving, sending
from staffing.payments.following import follow, follow_invoice
from staffing.payments.gateway import gateway_for, return_url
from staffing.payments.models import PaymentSetup, SetupState, StripeCall, StripeEvent
from staffing.payments.sending import StripeDisagrees
from staffing.payments.stripe_calls import AttemptOver, CallState
from staffing.payments.webhooks import PROCESS
from staffing.persistence.jobs import JobContext, JobKind, Repeating, TryAgain
from staffing.persistence.tenancy import SYSTEM
from staffing.settings import Settings

if TYPE_CHECKING:
    from billing.stripe.gateway import StripeGateway

FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=1)
IN_DOUBT = "For a day it was not known whether Stripe had done this; it has not. Look there before you try again."
OUR_FAULT = "This stopped because of a fault on our side. Nothing was charged; try again."


def resources(settings: Settings) -> dict[type, Any]:
    """What the worker gives these jobs, by type."""
    from billing.stripe.gateway import StripeGateway

    return {StripeGateway: gateway_for(settings)}


def passing(failure: StripeFailure) -> bool:
    """Whether trying again can help without anybody doing something."""
    return failure.retry_same_key or isinstance(failure, StripeOutcomeUnknown)


def wait_after(tries: int) -> timedelta:
    """5 s, doubling to an hour; a random part keeps two hundred invoices from coming back at one instant."""
    longest = min(FIRST_WAIT * (1 << min(tries - 1, 16)), LONGEST_WAIT)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


async def send(context: JobContext, payload: Mapping[str, str]) -> None:
    """Bring a finalised invoice to Stripe."""
    invoice_id = UUID(payload["id"])
    problem = await _done(context, sending.send_invoice(context.database, _gateway(context), invoice_id), "invoice", invoice_id)
    if problem:
        await _show_problem(context, invoice_id, problem)


async def charge(context: JobContext, payload: Mapping[str, str]) -> None:
    """Charge a facility's saved way to pay for an invoice."""
    invoice_id = UUID(payload["id"])
    problem = await _done(context, charging.charge(context.database, _gateway(context), invoice_id), "payment", invoice_id)
    if problem:
        await _show_problem(context, invoice_id, problem)


async def void(context: JobContext, payload: Mapping[str, str]) -> None:
    """Withdraw an invoice at Stripe that was withdrawn here."""
    invoice_id = UUID(payload["id"])
    problem = await _done(context, correcting.void(context.database, _gateway(context), invoice_id), "withdrawal", invoice_id)
    if problem:
        await _show_problem(context, invoice_id, problem)


async def write_off(context: JobContext, payload: Mapping[str, str]) -> None:
    """Note at Stripe that an invoice was given up."""
    invoice_id = UUID(payload["id"])
    problem = await _done(context, correcting.write_off(context.database, _gateway(context), invoice_id), "write-off", invoice_id)
    if problem:
        await _show_problem(context, invoice_id, problem)


async def refund(context: JobContext, payload: Mapping[str, str]) -> None:
    """Send money back. What Stripe refuses has failed; the reason is kept."""
    refund_id = UUID(payload["id"])
    problem = await _done(context, correcting.refund(context.database, _gateway(context), refund_id), "refund", refund_id)
    if problem:
        await correcting.refund_failed(context.database, refund_id, problem)


async def credit_note(context: JobContext, payload: Mapping[str, str]) -> None:
    """Issue a credit note at Stripe, with its refund."""
    note_id = UUID(payload["id"])
    problem = await _done(context, correcting.credit_note(context.database, _gateway(context), note_id), "credit note", note_id)
    if problem:
        async with context.database.transaction(SYSTEM) as tx:
            await tx.execute(update(CreditNote).where(CreditNote.id == note_id).values(stripe_problem=problem))


async def setup(context: JobContext, payload: Mapping[str, str]) -> None:
    """Have a page made on which a way to pay is saved."""
    setup_id = UUID(payload["id"])
    url = return_url(context.resource(Settings))
    problem = await _done(context, saving.open_page(context.database, _gateway(context), setup_id, url), "page", setup_id)
    if problem:
        asked = update(PaymentSetup).where(PaymentSetup.id == setup_id, PaymentSetup.state == SetupState.REQUESTED.value)
        async with context.database.transaction(SYSTEM) as tx:
            await tx.execute(asked.values(state=SetupState.FAILED.value, problem=problem, closed_at=clock.now()))


async def detach(context: JobContext, payload: Mapping[str, str]) -> None:
    """Have Stripe forget a saved way to pay. What Stripe does not know any more is forgotten."""
    facility_id = UUID(payload["facility"])
    await _done(context, saving.forget(context.database, _gateway(context), facility_id, payload["id"]), "removal", facility_id)


async def process_event(context: JobContext, payload: Mapping[str, str]) -> None:
    """Work off a stored webhook: fetch what it is about as it is now, and take that into our books."""
    async with context.database.transaction(SYSTEM) as tx:
        event = await tx.get(StripeEvent, payload["id"])
    if event is None or event.processed_at is not None:
        return
    try:
        subject = subject_of(read_event(event.payload))
    except WebhookRefused:
        subject = None
    outcome = "ignored: not about anything of ours"
    if subject is not None:
        outcome = await _asked(follow(context.database, _gateway(context), subject))
    async with context.database.transaction(SYSTEM) as tx:
        done = update(StripeEvent).where(StripeEvent.id == event.id, StripeEvent.processed_at.is_(None))
        await tx.execute(done.values(processed_at=clock.now(), outcome=outcome))


async def check(context: JobContext, payload: Mapping[str, str]) -> None:
    """Ask Stripe how it sees an invoice, and take that into our books: finds a payment whose webhook was lost."""
    async with context.database.transaction(SYSTEM) as tx:
        invoice = await tx.get(Invoice, UUID(payload["id"]))
    if invoice is None or invoice.stripe_invoice_id is None:
        return
    outcome = await _asked(follow_invoice(context.database, _gateway(context), invoice.stripe_invoice_id))
    if outcome.startswith("ignored") and invoice.state != InvoiceState.VOID:
        await _show_problem(context, invoice.id, "Stripe does not have this invoice any more.")


async def reconcile(context: JobContext, payload: Mapping[str, str]) -> None:
    """Compare our books with Stripe's."""
    by = UUID(payload["by"]) if payload.get("by") else None
    try:
        await reconciling.reconcile(context.database, _gateway(context), by)
    except StripeFailure as failure:
        if by is None and passing(failure):
            raise TryAgain(LONGEST_WAIT, str(failure)) from failure


async def back_fill(context: JobContext, payload: Mapping[str, str]) -> None:
    """Take in events whose webhooks never came."""
    try:
        await back_filling.back_fill(context.database, _gateway(context))
    except StripeFailure as failure:
        raise TryAgain(LONGEST_WAIT, str(failure)) from failure


async def look_after(context: JobContext, payload: Mapping[str, str]) -> None:
    """Give what waits too long to its job once more."""
    await janitor.look_after(context.database)


async def _done(context: JobContext, work: Awaitable[None], what: str, object_id: UUID) -> str:
    """Have `work` done. Why it cannot be, for people; empty when it is. Raises `TryAgain` while trouble may pass."""
    try:
        await work
    except StripeFailure as failure:
        if not passing(failure):
            return sending.in_plain_words(failure) if what == "invoice" else correcting.in_plain_words(what, failure)
        if what in ("invoice", "payment"):
            await _show_problem(context, object_id, f"{failure.in_words} {names.TRIED_AGAIN}")
        raise TryAgain(wait_after(await _tries(context, object_id)), str(failure)) from failure
    except AttemptOver:
        return IN_DOUBT
    except StripeDisagrees as difference:
        return str(difference)
    return ""


async def _asked(work: Awaitable[str]) -> str:
    """The answer. Raises `TryAgain` while Stripe cannot be asked."""
    try:
        return await work
    except StripeFailure as failure:
        if not passing(failure):
            raise
        raise TryAgain(wait_after(3), str(failure)) from failure


async def _tries(context: JobContext, object_id: UUID) -> int:
    """How often the most stubborn open call for this object, or its facility's customer, was tried: waits grow with it."""
    async with context.database.transaction(SYSTEM) as tx:
        facility = select(Invoice.facility_id).where(Invoice.id == object_id).scalar_subquery()
        tries = await tx.scalars(
            select(StripeCall.tries).where(
                StripeCall.state.in_([CallState.INTENDED.value, CallState.UNKNOWN.value]),
                (StripeCall.invoice_id == object_id)
                | StripeCall.subject.endswith(str(object_id))
                | ((StripeCall.facility_id == facility) & StripeCall.invoice_id.is_(None)),
            )
        )
        return max(tries, default=1)


def _gateway(context: JobContext) -> "StripeGateway":
    from billing.stripe.gateway import StripeGateway

    return context.resource(StripeGateway)


async def _show_problem(context: JobContext, invoice_id: UUID, sentence: str) -> None:
    of_invoice = update(Invoice).where(Invoice.id == invoice_id)
    async with context.database.transaction(SYSTEM) as tx:
        await tx.execute(of_invoice.values(stripe_problem=sentence, version=Invoice.version + 1))


async def _gave_up_invoice(context: JobContext, payload: Mapping[str, str], why: str) -> None:
    of_invoice = update(Invoice).where(Invoice.id == UUID(payload["id"]), Invoice.state != InvoiceState.PAID.value)
    async with context.database.transaction(SYSTEM) as tx:
        await tx.execute(of_invoice.values(stripe_problem=OUR_FAULT))


async def _gave_up_note(context: JobContext, payload: Mapping[str, str], why: str) -> None:
    async with context.database.transaction(SYSTEM) as tx:
        await tx.execute(update(CreditNote).where(CreditNote.id == UUID(payload["id"])).values(stripe_problem=OUR_FAULT))


async def _gave_up_event(context: JobContext, payload: Mapping[str, str], why: str) -> None:
    async with context.database.transaction(SYSTEM) as tx:
        await tx.execute(update(StripeEvent).where(StripeEvent.id == payload["id"]).values(outcome=f"failed: {why}"))


KINDS: list[JobKind] = [
    JobKind(SEND, send, give_up=_gave_up_invoice),
    JobKind(names.CHARGE, charge, give_up=_gave_up_invoice),
    JobKind(VOID_AT_STRIPE, void, give_up=_gave_up_invoice),
    JobKind(names.WRITE_OFF, write_off, give_up=_gave_up_invoice),
    JobKind(names.REFUND, refund),
    JobKind(names.CREDIT_NOTE, credit_note, give_up=_gave_up_note),
    JobKind(names.SETUP, setup),
    JobKind(names.DETACH, detach),
    JobKind(PROCESS, process_event, give_up=_gave_up_event),
    JobKind(CHECK, check),
    JobKind(names.RECONCILE, reconcile, concurrency=1),
    JobKind(names.BACK_FILL, back_fill, concurrency=1),
    JobKind(names.LOOK_AFTER, look_after, concurrency=1),
]
REPEATING: list[Repeating] = [
    Repeating(names.LOOK_AFTER, "*/5 * * * *"),
    Repeating(names.BACK_FILL, "10 5 * * *"),
    Repeating(names.RECONCILE, "40 5 * * *"),
]
"""At times of UTC: the night of the agency's zones in America."""
