"""What is owed to the agency by age, as the ledger has it: the sum over all rows is the receivable's balance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, cast, func, select

from billing.ledger import Account as LedgerAccount
from staffing.errors import NotFound
from staffing.facilities.models import Facility
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing.models import BillingAccount, Invoice, LedgerPosting, LedgerTransaction
from staffing.persistence.transactions import Transaction

AGES = ("not_due", "to_30", "to_60", "to_90", "over_90")
AGE_WORDS = ("Not due yet", "0–30 days", "31–60", "61–90", "Over 90")
_LIMITS = (30, 60, 90)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedInvoice:
    """An invoice on which the ledger has a balance."""

    id: UUID
    number: str
    state: str
    period_start_on: date
    period_end_on: date
    due_on: date | None
    currency: str
    total_minor: int
    owed_minor: int

    def late(self, today: date) -> int:
        """Days since it was due; 0 before."""
        return max((today - self.due_on).days, 0) if self.due_on else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AgedRow:
    """What one facility owes in one currency, by age, in the order of `AGES`; `credit_minor` is kept for its next invoices."""

    facility_id: UUID
    name: str
    reference: str
    colour: int
    currency: str
    owed: tuple[int, ...]
    credit_minor: int
    paused_at: datetime | None

    @property
    def total_minor(self) -> int:
        return sum(self.owed)


def age_of(due_on: date | None, today: date) -> int:
    """The place in `AGES` of an invoice that was due on that day."""
    late = (today - due_on).days if due_on else 0
    if late <= 0:
        return 0
    return 1 + sum(1 for limit in _LIMITS if late > limit)


async def aged(tx: Transaction, principal: Principal, today: date) -> Sequence[AgedRow]:
    """One row per facility and currency that owes anything or has credit, those who owe longest first."""
    principal.require(Permission.DESK_RECEIVABLES_READ)
    owed = await tx.execute(
        select(LedgerTransaction.facility_id, LedgerPosting.currency, Invoice.due_on, _sum().label("minor"))
        .join(LedgerTransaction, LedgerTransaction.id == LedgerPosting.transaction_id)
        .outerjoin(Invoice, Invoice.id == LedgerTransaction.invoice_id)
        .where(LedgerPosting.account == LedgerAccount.RECEIVABLE.value)
        .group_by(LedgerTransaction.facility_id, LedgerPosting.currency, Invoice.id)
        .having(_sum() != 0)
    )
    by_age: dict[tuple[UUID, str], list[int]] = {}
    for facility_id, currency, due_on, minor in owed:
        by_age.setdefault((facility_id, currency), [0] * len(AGES))[age_of(due_on, today)] += int(minor)
    credit = {
        (facility_id, currency): -int(minor)
        for facility_id, currency, minor in await tx.execute(
            select(LedgerTransaction.facility_id, LedgerPosting.currency, _sum())
            .join(LedgerTransaction, LedgerTransaction.id == LedgerPosting.transaction_id)
            .where(LedgerPosting.account == LedgerAccount.CUSTOMER_CREDIT.value)
            .group_by(LedgerTransaction.facility_id, LedgerPosting.currency)
            .having(_sum() != 0)
        )
    }
    facilities = {
        row.id: row
        for row in await tx.execute(
            select(Facility.id, Facility.name, Facility.reference, Facility.colour, BillingAccount.paused_at).outerjoin(
                BillingAccount, BillingAccount.facility_id == Facility.id
            )
        )
    }
    rows = [
        _row(facilities[facility_id], currency, by_age.get((facility_id, currency)), credit.get((facility_id, currency), 0))
        for facility_id, currency in {**by_age, **credit}
    ]
    return sorted(rows, key=lambda row: (tuple(-minor for minor in reversed(row.owed)), row.name))


async def owed_by(tx: Transaction, principal: Principal, facility_id: UUID) -> Sequence[OwedInvoice]:
    """The invoices of a facility on which something is owed (or owed back), the longest due first. Raises `NotFound`."""
    principal.require(Permission.DESK_RECEIVABLES_READ)
    if await tx.scalar(select(Facility.id).where(Facility.id == facility_id)) is None:
        raise NotFound
    columns = (
        Invoice.id, Invoice.number, Invoice.state, Invoice.period_start_on, Invoice.period_end_on, Invoice.due_on,
        Invoice.currency, Invoice.total_minor,
    )  # fmt: skip
    rows = await tx.execute(
        select(*columns, _sum().label("owed_minor"))
        .join(LedgerTransaction, LedgerTransaction.invoice_id == Invoice.id)
        .join(LedgerPosting, LedgerPosting.transaction_id == LedgerTransaction.id)
        .where(Invoice.facility_id == facility_id, LedgerPosting.account == LedgerAccount.RECEIVABLE.value)
        .group_by(Invoice.id)
        .having(_sum() != 0)
        .order_by(Invoice.due_on, Invoice.number)
    )
    return [OwedInvoice(**row) for row in rows.mappings()]


def totals(rows: Sequence[AgedRow]) -> Sequence[tuple[str, tuple[int, ...], int, int]]:
    """Per currency: by age, together, credit kept."""
    found: dict[str, list[AgedRow]] = {}
    for row in rows:
        found.setdefault(row.currency, []).append(row)
    return [
        (
            currency,
            tuple(sum(row.owed[age] for row in of) for age in range(len(AGES))),
            sum(row.total_minor for row in of),
            sum(row.credit_minor for row in of),
        )
        for currency, of in sorted(found.items())
    ]


def _row(facility: Any, currency: str, owed: Sequence[int] | None, credit_minor: int) -> AgedRow:
    return AgedRow(
        facility_id=facility.id,
        name=facility.name,
        reference=facility.reference,
        colour=facility.colour,
        currency=currency,
        owed=tuple(owed or [0] * len(AGES)),
        credit_minor=credit_minor,
        paused_at=facility.paused_at,
    )


def _sum() -> Any:
    return cast(func.sum(LedgerPosting.amount_minor), BigInteger)
