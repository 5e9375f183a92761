"""A person's best week at prices, compiled, against trying every set of options."""

from dataclasses import replace
from itertools import combinations
from random import Random

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.planning import units, week
from support.weeks_at_prices import Week, price_weeks

from matching.facts import Facts
from matching.objective import shared_requests, week_worth
from matching.options import Options
from matching.problem import Problem
from matching.rules import Indices
from matching.solving.pricing import SCALE, Pricer, Prices

seeds = st.integers(0, 10**6)
scales = st.sampled_from([0, 100, 20_000, 120_000, 400_000])
many = settings(max_examples=50, deadline=None)


def prices_for(options: Options, seed: int, scale: int) -> Prices:
    """Prices up to a scale in hundredths, a third of them nothing."""
    rng = np.random.default_rng(seed)
    items = rng.integers(0, scale + 1, size=len(options.item_request)) * (rng.random(len(options.item_request)) < 0.67)
    sharers = rng.integers(0, scale // 4 + 1, size=len(options.request_sharers))
    return Prices(items, sharers)


def net_of(options: Options, c: int, chosen: Indices, prices: Prices) -> int:
    """What a week nets at prices, in hundredths."""
    items = options.item[chosen]
    costs = int(prices.items[items].sum()) + int(prices.sharers[shared_requests(options, items)].sum())
    return SCALE * week_worth(options, c, chosen) - costs


def allowed(options: Options, c: int, chosen: Indices) -> bool:
    """Whether one person can have all these options."""
    items = options.item[chosen]
    if (options.period_minutes[chosen].sum(axis=0) > options.period_cap[c]).any():
        return False
    if len(np.unique(options.item_facility[items])) > options.max_facilities[c]:
        return False
    if not set(options.pinned) & set(options.of_person(c).tolist()) <= set(chosen.tolist()):
        return False
    zone = int(options.day_rules.zone[c])
    for a, b in combinations(items.tolist(), 2):
        first, second = options.windows_of(a), options.windows_of(b)
        starts = np.maximum(options.window_start[first][:, None], options.window_start[second][None, :])
        ends = np.minimum(options.window_end[first][:, None], options.window_end[second][None, :])
        if (starts < ends).any() or options.day_rules.clashes(zone, first, second).any():
            return False
    return True


def best_net(options: Options, c: int, prices: Prices, holding: int | None = None) -> int | None:
    """What the best week of a person nets, by trying all; None when there is no week at all."""
    best: int | None = None
    mine = options.of_person(c)
    for size in range(len(mine) + 1):
        for chosen in combinations(mine.tolist(), size):
            picked = np.array(chosen, dtype=np.int64)
            if (holding is None or holding in chosen) and allowed(options, c, picked):
                net = net_of(options, c, picked, prices)
                best = net if best is None else max(best, net)
    return best


def made_options(seed: int, *, pinned: bool = False) -> Options:
    """A small problem with at most eight options for a person."""
    made: Problem = week(seed, people=3, requests=7)
    if pinned:
        pieces = units(made)
        assume(pieces)
        made = replace(made, pins=Random(seed).choice(pieces)[:1])
    options = Options(Facts(made))
    assume(0 < np.diff(options.first).max() <= 8)
    return options


@many
@given(seeds, seeds, scales, st.booleans())
def test_a_week_is_the_best_there_is(seed: int, price_seed: int, scale: int, pinned: bool) -> None:
    """With caps by period, rest and span, shared requests, pins, and the penalties for too many and too few hours."""
    options = made_options(seed, pinned=pinned)
    prices = prices_for(options, price_seed, scale)
    for found in price_weeks(options, range(options.people), prices):
        best = best_net(options, found.person, prices)
        assert best is not None
        assert found.bound == found.net == best
        assert allowed(options, found.person, found.chosen)
        assert net_of(options, found.person, found.chosen, prices) == best


@many
@given(seeds, seeds, scales, st.sampled_from([0, 1, 5, 30, 200]), st.sampled_from([0, 100, 5_000]))
def test_a_search_cut_short_still_gives_a_true_bound(seed: int, price_seed: int, scale: int, effort: int, slack: int) -> None:
    options = made_options(seed)
    prices = prices_for(options, price_seed, scale)
    for found in price_weeks(options, range(options.people), prices, effort, slack):
        best = best_net(options, found.person, prices)
        assert best is not None
        assert found.bound >= best >= found.net
        assert net_of(options, found.person, found.chosen, prices) == found.net
        if effort == 200 and slack == 0 and found.effort < effort:
            assert found.bound == best


@many
@given(seeds, seeds, scales, st.integers(1, 6), st.booleans())
def test_a_quick_look_gives_a_week_that_is_allowed(seed: int, price_seed: int, scale: int, most: int, pinned: bool) -> None:
    """Only the most promising options are looked at: the week may be less than the best, never against a rule."""
    options = made_options(seed, pinned=pinned)
    prices = prices_for(options, price_seed, scale)
    everybody = np.arange(options.people)
    priced = Pricer(options).price(everybody, prices, 3_000, most=most)
    for c in everybody.tolist():
        chosen = np.sort(priced.weeks[c][priced.weeks[c] >= 0])
        assert allowed(options, c, chosen)
        assert net_of(options, c, chosen, prices) == priced.nets[c]
        best = best_net(options, c, prices)
        assert best is not None
        assert priced.nets[c] <= best
        if most >= len(options.of_person(c)):
            assert priced.bounds[c] >= best


@many
@given(seeds, seeds, seeds)
def test_what_is_remembered_changes_no_answer(seed: int, one: int, other: int) -> None:
    options = made_options(seed)
    everybody = np.arange(options.people)
    before, now = prices_for(options, one, 20_000), prices_for(options, other, 20_000)
    pricer = Pricer(options)
    pricer.price(everybody, before, 10**6, 0)
    again = pricer.price(everybody, now, 10**6, 0)
    fresh = Pricer(options).price(everybody, now, 10**6, 0)
    assert again.bounds.tolist() == fresh.bounds.tolist() == again.nets.tolist() == fresh.nets.tolist()


@settings(max_examples=20, deadline=None)
@given(seeds, seeds, scales)
def test_no_week_that_holds_an_option_nets_more_than_its_bound(seed: int, price_seed: int, scale: int) -> None:
    options = made_options(seed)
    prices = prices_for(options, price_seed, scale)
    most = Pricer(options).bound_options(np.arange(options.people), prices)
    for option in range(len(options.item)):
        best = best_net(options, int(options.person[option]), prices, holding=option)
        assert best is None or most[option] >= best


def test_an_option_that_costs_more_than_it_earns_is_taken_to_be_less_under_target() -> None:
    """The trap: what is priced out can still pay by lessening the penalty for too few hours."""
    found = 0
    for seed in range(60):
        options = Options(Facts(week(seed, people=3, requests=7)))
        dear = Prices(
            np.maximum(0, _highest(options) * SCALE + 4 * SCALE * options.item_slots),
            np.zeros(len(options.request_sharers), np.int64),
        )
        for one in price_weeks(options, range(options.people), dear):
            losing = (options.value[one.chosen] * SCALE < dear.items[options.item[one.chosen]]).sum()
            found += int(losing)
    assert found > 5


def _highest(options: Options) -> Indices:
    best = np.zeros(len(options.item_request), dtype=np.int64)
    np.maximum.at(best, options.item, options.value)
    return best


def test_the_same_question_has_the_same_answer() -> None:
    options = Options(Facts(week(11, people=6, requests=20)))
    prices = prices_for(options, 5, 60_000)
    together = price_weeks(options, range(options.people), prices, 5_000)
    apart = [price_weeks(options, [c], prices, 5_000)[0] for c in range(options.people)]

    def values(weeks: list[Week]) -> list[tuple[int, list[int], int, int, int]]:
        return [(one.person, one.chosen.tolist(), one.net, one.bound, one.effort) for one in weeks]

    assert values(together) == values(apart)
