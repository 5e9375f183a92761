"""The planning job from the button to the proposal, with the real solver in its own process."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from support.proposing import SECONDS, ask_for_plan, in_system, job_context, proposed_plan
from support.world import NOW, World, ask, assign, principal

from matching.formats import problem_from_json
from staffing.persistence.jobs import TryAgain
from staffing.persistence.models import AccessEvent
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.requests.models import CoverageWindow
from staffing.roster.models import Coordinator, Credential, TimeOff
from staffing.scheduling import service, solver_process
from staffing.scheduling.errors import NothingToPlan, PlanHasMovedOn, SearchFailed
from staffing.scheduling.jobs import KINDS, hash_of, propose_plan
from staffing.scheduling.models import Assignment, Plan, PlanChoice, PlanGap, PlanState
from staffing.settings import Settings

pytestmark = pytest.mark.usefixtures("standing")


async def plan_of(database: Database, plan_id: UUID) -> Plan:
    async with database.transaction(SYSTEM) as tx:
        return await tx.get_one(Plan, plan_id)


async def choices_of(database: Database, plan_id: UUID) -> set[tuple[UUID, UUID]]:
    rows = await in_system(database, select(PlanChoice.coordinator_id, PlanChoice.window_id).where(PlanChoice.plan_id == plan_id))
    return set(rows)  # type: ignore[arg-type]


async def gaps_of(database: Database, plan_id: UUID) -> dict[UUID, tuple[int, dict[str, Any]]]:
    rows = await in_system(database, select(PlanGap.window_id, PlanGap.missing, PlanGap.why).where(PlanGap.plan_id == plan_id))
    return {window_id: (missing, why) for window_id, missing, why in rows}  # type: ignore[misc]


async def test_a_plan_covers_what_can_be_covered_and_says_why_the_rest_is_not(
    database: Database, settings: Settings, world: World
) -> None:
    async with database.transaction(SYSTEM) as tx:
        _, north = await ask(tx, world, world.north)
        _, south = await ask(tx, world, world.south)
        unknown, spanish = await ask(tx, world, world.south, start=NOW + timedelta(hours=26))
        unknown.ehr_system = "cerner"
    plan_id = await proposed_plan(database, settings, world)

    plan = await plan_of(database, plan_id)
    assert plan.state == PlanState.PROPOSED
    # Southlake takes nobody abroad, so Joseph goes to Northside.
    assert await choices_of(database, plan_id) == {(world.joseph, north.id), (world.maria, south.id)}
    gaps = await gaps_of(database, plan_id)
    assert set(gaps) == {spanish.id}
    missing, why = gaps[spanish.id]
    assert missing == 1
    assert why["sentence"] == "Of 2 coordinators, none know the system."
    assert [miss["name"] for miss in why["near_misses"]] == ["Maria Sandoval"]
    assert why["nearest_fix"]["sentence"] == "Train Maria Sandoval in Oracle Health (Cerner)."


async def test_the_proposal_has_its_figures_to_the_cent(database: Database, settings: Settings, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.north, hours=4)
    plan = await plan_of(database, await proposed_plan(database, settings, world))
    solution = plan.solution or {}
    assert solution["status"] == "optimal"
    assert (solution["covered_heads"], solution["asked_heads"]) == (1, 1)
    assert (solution["covered_minutes"], solution["asked_minutes"]) == (240, 240)
    assert solution["margin_minor"] == 4 * (4200 - 2400)
    assert solution["gap"] == 0.0


async def test_the_reason_of_a_choice_names_nobody_and_no_money_where_others_may_read_it(
    database: Database, settings: Settings, world: World
) -> None:
    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.north)
    plan_id = await proposed_plan(database, settings, world)
    (why,) = (row[0] for row in await in_system(database, select(PlanChoice.why).where(PlanChoice.plan_id == plan_id)))
    assert isinstance(why, Mapping)
    assert why["sentences"] == ["New to Northside Family Medicine; one other person could."]
    assert why["margin_per_hour"] == "18.0000"
    assert why["next_best"] in {"Maria Sandoval", "Joseph Abad"}
    assert not any(name in " ".join(why["sentences"]) for name in ("Maria", "Joseph", "$", "18"))


async def test_what_it_started_from_is_stored_and_can_be_solved_again(
    database: Database, settings: Settings, world: World
) -> None:
    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.north)
    plan = await plan_of(database, await proposed_plan(database, settings, world))
    assert plan.snapshot is not None
    assert plan.snapshot_hash == hash_of(plan.snapshot)
    assert problem_from_json(plan.snapshot["problem"]).requests[0].facility == str(world.north)
    # No names, no patients: ids and numbers alone.
    assert "Maria" not in json.dumps(plan.snapshot)
    assert "Rosa" not in json.dumps(plan.snapshot)


async def test_progress_is_told_while_it_works_and_the_heart_beats(database: Database, settings: Settings, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.north)
    plan = await plan_of(database, await proposed_plan(database, settings, world))
    assert plan.progress is not None
    _, objective, bound = plan.progress["points"][-1]
    assert objective == bound > 0
    assert plan.progress["gap"] == 0.0
    assert plan.heartbeat_at is not None
    assert not (settings.home / "plans" / str(plan.id)).exists()


async def test_assigned_time_off_and_ended_papers_are_respected(database: Database, settings: Settings, world: World) -> None:
    start = NOW + timedelta(hours=20)
    async with database.transaction(SYSTEM) as tx:
        await assign(tx, world, world.joseph, world.south, start=start + timedelta(hours=3))
        _, window = await ask(tx, world, world.north, start=start)
        tx.add(TimeOff(coordinator_id=world.maria, during=window.during))
    plan_id = await proposed_plan(database, settings, world)
    assert await choices_of(database, plan_id) == set()
    (gap,) = (await gaps_of(database, plan_id)).values()
    assert gap[1]["sentence"] == "Of 2 coordinators, none are available and free for the whole time."

    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.south, start=start + timedelta(hours=8))
        await tx.execute(
            update(Credential)
            .where(Credential.coordinator_id == world.maria, Credential.kind == "hipaa_training")
            .values(expires_on=date(2026, 3, 4))
        )
    plan_id = await proposed_plan(database, settings, world)
    sentences = {why["nearest_fix"]["sentence"] for _, why in (await gaps_of(database, plan_id)).values()}
    assert "Renew HIPAA training of Maria Sandoval, valid to Thu 5 Mar or later." in sentences


async def test_only_the_missing_heads_are_planned(database: Database, settings: Settings, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        request, window = await ask(tx, world, world.north, headcount=2)
        await tx.flush()
        maria = Assignment(
                facility_id=world.north,
                request_id=request.id,
                window_id=window.id,
                coordinator_id=world.maria,
                during=window.during,
                seat=1,
                created_by=world.dora,
                created_at=NOW,
        )  # fmt: skip
        tx.add(maria)
    plan_id = await proposed_plan(database, settings, world)
    assert await choices_of(database, plan_id) == {(world.joseph, window.id)}


async def test_a_weekly_cap_holds_although_the_plan_spans_several_weeks(
    database: Database, settings: Settings, world: World
) -> None:
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(Coordinator).values(weekly_cap_minutes=240, weekly_target_minutes=240))
        for hours in (20, 25):
            await ask(tx, world, world.north, start=NOW + timedelta(hours=hours), hours=4)
        await ask(tx, world, world.south, start=NOW + timedelta(hours=45), hours=4)
        await ask(tx, world, world.north, start=NOW + timedelta(days=8), hours=1)
    plan_id = await proposed_plan(database, settings, world)
    async with database.transaction(SYSTEM) as tx:
        rows = await tx.execute(
            select(PlanChoice.coordinator_id, func.sum(func.upper(CoverageWindow.during) - func.lower(CoverageWindow.during)))
            .join(CoverageWindow, CoverageWindow.id == PlanChoice.window_id)
            .where(PlanChoice.plan_id == plan_id, func.upper(CoverageWindow.during) < NOW + timedelta(days=4))
            .group_by(PlanChoice.coordinator_id)
        )
        assert {row[0]: row[1] for row in rows} == {
            world.maria: timedelta(hours=4),
            world.joseph: timedelta(hours=4),
        }


async def test_a_discarded_plan_stops_its_solver_and_proposes_nothing(
    database: Database, settings: Settings, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.north)
    plan_id = await ask_for_plan(database, world)
    solve = solver_process.solve

    async def discarded_meanwhile(*args: Any, **kwargs: Any) -> Any:
        caller = principal(world, "dora")
        async with database.transaction(caller.scope()) as tx:
            await service.discard(tx, caller, plan_id)
        return await solve(*args, **kwargs)

    monkeypatch.setattr(solver_process, "solve", discarded_meanwhile)
    await propose_plan(job_context(database, settings), {"plan_id": str(plan_id)})
    assert (await plan_of(database, plan_id)).state == PlanState.DISCARDED
    assert await choices_of(database, plan_id) == set()


async def test_a_worker_that_is_told_to_end_leaves_the_plan_interrupted(
    database: Database, settings: Settings, world: World
) -> None:
    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.north)
    plan_id = await ask_for_plan(database, world)
    context = job_context(database, settings)
    for resource in context.resources.values():
        if hasattr(resource, "set"):
            resource.set()
    await propose_plan(context, {"plan_id": str(plan_id)})
    plan = await plan_of(database, plan_id)
    assert plan.state == PlanState.INTERRUPTED
    assert plan.failure == "The planner was interrupted before it had a proposal. Nothing was changed."


async def test_picked_up_again_it_only_writes_down_that_it_was_interrupted(
    database: Database, settings: Settings, world: World
) -> None:
    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.north)
    plan_id = await ask_for_plan(database, world)
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(Plan).values(state=PlanState.SOLVING, heartbeat_at=func.now()))
    with pytest.raises(TryAgain):  # its solver may be alive
        await propose_plan(job_context(database, settings), {"plan_id": str(plan_id)})
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(Plan).values(heartbeat_at=func.now() - timedelta(seconds=7)))
    await propose_plan(job_context(database, settings), {"plan_id": str(plan_id)})
    assert (await plan_of(database, plan_id)).state == PlanState.INTERRUPTED
    assert await choices_of(database, plan_id) == set()


async def test_a_plan_that_breaks_a_rule_is_never_shown(
    database: Database, settings: Settings, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.south)
    solve = solver_process.solve

    async def wrong(problem: Any, **kwargs: Any) -> Any:
        plan = await solve(problem, **kwargs)
        joseph = replace(plan.assignments[0], coordinator=str(world.joseph))
        return replace(plan, assignments=(joseph,))

    monkeypatch.setattr(solver_process, "solve", wrong)
    plan = await plan_of(database, await proposed_plan(database, settings, world))
    assert plan.state == PlanState.FAILED
    assert plan.failure == "The planner ended without a plan. Nothing was changed; run it again."
    assert await choices_of(database, plan.id) == set()


async def test_a_solver_that_fails_is_reported_with_what_it_said(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: Database, world: World
) -> None:
    from staffing.scheduling.solver_process import Verdict

    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.north)
    plan = await plan_of(database, await proposed_plan(database, settings, world))
    assert plan.snapshot is not None
    document = plan.snapshot["problem"] | {"slot_minutes": 7}
    monkeypatch.setattr(solver_process, "problem_to_json", lambda _problem: document)

    async def go_on(_progress: object) -> Verdict:
        return Verdict.GO_ON

    with pytest.raises(SearchFailed, match="7-minute slots"):
        await solver_process.solve(problem_from_json(plan.snapshot["problem"]), seconds=1, folder=tmp_path, look=go_on)


async def test_giving_up_leaves_a_sentence(database: Database, settings: Settings, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.north)
    plan_id = await ask_for_plan(database, world)
    kind = next(kind for kind in KINDS if kind.name == service.PROPOSE_PLAN)
    assert kind.give_up is not None
    await kind.give_up(job_context(database, settings), {"plan_id": str(plan_id)}, "stopped after 3 starts")
    plan = await plan_of(database, plan_id)
    assert (plan.state, plan.failure) == (
        PlanState.FAILED,
        "The planner failed because of a fault on our side. Nothing was changed; run it again.",
    )


async def test_nothing_open_is_said_at_once(database: Database, world: World) -> None:
    with pytest.raises(NothingToPlan):
        await ask_for_plan(database, world)
    async with database.transaction(SYSTEM) as tx:
        request, _ = await ask(tx, world, world.north)
        request.state = "cancelled"
        await ask(tx, world, world.north, start=NOW + timedelta(days=29))
        await ask(tx, world, world.north, start=NOW - timedelta(hours=4))
    with pytest.raises(NothingToPlan):
        await ask_for_plan(database, world)


async def test_plans_are_numbered_and_what_happens_to_them_is_in_the_log(
    database: Database, settings: Settings, world: World
) -> None:
    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.north)
    first = await proposed_plan(database, settings, world)
    caller = principal(world, "denis")
    async with database.transaction(caller.scope()) as tx:
        tx.info["actor"] = caller.actor()
        second = await service.run_again(tx, caller, first, time_limit_seconds=SECONDS)
    assert [(await plan_of(database, one)).number for one in (first, second)] == [1, 2]
    assert (await plan_of(database, first)).state == PlanState.DISCARDED
    with pytest.raises(PlanHasMovedOn):
        async with database.transaction(caller.scope()) as tx:
            await service.run_again(tx, caller, second, time_limit_seconds=SECONDS)
    rows = await in_system(
        database, select(AccessEvent.action, AccessEvent.actor).where(AccessEvent.object_type == "plan").order_by(AccessEvent.seq)
    )
    assert rows == [
        ("plan.requested", "Dora Petrie"), ("plan.proposed", "system"), ("plan.discarded", "Denis Wolf"),
        ("plan.requested", "Denis Wolf"),
    ]  # fmt: skip


async def test_a_plan_can_be_limited_to_facilities_and_stays_so_when_it_is_run_again(
    database: Database, settings: Settings, world: World
) -> None:
    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.north)
        _, south = await ask(tx, world, world.south)
    caller = principal(world, "dora")
    async with database.transaction(caller.scope()) as tx:
        first = await service.request_plan(tx, caller, time_limit_seconds=SECONDS, facility_ids=[world.south])
    await propose_plan(job_context(database, settings), {"plan_id": str(first)})
    async with database.transaction(caller.scope()) as tx:
        second = await service.run_again(tx, caller, first, time_limit_seconds=SECONDS)
    await propose_plan(job_context(database, settings), {"plan_id": str(second)})
    for plan_id in (first, second):
        assert await choices_of(database, plan_id) == {(world.maria, south.id)}
        assert await gaps_of(database, plan_id) == {}


async def test_loading_takes_the_same_number_of_queries_whatever_the_size(database: Database, world: World) -> None:
    from sqlalchemy import event

    from staffing.scheduling.loading import load_facts

    async def statements() -> int:
        count = 0

        def more(*_: object) -> None:
            nonlocal count
            count += 1

        event.listen(database.engine.sync_engine, "before_cursor_execute", more)
        try:
            async with database.transaction(SYSTEM) as tx:
                await load_facts(tx, NOW)
        finally:
            event.remove(database.engine.sync_engine, "before_cursor_execute", more)
        return count

    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.north)
    small = await statements()
    async with database.transaction(SYSTEM) as tx:
        for hours in range(1, 9):
            await ask(tx, world, world.south, start=NOW + timedelta(hours=hours))
    assert await statements() == small <= 15
