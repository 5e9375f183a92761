"""A large problem: lanes anneal parts of the plan that do not touch, in rounds, while one more proves the bound; weeks that
either found are combined into better plans."""

from __future__ import annotations

import math
import time
from collections import Counter
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass

import numpy as np

from matching.objective import plan_worth
from matching.rules import Flags, Indices
from matching.solving.bound_lane import BoundLane
from matching.solving.columns import ColumnPool
from matching.solving.combine import promising
from matching.solving.lanes import cut_lanes, join_lanes
from matching.solving.neighbourhood import PROMISING, Guide, Neighbourhood
from matching.solving.run import EFFORT_PER_SECOND, Run
from matching.solving.schedule import Schedule
from matching.solving.workers import Done, Executor, Task, WorkerDied, Workers

_ANNEAL = "matching.solving.anneal:anneal_round"
_COMBINE = "matching.solving.combine:combine"

_PEOPLE_IN_LANE = 50
_MOST_LANES = 16
"""Lanes of a reproducible run: as many as the problem has room for, whatever the number of processes."""

_ROUNDS = 200
_SHORTEST, _LONGEST = 0.3, 2.0
"""A run has about so many rounds, each within so many seconds."""

_MOST_COMBINED = 200
"""People up to whom whole weeks are combined."""

_WHILE = 0.2
_LITTLE = 0.001
"""When the bound got better by less than that share of itself within that share of the run, its process searches too."""

_TRIES = 3
"""How often a reproducible run has a task done that is lost each time."""


def solve_large(run: Run) -> None:
    """Improves the run's plan and bound until it is over. A solving process that dies ends its lane, not the run."""
    with ExitStack() as stack:
        try:
            _Rounds(run, stack).take()
        except WorkerDied:
            run.say("no solving process is left; keeping the best plan")


@dataclass(frozen=True, slots=True)
class _Round:
    """What is under way in a round: the lanes' parts, and how much time or work each lane gets."""

    parts: list[Neighbourhood]
    hot: float
    cold: float
    seconds: float


class _Rounds:
    """The rounds of one run. `current` is the plan being annealed, the run keeps the best one."""

    def __init__(self, run: Run, stack: ExitStack) -> None:
        self.run, self.options = run, run.options
        self.stack = stack
        self.rng = np.random.default_rng(run.seed)
        self.current = run.chosen
        self.current_worth = plan_worth(run.options, run.chosen)
        self.schedule = Schedule(run.options, run.chosen, self._whole)
        self.weeks = ColumnPool(run.options)
        self.weeks.add_plan(run.chosen)
        self.alone = run.workers == 1
        self.lanes: Executor = stack.enter_context(run.open_executor(max(1, run.workers - 1), run.options))
        self.bound = BoundLane(run, stack.enter_context(ExitStack()), alone=self.alone)
        self.bounds: list[tuple[float, int]] = []
        self.number = 0
        self.cycle = 0

    def take(self) -> None:
        """Takes rounds until the run is over."""
        while not self.run.over:
            moment = self.schedule.at(self._share)
            if moment.cycle != self.cycle:
                self.cycle = moment.cycle
                self.weeks.add_plan(self.current)
                if moment.last:
                    self._combine()
                self._adopt(self.run.chosen)
            self._round()

    @property
    def _share(self) -> float:
        """How much of the run is over."""
        run = self.run
        if run.deterministic:
            return run.spent / run.effort
        return (time.monotonic() - run.started) / (run.until - run.started)

    @property
    def _whole(self) -> float:
        """The seconds of the whole run; those that its work stands for where it is reproducible."""
        run = self.run
        return run.effort / EFFORT_PER_SECOND if run.deterministic else run.until - run.started

    @property
    def _width(self) -> int:
        if not self.run.deterministic:
            return max(1, min(self.lanes.count, self.options.people // 2))
        return max(1, min(_MOST_LANES, self.options.people // _PEOPLE_IN_LANE))

    def _round(self) -> None:
        """One round: every lane anneals its part; the bound is worked on meanwhile."""
        begun = self._begin()
        self.run.say("searching for better plans")
        self.bound.start(begun.seconds, self.run.chosen)
        results = self._wait(self.lanes, [self._task(begun, k) for k in range(len(begun.parts))])
        self._merge(begun, results)
        self.bound.take(wait=self.run.deterministic or self.alone)
        for week in self.bound.take_weeks():
            self.weeks.add(*week)
        if self._bound_stands():
            self.bound.end()
        if self.bound.ended and not self.alone and isinstance(self.lanes, Workers) and self.lanes.count < self.run.workers:
            self.lanes.grow(self.run.workers - self.lanes.count)

    def _bound_stands(self) -> bool:
        """Whether more work on the bound is worth little by now."""
        bound, share = self.run.bound, self._share
        if bound is None or self.bound.rough or self.bound.ended:
            return False
        self.bounds.append((share, bound))
        before = [known for when, known in self.bounds if when <= share - _WHILE]
        return bool(before) and before[-1] - bound < _LITTLE * abs(bound)

    def _begin(self) -> _Round:
        run = self.run
        whole = self._whole
        seconds = min(_LONGEST, max(_SHORTEST, whole / _ROUNDS))
        parts = cut_lanes(self.options, self.current, self._width, self.rng)
        share = self._share
        if run.deterministic:
            step = seconds * len(parts) * EFFORT_PER_SECOND / run.effort
        else:
            seconds = max(0.01, min(seconds, run.left))
            step = seconds / whole
        hot, cold = self.schedule.at(share).heat, self.schedule.at(min(1.0, share + step)).heat
        return _Round(parts, hot, min(hot, cold), seconds)

    def _task(self, begun: _Round, lane: int) -> Task:
        self.number += 1
        promising = self._some_options() if self.bound.rough else self.bound.promising
        guide = Guide(self.bound.item_prices(), promising)
        values = (begun.parts[lane], guide, begun.hot, begun.cold, begun.seconds, self.run.deterministic)
        return Task((self.number, lane), _ANNEAL, (*values, self.run.seed * 1_000_003 + self.number))

    def _some_options(self) -> Flags:
        """Others in every round, while prices are rough: to look at all of them would take most of the time."""
        options = self.options
        return np.asarray(self.rng.random(len(options.item)) * len(options.item) < PROMISING * options.people)

    def _wait(self, executor: Executor, tasks: list[Task]) -> dict[int, Done]:
        """The tasks' answers by lane; without those that are lost or not in time."""
        for task in tasks:
            executor.start(task)
        left = {task.key: task for task in tasks}
        tries = Counter(left)
        found: dict[int, Done] = {}
        while left:
            if self.run.stop.is_set() or self.run.left <= -0.1:
                break
            try:
                done = executor.finished(0.05)
            except WorkerDied as error:
                lost = left.pop(error.key, None)
                if not executor.count or (self.run.deterministic and lost is not None and tries[lost.key] >= _TRIES):
                    raise
                if self.run.deterministic and lost is not None:  # the plan must not depend on who is lost
                    left[lost.key] = lost
                    tries[lost.key] += 1
                    executor.start(lost)
                continue
            if done is not None and left.pop(done.key, None) is not None:
                found[done.key[1]] = done  # type: ignore[index]
            self.bound.take(wait=False)
        return found

    def _merge(self, begun: _Round, results: dict[int, Done]) -> None:
        """Joins what the lanes found: where they are now, and the best on the way."""
        if self.run.deterministic and len(results) < len(begun.parts):
            return
        lanes = [(begun.parts[k], results[k].result) for k in sorted(results)]
        before, worth = self.current, self.current_worth
        best = worth + sum(found.best_gain for _, found in lanes)
        if self.run.objective is not None and best > self.run.objective:
            self.run.better_plan(join_lanes(self.options, before, [(part, found.best) for part, found in lanes]))
            self.weeks.add_plan(self.run.chosen)
        self.current = join_lanes(self.options, before, [(part, found.last) for part, found in lanes])
        self.current_worth = worth + sum(found.gain for _, found in lanes)
        self.run.spent += sum(found.effort for _, found in lanes)

    def _adopt(self, chosen: Indices) -> None:
        self.current, self.current_worth = chosen, plan_worth(self.options, chosen)

    def _combine(self) -> None:
        """Looks for the best plan among all weeks known."""
        run = self.run
        if self.options.people > _MOST_COMBINED or run.over:
            return
        run.say("combining the best weeks")
        self.weeks.add_plan(run.chosen)
        seconds = math.inf if run.deterministic else min(10.0, 0.05 * (run.until - run.started))
        weeks = promising(self.options, self.weeks, run.chosen, self.bound.prices)
        task = Task((0, 0), _COMBINE, (weeks, run.chosen, seconds, 200, run.seed))
        # HiGHS cannot be loaded beside OR-Tools, which this process may have loaded before.
        with Workers(1, self.options) if self.alone else nullcontext(self.lanes) as executor:
            found = self._wait(executor, [task])
        if 0 in found and isinstance(found[0].result, np.ndarray):
            run.better_plan(found[0].result)
