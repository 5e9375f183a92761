"""The desk's pages for requests, plans and roster: what they say, and to whom."""

import re
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, func, select, update
from support.proposing import ask_for_plan, in_system, proposed_plan
from support.visitors import Visitor
from support.world import NOW, World, ask, assign

from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.roster.models import Credential
from staffing.scheduling.models import Plan, PlanChoice, PlanState
from staffing.settings import Settings

pytestmark = pytest.mark.usefixtures("standing")
SignIn = Callable[[str], Awaitable[Visitor]]


def text_of(html: str) -> str:
    """What a reader sees, in one line."""
    without = re.sub(r"<(script|style|head)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", without))


async def solving(database: Database, world: World) -> UUID:
    """A plan at work, as its job writes it down."""
    plan_id = await ask_for_plan(database, world)
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(
            update(Plan).values(
                state=PlanState.SOLVING,
                heartbeat_at=func.now(),
                progress={
                    "phase": "solving one exact model", "seconds": 3.2, "objective": 4960, "bound": 5000, "gap": 0.008,
                    "round": 1, "points": [[0.1, None, 5400], [1.0, 4800, 5100], [3.2, 4960, 5000]],
                },
            )
        )  # fmt: skip
    return plan_id


async def test_the_board_sorts_by_state_and_urgency_and_says_what_blocks(
    database: Database, settings: Settings, world: World, sign_in: SignIn
) -> None:
    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.north, start=NOW + timedelta(hours=40), service="prior_authorization")
        odd, _ = await ask(tx, world, world.south)
        odd.ehr_system = "cerner"
        await assign(tx, world, world.joseph, world.north, start=NOW + timedelta(hours=60))
    dora = await sign_in("dora")
    before = text_of((await dora.get("/desk")).text)
    assert "2 places in 2 requests still lack somebody. The first begins in 20 h." in before
    assert "No plan has looked at it yet." in before
    await proposed_plan(database, settings, world)
    page = await dora.get("/desk")
    seen = text_of(page.text)
    assert page.text.index("Nobody yet") < page.text.index("Southlake Heart Clinic") < page.text.index("Prior-Authorization")
    assert "Thu 5 Mar, 05:00–09:00 CST" in seen
    assert "Of 2 coordinators, none know the system." in seen
    assert "Plan 1 waits for a decision: it covers 1 of 2 places." in seen
    assert "1 of 1 covered" in seen
    assert page.text.count("Plan what is open") == 1


async def test_pressing_plan_leads_to_the_plan_and_with_nothing_open_back_to_the_board(
    database: Database, world: World, sign_in: SignIn
) -> None:
    dora = await sign_in("dora")
    nothing = await dora.post("/desk/plans")
    assert "Every window of the next four weeks is covered: there is nothing to plan." in text_of(nothing.text)
    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.north)
    page = await dora.post("/desk/plans")
    assert str(page.url.path).startswith("/desk/plans/")
    assert "Waiting for the planner to begin." in text_of(page.text)
    assert '<meta http-equiv="refresh" content="2">' in page.text


async def test_while_it_works_the_page_shows_how_near_the_best_it_is(database: Database, world: World, sign_in: SignIn) -> None:
    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.north)
    plan_id = await solving(database, world)
    dora = await sign_in("dora")
    page = await dora.get(f"/desk/plans/{plan_id}")
    seen = text_of(page.text)
    assert "Within 0.8 % of the best possible." in seen
    assert "Solving one exact model. 3 s of at most 5 s." in seen
    assert "Good enough, stop here" in seen
    assert f'hx-get="/desk/plans/{plan_id}/progress?seen=solving"' in page.text
    progress = f"/desk/plans/{plan_id}/progress?seen=solving"
    part = await dora.get(progress, headers={"hx-request": "true", "hx-request-type": "partial"})
    assert "<html" not in part.text
    assert "hx-refresh" not in part.headers
    assert 'class="line-bound"' in part.text
    stopped = await dora.post(f"/desk/plans/{plan_id}/stop")
    assert "Stopping: the best plan so far is being checked." in text_of(stopped.text)
    assert await in_system(database, select(Plan.stop_requested_at)) == [(NOW,)]
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(Plan).values(state=PlanState.PROPOSED))
    over = await dora.get(progress)
    assert over.headers["hx-refresh"] == "true"
    assert "hx-get" not in over.text


async def test_a_solver_that_fell_silent_is_interrupted_and_can_be_run_again(
    database: Database, world: World, sign_in: SignIn
) -> None:
    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.north)
    plan_id = await solving(database, world)
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(Plan).values(heartbeat_at=func.now() - timedelta(seconds=7)))
    dora = await sign_in("dora")
    page = await dora.get(f"/desk/plans/{plan_id}")
    seen = text_of(page.text)
    assert "Interrupted" in seen
    assert "The planner was interrupted before it had a proposal. Nothing was changed." in seen
    assert "Run it again" in seen
    assert "Apply plan" not in seen
    again = await dora.post(f"/desk/plans/{plan_id}/again")
    assert "Plan 2" in text_of(again.text)
    states = await in_system(database, select(Plan.number, Plan.state).order_by(Plan.number))
    assert states == [(1, PlanState.INTERRUPTED), (2, PlanState.QUEUED)]


async def test_the_proposal_tells_who_covers_what_and_why_the_rest_is_not(
    database: Database, settings: Settings, world: World, sign_in: SignIn
) -> None:
    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.south)
        await ask(tx, world, world.north)
        odd, _ = await ask(tx, world, world.south, start=NOW + timedelta(hours=40))
        odd.ehr_system = "cerner"
    plan_id = await proposed_plan(database, settings, world)
    dora = await sign_in("dora")
    page = await dora.get(f"/desk/plans/{plan_id}")
    seen = text_of(page.text)
    assert page.text.index("Nobody covers") < page.text.index("Who covers what")
    assert "Of 2 coordinators, none know the system." in seen
    assert "What would fill it: Train Maria Sandoval in Oracle Health (Cerner)." in seen
    assert "Maria Sandoval does not know the system." in seen
    assert "66 %" in seen
    assert "Thu 5 Mar, 05:00–09:00 CST 06:00–10:00 EST for Maria" in seen
    assert "Thu 5 Mar, 06:00–10:00 EST 19:00–23:00 UTC+08:00 for Joseph" in seen
    assert "Leaves $18.00/h between bill and pay" in seen
    assert "$144.00" in seen
    assert "Apply plan 1" in seen
    assert "Proven: no plan is better than this one." in seen
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", seen)


async def test_plans_are_listed_and_discarding_one_changes_nothing(
    database: Database, settings: Settings, world: World, sign_in: SignIn
) -> None:
    dora = await sign_in("dora")
    empty = text_of((await dora.get("/desk/plans")).text)
    assert "Nobody has planned anything yet." in empty
    assert "See what is open" in empty
    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.north)
    plan_id = await proposed_plan(database, settings, world)
    listed = text_of((await dora.get("/desk/plans")).text)
    assert "1 of 1" in listed
    assert "best possible" in listed
    gone = await dora.post(f"/desk/plans/{plan_id}/discard")
    assert "The plan is discarded. Nothing was changed." in text_of(gone.text)
    shown = text_of((await dora.get(f"/desk/plans/{plan_id}")).text)
    assert "Discarded by Dora Petrie. Nothing was changed." in shown
    assert "Apply plan" not in shown


async def test_one_request_shows_each_window(database: Database, world: World, sign_in: SignIn) -> None:
    async with database.transaction(SYSTEM) as tx:
        made = await assign(tx, world, world.maria, world.north, start=NOW + timedelta(hours=20), hours=4)
    dora = await sign_in("dora")
    seen = text_of((await dora.get(f"/desk/requests/{made.request_id}")).text)
    for words in ("Northside Family Medicine", "Thu 5 Mar 06:00–10:00 EST", "Maria Sandoval", "Covered", "Priority 3 of 5"):
        assert words in seen


async def test_the_roster_shows_both_clocks_papers_and_the_week(database: Database, world: World, sign_in: SignIn) -> None:
    async with database.transaction(SYSTEM) as tx:
        await assign(tx, world, world.joseph, world.north, start=NOW - timedelta(hours=2), hours=8)
        await tx.execute(update(Credential).values(verified_on=date(2026, 3, 1)))
        await tx.execute(
            update(Credential)
            .where(Credential.coordinator_id == world.maria, Credential.kind == "hipaa_training")
            .values(expires_on=date(2026, 3, 20))
        )
    dora = await sign_in("dora")
    seen = text_of((await dora.get("/desk/roster")).text)
    assert "23:00 UTC+08:00 · 10:00 your time" in seen
    assert "HIPAA training ends Fri 20 Mar" in seen
    assert "All valid" in seen
    assert "8 h of 40 h" in seen
    narrowed = text_of((await dora.get("/desk/roster?text=mar&service=prior_authorization&language=es")).text)
    assert "Maria Sandoval" in narrowed
    assert "Joseph Abad" not in narrowed
    assert "Nobody on the roster matches." in text_of((await dora.get("/desk/roster?text=%25")).text)
    detail = text_of((await dora.get(f"/desk/roster/{world.joseph}")).text)
    for words in (
        "Works from the Philippines",
        "Wed 4 Mar, 08:00–16:00 EST",
        "21:00–05:00 UTC+08:00 their time",
        "Exclusion screening",
    ):
        assert words in detail


async def test_strange_addresses_are_answered_calmly(world: World, sign_in: SignIn) -> None:
    dora = await sign_in("dora")
    for page in ("0", "-1", "x", "99999", "٣"):
        assert (await dora.get(f"/desk/roster?page={page}&service=nothing")).status_code == 200
        assert (await dora.get(f"/desk/plans?page={page}")).status_code == 200
    for path in (
        f"/desk/plans/{uuid4()}",
        f"/desk/plans/{uuid4()}/progress",
        f"/desk/requests/{uuid4()}",
        f"/desk/roster/{uuid4()}",
    ):
        assert (await dora.get(path)).status_code == 404
    for action in ("stop", "discard", "again", "apply"):
        assert (await dora.post(f"/desk/plans/{uuid4()}/{action}")).status_code == 404


@pytest.mark.parametrize("who", ["alice", "charlie", "maria", "joseph"])
async def test_the_desk_is_not_there_for_facilities_and_coordinators(
    database: Database, world: World, sign_in: SignIn, who: str
) -> None:
    async with database.transaction(SYSTEM) as tx:
        request, _ = await ask(tx, world, world.north)
    plan_id = await solving(database, world)
    visitor = await sign_in(who)
    plan = f"/desk/plans/{plan_id}"
    pages = ("/desk", "/desk/plans", plan, f"{plan}/progress", "/desk/roster", f"/desk/roster/{world.maria}")
    for path in (*pages, f"/desk/requests/{request.id}"):
        assert (await visitor.get(path)).status_code == 404, path
    for path in ("/desk/plans", *(f"{plan}/{action}" for action in ("apply", "stop", "discard", "again"))):
        assert (await visitor.post(path)).status_code == 404, path
    assert await in_system(database, select(Plan.state)) == [(PlanState.SOLVING,)]


async def test_billing_reads_the_board_but_plans_nothing(database: Database, world: World, sign_in: SignIn) -> None:
    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.north)
    bella = await sign_in("bella")
    board = await bella.get("/desk")
    assert board.status_code == 200
    assert "Plan what is open" not in board.text
    assert (await bella.get("/desk/plans")).status_code == 403
    assert (await bella.post("/desk/plans")).status_code == 403
    assert await in_system(database, select(func.count()).select_from(Plan)) == [(0,)]


async def test_no_page_asks_the_database_more_than_eight_times(
    database: Database, settings: Settings, world: World, sign_in: SignIn
) -> None:
    async with database.transaction(SYSTEM) as tx:
        for hours in range(20, 40, 5):
            await ask(tx, world, world.north, start=NOW + timedelta(hours=hours))
        request, _ = await ask(tx, world, world.south)
    plan_id = await proposed_plan(database, settings, world)
    assert len(await in_system(database, select(PlanChoice.id))) > 1
    dora = await sign_in("dora")
    asked: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT") and "login_sessions" not in statement:
            asked.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        for path in ("", f"/requests/{request.id}", "/plans", f"/plans/{plan_id}", "/roster", f"/roster/{world.maria}"):
            asked.clear()
            assert (await dora.get(f"/desk{path}")).status_code == 200
            assert 0 < len(asked) <= 8, (path, len(asked))
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)
