"""Proven bounds: what no plan can be worth more than.
 At once a coarse one, from capacity alone. Then column generation: the master problem prices room, each person's best
week at these prices gives a bound (see `matching.solving.pricing`) and a new week for the master problem, until nobody finds a
better week."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from matching.options import Options, Points
from matching.solving.columns import ColumnPool, Duals
from matching.solving.model import Floats
from matching.solving.pricing import SCALE, Prices, Week


@dataclass(frozen=True, slots=True)
class Capacity:
    """The coarse bound, and what a minute of anybody's time is worth in it."""

    bound: int
    minute: float


def capacity(options: Options) -> Capacity:
    """Everybody's best price for every item, the most valuable minutes first, as long as the team has minutes. Of the penalties
    only that of people who can take nothing counts."""
    best = _best_values(options)
    minutes = np.repeat(options.item_minutes, options.item_heads)
    worth = np.repeat(best, options.item_heads)
    order = np.argsort(-worth / minutes, kind="stable")
    used = np.cumsum(minutes[order])
    able = np.diff(options.first) > 0
    room = int(options.cap_minutes[able].sum())
    whole = used <= room
    points, minute = int(worth[order][whole].sum()), 0.0
    if not whole.all():
        k = int(whole.sum())
        left = room - (int(used[k - 1]) if k else 0)
        minute = float(worth[order][k]) / float(minutes[order][k])
        points += math.ceil(minute * left)
    idle = int(options.low_slots[~able].sum())
    return Capacity(points + options.constant - options.under_price * idle, minute)


def _best_values(options: Options) -> Points:
    best = np.zeros(len(options.item_request), dtype=np.int64)
    np.maximum.at(best, options.item, options.value)
    return best


@dataclass(slots=True)
class Bounding:
    """The state of column generation. `best` is the best bound proven so far, in whole points."""

    options: Options
    pool: ColumnPool
    best: int
    rounds: int = 0
    converged: bool = False
    _smoothing: float = 0.5
    _center: tuple[Floats, Floats] | None = field(default=None)
    _center_bound: float = math.inf
    _asked: Prices | None = field(default=None)

    def ask_first(self, minute: float) -> Prices:
        """Prices that leave every item worth the same for a minute: on a large problem that bound is already a good one."""
        items = np.maximum(0.0, _best_values(self.options) - minute * self.options.item_minutes)
        return self._ask(items, np.zeros(len(self.options.request_sharers)))

    def ask(self, duals: Duals) -> Prices:
        """The prices at which to look for weeks: between those of the master problem and the best so far, against swinging."""
        if self._center is None:
            return self._ask(duals.items, duals.sharers)
        items, sharers = self._center
        near, far = self._smoothing, 1 - self._smoothing
        return self._ask(near * items + far * duals.items, near * sharers + far * duals.sharers)

    def _ask(self, items: Floats, sharers: Floats) -> Prices:
        self._asked = Prices(np.rint(items * SCALE).astype(np.int64), np.rint(sharers * SCALE).astype(np.int64))
        return self._asked

    def learn(self, weeks: list[Week]) -> None:
        """Takes in everybody's best week at the prices last asked for: a bound, and new columns."""
        assert self._asked is not None
        prices, self._asked = self._asked, None
        missing = set(range(self.options.people)) - {week.person for week in weeks}
        assert not missing, "a bound needs everybody's week"
        total = sum(week.bound for week in weeks) + prices.room(self.options)
        bound = total // SCALE + self.options.constant
        if bound < self._center_bound:
            self._center_bound = bound
            self._center = (prices.items / SCALE, prices.sharers / SCALE)
            self._smoothing = max(0.3, self._smoothing - 0.1)
        else:
            self._smoothing = min(0.9, self._smoothing + 0.1)
        self.best = min(self.best, bound)
        new = sum([self.pool.add(week.person, week.chosen) for week in weeks])
        self.rounds += 1
        self.converged = new == 0
