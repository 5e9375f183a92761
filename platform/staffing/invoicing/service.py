"""What people do with invoices: draft, review, finalise, withdraw, try sending again, ask Stripe.

Order of locks, the same everywhere: the facility's billing account, the invoice, its work entries, the number series.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select

from billing.ledger import Happening, JournalEntry, invoice_finalised, reversal
from billing.money import Money
from billing.rating import Period
from staffing import clock
from staffing.errors import NotFound
from staffing.facilities.models import Facility
from staffing.identity import queries as identity
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing import accounts, booking, charges, lifecycle, numbering, pausing, work
from staffing.invoicing.drafting import Change, Drafted, draft_invoice, proposed, says
from staffing.invoicing.errors import ChangedSinceDrafted, ChangedSinceSeen, NothingToInvoice, StepNotPossible
from staffing.invoicing.lifecycle import Step
from staffing.invoicing.models import (
    BillingAccount,
    Invoice,
    InvoiceLine,
    InvoiceLineEntry,
    InvoiceState,
    LedgerTransaction,
    RetainerPeriod,
)
from staffing.invoicing.steps import take_step
from staffing.persistence import audit, jobs
from staffing.persistence.failpoints import failpoint
from staffing.persistence.transactions import Transaction
from staffing.worklog.service import mark_invoiced, unmark_invoiced

__all__ = ["Change", "Drafted", "ask_stripe", "draft_invoice", "finalize", "review", "send_again", "void"]

SEND = "invoicing.send"
CHECK = "invoicing.check"
VOID_AT_STRIPE = "payments.void"


@dataclass(frozen=True, slots=True)
class Held:
    """An invoice and its facility's account, kept from changing until the transaction ends."""

    invoice: Invoice
    account: BillingAccount


async def hold(tx: Transaction, invoice_id: UUID) -> Held:
    """Keep the invoice from changing until the transaction ends. Raises `NotFound`."""
    facility_id = (await tx.execute(select(Invoice.facility_id).where(Invoice.id == invoice_id))).scalar_one_or_none()
    if facility_id is None:
        raise NotFound
    account = await accounts.locked(tx, facility_id)
    found = await tx.execute(
        select(Invoice).where(Invoice.id == invoice_id).with_for_update().execution_options(populate_existing=True)
    )
    return Held(found.scalar_one(), account)


async def review(tx: Transaction, principal: Principal, invoice_id: UUID, *, seen_version: int | None = None) -> Invoice:
    """Note that this person has looked through the draft. `seen_version`: what they looked at, else `Conflict`."""
    principal.require(Permission.DESK_INVOICES_WRITE)
    held = await hold(tx, invoice_id)
    _check_seen(held.invoice, seen_version)
    return await review_held(tx, principal, held)


async def review_held(tx: Transaction, principal: Principal, held: Held) -> Invoice:
    """The same for an invoice that the caller holds."""
    principal.require(Permission.DESK_INVOICES_WRITE)
    invoice = held.invoice
    take_step(tx, invoice, Step.REVIEW)
    invoice.reviewed_at, invoice.reviewed_by = clock.now(), principal.account_id
    await tx.flush()
    return invoice


async def finalize(tx: Transaction, principal: Principal, invoice_id: UUID, *, seen_version: int | None = None) -> Invoice:
    """Make a reviewed invoice final: it gets its number and due date, the ledger its booking, Stripe its job.

    Nothing is changed silently: when an entry was disputed or a price changed since it was drafted, it raises
    `ChangedSinceDrafted`. Of two people who finalise at once one wins, the other gets `StepNotPossible`.
    """
    principal.require(Permission.DESK_INVOICES_FINALIZE)
    held = await hold(tx, invoice_id)
    if held.invoice.state not in lifecycle.ISSUED:
        _check_seen(held.invoice, seen_version)
    return await finalize_held(tx, principal, held)


async def finalize_held(tx: Transaction, principal: Principal, held: Held) -> Invoice:
    """The same for an invoice that the caller holds."""
    principal.require(Permission.DESK_INVOICES_FINALIZE)
    invoice, account = held.invoice, held.account
    if invoice.state in lifecycle.ISSUED:
        raise StepNotPossible.on_invoice(f"This invoice was finalised before, as {invoice.number}.", invoice.id)
    lifecycle.after(invoice.state, Step.FINALIZE)
    facility = await tx.get_one(Facility, invoice.facility_id)
    entry_ids = await _check_still_so(tx, invoice, facility)
    await mark_invoiced(tx, entry_ids)
    failpoint("invoice.after_entries_marked")
    at = clock.now()
    agency = await identity.agency(tx)
    zone = ZoneInfo(agency.time_zone if agency else "UTC")
    await booking.book(tx, _journal_entry(invoice), invoice.id, at)
    failpoint("invoice.after_ledger")
    await _enqueue_send(tx, invoice)
    failpoint("invoice.after_send_enqueued")
    take_step(tx, invoice, Step.FINALIZE)
    invoice.finalized_at, invoice.finalized_by = at, principal.account_id
    invoice.due_on = at.astimezone(ZoneInfo(facility.time_zone)).date() + timedelta(days=account.terms_days)
    invoice.collection = account.collection
    # The number comes last, after what takes long: its series stays locked to the end of the transaction, and others wait for it.
    await audit.write_noted(tx)
    invoice.number = await numbering.next_number(tx, at.astimezone(zone).year)
    failpoint("invoice.after_number")
    await tx.flush()
    return invoice


async def void(tx: Transaction, principal: Principal, invoice_id: UUID, *, seen_version: int | None = None) -> Invoice:
    """Withdraw an invoice: its entries and charges are free for another one, its lines stay to be read.

    A final invoice keeps its number, its booking is reversed, and a job withdraws it at Stripe. Raises `StepNotPossible` when
    anything of it is paid or credited already, `NotAllowed` where a final one needs who may finalise.
    """
    principal.require(Permission.DESK_INVOICES_WRITE)
    invoice = (await hold(tx, invoice_id)).invoice
    _check_seen(invoice, seen_version)
    was_final = invoice.state in lifecycle.ISSUED
    if was_final:
        principal.require(Permission.DESK_INVOICES_FINALIZE)
        await _refuse_settled(tx, invoice)
    take_step(tx, invoice, Step.VOID)
    invoice.voided_at = clock.now()
    lines = select(InvoiceLine.id).where(InvoiceLine.invoice_id == invoice.id)
    on_lines = set(await tx.scalars(select(InvoiceLineEntry.entry_id).where(InvoiceLineEntry.line_id.in_(lines))))
    await tx.execute(delete(InvoiceLineEntry).where(InvoiceLineEntry.line_id.in_(lines)))
    await tx.execute(delete(RetainerPeriod).where(RetainerPeriod.invoice_id == invoice.id))
    await charges.free(tx, invoice.id)
    await tx.flush()
    if was_final:
        await unmark_invoiced(tx, on_lines)
        await booking.book(tx, reversal(_journal_entry(invoice)), invoice.id, clock.now())
        await pausing.resume_when_settled(tx, invoice.facility_id)
        await jobs.enqueue(tx, VOID_AT_STRIPE, {"id": str(invoice.id)}, dedupe=f"{VOID_AT_STRIPE}:{invoice.id}")
    return invoice


async def send_again(tx: Transaction, principal: Principal, invoice_id: UUID) -> Invoice:
    """After a problem: have the finalised invoice sent to Stripe once more. What Stripe did already is not done twice."""
    principal.require(Permission.DESK_INVOICES_FINALIZE)
    invoice = (await hold(tx, invoice_id)).invoice
    if invoice.state != InvoiceState.FINALIZED:
        raise StepNotPossible.on_invoice("Only a finalised invoice that Stripe does not have yet can be sent.", invoice.id)
    invoice.stripe_problem = ""
    audit.note(tx, "invoice.send_again", "invoice", invoice.id, facility_id=invoice.facility_id)
    await _enqueue_send(tx, invoice)
    return invoice


async def ask_stripe(tx: Transaction, principal: Principal, invoice_id: UUID) -> Invoice:
    """Have Stripe asked how it sees this invoice; a payment that we were not told about is booked."""
    principal.require(Permission.DESK_INVOICES_WRITE)
    invoice = (await hold(tx, invoice_id)).invoice
    if invoice.stripe_invoice_id is None:
        raise StepNotPossible.on_invoice("Stripe does not know this invoice yet.", invoice.id)
    await jobs.enqueue(tx, CHECK, {"id": str(invoice.id)}, dedupe=f"{CHECK}:{invoice.id}")
    return invoice


async def _enqueue_send(tx: Transaction, invoice: Invoice) -> None:
    await jobs.enqueue(tx, SEND, {"id": str(invoice.id)}, dedupe=f"{SEND}:{invoice.id}")


def _check_seen(invoice: Invoice, seen_version: int | None) -> None:
    if seen_version is not None and seen_version != invoice.version:
        raise ChangedSinceSeen.on_invoice("", invoice.id)


async def _check_still_so(tx: Transaction, invoice: Invoice, facility: Facility) -> list[UUID]:
    """The entries on the invoice, locked, after checking that they and the prices still give the lines that were reviewed."""
    found = await work.locked_on_invoice(tx, invoice.id)
    if found.withdrawn:
        count = len(found.withdrawn)
        what = "1 entry on it is" if count == 1 else f"{count} entries on it are"
        raise ChangedSinceDrafted.on_invoice(
            f"{what} no longer approved. Update the draft: the rest is invoiced, this waits.", invoice.id
        )
    if invoice.total_minor <= 0:
        raise NothingToInvoice.on_invoice("This invoice comes to nothing. Update it, or withdraw it.", invoice.id)
    waiting = await charges.on_invoice(tx, invoice.id)
    period = Period(invoice.period_start_on, invoice.period_end_on)
    proposal = await proposed(tx, facility, invoice.currency, period, found.approved, waiting, invoice.id)
    if not await says(tx, invoice, proposal):
        raise ChangedSinceDrafted.on_invoice(
            "The prices, the hours or a charge changed since this was drafted. Update the draft and review it again.", invoice.id
        )
    return [UUID(entry.id) for entry in found.approved]


async def _refuse_settled(tx: Transaction, invoice: Invoice) -> None:
    """Raise `StepNotPossible` when the ledger has more on this invoice than that it is owed."""
    kinds = set(await tx.scalars(select(LedgerTransaction.kind).where(LedgerTransaction.invoice_id == invoice.id)))
    if kinds - {Happening.INVOICE_FINALISED.value} or invoice.stripe_paid_minor:
        raise StepNotPossible.on_invoice(
            "Something of this invoice is paid or credited already. Correct it with a credit note.", invoice.id
        )


def _journal_entry(invoice: Invoice) -> JournalEntry:
    """What finalising the invoice books: what is earned, and the tax that is owed on."""
    earned = Money(invoice.total_minor - invoice.tax_minor, invoice.currency)
    tax = Money(invoice.tax_minor, invoice.currency)
    return invoice_finalised(str(invoice.facility_id), str(invoice.id), earned, tax)
