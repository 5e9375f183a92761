"""The first complete plan: requests by priority, each to the person for whom it is worth most. Every rule is kept."""

from __future__ import annotations

import numpy as np

from matching.options import Options, Points
from matching.rules import Indices
from matching.state import State


class Candidates:
    """The options of each item."""

    def __init__(self, options: Options) -> None:
        self._order = np.argsort(options.item, kind="stable")
        self._first = np.searchsorted(options.item[self._order], np.arange(len(options.item_request) + 1))

    def of(self, i: int) -> Indices:
        """The options of an item, by person."""
        return self._order[self._first[i] : self._first[i + 1]]


def greedy_plan(options: Options, state: State) -> None:
    """Fills a state, which may hold pinned options, request by request: urgent first, then those that fewest people can
    take."""
    candidates = Candidates(options)
    items_of: dict[int, list[int]] = {}
    for i, r in enumerate(options.item_request.tolist()):
        items_of.setdefault(r, []).append(i)
    able = np.bincount(options.item_request[options.item], minlength=len(items_of))
    for r in sorted(items_of, key=lambda r: (-options.request_priority[r], able[r], r)):
        if not able[r]:
            continue
        if len(items_of[r]) == 1:
            _fill_item(state, candidates.of(items_of[r][0]))
        else:
            _fill_shared(state, [candidates.of(i) for i in items_of[r]])


def _fill_item(state: State, able: Indices) -> None:
    while True:
        free = able[state.free(able)]
        if not len(free):
            return
        gain = state.gain(free)
        best = int(np.argmax(gain))
        if gain[best] <= 0:
            return
        state.add(int(free[best]))


def _fill_shared(state: State, able: list[Indices]) -> None:
    """Gives a split request to the person who can take most of it, at the best price, then to the next, until nobody
    adds anything."""
    while True:
        free = [candidates[state.free(candidates)] for candidates in able]
        gains = [state.gain(candidates) for candidates in free if len(candidates)]
        if not gains:
            return
        offers, gain = np.concatenate(free), np.concatenate(gains)
        offers, gain = offers[gain > 0], gain[gain > 0]
        if not len(offers):
            return
        best = _who_takes_most(state, offers, gain)
        for option in offers[state.options.person[offers] == best].tolist():
            one = np.array([option])
            if state.free(one)[0]:
                state.add(option)


def _who_takes_most(state: State, offers: Indices, gain: Points) -> int:
    """The person whose offers come to most minutes under their cap, and among equals to the highest mean gain for a minute."""
    options = state.options
    people, whose = np.unique(options.person[offers], return_inverse=True)
    minutes = np.bincount(whose, options.item_minutes[options.item[offers]])
    reach = np.minimum(minutes, options.cap_minutes[people] - state.minutes[people])
    rate = np.bincount(whose, gain) / np.maximum(1, minutes)
    return int(people[np.lexsort((people, -rate, -reach))[0]])
