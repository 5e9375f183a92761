"""From prices to a plan: everybody chooses among good weeks until nobody changes their mind."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.planning import week

from matching.facts import Facts
from matching.generating import generate
from matching.objective import plan_worth
from matching.options import Options
from matching.solving.bounds import Bounding
from matching.solving.capacity import capacity
from matching.solving.deciding import Leaning, decide_round, lean, settle
from matching.solving.greedy import greedy_plan
from matching.solving.pricing import Prices
from matching.state import State
from matching.verify import rule_violations

_EFFORT = 0.05


def first_plan(options: Options) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    state = State(options)
    for option in options.pinned:
        state.add(option)
    greedy_plan(options, state)
    return state.chosen


def good_prices(options: Options) -> Prices:
    plan, coarse = first_plan(options), capacity(options)
    bounding = Bounding(options, coarse.bound, coarse.minute)
    prices = None
    while prices is None or bounding.finder.passes < 12:
        prices = bounding.step(plan, -(10**9), math.inf, 0.01).prices
    return prices


def decided(options: Options, prices: Prices, start: np.ndarray[tuple[int], np.dtype[np.int64]] | None = None) -> Leaning:
    leaning = lean(options, prices, start)
    for k in range(4):
        leaning = decide_round(options, leaning, k / 4, (k + 1) / 4, math.inf, _EFFORT / 4, seed=k).leaning
    return leaning


@pytest.fixture(scope="module")
def middle() -> Options:
    return Options(Facts(generate(40, 100, seed=5)))


@pytest.fixture(scope="module")
def prices(middle: Options) -> Prices:
    return good_prices(middle)


def test_the_plan_is_far_better_than_the_first_one(middle: Options, prices: Prices) -> None:
    plan = settle(middle, decided(middle, prices))
    bound = capacity(middle).bound
    gap, first = bound - plan_worth(middle, plan), bound - plan_worth(middle, first_plan(middle))
    assert gap < 0.8 * first


def test_everybody_ends_up_firm(middle: Options, prices: Prices) -> None:
    leaning = decided(middle, prices)
    held = np.isin(leaning.leaned, leaning.held)
    assert leaning.firmness.min() > 0
    assert leaning.firmness.max() <= 1.0
    assert leaning.firmness[held].mean() > 0.8
    assert leaning.settled.mean() > 0.5


def test_the_same_dice_give_the_same_plan_whoever_throws_them(middle: Options, prices: Prices) -> None:
    one = decided(middle, prices)
    other = decided(Options(Facts(generate(40, 100, seed=5))), prices)
    assert one.held.tolist() == other.held.tolist()
    assert one.firmness.tolist() == other.firmness.tolist()
    assert settle(middle, one).tolist() == settle(middle, other).tolist()


def test_who_starts_from_a_plan_leans_to_it(middle: Options, prices: Prices) -> None:
    start = settle(middle, decided(middle, prices))
    untouched = lean(middle, prices, start)
    assert settle(middle, untouched).tolist() == start.tolist()
    again = settle(middle, decided(middle, prices, start))
    fresh = settle(middle, decided(middle, Prices(prices.items + 1, prices.sharers)))
    assert len(np.intersect1d(again, start)) > len(np.intersect1d(fresh, start))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_whatever_they_hold_the_plan_keeps_every_rule_and_pin(seed: int, dice: int) -> None:
    made = week(seed, people=6, requests=12)
    facts = Facts(made)
    options = Options(facts)
    if not len(options.item):
        return
    rng = np.random.default_rng(dice)
    items = rng.integers(0, 2_000_000, len(options.item_request))
    sharers = rng.integers(0, 50_000, len(options.request_sharers))
    leaning = decide_round(options, lean(options, Prices(items, sharers), None), 0.0, 1.0, math.inf, 1e-4, dice).leaning
    plan = options.assignments(facts, settle(options, leaning))
    assert list(rule_violations(made, plan)) == []
