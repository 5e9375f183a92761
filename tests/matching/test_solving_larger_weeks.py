"""The way for larger weeks (search, pricing, recombination), made to solve small ones whose best plan is known."""

import time
from dataclasses import replace
from itertools import pairwise
from threading import Event, Thread

import numpy as np
import pytest
from support.planning import week

from matching import Progress, Status, solve, verify_plan
from matching.facts import Facts
from matching.levels import level_options
from matching.objective import plan_worth
from matching.options import Options
from matching.problem import Problem
from matching.solving import solver
from matching.solving.columns import ColumnPool, week_column
from matching.solving.greedy import greedy_plan
from matching.solving.level_search import improve_level
from matching.solving.model import joint_model, person_model
from matching.solving.neighbourhood import Picker, cut_out
from matching.solving.workers import Task, WorkerDied, Workers
from matching.state import State
from matching.verify import rule_violations


@pytest.fixture
def the_large_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver, "fits_exactly", lambda _options: False)


def merged(seed: int, parts: int) -> Problem:
    """Several small weeks' people and requests in one: people can take each other's work."""
    weeks = [week(seed + k, people=4, requests=8) for k in range(parts)]
    people = [replace(who, id=f"{k}-{who.id}") for k, made in enumerate(weeks) for who in made.coordinators]
    asked = [
        replace(entry, id=f"{k}-{entry.id}", windows=tuple(replace(w, id=f"{k}-{w.id}") for w in entry.windows))
        for k, made in enumerate(weeks)
        for entry in made.requests
    ]
    return replace(weeks[0], coordinators=tuple(people), requests=tuple(asked), previous=(), forbidden=())


def test_the_large_way_keeps_every_rule_and_its_bound_holds(the_large_way: None) -> None:
    made = merged(100, parts=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(solver, "fits_exactly", lambda _options: True)
        best = solve(made, time_limit=60, deterministic=True)
    assert best.status is Status.OPTIMAL
    events: list[Progress] = []
    plan = solve(made, time_limit=5, deterministic=True, progress=events.append)
    assert verify_plan(made, plan) == ()
    assert plan.objective <= best.objective
    assert plan.bound is not None
    assert plan.bound >= best.objective
    # Small as it is, the search finds the best plan, and the priced bound comes within a hundredth of it.
    assert plan.objective >= 0.99 * best.objective
    assert plan.bound <= 1.01 * best.objective
    phases = {event.phase for event in events}
    assert {"first plan made", "searching for better plans", "combining the best weeks", "done"} <= phases
    assert all(later.seconds >= earlier.seconds for earlier, later in pairwise(events))


def test_the_same_seed_gives_the_same_plan_with_any_number_of_processes(the_large_way: None) -> None:
    made = merged(200, parts=3)
    plans = [solve(made, time_limit=2, deterministic=True, seed=5, workers=workers) for workers in (1, 2)]
    assert plans[0] == plans[1]


def test_a_running_search_can_be_stopped(the_large_way: None) -> None:
    made = merged(300, parts=4)
    stop = Event()
    Thread(target=lambda: (time.sleep(0.5), stop.set()), daemon=True).start()
    plan = solve(made, time_limit=600, workers=2, stop=stop)
    assert stop.is_set() or plan.status is Status.OPTIMAL
    assert verify_plan(made, plan) == ()


def test_a_part_solved_again_stays_within_the_rules_and_its_lease() -> None:
    made = merged(400, parts=4)
    facts = Facts(made)
    options = Options(facts)
    levels = level_options(facts, options)
    state = State(options)
    greedy_plan(options, state)
    rng = np.random.default_rng(7)
    picker = Picker(options)
    for round_ in range(12):
        people = picker.pick(state, 6, set(), rng)
        requests = set(options.item_request.tolist())
        leased = {r for r in requests if rng.random() < 0.5}
        before = state.chosen
        held = {int(options.item_request[options.item[o]]) for c in people for o in state.taken[c]}
        part = cut_out(state, people, leased, 20, rng)
        result = improve_level(levels, part, 0, (), 10.0, 10.0, round_)
        for option in part.current.tolist():
            state.remove(option)
        for option in result.chosen.tolist():
            state.add(option)
        after = state.chosen
        assert list(rule_violations(made, options.assignments(facts, after))) == []
        assert tuple(plan_worth(level, after) - plan_worth(level, before) for level in levels) == result.gains
        gained = np.setdiff1d(after, before)
        assert {int(options.item_request[options.item[o]]) for o in gained} <= leased | held
        assert set(options.person[np.setxor1d(after, before)].tolist()) <= set(people)


def test_weeks_are_kept_once_and_priced_alike_by_every_part() -> None:
    made = merged(500, parts=2)
    options = Options(Facts(made))
    state = State(options)
    greedy_plan(options, state)
    pool = ColumnPool(options)
    pool.add_plan(state.chosen)
    pool.add_plan(state.chosen)
    assert len(pool.columns) == options.people
    for column in pool.columns:
        if not len(column.chosen):
            continue
        model = person_model(options, column.person, options.of_person(column.person)).model
        joint = joint_model(
            options, [person_model(options, column.person, column.chosen)], options.item_heads, options.request_sharers
        )
        assert len(joint.options) == len(column.chosen) <= len(model.options)
        assert week_column(options, column.person, column.chosen).worth == column.worth


def test_a_failing_task_and_an_unknown_function_are_told() -> None:
    with Workers(1, None) as workers:
        workers.start(Task("x", "matching.solving.pricing:no_such_function", ()))
        with pytest.raises(WorkerDied, match="no_such_function"):
            workers.finished(60)
        workers.start(Task("y", "os:getcwd", ()))
        with pytest.raises(WorkerDied, match="not a function of this package"):
            workers.finished(60)
    assert all(process.child.poll() is not None for process in workers._processes)
