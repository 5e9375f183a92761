"""The desk's view over all facilities: what can be invoiced for a period, the last invoice, the totals by state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, and_, cast, func, literal, select
from sqlalchemy.dialects.postgresql import distinct_on

from staffing.facilities.models import Facility
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing import work
from staffing.invoicing.lifecycle import ISSUED
from staffing.invoicing.models import Invoice, InvoiceState
from staffing.invoicing.rules import period_text
from staffing.persistence.transactions import Transaction
from staffing.worklog.models import EntryState, WorkEntry


@dataclass(frozen=True, slots=True)
class Found:
    """An invoice of a facility, as its row in the overview needs it."""

    id: UUID
    number: str | None
    state: str
    currency: str
    total_minor: int
    period_start_on: date
    period_end_on: date

    @property
    def period(self) -> str:
        return period_text(self.period_start_on, self.period_end_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityWork:
    """A facility's work of the period: `approved` and on no invoice yet, `held` for approval or in dispute."""

    id: UUID
    name: str
    colour: int
    zone: str
    approved_entries: int
    approved_seconds: int
    held_entries: int
    held_seconds: int
    last: Found | None
    """The latest invoice with a number."""
    of_period: Found | None
    """The invoice of exactly this period, open or issued."""


@dataclass(frozen=True, slots=True)
class StateTotal:
    state: str
    count: int
    total_minor: int
    currency: str


async def facilities(tx: Transaction, principal: Principal, start_on: date, end_on: date) -> Sequence[FacilityWork]:
    """One row per facility, those with most to invoice first."""
    principal.require(Permission.DESK_INVOICES_READ)
    seconds = func.extract("epoch", func.upper(WorkEntry.during) - func.lower(WorkEntry.during))
    approved = WorkEntry.state == EntryState.APPROVED.value
    of_work = and_(
        WorkEntry.facility_id == Facility.id,
        WorkEntry.state.in_([EntryState.APPROVED.value, *work.HELD]),
        work.in_period(literal(start_on), literal(end_on)),
        work.not_invoiced(),
    )
    rows = await tx.execute(
        select(
            Facility.id,
            Facility.name,
            Facility.colour,
            Facility.time_zone,
            func.count(WorkEntry.id).filter(approved),
            cast(func.coalesce(func.sum(seconds).filter(approved), 0), BigInteger),
            func.count(WorkEntry.id).filter(~approved),
            cast(func.coalesce(func.sum(seconds).filter(~approved), 0), BigInteger),
        )
        .outerjoin(WorkEntry, of_work)
        .group_by(Facility.id)
        .order_by(Facility.name)
    )
    last, of_period = await _last(tx), await _of_period(tx, start_on, end_on)
    found = [
        FacilityWork(
            id=row[0], name=row[1], colour=row[2], zone=row[3],
            approved_entries=row[4], approved_seconds=row[5], held_entries=row[6], held_seconds=row[7],
            last=last.get(row[0]), of_period=of_period.get(row[0]),
        )
        for row in rows
    ]  # fmt: skip
    return sorted(found, key=lambda facility: (-facility.approved_seconds, facility.name))


async def totals(tx: Transaction, principal: Principal) -> Sequence[StateTotal]:
    """Count and sum of the invoices of each state and currency."""
    principal.require(Permission.DESK_INVOICES_READ)
    rows = await tx.execute(
        select(Invoice.state, func.count(), cast(func.sum(Invoice.total_minor), BigInteger), Invoice.currency)
        .group_by(Invoice.state, Invoice.currency)
        .order_by(Invoice.state, Invoice.currency)
    )
    return [StateTotal(*row) for row in rows]


async def _last(tx: Transaction) -> Mapping[UUID, Found]:
    rows = await tx.execute(
        select(Invoice.facility_id, *_FOUND)
        .where(Invoice.state.in_([state.value for state in ISSUED]))
        .ext(distinct_on(Invoice.facility_id))
        .order_by(Invoice.facility_id, Invoice.finalized_at.desc())
    )
    return {row[0]: Found(*row[1:]) for row in rows}


async def _of_period(tx: Transaction, start_on: date, end_on: date) -> Mapping[UUID, Found]:
    rows = await tx.execute(
        select(Invoice.facility_id, *_FOUND).where(
            Invoice.period_start_on == start_on,
            Invoice.period_end_on == end_on,
            Invoice.state != InvoiceState.VOID.value,
        )
    )
    return {row[0]: Found(*row[1:]) for row in rows}


_FOUND = (
    Invoice.id,
    Invoice.number,
    Invoice.state,
    Invoice.currency,
    Invoice.total_minor,
    Invoice.period_start_on,
    Invoice.period_end_on,
)
