"""Looking after what was begun and never ended: calls whose outcome is not known, events and payments that wait.

Each job comes again by itself while its trouble passes. This is for those that ended all the same: a worker that died three
times, a job that was lost. What it finds it gives to the same jobs, and they look at Stripe before they do anything.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, or_, select

from staffing import clock
from staffing.crediting.models import CreditNote
from staffing.invoicing.models import Invoice, InvoiceState
from staffing.invoicing.service import CHECK, SEND, VOID_AT_STRIPE
from staffing.payments.models import Payment, PaymentSetup, PaymentState, SetupState, StripeCall, StripeEvent
from staffing.payments.names import CHARGE, CREDIT_NOTE, DETACH, REFUND, SETUP, TRIED_AGAIN, WRITE_OFF
from staffing.payments.stripe_calls import CallState
from staffing.payments.webhooks import PROCESS
from staffing.persistence import jobs
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database, Transaction

EVERY = timedelta(minutes=5)
"""How often this runs: a call younger than that may still be under way."""
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_OF_INVOICE = {"pay": CHARGE, "void": VOID_AT_STRIPE, "uncollectible": WRITE_OFF}
_OF_SUBJECT = {"credit_note": CREDIT_NOTE, "refund": REFUND, "setup": SETUP}


async def look_after(database: Database) -> int:
    """Give everything that waits too long to its job once more. How much it was."""
    async with database.transaction(SYSTEM) as tx:
        now = clock.now()
        wanted = {*await _calls(tx, now), *await _events(tx, now), *await _payments(tx, now), *await _setups(tx, now)}
        wanted |= {*await _sendings(tx, now), *await _credit_notes(tx, now), *await _endings(tx, now)}
        for kind, payload in sorted(wanted):
            await jobs.enqueue(tx, kind, dict(payload), dedupe=":".join((kind, dict(payload)["id"])))
        return len(wanted)


Wanted = tuple[str, tuple[tuple[str, str], ...]]


def is_turn(age: timedelta, now: datetime) -> bool:
    """Whether something of this age is looked at now: every five minutes, after an hour hourly, after a day daily."""
    if age < EVERY:
        return False
    since_midnight = timedelta(hours=now.hour, minutes=now.minute, seconds=now.second)
    if age < _HOUR:
        return True
    return since_midnight % (_HOUR if age < _DAY else _DAY) < EVERY


async def _calls(tx: Transaction, now: datetime) -> list[Wanted]:
    found = await tx.scalars(select(StripeCall).where(StripeCall.state.in_([CallState.INTENDED.value, CallState.UNKNOWN.value])))
    wanted: list[Wanted] = []
    for call in found:
        if is_turn(now - call.intended_at, now):
            wanted += await _job_of(tx, call)
    return wanted


async def _job_of(tx: Transaction, call: StripeCall) -> list[Wanted]:
    """The job that makes this call; none when what it was for has gone on without it."""
    kind, _, object_id = call.subject.partition(":")
    if kind in _OF_SUBJECT:
        return [_wanted(_OF_SUBJECT[kind], object_id)]
    if kind == "payment_method":
        return [(DETACH, (("facility", str(call.facility_id)), ("id", object_id)))]
    if call.invoice_id is None:
        # The customer or a tax rate: made by whatever needs it next.
        waiting = select(Invoice.id).where(Invoice.facility_id == call.facility_id, Invoice.state == InvoiceState.FINALIZED.value)
        return [_wanted(SEND, one) for one in await tx.scalars(waiting)]
    if call.purpose in _OF_INVOICE:
        return [_wanted(_OF_INVOICE[call.purpose], call.invoice_id)]
    invoice = await tx.get_one(Invoice, call.invoice_id)
    if invoice.state == InvoiceState.FINALIZED:
        return [_wanted(SEND, invoice.id)]
    if invoice.stripe_invoice_id is not None:
        # It went through: a webhook told before the outcome could be stored.
        call.state, call.object_id, call.finished_at = CallState.DONE.value, invoice.stripe_invoice_id, clock.now()
    return []


async def _events(tx: Transaction, now: datetime) -> list[Wanted]:
    rows = await tx.execute(select(StripeEvent.id, StripeEvent.received_at).where(StripeEvent.processed_at.is_(None)))
    return [_wanted(PROCESS, event_id) for event_id, received_at in rows if is_turn(now - received_at, now)]


async def _payments(tx: Transaction, now: datetime) -> list[Wanted]:
    """Bank debits under way: Stripe is asked about them, in case nobody tells us how they ended."""
    rows = await tx.execute(select(Payment.invoice_id, Payment.started_at).where(Payment.state == PaymentState.PROCESSING.value))
    return [_wanted(CHECK, invoice_id) for invoice_id, started_at in rows if is_turn(now - started_at, now)]


async def _setups(tx: Transaction, now: datetime) -> list[Wanted]:
    rows = await tx.execute(
        select(PaymentSetup.id, PaymentSetup.requested_at).where(PaymentSetup.state == SetupState.REQUESTED.value)
    )
    return [_wanted(SETUP, setup_id) for setup_id, requested_at in rows if is_turn(now - requested_at, now)]


async def _sendings(tx: Transaction, now: datetime) -> list[Wanted]:
    """Final invoices that Stripe does not have, without anybody having to look at why."""
    nobody_looks = or_(Invoice.stripe_problem == "", Invoice.stripe_problem.endswith(TRIED_AGAIN))
    waiting = select(Invoice.id, Invoice.finalized_at).where(
        Invoice.state == InvoiceState.FINALIZED.value, nobody_looks, Invoice.finalized_at.is_not(None)
    )
    rows = await tx.execute(waiting)
    return [_wanted(SEND, invoice_id) for invoice_id, final_at in rows if final_at and is_turn(now - final_at, now)]


async def _credit_notes(tx: Transaction, now: datetime) -> list[Wanted]:
    """Credit notes that Stripe does not have: it refuses them while a bank debit is under way, of which we may not know yet."""
    missing = select(CreditNote.id, CreditNote.issued_at).where(CreditNote.stripe_credit_note_id.is_(None))
    return [_wanted(CREDIT_NOTE, note_id) for note_id, issued_at in await tx.execute(missing) if is_turn(now - issued_at, now)]


async def _endings(tx: Transaction, now: datetime) -> list[Wanted]:
    """Invoices that were withdrawn or written off here and are open at Stripe still, for the same reason."""
    rows = await tx.execute(
        select(Invoice.id, Invoice.state, func.coalesce(Invoice.voided_at, Invoice.uncollectible_at)).where(
            Invoice.state.in_([InvoiceState.VOID.value, InvoiceState.UNCOLLECTIBLE.value]), Invoice.stripe_status == "open"
        )
    )
    kinds = {InvoiceState.VOID.value: VOID_AT_STRIPE, InvoiceState.UNCOLLECTIBLE.value: WRITE_OFF}
    return [_wanted(kinds[state], invoice_id) for invoice_id, state, ended_at in rows if is_turn(now - ended_at, now)]


def _wanted(kind: str, object_id: UUID | str) -> Wanted:
    return kind, (("id", str(object_id)),)
