"""What accounting takes: invoices with their lines, and the journal in double entry. Read with a cursor, row by row.

Amounts are plain numbers in the currency's units. Days are those of the agency's clock, both ends of a period included. Nothing
names a patient.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from tempfile import SpooledTemporaryFile
from typing import Any

from sqlalchemy import Select, Text, cast, func, select
from sqlalchemy.orm import aliased

from billing.money import Money
from staffing.crediting.models import CreditNote
from staffing.errors import Invalid, ReliefError
from staffing.facilities.models import Facility
from staffing.identity import queries as identity
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing.explaining import line_name
from staffing.invoicing.models import Invoice, InvoiceLine, LedgerPosting, LedgerTransaction
from staffing.persistence import audit
from staffing.persistence.transactions import Database, Transaction
from staffing.reporting import csv_files
from staffing.reporting.csv_files import decimal_text
from staffing.roster.models import Coordinator
from staffing.wall_clock import local_day, start_of_day

Cells = Sequence[str | int | Decimal | None]
LONGEST = timedelta(days=3660)
_AT_ONCE = 500
_IN_MEMORY = 1 << 20
"""A file of more bytes is kept on disk until it is taken."""
INVOICE_HEADS = ("invoice", "state", "facility", "facility_name", "period_start", "period_end", "issued_on", "due_on", "paid_on",
    "currency", "subtotal", "tax", "total")  # fmt: skip
LINE_HEADS = ("invoice", "facility", "line", "what", "kind", "coordinator", "seconds_worked", "hours_billed", "rate", "currency",
    "amount")  # fmt: skip
JOURNAL_HEADS = ("date", "account", "debit", "credit", "currency", "facility", "invoice", "credit_note", "happening", "source",
    "transaction")  # fmt: skip
KINDS = ("invoices", "lines", "journal")


class Unbalanced(ReliefError):
    """The journal's debits and credits differ: the file is not complete and must not be used."""

    title = "The journal does not balance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Days of the agency's clock, both included; None: without that end."""

    start_on: date | None = None
    end_on: date | None = None

    def check(self) -> None:
        """Raise `Invalid` for a period that cannot be."""
        if self.start_on and self.end_on and self.end_on < self.start_on:
            raise Invalid(end_on="The last day must not be before the first.")

    def name(self) -> str:
        return "-to-".join(day.isoformat() for day in (self.start_on, self.end_on) if day) or "all"


async def export(
    database: Database, principal: Principal, kind: str, period: Period, *, with_mark: bool = False
) -> AsyncIterator[str]:
    """The file of `kind`, line by line, from a transaction of its own that is over before the first: whoever takes it slowly
    keeps no connection from others.

    Raises `Unbalanced` when the journal does not balance. The caller has noted the export in the access log.
    """
    principal.require(Permission.DESK_EXPORTS_READ)
    period.check()
    heads, rows = {
        "invoices": (INVOICE_HEADS, _invoices),
        "lines": (LINE_HEADS, _lines),
        "journal": (JOURNAL_HEADS, _journal),
    }[kind]
    with SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8", newline="") as made:
        async with database.transaction(principal.scope()) as tx:
            agency = await identity.agency(tx)
            zone = agency.time_zone if agency else "UTC"
            async for line in csv_files.lines(heads, rows(tx, period, zone), with_mark=with_mark):
                made.write(line)
        made.seek(0)
        for line in made:
            yield line


def note(tx: Transaction, kind: str, period: Period) -> None:
    """The access log's row of an export."""
    audit.note(tx, "export", kind, period.name(), detail="CSV")


async def _invoices(tx: Transaction, period: Period, zone: str) -> AsyncIterator[Cells]:
    columns = (
        Invoice.number, Invoice.state, Facility.reference, Facility.name, Facility.time_zone, Invoice.period_start_on,
        Invoice.period_end_on, Invoice.finalized_at, Invoice.due_on, Invoice.paid_at, Invoice.currency, Invoice.total_minor,
        Invoice.tax_minor,
    )  # fmt: skip
    statement = select(*columns).join(Facility, Facility.id == Invoice.facility_id).order_by(Invoice.number)
    async for row in _read(tx, _issued(statement, period, zone)):
        currency = row.currency
        yield (
            row.number, row.state, row.reference, row.name, row.period_start_on.isoformat(), row.period_end_on.isoformat(),
            _day(row.finalized_at, zone), row.due_on.isoformat() if row.due_on else "", _day(row.paid_at, zone), currency,
            _number(row.total_minor - row.tax_minor, currency), _number(row.tax_minor, currency),
            _number(row.total_minor, currency),
        )  # fmt: skip


async def _lines(tx: Transaction, period: Period, zone: str) -> AsyncIterator[Cells]:
    columns = (
        Invoice.number, Facility.reference, InvoiceLine.position, InvoiceLine.service, InvoiceLine.kind,
        func.coalesce(Coordinator.reference, "").label("coordinator"), InvoiceLine.seconds, InvoiceLine.billed_minutes,
        InvoiceLine.unit_rate, Invoice.currency, InvoiceLine.amount_minor,
    )  # fmt: skip
    statement = (
        select(*columns)
        .join(Invoice, Invoice.id == InvoiceLine.invoice_id)
        .join(Facility, Facility.id == Invoice.facility_id)
        .outerjoin(Coordinator, Coordinator.id == InvoiceLine.coordinator_id)
        .order_by(Invoice.number, InvoiceLine.position)
    )
    async for row in _read(tx, _issued(statement, period, zone)):
        hours = (row.billed_minutes / 60).quantize(Decimal("0.000001")).normalize()
        yield (
            row.number, row.reference, row.position, line_name(row.service, row.kind), row.kind, row.coordinator, row.seconds,
            Decimal(f"{hours:f}"), row.unit_rate, row.currency, _number(row.amount_minor, row.currency),
        )  # fmt: skip


async def _journal(tx: Transaction, period: Period, zone: str) -> AsyncIterator[Cells]:
    """Every posting, and per currency a last row with both sums."""
    credit_note = aliased(CreditNote)
    columns = (
        LedgerTransaction.id, LedgerTransaction.booked_at, LedgerTransaction.kind, LedgerTransaction.source,
        LedgerPosting.account, LedgerPosting.amount_minor, LedgerPosting.currency, Facility.reference, Invoice.number,
        credit_note.number.label("credit_note"),
    )  # fmt: skip
    statement = (
        select(*columns)
        .join(LedgerPosting, LedgerPosting.transaction_id == LedgerTransaction.id)
        .join(Facility, Facility.id == LedgerTransaction.facility_id)
        .outerjoin(Invoice, Invoice.id == LedgerTransaction.invoice_id)
        .outerjoin(credit_note, cast(credit_note.id, Text) == LedgerTransaction.source)
        .order_by(LedgerTransaction.booked_at, LedgerTransaction.id, LedgerPosting.amount_minor.desc(), LedgerPosting.account)
    )
    debits: dict[str, int] = {}
    credited: dict[str, int] = {}
    async for row in _read(tx, _within(statement, period, zone, LedgerTransaction.booked_at)):
        minor, currency = row.amount_minor, row.currency
        debits[currency] = debits.get(currency, 0) + max(minor, 0)
        credited[currency] = credited.get(currency, 0) + max(-minor, 0)
        yield (
            _day(row.booked_at, zone), row.account, _number(minor, currency) if minor > 0 else None,
            _number(-minor, currency) if minor < 0 else None, currency, row.reference, row.number or "", row.credit_note or "",
            row.kind, row.source, str(row.id),
        )  # fmt: skip
    for currency in sorted(debits):
        if debits[currency] != credited[currency]:
            difference = Money(debits[currency] - credited[currency], currency)
            raise Unbalanced(f"The journal's debits and credits differ by {difference}: do not use this file.")
        both = _number(debits[currency], currency)
        yield ("total", "", both, both, currency, "", "", "", "", "", "")


async def _read(tx: Transaction, statement: Select[*tuple[Any, ...]]) -> AsyncIterator[Any]:
    """The rows, fetched from a cursor in portions."""
    result = await tx.stream(statement.execution_options(yield_per=_AT_ONCE))
    async for row in result:
        yield row


def _issued(statement: Select[*tuple[Any, ...]], period: Period, zone: str) -> Select[*tuple[Any, ...]]:
    """Invoices with a number, issued in the period; withdrawn ones too, so that no number is missing."""
    return _within(statement.where(Invoice.number.is_not(None)), period, zone, Invoice.finalized_at)


def _within(statement: Select[*tuple[Any, ...]], period: Period, zone: str, instant: Any) -> Select[*tuple[Any, ...]]:
    if period.start_on is not None:
        statement = statement.where(instant >= start_of_day(period.start_on, zone))
    if period.end_on is not None:
        statement = statement.where(instant < start_of_day(period.end_on + timedelta(days=1), zone))
    return statement


def _day(instant: datetime | None, zone: str) -> str:
    return local_day(instant, zone).isoformat() if instant else ""


def _number(minor: int, currency: str) -> Decimal:
    return Decimal(decimal_text(minor, currency))
