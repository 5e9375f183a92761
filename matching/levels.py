"""The levels of the lexicographic objective: the same options, each time worth only what counts on one level.

Cover counts priorities alone. Continuity counts known facilities, less the prices of new ones, of pairs and of changes to
the previous plan. Balance is what is lost above and below target, and margin bill less pay. The four sums make the
plan's weighted worth; `matching.verify.levels_of` counts them independently."""

from __future__ import annotations

from copy import copy
from dataclasses import replace

import numpy as np

from matching.facts import Facts
from matching.options import Options, Points
from matching.problem import Objective, Problem, Weights

LEVELS = ("cover", "continuity", "balance", "margin")
"""The names of the levels in their order."""


def cover_problem(problem: Problem) -> Problem:
    """The problem with the weighted objective and nothing of it but cover: its points are those of the first level."""
    weights = Weights(
        priority=problem.weights.priority, continuity=0, over_target=0, under_target=0, new_facility=0, pair=0, change=0
    )
    return replace(
        problem,
        weights=weights,
        objective=Objective.WEIGHTED,
        previous=(),
        coordinators=tuple(replace(person, pay_per_hour=0) for person in problem.coordinators),
        requests=tuple(replace(request, bill_per_hour=0) for request in problem.requests),
    )


def cover_first_problem(problem: Problem, scale: int) -> Problem:
    """The problem with the weighted objective and cover counting `scale` times: nearly the levels, and a plan of it makes
    something of the later ones too."""
    weights = replace(problem.weights, priority=tuple(scale * points for points in problem.weights.priority))
    return replace(problem, weights=weights, objective=Objective.WEIGHTED)


def least_beside_cover(levels: tuple[Options, ...]) -> int:
    """Points that the levels after cover together never fall below, in any plan."""
    _cover, continuity, balance, margin = levels
    value = continuity.value + margin.value
    worst = np.zeros(len(continuity.item_heads), dtype=np.int64)
    np.minimum.at(worst, continuity.item, value)
    points = int(worst @ continuity.item_heads) + continuity.constant
    points -= continuity.pair_price * int(continuity.request_sharers.sum())
    facilities = np.minimum(continuity.max_facilities, (~continuity.knows).sum(axis=1))
    points -= continuity.facility_price * int(facilities.sum())
    by_person = np.zeros(continuity.people, dtype=np.int64)
    np.add.at(by_person, continuity.person, continuity.item_slots[continuity.item])
    points -= balance.over_price * int(np.maximum(0, by_person - balance.target_slots).sum())
    return points - balance.under_price * int(balance.low_slots.sum())


def level_options(facts: Facts, options: Options) -> tuple[Options, ...]:
    """For each level the options with its points: `plan_worth` of them is what a plan reaches on the level."""
    priority = np.array([facts.problem.weights.priority[request.priority] for request in facts.requests], dtype=np.int64)
    bill = np.array([request.bill_per_hour for request in facts.requests], dtype=np.int64)
    slots, request = options.item_slots[options.item], options.item_request[options.item]
    cover = slots * priority[request]
    margin = slots * (bill[request] - facts.pay[options.person])
    nothing = np.zeros_like(cover)
    first, second = _alone(options, cover), _alone(options, options.value - cover - margin)
    third, fourth = _alone(options, nothing), _alone(options, margin)
    second.pair_price, second.facility_price, second.constant = options.pair_price, options.facility_price, options.constant
    third.over_price, third.under_price = options.over_price, options.under_price
    return first, second, third, fourth


def _alone(options: Options, value: Points) -> Options:
    """The options with these values and no other points."""
    level = copy(options)
    level.value = value
    level.pair_price = level.facility_price = level.over_price = level.under_price = level.constant = 0
    return level
