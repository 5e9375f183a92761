"""Reads for the pages of invoices. A facility sees its own issued invoices, the agency all; nobody else sees any."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, false, func, select
from sqlalchemy.orm import aliased

from billing.ledger import Account as LedgerAccount
from billing.money import round_half_up
from staffing.contracts.amounts import plain
from staffing.errors import NotFound
from staffing.facilities.models import Facility
from staffing.identity.models import Account, Role
from staffing.identity.principals import Principal
from staffing.invoicing import work
from staffing.invoicing.explaining import Said, kind_words, line_name, sentences
from staffing.invoicing.lifecycle import OPEN
from staffing.invoicing.models import Invoice, InvoiceLine, InvoiceLineEntry, InvoiceState, LedgerPosting, LedgerTransaction
from staffing.invoicing.rules import period_text
from staffing.invoicing.work import WorkRow
from staffing.persistence.transactions import Transaction
from staffing.roster.models import Coordinator
from staffing.worklog.queries import entries_of_line
from staffing.worklog.rows import EntryRow

PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceRow:
    """An invoice as lists show it."""

    id: UUID
    number: str | None
    state: str
    facility_id: UUID
    facility_name: str
    facility_colour: int
    facility_zone: str
    period_start_on: date
    period_end_on: date
    currency: str
    total_minor: int
    due_on: date | None
    paid_at: datetime | None
    stripe_problem: str

    @property
    def period(self) -> str:
        return period_text(self.period_start_on, self.period_end_on)

    @property
    def is_open(self) -> bool:
        """A working paper of the agency that may still change."""
        return self.state in OPEN

    @property
    def payable(self) -> bool:
        return self.state == InvoiceState.SENT

    def overdue(self, today: date) -> bool:
        return self.payable and self.due_on is not None and self.due_on < today


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceHead(InvoiceRow):
    """An invoice with its life and what Stripe said when it was last asked."""

    facility_city: str
    facility_state: str
    facility_reference: str
    tax_minor: int
    tax_rates: list[Any]
    collection: str
    held_count: int
    held_seconds: int
    version: int
    drafted_at: datetime
    drafted_by: str | None
    reviewed_at: datetime | None
    reviewed_by: str | None
    finalized_at: datetime | None
    finalized_by: str | None
    sent_at: datetime | None
    voided_at: datetime | None
    uncollectible_at: datetime | None
    hosted_url: str | None
    stripe_invoice_id: str | None
    stripe_status: str | None
    stripe_total_minor: int | None
    stripe_paid_minor: int | None
    stripe_seen_at: datetime | None

    @property
    def subtotal_minor(self) -> int:
        """The sum of the lines: a tax inside the prices is a part of it."""
        return self.total_minor if self.tax_is_inside else self.total_minor - self.tax_minor

    @property
    def tax_is_inside(self) -> bool:
        return any(rate["inclusive"] for rate in self.tax_rates)

    @property
    def sums(self) -> tuple[tuple[str, int], ...]:
        """What stands below the lines: with taxes the sum before them and each tax, and last the total."""
        total = ("Total", self.total_minor)
        if not self.tax_rates:
            return (total,)
        named = [(_tax_words(rate), int(rate["tax_minor"])) for rate in self.tax_rates]
        if self.tax_is_inside:
            return (*named, total)
        return (("Before tax", self.subtotal_minor), *named, total)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRow:
    """A line. `seconds` is the raw time of its pieces of work, `billed_minutes` what the contract makes of it."""

    id: UUID
    position: int
    currency: str
    service: str
    coordinator: str
    kind: str
    seconds: int
    billed_minutes: Decimal
    unit_rate: Decimal
    amount_minor: int
    explanation: dict[str, Any]
    entries: int

    @property
    def service_name(self) -> str:
        """The service; of a line that is no work, what it is."""
        return line_name(self.service, self.kind)

    @property
    def kind_words(self) -> str:
        """What is special about it, in words; nothing for regular time, or where its name says it."""
        return kind_words(self.kind) if self.service else ""

    @property
    def how(self) -> tuple[str, ...]:
        """How the amount comes about, step by step."""
        return sentences(
            Said(
                service=self.service,
                kind=self.kind,
                seconds=self.seconds,
                billed_seconds=self.billed_seconds,
                unit_rate=self.unit_rate,
                amount_minor=self.amount_minor,
                currency=self.currency,
                explanation=self.explanation,
            )
        )

    @property
    def billed_seconds(self) -> int:
        return round_half_up(self.billed_minutes * 60)


@dataclass(frozen=True, slots=True)
class PieceRow:
    """A stretch `[start, end)` of an entry on a line: all of it, or what a premium or a limit left of it."""

    entry: EntryRow
    start: datetime
    end: datetime

    @property
    def id(self) -> UUID:
        return self.entry.id

    @property
    def seconds(self) -> int:
        return int((self.end - self.start).total_seconds())

    @property
    def is_part(self) -> bool:
        """Whether the rest of the entry is on another line."""
        return self.seconds < self.entry.seconds


@dataclass(frozen=True, slots=True)
class Booked:
    """What the ledger says of an invoice, in minor units: `owed` since it was finalised, `paid` so far."""

    owed_minor: int
    paid_minor: int


def visible(principal: Principal) -> list[ColumnElement[bool]]:
    """Whose invoices the caller sees: the predicate of every query here."""
    if principal.of_agency:
        return []
    if principal.role is Role.FACILITY:
        return [Invoice.facility_id.in_(principal.facility_ids), Invoice.number.is_not(None)]
    return [false()]


async def invoice(tx: Transaction, principal: Principal, invoice_id: UUID) -> InvoiceHead:
    """One invoice. Raises `NotFound`, also for another facility's and for a draft that a facility asks for."""
    drafter, reviewer, finalizer = aliased(Account), aliased(Account), aliased(Account)
    statement = (
        _rows()
        .add_columns(
            Facility.city.label("facility_city"), Facility.state.label("facility_state"),
            Facility.reference.label("facility_reference"),
            Invoice.tax_minor, Invoice.tax_rates, Invoice.collection,
            Invoice.held_count, Invoice.held_seconds, Invoice.version,
            Invoice.drafted_at, drafter.name.label("drafted_by"), Invoice.reviewed_at, reviewer.name.label("reviewed_by"),
            Invoice.finalized_at, finalizer.name.label("finalized_by"), Invoice.sent_at, Invoice.voided_at,
            Invoice.uncollectible_at,
            Invoice.hosted_url, Invoice.stripe_invoice_id, Invoice.stripe_status,
            Invoice.stripe_total_minor, Invoice.stripe_paid_minor, Invoice.stripe_seen_at,
        )
        .outerjoin(drafter, drafter.id == Invoice.drafted_by)
        .outerjoin(reviewer, reviewer.id == Invoice.reviewed_by)
        .outerjoin(finalizer, finalizer.id == Invoice.finalized_by)
        .where(Invoice.id == invoice_id, *visible(principal))
    )  # fmt: skip
    row = (await tx.execute(statement)).mappings().one_or_none()
    if row is None:
        raise NotFound
    return InvoiceHead(**row)


async def lines(tx: Transaction, principal: Principal, invoice_id: UUID) -> Sequence[LineRow]:
    """The invoice's lines, by service and coordinator."""
    rows = await tx.execute(
        _line_rows().where(InvoiceLine.invoice_id == invoice_id, *visible(principal)).order_by(InvoiceLine.position)
    )
    found = [LineRow(**row) for row in rows.mappings()]
    return sorted(found, key=lambda line: (not line.service, line.service_name, line.coordinator, line.unit_rate, line.position))


async def line(tx: Transaction, principal: Principal, invoice_id: UUID, line_id: UUID) -> LineRow:
    """One line of the invoice. Raises `NotFound`."""
    statement = _line_rows().where(InvoiceLine.id == line_id, InvoiceLine.invoice_id == invoice_id, *visible(principal))
    row = (await tx.execute(statement)).mappings().one_or_none()
    if row is None:
        raise NotFound
    return LineRow(**row)


async def pieces(tx: Transaction, principal: Principal, line_id: UUID) -> list[PieceRow]:
    """The pieces of entries on a line that the caller has read, in the order in which they were worked.

    They name patients: the caller writes the access log's note.
    """
    rows = (
        await tx.execute(
            select(InvoiceLineEntry.entry_id, func.lower(InvoiceLineEntry.during), func.upper(InvoiceLineEntry.during))
            .where(InvoiceLineEntry.line_id == line_id)
            .order_by(func.lower(InvoiceLineEntry.during), InvoiceLineEntry.entry_id)
        )
    ).all()
    entries = {entry.id: entry for entry in await entries_of_line(tx, principal, {row[0] for row in rows})} if rows else {}
    return [PieceRow(entries[entry_id], start, end) for entry_id, start, end in rows if entry_id in entries]


async def held(tx: Transaction, head: InvoiceHead) -> list[WorkRow]:
    """Work of the invoice's period that still waits, of an invoice that the caller has read."""
    return (await work.read(tx, head.facility_id, head.period_start_on, head.period_end_on)).held


async def booked(tx: Transaction, invoice_id: UUID) -> Booked:
    """What the ledger says of an invoice that the caller has read."""
    amounts = await tx.scalars(
        select(LedgerPosting.amount_minor)
        .join(LedgerTransaction, LedgerTransaction.id == LedgerPosting.transaction_id)
        .where(LedgerTransaction.invoice_id == invoice_id, LedgerPosting.account == LedgerAccount.RECEIVABLE.value)
    )
    found = list(amounts)
    return Booked(sum(one for one in found if one > 0), -sum(one for one in found if one < 0))


async def invoices(tx: Transaction, principal: Principal, *, state: str = "", page: int = 1) -> tuple[Sequence[InvoiceRow], bool]:
    """Invoices, latest first, of one state or all; and whether there are more after this page of `PAGE`."""
    statement = (
        _rows()
        .where(*visible(principal), *([Invoice.state == state] if state else []))
        .order_by(Invoice.drafted_at.desc(), Invoice.id.desc())
        .limit(PAGE + 1)
        .offset((page - 1) * PAGE)
    )
    found = [InvoiceRow(**row) for row in (await tx.execute(statement)).mappings()]
    return found[:PAGE], len(found) > PAGE


def _rows() -> Select[*tuple[Any, ...]]:
    return select(
        Invoice.id, Invoice.number, Invoice.state, Invoice.facility_id,
        Facility.name.label("facility_name"), Facility.colour.label("facility_colour"),
        Facility.time_zone.label("facility_zone"),
        Invoice.period_start_on, Invoice.period_end_on, Invoice.currency, Invoice.total_minor,
        Invoice.due_on, Invoice.paid_at, Invoice.stripe_problem,
    ).join(Facility, Facility.id == Invoice.facility_id)  # fmt: skip


def _line_rows() -> Select[*tuple[Any, ...]]:
    entries = (
        select(func.count(InvoiceLineEntry.entry_id.distinct()))
        .where(InvoiceLineEntry.line_id == InvoiceLine.id)
        .scalar_subquery()
    )
    return (
        select(
            InvoiceLine.id, InvoiceLine.position, Invoice.currency, InvoiceLine.explanation,
            InvoiceLine.service, func.coalesce(Coordinator.name, "").label("coordinator"), InvoiceLine.kind,
            InvoiceLine.seconds, InvoiceLine.billed_minutes, InvoiceLine.unit_rate, InvoiceLine.amount_minor,
            entries.label("entries"),
        )
        .join(Invoice, Invoice.id == InvoiceLine.invoice_id)
        .outerjoin(Coordinator, Coordinator.id == InvoiceLine.coordinator_id)
    )  # fmt: skip


def _tax_words(rate: dict[str, Any]) -> str:
    percent, place = plain(Decimal(rate["percent"])), f", {rate['jurisdiction']}" if rate.get("jurisdiction") else ""
    inside = ", in the prices" if rate["inclusive"] else ""
    return f"{rate['name']} {percent} %{place}{inside}"
