"""How the search cools over a run: once quickly, for a good plan soon; once slowly from hotter, for a better one; then from
warm, from the best plan so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matching.options import Options
from matching.rules import Indices

_ENDS = (0.1, 0.85, 1.0)
"""Where each cooling ends, as shares of the run."""

_HOT = (0.25, 0.4, 0.05)
_COLD = (0.02, 0.02, 0.015)
"""At the start and the end of each, as shares of what an item in the plan is worth."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The heat, in points, at one moment of the run, and which cooling it belongs to."""

    heat: float
    cycle: int


class Schedule:
    """The heats of one run."""

    def __init__(self, options: Options, chosen: Indices) -> None:
        worth = options.value[chosen]
        self.unit = float(np.mean(worth)) if len(worth) else 1.0

    def at(self, share: float) -> Moment:
        """The heat when so much of the run is over."""
        start = 0.0
        for cycle, end in enumerate(_ENDS):
            if share < end or cycle == len(_ENDS) - 1:
                part = min(1.0, (share - start) / (end - start))
                hot, cold = _HOT[cycle], _COLD[cycle]
                return Moment(self.unit * hot * (cold / hot) ** part, cycle)
            start = end
        raise AssertionError
