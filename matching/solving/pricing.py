"""Pricing: what one person's best week would be worth if every hour asked for had a price.

With a price on each item and on each place among the sharers of a request, people no longer compete and each week is
found by itself. The sum of what the weeks net and of all prices times room is a proven bound (Lagrange), whatever the
prices. Prices are whole numbers of hundredths of a point, so the sums are exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.options import Options, Points
from matching.rules import Indices
from matching.solving.week_kernel import bound_options, price_people
from matching.solving.week_layout import SCALE
from matching.solving.week_tables import Tables, tables_of

Floats = NDArray[np.float64]

__all__ = ["EFFORT", "SCALE", "Floats", "Memory", "Priced", "Pricer", "Prices"]

EFFORT = 7.5e-9
"""What looking at one option counts in the solver's effort."""

_MOST = 10**13
"""No price is above: sums of prices stay within 64 bits."""

_LONGEST = 96
"""Options of the longest week that is remembered."""

_REMEMBERED = 3

_ALL = 1 << 60


@dataclass(frozen=True, slots=True)
class Prices:
    """In hundredths of a point, none negative: for a head in each item, and for a place among the sharers of each
    request."""

    items: Points
    sharers: Points

    @staticmethod
    def of(items: Floats, sharers: Floats) -> Prices:
        """From points."""
        return Prices(np.rint(items * SCALE).astype(np.int64), np.rint(sharers * SCALE).astype(np.int64))

    @property
    def points(self) -> tuple[Floats, Floats]:
        """In points: of items, and of sharers."""
        return self.items / SCALE, self.sharers / SCALE

    def room(self, options: Options) -> int:
        """What all room in the plan costs."""
        return int(self.items @ options.item_heads) + int(self.sharers @ options.request_sharers)


@dataclass(frozen=True, slots=True)
class Priced:
    """A good week of each of several people at some prices: in hundredths what it nets and an upper bound on what any week of
    theirs nets; `weeks` has a row of options for each, −1 after the last. `effort` counts the options looked at."""

    people: Indices
    nets: Points
    bounds: Points
    weeks: Indices
    effort: int


@dataclass(frozen=True, slots=True)
class Memory:
    """What makes asking again faster: what each hour of everybody's time was worth, good weeks, and how often each was asked."""

    hours: Points
    known: NDArray[np.int32]
    turn: NDArray[np.int32]


class Pricer:
    """Prices weeks, and remembers good ones and what time was worth: that makes the next time faster, never less true."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.tables: Tables = tables_of(options)
        hours = int(options.window_end.max(initial=0)) // 60 + 1
        self._hours = np.zeros((options.people, hours + 1), dtype=np.int64)
        self._known = np.full((options.people, 1 + _REMEMBERED, _LONGEST), -1, dtype=np.int64)
        self._turn = np.zeros(options.people, dtype=np.int64)

    @property
    def memory(self) -> Memory:
        """What is remembered."""
        return Memory(self._hours.copy(), self._known.astype(np.int32), self._turn.astype(np.int32))

    @memory.setter
    def memory(self, memory: Memory) -> None:
        self._hours = memory.hours.copy()
        self._known, self._turn = memory.known.astype(np.int64), memory.turn.astype(np.int64)

    def know(self, chosen: Indices) -> None:
        """Remembers everybody's week of a plan (options, ascending) in place of the plan before."""
        first = np.searchsorted(self.options.person[chosen], np.arange(self.options.people + 1))
        self._known[:, 0] = -1
        for c in np.nonzero(np.diff(first) <= _LONGEST)[0]:
            mine = chosen[first[c] : first[c + 1]]
            self._known[c, 0, : len(mine)] = mine

    def reward(self, points: Floats) -> None:
        """Pays so many points more for each option from now on."""
        self.tables = self.tables._replace(value=self.options.value + np.rint(points).astype(np.int64))

    def price(self, people: Indices, prices: Prices, effort: int, slack: int = SCALE, *, most: int = _ALL) -> Priced:
        """A week for each of the people that is best within `slack`, unless it takes more effort than given: then the bound is
        that much looser. Where `most` is given, only so many options of each person are searched, those that look best:
        quicker, and mostly as good, but then `bounds` are none."""
        count = len(people)
        bounds, nets = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
        weeks = np.full((count, _LONGEST), -1, dtype=np.int64)
        items, pairs = self._costs(prices)
        known = self._hours, self._known
        spent = price_people(self.tables, people, items, pairs, *known, slack, effort, most, bounds, nets, weeks)
        self._known[people, 1 + self._turn[people] % _REMEMBERED] = weeks
        self._turn[people] += 1
        return Priced(people, nets, bounds, weeks, spent)

    def bound_options(self, people: Indices, prices: Prices) -> Points:
        """By option, in hundredths: what any week of its person nets at most that holds it. For other people's: 0."""
        most = np.zeros(len(self.options.item), dtype=np.int64)
        items, pairs = self._costs(prices)
        bound_options(self.tables, people, items, pairs, self._hours, self._known, most)
        return most

    def _costs(self, prices: Prices) -> tuple[Points, Points]:
        pairs = np.minimum(prices.sharers, _MOST) + SCALE * self.options.pair_price
        return np.minimum(prices.items, _MOST), pairs
