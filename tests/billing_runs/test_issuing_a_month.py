"""One button issues what is ready or accepted: all or nothing per facility, none stops another, and whoever repeats it changes
nothing more.
"""

import asyncio
from datetime import date

import pytest
from sqlalchemy import func, select, update
from support.billing_runs import (
    FEBRUARY,
    check_books,
    clinics,
    drain,
    invoiced,
    issue,
    item,
    proposed,
    start,
    state_of,
    usual,
    work_in,
    worked,
)  # fmt: skip
from support.world import World, principal

from staffing.billing_runs import issuing, proposing, queries, service
from staffing.billing_runs.errors import RunHasMovedOn, RunInProgress
from staffing.billing_runs.models import BillingRun, BillingRunItem
from staffing.identity.models import Account
from staffing.invoicing import service as invoicing
from staffing.invoicing.models import Invoice
from staffing.persistence.models import AccessEvent
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.worklog.models import WorkEntry

pytestmark = pytest.mark.usefixtures("standing")


async def test_what_is_ready_goes_out_and_what_is_flagged_waits(database: Database, world: World) -> None:
    made = await usual(database, world, 3)
    async with database.transaction(SYSTEM) as tx:
        worked(tx, made[2], date(2026, 2, 20), hours=8)
    run_id = await proposed(database, world)
    await issue(database, world, run_id)
    states = [(await item(database, run_id, clinic.id)).state for clinic in made]
    assert states == ["issued", "issued", "flagged"]
    assert await state_of(database, run_id) == "proposed"
    await check_books(database, issued=2)
    bella = principal(world, "bella")
    async with database.transaction(bella.scope()) as tx:
        await service.accept(tx, bella, run_id, made[2].id, seen_minor=80000)
    await issue(database, world, run_id)
    assert await state_of(database, run_id) == "done"
    await check_books(database, issued=3)
    async with database.transaction(SYSTEM) as tx:
        final = (await tx.scalars(select(Invoice).where(Invoice.run_id == run_id))).all()
        assert {(one.state, one.reviewed_by, one.finalized_by) for one in final} == {("finalized", world.bella, world.bella)}
        said = list(await tx.scalars(select(AccessEvent.action).where(AccessEvent.object_type == "billing_run")))
    assert said == [
        "billing_run.started", "billing_run.proposed", "billing_run.issuing", "billing_run.proposed", "billing_run.accepted",
        "billing_run.issuing", "billing_run.done",
    ]  # fmt: skip


async def test_left_out_stays_a_draft(database: Database, world: World) -> None:
    one, two = await usual(database, world, 2)
    run_id, bella = await proposed(database, world), principal(world, "bella")
    async with database.transaction(bella.scope()) as tx:
        await service.leave_out(tx, bella, run_id, one.id)
    await issue(database, world, run_id)
    assert await state_of(database, run_id) == "done"
    await check_books(database, issued=1)
    async with database.transaction(SYSTEM) as tx:
        open_ones = (await tx.execute(select(Invoice.facility_id, Invoice.state).where(Invoice.number.is_(None)))).all()
    assert [tuple(row) for row in open_ones] == [(one.id, "draft")]
    # A second run of the month takes it up; what is out already is nothing any more.
    second = await proposed(database, world)
    assert ((await item(database, second, one.id)).state, (await item(database, second, two.id)).state) == ("ready", "nothing")


async def test_a_draft_that_changed_fails_alone_with_its_reason_and_a_way_on(database: Database, world: World) -> None:
    made = await usual(database, world, 4)
    changed, withdrawn, by_hand, fine = made
    run_id, bella = await proposed(database, world), principal(world, "bella")
    async with database.transaction(SYSTEM) as tx:
        entry = select(WorkEntry.id).where(WorkEntry.facility_id == changed.id).order_by(WorkEntry.during.desc()).limit(1)
        disputed = update(WorkEntry).where(WorkEntry.id == entry.scalar_subquery())
        await tx.execute(disputed.values(state="disputed", dispute_reason="We were closed."))
    async with database.transaction(bella.scope()) as tx:
        await invoicing.void(tx, bella, (await item(database, run_id, withdrawn.id)).invoice_id)
        invoice_id = (await item(database, run_id, by_hand.id)).invoice_id
        await invoicing.review(tx, bella, invoice_id)
        await invoicing.finalize(tx, bella, invoice_id)
    await issue(database, world, run_id)
    assert await state_of(database, run_id) == "proposed"
    found = {clinic.name: await item(database, run_id, clinic.id) for clinic in made}
    assert [one.state for one in found.values()] == ["failed", "failed", "issued", "issued"]
    assert "1 entry on it is no longer approved" in found[changed.name].problem
    assert "withdrawn" in found[withdrawn.name].problem
    assert found[by_hand.name].problem == "Somebody issued it before the run came to it."
    assert found[fine.name].problem == ""
    await check_books(database, issued=2)
    # The way on: look at both again, then issue.
    for clinic in (changed, withdrawn):
        async with database.transaction(bella.scope()) as tx:
            await service.look_again(tx, bella, run_id, clinic.id)
        await drain(database)
    async with database.transaction(bella.scope()) as tx:
        await service.accept_all(tx, bella, run_id)
    await issue(database, world, run_id)
    assert await state_of(database, run_id) == "done"
    await check_books(database, issued=4)


async def test_a_draft_updated_by_hand_is_not_issued_unseen(database: Database, world: World) -> None:
    (clinic,) = await usual(database, world, 1)
    run_id, bella = await proposed(database, world), principal(world, "bella")
    async with database.transaction(SYSTEM) as tx:
        worked(tx, clinic, date(2026, 2, 20), hours=1)
    async with database.transaction(bella.scope()) as tx:
        await invoicing.draft_invoice(tx, bella, clinic.id, FEBRUARY.start_on, FEBRUARY.end_on)
    await issue(database, world, run_id)
    found = await item(database, run_id, clinic.id)
    assert found.state == "failed"
    assert found.problem == "It came to $480.00 when the run looked at it, and comes to $520.00 now. Look again."
    await check_books(database, issued=0)


async def test_nobody_issues_what_they_have_not_seen(database: Database, world: World) -> None:
    one, _ = await usual(database, world, 2)
    run_id, bella = await proposed(database, world), principal(world, "bella")
    async with database.transaction(bella.scope()) as tx:
        seen = (await queries.to_issue(tx, run_id)).sighting
        await service.leave_out(tx, bella, run_id, one.id)
    assert seen == "2;USD 96000"
    with pytest.raises(RunHasMovedOn, match=r"it is 1 invoice, \$480\.00 now"):
        async with database.transaction(bella.scope()) as tx:
            await service.issue(tx, bella, run_id, seen=seen)
    await check_books(database, issued=0)


async def test_while_it_issues_nobody_decides(database: Database, world: World) -> None:
    one, _ = await usual(database, world, 2)
    run_id, bella = await proposed(database, world), principal(world, "bella")
    async with database.transaction(bella.scope()) as tx:
        await service.issue(tx, bella, run_id)
    for step, arguments in (
        (service.leave_out, (one.id,)),
        (service.look_again, ()),
        (service.issue, ()),
        (service.finish, ()),
    ):
        with pytest.raises(RunHasMovedOn, match="issuing its invoices"):
            async with database.transaction(bella.scope()) as tx:
                await step(tx, bella, run_id, *arguments)


async def test_finishing(database: Database, world: World) -> None:
    one, two = await usual(database, world, 2)
    first, bella = await proposed(database, world), principal(world, "bella")
    async with database.transaction(bella.scope()) as tx:
        assert (await service.finish(tx, bella, first)).state == "cancelled"
    async with database.transaction(SYSTEM) as tx:
        worked(tx, two, date(2026, 2, 20), hours=8)
    second = await proposed(database, world)
    await issue(database, world, second)
    async with database.transaction(bella.scope()) as tx:
        assert (await service.finish(tx, bella, second)).state == "done"
        assert (await service.finish(tx, bella, second)).state == "done"
    assert [(await item(database, second, clinic.id)).state for clinic in (one, two)] == ["issued", "left_out"]


async def test_somebody_who_was_switched_off_issues_nothing_more(database: Database, world: World) -> None:
    one, _ = await usual(database, world, 2)
    run_id, bella = await proposed(database, world), principal(world, "bella")
    async with database.transaction(bella.scope()) as tx:
        await service.issue(tx, bella, run_id)
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(Account).where(Account.id == world.bella).values(disabled_at=func.now()))
    await drain(database)
    found = await item(database, run_id, one.id)
    assert (found.state, "may no longer sign in" in found.problem) == ("failed", True)
    await check_books(database, issued=0)


class TestSeveralAtOnce:
    """The same, eight times in parallel on the real database."""

    async def test_eight_starts_give_one_run(self, database: Database, world: World) -> None:
        await usual(database, world, 1)
        answers = await asyncio.gather(*(start(database, world) for _ in range(8)), return_exceptions=True)
        refused = [one for one in answers if isinstance(one, RunInProgress)]
        (run_id,) = [one for one in answers if not isinstance(one, BaseException)]
        assert len(refused) == 7
        assert {one.way_on_href for one in refused} == {f"/desk/billing-runs/{run_id}"}
        async with database.transaction(SYSTEM) as tx:
            assert await tx.scalar(select(func.count()).select_from(BillingRun)) == 1
            assert await tx.scalar(select(func.count()).select_from(BillingRunItem)) == 3

    async def test_every_turn_taken_eight_times(self, database: Database, world: World) -> None:
        made = await usual(database, world, 5)
        run_id = await start(database, world)
        everywhere = [clinic.id for clinic in made] + [world.north, world.south]
        await asyncio.gather(*(proposing.propose(database, run_id, one, world.bella) for one in everywhere for _ in range(8)))
        assert await state_of(database, run_id) == "proposed"
        bella = principal(world, "bella")
        async with database.transaction(bella.scope()) as tx:
            assert await service.issue(tx, bella, run_id) == 5
        await asyncio.gather(*(issuing.issue(database, run_id, one, world.bella) for one in everywhere for _ in range(8)))
        assert await state_of(database, run_id) == "done"
        await check_books(database, issued=5)

    async def test_the_button_pressed_eight_times(self, database: Database, world: World) -> None:
        await usual(database, world, 3)
        run_id, bella = await proposed(database, world), principal(world, "bella")

        async def press() -> int:
            async with database.transaction(bella.scope()) as tx:
                return await service.issue(tx, bella, run_id, seen="3;USD 144000")

        answers = await asyncio.gather(*(press() for _ in range(8)), return_exceptions=True)
        assert [one for one in answers if one == 3] == [3]
        assert sum(isinstance(one, RunHasMovedOn) for one in answers) == 7
        await drain(database)
        await check_books(database, issued=3)

    async def test_running_the_month_twice_changes_nothing_more(self, database: Database, world: World) -> None:
        made = await usual(database, world, 3)
        for _ in range(2):
            run_id = await proposed(database, world)
            if await state_of(database, run_id) == "proposed":
                await issue(database, world, run_id)
            assert await state_of(database, run_id) == "done"
            await check_books(database, issued=3)
        assert {(await item(database, run_id, clinic.id)).state for clinic in made} == {"nothing"}

    async def test_a_run_beside_people_who_invoice_by_hand(self, database: Database, world: World) -> None:
        made = await clinics(database, 4)
        await work_in(database, made, FEBRUARY)
        run_id = await start(database, world)

        async def by_hand(number: int) -> None:
            await invoiced(database, world, [made[number]], FEBRUARY)

        everywhere = [clinic.id for clinic in made] + [world.north, world.south]
        await asyncio.gather(
            *(proposing.propose(database, run_id, one, world.bella) for one in everywhere), by_hand(0), by_hand(3),
            return_exceptions=True,
        )  # fmt: skip
        bella = principal(world, "bella")
        async with database.transaction(bella.scope()) as tx:
            await service.accept_all(tx, bella, run_id)
        await issue(database, world, run_id)
        assert await state_of(database, run_id) == "done"
        await check_books(database, issued=4)
