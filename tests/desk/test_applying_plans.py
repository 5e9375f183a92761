"""Applying a plan: everything or nothing, checked against what changed since, two dispatchers at once."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import delete, func, select, update
from support.proposing import in_system, proposed_plan
from support.visitors import Visitor
from support.world import NOW, World, ask, assign, principal

from staffing.persistence.models import AccessEvent
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.requests.models import CoverageWindow, StaffingRequest
from staffing.roster.models import AvailabilityRule, Credential, FacilityExclusion, TimeOff
from staffing.scheduling import applying, changing
from staffing.scheduling.errors import PlanHasMovedOn, PlanNoLongerFits
from staffing.scheduling.models import Assignment, Plan, PlanChoice, PlanState
from staffing.settings import Settings

pytestmark = pytest.mark.usefixtures("standing")
SignIn = Callable[[str], Awaitable[Visitor]]


async def apply(database: Database, world: World, plan_id: UUID, by: str = "dora") -> applying.Applied:
    caller = principal(world, by)
    async with database.transaction(caller.scope()) as tx:
        tx.info["actor"] = caller.actor()
        return await applying.apply_plan(tx, caller, plan_id)


async def refused(database: Database, world: World, plan_id: UUID) -> tuple[str, ...]:
    """What keeps the plan from being applied; and nothing of it was."""
    before = await in_system(database, select(func.count()).select_from(Assignment))
    with pytest.raises(PlanNoLongerFits) as problem:
        await apply(database, world, plan_id)
    assert await in_system(database, select(func.count()).select_from(Assignment)) == before
    assert await in_system(database, select(Plan.state).where(Plan.id == plan_id)) == [(PlanState.PROPOSED,)]
    assert problem.value.way_on_href == f"/desk/plans/{plan_id}"
    return problem.value.conflicts


async def assigned(database: Database) -> set[tuple[Any, ...]]:
    return set(
        await in_system(
            database,
            select(Assignment.coordinator_id, Assignment.window_id, Assignment.seat).where(Assignment.state == "confirmed"),
        )
    )


async def test_applying_makes_every_assignment_with_its_seat_and_reason(
    database: Database, settings: Settings, world: World
) -> None:
    async with database.transaction(SYSTEM) as tx:
        _, double = await ask(tx, world, world.north, headcount=2)
        _, single = await ask(tx, world, world.south, start=NOW + timedelta(hours=25))
    plan_id = await proposed_plan(database, settings, world)
    done = await apply(database, world, plan_id)
    assert (done.assignments, done.people) == (3, 2)
    made = await assigned(database)
    assert {(window, seat) for _, window, seat in made} == {(double.id, 1), (double.id, 2), (single.id, 1)}
    assert (world.maria, single.id, 1) in made
    whys = await in_system(database, select(Assignment.why))
    # Facilities read assignments: neither money nor the names of others.
    assert all(set(why) == {"sentences", "knows_facility", "others"} for (why,) in whys)
    plans = await in_system(database, select(Plan.state, Plan.decided_by))
    assert plans == [(PlanState.APPLIED, world.dora)]
    noted = await in_system(
        database,
        select(AccessEvent.action, AccessEvent.facility_id, AccessEvent.detail)
        .where(AccessEvent.action == "request.assigned")
        .order_by(AccessEvent.detail),
    )
    assert set(noted) == {("request.assigned", world.north, "2 windows"), ("request.assigned", world.south, "1 windows")}


async def test_two_dispatchers_apply_overlapping_plans_at_once(
    database: Database, settings: Settings, world: World, sign_in: SignIn
) -> None:
    async with database.transaction(SYSTEM) as tx:
        _, window = await ask(tx, world, world.south)
        _, other = await ask(tx, world, world.north, start=NOW + timedelta(hours=30))
    plans = [await proposed_plan(database, settings, world, by) for by in ("dora", "denis")]
    dora, denis = await sign_in("dora"), await sign_in("denis")
    answers = await asyncio.gather(
        dora.post(f"/desk/plans/{plans[0]}/apply", follow=False), denis.post(f"/desk/plans/{plans[1]}/apply", follow=False)
    )
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    won = 0 if answers[0].status_code == 303 else 1
    lost: httpx.Response = answers[1 - won]
    names = ("Dora Petrie", "Denis Wolf")
    assert "Maria Sandoval already covers Southlake Heart Clinic on Thu 5 Mar, 05:00–09:00 CST" in lost.text
    assert f"plan {won + 1}, applied by {names[won]}" in lost.text
    assert "no longer fits" in lost.text
    assert f'action="/desk/plans/{plans[1 - won]}/again"' in lost.text
    assert f'action="/desk/plans/{plans[1 - won]}/apply"' not in lost.text
    # Nothing half applied: both windows have exactly one person, from the plan that won.
    rows = await in_system(database, select(Assignment.window_id, Assignment.plan_id))
    assert sorted(rows) == sorted([(window.id, plans[won]), (other.id, plans[won])])


async def test_a_plan_that_lost_shows_a_few_of_its_conflicts_and_leads_on(
    database: Database, settings: Settings, world: World, sign_in: SignIn
) -> None:
    async with database.transaction(SYSTEM) as tx:
        for hours in range(20, 40, 5):
            await ask(tx, world, world.north, start=NOW + timedelta(hours=hours))
    plans = [await proposed_plan(database, settings, world, by) for by in ("dora", "denis")]
    await apply(database, world, plans[0])
    page = await (await sign_in("denis")).post(f"/desk/plans/{plans[1]}/apply")
    assert page.status_code == 409
    assert "Plan 2 no longer fits: something changed since it was worked out. Nothing was applied." in page.text
    # Each person is named once, with all the times.
    names = re.findall(r"<li>(\w+ \w+) already covers", page.text)
    assert names
    assert len(names) == len(set(names))
    assert page.text.count("Mar, ") >= 4
    assert f'action="/desk/plans/{plans[1]}/again"' in page.text


async def test_without_the_locks_the_database_still_refuses_the_second(
    database: Database, settings: Settings, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last barrier: both look at the same moment and see nothing in the way, then both write."""
    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.south)
    plans = [await proposed_plan(database, settings, world, by) for by in ("dora", "denis")]
    looked = asyncio.Barrier(2)

    async def no_lock(*_: object) -> None:
        return None

    free_seats = changing.free_seats

    async def both_have_looked(tx: Any, choices: Any) -> Any:
        seats = await free_seats(tx, choices)
        await looked.wait()
        return seats

    monkeypatch.setattr(changing, "hold_people", no_lock)
    monkeypatch.setattr(changing, "_hold_windows", no_lock)
    monkeypatch.setattr(changing, "free_seats", both_have_looked)
    outcomes = await asyncio.gather(
        apply(database, world, plans[0], "dora"), apply(database, world, plans[1], "denis"), return_exceptions=True
    )
    failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert len(failures) == 1
    assert isinstance(failures[0], PlanNoLongerFits)
    assert "Maria Sandoval already covers Southlake Heart Clinic" in failures[0].conflicts[0]
    assert len(await assigned(database)) == 1


async def test_what_is_booked_elsewhere_in_the_meantime_is_named(database: Database, settings: Settings, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.south)
    plan_id = await proposed_plan(database, settings, world)
    async with database.transaction(SYSTEM) as tx:
        await assign(tx, world, world.maria, world.north, start=NOW + timedelta(hours=21))
    (sentence,) = await refused(database, world, plan_id)
    assert sentence == (
        "Maria Sandoval already covers Northside Family Medicine on Thu 5 Mar, 07:00–15:00 EST (assigned by Dora Petrie)."
    )


async def test_a_place_that_somebody_else_took_is_named(database: Database, settings: Settings, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        request, window = await ask(tx, world, world.north)
    plan_id = await proposed_plan(database, settings, world)
    ((chosen,),) = await in_system(database, select(PlanChoice.coordinator_id))
    other = world.joseph if chosen == world.maria else world.maria
    async with database.transaction(SYSTEM) as tx:
        tx.add(
            Assignment(
                facility_id=world.north,
                request_id=request.id,
                window_id=window.id,
                coordinator_id=other,
                during=window.during,
                seat=1,
                created_by=world.dora,
                created_at=NOW,
            )
        )
    (sentence,) = await refused(database, world, plan_id)
    assert f"Northside Family Medicine ({request.reference}) on Thu 5 Mar, 06:00–10:00 EST by now" in sentence
    assert "there is no place left for" in sentence


CHANGES: dict[str, tuple[Callable[[World], Any], str]] = {
    "request cancelled": (lambda world: update(StaffingRequest).values(state="cancelled"), "is cancelled by now"),
    "window cancelled": (lambda world: update(CoverageWindow).values(cancelled=True), "does not need Thu 5 Mar"),
    "credential ended": (
        lambda world: update(Credential).where(Credential.kind == "hipaa_training").values(expires_on=NOW.date()),
        "A credential of Maria Sandoval does not last to the end of Southlake Heart Clinic",
    ),
    "screening old": (
        lambda world: (
            update(Credential).where(Credential.kind == "exclusion_screening").values(verified_on=NOW.date() - timedelta(days=32))
        ),
        "The exclusion screening of Maria Sandoval is out of date",
    ),
    "hours gone": (lambda world: delete(AvailabilityRule), "Maria Sandoval is not available on Thu 5 Mar, 05:00–09:00 CST"),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_everything_is_checked_again(database: Database, settings: Settings, world: World, change: str) -> None:
    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.south)
    plan_id = await proposed_plan(database, settings, world)
    statement, expected = CHANGES[change]
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(statement(world))
    (sentence,) = await refused(database, world, plan_id)
    assert expected in sentence


async def test_time_off_and_an_exclusion_since_then_count(database: Database, settings: Settings, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        _, window = await ask(tx, world, world.south)
    plan_id = await proposed_plan(database, settings, world)
    async with database.transaction(SYSTEM) as tx:
        tx.add(TimeOff(coordinator_id=world.maria, during=window.during))
        tx.add(FacilityExclusion(coordinator_id=world.maria, facility_id=world.south, reason="asked not to return"))
    sentences = await refused(database, world, plan_id)
    assert len(sentences) == 2
    assert any("must not be sent to Southlake Heart Clinic" in sentence for sentence in sentences)


async def test_a_plan_is_applied_once_and_a_discarded_one_never(
    database: Database, settings: Settings, world: World, sign_in: SignIn
) -> None:
    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.south)
    plan_id = await proposed_plan(database, settings, world)
    await apply(database, world, plan_id)
    with pytest.raises(PlanHasMovedOn):
        await apply(database, world, plan_id)
    dora = await sign_in("dora")
    for step in ("apply", "discard", "stop"):
        late = await dora.post(f"/desk/plans/{plan_id}/{step}")
        assert late.status_code == 409
        assert "Somebody was faster: plan 1 is applied by Dora Petrie already. Nothing was changed now." in late.text
    assert len(await assigned(database)) == 1


async def test_the_page_after_applying_says_what_was_done(
    database: Database, settings: Settings, world: World, sign_in: SignIn
) -> None:
    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.south)
    plan_id = await proposed_plan(database, settings, world)
    dora = await sign_in("dora")
    page = await dora.post(f"/desk/plans/{plan_id}/apply")
    assert "Plan 1 is applied: one window is covered by one coordinator." in page.text
    assert "1 of 1 covered" in page.text
    assert "Plan what is open" not in page.text
