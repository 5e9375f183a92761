"""Reads for the pages of credit notes. A facility sees its own, the agency all; nobody else sees any."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Select, cast, false, func, select

from billing.ledger import Account as LedgerAccount
from staffing.crediting.models import CreditNote, CreditNoteLine
from staffing.crediting.service import why_not
from staffing.crediting.standing import Creditable, Standing, creditable, kept_credit, standing
from staffing.crediting.words import REASON_WORDS, settled
from staffing.errors import NotFound
from staffing.facilities.models import Facility
from staffing.identity.models import Account, Role
from staffing.identity.principals import Principal
from staffing.invoicing.explaining import kind_words, line_name
from staffing.invoicing.lifecycle import ISSUED
from staffing.invoicing.models import Invoice, InvoiceLine, InvoiceLineEntry, LedgerPosting, LedgerTransaction
from staffing.persistence.transactions import Transaction
from staffing.roster.models import Coordinator
from staffing.worklog.models import WorkEntry

__all__ = [
    "NoteLineRow",
    "NoteRow",
    "OnInvoice",
    "ToCredit",
    "credited_by_line",
    "credited_entries",
    "kept_by_facility",
    "kept_credit",
    "lines",
    "note",
    "notes",
    "on_invoices",
    "owed_on",
    "standing",
    "to_credit",
    "why_ended",
]

PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRow:
    """A credit note as lists show it."""

    id: UUID
    number: str
    invoice_id: UUID
    invoice_number: str
    facility_id: UUID
    facility_name: str
    facility_colour: int
    facility_zone: str
    reason: str
    currency: str
    subtotal_minor: int
    tax_minor: int
    total_minor: int
    applied_minor: int
    refund_minor: int
    balance_minor: int
    issued_at: datetime
    issued_by: str
    stripe_credit_note_id: str | None
    stripe_problem: str

    @property
    def reason_words(self) -> str:
        return REASON_WORDS[self.reason]

    @property
    def settled(self) -> str:
        """What became of its amount."""
        return settled(self.applied_minor, self.refund_minor, self.balance_minor, self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteLineRow:
    """What is taken back of one line. With `entry_start`, it is for that one entry; no patient is named."""

    invoice_line_id: UUID
    service: str
    kind: str
    coordinator: str
    minutes: Decimal | None
    line_amount_minor: int
    amount_minor: int
    tax_minor: int
    entry_id: UUID | None
    entry_start: datetime | None
    entry_end: datetime | None

    @property
    def name(self) -> str:
        return line_name(self.service, self.kind)

    @property
    def kind_words(self) -> str:
        return kind_words(self.kind) if self.service else ""


def visible(principal: Principal) -> list[ColumnElement[bool]]:
    """Whose credit notes the caller sees: the predicate of every query here."""
    if principal.of_agency:
        return []
    if principal.role is Role.FACILITY:
        return [CreditNote.facility_id.in_(principal.facility_ids)]
    return [false()]


async def notes(
    tx: Transaction, principal: Principal, *, invoice_id: UUID | None = None, page: int = 1
) -> tuple[Sequence[NoteRow], bool]:
    """Credit notes, latest first, of one invoice or of all; and whether there are more after this page of `PAGE`."""
    statement = (
        _rows()
        .where(*visible(principal), *([CreditNote.invoice_id == invoice_id] if invoice_id else []))
        .order_by(CreditNote.issued_at.desc(), CreditNote.number.desc())
        .limit(PAGE + 1)
        .offset((page - 1) * PAGE)
    )
    found = [NoteRow(**row) for row in (await tx.execute(statement)).mappings()]
    return found[:PAGE], len(found) > PAGE


async def note(tx: Transaction, principal: Principal, note_id: UUID) -> NoteRow:
    """One credit note. Raises `NotFound`, also for another facility's."""
    row = (await tx.execute(_rows().where(CreditNote.id == note_id, *visible(principal)))).mappings().one_or_none()
    if row is None:
        raise NotFound
    return NoteRow(**row)


async def lines(tx: Transaction, principal: Principal, note_id: UUID) -> list[NoteLineRow]:
    """The lines of a credit note, in their order."""
    rows = await tx.execute(
        select(
            CreditNoteLine.invoice_line_id,
            InvoiceLine.service,
            InvoiceLine.kind,
            func.coalesce(Coordinator.name, "").label("coordinator"),
            CreditNoteLine.minutes,
            InvoiceLine.amount_minor.label("line_amount_minor"),
            CreditNoteLine.amount_minor,
            CreditNoteLine.tax_minor,
            CreditNoteLine.entry_id,
            func.lower(WorkEntry.during).label("entry_start"),
            func.upper(WorkEntry.during).label("entry_end"),
        )
        .join(CreditNote, CreditNote.id == CreditNoteLine.credit_note_id)
        .join(InvoiceLine, InvoiceLine.id == CreditNoteLine.invoice_line_id)
        .outerjoin(Coordinator, Coordinator.id == InvoiceLine.coordinator_id)
        .outerjoin(WorkEntry, WorkEntry.id == CreditNoteLine.entry_id)
        .where(CreditNote.id == note_id, *visible(principal))
        .order_by(CreditNoteLine.position)
    )
    return [NoteLineRow(**row) for row in rows.mappings()]


async def credited_by_line(tx: Transaction, principal: Principal, invoice_id: UUID) -> Mapping[UUID, int]:
    """What was taken back of each line of an invoice so far."""
    rows = await tx.execute(
        select(CreditNoteLine.invoice_line_id, cast(func.sum(CreditNoteLine.amount_minor), BigInteger))
        .join(CreditNote, CreditNote.id == CreditNoteLine.credit_note_id)
        .where(CreditNote.invoice_id == invoice_id, *visible(principal))
        .group_by(CreditNoteLine.invoice_line_id)
    )
    return {line_id: int(amount) for line_id, amount in rows}


async def credited_entries(tx: Transaction, principal: Principal, line_id: UUID) -> Mapping[UUID, int]:
    """What was taken back of each entry on a line, for those that a credit note names."""
    rows = await tx.execute(
        select(CreditNoteLine.entry_id, cast(func.sum(CreditNoteLine.amount_minor), BigInteger))
        .join(CreditNote, CreditNote.id == CreditNoteLine.credit_note_id)
        .where(CreditNoteLine.invoice_line_id == line_id, CreditNoteLine.entry_id.is_not(None), *visible(principal))
        .group_by(CreditNoteLine.entry_id)
    )
    return {entry_id: int(amount) for entry_id, amount in rows if entry_id}


def _rows() -> Select[*tuple[Any, ...]]:
    return (
        select(
            CreditNote.id, CreditNote.number, CreditNote.invoice_id, Invoice.number.label("invoice_number"),
            CreditNote.facility_id, Facility.name.label("facility_name"), Facility.colour.label("facility_colour"),
            Facility.time_zone.label("facility_zone"), CreditNote.reason, CreditNote.currency,
            CreditNote.subtotal_minor, CreditNote.tax_minor, CreditNote.total_minor,
            CreditNote.applied_minor, CreditNote.refund_minor, CreditNote.balance_minor,
            CreditNote.issued_at, func.coalesce(Account.name, "").label("issued_by"),
            CreditNote.stripe_credit_note_id, CreditNote.stripe_problem,
        )
        .join(Invoice, Invoice.id == CreditNote.invoice_id)
        .join(Facility, Facility.id == CreditNote.facility_id)
        .outerjoin(Account, Account.id == CreditNote.issued_by)
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class OnInvoice:
    """The final invoice on which an entry stands."""

    id: UUID
    number: str


async def on_invoices(tx: Transaction, principal: Principal, entry_ids: Collection[UUID]) -> Mapping[UUID, OnInvoice]:
    """For those of the entries that are on a final invoice: which. For the agency."""
    if not principal.of_agency or not entry_ids:
        return {}
    rows = await tx.execute(
        select(InvoiceLineEntry.entry_id, Invoice.id, Invoice.number)
        .join(InvoiceLine, InvoiceLine.id == InvoiceLineEntry.line_id)
        .join(Invoice, Invoice.id == InvoiceLine.invoice_id)
        .where(InvoiceLineEntry.entry_id.in_(set(entry_ids)), Invoice.state.in_([state.value for state in ISSUED]))
        .distinct()
    )
    return {entry_id: OnInvoice(invoice_id, number or "") for entry_id, invoice_id, number in rows}


@dataclass(frozen=True, slots=True)
class ToCredit:
    """What the form of a credit note is made from."""

    left: Creditable
    standing: Standing
    why_not: str
    """Why there can be no credit note now; empty when there can."""


async def to_credit(tx: Transaction, principal: Principal, invoice_id: UUID) -> ToCredit:
    """Of an invoice, for the agency. Raises `NotFound`."""
    bill = await tx.get(Invoice, invoice_id) if principal.of_agency else None
    if bill is None:
        raise NotFound
    left, now = await creditable(tx, bill), await standing(tx, invoice_id)
    because = why_not(bill.state)
    if not because and left.left_minor <= 0:
        because = "All of this invoice is credited already."
    return ToCredit(left, now, because)


async def kept_by_facility(tx: Transaction, principal: Principal) -> Mapping[UUID, tuple[int, str]]:
    """What the agency keeps for the next invoices of each of the caller's own facilities, where there is something."""
    rows = await tx.execute(
        select(LedgerPosting.facility_id, cast(func.sum(-LedgerPosting.amount_minor), BigInteger), LedgerPosting.currency)
        .where(
            LedgerPosting.facility_id.in_(principal.facility_ids),
            LedgerPosting.account == LedgerAccount.CUSTOMER_CREDIT.value,
        )
        .group_by(LedgerPosting.facility_id, LedgerPosting.currency)
    )
    return {facility_id: (int(amount), currency) for facility_id, amount, currency in rows if amount > 0}


async def why_ended(tx: Transaction, invoice_id: UUID) -> str:
    """The agency's sentence for withdrawing or writing off an invoice that the caller has read; empty where there is none."""
    row = (await tx.execute(select(Invoice.voided_because, Invoice.uncollectible_because).where(Invoice.id == invoice_id))).one()
    return row[0] or row[1]


async def owed_on(tx: Transaction, invoice_ids: Collection[UUID]) -> Mapping[UUID, int]:
    """What can still be paid on each of these invoices, which the caller has read: what was given up counts."""
    rows = await tx.execute(
        select(LedgerTransaction.invoice_id, cast(func.sum(LedgerPosting.amount_minor), BigInteger))
        .join(LedgerPosting, LedgerPosting.transaction_id == LedgerTransaction.id)
        .where(
            LedgerTransaction.invoice_id.in_(set(invoice_ids)),
            LedgerPosting.account.in_([LedgerAccount.RECEIVABLE.value, LedgerAccount.BAD_DEBT.value]),
        )
        .group_by(LedgerTransaction.invoice_id)
    )
    return {invoice_id: int(amount) for invoice_id, amount in rows if invoice_id}
