"""How the search cools over a run: once quickly, for a good plan soon; then slowly from hotter, as often as coolings of a length
that fits the size go into the run; then from warm, from the best plan so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matching.options import Options
from matching.rules import Indices

_SLOW_SECONDS = 0.09
"""Of a slow cooling for each person: with less it ends worse, with more hardly better, so more of them are made."""

_MOST_SLOW = 1000

_QUICK, _WARM = 0.1, 0.15
"""Shares of a cooling's part of the run, and of the run, that the first and the last one take."""

_QUICK_HEATS = (0.25, 0.02)
_SLOW_HEATS = (0.4, 0.02)
_WARM_HEATS = (0.05, 0.015)
"""At the start and the end of each, as shares of what an item in the plan is worth."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The heat, in points, at one moment of the run, which cooling it belongs to, and whether that is the last."""

    heat: float
    cycle: int
    last: bool


class Schedule:
    """The heats of a run of so many seconds."""

    def __init__(self, options: Options, chosen: Indices, seconds: float) -> None:
        worth = options.value[chosen]
        self.unit = float(np.mean(worth)) if len(worth) else 1.0
        slow = int(min(_MOST_SLOW, max(1, (1 - _WARM) * seconds / (_SLOW_SECONDS * max(1, options.people)))))
        quick = _QUICK / slow
        step = (1 - _WARM - quick) / slow
        self._ends = [quick, *(quick + step * (k + 1) for k in range(slow)), 1.0]
        self._heats = [_QUICK_HEATS, *([_SLOW_HEATS] * slow), _WARM_HEATS]

    def at(self, share: float) -> Moment:
        """The heat when so much of the run is over."""
        last = len(self._ends) - 1
        cycle = next((k for k, end in enumerate(self._ends) if share < end), last)
        start = self._ends[cycle - 1] if cycle else 0.0
        part = min(1.0, (share - start) / (self._ends[cycle] - start))
        hot, cold = self._heats[cycle]
        return Moment(self.unit * hot * (cold / hot) ** part, cycle, cycle == last)
