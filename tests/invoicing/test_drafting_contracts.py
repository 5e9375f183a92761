"""Drafting with the whole contract: retainers that roll over, commitments, overtime across invoices, levels, tax inside."""

from datetime import date
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

import pytest
from sqlalchemy import select, update
from support import world as worlds
from support.contracts import agree_on
from support.invoices import at, work
from support.world import World, principal

from staffing import clock
from staffing.errors import Invalid, NotAllowed
from staffing.invoicing import charges, drafting, service
from staffing.invoicing.drafting import Drafted
from staffing.invoicing.errors import AlreadyCharged, PeriodsOverlap, StepNotPossible
from staffing.invoicing.models import BillingAccount, Charge, Invoice, InvoiceLine, RetainerPeriod
from staffing.invoicing.service import Change
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.requests.models import StaffingRequest
from staffing.worklog.models import EntryState, WorkEntry

pytestmark = pytest.mark.usefixtures("standing")
JANUARY, FEBRUARY, MARCH = (
    (date(2026, 1, 1), date(2026, 1, 31)),
    (date(2026, 2, 1), date(2026, 2, 28)),
    (date(2026, 3, 1), date(2026, 3, 31)),
)


async def draft(database: Database, world: World, period: tuple[date, date], *, final: bool = False) -> Drafted:
    bella = principal(world, "bella")
    async with database.transaction(bella.scope()) as tx:
        drafted = await service.draft_invoice(tx, bella, world.north, *period)
        if final:
            await service.review(tx, bella, drafted.id)
            await service.finalize(tx, bella, drafted.id)
    return drafted


async def lines(database: Database, invoice_id: UUID) -> list[tuple[str, int, int]]:
    """Kind, billed seconds and amount of each line."""
    async with database.transaction(SYSTEM) as tx:
        rows = await tx.scalars(select(InvoiceLine).where(InvoiceLine.invoice_id == invoice_id).order_by(InvoiceLine.kind))
        return [(row.kind, round(row.billed_minutes * 60), row.amount_minor) for row in rows]


class TestRetainer:
    TERMS: ClassVar[dict[str, Any]] = {
        "retainer": {
            "fee_minor": 40_000,
            "included_minutes": 600,
            "overage_per_hour": "50.00",
            "roll_over": {"limit_minutes": 240, "expires_after_periods": 1},
        }
    }

    async def test_what_is_left_over_is_used_before_overage(self, database: Database, world: World) -> None:
        async with database.transaction(SYSTEM) as tx:
            await agree_on(tx, world.north, self.TERMS)
            work(tx, world, at(5, 9, month=1), seconds=7 * 3600)
            work(tx, world, at(5, 9, month=2), seconds=8 * 3600)
            work(tx, world, at(6, 9, month=2), seconds=6 * 3600)
        first = await draft(database, world, JANUARY, final=True)
        assert await lines(database, first.id) == [("included", 25200, 0), ("retainer", 0, 40_000)]
        # Three hours are left of January; with February's ten 13 of 14 hours are included, one is beyond.
        second = await draft(database, world, FEBRUARY, final=True)
        assert await lines(database, second.id) == [("included", 46800, 0), ("overage", 3600, 5_000), ("retainer", 0, 40_000)]
        async with database.transaction(SYSTEM) as tx:
            stored = await tx.get_one(RetainerPeriod, second.id)
        used = (stored.included_minutes, stored.carried_in_minutes, stored.used_minutes, stored.carried_out_minutes)
        assert used == (600, 180, 780, 0)

    async def test_a_month_without_work_owes_its_fee_and_is_issued(self, database: Database, world: World) -> None:
        async with database.transaction(SYSTEM) as tx:
            await agree_on(tx, world.north, self.TERMS)
        assert (await draft(database, world, JANUARY, final=True)).total_minor == 40_000
        assert (await draft(database, world, FEBRUARY)).change is Change.CREATED
        assert (await draft(database, world, FEBRUARY)).change is Change.UNCHANGED
        async with database.transaction(SYSTEM) as tx:
            rows = await tx.scalars(select(RetainerPeriod).order_by(RetainerPeriod.period_end_on))
            # Four hours at most roll over; they last one period.
            assert [row.carried_out for row in rows] == [[{"seconds": 14400, "periods_left": 1}]] * 2

    async def test_a_withdrawn_period_rolls_nothing_over(self, database: Database, world: World) -> None:
        async with database.transaction(SYSTEM) as tx:
            await agree_on(tx, world.north, self.TERMS)
        january, february = await draft(database, world, JANUARY), await draft(database, world, FEBRUARY)
        bella = principal(world, "bella")
        async with database.transaction(bella.scope()) as tx:
            await service.void(tx, bella, january.id)
        async with database.transaction(bella.scope()) as tx:
            assert not (await drafting.outlook(tx, february.id)).same
        assert (await draft(database, world, FEBRUARY)).change is Change.UPDATED

    async def test_no_day_is_charged_twice(self, database: Database, world: World) -> None:
        async with database.transaction(SYSTEM) as tx:
            await agree_on(tx, world.north, self.TERMS)
        await draft(database, world, JANUARY)
        with pytest.raises(PeriodsOverlap, match=r"1–31 Jan 2026 is on a draft already"):
            await draft(database, world, (date(2026, 1, 20), date(2026, 2, 19)))


async def test_the_last_invoice_of_a_commitment_trues_up(database: Database, world: World) -> None:
    terms = {"commitment": {"minimum_minor": 100_000, "from": "2026-01-01", "to": "2026-02-28"}}
    async with database.transaction(SYSTEM) as tx:
        await agree_on(tx, world.north, terms)
        work(tx, world, at(5, 9, month=1), seconds=36000)
        work(tx, world, at(5, 9, month=2), seconds=3600)
    assert (await draft(database, world, JANUARY, final=True)).total_minor == 42_000
    # 420.00 + 42.00 of 1000.00: 538.00 are missing.
    last = await draft(database, world, FEBRUARY, final=True)
    assert await lines(database, last.id) == [("commitment", 0, 53_800), ("regular", 3600, 4_200)]


async def test_a_weeks_overtime_counts_across_invoices_and_late_work_pays_its_part(database: Database, world: World) -> None:
    """Week of Mon 23 February: 38 h are on February's invoice; of 4 h approved late, 2 h are beyond 40."""
    async with database.transaction(SYSTEM) as tx:
        await agree_on(tx, world.north, {"overtime": {"multiplier": "1.5", "after_weekly_minutes": 2400}})
        for day in (23, 24, 25, 26):
            work(tx, world, at(day, 8, month=2), seconds=34200)
        late = work(tx, world, at(27, 8, month=2), seconds=14400, state=EntryState.SUBMITTED)
    assert (await draft(database, world, FEBRUARY, final=True)).total_minor == 38 * 4200
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(WorkEntry).where(WorkEntry.id == late.id).values(state="approved"))
    march = await draft(database, world, MARCH, final=True)
    assert await lines(database, march.id) == [("overtime", 7200, 12_600), ("regular", 7200, 8_400)]


async def test_an_entry_has_the_level_that_was_asked_for(database: Database, world: World) -> None:
    prices = {"patient_care_coordinator": "42.00", ("patient_care_coordinator", 3): "48.00"}
    async with database.transaction(SYSTEM) as tx:
        await agree_on(tx, world.north, {}, prices=prices)
        await worlds.assign(tx, world, world.maria, world.north, start=at(2, 9), hours=4)
        await tx.execute(update(StaffingRequest).values(level=3))
        work(tx, world, at(2, 10))
        # Outside any assignment: the general price.
        work(tx, world, at(3, 10))
    drafted = await draft(database, world, MARCH, final=True)
    assert sorted(await lines(database, drafted.id)) == [("regular", 3600, 4_200), ("regular", 3600, 4_800)]


async def test_a_tax_inside_the_prices_adds_nothing(database: Database, world: World) -> None:
    tax = {"rates": [{"name": "VAT", "percent": "20"}], "inclusive": True}
    async with database.transaction(SYSTEM) as tx:
        await agree_on(tx, world.north, {"tax": tax})
        work(tx, world, at(2, 9))
    drafted = await draft(database, world, MARCH, final=True)
    async with database.transaction(SYSTEM) as tx:
        invoice = await tx.get_one(Invoice, drafted.id)
        assert (invoice.total_minor, invoice.tax_minor) == (4_200, 700)
        assert invoice.tax_rates[0]["taxable_minor"] == 3_500


async def test_stacked_premiums_keep_every_decimal_of_the_rate(database: Database, world: World) -> None:
    premiums = [
        {"kind": "night", "from": "22:00", "to": "06:00", "multiplier": "1.375"},
        {"kind": "weekend", "multiplier": "1.1875"},
    ]
    async with database.transaction(SYSTEM) as tx:
        prices = {"patient_care_coordinator": "41.1111"}
        await agree_on(tx, world.north, {"premiums": premiums, "premium_rule": "stack"}, prices=prices)
        work(tx, world, at(14, 23), seconds=1800)
    drafted = await draft(database, world, MARCH)
    assert (await draft(database, world, MARCH)).change is Change.UNCHANGED
    async with database.transaction(SYSTEM) as tx:
        line = (await tx.scalars(select(InvoiceLine).where(InvoiceLine.invoice_id == drafted.id))).one()
    assert line.unit_rate == Decimal("41.1111") * Decimal("1.375") * Decimal("1.1875")


async def test_the_way_of_collecting_is_copied_to_the_invoice(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(BillingAccount).values(collection="charge_automatically"))
        work(tx, world, at(2, 9))
    drafted = await draft(database, world, MARCH, final=True)
    async with database.transaction(SYSTEM) as tx:
        assert (await tx.get_one(Invoice, drafted.id)).collection == "charge_automatically"


class TestConversion:
    TERMS: ClassVar[dict[str, Any]] = {
        "conversion_fee": {"amount_minor": 500_000, "reduced_by": "months", "free_after_months": 10}
    }

    async def charged(self, database: Database, world: World, who: str = "bella", on: date = date(2026, 3, 3)) -> Charge:
        caller = principal(world, who)
        async with database.transaction(caller.scope()) as tx:
            return await charges.charge_conversion(tx, caller, world.north, world.maria, on)

    async def test_the_fee_falls_by_the_month_and_goes_on_the_next_invoice_once(self, database: Database, world: World) -> None:
        async with database.transaction(SYSTEM) as tx:
            await agree_on(tx, world.north, {**self.TERMS, "guaranteed_minimum_minor": 10_000})
            work(tx, world, at(2, 9, month=1))
        charge = await self.charged(database, world)
        # Two full months of ten since 2 January.
        assert charge.amount_minor == 400_000
        with pytest.raises(AlreadyCharged):
            await self.charged(database, world)
        await draft(database, world, JANUARY, final=True)
        march = await draft(database, world, MARCH, final=True)
        # It does not count towards the guaranteed minimum.
        assert await lines(database, march.id) == [("conversion", 0, 400_000), ("true_up", 0, 10_000)]
        bella = principal(world, "bella")
        with pytest.raises(StepNotPossible, match="RD-2026-0002"):
            async with database.transaction(bella.scope()) as tx:
                await charges.waive(tx, bella, charge.id, "Agreed by phone.")

    async def test_what_is_missing_is_said(self, database: Database, world: World) -> None:
        with pytest.raises(Invalid, match="no approved work here"):
            await self.charged(database, world)
        async with database.transaction(SYSTEM) as tx:
            work(tx, world, at(2, 9))
        with pytest.raises(Invalid, match="names no fee"):
            await self.charged(database, world)
        async with database.transaction(SYSTEM) as tx:
            await agree_on(tx, world.north, {"conversion_fee": {"percent_of_salary": "20"}})
        with pytest.raises(Invalid, match="year's salary"):
            await self.charged(database, world)
        for who in ("alice", "dora", "maria"):
            with pytest.raises(NotAllowed):
                await self.charged(database, world, who)


async def test_a_change_of_the_contract_shows_on_the_open_draft(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(2, 9))
    drafted = await draft(database, world, MARCH)
    with clock.standing_at(at(3, 9)):
        async with database.transaction(SYSTEM) as tx:
            await agree_on(tx, world.north, {"guaranteed_minimum_minor": 10_000})
        async with database.transaction(SYSTEM) as tx:
            seen = await drafting.outlook(tx, drafted.id)
    assert (seen.same, seen.total_minor) == (False, 10_000)
