"""The coordinator's pages through the real door."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select
from support.visitors import Visitor
from support.world import NOW, World, assign

from staffing import clock
from staffing.persistence.models import AccessEvent
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.worklog.models import WorkEntry

pytestmark = pytest.mark.usefixtures("standing")
SignIn = Callable[[str], Awaitable[Visitor]]


@pytest.fixture
async def cover(database: Database, world: World) -> None:
    """Maria: Northside until 13:00, Southlake from 13:00 (New York). Joseph: Northside."""
    async with database.transaction(SYSTEM) as tx:
        await assign(tx, world, world.maria, world.north, start=NOW - timedelta(hours=3), hours=6)
        await assign(tx, world, world.maria, world.south, start=NOW + timedelta(hours=3), hours=4, service="prior_authorization")
        await assign(tx, world, world.joseph, world.north, start=NOW - timedelta(hours=2), hours=8)


@pytest.fixture
async def maria(cover: None, sign_in: SignIn) -> Visitor:
    visitor = await sign_in("maria")
    await visitor.get("/workspace")
    return visitor


async def entries(database: Database) -> list[WorkEntry]:
    async with database.transaction(SYSTEM) as tx:
        return list(await tx.scalars(select(WorkEntry).order_by(func.lower(WorkEntry.during), WorkEntry.id)))


def start(world: World, *, north: bool = True) -> dict[str, str]:
    return {
        "facility_id": str(world.north if north else world.south),
        "patient_id": str(world.rosa if north else world.tom),
    }


def call(world: World, **more: str) -> dict[str, str]:
    typed = {
        "who": f"{world.north}:{world.rosa}",
        "activity": "follow_up",
        "note": "Asked how the week went.",
        "reason": "No timer.",
    }
    return {**typed, **more}


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


async def test_today_shows_every_facility_with_its_own_clock_beside(maria: Visitor) -> None:
    page = (await maria.get("/workspace")).text
    assert "Northside Family Medicine" in page
    assert "Southlake Heart Clinic" in page
    assert "12:00–16:00 CST there" in page
    assert "You cover 2 windows today" in page


async def test_start_switch_stop_and_say_what_was_done(maria: Visitor, world: World, database: Database) -> None:
    page = await maria.post("/workspace/timer/start", start(world))
    assert "data-timer-since" in page.text
    assert "Rosa Alvarez" in page.text
    with clock.standing_at(at(12)):
        page = await maria.post("/workspace/timer/switch", start(world, north=False))
        assert "Tom Brandt" in page.text
        assert "To finish" in page.text
    with clock.standing_at(at(20)):
        page = await maria.post("/workspace/timer/stop")
        assert "Stopped after 0:08:00" in page.text
        assert "data-timer-since" not in page.text
        first, second = await entries(database)
        page = await maria.post(f"/workspace/entries/{first.id}", {"activity": "follow_up", "note": "Asked how the week went."})
        assert "Saved." in page.text
    assert (first.during.upper, second.during.upper) == (at(12), at(20))
    assert first.during.upper == second.during.lower


async def test_the_bar_of_the_timer_is_on_every_page(maria: Visitor, world: World) -> None:
    await maria.post("/workspace/timer/start", start(world))
    for path in (
        "/workspace",
        "/workspace/week",
        "/workspace/patients",
        f"/workspace/patients/{world.rosa}",
        "/workspace/entries/new",
    ):
        page = await maria.get(path)
        assert page.status_code == 200
        assert 'id="timer-bar"' in page.text, path


async def test_what_was_worked_on_is_started_again_with_one_press(maria: Visitor, world: World) -> None:
    await maria.post("/workspace/timer/start", start(world))
    with clock.standing_at(at(5)):
        page = await maria.post("/workspace/timer/stop")
    assert "Start Rosa Alvarez" in page.text


async def test_a_pinned_patient_is_at_hand_and_can_be_let_go(maria: Visitor, world: World) -> None:
    page = await maria.post(f"/workspace/patients/{world.tom}/pin")
    assert "Unpin" in page.text
    assert "Start Tom Brandt" in (await maria.get("/workspace")).text
    await maria.post(f"/workspace/patients/{world.tom}/unpin")
    assert "Start Tom Brandt" not in (await maria.get("/workspace")).text


async def test_finding_a_patient_keeps_the_name_out_of_the_address(maria: Visitor) -> None:
    page = await maria.post("/workspace/find", {"find": "alv"})
    assert page.status_code == 200
    assert "Start Rosa Alvarez" in page.text
    assert "Tom Brandt" not in page.text
    assert "No patient under your care fits" in (await maria.post("/workspace/find", {"find": "zz"})).text


async def test_a_finished_call_needs_four_fields_and_nothing_else(maria: Visitor, world: World, database: Database) -> None:
    page = await maria.post("/workspace/entries/new", call(world, minutes="6"))
    assert "Recorded." in page.text
    [entry] = await entries(database)
    assert (entry.during.lower, entry.during.upper) == (at(-6), NOW)
    assert (entry.source, entry.state, entry.manual_reason) == ("manual", "draft", "No timer.")


async def test_nothing_typed_is_lost_and_each_mistake_stands_at_its_field(maria: Visitor, world: World) -> None:
    sent = call(world, minutes="six", day="2026-03-04", start="09:15", reason="", note="Spoke with the daughter.")
    page = await maria.post("/workspace/entries/new", sent)
    assert page.status_code == 422
    assert "Spoke with the daughter." in page.text
    assert 'value="six"' in page.text
    assert 'value="09:15"' in page.text
    assert f'value="{world.north}:{world.rosa}" selected' in page.text
    assert 'id="f-reason-error"' in page.text


async def test_an_overlap_is_explained_with_the_own_entry_beside_the_field(maria: Visitor, world: World) -> None:
    await maria.post("/workspace/entries/new", call(world, day="2026-03-04", start="09:10", end="09:40"))
    sent = call(world, who=f"{world.south}:{world.tom}", day="2026-03-04", start="09:30", end="09:50", note="Asked the payer.")
    page = await maria.post("/workspace/entries/new", sent)
    assert page.status_code == 422
    assert "You have already recorded 09:10–09:40 at Northside Family Medicine." in page.text
    assert "Asked the payer." in page.text
    assert 'id="f-start-error"' in page.text


async def test_a_call_during_the_timer_is_cut_out_of_it(maria: Visitor, world: World, database: Database) -> None:
    await maria.post("/workspace/timer/start", start(world))
    with clock.standing_at(at(14)):
        sent = call(world, who=f"{world.south}:{world.tom}", minutes="6")
        page = await maria.post("/workspace/entries/new", sent)
        assert page.status_code == 422
        assert "Take these minutes out of the running timer" in page.text
        await maria.post("/workspace/entries/new", {**sent, "cut_running": "1"})
    spans = [(entry.during.lower, entry.during.upper) for entry in await entries(database)]
    assert spans == [(NOW, at(8)), (at(8), at(14)), (at(14), None)]


async def test_a_time_that_comes_twice_is_asked_about(database: Database, world: World, sign_in: SignIn) -> None:
    night = datetime(2026, 11, 1, 4, 0, tzinfo=UTC)
    async with database.transaction(SYSTEM) as tx:
        await assign(tx, world, world.maria, world.north, start=night, hours=6)
    with clock.standing_at(night + timedelta(hours=8)):
        maria = await sign_in("maria")
        await maria.get("/workspace")
        sent = call(world, day="2026-11-01", start="00:30", end="01:30")
        page = await maria.post("/workspace/entries/new", sent)
        assert page.status_code == 422
        assert "01:30 comes twice on Sun 1 Nov" in page.text
        assert "The second, EST" in page.text
        await maria.post("/workspace/entries/new", {**sent, "end_reading": "2"})
        [entry] = await entries(database)
        assert entry.during.upper - entry.during.lower == timedelta(hours=2)
        page = await maria.get(f"/workspace/entries/{entry.id}")
        assert "00:30 EDT – 01:30 EST" in page.text


async def test_a_timer_left_on_asks_when_work_ended(maria: Visitor, world: World, database: Database, sign_in: SignIn) -> None:
    await maria.post("/workspace/timer/start", start(world))
    with clock.standing_at(at(14 * 60)):
        maria = await sign_in("maria")
        page = await maria.get("/workspace")
        page = await maria.post("/workspace/timer/stop")
        assert "When did you stop?" in page.text
        assert "I have worked until now" not in page.text
        page = await maria.post("/workspace/timer/start", start(world, north=False))
        assert "When did you stop?" in page.text
        wrong = await maria.post("/workspace/timer/stop", {"day": "2026-03-04", "end": "09:00"})
        assert wrong.status_code == 422
        assert 'value="09:00"' in wrong.text
        await maria.post("/workspace/timer/stop", {"day": "2026-03-04", "end": "10:45"})
    [entry] = await entries(database)
    assert entry.during.upper == at(45)


async def test_the_week_adds_up_lists_what_is_missing_and_submits(maria: Visitor, world: World, database: Database) -> None:
    await maria.post("/workspace/entries/new", call(world, day="2026-03-04", start="08:00", end="09:30"))
    south = call(world, who=f"{world.south}:{world.tom}", day="2026-03-04", start="09:30", end="09:45", note="", activity="")
    await maria.post("/workspace/entries/new", south)
    page = (await maria.get("/workspace/week")).text
    assert "1:45" in page
    assert "Cover without recorded time" in page
    assert "Wed 4 Mar, 07:00–08:00 EST" in page
    assert "Submit one complete entry" in page
    page = await maria.post("/workspace/week", {"start": "2026-03-02"})
    assert "Submitted 1 entry, 1 h 30 min. 1 entry waits for a note or an activity." in page.text
    assert [entry.state for entry in await entries(database)] == ["submitted", "draft"]


async def test_another_week_is_looked_at_and_nonsense_shows_this_one(maria: Visitor) -> None:
    assert "Week of 2 March 2026" in (await maria.get("/workspace/week?start=2026-03-05")).text
    assert "Week of 23 February 2026" in (await maria.get("/workspace/week?start=2026-02-26")).text
    for nonsense in ("", "2026-13-01", "abc", "0001-01-01", "9999-12-31"):
        assert (await maria.get(f"/workspace/week?start={nonsense}")).status_code == 200


async def test_an_entry_over_midnight_shows_both_days_in_both_zones(database: Database, world: World, sign_in: SignIn) -> None:
    evening = datetime(2026, 3, 5, 4, 40, tzinfo=UTC)
    async with database.transaction(SYSTEM) as tx:
        await assign(tx, world, world.maria, world.south, start=evening, hours=2)
    with clock.standing_at(evening):
        maria = await sign_in("maria")
        await maria.get("/workspace")
        await maria.post("/workspace/timer/start", start(world, north=False))
    with clock.standing_at(evening + timedelta(minutes=90)):
        maria = await sign_in("maria")
        await maria.get("/workspace")
        await maria.post("/workspace/timer/stop")
        [entry] = await entries(database)
        page = (await maria.get(f"/workspace/entries/{entry.id}")).text
        assert "Wed 4 Mar, 23:40 – Thu 5 Mar, 01:10 EST" in page
        assert "Wed 4 Mar, 22:40 – Thu 5 Mar, 00:10 CST" in page
        week = (await maria.get("/workspace/week?start=2026-03-02")).text
        assert ">0:20<" in week
        assert ">1:10<" in week


async def test_outside_the_care_window_a_patient_is_gone_at_the_next_request(
    maria: Visitor, world: World, sign_in: SignIn
) -> None:
    await maria.post("/workspace/timer/start", start(world))
    assert (await maria.get(f"/workspace/patients/{world.rosa}")).status_code == 200
    with clock.standing_at(at(5)):
        await maria.post("/workspace/timer/stop")
    with clock.standing_at(NOW + timedelta(hours=3 + 72, minutes=1)):
        maria = await sign_in("maria")
        await maria.get("/workspace")
        assert (await maria.get(f"/workspace/patients/{world.rosa}")).status_code == 404
        assert (await maria.post("/workspace/timer/start", start(world))).status_code == 404
        assert (await maria.post(f"/workspace/patients/{world.rosa}/pin")).status_code == 404
        for path in ("/workspace", "/workspace/patients", "/workspace/week?start=2026-03-04", "/workspace/entries/new"):
            assert "Alvarez" not in (await maria.get(path)).text, path
        assert "Patients no longer under your care" in (await maria.get("/workspace/week?start=2026-03-04")).text


async def test_joseph_sees_nothing_of_what_maria_recorded(
    maria: Visitor, world: World, database: Database, sign_in: SignIn
) -> None:
    await maria.post("/workspace/entries/new", call(world, minutes="6"))
    [entry] = await entries(database)
    joseph = await sign_in("joseph")
    assert "Asked how the week went" not in (await joseph.get("/workspace")).text
    assert (await joseph.get(f"/workspace/entries/{entry.id}")).status_code == 404
    for action in ("", "/take-back", "/withdraw"):
        assert (await joseph.post(f"/workspace/entries/{entry.id}{action}")).status_code == 404
    assert (await joseph.get(f"/workspace/patients/{world.tom}")).status_code == 404


@pytest.mark.parametrize("name", ["alice", "dora", "bella"])
async def test_the_workspace_is_for_coordinators(name: str, sign_in: SignIn) -> None:
    other = await sign_in(name)
    for path in ("/workspace", "/workspace/week", "/workspace/patients"):
        assert (await other.get(path)).status_code in (403, 404)


async def test_opening_a_patient_is_in_the_facility_s_access_log(maria: Visitor, world: World, database: Database) -> None:
    page = await maria.get(f"/workspace/patients/{world.rosa}")
    assert "Type 2 diabetes" in page.text
    async with database.transaction(SYSTEM) as tx:
        rows = (
            await tx.execute(
                select(AccessEvent.actor, AccessEvent.facility_id, AccessEvent.detail).where(
                    AccessEvent.action == "patient.read", AccessEvent.patient_id == world.rosa
                )
            )
        ).all()
    assert rows == [("Maria Sandoval", world.north, "history")]


async def test_taking_back_and_correcting_the_time(maria: Visitor, world: World, database: Database) -> None:
    await maria.post("/workspace/entries/new", call(world, day="2026-03-04", start="09:10", end="09:40"))
    [entry] = await entries(database)
    form = await maria.get(f"/workspace/entries/new?instead_of={entry.id}")
    assert 'value="09:10:00"' in form.text
    assert "Correct the time" in form.text
    sent = call(world, day="2026-03-04", start="09:10", end="09:30", instead_of=str(entry.id), reason="Ended earlier.")
    await maria.post("/workspace/entries/new", sent)
    assert sorted(entry.state for entry in await entries(database)) == ["draft", "void"]


async def test_a_facility_that_is_not_known_or_no_id_at_all_is_not_there(maria: Visitor, world: World) -> None:
    nobody = str(UUID(int=7))
    assert (await maria.post("/workspace/timer/start", {"facility_id": nobody})).status_code == 404
    assert (await maria.post("/workspace/timer/start", {"facility_id": "x"})).status_code == 422
    assert (await maria.post("/workspace/entries/new", call(world, who="x:y", minutes="6"))).status_code == 404
    assert (await maria.get("/workspace/entries/new?instead_of=x&day=2026-99-99")).status_code == 200
    assert date(2026, 3, 4) == NOW.date()


async def test_every_number_in_the_grid_opens_its_entry_or_adds_several(maria: Visitor, world: World, database: Database) -> None:
    await maria.post("/workspace/entries/new", call(world, day="2026-03-04", start="08:00", end="09:30"))
    [entry] = await entries(database)
    page = (await maria.get("/workspace/week")).text
    assert re.search(rf'href="/workspace/entries/{entry.id}">1:30<', page)
