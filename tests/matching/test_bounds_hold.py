"""Proven bounds against the best plan known, on many small weeks with every rule."""

import math
from dataclasses import replace
from random import Random

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.planning import best_by_trying, coordinator, problem, request, units, week
from support.weeks_at_prices import price_weeks

from matching import Status, solve
from matching.facts import Facts
from matching.options import Options
from matching.problem import Problem
from matching.solving.bounds import Bounding
from matching.solving.capacity import capacity
from matching.solving.pricing import SCALE, Prices

seeds = st.integers(0, 10**6)
many = settings(max_examples=150, deadline=None)
nobody = np.zeros(0, dtype=np.int64)


def with_known_best(seed: int, *, pinned: bool) -> tuple[Problem, int]:
    """A small week and the worth of its best plan, by trying everything."""
    made = week(seed)
    if pinned:
        pieces = units(made)
        assume(pieces)
        made = replace(made, pins=Random(seed).choice(pieces)[:1])
    known = best_by_trying(made, most_units=8)
    assume(known is not None)
    assert known is not None
    return made, known


def bounding_of(options: Options) -> Bounding:
    coarse = capacity(options)
    return Bounding(options, coarse.bound, coarse.minute)


@many
@given(seeds, st.booleans(), st.sampled_from([1e-7, 1e-6, 1e-5, 1e-4]))
def test_no_bound_is_below_the_best_plan(seed: int, pinned: bool, effort: float) -> None:
    """Whatever the effort that is spent, and whatever plan is said to be known."""
    made, known = with_known_best(seed, pinned=pinned)
    options = Options(Facts(made))
    bounding = bounding_of(options)
    assert bounding.best >= known
    for _ in range(3):
        step = bounding.step(nobody, known - 1, math.inf, effort)
        assert step.bound == bounding.best >= known


@many
@given(seeds, seeds, st.sampled_from([0, 100, 20_000, 400_000]), st.sampled_from([0, 10, 10**6]))
def test_any_prices_prove_a_bound(seed: int, price_seed: int, scale: int, effort: int) -> None:
    made, known = with_known_best(seed, pinned=False)
    options = Options(Facts(made))
    rng = np.random.default_rng(price_seed)
    prices = Prices(
        rng.integers(0, scale + 1, size=len(options.item_request)), rng.integers(0, scale + 1, size=len(options.request_sharers))
    )
    assert bound_at(options, prices, effort) >= known


def bound_at(options: Options, prices: Prices, effort: int = 10**6) -> int:
    weeks = price_weeks(options, range(options.people), prices, effort)
    return (sum(found.bound for found in weeks) + prices.room(options)) // SCALE + options.constant


def test_at_the_right_prices_the_bound_meets_the_plan() -> None:
    """Two people without a target, one request of 12 slots worth 420 − 20 each, less 200: at that price nobody gains by it."""
    made = problem([coordinator("C0"), coordinator("C1")], [request()])
    options = Options(Facts(made))
    worth = 12 * 400 - 200
    nothing = np.zeros(1, dtype=np.int64)
    assert bound_at(options, Prices(np.array([worth * SCALE]), nothing)) == worth
    assert bound_at(options, Prices(nothing, nothing)) == 2 * worth


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_the_bound_less_the_regret_of_an_option_holds_for_the_plans_with_it(seed: int) -> None:
    made = week(seed, people=4, requests=8)
    plan = solve(made, time_limit=20, deterministic=True)
    assume(plan.status is Status.OPTIMAL)
    options = Options(Facts(made))
    bounding = bounding_of(options)
    assert bounding.regrets() is None
    bounding.step(nobody, plan.objective - 1, math.inf, 1e-3)
    regrets = bounding.regrets()
    assert regrets is not None
    assert bounding.claim is not None
    assert (regrets >= 0).all()
    best = set(plan.assignments)
    held = [o for o in range(len(options.item)) if set(options.assignments(Facts(made), [o])) <= best]
    assert (bounding.claim.total - regrets[held] >= (plan.objective - options.constant) * SCALE).all()


def test_prices_are_found_at_which_the_bound_is_near_the_best_plan() -> None:
    made = week(7, people=12, requests=30)
    best = solve(made, time_limit=60, deterministic=True)
    assert best.status is Status.OPTIMAL
    options = Options(Facts(made))
    bounding = bounding_of(options)
    coarse = bounding.best
    step = bounding.step(nobody, best.objective, math.inf, 0.05)
    assert best.objective <= step.bound < coarse
    assert step.bound - best.objective <= 0.02 * abs(best.objective)
    assert step.prices is not None
    assert step.weeks
    for c, chosen in step.weeks:
        assert (options.person[chosen] == c).all()


def test_the_same_effort_proves_the_same() -> None:
    options = Options(Facts(week(7, people=12, requests=30)))

    def run() -> list[tuple[int, bytes, int]]:
        bounding = bounding_of(options)
        steps = [bounding.step(nobody, 0, math.inf, effort) for effort in (1e-5, 1e-3, 5e-4)]
        return [(step.bound, b"" if step.prices is None else step.prices.items.tobytes(), len(step.weeks)) for step in steps]

    assert run() == run()


def test_nobody_and_nothing_to_do_are_bounded_too() -> None:
    for made in (problem([], []), problem([coordinator()], []), problem([], [request()])):
        options = Options(Facts(made))
        step = bounding_of(options).step(nobody, -1, math.inf, 1e-4)
        assert step.bound == 0
