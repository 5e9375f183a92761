"""Making up minds: from prices, at which most people are torn between several weeks, to one plan.

Everybody is asked for their best week over and over, while what is wanted by too many becomes dearer and what nobody takes
cheaper. Whoever keeps something in their weeks is rewarded for it, a little at first and ever more, until all have made
up their minds. What two still hold in the end stays with whoever held it longer."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from matching.options import Options
from matching.rules import Flags, Indices
from matching.solving.greedy import greedy_plan
from matching.solving.prices import usage_of
from matching.solving.pricing import EFFORT, Floats, Memory, Priced, Pricer, Prices
from matching.state import State

_FIRST_REWARD, _AGAIN_REWARD, _LAST_REWARD = 5.0, 40.0, 200.0
"""Points a slot for what somebody always held: at first, at first where it starts from a plan, and in the end."""

_FIRST_STEP, _LAST_STEP = 8.0, 20.0
"""Points by which a slot's price moves in a pass for each person too many, at first and in the end."""

_SHARERS_STEP = 0.3

_HABIT = 0.9
"""How much of what somebody held counts still after another pass."""

_FAINT = 0.001
"""A habit that is less is forgotten."""

_BLOCK = 10
"""People asked at the same prices."""

_SETTLED_ASKED = 0.34
"""The chance to be asked of somebody who did not change their week when asked last."""

_OPTIONS_EACH, _EFFORT_EACH = 100, 10_000
"""Options looked at for one person, and effort."""


@dataclass(frozen=True, slots=True)
class Leaning:
    """How far people have made up their minds: the prices now, in points, of items and of sharers; the options that they lean
    to and how firmly (0 to 1); those they hold; who did not change their mind when asked last; what is remembered for
    asking; the passes so far, and whether it started from a plan."""

    items: Floats
    sharers: Floats
    leaned: Indices
    firmness: Floats
    held: Indices
    settled: Flags
    memory: Memory | None
    passes: int
    again: bool


@dataclass(frozen=True, slots=True)
class Decided:
    """What a round of making up minds came to, and its effort."""

    leaning: Leaning
    effort: float


def lean(options: Options, prices: Prices, start: Indices | None) -> Leaning:
    """Nobody leans to anything yet, or all to what they hold of a plan."""
    items, sharers = prices.points
    held = np.zeros(0, dtype=np.int64) if start is None else start
    nobody = np.zeros(options.people, dtype=bool)
    return Leaning(items, sharers, held, np.ones(len(held)), held, nobody, None, 0, start is not None)


def decide_round(
    options: Options, leaning: Leaning, share: float, end: float, seconds: float, effort: float, seed: int
) -> Decided:
    """Asks around for so many wall seconds or, where those are infinite, so much effort, at least once: that is the part of
    the work from one share of it to another."""
    minds = _Minds(options, leaning, seed)
    started, spent = time.monotonic(), 0
    while True:
        done = spent * EFFORT / effort if math.isfinite(effort) else (time.monotonic() - started) / max(1e-9, seconds)
        if done >= 1.0:
            return Decided(minds.leaning(), spent * EFFORT)
        spent += minds.ask_around(share + (end - share) * done)


def settle(options: Options, leaning: Leaning) -> Indices:
    """The plan: what is held too often stays with the firmest, and what is open goes to whoever gains by it."""
    firmness = np.zeros(len(options.item))
    firmness[leaning.leaned] = leaning.firmness
    held = leaning.held[np.lexsort((-options.value[leaning.held], -firmness[leaning.held]))]
    state = State(options)
    for option in options.pinned:
        state.add(option)
    for option in held.tolist():
        if option not in state.taken[int(options.person[option])] and state.free(np.array([option]))[0]:
            state.add(option)
    greedy_plan(options, state)
    return state.chosen


class _Minds:
    """A `Leaning` at work."""

    def __init__(self, options: Options, leaning: Leaning, seed: int) -> None:
        self.options = options
        self.passes, self.again = leaning.passes, leaning.again
        self._rng = np.random.default_rng(seed)
        self._pricer = Pricer(options)
        if leaning.memory is None:
            self._pricer.know(leaning.held)
        else:
            self._pricer.memory = leaning.memory
        self._slots = options.item_slots.astype(np.float64)
        self._items, self._sharers = leaning.items.copy(), leaning.sharers.copy()
        self._highest = options.best_value.astype(np.float64)
        counts = np.bincount(options.item_request, minlength=len(self._sharers))
        by_request = np.bincount(options.item_request, self._slots, len(self._sharers))
        self._sharer_step = _SHARERS_STEP * by_request / np.maximum(1, counts)
        self._habit = np.zeros(len(options.item))
        self._habit[leaning.leaned] = leaning.firmness
        self._held = np.zeros(len(options.item), dtype=bool)
        self._held[leaning.held] = True
        self._settled = leaning.settled.copy()
        self._used_items, self._used_sharers = usage_of(options, leaning.held)

    def leaning(self) -> Leaning:
        """Where people are now."""
        leaned = np.nonzero(self._habit > _FAINT)[0]
        held, memory = np.nonzero(self._held)[0], self._pricer.memory
        firmness = self._habit[leaned]
        return Leaning(self._items, self._sharers, leaned, firmness, held, self._settled, memory, self.passes, self.again)

    def ask_around(self, share: float) -> int:
        """One pass when so much of the work is done; the options looked at."""
        first = _AGAIN_REWARD if self.again else _FIRST_REWARD
        reward = first * (_LAST_REWARD / first) ** share
        step = _FIRST_STEP * (_LAST_STEP / _FIRST_STEP) ** share
        self._pricer.reward(reward * self._slots[self.options.item] * self._habit)
        asked = np.nonzero(~self._settled | (self._rng.random(self.options.people) < _SETTLED_ASKED))[0]
        spent = 1
        for block in np.array_split(self._rng.permutation(asked), max(1, len(asked) // _BLOCK)):
            priced = self._pricer.price(block, Prices.of(self._items, self._sharers), _EFFORT_EACH, most=_OPTIONS_EACH)
            spent += priced.effort
            self._take(priced)
            self._move(step * len(block) / max(1, len(asked)))
        kept = _HABIT if self.again else min(_HABIT, self.passes / (1 + self.passes))
        self._habit = kept * self._habit + (1 - kept) * self._held
        self.passes += 1
        return spent

    def _take(self, priced: Priced) -> None:
        """Writes down the weeks of those who were asked."""
        options, people = self.options, priced.people
        mine = np.concatenate([np.arange(options.first[c], options.first[c + 1]) for c in people]) if len(people) else people
        before = mine[self._held[mine]]
        after = np.sort(priced.weeks[priced.weeks >= 0])
        self._held[before] = False
        self._held[after] = True
        changed = np.zeros(options.people, dtype=bool)
        changed[options.person[np.setxor1d(before, after)]] = True
        self._settled[people] = ~changed[people]
        for options_held, by in ((before, -1), (after, 1)):
            items, sharers = usage_of(options, options_held)
            self._used_items += by * items
            self._used_sharers += by * sharers

    def _move(self, step: float) -> None:
        options = self.options
        self._items += step * self._slots * (self._used_items - options.item_heads)
        np.clip(self._items, 0.0, self._highest, out=self._items)
        self._sharers += step * self._sharer_step * (self._used_sharers - options.request_sharers)
        np.maximum(self._sharers, 0.0, out=self._sharers)
