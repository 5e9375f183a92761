"""Every way to relieve one lost item by one move or two, found by trying all of them in arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from matching.options import Points
from matching.relief.board import Board, passes_but_sharing
from matching.relief.values import Counts, OptionKind
from matching.rules import Indices

NOBODY = -1


@dataclass(frozen=True, slots=True)
class Found:
    """One way: option `takes` is taken; its person gives up option `gives`, which option `second` takes (NOBODY where
    there is none). `effect` in points."""

    kind: OptionKind
    takes: int
    gives: int
    second: int
    effect: int


@dataclass(frozen=True, slots=True)
class _Successors:
    """Who could take an item that its holder gives up, best first: anybody, and those who share its request already."""

    options: Indices
    gains: Points
    sharing: Indices
    sharing_gains: Points


class Ways:
    """Finds the ways to relieve lost items of one board."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self._successors: dict[int, _Successors] = {}

    def of(self, i: int) -> tuple[list[Found], Counts]:
        """The ways to relieve an item that gain something, best first, and how many there are. Of each person's ways of
        a kind only the best is listed, and only where it is better than what disturbs fewer."""
        direct = self.direct(i)
        best: dict[tuple[int, OptionKind], Found] = {(self._taker(found), found.kind): found for found in direct}
        chains = trades = 0
        for takes, gives, effect in self._takings(i):
            if effect > 0:
                trades += 1
                _keep(best, self._taker_of(takes), Found(OptionKind.TRADE, takes, gives, NOBODY, effect))
            second, more, count = self._second(i, gives, -effect)
            chains += count
            if count:
                _keep(best, self._taker_of(takes), Found(OptionKind.CHAIN, takes, gives, second, effect + more))
        listed = [found for found in best.values() if not self._dominated(found, best)]
        return sorted(listed, key=order), Counts(len(direct), chains, trades)

    def direct(self, i: int) -> list[Found]:
        """Everybody who can take the item as things are, where it gains something, best first."""
        free = self.free(i)
        if not len(free):
            return []
        gains = self.board.state.gain(free)
        pairs = zip(free.tolist(), gains.tolist(), strict=True)
        return sorted((Found(OptionKind.DIRECT, k, NOBODY, NOBODY, gain) for k, gain in pairs if gain > 0), key=order)

    def free(self, i: int) -> Indices:
        """The options of the item that could be added as things are."""
        able = self.board.candidates(i)
        return able[self.board.state.free(able)]

    def _taker_of(self, option: int) -> int:
        return int(self.board.options.person[option])

    def _taker(self, found: Found) -> int:
        return self._taker_of(found.takes)

    def _dominated(self, found: Found, best: dict[tuple[int, OptionKind], Found]) -> bool:
        simpler = {OptionKind.TRADE: [OptionKind.DIRECT], OptionKind.CHAIN: [OptionKind.DIRECT, OptionKind.TRADE]}
        others = (best.get((self._taker(found), kind)) for kind in simpler.get(found.kind, []))
        return any(other is not None and other.effect >= found.effect for other in others)

    def _takings(self, i: int) -> Iterator[tuple[int, int, int]]:
        """Every (option of the item, option its person gives up for it, effect of both) that keeps the rules.

        People's weeks are independent of each other but for sharing, so one piece of everybody's is lifted at a time."""
        board, state = self.board, self.board.state
        able = board.candidates(i)
        people = board.options.person[able]
        r = int(board.options.item_request[i])
        able = able[~state.has[people, i] & (board.shares(people, r) | (board.room(r) > 0))]
        own = [board.can_give_up(c) for c in board.options.person[able].tolist()]
        for k in range(max(map(len, own), default=0)):
            takers = np.array([option for option, mine in zip(able.tolist(), own, strict=True) if len(mine) > k], dtype=np.int64)
            given = [mine[k] for mine in own if len(mine) > k]
            for option in given:
                state.remove(option)
            passes = passes_but_sharing(state, takers)
            gains = state.gain(takers)
            for option in given:
                state.add(option)
            for place in np.nonzero(passes)[0].tolist():
                gives = given[place]
                yield int(takers[place]), gives, int(gains[place]) + board.release(gives)

    def _second(self, i: int, gives: int, more_than: int) -> tuple[int, int, int]:
        """The best option to take what is given up for item i, its gain, and how many gain more than that much."""
        board, options = self.board, self.board.options
        j = int(options.item[gives])
        r, leaver = int(options.item_request[j]), int(options.person[gives])
        leaves = board.state.held[leaver, r] == 1 and r != int(options.item_request[i])
        found = self._successors_of(j)
        anybody = board.room(r) + int(leaves) > 0
        able, gains = (found.options, found.gains) if anybody else (found.sharing, found.sharing_gains)
        count = int(np.searchsorted(-gains, -more_than, side="left"))
        return (int(able[0]), int(gains[0]), count) if count else (NOBODY, 0, 0)

    def best_successor(self, j: int) -> tuple[int, int]:
        """The person who gains most by an item that its holder gives up, and how much; NOBODY where nobody can."""
        found = self._successors_of(j)
        return (self._taker_of(int(found.options[0])), int(found.gains[0])) if len(found.options) else (NOBODY, 0)

    def _successors_of(self, j: int) -> _Successors:
        if j not in self._successors:
            board = self.board
            able = board.candidates(j)
            able = able[passes_but_sharing(board.state, able)]
            gains = board.state.gain(able) if len(able) else np.zeros(0, dtype=np.int64)
            ranked = np.argsort(-gains, kind="stable")
            able, gains = able[ranked], gains[ranked]
            shares = board.shares(board.options.person[able], int(board.options.item_request[j]))
            self._successors[j] = _Successors(able, gains, able[shares], gains[shares])
        return self._successors[j]


def order(found: Found) -> tuple[int, int, int, int, int]:
    """The ranking: most points first; among equals whoever disturbs fewer, then the order of the problem."""
    disturbed = (found.gives != NOBODY) + (found.second != NOBODY)
    return (-found.effect, disturbed, found.takes, found.gives, found.second)


def _keep(best: dict[tuple[int, OptionKind], Found], person: int, found: Found) -> None:
    known = best.get((person, found.kind))
    if known is None or order(found) < order(known):
        best[person, found.kind] = found
