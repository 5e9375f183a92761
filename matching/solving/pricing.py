"""Pricing: what one person's best week would be worth if every hour asked for had a price.

With a price on each item and on each place among the sharers of a request, people no longer compete and each week is
found by itself. The sum of what the weeks net and of all prices times room is a proven bound (Lagrange), whatever the
prices. Prices are whole numbers of hundredths of a point, so the sums are exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matching.options import Options, Points
from matching.rules import Indices
from matching.solving.week_kernel import bound_options, price_people
from matching.solving.week_layout import SCALE
from matching.solving.week_tables import Tables, week_tables

__all__ = ["SCALE", "Priced", "Pricer", "Prices"]

_MOST = 10**13
"""No price is above: sums of prices stay within 64 bits."""

_LONGEST = 96
"""Options of the longest week that is remembered."""

_REMEMBERED = 3

_WHOLE_POINT = SCALE


@dataclass(frozen=True, slots=True)
class Prices:
    """In hundredths of a point, none negative: for a head in each item, and for a place among the sharers of each
    request."""

    items: Points
    sharers: Points

    @staticmethod
    def of(items: np.ndarray[tuple[int], np.dtype[np.float64]], sharers: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Prices:
        """From points."""
        return Prices(np.rint(items * SCALE).astype(np.int64), np.rint(sharers * SCALE).astype(np.int64))

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


class Pricer:
    """Prices weeks, and remembers good ones and what time was worth: that makes the next time faster, never less true."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.tables: Tables = week_tables(options)
        hours = int(options.window_end.max(initial=0)) // 60 + 1
        self._hours = np.zeros((options.people, hours + 1), dtype=np.int64)
        self._known = np.full((options.people, 1 + _REMEMBERED, _LONGEST), -1, dtype=np.int64)
        self._turn = np.zeros(options.people, dtype=np.int64)

    def know(self, chosen: Indices) -> None:
        """Remembers everybody's week of a plan (options, ascending) in place of the plan before."""
        first = np.searchsorted(self.options.person[chosen], np.arange(self.options.people + 1))
        self._known[:, 0] = -1
        for c in np.nonzero(np.diff(first) <= _LONGEST)[0]:
            mine = chosen[first[c] : first[c + 1]]
            self._known[c, 0, : len(mine)] = mine

    def price(self, people: Indices, prices: Prices, effort: int, slack: int = _WHOLE_POINT) -> Priced:
        """A week for each of the people that is best within `slack`, unless it takes more effort than given: then the bound is
        that much looser."""
        count = len(people)
        bounds, nets = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
        weeks = np.full((count, _LONGEST), -1, dtype=np.int64)
        items, pairs = self._costs(prices)
        spent = price_people(self.tables, people, items, pairs, self._hours, self._known, slack, effort, bounds, nets, weeks)
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
