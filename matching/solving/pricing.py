"""Pricing: what one person's best week would be worth if every hour asked for had a price.
 With a price on each item and on each place among the sharers of a request, people no longer compete and each week is
found exactly by itself. The sum of what the weeks are worth and of all prices times room is a proven bound (Lagrange),
whatever the prices. Prices are whole numbers of hundredths of a point, so the sums are exact."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from matching.options import Options, Points
from matching.rules import Indices
from matching.solving.engines import solve_cpsat
from matching.solving.model import person_model
from matching.solving.neighbourhood import taken

SCALE = 100
"""Prices count hundredths of a point."""


@dataclass(frozen=True, slots=True)
class Prices:
    """In hundredths of a point, none negative: for a head in each item, and for a place among the sharers of each
    request."""

    items: Points
    sharers: Points

    def room(self, options: Options) -> int:
        """What all room in the plan costs."""
        return int(self.items @ options.item_heads) + int(self.sharers @ options.request_sharers)


@dataclass(frozen=True, slots=True)
class Week:
    """A person's best week at some prices: its options, and in hundredths an upper bound on what any week nets.
    `effort` was spent."""

    person: int
    chosen: Indices
    bound: int
    effort: float


def price_weeks(options: Options, people: Iterable[int], prices: Prices, seconds: float, effort: float) -> list[Week]:
    """The best week of each person."""
    return [price_week(options, c, prices, seconds, effort) for c in people]


def price_week(options: Options, c: int, prices: Prices, seconds: float = math.inf, effort: float = math.inf) -> Week:
    """The best week of one person, exactly unless a limit is hit; the bound holds in any case."""
    mine = options.of_person(c)
    items = options.item[mine]
    net = options.value[mine] * SCALE - prices.items[items]
    # An option that costs more than it earns can still pay by lessening the penalty for too few hours: keep those.
    keep = net + options.under_price * SCALE * options.item_slots[items] > 0
    keep |= np.isin(mine, options.pinned)
    mine, net = mine[keep], net[keep]
    idle = -options.under_price * int(options.low_slots[c]) * SCALE
    if not len(mine):
        return Week(c, mine, idle, 0.0)
    person = person_model(options, c, mine)
    worth = person.model.worth * SCALE
    worth[: len(mine)] = net
    pairs = slice(len(mine), len(mine) + len(person.pair_request))
    worth[pairs] -= prices.sharers[person.pair_request]
    low = person.model.low.copy()
    low[: len(mine)] = np.isin(mine, options.pinned)
    model = replace(person.model, worth=worth, low=low)
    answer = solve_cpsat(model, seconds=seconds, effort=effort)
    chosen = mine[:0] if answer.columns is None else np.sort(taken(model, answer.columns))
    loosest = int(np.maximum(0, worth).sum())
    bound = min(loosest, math.floor(answer.bound + 0.5)) if math.isfinite(answer.bound) else loosest
    return Week(c, chosen, bound, answer.effort)
