"""The plan after a call-off as the enumeration sees it: the lost items, who could take them, and what people could give
up."""

from __future__ import annotations

import numpy as np

from matching.explaining.blocking import ALREADY_THERE, RULES, Masks
from matching.explaining.explain import Explainer
from matching.relief.after import AfterCallOff
from matching.rules import PLAN_RULES, Flags, Indices
from matching.solution import NearMiss
from matching.state import State

_AWAY = ALREADY_THERE | np.uint32(1) << np.uint32(RULES.index("availability"))


class Board(Explainer):
    """Explains and holds the plan after a call-off. The one who called off is nobody's way out: no option and no fix
    asks them. Raises ValueError for a plan that breaks a rule."""

    def __init__(self, after: AfterCallOff, away: str) -> None:
        super().__init__(after.problem, after.plan)
        self.after = after
        self.away = self.facts.coordinator_index[away]
        windows = [self.facts.window_index[entry.window] for entry in after.lost]
        self.lost: list[int] = list(dict.fromkeys(self.options.window_item[windows].tolist()))
        self._fixed = frozenset(self.options.pinned)
        self._release: dict[int, int] = {}

    def masks(self, i: int) -> Masks:
        """As for any plan; the one away is kept from the item by more than one rule, so nobody is told to ask them."""
        masks = super().masks(i)
        masks[self.away] |= _AWAY
        return masks

    def near_misses(self, i: int) -> tuple[NearMiss, ...]:
        """People whom exactly one rule keeps from the item."""
        return self._near_misses(self.masks(i))

    def candidates(self, i: int) -> Indices:
        """The options of an item that pass every rule about persons, without those of the one away."""
        able = self.able.of(i)
        return np.asarray(able[self.options.person[able] != self.away])

    def can_give_up(self, c: int) -> list[int]:
        """The options of a person that neither a dispatcher nor the clock has fixed."""
        return sorted(self.state.taken[c] - self._fixed)

    def release(self, option: int) -> int:
        """What the plan gains when the holder gives an option up (less than nothing, mostly)."""
        if option not in self._release:
            self.state.remove(option)
            self._release[option] = -int(self.state.gain(np.array([option]))[0])
            self.state.add(option)
        return self._release[option]

    def room(self, r: int) -> int:
        """How many more people may share a request."""
        return int(self.options.request_sharers[r] - self.state.sharers[r])

    def shares(self, people: Indices, r: int) -> Flags:
        """Who of the people is on the request already."""
        return np.asarray(self.state.held[people, r] > 0)


def passes_but_sharing(state: State, candidates: Indices) -> Flags:
    """Which of the options, all of one item, pass every plan rule when it has room, sharing left aside."""
    passes = np.zeros(len(candidates), dtype=bool)
    if not len(candidates):
        return passes
    i, people = int(state.options.item[candidates[0]]), state.options.person[candidates]
    left = np.arange(len(candidates))
    for rule in PLAN_RULES:
        if rule.name != "sharing":
            left = left[rule.passes(state, people[left], i)]
    passes[left] = True
    return passes
