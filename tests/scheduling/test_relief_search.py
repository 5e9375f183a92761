"""Relief from the call-off to the new assignment, with the real solver in its own process."""

import json
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from support.proposing import in_system, job_context
from support.relieving import add_ana, assigned, called_off, confirmed, searched, seen
from support.world import NOW, World, ask, principal

from matching.formats import problem_from_json
from matching.problem import Assignment as Pair
from matching.verify import rule_violations
from staffing.errors import NotAllowed, NotFound
from staffing.persistence.models import AccessEvent
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.roster.models import Coordinator, FacilityExclusion
from staffing.scheduling import calling_off, solver_process
from staffing.scheduling.call_off_rules import Reach
from staffing.scheduling.errors import CallOffHasMovedOn, ReliefNoLongerFits, SearchFailed
from staffing.scheduling.models import Assignment, ReliefSearch, ReliefState
from staffing.scheduling.relief_search import find_relief
from staffing.settings import Settings

pytestmark = pytest.mark.usefixtures("standing")


async def covers(database: Database) -> set[tuple[UUID, UUID]]:
    """Who covers which window."""
    rows = await in_system(
        database, select(Assignment.coordinator_id, Assignment.window_id).where(Assignment.state == "confirmed")
    )
    return set(rows)  # type: ignore[arg-type]


async def window_of(database: Database, assignment_id: UUID) -> UUID:
    ((window_id,),) = await in_system(database, select(Assignment.window_id).where(Assignment.id == assignment_id))
    return UUID(str(window_id))


async def test_somebody_who_is_free_steps_in(database: Database, settings: Settings, world: World) -> None:
    lost = await assigned(database, world, world.maria, world.north, 20)
    found = await searched(database, settings, world, await called_off(database, world, lost))
    assert found.search_state is ReliefState.FOUND
    best = found.found["whole"]["a"]
    assert [move["name"] for move in best["moves"]] == ["Joseph Abad"]
    assert best["moves"][0]["new_to"] == ["Northside Family Medicine"]
    assert (best["margin_minor"], best["margin_before_minor"]) == (4 * 1800, 4 * 1800)
    done = await confirmed(database, world, found, "a")
    assert (done.people, done.windows, done.open) == (("Joseph Abad",), 1, 0)
    window = await window_of(database, lost)
    assert await covers(database) == {(world.joseph, window)}
    rows = await in_system(
        database, select(Assignment.relief_for_id, Assignment.why).where(Assignment.coordinator_id == world.joseph)
    )
    ((relief_for, why),) = rows
    assert relief_for == found.id
    # Facilities read it: no names, no money.
    assert why == {"sentences": ["Steps in after a call-off; new to the facility."], "knows_facility": False}


async def test_a_helper_gives_up_own_work_that_somebody_else_can_take(
    database: Database, settings: Settings, world: World
) -> None:
    """Southlake takes nobody abroad: Maria goes there, and Joseph takes what she had at Northside."""
    ana = await add_ana(database)
    anas = await assigned(database, world, ana, world.south, 20)
    marias = await assigned(database, world, world.maria, world.north, 20)
    found = await searched(database, settings, world, await called_off(database, world, anas))
    assert set(found.found["whole"]) == {"b"}
    option = found.found["whole"]["b"]
    assert {move["name"] for move in option["moves"]} == {"Maria Sandoval", "Joseph Abad"}
    assert option["releases"] == [str(marias)]
    (maria,) = (move for move in option["moves"] if move["name"] == "Maria Sandoval")
    assert [piece["to"] for piece in maria["gives_up"]] == ["Joseph Abad"]
    await confirmed(database, world, found, "b")
    assert await covers(database) == {
        (world.maria, await window_of(database, anas)),
        (world.joseph, await window_of(database, marias)),
    }
    states = dict(await in_system(database, select(Assignment.id, Assignment.state)))
    assert (states[anas], states[marias]) == ("called_off", "released")


async def test_a_chain_is_offered_for_the_window_itself_too(database: Database, settings: Settings, world: World) -> None:
    ana = await add_ana(database)
    anas = await assigned(database, world, ana, world.south, 20)
    await assigned(database, world, world.maria, world.north, 20)
    found = await searched(database, settings, world, await called_off(database, world, anas))
    (item,) = found.found["items"]
    chain = next(option for option in item["options"] if option["kind"] == "chain")
    await confirmed(database, world, found, chain["key"])
    assert {person for person, _window in await covers(database)} == {world.maria, world.joseph}


async def test_when_nobody_can_it_says_why_and_what_would_help(database: Database, settings: Settings, world: World) -> None:
    lost = await assigned(database, world, world.maria, world.south, 20)
    found = await searched(database, settings, world, await called_off(database, world, lost))
    assert found.found["whole"] == {}
    (item,) = found.found["items"]
    assert item["options"] == []
    assert item["why"]["sentence"].startswith("Of 2 coordinators")
    assert item["why"]["fix"]
    assert [miss["name"] for miss in item["near_misses"]] == ["Joseph Abad"]


async def test_several_lost_windows_can_be_relieved_one_by_one_and_the_rest_is_looked_at_again(
    database: Database, settings: Settings, world: World
) -> None:
    first = await assigned(database, world, world.maria, world.north, 20)
    second = await assigned(database, world, world.maria, world.north, 25)
    made = await called_off(database, world, first, reach=Reach.DAY)
    found = await searched(database, settings, world, made)
    assert len(found.found["items"]) == 2
    done = await confirmed(database, world, found, "1.1")
    assert (done.windows, done.open) == (1, 1)
    waiting = await seen(database, world, made)
    assert waiting.search_state is ReliefState.SEARCHING
    found = await searched(database, settings, world, made)
    (item,) = found.found["items"]
    assert [window["window_id"] for window in item["windows"]] == [str(await window_of(database, second))]


async def test_the_rest_of_a_window_under_way_is_relieved_from_the_next_quarter_on(
    database: Database, settings: Settings, world: World
) -> None:
    lost = await assigned(database, world, world.maria, world.north, -1.1, length=4)
    found = await searched(database, settings, world, await called_off(database, world, lost))
    await confirmed(database, world, found, "a")
    ((start, end),) = await in_system(
        database,
        select(func.lower(Assignment.during), func.upper(Assignment.during)).where(Assignment.coordinator_id == world.joseph),
    )
    assert (start, end) == (NOW, NOW + timedelta(hours=2, minutes=54))


async def test_what_it_started_from_is_stored_without_names_and_keeps_every_rule(
    database: Database, settings: Settings, world: World
) -> None:
    lost = await assigned(database, world, world.maria, world.north, 20)
    await searched(database, settings, world, await called_off(database, world, lost))
    ((snapshot, fingerprint),) = await in_system(
        database, select(ReliefSearch.snapshot, ReliefSearch.snapshot_hash).where(ReliefSearch.snapshot.is_not(None))
    )
    assert isinstance(snapshot, dict)
    assert len(str(fingerprint)) == 64
    problem = problem_from_json(snapshot["problem"])
    running = [Pair(person, window) for person, window in snapshot["running"]]
    assert list(rule_violations(problem, running)) == []
    assert "Maria" not in json.dumps(snapshot)
    assert not list((settings.home / "relief").iterdir())


async def test_an_option_that_no_longer_fits_is_refused_whole_and_says_why(
    database: Database, settings: Settings, world: World
) -> None:
    ana = await add_ana(database)
    anas = await assigned(database, world, ana, world.south, 20)
    marias = await assigned(database, world, world.maria, world.north, 20)
    found = await searched(database, settings, world, await called_off(database, world, anas))
    before = await covers(database)
    async with database.transaction(SYSTEM) as tx:
        tx.add(FacilityExclusion(coordinator_id=world.joseph, facility_id=world.north, reason="asked for"))
    with pytest.raises(ReliefNoLongerFits) as refused:
        await confirmed(database, world, found, "b")
    assert refused.value.conflicts == ("Joseph Abad must not be sent to Northside Family Medicine any more.",)
    assert await covers(database) == before
    # The helper has called off too: nobody can be moved who is not there.
    await called_off(database, world, marias)
    with pytest.raises(ReliefNoLongerFits) as refused:
        await confirmed(database, world, found, "b")
    assert "Maria Sandoval is not assigned to Northside Family Medicine on Thu 5 Mar" in refused.value.conflicts[0]


async def test_confirming_twice_makes_it_once(database: Database, settings: Settings, world: World) -> None:
    lost = await assigned(database, world, world.maria, world.north, 20)
    found = await searched(database, settings, world, await called_off(database, world, lost))
    await confirmed(database, world, found, "a")
    with pytest.raises(ReliefNoLongerFits) as refused:
        await confirmed(database, world, found, "a")
    (sentence,) = refused.value.conflicts
    assert sentence.startswith("Joseph Abad already covers Northside Family Medicine on Thu 5 Mar")


async def test_who_can_come_after_all_is_not_relieved(database: Database, settings: Settings, world: World) -> None:
    lost = await assigned(database, world, world.maria, world.north, 20)
    found = await searched(database, settings, world, await called_off(database, world, lost))
    caller = principal(world, "denis")
    async with database.transaction(caller.scope()) as tx:
        await calling_off.withdraw(tx, caller, found.id)
    with pytest.raises(CallOffHasMovedOn):
        await confirmed(database, world, found, "a")
    assert await covers(database) == {(world.maria, await window_of(database, lost))}


async def test_only_who_applies_plans_confirms_relief(database: Database, settings: Settings, world: World) -> None:
    lost = await assigned(database, world, world.maria, world.north, 20)
    found = await searched(database, settings, world, await called_off(database, world, lost))
    for name in ("alice", "bob", "charlie", "maria", "joseph", "bella"):
        with pytest.raises(NotAllowed):
            await confirmed(database, world, found, "a", by=name)
    for key in ("c", "9.9", ""):
        with pytest.raises(NotFound):
            await confirmed(database, world, found, key)


async def test_a_search_whose_worker_died_begins_anew(
    database: Database, settings: Settings, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = await assigned(database, world, world.maria, world.north, 20)
    made = await called_off(database, world, lost)

    async def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(solver_process, "relieve", dies)
        with pytest.raises(KeyboardInterrupt):
            await searched(database, settings, world, made)
    assert (await seen(database, world, made)).search_state is ReliefState.SEARCHING
    found = await searched(database, settings, world, made)
    assert found.search_state is ReliefState.FOUND
    states = await in_system(database, select(ReliefSearch.state).order_by(ReliefSearch.id))
    assert states == [("failed",), ("failed",), ("found",)]


async def test_a_search_that_fails_says_so(
    database: Database, settings: Settings, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = await assigned(database, world, world.maria, world.north, 20)

    async def fails(*_: object, **__: object) -> None:
        raise SearchFailed("out of memory")

    monkeypatch.setattr(solver_process, "relieve", fails)
    found = await searched(database, settings, world, await called_off(database, world, lost))
    assert found.search_state is ReliefState.FAILED
    assert found.failure.startswith("The search for relief ended without an answer. Nothing was changed")


async def test_a_worker_that_is_told_to_end_leaves_the_search_over(database: Database, settings: Settings, world: World) -> None:
    lost = await assigned(database, world, world.maria, world.north, 20)
    made = await called_off(database, world, lost)
    context = job_context(database, settings)
    for resource in context.resources.values():
        if hasattr(resource, "set"):
            resource.set()
    await find_relief(context, {"call_off_id": str(made)})
    assert (await seen(database, world, made)).search_state is ReliefState.FAILED


async def test_nothing_is_looked_for_once_everything_is_covered(database: Database, settings: Settings, world: World) -> None:
    lost = await assigned(database, world, world.maria, world.north, 20)
    made = await called_off(database, world, lost)
    async with database.transaction(SYSTEM) as tx:
        request, _window = await ask(tx, world, world.south, start=NOW + timedelta(hours=30))
        gone = await tx.get_one(Assignment, lost)
        await tx.execute(
            update(type(request)).where(type(request).id == gone.request_id).values(state="cancelled", closed_at=NOW)
        )
    found = await searched(database, settings, world, made)
    assert found.found.get("items", []) == []
    assert not any(window.open for window in found.windows)


async def test_relief_keeps_the_cap_of_the_week(database: Database, settings: Settings, world: World) -> None:
    await assigned(database, world, world.joseph, world.north, 30)
    lost = await assigned(database, world, world.maria, world.north, 20)
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(
            update(Coordinator).where(Coordinator.id == world.joseph).values(weekly_cap_minutes=300, weekly_target_minutes=300)
        )
    found = await searched(database, settings, world, await called_off(database, world, lost))
    assert found.found["items"][0]["near_misses"][0]["sentence"] == "has no hours left under the cap"


async def test_the_access_log_names_the_search_and_who_confirmed(database: Database, settings: Settings, world: World) -> None:
    lost = await assigned(database, world, world.maria, world.north, 20)
    found = await searched(database, settings, world, await called_off(database, world, lost))
    await confirmed(database, world, found, "a", by="denis")
    rows = await in_system(database, select(AccessEvent.action, AccessEvent.actor).where(AccessEvent.object_id == str(found.id)))
    assert ("relief.found", "system") in rows
    assert ("relief.confirmed", "Denis Wolf") in rows
