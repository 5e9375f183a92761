"""Drafting: what an invoice would say now, and writing it down. Doing it again changes nothing unless the work changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import delete, insert, select

from billing.rating import Line
from staffing import clock
from staffing.errors import NotFound
from staffing.facilities.models import Facility
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing import accounts, lifecycle, work
from staffing.invoicing.errors import AlreadyInvoiced, CurrenciesDiffer, NothingToInvoice, RateMissing
from staffing.invoicing.lifecycle import Step
from staffing.invoicing.models import BillingAccount, Invoice, InvoiceLine, InvoiceLineEntry, InvoiceState
from staffing.invoicing.rules import Proposal, check_period, line_id, period_text, propose
from staffing.invoicing.work import Work, WorkRow
from staffing.persistence import audit
from staffing.persistence.base import new_id
from staffing.persistence.transactions import Transaction

_FOUR_PLACES = Decimal("0.0001")


class Change(StrEnum):
    """What drafting did."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Drafted:
    """An open invoice as it stands after drafting. Amounts in minor units of `currency`."""

    id: UUID
    change: Change
    line_count: int
    total_minor: int
    currency: str
    held_count: int
    held_seconds: int


async def draft_invoice(tx: Transaction, principal: Principal, facility_id: UUID, start_on: date, end_on: date) -> Drafted:
    """Draft the facility's invoice for its own local days `start_on` to `end_on`, both included.

    Takes every approved entry that is on no other invoice; disputed and submitted ones are held and counted. Again for the same
    period it brings the open draft up to date (a reviewed one that changes is a draft again).

    Raises `NothingToInvoice`, `AlreadyInvoiced` (the period's invoice is finalised), `RateMissing`, `CurrenciesDiffer`, `Invalid`
    for the period, `NotFound` for the facility.
    """
    principal.require(Permission.DESK_INVOICES_WRITE)
    check_period(start_on, end_on)
    facility = await tx.get(Facility, facility_id)
    if facility is None:
        raise NotFound
    account = await accounts.locked(tx, facility_id)
    invoice = await _of_period(tx, facility_id, start_on, end_on)
    if invoice is not None:
        _refuse_issued(invoice, facility.name)
    found = await work.read(tx, facility_id, start_on, end_on, invoice.id if invoice else None)
    proposal = propose(found.approved, await work.cards_of(tx, facility_id), facility.time_zone, account.currency)
    if invoice is None:
        if not proposal.lines:
            raise NothingToInvoice(_nothing(facility.name, start_on, end_on, found))
        invoice, change = _new_invoice(tx, principal, account, start_on, end_on), Change.CREATED
        await tx.flush()
    else:
        change = Change.UNCHANGED if await says(tx, invoice, proposal, found) else Change.UPDATED
    if change is not Change.UNCHANGED:
        await _write(tx, principal, invoice, proposal, found)
        audit.note(
            tx, f"invoice.{change.value}", "invoice", invoice.id, facility_id=facility_id, detail=f"{len(proposal.lines)} lines"
        )
    return Drafted(
        invoice.id,
        change,
        len(proposal.lines),
        invoice.total_minor,
        invoice.currency,
        invoice.held_count,
        invoice.held_seconds,
    )


async def says(tx: Transaction, invoice: Invoice, proposal: Proposal, found: Work | None = None) -> bool:
    """Whether the invoice's lines are those of `proposal` (and its held work that of `found`, where given)."""
    rows = await tx.execute(
        select(
            InvoiceLine.id,
            InvoiceLine.seconds,
            InvoiceLine.billed_minutes,
            InvoiceLine.unit_rate,
            InvoiceLine.amount_minor,
        ).where(InvoiceLine.invoice_id == invoice.id)
    )
    stored = {tuple(row) for row in rows}
    wanted = {
        (line_id(invoice.id, line), line.worked_seconds, _billed(line), line.unit_rate, line.amount_minor)
        for line in proposal.lines
    }
    same_held = found is None or (invoice.held_count, invoice.held_seconds) == (len(found.held), found.held_seconds)
    return stored == wanted and same_held and invoice.currency == proposal.currency


@dataclass(frozen=True, slots=True)
class Outlook:
    """An open invoice beside what it would say if it were drafted now. `problem`: why it could not be, in words."""

    same: bool
    total_minor: int
    held: tuple[WorkRow, ...]
    problem: str = ""


async def outlook(tx: Transaction, invoice_id: UUID) -> Outlook:
    """Whether the work or the prices changed since the open invoice was drafted."""
    invoice = await tx.get_one(Invoice, invoice_id)
    facility = await tx.get_one(Facility, invoice.facility_id)
    found = await work.read(tx, invoice.facility_id, invoice.period_start_on, invoice.period_end_on, invoice.id)
    try:
        proposal = propose(found.approved, await work.cards_of(tx, facility.id), facility.time_zone, invoice.currency)
    except (RateMissing, CurrenciesDiffer) as problem:
        return Outlook(False, invoice.total_minor, tuple(found.held), problem.message)
    return Outlook(await says(tx, invoice, proposal, found), proposal.total_minor, tuple(found.held))


async def _of_period(tx: Transaction, facility_id: UUID, start_on: date, end_on: date) -> Invoice | None:
    """The facility's invoice of exactly this period that was not withdrawn."""
    found = await tx.execute(
        select(Invoice)
        .where(
            Invoice.facility_id == facility_id,
            Invoice.period_start_on == start_on,
            Invoice.period_end_on == end_on,
            Invoice.state != InvoiceState.VOID.value,
        )
        .execution_options(populate_existing=True)
    )
    return found.scalar_one_or_none()


def _refuse_issued(invoice: Invoice, facility: str) -> None:
    if invoice.state not in lifecycle.OPEN:
        raise AlreadyInvoiced(
            f"{facility}, {period_text(invoice.period_start_on, invoice.period_end_on)}, is on invoice {invoice.number} already."
            " What was approved later goes on the next invoice.",
            href=f"/desk/invoices/{invoice.id}",
            label=f"See {invoice.number}",
        )


def _new_invoice(tx: Transaction, principal: Principal, account: BillingAccount, start_on: date, end_on: date) -> Invoice:
    invoice = Invoice(
        id=new_id(),
        facility_id=account.facility_id,
        period_start_on=start_on,
        period_end_on=end_on,
        currency=account.currency,
        total_minor=0,
        state=InvoiceState.DRAFT.value,
        drafted_at=clock.now(),
        drafted_by=principal.account_id,
    )
    tx.add(invoice)
    return invoice


async def _write(tx: Transaction, principal: Principal, invoice: Invoice, proposal: Proposal, found: Work) -> None:
    """Give the invoice these lines in place of those it had."""
    invoice.state = lifecycle.after(invoice.state, Step.REDRAFT).value
    invoice.reviewed_at = invoice.reviewed_by = None
    invoice.drafted_at, invoice.drafted_by = clock.now(), principal.account_id
    invoice.currency, invoice.total_minor = proposal.currency, proposal.total_minor
    invoice.held_count, invoice.held_seconds = len(found.held), found.held_seconds
    await tx.flush()
    await tx.execute(delete(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id))
    if proposal.lines:
        await tx.execute(insert(InvoiceLine), list(_line_rows(invoice, proposal.lines)))
        await tx.execute(insert(InvoiceLineEntry), list(_entry_rows(invoice, proposal.lines)))


def _line_rows(invoice: Invoice, lines: Iterable[Line]) -> Iterable[dict[str, object]]:
    for position, line in enumerate(lines, start=1):
        yield {
            "id": line_id(invoice.id, line),
            "facility_id": invoice.facility_id,
            "invoice_id": invoice.id,
            "position": position,
            "service": line.service,
            "coordinator_id": UUID(line.coordinator),
            "kind": line.kind,
            "seconds": line.worked_seconds,
            "billed_minutes": _billed(line),
            "unit_rate": line.unit_rate,
            "amount_minor": line.amount_minor,
        }


def _entry_rows(invoice: Invoice, lines: Iterable[Line]) -> Iterable[dict[str, object]]:
    for line in lines:
        for entry_id in line.entries:
            yield {
                "entry_id": UUID(entry_id),
                "facility_id": invoice.facility_id,
                "line_id": line_id(invoice.id, line),
            }


def _billed(line: Line) -> Decimal:
    return line.minutes.quantize(_FOUR_PLACES)


def _nothing(facility: str, start_on: date, end_on: date, found: Work) -> str:
    sentence = f"{facility} has no approved hours for {period_text(start_on, end_on)} that are not on an invoice yet."
    if found.held:
        entries = "1 entry waits" if len(found.held) == 1 else f"{len(found.held)} entries wait"
        sentence += f" {entries} for approval or for the end of a dispute."
    return sentence
