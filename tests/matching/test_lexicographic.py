"""Cover first, then continuity, then balance, then margin."""

from dataclasses import replace
from random import Random
from threading import Event

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.planning import coordinator, plans_by_trying, problem, request, units, week

from matching import (
    Level,
    Objective,
    Progress,
    Solution,
    Status,
    explain_plan,
    levels_of,
    objective_of,
    plan_from_json,
    plan_to_json,
    verify_plan,
)
from matching.facts import Facts
from matching.levels import LEVELS, cover_problem, least_beside_cover, level_options
from matching.objective import plan_worth
from matching.options import Options
from matching.problem import Assignment, Problem
from matching.solving import lexicographic
from matching.solving.greedy import greedy_plan
from matching.solving.lexicographic import solve_lexicographic
from matching.state import State

seeds = st.integers(0, 10**6)


def best_levels(made: Problem) -> list[int] | None:
    """The most that can be reached on each level by plans that keep the earlier ones, by trying every plan."""
    plans = plans_by_trying(made, most_units=9)
    if plans is None:
        return None
    counted = [list(levels_of(made, plan).values()) for plan in plans]
    most: list[int] = []
    for k in range(len(LEVELS)):
        most.append(max(levels[k] for levels in counted))
        floor = most[k] - abs(most[k]) * (1000 - made.keep_per_mille) // 1000
        counted = [levels for levels in counted if levels[k] >= floor]
    return most


@settings(max_examples=60, deadline=None)
@given(seeds, st.sampled_from([1000, 1000, 950, 800, 0]))
def test_every_level_is_the_best_that_the_earlier_ones_leave(seed: int, keep: int) -> None:
    made = replace(week(seed), keep_per_mille=keep)
    pieces = units(made)
    if pieces and seed % 4 == 0:
        made = replace(made, pins=Random(seed).choice(pieces)[:1])
    known = best_levels(made)
    assume(known is not None)
    plan = solve_lexicographic(made, time_limit=30, deterministic=True)
    assert verify_plan(made, plan) == ()
    assert set(made.pins) <= set(plan.assignments)
    assert plan.status is Status.OPTIMAL
    assert [level.name for level in plan.levels] == list(LEVELS)
    assert [level.bound for level in plan.levels] == known
    if keep == 1000:
        assert [level.value for level in plan.levels] == known
    assert plan.objective == sum(level.value for level in plan.levels) == objective_of(made, plan.assignments)


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_the_levels_in_arrays_are_those_of_the_check(seed: int) -> None:
    made = week(seed, people=5, requests=8)
    facts = Facts(made)
    options = Options(facts)
    levels = level_options(facts, options)
    state = State(options)
    greedy_plan(options, state)
    rng = Random(seed)
    for chosen in (state.chosen, state.chosen[[rng.random() < 0.5 for _ in state.chosen]]):
        plan = options.assignments(facts, chosen)
        counted = levels_of(made, plan)
        assert [plan_worth(level, chosen) for level in levels] == list(counted.values())
        assert sum(counted.values()) == objective_of(made, plan) == plan_worth(options, chosen)
        assert objective_of(cover_problem(made), plan) == counted["cover"]
        assert least_beside_cover(levels) <= sum(counted.values()) - counted["cover"]


def test_each_part_of_the_worth_is_on_its_level_by_hand() -> None:
    """One window of 3 hours, 12 slots, at priority 3, bill 50: by somebody at 30 who is new there, 4 slots over a target of
    8; somebody else sits idle below 60 % of 20 slots. One assignment of the previous plan is dropped."""
    made = problem([coordinator(target_minutes=120), coordinator("C1", target_minutes=300)], [request()])
    made = replace(made, previous=(Assignment("C1", "R0.0"),), weights=replace(made.weights, change=70))
    assert levels_of(made, [Assignment("C0", "R0.0")]) == {
        "cover": 12 * 400,
        "continuity": -150 - 50 - 70,
        "balance": -4 * 20 - 12 * 10,
        "margin": 12 * 20,
    }


def test_cover_comes_before_everything_else() -> None:
    """A window of priority 1 that loses money, by somebody new: left alone by the weights, taken by the levels."""
    made = problem([coordinator(pay_per_hour=400)], [request(priority=1, bill_per_hour=20)])
    plan = solve_lexicographic(made, time_limit=20, deterministic=True)
    assert objective_of(made, plan.assignments) < objective_of(made, ())
    assert plan.assignments == (Assignment("C0", "R0.0"),)


@settings(max_examples=30, deadline=None)
@given(seeds, st.sampled_from([1000, 800]))
def test_what_the_levels_leave_uncovered_names_a_rule(seed: int, keep: int) -> None:
    made = replace(week(seed, people=3, requests=5), objective=Objective.LEXICOGRAPHIC, keep_per_mille=keep)
    plan = solve_lexicographic(made, time_limit=20, deterministic=True)
    for entry in explain_plan(made, plan).uncovered:
        assert entry.funnel[-1].remaining == 0
        assert all(one.rules for one in entry.corrections)


def claimed(made: Problem, **changed: object) -> Solution:
    plan = solve_lexicographic(made, time_limit=20, deterministic=True)
    return replace(plan, **changed)  # type: ignore[arg-type]


def test_the_check_recounts_every_level() -> None:
    made = problem([coordinator()], [request()])
    plan = claimed(made)
    assert verify_plan(made, plan) == ()
    for k, level in enumerate(plan.levels):
        more = (*plan.levels[:k], replace(level, value=level.value + 1, bound=None), *plan.levels[k + 1 :])
        assert [found.rule for found in verify_plan(made, replace(plan, levels=more))] == ["levels"]
        low = (*plan.levels[:k], replace(level, bound=level.value - 1), *plan.levels[k + 1 :])
        assert [found.rule for found in verify_plan(made, replace(plan, levels=low))] == ["bound"]
    assert [found.rule for found in verify_plan(made, replace(plan, levels=plan.levels[:3]))] == ["levels"]
    assert [found.rule for found in verify_plan(made, replace(plan, levels=(Level("luck", 0),)))] == ["levels"]


def test_levels_are_written_and_read_back() -> None:
    plan = claimed(problem([coordinator()], [request()]))
    assert plan_from_json(plan_to_json(plan)) == plan


def large(seed: int) -> Problem:
    return replace(week(seed, people=9, requests=16), previous=(), forbidden=())


@pytest.fixture
def by_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexicographic, "fits_exactly", lambda _options: False)


def values(plan: Solution) -> list[int]:
    return [level.value for level in plan.levels]


@pytest.mark.parametrize("seed", [3, 5])
def test_by_parts_no_level_is_given_for_a_later_one(by_parts: None, seed: int) -> None:
    made = large(seed)
    events: list[Progress] = []
    plan = solve_lexicographic(made, time_limit=1.5, deterministic=True, progress=events.append)
    assert verify_plan(made, plan) == ()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lexicographic, "fits_exactly", lambda _options: True)
        best = solve_lexicographic(made, time_limit=60, deterministic=True)
    assert best.status is Status.OPTIMAL
    assert values(plan) <= values(best)
    assert plan.levels[0].bound is not None
    assert plan.levels[0].bound >= best.levels[0].value
    assert values(plan)[0] >= 0.98 * values(best)[0]
    for name, value in zip(LEVELS, values(plan), strict=True):
        told = [event.objective for event in events if event.phase == f"{name}: making the most of it"]
        assert told == sorted(told, key=lambda objective: objective or 0)
        assert told[-1] == value


def test_by_parts_the_same_seed_gives_the_same_plan_with_any_number_of_processes(by_parts: None) -> None:
    made = large(7)
    plans = [solve_lexicographic(made, time_limit=0.4, deterministic=True, seed=3, workers=workers) for workers in (1, 2)]
    assert plans[0] == plans[1]


def test_a_stopped_run_still_has_a_plan() -> None:
    stop = Event()
    stop.set()
    made = large(11)
    plan = solve_lexicographic(made, time_limit=20, stop=stop)
    assert verify_plan(made, plan) == ()
    assert [level.name for level in plan.levels] == list(LEVELS)


def test_pins_against_the_rules_have_no_plan() -> None:
    made = replace(problem([coordinator(languages=frozenset())], [request()]), pins=(Assignment("C0", "R0.0"),))
    plan = solve_lexicographic(made, time_limit=5)
    assert plan.status is Status.INFEASIBLE
    assert plan.conflicts


def test_the_objective_is_a_key_of_the_file() -> None:
    from matching import InputErrors, problem_from_json, problem_to_json

    made = replace(problem([coordinator()], [request()]), objective=Objective.LEXICOGRAPHIC, keep_per_mille=999)
    document = problem_to_json(made)
    assert (document["objective"], document["keep_per_mille"]) == ("lexicographic", 999)
    assert problem_from_json(document) == made
    with pytest.raises(InputErrors) as caught:
        problem_from_json({**document, "objective": "fairest", "keep_per_mille": 1001})
    assert [str(fault) for fault in caught.value.errors] == [
        "objective: must be one of weighted, lexicographic",
        "keep_per_mille: must be from 0 to 1000, is 1001",
    ]
