"""Small weeks, where the best plan is known by trying everything."""

from dataclasses import replace
from random import Random
from threading import Event

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.planning import at, best_by_trying, coordinator, problem, request, units, week

from matching import Progress, Status, solve, verify_plan
from matching.problem import Assignment, ForbiddenPair, Interval, Problem

seeds = st.integers(0, 10**6)
slow = settings(max_examples=25, deadline=None)


def best(made: Problem) -> int:
    """The worth of the best plan as solved, checked, and proven."""
    plan = solve(made, time_limit=20, deterministic=True)
    assert verify_plan(made, plan) == ()
    assert plan.status is Status.OPTIMAL
    assert plan.bound == plan.objective
    return plan.objective


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_the_plan_is_the_best_there_is(seed: int) -> None:
    made = week(seed)
    known = best_by_trying(made, most_units=9)
    assume(known is not None)
    assert best(made) == known


@slow
@given(seeds)
def test_pins_are_kept_and_cost_what_they_must(seed: int) -> None:
    made = week(seed)
    pieces = units(made)
    assume(pieces)
    pinned = replace(made, pins=Random(seed).choice(pieces)[:1])
    known = best_by_trying(pinned, most_units=9)
    assume(known is not None)
    plan = solve(pinned, time_limit=20, deterministic=True)
    assert verify_plan(pinned, plan) == ()
    assert set(pinned.pins) <= set(plan.assignments)
    assert plan.objective == known


@slow
@given(seeds)
def test_one_more_person_never_lowers_the_best_plan(seed: int) -> None:
    made = week(seed)
    extra = replace(week(seed + 1).coordinators[0], id="extra", target_minutes=0)
    assert best(replace(made, coordinators=(*made.coordinators, extra))) >= best(made)


@slow
@given(seeds)
def test_names_and_order_change_nothing(seed: int) -> None:
    made, rng = week(seed), Random(seed)
    people = {who.id: f"p{rng.randrange(10**9)}-{who.id}" for who in made.coordinators}
    asked = {entry.id: f"q{rng.randrange(10**9)}-{entry.id}" for entry in made.requests}
    spans = {window.id: f"w{rng.randrange(10**9)}-{window.id}" for entry in made.requests for window in entry.windows}
    renamed = replace(
        made,
        coordinators=tuple(rng.sample([replace(who, id=people[who.id]) for who in made.coordinators], len(people))),
        requests=tuple(
            rng.sample(
                [
                    replace(entry, id=asked[entry.id], windows=tuple(replace(w, id=spans[w.id]) for w in entry.windows))
                    for entry in made.requests
                ],
                len(asked),
            )
        ),
        previous=tuple(Assignment(people[kept.coordinator], spans[kept.window]) for kept in made.previous),
        forbidden=tuple(ForbiddenPair(people[pair.coordinator], asked[pair.request]) for pair in made.forbidden),
    )
    assert best(renamed) == best(made)


def test_contradicting_pins_are_said_and_nothing_is_planned() -> None:
    made = problem([coordinator(languages=frozenset())], [request()])
    plan = solve(replace(made, pins=(Assignment("C0", "R0.0"),)), time_limit=5)
    assert plan.status is Status.INFEASIBLE
    assert plan.assignments == ()
    assert plan.conflicts == ("C0 does not speak en",)


def test_pins_that_clash_with_each_other_are_said() -> None:
    made = problem([coordinator()], [request(), request("R1", ((10, 13),))])
    plan = solve(replace(made, pins=(Assignment("C0", "R0.0"), Assignment("C0", "R1.0"))), time_limit=5)
    assert plan.status is Status.INFEASIBLE
    assert plan.conflicts == ("C0 has R0.0 and R1.0 at the same time",)


def test_a_pin_on_one_window_holds_for_all_of_a_whole_request() -> None:
    made = problem([coordinator("C0", pay_per_hour=60), coordinator("C1")], [request(windows=((9, 12), (33, 36)))])
    plan = solve(replace(made, pins=(Assignment("C0", "R0.1"),)), time_limit=5)
    assert {(entry.coordinator, entry.window) for entry in plan.assignments} == {("C0", "R0.0"), ("C0", "R0.1")}


@pytest.mark.parametrize(
    ("people", "asked"), [([], []), ([coordinator()], []), ([], [request()]), ([coordinator(available=())], [request()])]
)
def test_nothing_to_plan_is_a_plan(people: list[object], asked: list[object]) -> None:
    made = problem(people, asked)  # type: ignore[arg-type]
    plan = solve(made, time_limit=5)
    assert plan.status is Status.OPTIMAL
    assert plan.assignments == ()
    assert verify_plan(made, plan) == ()


def test_cover_that_costs_more_than_it_earns_is_left() -> None:
    made = problem([coordinator(pay_per_hour=900)], [request(priority=1)])
    assert solve(made, time_limit=5).assignments == ()


def test_a_previous_plan_is_kept_where_changing_gains_less_than_its_price() -> None:
    dear, cheap = coordinator("C0", pay_per_hour=40), coordinator("C1", pay_per_hour=39)
    made = problem([dear, cheap], [request()])
    running = replace(made, previous=(Assignment("C0", "R0.0"),))
    assert [entry.coordinator for entry in solve(running, time_limit=5).assignments] == ["C1"]
    priced = replace(running, weights=replace(running.weights, change=50))
    assert [entry.coordinator for entry in solve(priced, time_limit=5).assignments] == ["C0"]


def test_windows_across_the_change_of_the_clocks_are_instants() -> None:
    """The night of 8 March 2026 in New York lasts an hour less; a person available 00:00 to 06:00 local has five hours."""
    night = Interval(at(24 * 6 + 5), at(24 * 6 + 10))
    fits = problem([coordinator(available=(night,), time_zone="America/New_York")], [request(windows=((149, 154),))])
    too_long = problem([coordinator(available=(night,), time_zone="America/New_York")], [request(windows=((149, 155),))])
    assert len(solve(fits, time_limit=5).assignments) == 1
    assert solve(too_long, time_limit=5).assignments == ()


def test_progress_tells_phases_in_words_and_never_gets_worse() -> None:
    events: list[Progress] = []
    made = week(11, people=6, requests=14)
    plan = solve(made, time_limit=10, progress=events.append)
    assert events[0].objective is None
    assert events[-1].phase == "done"
    assert (events[-1].objective, events[-1].bound) == (plan.objective, plan.bound)
    objectives = [event.objective for event in events if event.objective is not None]
    bounds = [event.bound for event in events if event.bound is not None]
    assert objectives == sorted(objectives)
    assert bounds == sorted(bounds, reverse=True)
    assert all(event.gap is None or event.gap >= 0 for event in events)


def test_stopped_before_it_began_the_first_plan_is_still_given() -> None:
    stop = Event()
    stop.set()
    made = week(11, people=6, requests=14)
    plan = solve(made, time_limit=60, stop=stop)
    assert verify_plan(made, plan) == ()
    assert plan.assignments
