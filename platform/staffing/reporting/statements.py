"""A facility's account over a period, derived from the ledger alone: what it owed, what happened, what it owes now.

What a facility owes is its receivable less the credit that the agency keeps for it. Money held back by a payer's bank is not owed
until the dispute is lost. Keeping credit and using it up moves it between the two: nothing is owed more or less by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Text, cast, func, select
from sqlalchemy.orm import aliased

from billing.ledger import Account as LedgerAccount
from billing.ledger import Happening
from staffing.crediting.models import CreditNote
from staffing.errors import Invalid, NotFound
from staffing.facilities.models import Facility
from staffing.identity.models import Role
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing.models import Invoice, LedgerPosting, LedgerTransaction
from staffing.invoicing.rules import period_text
from staffing.payments.models import Payment, Refund
from staffing.persistence.transactions import Transaction
from staffing.wall_clock import local_day, start_of_day

LONGEST = timedelta(days=3660)
OF_THE_FACILITY = (LedgerAccount.RECEIVABLE.value, LedgerAccount.CUSTOMER_CREDIT.value)
WORDS: dict[str, str] = {
    Happening.INVOICE_FINALISED: "Invoice",
    Happening.PAYMENT_RECEIVED: "Payment",
    Happening.PAID_ELSEWHERE: "Payment past Stripe",
    Happening.CREDIT_ISSUED: "Credit note",
    Happening.PAYMENT_REFUNDED: "Refund",
    Happening.REFUND_RETURNED: "Refund that did not arrive",
    Happening.DISPUTE_LOST: "Payment taken back by the bank",
    Happening.WRITTEN_OFF: "Written off",
    Happening.RECOVERED: "Owed again: paid after all",
    Happening.REVERSAL: "Invoice withdrawn",
}
_AGENCYS_OWN = (Happening.WRITTEN_OFF.value, Happening.RECOVERED.value)
"""What the agency gave up is its own affair: the facility still owes it, and can pay it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One happening. `amount_minor` is what the facility owes more by it (less where negative); then it owed `balance_minor`."""

    on: date
    what: str
    reference: str
    invoice_id: UUID | None
    amount_minor: int
    balance_minor: int

    @property
    def charged_minor(self) -> int:
        return max(self.amount_minor, 0)

    @property
    def credited_minor(self) -> int:
        return max(-self.amount_minor, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountStatement:
    """The account in one currency. A negative balance is in the facility's favour."""

    currency: str
    opening_minor: int
    rows: tuple[Row, ...]

    @property
    def closing_minor(self) -> int:
        return self.rows[-1].balance_minor if self.rows else self.opening_minor

    @property
    def charged_minor(self) -> int:
        return sum(row.charged_minor for row in self.rows)

    @property
    def credited_minor(self) -> int:
        return sum(row.credited_minor for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A facility's account from `start_on` to `end_on`, both included, on the facility's own days."""

    facility_id: UUID
    facility_name: str
    facility_colour: int
    facility_city: str
    facility_state: str
    facility_reference: str
    zone: str
    start_on: date
    end_on: date
    accounts: tuple[AccountStatement, ...]

    @property
    def period(self) -> str:
        return period_text(self.start_on, self.end_on)


def check_period(start_on: date, end_on: date) -> None:
    """Raise `Invalid` for a period that no statement covers."""
    if end_on < start_on:
        raise Invalid(end_on="The last day must not be before the first.")
    if end_on - start_on > LONGEST:
        raise Invalid(end_on="A statement covers ten years at most.")


def usual_period(today: date) -> tuple[date, date]:
    """From the first day of last month to today."""
    return (today.replace(day=1) - timedelta(days=1)).replace(day=1), today


async def statement(tx: Transaction, principal: Principal, facility_id: UUID, start_on: date, end_on: date) -> Statement:
    """One facility's statement; to the facility itself what the agency gave up is still owed.

    Raises `NotFound` for one that the caller has nothing to do with, `Invalid`.
    """
    facility = await _facility(tx, principal, facility_id)
    check_period(start_on, end_on)
    zone = facility.time_zone
    begins, ends = start_of_day(start_on, zone), start_of_day(end_on + timedelta(days=1), zone)
    hidden = _AGENCYS_OWN if principal.role is Role.FACILITY else ()
    opening = await _before(tx, facility_id, hidden, begins)
    rows = await _between(tx, facility_id, hidden, begins, ends)
    currencies = sorted({*opening, *(row.currency for row in rows)}) or ["USD"]
    return Statement(
        facility_id=facility_id,
        facility_name=facility.name,
        facility_colour=facility.colour,
        facility_city=facility.city,
        facility_state=facility.state,
        facility_reference=facility.reference,
        zone=zone,
        start_on=start_on,
        end_on=end_on,
        accounts=tuple(_account(currency, opening.get(currency, 0), rows, zone) for currency in currencies),
    )


async def zone_of(tx: Transaction, principal: Principal, facility_id: UUID) -> str:
    """The facility's time zone, for its period. Raises `NotFound`."""
    return str((await _facility(tx, principal, facility_id)).time_zone)


async def _facility(tx: Transaction, principal: Principal, facility_id: UUID) -> Any:
    allowed = facility_id in principal.facility_ids if principal.role is Role.FACILITY else principal.of_agency
    if principal.of_agency:
        principal.require(Permission.DESK_RECEIVABLES_READ)
    row = (
        await tx.execute(
            select(Facility.name, Facility.colour, Facility.city, Facility.state, Facility.reference, Facility.time_zone).where(
                Facility.id == facility_id
            )
        )
    ).one_or_none()
    if not allowed or row is None:
        raise NotFound
    return row


async def _before(tx: Transaction, facility_id: UUID, hidden: Sequence[str], instant: datetime) -> dict[str, int]:
    rows = await tx.execute(
        select(LedgerPosting.currency, cast(func.sum(LedgerPosting.amount_minor), BigInteger))
        .join(LedgerTransaction, LedgerTransaction.id == LedgerPosting.transaction_id)
        .where(
            LedgerTransaction.facility_id == facility_id,
            LedgerTransaction.kind.not_in(hidden),
            LedgerPosting.account.in_(OF_THE_FACILITY),
            LedgerTransaction.booked_at < instant,
        )
        .group_by(LedgerPosting.currency)
    )
    return {currency: int(amount) for currency, amount in rows if amount}


async def _between(tx: Transaction, facility_id: UUID, hidden: Sequence[str], begins: datetime, ends: datetime) -> Sequence[Any]:
    """What changed the account, in order; moves within it are left out."""
    note = aliased(CreditNote)
    amount = cast(func.sum(LedgerPosting.amount_minor), BigInteger)
    return (
        await tx.execute(
            select(
                LedgerTransaction.booked_at, LedgerTransaction.kind, LedgerTransaction.invoice_id, Invoice.number,
                note.number.label("note"), Payment.method_label.label("method"), LedgerPosting.currency, amount.label("amount"),
            )
            .join(LedgerPosting, LedgerPosting.transaction_id == LedgerTransaction.id)
            .outerjoin(Invoice, Invoice.id == LedgerTransaction.invoice_id)
            .outerjoin(note, cast(note.id, Text) == LedgerTransaction.source)
            .outerjoin(Refund, cast(Refund.id, Text) == LedgerTransaction.source)
            .outerjoin(
                Payment,
                (Payment.stripe_payment_intent_id == LedgerTransaction.source) | (Payment.id == Refund.payment_id),
            )
            .where(
                LedgerTransaction.facility_id == facility_id,
                LedgerTransaction.kind.not_in(hidden),
                LedgerPosting.account.in_(OF_THE_FACILITY),
                LedgerTransaction.booked_at >= begins,
                LedgerTransaction.booked_at < ends,
            )
            .group_by(
                LedgerTransaction.id, Invoice.number, note.number, Payment.method_label, LedgerPosting.currency,
            )
            .having(func.sum(LedgerPosting.amount_minor) != 0)
            .order_by(LedgerTransaction.booked_at, LedgerTransaction.id)
        )
    ).all()  # fmt: skip


def _account(currency: str, opening_minor: int, found: Sequence[Any], zone: str) -> AccountStatement:
    rows, balance = [], opening_minor
    for row in found:
        if row.currency != currency:
            continue
        balance += row.amount
        rows.append(
            Row(
                on=local_day(row.booked_at, zone),
                what=WORDS.get(row.kind, row.kind.replace("_", " ").capitalize()) + (f", {row.method}" if row.method else ""),
                reference=_reference(row),
                invoice_id=row.invoice_id,
                amount_minor=row.amount,
                balance_minor=balance,
            )
        )
    return AccountStatement(currency=currency, opening_minor=opening_minor, rows=tuple(rows))


def _reference(row: Any) -> str:
    return f"{row.note} on {row.number}" if row.note else str(row.number or "")
