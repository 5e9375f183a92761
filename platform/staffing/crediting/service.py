"""Taking back what was invoiced: credit notes, withdrawing an issued invoice, giving up what nobody will pay.

What touches payments besides (refunds, payments under way) is in `payments.corrections`, which the pages call.
Order of locks: the facility's billing account, the invoice, its work entries, the number series.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from billing.ledger import credit_issued, credit_kept, written_off
from billing.money import Money
from staffing import clock
from staffing.contracts.amounts import money_text
from staffing.crediting.errors import CreditNotPossible, OutcomeChanged
from staffing.crediting.models import CreditNote, CreditNoteLine, CreditReason
from staffing.crediting.rules import Asked, Outcome, Taken, TooMuch, settle, take
from staffing.crediting.standing import creditable, standing
from staffing.errors import Invalid, NotFound
from staffing.identity import queries as identity
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing import accounts, booking, numbering
from staffing.invoicing import service as invoicing
from staffing.invoicing.errors import ChangedSinceSeen, StepNotPossible
from staffing.invoicing.lifecycle import Step
from staffing.invoicing.models import Invoice, InvoiceState
from staffing.invoicing.steps import take_step
from staffing.persistence import audit, jobs
from staffing.persistence.base import new_id
from staffing.persistence.failpoints import failpoint
from staffing.persistence.transactions import Transaction
from staffing.worklog.models import WorkEntry
from staffing.worklog.service import settle_by_credit

CREDIT_NOTE_AT_STRIPE = "payments.credit_note"
WRITE_OFF_AT_STRIPE = "payments.write_off"
LONGEST_REASON = 500

_WHY_NOT = {
    InvoiceState.DRAFT: "This invoice is a draft: change it, or withdraw it.",
    InvoiceState.REVIEWED: "This invoice is not final yet: change it, or withdraw it.",
    InvoiceState.FINALIZED: "This invoice is on its way to Stripe. It can be credited as soon as it is there.",
    InvoiceState.VOID: "This invoice was withdrawn: nothing of it is owed.",
    InvoiceState.UNCOLLECTIBLE: "This invoice was written off: what was not paid of it is given up already.",
}


class To(StrEnum):
    """Where that part of a credit note goes which was paid already."""

    REFUND = "refund"
    BALANCE = "balance"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a credit note would be: nothing of it is written."""

    lines: tuple[Taken, ...]
    outcome: Outcome
    left_minor: int
    """Owed on the invoice afterwards."""

    @property
    def seal(self) -> str:
        """What a person confirms: the same lines and figures give the same text."""
        return sha256(repr((self.lines, self.outcome)).encode()).hexdigest()[:24]


async def locked(tx: Transaction, invoice_id: UUID) -> Invoice:
    """The invoice with its facility's account, kept from changing until the transaction ends. Raises `NotFound`."""
    facility_id = await tx.scalar(select(Invoice.facility_id).where(Invoice.id == invoice_id))
    if facility_id is None:
        raise NotFound
    await accounts.locked(tx, facility_id)
    found = await tx.execute(
        select(Invoice).where(Invoice.id == invoice_id).with_for_update().execution_options(populate_existing=True)
    )
    return found.scalar_one()


def why_not(state: str) -> str:
    """Why an invoice in `state` takes no credit note; empty when it does."""
    return _WHY_NOT.get(InvoiceState(state), "")


async def issued_before(tx: Transaction, invoice: Invoice, form_id: UUID) -> CreditNote | None:
    """The credit note that this form made. Raises `NotFound` when it was another invoice's form."""
    note = await tx.scalar(select(CreditNote).where(CreditNote.form_id == form_id))
    if note is not None and note.invoice_id != invoice.id:
        raise NotFound
    return note


async def planned(tx: Transaction, invoice: Invoice, asked: Sequence[Asked], to: To) -> Plan:
    """What crediting `asked` would do. Raises `CreditNotPossible`, `NotFound`, `Invalid` (`lines`, or `line-<id>` for a line)."""
    if because := why_not(invoice.state):
        raise CreditNotPossible.on_invoice(because, invoice.id)
    if not asked:
        raise Invalid(lines="Choose at least one line, and how much of it.")
    found = await creditable(tx, invoice)
    if any(one.line_id not in found.lines for one in asked):
        raise NotFound
    if any(one.entry_id is not None and (one.line_id, one.entry_id) not in found.entries for one in asked):
        raise NotFound
    try:
        taken = take(found.lines, asked, found.entries, invoice.currency)
    except TooMuch as problem:
        raise Invalid(**{f"line-{problem.line_id}": str(problem)}) from problem
    owed = (await standing(tx, invoice.id)).owed_minor
    inclusive = any(rate["inclusive"] for rate in invoice.tax_rates)
    outcome = settle(taken, inclusive=inclusive, owed_minor=owed, refund=to is To.REFUND)
    if outcome.total_minor > found.left_minor:
        raise Invalid(lines=f"Only {money_text(found.left_minor, invoice.currency)} of this invoice is not credited yet.")
    return Plan(taken, outcome, max(owed, 0) - outcome.applied_minor)


async def issue(
    tx: Transaction,
    principal: Principal,
    invoice: Invoice,
    asked: Sequence[Asked],
    *,
    reason: CreditReason,
    form_id: UUID,
    to: To,
    settled: str = "",
    confirmed: str | None = None,
) -> CreditNote:
    """Issue a credit note for an invoice that the caller has `locked`: number, ledger and job in this transaction.

    `settled` is the sentence with which a dispute about the credited entries ends. `confirmed` is the seal of the plan that
    the person saw: `OutcomeChanged` when it would be another one now.
    """
    principal.require(Permission.DESK_CREDITS_ISSUE)
    plan = await planned(tx, invoice, asked, to)
    if confirmed is not None and confirmed != plan.seal:
        raise OutcomeChanged.on_invoice(
            "What the credit note does changed since you looked at it. Look at it once more.", invoice.id
        )
    await _settle_disputes(tx, principal, asked, settled)
    at = clock.now()
    note = CreditNote(
        id=new_id(),
        facility_id=invoice.facility_id,
        invoice_id=invoice.id,
        number=await _number(tx),
        form_id=form_id,
        reason=reason.value,
        currency=invoice.currency,
        subtotal_minor=plan.outcome.subtotal_minor,
        tax_minor=plan.outcome.tax_minor,
        total_minor=plan.outcome.total_minor,
        applied_minor=plan.outcome.applied_minor,
        refund_minor=plan.outcome.refund_minor,
        balance_minor=plan.outcome.balance_minor,
        issued_at=at,
        issued_by=principal.account_id,
    )
    tx.add(note)
    await tx.flush()
    tx.add_all(_line(note, position, one) for position, one in enumerate(plan.lines, start=1))
    await tx.flush()
    failpoint("credit_note.after_number")
    await _book(tx, note)
    failpoint("credit_note.after_ledger")
    audit.note(tx, "credit_note.issue", "credit_note", note.id, facility_id=note.facility_id, detail=f"{len(plan.lines)} lines")
    await jobs.enqueue(tx, CREDIT_NOTE_AT_STRIPE, {"id": str(note.id)}, dedupe=f"{CREDIT_NOTE_AT_STRIPE}:{note.id}")
    return note


async def void(tx: Transaction, principal: Principal, invoice_id: UUID, reason: str, *, seen_version: int | None) -> Invoice:
    """Withdraw an issued invoice of which nothing is paid or credited, with the reason that its facility reads."""
    because = _reason(reason)
    invoice = await invoicing.void(tx, principal, invoice_id, seen_version=seen_version)
    invoice.voided_because = because
    await tx.flush()
    return invoice


async def write_off(tx: Transaction, principal: Principal, invoice_id: UUID, reason: str, *, seen_version: int | None) -> Invoice:
    """Give up what is still owed on an issued invoice. It can be paid later all the same.

    Raises `NotAllowed`, `NotFound`, `Invalid` (`reason`), `ChangedSinceSeen`, `StepNotPossible`.
    """
    principal.require(Permission.DESK_INVOICES_WRITE_OFF)
    because = _reason(reason)
    invoice = await locked(tx, invoice_id)
    if seen_version is not None and seen_version != invoice.version:
        raise ChangedSinceSeen.on_invoice("", invoice.id)
    if invoice.state == InvoiceState.FINALIZED:
        raise StepNotPossible.on_invoice("It is on its way to Stripe. It can be written off as soon as it is there.", invoice.id)
    owed = (await standing(tx, invoice.id)).owed_minor
    take_step(tx, invoice, Step.WRITE_OFF)
    if owed <= 0:
        raise StepNotPossible.on_invoice("Nothing is owed on this invoice: there is nothing to write off.", invoice.id)
    at = clock.now()
    invoice.uncollectible_at, invoice.uncollectible_because = at, because
    await tx.flush()
    entry = written_off(str(invoice.facility_id), str(invoice.id), Money(owed, invoice.currency))
    await booking.book(tx, entry, invoice.id, at)
    await jobs.enqueue(tx, WRITE_OFF_AT_STRIPE, {"id": str(invoice.id)}, dedupe=f"{WRITE_OFF_AT_STRIPE}:{invoice.id}")
    return invoice


async def _settle_disputes(tx: Transaction, principal: Principal, asked: Sequence[Asked], settled: str) -> None:
    """A credit note for a disputed entry is the end of the dispute."""
    for entry_id in sorted({one.entry_id for one in asked if one.entry_id is not None}):
        entry = await tx.get_one(WorkEntry, entry_id, with_for_update=True, populate_existing=True)
        if entry.disputed_at is None:
            continue
        try:
            await settle_by_credit(tx, principal, entry_id, settled)
        except Invalid as problem:
            raise Invalid(settled=problem.fields["reason"]) from problem


async def _number(tx: Transaction) -> str:
    """The next number, by the year on the agency's calendar. The series stays locked from here on."""
    agency = await identity.agency(tx)
    zone = ZoneInfo(agency.time_zone if agency else "UTC")
    return await numbering.next_credit_number(tx, clock.now().astimezone(zone).year)


def _line(note: CreditNote, position: int, taken: Taken) -> CreditNoteLine:
    return CreditNoteLine(
        id=new_id(),
        facility_id=note.facility_id,
        credit_note_id=note.id,
        invoice_line_id=taken.line_id,
        entry_id=taken.entry_id,
        position=position,
        minutes=taken.minutes,
        amount_minor=taken.amount_minor,
        tax_minor=taken.tax_minor,
    )


async def _book(tx: Transaction, note: CreditNote) -> None:
    facility, source = str(note.facility_id), str(note.id)
    subtotal, tax = Money(note.subtotal_minor, note.currency), Money(note.tax_minor, note.currency)
    await booking.book(tx, credit_issued(facility, source, subtotal, tax), note.invoice_id, note.issued_at)
    if note.balance_minor:
        kept = Money(note.balance_minor, note.currency)
        await booking.book(tx, credit_kept(facility, source, kept), note.invoice_id, note.issued_at)


def _reason(text: str) -> str:
    sentence = text.strip()
    if not sentence:
        raise Invalid(reason="Please say in a sentence why.")
    if len(sentence) > LONGEST_REASON:
        raise Invalid(reason=f"Please shorten this to {LONGEST_REASON} characters.")
    return sentence
