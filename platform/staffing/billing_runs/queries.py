"""Reads of billing runs, for the desk and the command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Row, Select, cast, func, select
from sqlalchemy.orm import aliased

from staffing.billing_runs import rules
from staffing.billing_runs.facts import of_period_before
from staffing.billing_runs.lifecycle import LIVE, PENDING, TO_ISSUE
from staffing.billing_runs.models import BillingRun, BillingRunItem, ItemState, RunState
from staffing.billing_runs.periods import Period
from staffing.billing_runs.rules import BLOCKING, Comparison, FlagKind, ServiceSum
from staffing.errors import NotFound
from staffing.facilities.models import Facility
from staffing.identity.models import Account
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing.models import Invoice, InvoiceLine, InvoiceState
from staffing.persistence.transactions import Transaction

PAGE = 30


@dataclass(frozen=True, slots=True)
class Sum:
    """So many invoices and what they come to, per currency."""

    count: int
    totals: tuple[tuple[str, int], ...]

    @property
    def amount(self) -> str:
        return " + ".join(rules.money_text(minor, currency) for currency, minor in self.totals) or rules.money_text(0, "USD")

    @property
    def words(self) -> str:
        return f"{self.count} {'invoice' if self.count == 1 else 'invoices'}, {self.amount}"

    @property
    def sighting(self) -> str:
        """What a button that issues this was about: sent back with it, and compared."""
        return ";".join([str(self.count), *(f"{currency} {minor}" for currency, minor in self.totals)])


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A run as lists show it. `counts`: how many facilities are in which state."""

    id: UUID
    number: int
    period: Period
    state: RunState
    started_at: datetime
    started_by: str
    issued_at: datetime | None
    issued_by: str
    finished_at: datetime | None
    counts: Mapping[ItemState, int]
    issued: Sum

    @property
    def live(self) -> bool:
        return self.state in LIVE

    @property
    def done(self) -> int:
        """Facilities whose turn is over, of `turns`, while the run is at work."""
        if self.state == RunState.ISSUING:
            return self.counts.get(ItemState.ISSUED, 0) + self.counts.get(ItemState.FAILED, 0)
        return sum(self.counts.values()) - self.pending

    @property
    def pending(self) -> int:
        return sum(self.counts.get(state, 0) for state in PENDING.get(self.state, ()))

    @property
    def turns(self) -> int:
        return self.done + self.pending


@dataclass(frozen=True, slots=True)
class FlagRow:
    kind: FlagKind
    sentence: str

    @property
    def name(self) -> str:
        return rules.FLAG_NAMES[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """A facility in a run. Amounts in minor units; `reasons` explain the difference to the period before."""

    facility_id: UUID
    name: str
    reference: str
    colour: int
    state: ItemState
    invoice_id: UUID | None
    number: str | None
    currency: str
    total_minor: int
    previous_minor: int | None
    held_count: int
    flags: tuple[FlagRow, ...]
    problem: str
    decided_by: str
    reasons: tuple[str, ...] = ()

    @property
    def percent(self) -> int | None:
        """By how much it is more than the period before."""
        return rules.percent(self.total_minor, self.previous_minor) if self.previous_minor else None

    @property
    def acceptable(self) -> bool:
        return self.state == ItemState.FLAGGED and not any(flag.kind in BLOCKING for flag in self.flags)


async def run(tx: Transaction, principal: Principal, run_id: UUID) -> RunRow:
    """One run. Raises `NotFound`."""
    principal.require(Permission.DESK_INVOICES_READ)
    found = await _runs(tx, _rows().where(BillingRun.id == run_id))
    if not found:
        raise NotFound
    return found[0]


async def runs(tx: Transaction, principal: Principal, page: int = 1) -> tuple[Sequence[RunRow], bool]:
    """Runs, latest first, and whether there are more after this page."""
    principal.require(Permission.DESK_INVOICES_READ)
    found = await _runs(tx, _rows().order_by(BillingRun.number.desc()).limit(PAGE + 1).offset((page - 1) * PAGE))
    return found[:PAGE], len(found) > PAGE


async def live_runs(tx: Transaction, principal: Principal) -> Sequence[RunRow]:
    """The runs that are not over."""
    principal.require(Permission.DESK_INVOICES_READ)
    states = [state.value for state in LIVE]
    return await _runs(tx, _rows().where(BillingRun.state.in_(states)).order_by(BillingRun.number))


async def live_of(tx: Transaction, principal: Principal, period: Period) -> RunRow | None:
    """The run of exactly this period that is not over."""
    return next((one for one in await live_runs(tx, principal) if one.period == period), None)


async def to_issue(tx: Transaction, run_id: UUID) -> Sum:
    """What pressing the button issues now."""
    return await _sum(tx, run_id, *TO_ISSUE)


async def items(tx: Transaction, principal: Principal, of: RunRow) -> Sequence[ItemRow]:
    """Every facility of the run by name, with what its difference to the period before comes from."""
    principal.require(Permission.DESK_INVOICES_READ)
    decider = aliased(Account)
    rows = await tx.execute(
        select(
            BillingRunItem.facility_id, Facility.name, Facility.reference, Facility.colour, BillingRunItem.state,
            BillingRunItem.invoice_id, Invoice.number, BillingRunItem.currency, BillingRunItem.total_minor,
            BillingRunItem.previous_minor, BillingRunItem.held_count, BillingRunItem.flags, BillingRunItem.problem,
            func.coalesce(decider.name, "").label("decided_by"),
        )
        .join(Facility, Facility.id == BillingRunItem.facility_id)
        .outerjoin(Invoice, Invoice.id == BillingRunItem.invoice_id)
        .outerjoin(decider, decider.id == BillingRunItem.decided_by)
        .where(BillingRunItem.run_id == of.id)
        .order_by(Facility.name, Facility.id)
    )  # fmt: skip
    in_run = select(BillingRunItem.invoice_id).where(BillingRunItem.run_id == of.id)
    now = await _services(tx, Invoice.id.in_(in_run))
    before = await _services(tx, of_period_before(of.period))
    return [_item(row, now, before) for row in rows.mappings()]


def _item(row: Any, now: "_ByFacility", before: "_ByFacility") -> ItemRow:
    facility_id, currency = row["facility_id"], row["currency"]
    flags = tuple(FlagRow(FlagKind(flag["kind"]), flag["sentence"]) for flag in row["flags"])
    comparison = Comparison(
        currency=currency, now=now.get((facility_id, currency), ()), before=before.get((facility_id, currency), ())
    )
    comparable = row["previous_minor"] and row["total_minor"]
    return ItemRow(
        **{
            **row,
            "state": ItemState(row["state"]),
            "flags": flags,
            "reasons": rules.reasons(comparison) if comparable else (),
        }
    )


_ByFacility = Mapping[tuple[UUID, str], tuple[ServiceSum, ...]]


async def _services(tx: Transaction, which: ColumnElement[bool]) -> _ByFacility:
    """What each service comes to on these invoices, by facility and currency."""
    rate = func.max(InvoiceLine.unit_rate).filter(InvoiceLine.kind == "regular")
    rows = await tx.execute(
        select(
            Invoice.facility_id, Invoice.currency, InvoiceLine.service,
            cast(func.sum(InvoiceLine.seconds), BigInteger), cast(func.sum(InvoiceLine.amount_minor), BigInteger), rate,
        )
        .join(Invoice, Invoice.id == InvoiceLine.invoice_id)
        .where(which, Invoice.state != InvoiceState.VOID.value)
        .group_by(Invoice.facility_id, Invoice.currency, InvoiceLine.service)
    )  # fmt: skip
    found: dict[tuple[UUID, str], tuple[ServiceSum, ...]] = {}
    for facility_id, currency, service, seconds, amount, unit_rate in rows:
        one = ServiceSum(service=service, seconds=seconds, amount_minor=amount, unit_rate=_plain(unit_rate))
        found[facility_id, currency] = (*found.get((facility_id, currency), ()), one)
    return found


def _plain(rate: Decimal | None) -> Decimal | None:
    return rate.normalize() if rate is not None else None


def _rows() -> Select[*tuple[Any, ...]]:
    starter, issuer = aliased(Account), aliased(Account)
    return (
        select(
            BillingRun.id, BillingRun.number, BillingRun.period_start_on, BillingRun.period_end_on, BillingRun.state,
            BillingRun.started_at, func.coalesce(starter.name, ""), BillingRun.issued_at, func.coalesce(issuer.name, ""),
            BillingRun.finished_at,
        )
        .outerjoin(starter, starter.id == BillingRun.started_by)
        .outerjoin(issuer, issuer.id == BillingRun.issued_by)
    )  # fmt: skip


async def _runs(tx: Transaction, statement: Select[*tuple[Any, ...]]) -> list[RunRow]:
    rows = list(await tx.execute(statement))
    states = await _states(tx, [row[0] for row in rows])
    return [_run(row, [one for one in states if one[0] == row[0]]) for row in rows]


def _run(row: Row[*tuple[Any, ...]], states: Sequence[Row[*tuple[Any, ...]]]) -> RunRow:
    counts: dict[ItemState, int] = {}
    issued: dict[str, int] = {}
    for _, state, currency, count, total in states:
        counts[ItemState(state)] = counts.get(ItemState(state), 0) + count
        if state == ItemState.ISSUED:
            issued[currency] = issued.get(currency, 0) + total
    return RunRow(
        id=row[0], number=row[1], period=Period(row[2], row[3]), state=RunState(row[4]), started_at=row[5], started_by=row[6],
        issued_at=row[7], issued_by=row[8], finished_at=row[9], counts=counts,
        issued=Sum(counts.get(ItemState.ISSUED, 0), tuple(sorted(issued.items()))),
    )  # fmt: skip


async def _states(tx: Transaction, run_ids: Sequence[UUID]) -> Sequence[Row[*tuple[Any, ...]]]:
    rows = await tx.execute(
        select(
            BillingRunItem.run_id,
            BillingRunItem.state,
            BillingRunItem.currency,
            func.count(),
            cast(func.sum(BillingRunItem.total_minor), BigInteger),
        )
        .where(BillingRunItem.run_id.in_(run_ids))
        .group_by(BillingRunItem.run_id, BillingRunItem.state, BillingRunItem.currency)
    )
    return rows.all()


async def _sum(tx: Transaction, run_id: UUID, *states: ItemState) -> Sum:
    rows = await tx.execute(
        select(BillingRunItem.currency, func.count(), cast(func.sum(BillingRunItem.total_minor), BigInteger))
        .where(BillingRunItem.run_id == run_id, BillingRunItem.state.in_([state.value for state in states]))
        .group_by(BillingRunItem.currency)
        .order_by(BillingRunItem.currency)
    )
    found = list(rows)
    return Sum(sum(row[1] for row in found), tuple((row[0], row[2]) for row in found))
