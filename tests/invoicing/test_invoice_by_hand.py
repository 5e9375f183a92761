"""By hand: three services by two coordinators with premiums, a minimum, a late cancellation, tax and a disputed entry."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from support import world as worlds
from support.contracts import agree_on
from support.invoices import at, work
from support.visitors import Visitor
from support.world import World, principal

from staffing import clock
from staffing.invoicing import charges, drafting, service
from staffing.invoicing.models import Charge, Invoice, InvoiceLine, InvoiceLineEntry, LedgerPosting
from staffing.invoicing.service import Change
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.requests.models import CoverageWindow, StaffingRequest
from staffing.worklog.models import EntryState, WorkEntry

FROM, TO = date(2026, 3, 1), date(2026, 3, 31)
pytestmark = pytest.mark.usefixtures("standing")

TERMS = {
    "premiums": [
        {"kind": "night", "from": "22:00", "to": "06:00", "multiplier": "1.25"},
        {"kind": "weekend", "multiplier": "1.5"},
    ],
    "premium_rule": "stack",
    "minimum_call_minutes": 15,
    "guaranteed_minimum_minor": 120_000,
    "late_cancellation": [{"kind": "percent", "window_minutes": 1440, "percent": "50"}],
    "tax": {"rates": [{"name": "Sales tax", "percent": "5.75", "jurisdiction": "US-OH"}]},
}
PRICES = {"patient_care_coordinator": "42.00", "prior_authorization": "45.50", "telephone_triage": "58.00"}

SPREADSHEET = {
    # 1 h 40 min (9:00–10:40 Mon) + 7 min raised to 15 min = 115 min, up to 120 min in sixes: 2 h x 42.00
    ("patient_care_coordinator", "Maria Sandoval", "regular"): (7200, 8400),
    # 21:30–23:10 Tue: 30 min before 22:00 at 45.50 -> 22.75; 70 min of night, up to 72 min: 1.2 h x 56.875 = 68.25
    ("prior_authorization", "Joseph Abad", "regular"): (1800, 2275),
    ("prior_authorization", "Joseph Abad", "night"): (4320, 6825),
    # Sat 23:00 to Sun 00:40: weekend and night, 100 min, up to 102 min: 1.7 h x 58.00 x 1.25 x 1.5 (108.75) = 184.875 -> 184.88
    ("telephone_triage", "Maria Sandoval", "night+weekend"): (6120, 18488),
    # Sat 10:00–14:00: 4 h x 58.00 x 1.5 = 348.00
    ("telephone_triage", "Joseph Abad", "weekend"): (14400, 34800),
    # Cancelled 20 h before: half of 4 h x 42.00 = 84.00
    ("patient_care_coordinator", "Joseph Abad", "late_cancellation"): (14400, 8400),
    # 1200.00 less (84.00 + 22.75 + 68.25 + 184.88 + 348.00 + 84.00 = 791.88)
    ("", "", "true_up"): (0, 40812),
}
# 5.75 % of each line, half up: 4.83 + 1.31 + 3.92 + 10.63 + 20.01 + 4.83 + 23.47
TAX = 483 + 131 + 392 + 1063 + 2001 + 483 + 2347


async def month(database: Database, world: World) -> dict[str, UUID]:
    """March at Northside as the spreadsheet has it."""
    async with database.transaction(SYSTEM) as tx:
        await agree_on(tx, world.north, TERMS, prices=PRICES, rounding=(6, "up", "line"))
        made = {
            "long": work(tx, world, at(2, 9), seconds=6000),
            "short": work(tx, world, at(2, 11), seconds=420),
            "evening": work(tx, world, at(3, 21, 30), seconds=6000, service="prior_authorization", coordinator_id=world.joseph),
            "saturday": work(tx, world, at(14, 23), seconds=6000, service="telephone_triage"),
            "weekend": work(tx, world, at(14, 10), seconds=14400, service="telephone_triage", coordinator_id=world.joseph),
            "disputed": work(tx, world, at(4, 9), seconds=3600, state=EntryState.DISPUTED, reason="Nobody called."),
        }
        await worlds.assign(tx, world, world.joseph, world.north, start=clock.now() + timedelta(hours=20), hours=4)
        assert await tx.scalar(select(func.count()).select_from(Charge)) == 0
        request = (await tx.scalars(select(StaffingRequest))).one()
        request.state, request.closed_at, request.closed_reason = "cancelled", clock.now(), "No longer needed."
        await tx.execute(update(CoverageWindow).values(cancelled=True))
    return {name: entry.id for name, entry in made.items()}


async def draft(database: Database, world: World) -> drafting.Drafted:
    bella = principal(world, "bella")
    async with database.transaction(bella.scope()) as tx:
        return await service.draft_invoice(tx, bella, world.north, FROM, TO)


async def test_the_invoice_equals_the_spreadsheet(
    database: Database, world: World, sign_in: Callable[[str], Awaitable[Visitor]]
) -> None:
    entries = await month(database, world)
    drafted = await draft(database, world)
    assert drafted.total_minor == sum(amount for _, amount in SPREADSHEET.values()) + TAX == 120_000 + TAX == 126_900
    assert (drafted.held_count, drafted.held_seconds) == (1, 3600)
    bella = principal(world, "bella")
    async with database.transaction(bella.scope()) as tx:
        from staffing.invoicing import queries

        lines = await queries.lines(tx, bella, drafted.id)
        assert {(line.service, line.coordinator, line.kind): (line.billed_seconds, line.amount_minor) for line in lines} == (
            SPREADSHEET
        )
        await service.review(tx, bella, drafted.id)
        await service.finalize(tx, bella, drafted.id)
        invoice = await tx.get_one(Invoice, drafted.id)
        assert (invoice.total_minor, invoice.tax_minor) == (126_900, 6_900)
        postings = dict((await tx.execute(select(LedgerPosting.account, LedgerPosting.amount_minor))).all())
        assert postings == {"receivable": 126_900, "revenue": -120_000, "tax_payable": -6_900}
        evening = await tx.execute(
            select(InvoiceLine.kind, InvoiceLineEntry.during)
            .join(InvoiceLine, InvoiceLine.id == InvoiceLineEntry.line_id)
            .where(InvoiceLineEntry.entry_id == entries["evening"])
        )
        # The real pieces: the border is 22:00 on the facility's clock.
        assert {kind: (during.lower, during.upper) for kind, during in evening} == {
            "regular": (at(3, 21, 30), at(3, 22)),
            "night": (at(3, 22), at(3, 23, 10)),
        }
    visitor = await sign_in("bella")
    page = (await visitor.get(f"/desk/invoices/{drafted.id}")).text
    for words in ("$1,269.00", "$1,200.00", "$69.00", "Sales tax 5.75 %, US-OH", "$184.88", "$408.12", "Guaranteed minimum"):
        assert words in page, words
    triage = next(line for line in lines if line.kind == "night+weekend")
    said = (await visitor.get(f"/desk/invoices/{drafted.id}/lines/{triage.id}")).text
    for words in (
        "1 h 40 min worked.",
        "$58.00 an hour for Telephone Triage",
        "Night ×1.25 and weekend ×1.5: $108.75 an hour.",
        "Rounded up to full 6 min, once for the line: 1 h 42 min.",
        "1 h 42 min × $108.75 = $184.88, rounded to the cent once.",
    ):
        assert words in said, words
    alice = await sign_in("alice")
    cancelled = next(line for line in lines if line.kind == "late_cancellation")
    told = (await alice.get(f"/portal/invoices/{drafted.id}/lines/{cancelled.id}")).text
    assert "Cancelled 20 h before it began. With less than 24 h of notice the contract charges 50 % of what was booked." in told
    assert "4 h × $21.00 = $84.00" in told


async def test_drafting_eight_times_at_once_and_again_changes_nothing(database: Database, world: World) -> None:
    await month(database, world)
    outcomes = await asyncio.gather(*(draft(database, world) for _ in range(8)))
    assert len({one.id for one in outcomes}) == 1
    assert sorted(one.change.value for one in outcomes) == ["created"] + ["unchanged"] * 7
    with clock.standing_at(at(20, 9)):
        assert (await draft(database, world)).change is Change.UNCHANGED
    async with database.transaction(SYSTEM) as tx:
        assert await tx.scalar(select(func.count()).select_from(Charge)) == 1
        assert await tx.scalar(select(func.count()).select_from(InvoiceLine)) == len(SPREADSHEET)
        seen = await drafting.outlook(tx, outcomes[0].id)
        assert (seen.same, seen.total_minor, seen.problem) == (True, 126_900, "")


async def test_a_final_invoice_is_withdrawn_while_nothing_of_it_is_paid(database: Database, world: World) -> None:
    await month(database, world)
    first = await draft(database, world)
    bella = principal(world, "bella")
    async with database.transaction(bella.scope()) as tx:
        await service.review(tx, bella, first.id)
        await service.finalize(tx, bella, first.id)
    async with database.transaction(bella.scope()) as tx:
        gone = await service.void(tx, bella, first.id)
        assert (gone.state, gone.number) == ("void", "RD-2026-0001")
    async with database.transaction(SYSTEM) as tx:
        balance = select(LedgerPosting.account, func.sum(LedgerPosting.amount_minor)).group_by(LedgerPosting.account)
        assert set(dict((await tx.execute(balance)).all()).values()) == {0}
        assert set(await tx.scalars(select(WorkEntry.state))) == {"approved", "disputed"}
        assert (await tx.scalars(select(Charge.line_id))).one() is None
    second = await draft(database, world)
    assert (second.change, second.total_minor) == (Change.CREATED, first.total_minor)
    assert second.id != first.id


async def test_a_waived_charge_leaves_the_draft_and_the_minimum_takes_its_place(database: Database, world: World) -> None:
    await month(database, world)
    first = await draft(database, world)
    bella = principal(world, "bella")
    async with database.transaction(bella.scope()) as tx:
        charge = (await tx.scalars(select(Charge))).one()
        await charges.waive(tx, bella, charge.id, "They called us twice before.")
    async with database.transaction(bella.scope()) as tx:
        assert not (await drafting.outlook(tx, first.id)).same
    again = await draft(database, world)
    assert (again.id, again.change, again.line_count) == (first.id, Change.UPDATED, len(SPREADSHEET) - 1)
    async with database.transaction(SYSTEM) as tx:
        kinds = dict((await tx.execute(select(InvoiceLine.kind, InvoiceLine.amount_minor))).all())
    assert kinds["true_up"] == 40812 + 8400
    assert "late_cancellation" not in kinds
