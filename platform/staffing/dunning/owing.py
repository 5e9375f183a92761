"""What is owed, invoice by invoice, as the ledger has it: the base of reminders, notices and the list of receivables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, ScalarSelect, cast, exists, func, select

from billing.ledger import Account as LedgerAccount
from staffing.dunning.models import Reminder
from staffing.dunning.rules import Sent
from staffing.facilities.models import Facility
from staffing.invoicing.models import Invoice, InvoiceState, LedgerPosting, LedgerTransaction
from staffing.payments.models import Payment, PaymentState
from staffing.persistence.transactions import Transaction
from staffing.wall_clock import local_day


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """An invoice that was sent and is not wholly paid. `owed_minor` by the ledger."""

    invoice_id: UUID
    number: str
    facility_id: UUID
    facility_name: str
    facility_zone: str
    due_on: date
    currency: str
    owed_minor: int
    paying: bool
    """A payment of it is under way, such as a bank debit that takes days."""
    sent: tuple[Sent, ...]

    def late(self, today: date) -> int:
        """Days since it was due; negative before."""
        return (today - self.due_on).days


def owed_minor() -> ScalarSelect[int]:
    """SQL: what the ledger says is owed on an invoice."""
    return (
        select(cast(func.coalesce(func.sum(LedgerPosting.amount_minor), 0), BigInteger))
        .join(LedgerTransaction, LedgerTransaction.id == LedgerPosting.transaction_id)
        .where(LedgerTransaction.invoice_id == Invoice.id, LedgerPosting.account == LedgerAccount.RECEIVABLE.value)
        .correlate(Invoice)
        .scalar_subquery()
    )


def paying() -> ColumnElement[bool]:
    """SQL: a payment of the invoice is under way."""
    return exists(
        select(Payment.id).where(Payment.invoice_id == Invoice.id, Payment.state == PaymentState.PROCESSING.value)
    ).correlate(Invoice)


def is_unpaid() -> ColumnElement[bool]:
    """SQL: sent to the facility, and something of it is owed."""
    return (Invoice.state == InvoiceState.SENT.value) & (owed_minor() > 0)


async def owed(tx: Transaction, *conditions: ColumnElement[bool], zone: str = "UTC") -> Sequence[Owed]:
    """Unpaid invoices with the stages that went out (on days of `zone`), the longest due first."""
    statement = (
        select(*columns())
        .join(Facility, Facility.id == Invoice.facility_id)
        .outerjoin(Reminder, Reminder.invoice_id == Invoice.id)
        .where(is_unpaid(), *conditions)
        .order_by(*ORDER)
    )
    return gathered((await tx.execute(statement)).all(), zone)


def gathered(rows: Sequence[Any], zone: str) -> Sequence[Owed]:
    """The invoices behind rows of `columns`, one row per reminder."""
    sent: dict[UUID, list[Sent]] = {}
    heads: dict[UUID, Any] = {}
    for row in rows:
        heads[row.id] = row
        if row.stage is not None:
            sent.setdefault(row.id, []).append(Sent(row.stage, _day(row.sent_at, zone)))
    return [
        Owed(
            invoice_id=row.id,
            number=row.number,
            facility_id=row.facility_id,
            facility_name=row.name,
            facility_zone=row.time_zone,
            due_on=row.due_on,
            currency=row.currency,
            owed_minor=row.owed,
            paying=row.paying,
            sent=tuple(sent.get(row.id, ())),
        )
        for row in heads.values()
    ]


def columns() -> tuple[Any, ...]:
    """SQL: of invoices, their facilities and reminders, what `gathered` takes."""
    return (
        Invoice.id, Invoice.number, Invoice.facility_id, Facility.name, Facility.time_zone, Invoice.due_on, Invoice.currency,
        owed_minor().label("owed"), paying().label("paying"), Reminder.stage, Reminder.sent_at,
    )  # fmt: skip


ORDER = (Invoice.due_on, Invoice.number, Reminder.sent_at)


def _day(instant: datetime, zone: str) -> date:
    return local_day(instant, zone)
