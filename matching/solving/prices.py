"""Finding prices at which the bound is low: what is asked for by too many becomes dearer, what nobody takes cheaper.

Prices move after every few people (an incremental subgradient method with falling steps), and what is claimed is at the
mean of the prices of the last passes over everybody, which is far better than any single one of them."""

from __future__ import annotations

import numpy as np

from matching.options import Options, Points
from matching.rules import Indices
from matching.solving.pricing import Priced, Pricer, Prices

_FALL = 0.25
"""How fast steps get shorter: by the number of passes times this."""

_FIRST_STEP = 7.0
"""The first step's length, in that which would close the gap in one pass were the bound straight (Polyak)."""

_USUAL_PEOPLE = 500
"""For more people than that the first step is longer in proportion: measured, at 2,000 it was far too short else."""

_LOOKED_AT = 100
"""Options of one person that are looked at, where it is not a bound that is wanted."""

_LEAST_GAP = 0.02
"""Of the bound: less than this is not taken for the gap at first."""

_SHARERS_STEP = 0.3

_NEW_IN_MEAN = 0.15


class PriceFinder:
    """Prices on the move. `mean` are the ones to claim with. `minute` is what a minute of anybody's time is worth at first."""

    def __init__(self, options: Options, pricer: Pricer, minute: float) -> None:
        self.options, self.pricer = options, pricer
        self.passes = 0
        self._rng = np.random.default_rng(0)
        self._highest = options.best_value.astype(np.float64)
        self._items = np.maximum(0.0, self._highest - minute * options.item_minutes)
        self._sharers = np.zeros(len(options.request_sharers))
        self._mean = (self._items.copy(), self._sharers.copy())
        self._sum = (np.zeros_like(self._items), np.zeros_like(self._sharers))
        slots = options.item_slots.astype(np.float64)
        self._item_step = slots
        counts = np.bincount(options.item_request, minlength=len(self._sharers))
        self._sharer_step = _SHARERS_STEP * np.bincount(options.item_request, slots, len(self._sharers)) / np.maximum(1, counts)
        self._step = 0.0
        self._left: list[Indices] = []
        self._blocks = 0

    @property
    def now(self) -> Prices:
        """The prices as they stand."""
        return Prices.of(self._items, self._sharers)

    @property
    def mean(self) -> Prices:
        """The mean of the prices of the last passes."""
        return Prices.of(*self._mean)

    @property
    def step_length(self) -> float:
        """How many points a slot's price moves for each person too many."""
        return self._step / (1 + _FALL * self.passes)

    def begin(self, weeks: Indices, bound: float, objective: float) -> None:
        """Chooses the first step's length by the bound at the first prices, everybody's weeks at them, and a plan's worth."""
        options = self.options
        used_items, used_sharers = usage_of(options, weeks)
        norm = 0.0
        for price, step, missing in (
            (self._items, self._item_step, options.item_heads - used_items),
            (self._sharers, self._sharer_step, options.request_sharers - used_sharers),
        ):
            norm += float(step @ np.where((price <= 0) & (missing > 0), 0, missing) ** 2)
        first = _FIRST_STEP * max(1.0, options.people / _USUAL_PEOPLE)
        self._step = first * max(bound - objective, _LEAST_GAP * abs(bound)) / max(1.0, norm)

    def shorten(self) -> None:
        """Says that the last passes led to nothing better."""
        self._step *= 0.7

    def advance(self, effort: int) -> Priced:
        """Asks a few people for their weeks and moves the prices; with the last of them a pass ends."""
        if not self._left:
            people = self._rng.permutation(self.options.people).astype(np.int64)
            self._left = np.array_split(people, max(1, round(len(people) / self._block)))
        block = self._left.pop()
        priced = self.pricer.price(block, self.now, effort, most=_LOOKED_AT)
        share = len(block) / self.options.people
        self._move(priced.weeks, share)
        if not self._left:
            self._end_pass()
        return priced

    @property
    def _block(self) -> int:
        return 5 if self.options.people < 300 else 10

    def _move(self, weeks: Indices, share: float) -> None:
        options, length = self.options, self.step_length
        used_items, used_sharers = usage_of(options, weeks)
        self._items += length * self._item_step * (used_items - share * options.item_heads)
        np.clip(self._items, 0.0, self._highest, out=self._items)
        self._sharers += length * self._sharer_step * (used_sharers - share * options.request_sharers)
        np.maximum(self._sharers, 0.0, out=self._sharers)
        for total, prices in zip(self._sum, (self._items, self._sharers), strict=True):
            total[:] += prices
        self._blocks += 1

    def _end_pass(self) -> None:
        new = max(_NEW_IN_MEAN, 1 / (1 + self.passes))
        for mean, total in zip(self._mean, self._sum, strict=True):
            mean[:] = (1 - new) * mean + new / self._blocks * total
            total[:] = 0.0
        self._blocks = 0
        self.passes += 1


def usage_of(options: Options, weeks: Indices) -> tuple[Points, Points]:
    """How many of the weeks (rows of options, −1 after the last) take each item, and each request as a sharer."""
    taken = weeks[weeks >= 0]
    items, requests = options.item[taken], len(options.request_sharers)
    shared = options.shared_request[items]
    pairs = np.unique(options.person[taken][shared >= 0] * requests + shared[shared >= 0])
    return np.bincount(items, minlength=len(options.item_request)), np.bincount(pairs % max(1, requests), minlength=requests)
