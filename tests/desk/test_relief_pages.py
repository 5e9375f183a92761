"""The desk's pages after a call-off: seen at once, relieved in three presses, refused with the reason; who may."""

import re
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from sqlalchemy import event, func, select
from support.proposing import in_system, job_context, proposed_plan
from support.relieving import add_ana, assigned, called_off, searched
from support.visitors import Visitor
from support.world import NOW, World, ask

from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.roster.models import FacilityExclusion
from staffing.scheduling.jobs import propose_plan
from staffing.scheduling.models import Assignment, CallOff, Plan
from staffing.scheduling.relief_search import find_relief
from staffing.settings import Settings

pytestmark = pytest.mark.usefixtures("standing")
SignIn = Callable[[str], Awaitable[Visitor]]


def said(page: str) -> str:
    """What a page says, without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace("&#39;", "'")


async def test_from_the_phone_to_the_new_person_in_three_presses(
    database: Database, settings: Settings, world: World, sign_in: SignIn
) -> None:
    lost = await assigned(database, world, world.maria, world.north, 20)
    dora = await sign_in("dora")
    form = await dora.get(f"/desk/roster/{world.maria}/call-off")  # the first press, from their page
    assert "Maria Sandoval called off" in form.text
    answer = await dora.post(
        f"/desk/roster/{world.maria}/call-off", {"assignment": str(lost), "reach": "this", "reason": "illness"}, follow=False
    )  # the second
    assert answer.status_code == 303
    here = answer.headers["location"]
    waiting = await dora.get(here)
    assert "Looking who can step in." in waiting.text
    assert 'hx-trigger="every 1s"' in waiting.text
    assert '<meta http-equiv="refresh" content="2"' in waiting.text
    await find_relief(job_context(database, settings), {"call_off_id": here.rpartition("/")[2]})
    assert (await dora.get(f"{here}/search")).headers["hx-refresh"] == "true"
    page = await dora.get(here)
    text = said(page.text)
    assert "Nobody else moves Covers it. Joseph Abad takes" in text
    assert "Having others change places would not be better." in text
    assert "New to Northside Family Medicine." in text
    assert "Leaves $72.00 between bill and pay, as with Maria." in text
    search = re.search(r'name="search" value="([^"]+)"', page.text)
    assert search
    done = await dora.post(f"{here}/confirm", {"search": search[1], "option": "a"})  # the third
    assert "Joseph Abad covers one window now. Nothing is left open by this call-off." in said(done.text)
    assert "called off" not in said((await dora.get("/desk")).text)
    assert "Relieved" in (await dora.get(here)).text


async def test_the_board_begins_with_who_called_off(database: Database, world: World, sign_in: SignIn) -> None:
    first = await assigned(database, world, world.maria, world.north, 20)
    await assigned(database, world, world.maria, world.north, 25)
    made = await called_off(database, world, first, by="maria")
    board = await (await sign_in("dora")).get("/desk")
    assert "Maria Sandoval called off Thu 5 Mar, 06:00–10:00 EST; one window lacks somebody." in said(board.text)
    assert f'href="/desk/call-offs/{made}"' in board.text
    assert "Maria Sandoval called off: choose who steps in." in board.text
    assert "Maria Sandoval called off" not in (await (await sign_in("bella")).get("/desk")).text


async def test_nothing_typed_is_lost_and_every_mistake_is_named(database: Database, world: World, sign_in: SignIn) -> None:
    lost = await assigned(database, world, world.maria, world.north, 20)
    dora = await sign_in("dora")
    answer = await dora.post(
        "/desk/call-offs/new", {"assignment": str(lost), "reach": "until", "until": "2026-03-01", "reason": "family"}
    )
    assert answer.status_code == 422
    assert "This day is before the assignment begins." in answer.text
    assert 'value="2026-03-01"' in answer.text
    assert re.search(rf'value="{lost}"\s+selected', answer.text)
    assert re.search(r'value="family"[^>]*checked', answer.text)
    nothing = await dora.post("/desk/call-offs/new", {})
    assert nothing.status_code == 422
    assert await in_system(database, select(func.count()).select_from(CallOff)) == [(0,)]


async def test_a_call_off_that_came_twice_is_said_beside_the_field(database: Database, world: World, sign_in: SignIn) -> None:
    lost = await assigned(database, world, world.maria, world.north, 20)
    await called_off(database, world, lost, by="maria")
    sent = {"assignment": str(lost), "reach": "this", "reason": "illness"}
    answer = await (await sign_in("dora")).post("/desk/call-offs/new", sent)
    assert answer.status_code == 422
    assert "called off by now" in answer.text


async def test_what_changed_in_the_meantime_is_named_and_nothing_was_made(
    database: Database, settings: Settings, world: World, sign_in: SignIn
) -> None:
    lost = await assigned(database, world, world.maria, world.north, 20)
    found = await searched(database, settings, world, await called_off(database, world, lost))
    async with database.transaction(SYSTEM) as tx:
        tx.add(FacilityExclusion(coordinator_id=world.joseph, facility_id=world.north, reason="asked for"))
    dora = await sign_in("dora")
    answer = await dora.post(f"/desk/call-offs/{found.id}/confirm", {"search": str(found.search_id), "option": "a"})
    text = said(answer.text)
    assert "Something changed since this relief was worked out. Nothing of it was made." in text
    assert "Joseph Abad must not be sent to Northside Family Medicine any more." in text
    assert "Looking who can step in." in said((await dora.get(f"/desk/call-offs/{found.id}")).text)  # again, at once
    assert await in_system(database, select(func.count()).where(Assignment.state == "confirmed")) == [(0,)]


async def test_when_nobody_can_the_funnel_and_the_nearest_fix_are_there(
    database: Database, settings: Settings, world: World, sign_in: SignIn
) -> None:
    lost = await assigned(database, world, world.maria, world.south, 20)
    found = await searched(database, settings, world, await called_off(database, world, lost))
    text = said((await (await sign_in("dora")).get(f"/desk/call-offs/{found.id}")).text)
    assert "Nobody can step in as things stand, not even if others change places." in text
    assert "Of 2 coordinators" in text
    assert "What would fill it:" in text
    assert "Joseph Abad works from a country that the facility does not allow." in text


async def test_helpers_who_move_are_shown_with_what_they_give_up_and_to_whom(
    database: Database, settings: Settings, world: World, sign_in: SignIn
) -> None:
    ana = await add_ana(database)
    anas = await assigned(database, world, ana, world.south, 20)
    await assigned(database, world, world.maria, world.north, 20)
    found = await searched(database, settings, world, await called_off(database, world, anas))
    text = said((await (await sign_in("dora")).get(f"/desk/call-offs/{found.id}")).text)
    assert "Maria Sandoval gives up , to Joseph Abad" in text or "Maria Sandoval gives up, to Joseph Abad" in text
    assert "Joseph Abad takes over from Maria Sandoval" in text
    assert "Without anybody else changing places nothing of it can be covered." in text


async def test_facilities_coordinators_and_billing_reach_none_of_it(
    database: Database, settings: Settings, world: World, sign_in: SignIn
) -> None:
    lost = await assigned(database, world, world.maria, world.north, 20)
    made = await called_off(database, world, lost)
    for name in ("alice", "bob", "charlie", "maria", "bella"):
        visitor = await sign_in(name)
        for path in ("", "/search"):
            assert (await visitor.get(f"/desk/call-offs/{made}{path}")).status_code in (403, 404), name
        for path in ("confirm", "again", "withdraw"):
            assert (await visitor.post(f"/desk/call-offs/{made}/{path}")).status_code in (403, 404), name
        sent = {"assignment": str(lost), "reach": "this", "reason": "illness"}
        assert (await visitor.post("/desk/call-offs/new", sent)).status_code in (403, 404), name
    dora = await sign_in("dora")
    assert (await dora.get(f"/desk/call-offs/{world.maria}")).status_code == 404


async def test_no_page_asks_the_database_more_than_eight_times(
    database: Database, settings: Settings, world: World, sign_in: SignIn
) -> None:
    lost = await assigned(database, world, world.maria, world.north, 20)
    found = await searched(database, settings, world, await called_off(database, world, lost))
    await proposed_plan(database, settings, world)
    dora = await sign_in("dora")
    asked: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT") and "login_sessions" not in statement:
            asked.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        for path in ("", "/call-offs", "/call-offs/new", f"/call-offs/{found.id}", f"/roster/{world.maria}/call-off", "/plans"):
            asked.clear()
            assert (await dora.get(f"/desk{path}")).status_code == 200
            assert 0 < len(asked) <= 8, (path, len(asked))
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)


class TestNearTheRunningPlan:
    async def near(self, database: Database, settings: Settings, visitor: Visitor) -> UUID:
        answer = await visitor.post("/desk/plans", {"near": "1"}, follow=False)
        plan_id = UUID(answer.headers["location"].rpartition("/")[2])
        await propose_plan(job_context(database, settings), {"plan_id": str(plan_id)})
        return plan_id

    async def test_it_moves_people_where_that_covers_more_and_applies_as_one(
        self, database: Database, settings: Settings, world: World, sign_in: SignIn
    ) -> None:
        """Southlake lacks somebody from the United States; Maria is at Northside, where Joseph could be."""
        marias = await assigned(database, world, world.maria, world.north, 20)
        async with database.transaction(SYSTEM) as tx:
            _, window = await ask(tx, world, world.south, start=NOW.replace(day=5, hour=11))
        dora = await sign_in("dora")
        plan_id = await self.near(database, settings, dora)
        text = said((await dora.get(f"/desk/plans/{plan_id}")).text)
        assert "Who gives up what" in text
        assert "Everything that was open is covered." in text
        done = await dora.post(f"/desk/plans/{plan_id}/apply")
        assert "2 windows are covered by 2 coordinators. 1 assignment was given to others." in said(done.text)
        rows = await in_system(database, select(Assignment.coordinator_id, Assignment.window_id, Assignment.state))
        ((gone,),) = await in_system(database, select(Assignment.window_id).where(Assignment.id == marias))
        assert set(rows) == {
            (world.maria, gone, "released"),
            (world.joseph, gone, "confirmed"),
            (world.maria, window.id, "confirmed"),
        }

    async def test_what_runs_stays_where_nothing_is_won(
        self, database: Database, settings: Settings, world: World, sign_in: SignIn
    ) -> None:
        await assigned(database, world, world.joseph, world.north, 20)
        async with database.transaction(SYSTEM) as tx:
            _, window = await ask(tx, world, world.north, start=NOW.replace(day=5, hour=11))
        dora = await sign_in("dora")
        plan_id = await self.near(database, settings, dora)
        assert "Who gives up what" not in said((await dora.get(f"/desk/plans/{plan_id}")).text)
        await dora.post(f"/desk/plans/{plan_id}/apply")
        rows = await in_system(database, select(Assignment.coordinator_id).where(Assignment.window_id == window.id))
        assert rows == [(world.maria,)]

    async def test_one_who_called_off_meanwhile_makes_it_no_longer_fit(
        self, database: Database, settings: Settings, world: World, sign_in: SignIn
    ) -> None:
        marias = await assigned(database, world, world.maria, world.north, 20)
        async with database.transaction(SYSTEM) as tx:
            await ask(tx, world, world.south, start=NOW.replace(day=5, hour=11))
        dora = await sign_in("dora")
        plan_id = await self.near(database, settings, dora)
        await called_off(database, world, marias, by="maria")
        page = await dora.get(f"/desk/plans/{plan_id}")
        assert "No longer fits" in page.text
        assert "/apply" not in page.text
        answer = await dora.post(f"/desk/plans/{plan_id}/apply")
        assert answer.status_code == 409
        assert await in_system(database, select(func.count()).where(Assignment.state == "confirmed")) == [(0,)]


class TestOvertaken:
    async def test_a_proposal_that_another_plan_took_the_windows_of_says_so_at_once(
        self, database: Database, settings: Settings, world: World, sign_in: SignIn
    ) -> None:
        async with database.transaction(SYSTEM) as tx:
            await ask(tx, world, world.south)
        plans = [await proposed_plan(database, settings, world, by) for by in ("dora", "denis")]
        dora = await sign_in("dora")
        assert (await dora.get("/desk/plans")).text.count("Proposed") == 2
        await dora.post(f"/desk/plans/{plans[0]}/apply")
        listed = (await dora.get("/desk/plans")).text
        assert "Proposed" not in listed
        assert listed.count("No longer fits") == 1
        page = await dora.get(f"/desk/plans/{plans[1]}")
        assert "Plan 2 no longer fits: what it plans was assigned or closed since it was worked out. Plan again." in page.text
        assert f'action="/desk/plans/{plans[1]}/again"' in page.text
        assert f'action="/desk/plans/{plans[1]}/apply"' not in page.text
        assert "waits for a decision" not in (await dora.get("/desk")).text

    async def test_a_proposal_that_still_fits_is_proposed(
        self, database: Database, settings: Settings, world: World, sign_in: SignIn
    ) -> None:
        async with database.transaction(SYSTEM) as tx:
            await ask(tx, world, world.south)
        await proposed_plan(database, settings, world)
        await assigned(database, world, world.joseph, world.north, 20)
        assert "No longer fits" not in (await (await sign_in("dora")).get("/desk/plans")).text

    async def test_a_plan_that_covers_nothing_does_not_boast(
        self, database: Database, settings: Settings, world: World, sign_in: SignIn
    ) -> None:
        async with database.transaction(SYSTEM) as tx:
            request, _window = await ask(tx, world, world.south)
            request.ehr_system = "cerner"
        plan_id = await proposed_plan(database, settings, world)
        text = said((await (await sign_in("dora")).get(f"/desk/plans/{plan_id}")).text)
        assert "Nobody can cover the one place that was open, as things stand." in text
        assert "no plan is better" not in text
        assert (await in_system(database, select(Plan.state)))[0][0] == "proposed"
