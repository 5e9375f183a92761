"""Whatever is worked, disputed, drafted, finalised and withdrawn in whatever order: the sums hold, no entry stands twice."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from sqlalchemy import func, select, update
from support.contracts import set_terms
from support.invoices import at, work
from support.world import World, principal

from billing.rates import RateCard, RoundingMode, RoundingRule, RoundingScope, ServiceRate
from billing.rating import Period, WorkedEntry
from billing.taxes import NO_TAX
from staffing.contracts.reading import Agreement, Version
from staffing.errors import Conflict
from staffing.invoicing import service
from staffing.invoicing.models import Invoice, InvoiceLine, InvoiceLineEntry, LedgerPosting
from staffing.invoicing.proposals import Basis, propose
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.worklog.models import WorkEntry

ZONES = ("America/New_York", "America/Phoenix", "Pacific/Honolulu", "Asia/Manila")
START = datetime(2026, 3, 1, tzinfo=UTC)
PEOPLE = (str(UUID(int=101)), str(UUID(int=102)))


@st.composite
def entries(draw: st.DrawFn) -> list[WorkedEntry]:
    made, begin = [], START
    for number in range(draw(st.integers(0, 12))):
        begin += timedelta(seconds=draw(st.integers(0, 200_000)))
        end = begin + timedelta(seconds=draw(st.integers(1, 43_200)))
        who, what = draw(st.sampled_from(PEOPLE)), draw(st.sampled_from(("calls", "claims")))
        made.append(WorkedEntry(str(UUID(int=number + 1)), who, what, begin, end))
        begin = end
    return made


def card(per_hour: str, rounding: RoundingRule) -> RateCard:
    return RateCard({"calls": ServiceRate(Decimal(per_hour)), "claims": ServiceRate(Decimal("31.3333"))}, rounding)


@given(
    worked=entries(),
    zone=st.sampled_from(ZONES),
    unit=st.sampled_from((0, 1, 6, 15)),
    mode=st.sampled_from(list(RoundingMode)),
    scope=st.sampled_from(list(RoundingScope)),
    change_on=st.dates(date(2026, 2, 27), date(2026, 3, 20)),
)
def test_lines_add_up_and_hold_every_entry_once(
    worked: list[WorkedEntry], zone: str, unit: int, mode: RoundingMode, scope: RoundingScope, change_on: date
) -> None:
    rounding = RoundingRule(unit, mode, scope)
    agreed = Agreement(
        (
            Version(uuid4(), date(2025, 1, 1), "USD", card("42.00", rounding), NO_TAX),
            Version(uuid4(), change_on, "USD", card("44.015", rounding), NO_TAX),
        )
    )
    march = Period(date(2026, 3, 1), date(2026, 3, 31))
    proposal = propose(Basis(period=march, entries=worked), agreed, zone, "USD")
    assert proposal.total_minor == sum(line.amount_minor for line in proposal.lines)
    on_lines = [str(entry) for line in proposal.lines for entry in line.entries]
    assert sorted(on_lines) == sorted(entry.id for entry in worked)
    pieces = sorted((start, end) for line in proposal.lines for _, start, end in line.pieces)
    assert pieces == sorted((entry.start, entry.end) for entry in worked)
    assert sum(line.worked_seconds for line in proposal.lines) == sum(entry.seconds for entry in worked)
    assert propose(Basis(period=march, entries=list(reversed(worked))), agreed, zone, "USD") == proposal
    old = {UUID(entry.id) for entry in worked if entry.start.astimezone(ZoneInfo(zone)).date() < change_on}
    for line in proposal.lines:
        if line.service == "calls":
            assert line.unit_rate == (Decimal("42.00") if set(line.entries) <= old else Decimal("44.015"))


TERMS = {
    "premiums": [
        {"kind": "night", "from": "21:30", "to": "05:15", "multiplier": "1.175"},
        {"kind": "weekend", "multiplier": "1.35"},
    ],
    "premium_rule": "stack",
    "minimum_call_minutes": 10,
    "overtime": {"multiplier": "1.5", "after_weekly_minutes": 60, "after_daily_minutes": 45},
    "tax": {"rates": [{"name": "Sales tax", "percent": "7.125"}]},
}
days = st.integers(1, 28)
operations = st.lists(
    st.one_of(
        st.tuples(st.just("work"), days, st.integers(1, 7200)),
        st.tuples(st.just("dispute"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("settle"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("draft"), days, days),
        st.tuples(st.just("review"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("finalize"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("issue"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("void"), st.integers(0, 5), st.just(0)),
    ),
    min_size=20,
    max_size=40,
)


@given(steps=operations)
@effort(max_examples=12, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.usefixtures("standing")
async def test_the_books_hold_after_any_order_of_steps(
    database: Database, world: World, steps: list[tuple[str, int, int]]
) -> None:
    """All examples go on in one database, so what was done before is never a clean start. The contract cuts entries and taxes."""
    async with database.transaction(SYSTEM) as tx:
        await set_terms(tx, world.north, TERMS)
    for step in steps:
        await _do(database, world, *step)
    await _check_books(database)


async def _do(database: Database, world: World, what: str, number: int, other: int) -> None:
    bella = principal(world, "bella")
    async with database.transaction(SYSTEM) as tx:
        invoices = list(await tx.scalars(select(Invoice.id).order_by(Invoice.id.desc()).limit(6)))
        if what == "work":
            last_end = await tx.scalar(select(func.max(func.upper(WorkEntry.during))))
            work(tx, world, (last_end or at(1, 9, month=2)) + timedelta(hours=4 * number), seconds=other)
        if what in ("dispute", "settle"):
            before, after = ("approved", "disputed") if what == "dispute" else ("disputed", "approved")
            found = list(await tx.scalars(select(WorkEntry.id).where(WorkEntry.state == before).order_by(WorkEntry.id)))
            if found:
                chosen = WorkEntry.id == found[number % len(found)]
                await tx.execute(update(WorkEntry).where(chosen).values(state=after, dispute_reason="Not agreed."))
    try:
        async with database.transaction(bella.scope()) as tx:
            if what == "draft":
                first = date(2026, 2, 1) + timedelta(days=number - 1)
                await service.draft_invoice(tx, bella, world.north, first, first + timedelta(days=other))
            elif what == "issue" and invoices:
                await service.review(tx, bella, invoices[number % len(invoices)])
                await service.finalize(tx, bella, invoices[number % len(invoices)])
            elif what in ("review", "finalize", "void") and invoices:
                await getattr(service, what)(tx, bella, invoices[number % len(invoices)])
    except Conflict:
        pass  # refused in words; the books must hold all the same


async def _check_books(database: Database) -> None:
    async with database.transaction(SYSTEM) as tx:
        assert (await tx.scalar(select(func.coalesce(func.sum(LedgerPosting.amount_minor), 0)))) == 0
        per_invoice = select(InvoiceLine.invoice_id, func.sum(InvoiceLine.amount_minor)).group_by(InvoiceLine.invoice_id)
        sums = dict((await tx.execute(per_invoice)).all())
        issued, owed = 0, 0
        for invoice in await tx.scalars(select(Invoice)):
            assert invoice.total_minor == sums.get(invoice.id, 0) + invoice.tax_minor
            if invoice.number:
                # A withdrawn one keeps its number; its booking is reversed.
                issued, owed = issued + 1, owed + (invoice.total_minor if invoice.state != "void" else 0)
        receivable = select(func.coalesce(func.sum(LedgerPosting.amount_minor), 0)).where(LedgerPosting.account == "receivable")
        assert await tx.scalar(receivable) == owed
        pieces = (
            select(
                WorkEntry.id,
                func.sum(func.upper(InvoiceLineEntry.during) - func.lower(InvoiceLineEntry.during)),
                func.upper(WorkEntry.during) - func.lower(WorkEntry.during),
                func.bool_and(InvoiceLineEntry.during.contained_by(WorkEntry.during)),
                func.count(InvoiceLine.invoice_id.distinct()),
            )
            .join(InvoiceLineEntry, InvoiceLineEntry.entry_id == WorkEntry.id)
            .join(InvoiceLine, InvoiceLine.id == InvoiceLineEntry.line_id)
            .group_by(WorkEntry.id)
        )
        for entry_id, on_lines, worked, inside, invoices in await tx.execute(pieces):
            # The database refuses an instant twice; together the pieces are the whole entry, on one invoice.
            assert (on_lines, inside, invoices) == (worked, True, 1), entry_id
        numbers = sorted(filter(None, await tx.scalars(select(Invoice.number))))
        assert numbers == [f"RD-2026-{number:04d}" for number in range(1, issued + 1)]
        on_issued = set(
            await tx.scalars(
                select(InvoiceLineEntry.entry_id)
                .join(InvoiceLine, InvoiceLine.id == InvoiceLineEntry.line_id)
                .join(Invoice, Invoice.id == InvoiceLine.invoice_id)
                .where(Invoice.number.is_not(None), Invoice.state != "void")
            )
        )
        assert on_issued == set(await tx.scalars(select(WorkEntry.id).where(WorkEntry.state == "invoiced")))
