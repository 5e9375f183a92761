"""Solving shift minimisation: a constructive start, then fewer and fewer people by compiled repair.
 Two lanes search by turns or, with several processes asked for, side by side: one looks for a plan with as few people as
tasks run at the busiest moment, which proves itself; the other for one with one person fewer than the best plan. A small
problem is also asked of CP-SAT, which can prove that so few are not enough."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event

import numpy as np

from matching.problem import Assignment
from matching.public.smptsp import Tasks
from matching.public.smptsp_exact import are_enough
from matching.public.smptsp_repair import LEFT, Board, Given, Numbers, new_board, repair
from matching.solution import Progress, Solution, Status

_TRIES = 40
_ROUND = 3_000_000
"""Work of a lane between two looks at the clock: some 50 ms."""

WORK_PER_SECOND = 60e6
EFFORT_PER_SECOND = 0.25
"""What stands for one second of the limit in a reproducible run: work of the repair, deterministic effort of CP-SAT."""

_FIRST_PATIENCE = 60_000_000
"""Work after which a lane that got nowhere begins anew; it grows with every new beginning."""

_EXACT_PAIRS = 12_000
_EXACT_FROM, _EXACT_SHARE = 0.04, 0.25


@dataclass(slots=True)
class _Lane:
    """One search: its board, the number of people it aims at, and how long it has been at it."""

    board: Board
    most: int
    step: int = 0
    work: int = 0
    patience: int = _FIRST_PATIENCE


class TaskSearch:
    """One run. `best[t]` is the person who does task t."""

    def __init__(
        self,
        tasks: Tasks,
        time_limit: float,
        *,
        workers: int,
        seed: int,
        deterministic: bool,
        progress: Callable[[Progress], None] | None,
        stop: Event | None,
    ) -> None:
        self.started = time.monotonic()
        self.limit = time_limit
        self.workers = workers
        self.lanes = 2 if deterministic else max(2, workers)
        self.spent = 0.0
        self.deterministic = deterministic
        self.rng = np.random.default_rng(seed)
        self.stop = stop or Event()
        self._progress = progress
        self.given = given_of(tasks)
        self.people = len(tasks.able)
        self.bound = tasks.most_at_once()
        self.best: Numbers | None = None
        self.exact_until = 0.0

    @property
    def seconds(self) -> float:
        """Seconds since the start; of work done where reproducible."""
        return round(self.spent if self.deterministic else time.monotonic() - self.started, 3)

    @property
    def used(self) -> int:
        """How many people the best plan uses; one more than there are while there is none."""
        return self.people + 1 if self.best is None else people_used(self.best)

    @property
    def over(self) -> bool:
        """Whether the time is over or nothing is left to do."""
        return self.used <= self.bound or self.bound > self.people or self.stop.is_set() or self.seconds >= self.limit

    def say(self, phase: str) -> None:
        """Tells how far the search is."""
        if self._progress is not None:
            used = None if self.best is None else self.used
            self._progress(Progress(phase=phase, seconds=self.seconds, objective=used, bound=self.bound))

    def run(self) -> None:
        """Searches until proven or over."""
        self.say("making a first plan")
        self._keep(construct(self.given, self.bound, self.rng, lambda: self.stop.is_set() or self._late()))
        if self.over:
            return
        self.say("looking for a plan with fewer people")
        lanes = [self._lane(k) for k in range(self.lanes)]
        with ThreadPoolExecutor(min(self.workers, self.lanes)) as beside:
            while not self.over:
                self._round(lanes, beside)
                if self._may_ask():
                    self._ask()

    def _late(self) -> bool:
        return not self.deterministic and time.monotonic() - self.started >= 0.2 * self.limit

    def _keep(self, owner: Numbers) -> bool:
        """Keeps a plan that leaves nothing over and uses fewer people; whether it did."""
        if (owner < 0).any() or people_used(owner) >= self.used:
            return False
        self.best = owner.copy()
        self.say("looking for a plan with fewer people")
        return True

    def _lane(self, k: int) -> _Lane:
        """A lane that begins: the first and every other aim at the proven least."""
        most = self.bound if k % 2 == 0 else self.used - 1
        start, fresh = self.best, self.seconds > 0.05 * self.limit
        if start is None or (fresh and k % 2 == 0):
            start = construct_once(self.given, self.rng, 0.3)
        return _Lane(new_board(self.given, start, len(start)), most)

    def _round(self, lanes: list[_Lane], beside: ThreadPoolExecutor) -> None:
        """Every lane does a round; what they found is looked at in their order."""
        seeds = [int(self.rng.integers(2**31)) for _ in lanes]
        jobs = [
            beside.submit(repair, self.given, lane.board, lane.most, _ROUND, seed, lane.step)
            for lane, seed in zip(lanes, seeds, strict=True)
        ]
        for k, job in enumerate(jobs):
            work, step = job.result()
            lane = lanes[k]
            lane.work, lane.step = lane.work + work, step
            self.spent += work / WORK_PER_SECOND
            if not lane.board.totals[LEFT]:
                self._keep(lane.board.owner)
        for k, lane in enumerate(lanes):
            if not lane.board.totals[LEFT] or lane.most < self.bound or lane.most >= self.used:
                lanes[k] = self._lane(k)
            elif lane.work > lane.patience:
                lanes[k] = self._lane(k)
                lanes[k].patience = lane.patience * 4 // 3

    def _may_ask(self) -> bool:
        """Whether it is time to ask CP-SAT: the problem is small, and the repair has had its try."""
        few = len(self.given.person) <= _EXACT_PAIRS
        return few and not self.over and self.seconds >= max(self.exact_until, _EXACT_FROM * self.limit)

    def _ask(self) -> None:
        """Asks CP-SAT whether the proven least is enough; raises it when not."""
        self.say("proving how few are enough")
        before = self.seconds
        amount = _EXACT_SHARE * (self.limit - before)
        seconds, effort = (math.inf, amount * EFFORT_PER_SECOND) if self.deterministic else (amount, math.inf)
        answer = are_enough(self.given, self.bound, seconds, effort, int(self.rng.integers(2**31)), self.stop)
        self.spent += answer.effort / EFFORT_PER_SECOND
        if answer.owner is not None:
            self._keep(answer.owner)
        elif answer.impossible:
            self.bound += 1
        else:  # the repair has its turn until it has had as long again, three times
            self.exact_until = self.seconds + 3 * (self.seconds - before)
        self.say("looking for a plan with fewer people")


def given_of(tasks: Tasks) -> Given:
    """The problem in arrays."""
    able = np.zeros((len(tasks.able), len(tasks.spans)), dtype=np.bool_)
    for p, theirs in enumerate(tasks.able):
        able[p, sorted(theirs)] = True
    spans = np.array(tasks.spans, dtype=np.int64).reshape(-1, 2)
    pairs = np.argwhere(able.T)
    first = np.searchsorted(pairs[:, 0], np.arange(len(spans) + 1)).astype(np.int64)
    return Given(spans[:, 0].copy(), spans[:, 1].copy(), first, pairs[:, 1].astype(np.int64), able)


def construct(given: Given, bound: int, rng: np.random.Generator, over: Callable[[], bool]) -> Numbers:
    """The best of some constructions, all but the first by chance; tasks may be left over."""
    best, best_cost = construct_once(given, rng, 0.0), (len(given.starts) + 1, 0)
    for attempt in range(_TRIES):
        owner = best if attempt == 0 else construct_once(given, rng, 0.3)
        cost = int((owner < 0).sum()), people_used(owner)
        if cost < best_cost:
            best, best_cost = owner, cost
        if best_cost == (0, bound) or over():
            break
    return best


def construct_once(given: Given, rng: np.random.Generator, noise: float) -> Numbers:
    """Tasks in order of their start; each to a free person in use who can do least else, or to somebody new."""
    people, tasks = given.able.shape
    breadth = given.able.sum(axis=1) * (1 + noise * rng.random(people))
    owner = np.full(tasks, -1, dtype=np.int64)
    free_from = np.full(people, -1, dtype=np.int64)
    used = np.zeros(people, dtype=bool)
    for t in np.lexsort((given.able.sum(axis=0), given.starts)).tolist():
        fits = given.able[:, t] & (free_from <= given.starts[t])
        if fits.any():
            p = int(np.argmin(np.where(fits, breadth + np.where(used, 0, 1e6), np.inf)))
            owner[t], free_from[p], used[p] = p, given.ends[t], True
    return owner


def people_used(owner: Numbers) -> int:
    """How many people have a task."""
    return len(np.unique(owner[owner >= 0]))


def solve_tasks(
    tasks: Tasks,
    *,
    time_limit: float,
    workers: int = 1,
    seed: int = 0,
    deterministic: bool = False,
    progress: Callable[[Progress], None] | None = None,
    stop: Event | None = None,
) -> Solution:
    """A plan with few people, and the proven least. Status STOPPED without assignments when no plan was found in time,
    INFEASIBLE when there is proven to be none."""
    search = TaskSearch(tasks, time_limit, workers=workers, seed=seed, deterministic=deterministic, progress=progress, stop=stop)
    search.run()
    if search.best is None:
        impossible = search.bound > search.people
        return Solution(
            assignments=(),
            objective=0,
            bound=None,
            status=Status.INFEASIBLE if impossible else Status.STOPPED,
            seconds=search.seconds,
            conflicts=("all the people together cannot do all the tasks",) if impossible else (),
        )
    search.say("done")
    return Solution(
        assignments=tuple(sorted(Assignment(str(p), str(t)) for t, p in enumerate(search.best.tolist()))),
        objective=search.used,
        bound=search.bound,
        status=Status.OPTIMAL if search.used == search.bound else Status.FEASIBLE,
        seconds=search.seconds,
    )
