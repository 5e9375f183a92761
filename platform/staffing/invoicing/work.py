"""The work that an invoice is made from: approved entries that are on no line yet, and those that have to wait.

An entry belongs to the facility's local day on which it began. Work of a period that has been invoiced already, approved only
later, is taken along by the next invoice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Date, and_, cast, exists, func, or_, select
from sqlalchemy.dialects.postgresql import Range

from billing.rating import WorkedEntry
from staffing.catalogue import service_name
from staffing.contracts.reading import Agreement
from staffing.facilities.models import Facility
from staffing.invoicing.lifecycle import ISSUED, OPEN
from staffing.invoicing.models import Invoice, InvoiceLine, InvoiceLineEntry
from staffing.persistence.transactions import Transaction
from staffing.requests.models import StaffingRequest
from staffing.roster.models import Coordinator
from staffing.scheduling.models import Assignment, AssignmentState
from staffing.worklog.models import EntryState, WorkEntry

HELD = (EntryState.SUBMITTED.value, EntryState.DISPUTED.value)
"""States of work that was handed in and cannot be invoiced now."""
_AROUND = timedelta(days=8)
"""A week and the hours that zones lie apart: within it is all work that counts towards the same limit of overtime."""


@dataclass(frozen=True, slots=True)
class WorkRow:
    """One entry as billing reads it: no patient, no note. `why` is the facility's reason where it disputes the entry."""

    id: UUID
    coordinator_id: UUID
    coordinator: str
    service: str
    start: datetime
    end: datetime
    state: str
    why: str

    @property
    def seconds(self) -> int:
        return int((self.end - self.start).total_seconds())

    @property
    def service_name(self) -> str:
        return service_name(self.service)

    @property
    def held(self) -> bool:
        return self.state in HELD

    def to_rate(self) -> WorkedEntry:
        return WorkedEntry(str(self.id), str(self.coordinator_id), self.service, self.start, self.end)


@dataclass(frozen=True, slots=True)
class Work:
    """What could go on an invoice now, and what has to wait, in the order in which it was done."""

    rows: tuple[WorkRow, ...]

    @property
    def approved(self) -> list[WorkedEntry]:
        return [row.to_rate() for row in self.rows if not row.held]

    @property
    def held(self) -> list[WorkRow]:
        return [row for row in self.rows if row.held]

    @property
    def held_seconds(self) -> int:
        return sum(row.seconds for row in self.held)


def local_day() -> ColumnElement[date]:
    """The day of an entry on its facility's calendar; the query joins `Facility`."""
    return cast(func.timezone(Facility.time_zone, func.lower(WorkEntry.during)), Date)


def in_period(start_on: date | ColumnElement[date], end_on: date | ColumnElement[date]) -> ColumnElement[bool]:
    """Entries of these local days, and late ones: of earlier days that an issued invoice of the facility covers."""
    day = local_day()
    closed = exists().where(
        Invoice.facility_id == WorkEntry.facility_id,
        Invoice.state.in_([state.value for state in ISSUED]),
        day.between(Invoice.period_start_on, Invoice.period_end_on),
    )
    return and_(day <= end_on, or_(day >= start_on, closed))


def not_invoiced(but_on: UUID | None = None) -> ColumnElement[bool]:
    """Entries that are on no line, or on one of the invoice `but_on`."""
    elsewhere = exists().where(
        InvoiceLineEntry.entry_id == WorkEntry.id,
        InvoiceLine.id == InvoiceLineEntry.line_id,
        *([InvoiceLine.invoice_id != but_on] if but_on is not None else []),
    )
    return ~elsewhere


async def read(tx: Transaction, facility_id: UUID, start_on: date, end_on: date, invoice_id: UUID | None = None) -> Work:
    """The facility's approved work of the period that is on no line of another invoice, and the work that is held."""
    rows = await tx.execute(
        select(
            WorkEntry.id,
            WorkEntry.coordinator_id,
            Coordinator.name,
            WorkEntry.service,
            func.lower(WorkEntry.during),
            func.upper(WorkEntry.during),
            WorkEntry.state,
            WorkEntry.dispute_reason,
        )
        .join(Facility, Facility.id == WorkEntry.facility_id)
        .join(Coordinator, Coordinator.id == WorkEntry.coordinator_id)
        .where(
            WorkEntry.facility_id == facility_id,
            WorkEntry.state.in_([EntryState.APPROVED.value, *HELD]),
            in_period(start_on, end_on),
            not_invoiced(invoice_id),
        )
        .order_by(func.lower(WorkEntry.during), WorkEntry.id)
    )
    return Work(tuple(WorkRow(*row) for row in rows))


@dataclass(frozen=True, slots=True)
class OnInvoice:
    """The work on an invoice's lines: what may still be invoiced, and the ids of what may not any more."""

    approved: tuple[WorkedEntry, ...]
    withdrawn: tuple[UUID, ...]


async def locked_on_invoice(tx: Transaction, invoice_id: UUID) -> OnInvoice:
    """The entries on an invoice's lines, kept from changing until the transaction ends."""
    on_lines = (
        select(InvoiceLineEntry.entry_id)
        .join(InvoiceLine, InvoiceLine.id == InvoiceLineEntry.line_id)
        .where(InvoiceLine.invoice_id == invoice_id)
    )
    rows = await tx.execute(
        select(
            WorkEntry.id,
            WorkEntry.coordinator_id,
            WorkEntry.service,
            func.lower(WorkEntry.during),
            func.upper(WorkEntry.during),
            WorkEntry.state,
        )
        .where(WorkEntry.id.in_(on_lines))
        .order_by(WorkEntry.id)
        .with_for_update()
    )
    approved: list[WorkedEntry] = []
    withdrawn: list[UUID] = []
    for entry_id, coordinator_id, service, start, end, state in rows:
        if state == EntryState.APPROVED:
            approved.append(WorkedEntry(str(entry_id), str(coordinator_id), service, start, end))
        else:
            withdrawn.append(entry_id)
    return OnInvoice(tuple(approved), tuple(withdrawn))


async def with_levels(
    tx: Transaction, facility_id: UUID, entries: Sequence[WorkedEntry], agreed: Agreement
) -> Sequence[WorkedEntry]:
    """The entries at the level that was asked for: that of the request whose confirmed assignment covers most of the entry.

    Work outside any assignment of its service has no level. Nothing is looked up where no price depends on it.
    """
    if not agreed.has_levels or not entries:
        return entries
    ids = [UUID(entry.id) for entry in entries]
    shared = WorkEntry.during.op("*")(Assignment.during)
    rows = await tx.execute(
        select(WorkEntry.id, StaffingRequest.level)
        .join(
            Assignment,
            and_(
                Assignment.coordinator_id == WorkEntry.coordinator_id,
                Assignment.facility_id == WorkEntry.facility_id,
                Assignment.during.overlaps(WorkEntry.during),
                Assignment.state == AssignmentState.CONFIRMED.value,
            ),
        )
        .join(StaffingRequest, and_(StaffingRequest.id == Assignment.request_id, StaffingRequest.service == WorkEntry.service))
        .where(WorkEntry.facility_id == facility_id, WorkEntry.id.in_(ids))
        # The longest comes last and stays.
        .order_by(func.upper(shared) - func.lower(shared), Assignment.id)
    )
    levels = {str(entry_id): level for entry_id, level in rows}
    return [replace(entry, level=levels.get(entry.id, 0)) for entry in entries]


async def billed_around(
    tx: Transaction, facility_id: UUID, entries: Iterable[WorkedEntry], start_on: date, invoice_id: UUID | None
) -> list[WorkedEntry]:
    """Work of the same people in the same weeks that is on another invoice: it counts towards their overtime.

    Of invoices that are open still only those of earlier periods count, so that two drafts never wait for each other.
    """
    worked = list(entries)
    if not worked:
        return []
    span = Range(min(entry.start for entry in worked) - _AROUND, max(entry.end for entry in worked) + _AROUND)
    elsewhere = (
        select(InvoiceLineEntry.entry_id)
        .join(InvoiceLine, InvoiceLine.id == InvoiceLineEntry.line_id)
        .join(Invoice, Invoice.id == InvoiceLine.invoice_id)
        .where(
            Invoice.facility_id == facility_id,
            or_(
                Invoice.state.in_([state.value for state in ISSUED]),
                and_(Invoice.state.in_([state.value for state in OPEN]), Invoice.period_end_on < start_on),
            ),
            *([Invoice.id != invoice_id] if invoice_id is not None else []),
        )
    )
    rows = await tx.execute(
        select(
            WorkEntry.id, WorkEntry.coordinator_id, WorkEntry.service, func.lower(WorkEntry.during), func.upper(WorkEntry.during)
        )
        .where(
            WorkEntry.facility_id == facility_id,
            WorkEntry.coordinator_id.in_({UUID(entry.coordinator) for entry in worked}),
            WorkEntry.during.overlaps(span),
            WorkEntry.state.in_([EntryState.APPROVED.value, EntryState.INVOICED.value]),
            WorkEntry.id.in_(elsewhere),
        )
        .order_by(func.lower(WorkEntry.during), WorkEntry.id)
    )
    return [WorkedEntry(str(row[0]), str(row[1]), row[2], row[3], row[4], status=EntryState.INVOICED.value) for row in rows]
