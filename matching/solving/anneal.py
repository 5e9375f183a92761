"""Annealing part of a plan: many thousand small moves a second, freely at first, ever more choosy as it cools."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.options import Options, Points
from matching.rules import Indices
from matching.solving.anneal_kernel import search
from matching.solving.board import Board, Table, lay_out, set_up
from matching.solving.moves import start_from
from matching.solving.neighbourhood import Guide, Neighbourhood
from matching.solving.run import EFFORT_PER_SECOND

WORK_PER_SECOND = 20_000_000
"""Options looked at that stand for one second in a reproducible run, about what a common machine does."""

_STEP = 0.02
_MOST_LOST = 4096


@dataclass(frozen=True, slots=True)
class Cooling:
    """How to anneal: from one heat to another, in points, and for so many seconds or, where `work` is given, until so many
    options were looked at. `tries` options at most are drawn for a move, of which the most promising is taken; `blink`
    is the chance to overlook somebody."""

    hot: float
    cold: float
    seconds: float
    work: int | None = None
    tries: int = 16
    blink: float = 0.05


@dataclass(frozen=True, slots=True)
class Annealed:
    """The options that the people of a part hold at the end, and those of the best plan on the way; what each gained
    against the start, and the options looked at."""

    last: Indices
    best: Indices
    gain: int
    best_gain: int
    work: int

    @property
    def effort(self) -> float:
        """The work in deterministic effort."""
        return self.work / WORK_PER_SECOND * EFFORT_PER_SECOND


def anneal_round(
    options: Options, part: Neighbourhood, guide: Guide, hot: float, cold: float, seconds: float, counted: bool, seed: int
) -> Annealed:
    """One lane's share of a round: so many seconds, or the work that stands for them."""
    work = int(seconds * WORK_PER_SECOND) if counted else None
    return anneal(options, part, guide, Cooling(hot, cold, seconds, work), seed)


def anneal(options: Options, part: Neighbourhood, guide: Guide, cooling: Cooling, seed: int) -> Annealed:
    """Searches a part from what its people hold."""
    board, numbers = lay_out(options, part, guide.promising)
    table, best = set_up(board), set_up(board)
    start_from(board, table, np.searchsorted(numbers, part.current))
    start = int(table.figures[1])
    best.figures[1] = start - 1
    net = board.value - guide.prices[options.item[numbers]]
    work = _run(board, table, best, np.asarray(net, dtype=np.int64), cooling, seed)
    return Annealed(
        last=_chosen(table, numbers),
        best=_chosen(best, numbers),
        gain=int(table.figures[1]) - start,
        best_gain=int(best.figures[1]) - start,
        work=work,
    )


def _run(board: Board, table: Table, best: Table, net: Points, cooling: Cooling, seed: int) -> int:
    """Cools in steps of work: as many as were asked for, or as many as fit into the time."""
    if not len(board.item):
        search_none(table, best)
        return 0
    dice = np.array([np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] | np.uint64(1)], dtype=np.uint64)
    room, lost, rated = np.zeros(len(board.item), np.int32), np.zeros(_MOST_LOST, np.int32), np.zeros(_MOST_LOST)
    step = int(_STEP * WORK_PER_SECOND)
    started, done = time.monotonic(), 0
    while True:
        share = done / cooling.work if cooling.work is not None else (time.monotonic() - started) / max(1e-9, cooling.seconds)
        if share >= 1.0:
            return done
        heat = cooling.hot * (cooling.cold / cooling.hot) ** share if cooling.hot > 0 else 0.0
        part = step if cooling.work is None else min(step, cooling.work - done)
        search(board, table, best, heat, cooling.blink, part, net, cooling.tries, dice, room, lost, rated)
        done += part


def search_none(table: Table, best: Table) -> None:
    """Where nobody can take anything the best plan is the one at hand."""
    best.figures[1] = table.figures[1]


def _chosen(table: Table, numbers: Indices) -> Indices:
    taken: NDArray[np.int32] = table.held[np.arange(table.held.shape[1])[None, :] < table.count[:, None]]
    return np.sort(numbers[taken])
