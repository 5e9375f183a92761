"""The owner's six numbers, each with what stands behind it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import ColumnElement, Subquery, extract, func, select
from sqlalchemy.dialects.postgresql import Range, distinct_on
from sqlalchemy.orm import InstrumentedAttribute

from billing.money import round_half_up
from staffing.facilities.models import Facility, RateCard, ServiceRate
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing.models import Invoice, InvoiceState
from staffing.persistence.transactions import Transaction
from staffing.requests.models import CoverageWindow
from staffing.roster.models import PayRate
from staffing.scheduling.models import Assignment, AssignmentState
from staffing.worklog.models import EntryState, WorkEntry

COUNTED = (EntryState.APPROVED.value, EntryState.INVOICED.value)


@dataclass(frozen=True, slots=True)
class Week:
    """One week of the agency: heads asked and covered, minutes approved, what they are billed and cost, in minor units."""

    starts_on: date
    asked: int
    covered: int
    minutes: int
    billed_minor: int
    cost_minor: int

    @property
    def fill_percent(self) -> int | None:
        """Share of asked heads that were covered; None when nothing was asked."""
        return round(100 * self.covered / self.asked) if self.asked else None

    @property
    def margin_percent(self) -> int | None:
        """(bill − cost) / bill; None when nothing was billed."""
        return round(100 * (self.billed_minor - self.cost_minor) / self.billed_minor) if self.billed_minor else None


@dataclass(frozen=True, slots=True)
class Receivables:
    """Money asked for and not yet paid, in minor units."""

    open_minor: int
    overdue_minor: int
    paid_minor: int
    drafts: int


async def weeks(tx: Transaction, principal: Principal, now: datetime, count: int = 6) -> list[Week]:
    """The last `count` weeks including this one, oldest first. Weeks are those of UTC: this is a trend, not a bill."""
    principal.require(Permission.DESK_REPORTS_READ)
    monday = (now - timedelta(days=now.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    first = monday - timedelta(weeks=count - 1)
    asked = await _by_week(
        tx, first, monday, CoverageWindow.during, func.sum(CoverageWindow.headcount), ~CoverageWindow.cancelled
    )
    covered = await _by_week(
        tx, first, monday, Assignment.during, func.count(), Assignment.state == AssignmentState.CONFIRMED.value
    )
    work = await _work_by_week(tx, first, monday)
    rows = []
    for number in range(count):
        starts = first + timedelta(weeks=number)
        seconds, billed, cost = work.get(starts, (0, Decimal(0), Decimal(0)))
        rows.append(
            Week(
                starts_on=starts.date(),
                asked=asked.get(starts, 0),
                covered=covered.get(starts, 0),
                minutes=seconds // 60,
                billed_minor=round_half_up(billed * 100),
                cost_minor=round_half_up(cost * 100),
            )
        )
    return rows


async def receivables(tx: Transaction, principal: Principal, today: date) -> Receivables:
    """What finalised invoices ask for, and what is overdue on `today`. All invoices are taken to be in one currency."""
    principal.require(Permission.DESK_REPORTS_READ)
    open_states = (InvoiceState.FINALIZED.value, InvoiceState.SENT.value)
    total = func.sum(Invoice.total_minor)
    is_open = Invoice.state.in_(open_states)
    row = (
        await tx.execute(
            select(
                total.filter(is_open),
                total.filter(is_open, Invoice.due_on < today),
                total.filter(Invoice.state == InvoiceState.PAID.value),
                func.count().filter(Invoice.state.in_((InvoiceState.DRAFT.value, InvoiceState.REVIEWED.value))),
            )
        )
    ).one()
    return Receivables(int(row[0] or 0), int(row[1] or 0), int(row[2] or 0), row[3])


async def _by_week(
    tx: Transaction,
    first: datetime,
    last: datetime,
    during: InstrumentedAttribute[Range[datetime]],
    what: ColumnElement[int],
    condition: ColumnElement[bool],
) -> dict[datetime, int]:
    week = func.date_trunc("week", func.lower(during), "UTC")
    rows = await tx.execute(
        select(week, what)
        .where(condition, func.lower(during) >= first, func.lower(during) < last + timedelta(weeks=1))
        .group_by(week)
    )
    return {starts: int(number) for starts, number in rows}


async def _work_by_week(tx: Transaction, first: datetime, last: datetime) -> dict[datetime, tuple[int, Decimal, Decimal]]:
    """Approved seconds with their worth at the facility's newest price and the coordinator's newest pay."""
    seconds = extract("epoch", func.upper(WorkEntry.during) - func.lower(WorkEntry.during))
    week = func.date_trunc("week", func.lower(WorkEntry.during), "UTC")
    price = _newest_prices()
    pay = (
        select(PayRate.coordinator_id, PayRate.pay_per_hour)
        .ext(distinct_on(PayRate.coordinator_id))
        .order_by(PayRate.coordinator_id, PayRate.valid_from.desc())
        .subquery()
    )
    rows = await tx.execute(
        select(
            week,
            func.sum(seconds),
            func.sum(seconds * func.coalesce(price.c.bill_per_hour, 0) / 3600),
            func.sum(seconds * func.coalesce(pay.c.pay_per_hour, 0) / 3600),
        )
        .outerjoin(price, (price.c.facility_id == WorkEntry.facility_id) & (price.c.service == WorkEntry.service))
        .outerjoin(pay, pay.c.coordinator_id == WorkEntry.coordinator_id)
        .where(
            WorkEntry.state.in_(COUNTED),
            func.lower(WorkEntry.during) >= first,
            func.lower(WorkEntry.during) < last + timedelta(weeks=1),
        )
        .group_by(week)
    )
    return {starts: (int(total), Decimal(billed), Decimal(cost)) for starts, total, billed, cost in rows}


def _newest_prices() -> Subquery:
    """The hourly price of each service on the newest rate card of each facility."""
    newest_card = (
        select(RateCard.id)
        .where(RateCard.facility_id == Facility.id)
        .order_by(RateCard.valid_from.desc())
        .limit(1)
        .correlate(Facility)
        .scalar_subquery()
    )
    return (
        select(ServiceRate.facility_id, ServiceRate.service, ServiceRate.bill_per_hour)
        .join(Facility, Facility.id == ServiceRate.facility_id)
        .where(ServiceRate.rate_card_id == newest_card)
        .subquery()
    )
