"""How a run is divided. First a quick cooling from hot, until there are good prices. Then, over and over, people make up their
minds and the plan they come to cools from warm: as often as fits into the run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matching.options import Options
from matching.rules import Indices

_QUICK_SECONDS, _DECIDING_SECONDS, _WARM_SECONDS = 0.02, 0.03, 0.02
"""For each person: what more of brings hardly a better plan."""

_AGAIN = 0.5
"""So much of it where people start from a plan."""

_MOST_QUICK = 0.3
"""Of the run, while the prices are still rough."""

_SHORTEST_NEXT = 0.4
"""Of a usual turn: where less would be left for the next one, this one takes it too."""

_QUICK_HEATS = (0.25, 0.02)
_WARM_HEATS = (0.05, 0.01)
"""At the start and the end of a cooling, as shares of what an option in the plan is worth."""


@dataclass(frozen=True, slots=True)
class Heats:
    """From one heat to another, in points, within so many seconds."""

    hot: float
    cold: float
    seconds: float

    def heat(self, share: float) -> float:
        """The heat when so much of it is over."""
        return float(self.hot * (self.cold / self.hot) ** min(1.0, max(0.0, share)))


class Schedule:
    """The parts of a run of so many seconds, or work that stands for them."""

    def __init__(self, options: Options, chosen: Indices, seconds: float) -> None:
        worth = options.value[chosen]
        self._unit = float(np.mean(worth)) if len(worth) else 1.0
        self._people, self._seconds = max(1, options.people), seconds

    def quick(self) -> Heats:
        """The first cooling."""
        hot, cold = _QUICK_HEATS
        return Heats(self._unit * hot, self._unit * cold, min(_MOST_QUICK * self._seconds, _QUICK_SECONDS * self._people))

    def longest_quick(self) -> float:
        """For how many seconds it may go on, cooled down, for want of good prices."""
        return _MOST_QUICK * self._seconds

    def next(self, left: float, *, again: bool) -> tuple[float, Heats]:
        """With so many seconds left: for how many people make up their minds, from nothing or again from a plan, and the cooling
        after that."""
        deciding, warm = _DECIDING_SECONDS * self._people, _WARM_SECONDS * self._people
        deciding *= _AGAIN if again else 1.0
        share = left / (deciding + warm)
        if share < _SHORTEST_NEXT + 1:
            deciding, warm = deciding * share, warm * share
        hot, cold = _WARM_HEATS
        return deciding, Heats(self._unit * hot, self._unit * cold, warm)
