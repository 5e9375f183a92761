"""Drafting: what an invoice would say now, and writing it down.

Doing it again changes nothing unless the work, the contract or a charge did.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.dialects.postgresql import Range

from billing.rating import Period, WorkedEntry
from staffing import clock
from staffing.contracts.errors import ContractUnreadable
from staffing.contracts.reading import agreement
from staffing.errors import NotFound
from staffing.facilities.models import Facility
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing import accounts, charges, earlier, lifecycle, work
from staffing.invoicing.errors import AlreadyInvoiced, CurrenciesDiffer, NothingToInvoice, PeriodsOverlap, RateMissing
from staffing.invoicing.lifecycle import Step
from staffing.invoicing.models import BillingAccount, Invoice, InvoiceLine, InvoiceLineEntry, InvoiceState, RetainerPeriod
from staffing.invoicing.proposals import Basis, DueCharge, Proposal, ProposedLine, propose
from staffing.invoicing.rules import check_period, line_id, period_text
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
    tax_minor: int
    currency: str
    held_count: int
    held_seconds: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What drafting would do now: with which `invoice` of the period (none: a new one), to what. `change` is nothing where there
    is nothing to invoice.
    """

    invoice: Invoice | None
    proposal: Proposal
    found: Work
    change: Change | None


async def draft_invoice(
    tx: Transaction, principal: Principal, facility_id: UUID, start_on: date, end_on: date, *, run_id: UUID | None = None
) -> Drafted:
    """Draft the facility's invoice for its own local days `start_on` to `end_on`, both included.

    Takes every approved entry that is on no other invoice, what the contract asks for besides, and charges that wait;
    disputed and submitted entries are held and counted. Again for the same period it brings the open draft up to date (a
    reviewed one that changes is a draft again). `run_id`: the billing run that asks for it.

    Raises `NothingToInvoice`, `AlreadyInvoiced` (the period's invoice is finalised), `PeriodsOverlap`, `RateMissing`,
    `CurrenciesDiffer`, `Invalid` for the period, `NotFound` for the facility.
    """
    principal.require(Permission.DESK_INVOICES_WRITE)
    facility = await _facility(tx, facility_id)
    account = await accounts.locked(tx, facility_id)
    await charges.note_cancellations(tx, facility_id, account)
    looked = await _look(tx, facility, account, start_on, end_on)
    invoice, proposal, found = looked.invoice, looked.proposal, looked.found
    if looked.change is None:
        raise NothingToInvoice(_nothing(facility.name, start_on, end_on, found))
    if invoice is None:
        invoice = _new_invoice(tx, principal, account, start_on, end_on)
    if looked.change is not Change.UNCHANGED:
        invoice.collection, invoice.run_id = account.collection, run_id or invoice.run_id
        await _write(tx, principal, invoice, proposal, found, empty=looked.change is Change.CREATED)
        audit.note(
            tx,
            f"invoice.{looked.change.value}",
            "invoice",
            invoice.id,
            facility_id=facility_id,
            detail=f"{len(proposal.lines)} lines",
        )
    return Drafted(
        invoice.id,
        looked.change,
        len(proposal.lines),
        invoice.total_minor,
        invoice.tax_minor,
        invoice.currency,
        invoice.held_count,
        invoice.held_seconds,
    )


async def preview(tx: Transaction, facility_id: UUID, start_on: date, end_on: date) -> Preview:
    """What `draft_invoice` would do now; nothing is written. Raises as it does, but never `NothingToInvoice`.

    Late cancellations that nobody has written down yet are not seen.
    """
    facility = await _facility(tx, facility_id)
    account = await tx.get(BillingAccount, facility_id) or BillingAccount(facility_id=facility_id, currency="USD")
    return await _look(tx, facility, account, start_on, end_on)


async def _look(tx: Transaction, facility: Facility, account: BillingAccount, start_on: date, end_on: date) -> Preview:
    check_period(start_on, end_on)
    invoice = await _of_period(tx, facility.id, start_on, end_on)
    if invoice is not None:
        _refuse_issued(invoice, facility.name)
    number = invoice.id if invoice else None
    found = await work.read(tx, facility.id, start_on, end_on, number)
    waiting = await charges.due(tx, facility, account.currency, end_on, number)
    proposal = await proposed(tx, facility, account.currency, Period(start_on, end_on), found.approved, waiting, number)
    if invoice is None:
        return Preview(None, proposal, found, Change.CREATED if proposal.lines else None)
    return Preview(invoice, proposal, found, Change.UNCHANGED if await says(tx, invoice, proposal, found) else Change.UPDATED)


async def proposed(
    tx: Transaction,
    facility: Facility,
    currency: str,
    period: Period,
    entries: Sequence[WorkedEntry],
    waiting: Sequence[DueCharge],
    invoice_id: UUID | None,
) -> Proposal:
    """What an invoice of these entries and charges says by the contract, with what earlier invoices did."""
    agreed = await agreement(tx, facility.id)
    await earlier.check_days_free(tx, facility.id, agreed, period, invoice_id)
    around = await work.billed_around(tx, facility.id, entries, period.first, invoice_id) if agreed.has_overtime else []
    basis = Basis(
        period=period,
        entries=await work.with_levels(tx, facility.id, entries, agreed),
        billed=around,
        before=await earlier.before(tx, facility.id, agreed, period, invoice_id),
        charges=waiting,
    )
    return propose(basis, agreed, facility.time_zone, currency)


async def says(tx: Transaction, invoice: Invoice, proposal: Proposal, found: Work | None = None) -> bool:
    """Whether the invoice says what `proposal` does (and its held work is that of `found`, where given)."""
    if (invoice.currency, invoice.total_minor, invoice.tax_minor) != (
        proposal.currency,
        proposal.total_minor,
        proposal.tax_minor,
    ) or invoice.tax_rates != [dict(rate) for rate in proposal.tax_rates]:
        return False
    if found is not None and (invoice.held_count, invoice.held_seconds) != (len(found.held), found.held_seconds):
        return False
    lines = await tx.execute(
        select(
            InvoiceLine.id,
            InvoiceLine.service,
            InvoiceLine.kind,
            InvoiceLine.seconds,
            InvoiceLine.billed_minutes,
            InvoiceLine.unit_rate,
            InvoiceLine.amount_minor,
            InvoiceLine.explanation,
        ).where(InvoiceLine.invoice_id == invoice.id)
    )
    stored = {(*row[:-1], _json(row[-1])) for row in lines}
    wanted = {
        (
            line_id(invoice.id, line.key),
            line.service,
            line.kind,
            line.worked_seconds,
            _billed(line),
            line.unit_rate,
            line.amount_minor,
            _json(line.explanation),
        )
        for line in proposal.lines
    }
    if stored != wanted:
        return False
    pieces = await tx.execute(
        select(InvoiceLineEntry.line_id, InvoiceLineEntry.entry_id, InvoiceLineEntry.during)
        .join(InvoiceLine, InvoiceLine.id == InvoiceLineEntry.line_id)
        .where(InvoiceLine.invoice_id == invoice.id)
    )
    on_lines = {(row[0], row[1], row[2].lower, row[2].upper) for row in pieces}
    if on_lines != {(line_id(invoice.id, line.key), *piece) for line in proposal.lines for piece in line.pieces}:
        return False
    return await earlier.same_retainer(tx, invoice.id, proposal.retainer)


@dataclass(frozen=True, slots=True)
class Outlook:
    """An open invoice beside what it would say if it were drafted now. `problem`: why it could not be, in words."""

    same: bool
    total_minor: int
    held: tuple[WorkRow, ...]
    problem: str = ""


async def outlook(tx: Transaction, invoice_id: UUID) -> Outlook:
    """Whether the work or the contract changed since the open invoice was drafted."""
    invoice = await tx.get_one(Invoice, invoice_id)
    facility = await tx.get_one(Facility, invoice.facility_id)
    period = Period(invoice.period_start_on, invoice.period_end_on)
    found = await work.read(tx, facility.id, period.first, period.last, invoice.id)
    waiting = await charges.due(tx, facility, invoice.currency, period.last, invoice.id)
    try:
        proposal = await proposed(tx, facility, invoice.currency, period, found.approved, waiting, invoice.id)
    except (RateMissing, CurrenciesDiffer, PeriodsOverlap, ContractUnreadable) as problem:
        return Outlook(False, invoice.total_minor, tuple(found.held), problem.message)
    return Outlook(await says(tx, invoice, proposal, found), proposal.total_minor, tuple(found.held))


async def _facility(tx: Transaction, facility_id: UUID) -> Facility:
    facility = await tx.get(Facility, facility_id)
    if facility is None:
        raise NotFound
    return facility


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
        tax_minor=0,
        tax_rates=[],
        collection=account.collection,
        state=InvoiceState.DRAFT.value,
        drafted_at=clock.now(),
        drafted_by=principal.account_id,
    )
    tx.add(invoice)
    return invoice


async def _write(
    tx: Transaction, principal: Principal, invoice: Invoice, proposal: Proposal, found: Work, *, empty: bool
) -> None:
    """Give the invoice these lines in place of those it had; `empty`: it had none."""
    invoice.state = lifecycle.after(invoice.state, Step.REDRAFT).value
    invoice.reviewed_at = invoice.reviewed_by = None
    invoice.drafted_at, invoice.drafted_by = clock.now(), principal.account_id
    invoice.currency, invoice.total_minor = proposal.currency, proposal.total_minor
    invoice.tax_minor, invoice.tax_rates = proposal.tax_minor, [dict(rate) for rate in proposal.tax_rates]
    invoice.held_count, invoice.held_seconds = len(found.held), found.held_seconds
    await tx.flush()
    if not empty:
        await tx.execute(delete(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id))
        await tx.execute(delete(RetainerPeriod).where(RetainerPeriod.invoice_id == invoice.id))
    if proposal.lines:
        await tx.execute(insert(InvoiceLine), list(_line_rows(invoice, proposal.lines)))
    if pieces := list(_piece_rows(invoice, proposal.lines)):
        await tx.execute(insert(InvoiceLineEntry), pieces)
    if proposal.retainer is not None:
        await tx.execute(insert(RetainerPeriod), [earlier.retainer_row(invoice, proposal.retainer)])
    charged: dict[UUID, UUID] = {}
    for line in proposal.lines:
        if line.charge_id is not None:
            charged.setdefault(line.charge_id, line_id(invoice.id, line.key))
    for charge_id, first in charged.items():
        await charges.put_on(tx, charge_id, first)


def _line_rows(invoice: Invoice, lines: Iterable[ProposedLine]) -> Iterable[dict[str, object]]:
    for position, line in enumerate(lines, start=1):
        yield {
            "id": line_id(invoice.id, line.key),
            "facility_id": invoice.facility_id,
            "invoice_id": invoice.id,
            "position": position,
            "service": line.service,
            "coordinator_id": line.coordinator_id,
            "kind": line.kind,
            "seconds": line.worked_seconds,
            "billed_minutes": _billed(line),
            "unit_rate": line.unit_rate,
            "amount_minor": line.amount_minor,
            "explanation": dict(line.explanation),
        }


def _piece_rows(invoice: Invoice, lines: Iterable[ProposedLine]) -> Iterable[dict[str, object]]:
    for line in lines:
        for entry_id, start, end in line.pieces:
            yield {
                "entry_id": entry_id,
                "facility_id": invoice.facility_id,
                "line_id": line_id(invoice.id, line.key),
                "during": Range(start, end),
            }


def _billed(line: ProposedLine) -> Decimal:
    return (Decimal(line.billed_seconds) / 60).quantize(_FOUR_PLACES)


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True)


def _nothing(facility: str, start_on: date, end_on: date, found: Work) -> str:
    sentence = f"{facility} has no approved hours for {period_text(start_on, end_on)} that are not on an invoice yet."
    if found.held:
        entries = "1 entry waits" if len(found.held) == 1 else f"{len(found.held)} entries wait"
        sentence += f" {entries} for approval or for the end of a dispute."
    return sentence
