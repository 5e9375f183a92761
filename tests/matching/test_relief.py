"""Relief after a call-off: what is lost, what may move, and that every option keeps its word."""

from dataclasses import replace
from datetime import timedelta
from itertools import product

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.call_offs import case, every_option, starts
from support.planning import units

from matching import solve, verify_plan
from matching.problem import Assignment
from matching.relief import (
    CallOff,
    LostItem,
    OptionKind,
    Relief,
    after_call_off,
    apply_option,
    relief_options,
    relief_to_json,
)
from matching.relief.helpers import HELPERS
from matching.relief.joint import MOST_MOVED
from matching.solution import Status
from matching.verify import objective_of, rule_violations

seeds = st.integers(0, 10**6)
slow = settings(max_examples=40, deadline=None)


@slow
@given(seeds)
def test_every_option_keeps_every_rule_and_is_worth_what_it_says(seed: int) -> None:
    made, plan, call_off = case(seed)
    relief = relief_options(made, plan, call_off, most=100)
    assert verify_plan(relief.problem, relief.plan) == ()
    for option in every_option(relief):
        after = apply_option(made, plan, option)
        assert verify_plan(relief.problem, after) == ()
        assert after.objective - relief.plan.objective == option.effect > 0
        assert after == apply_option(relief.problem, relief.plan, option)
        assert option.change_cost == relief.price * len(option.removes)


@slow
@given(seeds)
def test_an_option_touches_nothing_it_does_not_name_and_nothing_that_began(seed: int) -> None:
    made, plan, call_off = case(seed)
    relief = relief_options(made, plan, call_off, most=100)
    start, since = starts(made), call_off.from_instant
    away = call_off.coordinator
    for option in every_option(relief):
        after = set(apply_option(made, plan, option).assignments)
        changed = after ^ set(plan.assignments)
        assert changed == set(option.adds) | set(option.removes) | set(relief.lost)
        assert {entry.coordinator for entry in changed - set(relief.lost)} <= set(option.people)
        assert away not in option.people
        assert since is None or all(start[entry.window] >= since for entry in changed)
        assert not set(option.removes) & set(made.pins)
        if option.kind in (OptionKind.DIRECT, OptionKind.UNDISTURBED):
            assert option.removes == ()
        assert len(option.people) <= {"direct": 1, "trade": 1, "chain": 2}.get(option.kind.value, HELPERS)
        assert sum(bool(move.gives_up) for move in option.moves) <= MOST_MOVED


@slow
@given(seeds)
def test_the_original_rules_hold_without_the_person(seed: int) -> None:
    """Options found for somebody who is away all the time are plans of the problem without them, rule by rule."""
    made, plan, call_off = case(seed)
    away = call_off.coordinator
    relief = relief_options(made, plan, CallOff(away), most=100)
    without = replace(
        made,
        coordinators=tuple(person for person in made.coordinators if person.id != away),
        forbidden=tuple(pair for pair in made.forbidden if pair.coordinator != away),
        pins=tuple(pin for pin in made.pins if pin.coordinator != away),
        previous=(),
    )
    for option in every_option(relief):
        after = apply_option(made, plan, option)
        assert list(rule_violations(without, after.assignments)) == []
        gained = objective_of(without, after.assignments) - objective_of(without, relief.plan.assignments)
        assert gained - option.change_cost == option.effect


@slow
@given(seeds)
def test_what_is_lost_is_what_the_person_had_left_to_do(seed: int) -> None:
    made, plan, call_off = case(seed)
    after = after_call_off(made, plan, call_off)
    start, since, until = starts(made), call_off.from_instant, call_off.until_instant
    mine = {entry for entry in plan.assignments if entry.coordinator == call_off.coordinator}
    inside = {
        entry
        for entry in mine
        if (since is None or start[entry.window] >= since) and (until is None or start[entry.window] < until)
    }
    assert inside <= set(after.lost) <= mine
    if until is None:
        assert inside == set(after.lost)
    assert set(after.plan.assignments) == set(plan.assignments) - set(after.lost)
    again = after_call_off(after.problem, after.plan, call_off)
    assert (again.problem, again.plan) == (after.problem, after.plan)


def tried(relief: Relief, item: LostItem) -> dict[tuple[str, OptionKind], list[int]]:
    """All effects of every way to relieve an item by one move or two, by the independent check alone."""
    week_after, plan = relief.problem, set(relief.plan.assignments)
    away, pieces = relief.call_off.coordinator, units(replace(relief.problem, pins=()))
    base = objective_of(week_after, plan)
    effects: dict[tuple[str, OptionKind], list[int]] = {}

    def weigh(who: str, kind: OptionKind, adds: set[Assignment], removes: set[Assignment]) -> None:
        if adds & plan or adds & removes:
            return
        made = (plan - removes) | adds
        if next(iter(rule_violations(week_after, made)), None) is None:
            effect = objective_of(week_after, made) - base
            if effect > 0:
                effects.setdefault((who, kind), []).append(effect)

    for takes in pieces:
        who = takes[0].coordinator
        if who == away or {entry.window for entry in takes} != set(item.windows):
            continue
        weigh(who, OptionKind.DIRECT, set(takes), set())
        for gives in pieces:
            if gives[0].coordinator != who or not set(gives) <= plan:
                continue
            weigh(who, OptionKind.TRADE, set(takes), set(gives))
            for second in pieces:
                same = [entry.window for entry in second] == [entry.window for entry in gives]
                if same and second[0].coordinator not in (who, away):
                    weigh(who, OptionKind.CHAIN, set(takes) | set(second), set(gives))
    return effects


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_direct_ways_and_chains_are_all_there_are(seed: int) -> None:
    made, plan, call_off = case(seed, people=5, requests=7)
    relief = relief_options(made, plan, call_off, most=1000, combined=False)
    for item in relief.items:
        effects = tried(relief, item)
        for kind, count in zip(
            (OptionKind.DIRECT, OptionKind.CHAIN, OptionKind.TRADE),
            (item.possible.direct, item.possible.chain, item.possible.trade),
            strict=True,
        ):
            assert count == sum(len(found) for (_, known), found in effects.items() if known is kind)
        best = {key: max(found) for key, found in effects.items()}
        simpler = {OptionKind.TRADE: [OptionKind.DIRECT], OptionKind.CHAIN: [OptionKind.DIRECT, OptionKind.TRADE]}
        expected = {
            (who, kind): effect
            for (who, kind), effect in best.items()
            if all(best.get((who, other), 0) < effect for other in simpler.get(kind, []))
        }
        assert {(option.people[0], option.kind): option.effect for option in item.options} == expected
        assert [option.effect for option in item.options] == sorted(expected.values(), reverse=True)
        assert bool(item.unrelieved) == (not item.options)


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_the_undisturbed_relief_is_the_best_there_is(seed: int) -> None:
    made, plan, call_off = case(seed, people=5, requests=7)
    relief = relief_options(made, plan, call_off)
    plain = [option.effect for item in relief.items for option in item.options]
    away, base = call_off.coordinator, set(relief.plan.assignments)
    pieces = units(replace(relief.problem, pins=()))
    choices: list[list[tuple[Assignment, ...]]] = []
    for item in relief.items:
        able = [unit for unit in pieces if {entry.window for entry in unit} == set(item.windows) and unit[0].coordinator != away]
        choices.append([(), *(unit for unit in able if not set(unit) & base)])
    assume(np.prod([len(able) for able in choices]) <= 300)
    best = 0
    for chosen in product(*choices):
        plans = base | {entry for unit in chosen for entry in unit}
        if next(iter(rule_violations(relief.problem, plans)), None) is None:
            best = max(best, objective_of(relief.problem, plans) - relief.plan.objective)
    assert (relief.undisturbed.effect if relief.undisturbed else 0) == best
    assert relief.undisturbed is None or relief.undisturbed.proven
    moved = relief.helpers_move.effect if relief.helpers_move else best
    assert moved >= max([best, *plain])
    assert relief.helpers_move is None or moved > best


@slow
@given(seeds)
def test_figures_of_an_option_add_up(seed: int) -> None:
    made, plan, call_off = case(seed)
    relief = relief_options(made, plan, call_off, most=100)
    minutes = {w.id: (w.end - w.start) // timedelta(minutes=1) for entry in made.requests for w in entry.windows}
    lost = {entry.window for entry in relief.lost}
    assert {window for item in relief.items for window in item.windows} == lost
    people = {person.id: person for person in made.coordinators}
    for item in relief.items:
        for option in item.options:
            assert set(option.covers) == set(item.windows)
            assert option.leaves_open == ()
    for option in every_option(relief):
        assert option.minutes_covered == sum(minutes[window] for window in option.covers)
        assert option.minutes_open == sum(minutes[window] for window in option.leaves_open)
        assert set(option.covers) | set(option.leaves_open) <= lost
        taken, given_up = {entry.window for entry in option.adds}, {entry.window for entry in option.removes}
        assert set(option.covers) <= taken
        assert set(option.opens) <= given_up
        if option.kind is OptionKind.CHAIN:
            assert option.opens == ()
        if option.kind is OptionKind.TRADE:
            assert set(option.opens) == given_up
        after = apply_option(made, plan, option).assignments
        for move in option.moves:
            own = sum(minutes[entry.window] for entry in after if entry.coordinator == move.coordinator)
            assert move.minutes_after == own <= people[move.coordinator].cap_minutes
            assert move.over_target_minutes == max(0, own - people[move.coordinator].target_minutes)
            assert set(move.known_facilities) <= people[move.coordinator].known_facilities
            assert not set(move.new_facilities) & people[move.coordinator].known_facilities
    document = relief_to_json(relief)
    assert len(document["items"]) == len(relief.items)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_a_new_plan_near_the_running_one_keeps_what_began_and_is_no_worse(seed: int) -> None:
    made, plan, call_off = case(seed)
    relief = relief_options(made, plan, call_off)
    near = relief.problem
    again = solve(near, time_limit=20, deterministic=True)
    assert again.status is Status.OPTIMAL
    assert verify_plan(near, again) == ()
    assert again.objective >= max([relief.plan.objective, *(relief.plan.objective + o.effect for o in every_option(relief))])
    start, since = starts(made), call_off.from_instant
    if since is not None:
        began = {entry for entry in plan.assignments if start[entry.window] < since}
        assert began == {entry for entry in again.assignments if start[entry.window] < since}
    lost = {entry.window for entry in relief.lost}
    assert not [entry for entry in again.assignments if entry.coordinator == call_off.coordinator and entry.window in lost]


@slow
@given(seeds)
def test_what_nobody_relieves_is_explained_without_the_person_away(seed: int) -> None:
    made, plan, call_off = case(seed)
    relief = relief_options(made, plan, call_off, combined=False)
    for item in relief.items:
        assert call_off.coordinator not in {miss.coordinator for miss in item.near_misses}
        for entry in item.unrelieved:
            assert entry.window in item.windows
            assert entry.funnel[0].remaining == len(made.coordinators)
            assert entry.funnel[-1].remaining == 0
            assert entry.nearest_fix is None or entry.nearest_fix.coordinator != call_off.coordinator
