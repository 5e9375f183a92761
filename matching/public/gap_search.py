"""Solving generalised assignment: prices for a bound and for what is worth looking at, repacking for plans, and one exact
program for HiGHS over the few pairs that can still be in a better plan."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from threading import Event

import numpy as np
from numpy.typing import NDArray

from matching.problem import Assignment
from matching.public.gap import Assigning, Numbers
from matching.public.gap_anneal import NO_PLAN
from matching.public.gap_lane import Lane, cheapest
from matching.public.gap_prices import FAR, priced
from matching.public.gap_programs import Found
from matching.solution import Progress, Solution, Status
from matching.solving.workers import Task, WorkerDied, Workers

_PRICES = "matching.public.gap_programs:room_prices"
_EXACT = "matching.public.gap_programs:best_among"

_LANES, _ROUNDS, _TRIES = 2, 20, 100
"""Of a reproducible run: lanes, rounds of theirs between two exact programs, tries in a round."""

CELLS_PER_SECOND = 500e6
"""Cells of tables filled that stand for one second of the limit in a reproducible run."""

_NODES, _SMALL_NODES, _SMALL = 200, 5_000, 1_000
"""Nodes of an exact program in a reproducible run; a problem of so many pairs is one program from the start."""

_LOOK_SHARE, _LOOK_WIDE, _MOST_WIDE = 0.15, 3.0, 7.0
"""The first exact program gets this share of the time and so many pairs for each job; no other has more than so many."""


class AssigningSearch:
    """One run. `best[j]` is the agent of job j."""

    def __init__(
        self,
        problem: Assigning,
        time_limit: float,
        *,
        workers: int,
        seed: int,
        deterministic: bool,
        progress: Callable[[Progress], None] | None,
        stop: Event | None,
    ) -> None:
        self.problem = problem
        self.started = time.monotonic()
        self.limit = time_limit
        self.workers = max(1, workers)
        self.deterministic = deterministic
        self.rng = np.random.default_rng(seed)
        self.stop = stop or Event()
        self._progress = progress
        self.spent = 0.0
        self.bound: int | None = None
        self.cost: int | None = None
        self.best: Numbers | None = None
        self.impossible = False
        self.next_program = 0.1 * time_limit
        self.looked, self.needed = False, math.inf
        self.asked: NDArray[np.bool_] = np.zeros((0, 0), dtype=np.bool_)

    @property
    def seconds(self) -> float:
        """Seconds since the start; of work done where reproducible."""
        return round(self.spent if self.deterministic else time.monotonic() - self.started, 3)

    @property
    def proven(self) -> bool:
        """Whether nothing better is left."""
        return self.impossible or (self.cost is not None and self.bound is not None and self.cost <= self.bound)

    @property
    def over(self) -> bool:
        """Whether the time is over or nothing is left to do."""
        return self.proven or self.stop.is_set() or self.seconds >= self.limit

    def say(self, phase: str) -> None:
        """Tells how far the search is."""
        if self._progress is not None:
            self._progress(Progress(phase=phase, seconds=self.seconds, objective=self.cost, bound=self.bound))

    def run(self) -> None:
        """Searches until proven or over. A solving process that dies ends the search, not the run."""
        with ExitStack() as stack:
            try:
                child = stack.enter_context(Workers(1, self.problem))
                self._run(child)
            except WorkerDied:
                self.say("a solving process ended early; keeping the best plan")

    def _run(self, child: Workers) -> None:
        self.say("pricing room")
        child.start(Task("prices", _PRICES, ()))
        prices = self._wait(child)
        if prices is None:
            self.impossible = not self.over
            return
        self.prices = np.asarray(prices, dtype=np.float64)
        self.priced = priced(self.problem, self.prices)
        self.bound = self.priced.whole_bound()
        if self.problem.cost.size <= _SMALL:
            self._whole(child)
        if self.over:
            return
        if self.deterministic:
            self._by_turns(child)
        else:
            self._side_by_side(child)

    def _whole(self, child: Workers) -> None:
        """A small problem as one exact program at once."""
        self.say("solving one exact program")
        self.asked = self.problem.takes <= self.problem.room[:, None]
        seconds, nodes = (math.inf, _SMALL_NODES) if self.deterministic else (0.3 * self.limit, None)
        self._learn(self._wait(child, Task("exact", _EXACT, (self.asked, None, seconds, nodes, self._seed()))))

    def _by_turns(self, child: Workers) -> None:
        """Repacking and exact programs one after the other; what happens depends on the problem and the seed alone."""
        lanes = [self._lane() for _ in range(_LANES)]
        with ThreadPoolExecutor(min(self.workers, _LANES)) as beside:
            while not self.over:
                for _ in range(_ROUNDS):
                    if self.over:
                        return
                    for lane, done in [(lane, beside.submit(lane.improve, _TRIES, self.best)) for lane in lanes]:
                        self.spent += done.result() / CELLS_PER_SECOND
                        self._take(lane)
                if not self.over and (task := self._exact_task(math.inf, _NODES)) is not None:
                    before = self.spent
                    self._learn(self._wait(child, task))
                    self.spent = before + 0.1 * self.limit

    def _side_by_side(self, child: Workers) -> None:
        """Exact programs in their process while others repack; with one process, by turns."""
        lanes = [self._lane() for _ in range(self.workers)]
        running: dict[Future[int], Lane] = {}
        with ThreadPoolExecutor(len(lanes)) as beside:
            while not self.over:
                if not child.waiting and (self.workers > 1 or self.seconds > self.next_program):
                    task = self._exact_task(self._program_seconds(), None)
                    if task is not None:
                        child.start(task)
                busy = set(running.values())
                places = self.workers - child.waiting - len(busy)
                for lane in [lane for lane in lanes if lane not in busy][: max(0, places)]:
                    running[beside.submit(lane.improve, _TRIES, self.best)] = lane
                self._gather(child, running)

    def _program_seconds(self) -> float:
        """A short look over few pairs first; the program over all that matter gets what is left."""
        return max(1.0, _LOOK_SHARE * self.limit if not self.looked else self.limit - self.seconds)

    def _gather(self, child: Workers, running: dict[Future[int], Lane]) -> None:
        """Waits a little for whatever is ready and takes it in."""
        if child.waiting and (answered := child.finished(0.001 if running else 0.1)) is not None:
            self._learn(answered.result)
            self.next_program = self.seconds + 0.2 * self.limit
        if running:
            wait(running, timeout=0.1, return_when=FIRST_COMPLETED)
        for done in [done for done in running if done.done()]:
            self._take(running.pop(done))
            done.result()

    def _lane(self) -> Lane:
        return Lane(self.problem, self.prices, self.priced, int(self.rng.integers(2**31)), self.stop)

    def _take(self, lane: Lane) -> None:
        """Takes in what a lane has."""
        if lane.cost is not None:
            self._keep(lane.cost, lane.owner.copy())

    def _seed(self) -> int:
        return int(self.rng.integers(2**31))

    def _wait(self, child: Workers, task: Task | None = None) -> object:
        """The child's answer; None when the time is over first."""
        if task is not None:
            child.start(task)
        while True:
            answered = child.finished(0.1)
            if answered is not None:
                return answered.result
            if self.stop.is_set() or (not self.deterministic and self.seconds >= self.limit):
                return None

    def _exact_task(self, seconds: float, nodes: int | None) -> Task | None:
        """The next exact program: once over few pairs; then over all that can be in a better plan, as soon as those are
        few and fewer than when last asked."""
        keep = cheapest(self.problem, self.priced, _LOOK_WIDE)
        if self.looked or self.cost is not None:
            if self.cost is None:
                return None
            needed = self.priced.within(self.cost - 1)
            if not needed.any(axis=0).all():
                self.bound = self.cost
                return None
            if self.looked and needed.sum() > min(_MOST_WIDE * self.problem.jobs, 0.8 * self.needed):
                return None
            if needed.sum() <= _MOST_WIDE * self.problem.jobs:
                keep, self.needed = needed, float(needed.sum())
        self.looked, self.asked = True, keep
        self.say("solving over the pairs that matter")
        start = self.best if self.best is not None and keep[self.best, np.arange(self.problem.jobs)].all() else None
        return Task("exact", _EXACT, (keep, start, seconds, nodes, self._seed()))

    def _learn(self, answer: object) -> None:
        """Takes in what an exact program found, and the bound it proves together with the losses of the other pairs."""
        if not isinstance(answer, Found):
            return
        others = self.priced.loss[~self.asked]
        outside = math.inf
        if len(others) and others.min() < FAR:
            outside = (self.priced.bound + int(others.min())) / self.priced.units
        bound = min(answer.bound, outside)
        if bound == math.inf and self.cost is None:
            self.impossible = True
        elif bound > -math.inf:
            proven = math.ceil(min(bound, 2.0**60) - 1e-5)
            # No plan is cheaper than the one there is, or than the bound.
            self.bound = max(self.bound or 0, proven if self.cost is None else min(proven, self.cost))
        if answer.owner is not None and (answer.owner >= 0).all():
            self._keep(self._cost_of(answer.owner), answer.owner)

    def _cost_of(self, owner: Numbers) -> int:
        """The cost of a plan; NO_PLAN when somebody is overfull."""
        jobs = np.arange(self.problem.jobs)
        load = np.zeros(self.problem.agents, dtype=np.int64)
        np.add.at(load, owner, self.problem.takes[owner, jobs])
        return NO_PLAN if (load > self.problem.room).any() else int(self.problem.cost[owner, jobs].sum())

    def _keep(self, cost: int, owner: Numbers) -> None:
        """Keeps a cheaper plan."""
        if cost < (NO_PLAN if self.cost is None else self.cost):
            self.cost, self.best = cost, owner
            self.say("looking for cheaper plans")


def solve_gap(
    problem: Assigning,
    *,
    time_limit: float,
    workers: int = 1,
    seed: int = 0,
    deterministic: bool = False,
    progress: Callable[[Progress], None] | None = None,
    stop: Event | None = None,
) -> Solution:
    """A cheap plan, and a proven bound. Status STOPPED without assignments when no plan was found in time, INFEASIBLE
    when there is proven to be none."""
    search = AssigningSearch(
        problem, time_limit, workers=workers, seed=seed, deterministic=deterministic, progress=progress, stop=stop
    )
    search.run()
    search.say("done")
    if search.best is None or search.cost is None:
        return Solution(
            assignments=(),
            objective=0,
            bound=None if search.impossible else search.bound,
            status=Status.INFEASIBLE if search.impossible else Status.STOPPED,
            seconds=search.seconds,
            conflicts=("the agents together have no room for all jobs",) if search.impossible else (),
        )
    return Solution(
        assignments=tuple(sorted(Assignment(str(a), str(j)) for j, a in enumerate(search.best.tolist()))),
        objective=search.cost,
        bound=search.bound,
        status=Status.OPTIMAL if search.proven else Status.FEASIBLE,
        seconds=search.seconds,
    )
