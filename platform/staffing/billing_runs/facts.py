"""Reading what the rules judge an invoice of a run by. For the jobs of a run; people come in through `service`."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, Date, and_, cast, exists, func, literal, select, true

from billing.money import minor_digits, round_half_up
from staffing import clock
from staffing.billing_runs.models import BillingRun
from staffing.billing_runs.periods import Period
from staffing.billing_runs.rules import Facts, Flag
from staffing.facilities.models import Facility
from staffing.invoicing.drafting import Drafted
from staffing.invoicing.models import BillingAccount, Invoice, InvoiceLine, InvoiceLineEntry, InvoiceState
from staffing.persistence.transactions import Transaction
from staffing.roster.models import Coordinator, PayRate
from staffing.worklog.models import WorkEntry

NUMBERED = (InvoiceState.FINALIZED.value, InvoiceState.SENT.value, InvoiceState.PAID.value, InvoiceState.UNCOLLECTIBLE.value)
"""States of invoices that went out."""


def period_of(run: BillingRun) -> Period:
    return Period(run.period_start_on, run.period_end_on)


def of_period_before(period: Period) -> ColumnElement[bool]:
    """The invoices that this period's are compared with: those that went out for days ending in the period before."""
    before = period.before
    return and_(Invoice.state.in_(NUMBERED), Invoice.period_end_on.between(before.start_on, before.end_on))


async def gather(
    tx: Transaction, facility: Facility, period: Period, drafted: Drafted | None, refused: Flag | None = None
) -> Facts:
    """Everything the rules want to know about the facility's draft of the period, or about there being none."""
    account = await tx.get(BillingAccount, facility.id)
    currency = drafted.currency if drafted else account.currency if account else "USD"
    previous, before = await _invoiced(tx, facility.id, period, currency)
    worked = await _worked(tx, facility, drafted.id, currency, period.start_on) if drafted else _NOTHING
    zone = ZoneInfo(facility.time_zone)
    return Facts(
        period=period,
        currency=currency,
        total_minor=drafted.total_minor if drafted else 0,
        net_minor=drafted.total_minor - drafted.tax_minor if drafted else 0,
        previous_minor=previous,
        invoiced_before=before,
        held_count=drafted.held_count if drafted else 0,
        held_seconds=drafted.held_seconds if drafted else 0,
        cost_minor=worked.cost_minor,
        without_pay=worked.without_pay,
        older_count=worked.older_count,
        older_seconds=worked.older_seconds,
        paused_on=account.paused_at.astimezone(zone).date() if account and account.paused_at else None,
        parked_because=account.parked_because if account else "",
        over=period.end_on < clock.now().astimezone(zone).date(),
        refused=refused,
    )


async def _invoiced(tx: Transaction, facility_id: UUID, period: Period, currency: str) -> tuple[int | None, bool]:
    """What the period before came to (None: no invoice), and whether this facility was ever invoiced."""
    ours = Invoice.facility_id == facility_id
    total = (
        select(cast(func.sum(Invoice.total_minor), BigInteger))
        .where(ours, of_period_before(period), Invoice.currency == currency)
        .scalar_subquery()
    )
    ever = exists().where(ours, Invoice.state.in_(NUMBERED))
    row = (await tx.execute(select(total, ever))).one()
    return row[0], row[1]


@dataclass(frozen=True, slots=True)
class _Worked:
    """The work on a draft: what its coordinators are paid for it in minor units, who of them has no pay stored, and how many
    of its entries began before the period, with their seconds.
    """

    cost_minor: int
    without_pay: tuple[str, ...]
    older_count: int
    older_seconds: int


_NOTHING = _Worked(0, (), 0, 0)


async def _worked(tx: Transaction, facility: Facility, invoice_id: UUID, currency: str, start_on: date) -> _Worked:
    seconds = func.extract("epoch", func.upper(InvoiceLineEntry.during) - func.lower(InvoiceLineEntry.during))
    day = cast(func.timezone(literal(facility.time_zone), func.lower(WorkEntry.during)), Date)
    pay = (
        select(PayRate.pay_per_hour)
        .where(PayRate.coordinator_id == WorkEntry.coordinator_id, PayRate.currency == currency, PayRate.valid_from <= day)
        .order_by(PayRate.valid_from.desc())
        .limit(1)
        .lateral()
    )
    rows = await tx.execute(
        select(
            Coordinator.name,
            func.coalesce(func.sum(seconds * pay.c.pay_per_hour), 0),
            func.count().filter(pay.c.pay_per_hour.is_(None)),
            func.count(WorkEntry.id.distinct()).filter(day < start_on),
            cast(func.coalesce(func.sum(seconds).filter(day < start_on), 0), BigInteger),
        )
        .select_from(InvoiceLineEntry)
        .join(InvoiceLine, InvoiceLine.id == InvoiceLineEntry.line_id)
        .join(WorkEntry, WorkEntry.id == InvoiceLineEntry.entry_id)
        .join(Coordinator, Coordinator.id == WorkEntry.coordinator_id)
        .outerjoin(pay, true())
        .where(InvoiceLine.invoice_id == invoice_id)
        .group_by(Coordinator.id)
        .order_by(Coordinator.name)
    )
    found = list(rows)
    cost = sum(row[1] for row in found) * 10 ** minor_digits(currency) / 3600
    without_pay = tuple(row[0] for row in found if row[2])
    return _Worked(round_half_up(cost), without_pay, sum(row[3] for row in found), sum(row[4] for row in found))
