"""Compiling ahead: `python -m matching.solving.warming` compiles what the search of larger problems compiles, where it is not
kept on disk yet, so that no run waits for it. Takes up to a minute the first time, some seconds after that."""

from __future__ import annotations

import math
import os

import numpy as np

from matching.facts import Facts
from matching.generating import generate
from matching.options import Options
from matching.solving.anneal import anneal_round
from matching.solving.bounds import Bounding
from matching.solving.capacity import capacity
from matching.solving.lanes import whole_part
from matching.solving.neighbourhood import Guide

_EFFORT = 1e-5


def warm_up() -> None:
    """Runs every compiled loop once, on an invented week."""
    options = Options(Facts(generate(4, 12, seed=1)))
    nothing = np.zeros(0, dtype=np.int64)
    coarse = capacity(options)
    bounding = Bounding(options, coarse.bound, coarse.minute)
    bounding.step(nothing, coarse.bound - 1, math.inf, _EFFORT)
    guide = Guide(np.zeros(len(options.item_request), dtype=np.int64), np.ones(len(options.item), dtype=bool))
    anneal_round(options, whole_part(options, nothing), guide, 1.0, 1.0, 0.01, False, seed=1)


if __name__ == "__main__":
    os.nice(10)
    warm_up()
