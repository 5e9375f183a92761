"""Drafting: amounts by hand to the cent, what is held, what is safe to repeat."""

import asyncio
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select, update
from support.invoices import at, work
from support.world import World, principal

from staffing import clock
from staffing.errors import Invalid, NotAllowed, NotFound
from staffing.facilities.models import RateCard, ServiceRate
from staffing.invoicing import service
from staffing.invoicing.errors import AlreadyInvoiced, CurrenciesDiffer, NothingToInvoice, RateMissing
from staffing.invoicing.models import BillingAccount, Invoice, InvoiceLine, InvoiceLineEntry
from staffing.invoicing.service import Change, Drafted
from staffing.persistence.base import new_id
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.worklog.models import EntryState, WorkEntry

FROM, TO = date(2026, 3, 1), date(2026, 3, 31)
pytestmark = pytest.mark.usefixtures("standing")


async def draft(
    database: Database, world: World, *, who: str = "bella", facility: UUID | None = None, start: date = FROM, end: date = TO
) -> Drafted:
    caller = principal(world, who)
    async with database.transaction(caller.scope()) as tx:
        return await service.draft_invoice(tx, caller, facility or world.north, start, end)


async def lines_of(database: Database, invoice_id: UUID) -> list[tuple[str, int, Decimal, Decimal, int]]:
    async with database.transaction(SYSTEM) as tx:
        rows = await tx.scalars(select(InvoiceLine).where(InvoiceLine.invoice_id == invoice_id).order_by(InvoiceLine.position))
        return [(row.service, row.seconds, row.billed_minutes, row.unit_rate, row.amount_minor) for row in rows]


async def test_amounts_are_those_of_a_hand_calculation(database: Database, world: World) -> None:
    """Two services by two coordinators, to the second. Rates: $42.00 and $45.50 an hour.

    Maria, coordination: 2:00:00 + 0:20:20 = 8420 s × 42.00 / 3600 = 98.2333… → $98.23
    Maria, prior authorization: 0:06:00 = 360 s × 45.50 / 3600 = 4.55 → $4.55
    Joseph, coordination: 1:00:01 = 3601 s × 42.00 / 3600 = 42.011666… → $42.01
    """
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(2, 9), seconds=7200)
        work(tx, world, at(2, 13), seconds=1220)
        work(tx, world, at(3, 9), seconds=360, service="prior_authorization")
        work(tx, world, at(2, 9), seconds=3601, coordinator_id=world.joseph)
    drafted = await draft(database, world)
    assert (drafted.change, drafted.line_count, drafted.total_minor) == (Change.CREATED, 3, 9823 + 455 + 4201)
    assert sorted(await lines_of(database, drafted.id)) == sorted(
        [
            ("patient_care_coordinator", 8420, Decimal("140.3333"), Decimal("42.0000"), 9823),
            ("patient_care_coordinator", 3601, Decimal("60.0167"), Decimal("42.0000"), 4201),
            ("prior_authorization", 360, Decimal("6.0000"), Decimal("45.5000"), 455),
        ]
    )


async def test_rounding_follows_the_contract_once_per_line(database: Database, world: World) -> None:
    """Quarters of an hour, nearest, per line: 8420 s is 140 min 20 s, billed as 135 min (9 quarters) × 42.00 = $94.50."""
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(RateCard).values(rounding_unit_minutes=15))
        work(tx, world, at(2, 9), seconds=7200)
        work(tx, world, at(2, 13), seconds=1220)
    drafted = await draft(database, world)
    assert await lines_of(database, drafted.id) == [
        ("patient_care_coordinator", 8420, Decimal("135.0000"), Decimal("42.0000"), 9450)
    ]


async def test_a_new_price_inside_the_period_gives_lines_of_both_prices(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        card = RateCard(id=new_id(), facility_id=world.north, valid_from=date(2026, 3, 3), currency="USD")
        tx.add(card)
        await tx.flush()
        tx.add(
            ServiceRate(
                rate_card_id=card.id,
                facility_id=world.north,
                service="patient_care_coordinator",
                bill_per_hour=Decimal("44.00"),
            )
        )
        # 23:30 on the 2nd in Columbus is the 3rd in UTC: the facility's day decides, so the old price.
        work(tx, world, at(2, 23, 30), seconds=1800)
        work(tx, world, at(3, 9))
    drafted = await draft(database, world)
    assert sorted(line[3:] for line in await lines_of(database, drafted.id)) == [
        (Decimal("42.0000"), 2100),
        (Decimal("44.0000"), 4400),
    ]


async def test_days_are_the_facilitys_own(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(28, 23, 30, month=2), seconds=1200)
        work(tx, world, at(1, 0, 10), seconds=600)
    drafted = await draft(database, world)
    assert drafted.total_minor == 700


async def test_a_service_without_a_rate_is_named(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(2, 9), service="telephone_triage")
    with pytest.raises(RateMissing, match="Telephone Triage, worked on 2 Mar 2026"):
        await draft(database, world)


async def test_work_before_the_first_rate_card_is_named(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(RateCard).where(RateCard.facility_id == world.north).values(valid_from=date(2026, 3, 3)))
        work(tx, world, at(2, 9))
        work(tx, world, at(2, 11), service="prior_authorization")
    with pytest.raises(RateMissing) as caught:
        await draft(database, world)
    assert caught.value.conflicts == (
        "Patient Care Coordinator, worked on 2 Mar 2026",
        "Prior-Authorization, worked on 2 Mar 2026",
    )


async def test_two_currencies_are_refused_in_words(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(BillingAccount).where(BillingAccount.facility_id == world.north).values(currency="CAD"))
        work(tx, world, at(2, 9))
    with pytest.raises(CurrenciesDiffer, match=r"USD.*CAD"):
        await draft(database, world)


async def test_disputed_and_submitted_work_is_held_and_stops_nothing(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(2, 9))
        work(tx, world, at(2, 11), seconds=1800, state=EntryState.DISPUTED, reason="We had no call that day.")
        work(tx, world, at(2, 13), seconds=900, state=EntryState.SUBMITTED)
        work(tx, world, at(2, 15), seconds=60, state=EntryState.DRAFT)
        work(tx, world, at(2, 16), seconds=60, state=EntryState.WRITTEN_OFF)
    drafted = await draft(database, world)
    assert (drafted.total_minor, drafted.held_count, drafted.held_seconds) == (4200, 2, 2700)


async def test_nothing_approved_says_what_waits(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(2, 9), state=EntryState.SUBMITTED)
    with pytest.raises(NothingToInvoice, match=r"Northside.*1 entry waits"):
        await draft(database, world)
    async with database.transaction(SYSTEM) as tx:
        assert await tx.scalar(select(func.count()).select_from(Invoice)) == 0


async def test_drafting_again_changes_nothing(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(2, 9))
    first = await draft(database, world)
    before = await _everything(database)
    with clock.standing_at(at(20, 9)):
        again = await draft(database, world)
    assert (again.id, again.change) == (first.id, Change.UNCHANGED)
    assert await _everything(database) == before


async def test_drafting_eight_times_at_once_makes_one_invoice(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        for hour in range(8, 18):
            work(tx, world, at(2, hour), seconds=600)
    outcomes = await asyncio.gather(*(draft(database, world) for _ in range(8)))
    assert len({one.id for one in outcomes}) == 1
    assert sorted(one.change.value for one in outcomes) == ["created"] + ["unchanged"] * 7
    async with database.transaction(SYSTEM) as tx:
        assert await tx.scalar(select(func.count()).select_from(Invoice)) == 1
        assert await tx.scalar(select(func.count()).select_from(InvoiceLineEntry)) == 10


async def test_new_approvals_come_into_the_open_draft(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(2, 9))
    first = await draft(database, world)
    async with database.transaction(principal(world, "bella").scope()) as tx:
        await service.review(tx, principal(world, "bella"), first.id)
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(3, 9), seconds=1800)
    second = await draft(database, world)
    assert (second.id, second.change, second.total_minor) == (first.id, Change.UPDATED, 6300)
    async with database.transaction(SYSTEM) as tx:
        invoice = await tx.get_one(Invoice, first.id)
        # What somebody has reviewed is no longer what is there.
        assert (invoice.state, invoice.reviewed_at) == ("draft", None)


async def test_an_entry_that_is_disputed_leaves_the_draft(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        kept, lost = work(tx, world, at(2, 9)), work(tx, world, at(3, 9))
    await draft(database, world)
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(WorkEntry).where(WorkEntry.id == lost.id).values(state="disputed", dispute_reason="Not agreed."))
    drafted = await draft(database, world)
    assert (drafted.change, drafted.total_minor, drafted.held_count) == (Change.UPDATED, 4200, 1)
    async with database.transaction(SYSTEM) as tx:
        assert list(await tx.scalars(select(InvoiceLineEntry.entry_id))) == [kept.id]


async def test_overlapping_periods_share_no_entry(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(2, 9))
        work(tx, world, at(20, 9))
    first = await draft(database, world, end=date(2026, 3, 15))
    second = await draft(database, world)
    assert (first.total_minor, second.total_minor) == (4200, 4200)
    assert (await draft(database, world, end=date(2026, 3, 15))).change is Change.UNCHANGED


async def test_late_approvals_go_on_the_next_invoice(database: Database, world: World) -> None:
    february = {"start": date(2026, 2, 1), "end": date(2026, 2, 28)}
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(10, 9, month=2))
        # January was never invoiced: its work is no late approval of an invoiced period.
        work(tx, world, at(20, 9, month=1), seconds=600)
        late = work(tx, world, at(11, 9, month=2), seconds=1800, state=EntryState.SUBMITTED)
    drafted = await draft(database, world, **february)
    bella = principal(world, "bella")
    async with database.transaction(bella.scope()) as tx:
        await service.review(tx, bella, drafted.id)
        await service.finalize(tx, bella, drafted.id)
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(WorkEntry).where(WorkEntry.id == late.id).values(state="approved"))
    with pytest.raises(AlreadyInvoiced, match="RD-2026-0001"):
        await draft(database, world, **february)
    assert (await draft(database, world)).total_minor == 2100


async def test_a_facility_without_an_account_gets_the_usual_terms(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(delete(BillingAccount))
        work(tx, world, at(2, 9))
    assert (await draft(database, world)).total_minor == 4200
    async with database.transaction(SYSTEM) as tx:
        account = await tx.get_one(BillingAccount, world.north)
    assert (account.currency, account.terms_days) == ("USD", 14)


async def test_only_billing_and_the_owner_draft(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(2, 9))
    for name in ("alice", "dora", "maria"):
        with pytest.raises(NotAllowed):
            await draft(database, world, who=name)
    assert (await draft(database, world, who="olga")).change is Change.CREATED


async def test_periods_and_facilities_that_are_none(database: Database, world: World) -> None:
    with pytest.raises(Invalid, match="before the first"):
        await draft(database, world, start=TO, end=FROM)
    with pytest.raises(Invalid, match="a year"):
        await draft(database, world, start=date(2024, 1, 1))
    with pytest.raises(NotFound):
        await draft(database, world, facility=new_id())


async def _everything(database: Database) -> list[object]:
    async with database.transaction(SYSTEM) as tx:
        return [
            [tuple(row) for row in await tx.execute(select(*table.__table__.columns).order_by(*table.__table__.primary_key))]
            for table in (Invoice, InvoiceLine, InvoiceLineEntry)
        ]
