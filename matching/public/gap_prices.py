"""Prices on the agents' room: a bound in whole numbers, and by how much a pair of agent and job is worse than the best.

With a price on every unit of room, jobs no longer compete: each goes where its cost and what it takes at these prices is
least, and the sum less what all room is worth is a bound, whatever the prices. A plan in which job j goes to agent a
costs at least that bound plus `loss[a, j]`; so pairs whose loss is too large are in no better plan."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.public.gap import Assigning, Numbers

_UNITS = 1 << 16


class Priced(NamedTuple):
    """`bound` and `loss` in `units` parts of one unit of cost. Pairs that can never be have a loss of FAR."""

    bound: int
    loss: Numbers
    units: int

    def whole_bound(self) -> int:
        """The bound in units of cost: costs are whole numbers, so it is rounded up."""
        return -((-self.bound) // self.units)

    def within(self, cost: int) -> NDArray[np.bool_]:
        """The pairs that can be in a plan of at most this cost."""
        return np.asarray(self.loss <= cost * self.units - self.bound)


FAR = 1 << 61


def priced(problem: Assigning, prices: NDArray[np.float64]) -> Priced:
    """The bound and losses at the given prices, which are rounded; exact whole numbers from there on."""
    largest = float(problem.cost.max() + prices.max() * max(problem.takes.max(), problem.room.max()))
    units = _UNITS
    while units > 1 and largest * units * (problem.jobs + problem.agents) >= 2.0**60:
        units //= 2
    price = np.rint(np.clip(prices, 0, 2.0**40) * units).astype(np.int64)
    each = problem.cost * units + price[:, None] * problem.takes
    each[problem.takes > problem.room[:, None]] = FAR
    least = each.min(axis=0)
    bound = sum(least.tolist()) - sum((price * problem.room).tolist())
    return Priced(bound, np.where(each >= FAR, FAR, each - least), units)
