"""A run proposes what every facility's invoice would say, and what somebody should look at first."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select, update
from support.billing_runs import (
    FEBRUARY,
    JANUARY,
    Clinic,
    check_books,
    clinics,
    drain,
    invoiced,
    item,
    proposed,
    start,
    state_of,
    usual,
    work_in,
    worked,
)  # fmt: skip
from support.world import World, principal

from staffing import clock
from staffing.billing_runs import periods, service
from staffing.billing_runs.errors import CannotAccept, RunHasMovedOn, RunInProgress
from staffing.billing_runs.models import BillingRun, BillingRunItem
from staffing.billing_runs.periods import Period
from staffing.errors import Invalid, NotAllowed, NotFound
from staffing.facilities.models import Facility, RateCard, ServiceRate
from staffing.invoicing.models import BillingAccount, Invoice, InvoiceLine
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.roster.models import PayRate
from staffing.worklog.models import WorkEntry

pytestmark = pytest.mark.usefixtures("standing")


def kinds(found: BillingRunItem) -> list[str]:
    return [flag["kind"] for flag in found.flags]


async def of(database: Database, run_id: UUID, clinic: Clinic) -> tuple[str, list[str]]:
    found = await item(database, run_id, clinic.id)
    return found.state, kinds(found)


async def change(database: Database, statement: object) -> None:
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(statement)


async def test_a_month_like_the_one_before_is_ready(database: Database, world: World) -> None:
    one, two = await usual(database, world, 2)
    run_id = await proposed(database, world)
    assert await state_of(database, run_id) == "proposed"
    for clinic in (one, two):
        found = await item(database, run_id, clinic.id)
        assert (found.state, found.total_minor, found.previous_minor, found.flags) == ("ready", 48000, 48000, [])
    async with database.transaction(SYSTEM) as tx:
        drafts = (await tx.execute(select(Invoice.state, Invoice.run_id).where(Invoice.number.is_(None)))).all()
    assert [tuple(row) for row in drafts] == [("draft", run_id)] * 2
    # The two facilities of the world did nothing.
    assert (await item(database, run_id, world.north)).state == "nothing"
    await check_books(database, issued=0)


async def test_proposing_again_changes_nothing(database: Database, world: World) -> None:
    await usual(database, world, 2)
    run_id = await proposed(database, world)

    async def everything() -> list[tuple[object, ...]]:
        async with database.transaction(SYSTEM) as tx:
            lines = await tx.execute(select(InvoiceLine.id, InvoiceLine.amount_minor).order_by(InvoiceLine.id))
            invoices = await tx.execute(select(Invoice.id, Invoice.version, Invoice.drafted_at).order_by(Invoice.id))
            return [tuple(row) for row in (*lines, *invoices)]

    before, bella = await everything(), principal(world, "bella")
    async with database.transaction(bella.scope()) as tx:
        await service.look_again(tx, bella, run_id)
    assert await drain(database) == 4
    assert await everything() == before


@pytest.mark.parametrize(("hours", "kind"), [(5.0, "much_more"), (1.0, "much_less")])
async def test_much_more_or_less_than_the_month_before(database: Database, world: World, hours: float, kind: str) -> None:
    (clinic,) = await clinics(database, 1)
    await work_in(database, [clinic], JANUARY)
    await invoiced(database, world, [clinic], JANUARY)
    await work_in(database, [clinic], FEBRUARY, hours=hours)
    run_id = await proposed(database, world)
    assert await of(database, run_id, clinic) == ("flagged", [kind])
    (flag,) = (await item(database, run_id, clinic.id)).flags
    more = kind == "much_more"
    assert flag["sentence"] == (
        "$320.00 (67 %) more than January 2026, which came to $480.00."
        if more
        else "$320.00 (67 %) less than January 2026, which came to $480.00."
    )


async def test_a_first_invoice_and_work_that_is_held(database: Database, world: World) -> None:
    (clinic,) = await clinics(database, 1)
    await work_in(database, [clinic], FEBRUARY)
    async with database.transaction(SYSTEM) as tx:
        worked(tx, clinic, date(2026, 2, 10), state="disputed", hours=0.5)
        worked(tx, clinic, date(2026, 2, 11), state="submitted", hours=1)
    run_id = await proposed(database, world)
    assert await of(database, run_id, clinic) == ("flagged", ["first", "held"])
    sentence = (await item(database, run_id, clinic.id)).flags[1]["sentence"]
    assert sentence == "2 entries (1 h 30 min) wait or are disputed and go on the next invoice."


async def test_nothing_this_month_after_a_month_with_work(database: Database, world: World) -> None:
    (clinic,) = await clinics(database, 1)
    await work_in(database, [clinic], JANUARY)
    await invoiced(database, world, [clinic], JANUARY)
    run_id = await proposed(database, world)
    assert await of(database, run_id, clinic) == ("flagged", ["nothing"])
    bella = principal(world, "bella")
    async with database.transaction(bella.scope()) as tx:
        await service.accept(tx, bella, run_id, clinic.id, seen_minor=0)
    assert (await item(database, run_id, clinic.id)).state == "nothing"


async def test_a_missing_price_is_named_mended_and_looked_at_again(database: Database, world: World) -> None:
    (clinic,) = await usual(database, world, 1)
    async with database.transaction(SYSTEM) as tx:
        worked(tx, clinic, date(2026, 2, 12), service_code="prior_authorization", hours=0.5)
    run_id = await proposed(database, world)
    found = await item(database, run_id, clinic.id)
    assert (found.state, kinds(found), found.invoice_id) == ("flagged", ["price_missing"], None)
    assert "No rate is agreed for Prior-Authorization, worked on 12 Feb 2026." in found.flags[0]["sentence"]
    bella = principal(world, "bella")
    with pytest.raises(CannotAccept, match="no draft to accept"):
        async with database.transaction(bella.scope()) as tx:
            await service.accept(tx, bella, run_id, clinic.id)
    async with database.transaction(bella.scope()) as tx:
        assert await service.accept_all(tx, bella, run_id) == 0
    async with database.transaction(SYSTEM) as tx:
        card = await tx.scalar(select(RateCard.id).where(RateCard.facility_id == clinic.id))
        rate = Decimal("50.00")
        tx.add(ServiceRate(rate_card_id=card, facility_id=clinic.id, service="prior_authorization", bill_per_hour=rate))
    async with database.transaction(bella.scope()) as tx:
        await service.look_again(tx, bella, run_id, clinic.id)
    assert await state_of(database, run_id) == "proposing"
    await drain(database)
    found = await item(database, run_id, clinic.id)
    assert (found.state, found.total_minor, found.flags) == ("ready", 50500, [])


async def test_what_the_work_costs(database: Database, world: World) -> None:
    one, two = await usual(database, world, 2)
    await change(database, delete(PayRate).where(PayRate.coordinator_id == one.coordinator_id))
    await change(
        database, update(PayRate).where(PayRate.coordinator_id == two.coordinator_id).values(pay_per_hour=Decimal("40.01"))
    )
    run_id = await proposed(database, world)
    assert await of(database, run_id, one) == ("flagged", ["no_pay_rate"])
    assert "Person 001" in (await item(database, run_id, one.id)).flags[0]["sentence"]
    assert await of(database, run_id, two) == ("flagged", ["negative_margin"])
    assert (await item(database, run_id, two.id)).flags[0]["sentence"] == "The work costs $480.12 and brings $480.00."


async def test_older_work_is_taken_along_and_said(database: Database, world: World) -> None:
    (clinic,) = await usual(database, world, 1)
    async with database.transaction(SYSTEM) as tx:
        worked(tx, clinic, date(2026, 1, 20), hours=1)
    run_id = await proposed(database, world)
    found = await item(database, run_id, clinic.id)
    assert (found.state, kinds(found), found.total_minor) == ("flagged", ["older"], 52000)
    assert found.flags[0]["sentence"] == "1 entry (1 h) is from before 1 Feb 2026."


async def test_paused_and_parked_accounts(database: Database, world: World) -> None:
    (clinic,) = await usual(database, world, 1)
    paused = datetime(2026, 2, 20, 15, tzinfo=UTC)
    await change(
        database,
        update(BillingAccount)
        .where(BillingAccount.facility_id == clinic.id)
        .values(paused_at=paused, parked_because="Stripe has another total."),
    )
    run_id = await proposed(database, world)
    assert await of(database, run_id, clinic) == ("flagged", ["parked", "paused"])


async def test_days_are_those_of_the_facility(database: Database, world: World) -> None:
    (clinic,) = await clinics(database, 1, zone="Pacific/Honolulu")
    async with database.transaction(SYSTEM) as tx:
        worked(tx, clinic, date(2026, 2, 28), hour=20, hours=1, zone="Pacific/Honolulu")
        worked(tx, clinic, date(2026, 3, 1), hour=1, hours=1, zone="Pacific/Honolulu")
    # 1 March, 03:00 in New York: in Honolulu it is still the last day of February.
    with clock.standing_at(datetime(2026, 3, 1, 8, 0, tzinfo=UTC)):
        run_id = await proposed(database, world)
    found = await item(database, run_id, clinic.id)
    assert (found.total_minor, kinds(found)) == (4000, ["first", "not_over"])


async def test_a_facility_with_its_invoice_already(database: Database, world: World) -> None:
    (clinic,) = await usual(database, world, 1)
    await invoiced(database, world, [clinic], FEBRUARY)
    run_id = await proposed(database, world)
    found = await item(database, run_id, clinic.id)
    assert found.state == "nothing"
    assert "is on invoice RD-2026-0002 already" in found.problem
    assert found.invoice_id is not None
    # Nothing was left to do, so the run is over and the next one may begin.
    assert await state_of(database, run_id) == "done"


async def test_an_acceptance_stands_while_nothing_changes(database: Database, world: World) -> None:
    (clinic,) = await clinics(database, 1)
    await work_in(database, [clinic], FEBRUARY)
    run_id, bella = await proposed(database, world), principal(world, "bella")
    async with database.transaction(bella.scope()) as tx:
        await service.accept(tx, bella, run_id, clinic.id, seen_minor=48000)
        await service.look_again(tx, bella, run_id)
    await drain(database)
    found = await item(database, run_id, clinic.id)
    assert (found.state, found.decided_by) == ("accepted", world.bella)
    async with database.transaction(SYSTEM) as tx:
        worked(tx, clinic, date(2026, 2, 20), hours=1)
    async with database.transaction(bella.scope()) as tx:
        await service.look_again(tx, bella, run_id)
    await drain(database)
    found = await item(database, run_id, clinic.id)
    assert (found.state, found.decided_by, found.total_minor) == ("flagged", None, 52000)


async def test_accepting_what_was_not_seen_is_refused(database: Database, world: World) -> None:
    (clinic,) = await clinics(database, 1)
    await work_in(database, [clinic], FEBRUARY)
    run_id, bella = await proposed(database, world), principal(world, "bella")
    with pytest.raises(RunHasMovedOn):
        async with database.transaction(bella.scope()) as tx:
            await service.accept(tx, bella, run_id, clinic.id, seen_minor=47999)
    assert (await item(database, run_id, clinic.id)).state == "flagged"


async def test_a_second_run_of_these_days_is_refused_by_name(database: Database, world: World) -> None:
    await usual(database, world, 1)
    run_id = await proposed(database, world)
    for period in (FEBRUARY, Period(date(2026, 2, 15), date(2026, 3, 2))):
        with pytest.raises(RunInProgress, match=r"Run 1 is in progress, for February 2026\.") as refused:
            await start(database, world, period=period)
        assert refused.value.way_on_href == f"/desk/billing-runs/{run_id}"
    # Other days are another run.
    await start(database, world, period=JANUARY)


@pytest.mark.parametrize(
    ("start_on", "end_on"), [((2026, 3, 1), (2026, 3, 31)), ((2026, 2, 10), (2026, 2, 1)), ((2024, 1, 1), (2026, 1, 1))]
)
async def test_a_period_that_cannot_be(database: Database, world: World, start_on: tuple, end_on: tuple) -> None:
    with pytest.raises(Invalid):
        await start(database, world, period=Period(date(*start_on), date(*end_on)))
    async with database.transaction(SYSTEM) as tx:
        assert await tx.scalar(select(func.count()).select_from(BillingRun)) == 0


async def test_who_may_run(database: Database, world: World) -> None:
    run_id = await proposed(database, world)
    for name in ("alice", "charlie", "maria", "dora"):
        caller = principal(world, name)
        with pytest.raises(NotAllowed):
            await start(database, world, who=name)
        async with database.transaction(caller.scope()) as tx:
            with pytest.raises((NotAllowed, NotFound)):
                await service.look_again(tx, caller, run_id)
            with pytest.raises((NotAllowed, NotFound)):
                await service.issue(tx, caller, run_id)


async def test_the_usual_period_is_the_agencys_last_month(database: Database, world: World) -> None:
    for instant, month in (
        (datetime(2026, 3, 1, 4, 59, tzinfo=UTC), "January 2026"),
        (datetime(2026, 3, 1, 5, 0, tzinfo=UTC), "February 2026"),
    ):
        with clock.standing_at(instant):
            async with database.transaction(SYSTEM) as tx:
                assert (await service.default_period(tx)).words == month


def test_periods_in_words() -> None:
    assert periods.parse_month("2026-10") == Period(date(2026, 10, 1), date(2026, 10, 31))
    assert periods.parse_month("2024-02").before.words == "January 2024"
    assert Period(date(2026, 10, 1), date(2026, 10, 14)).before == Period(date(2026, 9, 17), date(2026, 9, 30))
    for wrong in ("2026-13", "10-2026", "2026", "1999-01"):
        with pytest.raises(Invalid):
            periods.parse_month(wrong)


async def test_a_bug_at_one_facility_does_not_stop_the_others(
    database: Database, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from staffing.billing_runs import jobs as run_jobs
    from staffing.billing_runs import proposing
    from staffing.persistence.jobs import JobContext

    one, two = await usual(database, world, 2)
    real = proposing.draft_invoice

    async def broken(tx, caller, facility_id, start_on, end_on, *, run_id):
        if facility_id == one.id:
            raise ZeroDivisionError
        return await real(tx, caller, facility_id, start_on, end_on, run_id=run_id)

    monkeypatch.setattr(proposing, "draft_invoice", broken)
    run_id = await start(database, world)
    for facility_id in (one.id, two.id, world.north, world.south):
        payload = {"run": str(run_id), "facility": str(facility_id), "account": str(world.bella)}
        try:
            await run_jobs.propose(JobContext(database), payload)
        except ZeroDivisionError as error:
            await run_jobs.KINDS[0].give_up(JobContext(database), payload, str(error))
    found = await item(database, run_id, one.id)
    assert (found.state, found.problem.split(";")[0]) == ("failed", "This stopped because of a fault on our side")
    assert (await item(database, run_id, two.id)).state == "ready"
    assert await state_of(database, run_id) == "proposed"
    async with database.transaction(SYSTEM) as tx:
        assert await tx.scalar(select(func.count()).select_from(Facility)) == 4
        assert await tx.scalar(select(func.count()).select_from(WorkEntry)) == 16
