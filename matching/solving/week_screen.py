"""What of a person's options need not be looked at, by the prices of time that are known (compiled)."""

from __future__ import annotations

import numpy as np

from matching.options import Points
from matching.rules import Flags, Indices
from matching.solving.compiled import compiled
from matching.solving.week_bound import NEVER, Worth, bound_at, bound_with, hour_prices, last_in, nothing_worth
from matching.solving.week_layout import BLOCK, FIRST, MUST, Choices, lay_out
from matching.solving.week_search import best_first
from matching.solving.week_tables import Tables

_EFFORT = 5
"""What screening one option counts."""


@compiled
def screen(t: Tables, c: int, net: Points, pair_price: Points, keep: Flags, hours: Indices, floor: int, most: int) -> int:
    """Clears `keep` for what no week that nets more than `floor` can hold: most of it where a good week is known. And where more
    than `most` options are kept, for all facilities but those that promise most and have so many. Answers the effort."""
    choices = lay_out(t, c, net, keep, pair_price, np.zeros(0, np.int64), len(net))
    prices, worth = hour_prices(choices, hours), nothing_worth(choices)
    bound = bound_at(t, choices, prices, worth)
    least, least_block = last_in(choices, worth), _least_looked_at(choices, worth, most)
    k = 0
    for q in range(len(keep)):
        if keep[q]:
            promises = worth.blocks[choices.options[k, BLOCK]] >= least_block
            keep[q] = choices.options[k, MUST] or (promises and bound_with(choices, bound, worth, least, k) > floor)
            k += 1
    return _EFFORT * k


@compiled
def _least_looked_at(choices: Choices, worth: Worth, most: int) -> int:
    """What the last of the facilities is worth that have `most` options together; NEVER where all have no more."""
    left = most
    if len(worth.options) <= most:
        return NEVER
    order = np.empty(len(worth.blocks), np.int64)
    best_first(choices, worth, order)
    for f in order:
        left -= choices.groups[choices.blocks[f + 1, FIRST], FIRST] - choices.groups[choices.blocks[f, FIRST], FIRST]
        if left <= 0:
            return int(worth.blocks[f])
    return NEVER
