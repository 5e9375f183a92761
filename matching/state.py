"""A plan under construction: which options are taken, and which could be added right now."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from matching.options import Options, Points
from matching.rules import FREE, PLAN_RULES, Flags, Indices


class State:
    """Options taken, with everything that the plan rules look at. Changed by `add` and `remove`.

    `heads[i]` people have item i, `has[c, i]` says who; `sharers[r]` people are on request r, and `held[c, r]` counts
    the items of it that c has; `period_minutes` (person, period) are planned, as `Options.period_minutes` counts them;
    `serves[c, f]` counts the items of c at facility f, `facilities[c]` the facilities with any. `work_day[c, k]` is the local
    day of the window that c works in cell k of time, FREE where none."""

    def __init__(self, options: Options) -> None:
        self.options = options
        items, requests = len(options.item_request), len(options.request_sharers)
        self.taken: list[set[int]] = [set() for _ in range(options.people)]
        # The rules read one item, request or moment for many people: those lie side by side in memory.
        self.has = np.zeros((options.people, items), dtype=bool, order="F")
        self.heads = np.zeros(items, dtype=np.int64)
        self.period_minutes = np.zeros_like(options.period_cap)
        self.slots = np.zeros(options.people, dtype=np.int64)
        self.serves = np.zeros(options.knows.shape, dtype=np.int16, order="F")
        self.facilities = np.zeros(options.people, dtype=np.int64)
        self.sharers = np.zeros(requests, dtype=np.int64)
        self.held = np.zeros((options.people, requests), dtype=np.int16, order="F")
        moments = np.concatenate([options.window_start, options.window_end])
        self._grain = max(1, int(np.gcd.reduce(moments, initial=0)))
        self.horizon = int(moments.max(initial=0))
        self.work_day = np.full((options.people, self.horizon // self._grain), FREE, dtype=np.int32, order="F")

    @property
    def minutes(self) -> Points:
        """Everybody's minutes in the whole horizon."""
        return self.period_minutes[:, 0]

    @property
    def chosen(self) -> Indices:
        """All options taken, ascending."""
        return np.array(sorted(option for mine in self.taken for option in mine), dtype=np.int64)

    def cells(self, i: int) -> Iterator[slice]:
        """The cells of time of each window of an item."""
        for w in self.options.windows_of(i):
            yield self.cells_between(int(self.options.window_start[w]), int(self.options.window_end[w]))

    def cells_between(self, start: int, end: int) -> slice:
        """The cells that any work between two minutes touches."""
        return slice(max(0, start // self._grain), max(0, -(-end // self._grain)))

    def works_during(self, people: Indices, cells: slice) -> Flags:
        """Whether each of the people works in any of the cells."""
        if 4 * len(people) < self.options.people:
            return np.asarray((self.work_day[people, cells] != FREE).any(axis=1))
        return np.asarray((self.work_day.T[cells] != FREE).any(axis=0)[people])

    def add(self, option: int) -> None:
        """Takes an option."""
        self._change(option, 1)

    def remove(self, option: int) -> None:
        """Gives an option back."""
        self._change(option, -1)

    def _change(self, option: int, step: int) -> None:
        options = self.options
        c, i = int(options.person[option]), int(options.item[option])
        (self.taken[c].add if step > 0 else self.taken[c].remove)(option)
        self.has[c, i] = step > 0
        self.heads[i] += step
        self.period_minutes[c] += step * options.period_minutes[option]
        self.slots[c] += step * options.item_slots[i]
        facility = options.item_facility[i]
        served = self.serves[c, facility] > 0
        self.serves[c, facility] += step
        self.facilities[c] += int(self.serves[c, facility] > 0) - int(served)
        for w, cells in zip(options.windows_of(i), self.cells(i), strict=True):
            self.work_day[c, cells] = options.day_rules.day_of(np.array([c]), w)[0] if step > 0 else FREE
        r = int(options.item_request[i])
        self.held[c, r] += step
        if step > 0:
            self.sharers[r] += int(self.held[c, r] == 1)
        else:
            self.sharers[r] -= int(self.held[c, r] == 0)

    def free(self, candidates: Indices) -> Flags:
        """Which of the options, all of one item, could be added now: those that pass every plan rule, if the item lacks
        people."""
        options = self.options
        passes = np.zeros(len(candidates), dtype=bool)
        if not len(candidates):
            return passes
        i = int(options.item[candidates[0]])
        if self.heads[i] >= options.item_heads[i]:
            return passes
        people = options.person[candidates]
        left = np.arange(len(candidates))
        for rule in PLAN_RULES:
            left = left[rule.passes(self, people[left], i)]
        passes[left] = True
        return passes

    def gain(self, candidates: Indices) -> Points:
        """What each of the options would add to the objective, all being of one item and free."""
        options = self.options
        people, i = options.person[candidates], int(options.item[candidates[0]])
        facility, slots = int(options.item_facility[i]), self.slots[people]
        more = slots + options.item_slots[i]
        target, low = options.target_slots[people], options.low_slots[people]
        gain = options.value[candidates].copy()
        gain -= options.over_price * (np.maximum(0, more - target) - np.maximum(0, slots - target))
        gain += options.under_price * (np.maximum(0, low - slots) - np.maximum(0, low - more))
        gain -= options.facility_price * (~options.knows[people, facility] & (self.serves[people, facility] == 0))
        r = int(options.shared_request[i])
        if r >= 0:
            gain -= options.pair_price * (self.held[people, r] == 0)
        return gain
