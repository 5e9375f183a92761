"""One search for cheap plans of generalised assignment: a first plan by annealing, then repacking."""

from __future__ import annotations

from threading import Event

import numpy as np
from numpy.typing import NDArray

from matching.public.gap import Assigning, Numbers
from matching.public.gap_anneal import NO_PLAN, Offers, anneal
from matching.public.gap_prices import Priced
from matching.public.gap_repack import Priced as Given
from matching.public.gap_repack import repack, scratch_for

_FIRST_STEPS, _SLICE = 100_000, 10_000
_WIDE = (2.5, 4.0)
"""How many agents a job is offered in the annealing, on average."""

_HOT, _COLD, _FINE = 1.0, 0.1, 4.0
"""Temperatures and the price of being overfull, by the mean and the single price of room."""

_MOST_CELLS = 200_000_000
"""Tables of the repacking are not made larger; such a problem is annealed alone."""

_OWN_WAY = 0.5
"""How often a lane goes on from its own plan and not from the best of all."""

_CELLS_PER_STEP = 1500
"""What a step of the annealing counts in a reproducible run."""


class Lane:
    """A search with its own chance. `cost` is None until `owner` keeps everybody within their room."""

    def __init__(self, problem: Assigning, prices: NDArray[np.float64], priced: Priced, seed: int, stop: Event) -> None:
        self.problem, self.prices, self.priced, self.stop = problem, prices, priced, stop
        self.rng = np.random.default_rng(seed)
        self.owner: Numbers = np.asarray(priced.loss.argmin(axis=0), dtype=np.int64)
        self.cost: int | None = None
        self.given = Given(problem.cost, problem.takes, problem.room, prices)
        self.packs = problem.agents > 1 and problem.jobs * (int(problem.room.max()) + 1) <= _MOST_CELLS
        self.scratch = scratch_for(self.given) if self.packs else None
        self.steps = _FIRST_STEPS

    def improve(self, tries: int, best: Numbers | None) -> int:
        """Goes on for so many tries, from the best plan of all lanes or the lane's own; answers the work done."""
        if self.cost is None or self.scratch is None:
            return self._anneal(best)
        if best is not None and self.rng.random() >= _OWN_WAY:
            self.owner = best.copy()
        seed = int(self.rng.integers(2**31))
        _saved, work = repack(self.given, self.scratch, self.owner, tries, seed, True)
        self.cost = self._cost()
        return work

    def _anneal(self, best: Numbers | None) -> int:
        """Looks for a first plan; a plan of somebody else's will do."""
        if best is not None and self.scratch is not None:
            self.owner, self.cost = best.copy(), int(self.problem.cost[best, np.arange(self.problem.jobs)].sum())
            return 0
        offers = self._offers(float(self.rng.choice(_WIDE)))
        unit = max(float(self.prices.mean()), 0.5)
        owner = np.asarray(self.priced.loss.argmin(axis=0), dtype=np.int64)
        slices = self.steps // _SLICE
        heats = unit * _HOT * (_COLD / _HOT) ** (np.arange(slices + 1) / slices)
        for k in range(slices):
            found, plan = anneal(offers, owner, heats[k], heats[k + 1], _SLICE, int(self.rng.integers(2**31)))
            if found < (NO_PLAN if self.cost is None else self.cost):
                self.cost, self.owner = found, plan
            if self.stop.is_set():
                break
        self.steps *= 2
        work = (k + 1) * _SLICE * _CELLS_PER_STEP
        if self.cost is None and self.scratch is not None:
            trial = owner.copy()
            _saved, more = repack(self.given, self.scratch, trial, 20, int(self.rng.integers(2**31)), False)
            self.owner, work = trial, work + more
            self.cost = self._cost()
        return work

    def _cost(self) -> int | None:
        """What the lane's plan costs; None when somebody is overfull."""
        jobs = np.arange(self.problem.jobs)
        load = np.zeros(self.problem.agents, dtype=np.int64)
        np.add.at(load, self.owner, self.problem.takes[self.owner, jobs])
        return None if (load > self.problem.room).any() else int(self.problem.cost[self.owner, jobs].sum())

    def _offers(self, wide: float) -> Offers:
        """The pairs worth looking at."""
        jobs, agents = np.nonzero(cheapest(self.problem, self.priced, wide).T)
        first = np.searchsorted(jobs, np.arange(self.problem.jobs + 1)).astype(np.int64)
        price = _FINE * np.maximum(self.prices, 0.1)
        return Offers(self.problem.cost, self.problem.takes, self.problem.room, first, agents.astype(np.int64), price)


def cheapest(problem: Assigning, priced: Priced, wide: float) -> NDArray[np.bool_]:
    """The pairs with the least loss: so many for a job on average, at least two for each where there are."""
    loss = priced.loss
    count = min(loss.size, max(1, int(wide * problem.jobs)))
    limit = np.partition(loss.ravel(), count - 1)[count - 1]
    second = np.sort(loss, axis=0)[min(1, len(loss) - 1)]
    return np.asarray(((loss <= limit) | (loss <= second)) & (problem.takes <= problem.room[:, None]))
