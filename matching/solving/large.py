"""A large problem, in rounds: one process proves the bound and finds prices; at these people make up their minds, which gives a
plan; lanes anneal parts of it that do not touch; and weeks that any of them met are combined into better plans."""

from __future__ import annotations

import math
import time
from collections import Counter
from contextlib import ExitStack, nullcontext

import numpy as np

from matching.objective import plan_worth
from matching.rules import Flags, Indices
from matching.solving.bound_lane import BoundLane
from matching.solving.columns import ColumnPool
from matching.solving.combine import promising
from matching.solving.deciding import lean
from matching.solving.lanes import cut_lanes, join_lanes
from matching.solving.neighbourhood import PROMISING, Guide, Neighbourhood
from matching.solving.run import EFFORT_PER_SECOND, Run
from matching.solving.schedule import Heats, Schedule
from matching.solving.workers import Done, Executor, Task, WorkerDied, Workers

_ANNEAL = "matching.solving.anneal:anneal_round"
_COMBINE = "matching.solving.combine:combine"
_DECIDE = "matching.solving.deciding:decide_round"
_SETTLE = "matching.solving.deciding:settle"

_PEOPLE_IN_LANE = 50
_MOST_LANES = 16
"""Lanes of a reproducible run: as many as the problem has room for, whatever the number of processes."""

_ROUNDS = 20
_SHORTEST, _LONGEST = 0.3, 2.0
"""A cooling has about so many rounds, each within so many seconds."""

_TURNS = 4
"""Of so many times that people make up their minds they do it once from nothing, else from the best plan."""

_MOST_COMBINED = 200
"""People up to whom whole weeks are combined."""

_WHILE = 0.2
_LITTLE = 0.0003
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

    def take(self) -> None:
        """Takes rounds until the run is over: a quick plan while prices are rough, then minds made up and a plan annealed, in
        turns."""
        self._cool(self.schedule.quick())
        while self.bound.rough and not self.run.over and self._elapsed < self.schedule.longest_quick():
            self._round(self.schedule.quick().cold, self.schedule.quick().cold, _LONGEST)
        turn = 0
        while not self.run.over:
            again = turn % _TURNS > 0
            deciding, warm = self.schedule.next(self._whole - self._elapsed, again=again)
            self._decide(deciding, again=again)
            if deciding + warm.seconds >= self._whole - self._elapsed:
                self._combine()
            self._cool(warm)
            turn += 1

    @property
    def _elapsed(self) -> float:
        """The seconds since the start, or the work that stands for them where the run is reproducible."""
        run = self.run
        return run.spent / EFFORT_PER_SECOND if run.deterministic else time.monotonic() - run.started

    @property
    def _whole(self) -> float:
        """The seconds of the whole run, likewise."""
        run = self.run
        return run.effort / EFFORT_PER_SECOND if run.deterministic else run.until - run.started

    @property
    def _width(self) -> int:
        if not self.run.deterministic:
            return max(1, min(self.lanes.count, self.options.people // 2))
        return max(1, min(_MOST_LANES, self.options.people // _PEOPLE_IN_LANE))

    def _cool(self, heats: Heats) -> None:
        """Anneals the plan from where it is, in rounds."""
        started = self._elapsed
        while not self.run.over and (gone := self._elapsed - started) < heats.seconds:
            seconds = self._slice(heats.seconds)
            step = seconds * (self._width if self.run.deterministic else 1)
            self._round(heats.heat(gone / heats.seconds), heats.heat((gone + step) / heats.seconds), seconds)

    def _slice(self, seconds: float) -> float:
        """How long one round of something that takes so many seconds is."""
        usual = min(_LONGEST, max(_SHORTEST, seconds / _ROUNDS))
        return usual if self.run.deterministic else max(0.01, min(usual, self.run.left))

    def _round(self, hot: float, cold: float, seconds: float) -> None:
        """One round: every lane anneals its part; the bound is worked on meanwhile."""
        parts = cut_lanes(self.options, self.current, self._width, self.rng)
        self.run.say("searching for better plans")
        self.bound.start(seconds, self.run.chosen)
        guides = [Guide(self.bound.item_prices(), self._promising()) for _ in parts]
        counted = self.run.deterministic
        tasks = [self._task(k, _ANNEAL, parts[k], guides[k], hot, min(hot, cold), seconds, counted) for k in range(len(parts))]
        self._merge(parts, self._wait(self.lanes, tasks))
        self._learn_of_bound()

    def _learn_of_bound(self) -> None:
        """Takes what the bound's lane has found, and lets its process search once there is little more to prove."""
        self.bound.take(wait=self.run.deterministic or self.alone)
        for week in self.bound.take_weeks():
            self.weeks.add(*week)
        if self._bound_stands():
            self.bound.end()
        if self.bound.ended and not self.alone and isinstance(self.lanes, Workers) and self.lanes.count < self.run.workers:
            self.lanes.grow(self.run.workers - self.lanes.count)

    def _bound_stands(self) -> bool:
        """Whether more work on the bound is worth little by now."""
        bound, share = self.run.bound, self._elapsed / self._whole
        if bound is None or self.bound.rough or self.bound.ended:
            return False
        self.bounds.append((share, bound))
        before = [known for when, known in self.bounds if when <= share - _WHILE]
        return bool(before) and before[-1] - bound < _LITTLE * abs(bound)

    def _decide(self, seconds: float, *, again: bool) -> None:
        """Lets people make up their minds, in each lane by other dice, and goes on with the best plan that they come to."""
        prices = self.bound.prices
        if prices is None:
            return
        self.run.say("letting everybody choose between good weeks")
        count = 1 if self.run.deterministic else self._width
        leanings = [lean(self.options, prices, self.run.chosen if again else None)] * count
        started = self._elapsed
        while not self.run.over and (gone := self._elapsed - started) < seconds:
            part = self._slice(seconds)
            limits = (math.inf, part * EFFORT_PER_SECOND) if self.run.deterministic else (part, math.inf)
            shares = gone / seconds, min(1.0, (gone + part) / seconds)
            self.bound.start(part, self.run.chosen)
            tasks = [self._task(k, _DECIDE, leanings[k], *shares, *limits) for k in range(count)]
            for k, done in self._wait(self.lanes, tasks).items():
                leanings[k] = done.result.leaning
                self.run.spent += done.result.effort
            self._learn_of_bound()
        settled = self._wait(self.lanes, [self._task(k, _SETTLE, leanings[k], seeded=False) for k in range(count)])
        plans = [done.result for _, done in sorted(settled.items())]
        if plans:
            self._adopt(max(plans, key=lambda chosen: plan_worth(self.options, chosen)))
            self.run.better_plan(self.current)
            self.weeks.add_plan(self.current)

    def _task(self, lane: int, function: str, *values: object, seeded: bool = True) -> Task:
        """A task of a lane; with dice of its own."""
        self.number += 1
        seed = (self.run.seed * 1_000_003 + self.number,) if seeded else ()
        return Task((self.number, lane), function, (*values, *seed))

    def _promising(self) -> Flags | None:
        """The options to look at; others in every round while prices are rough: to look at all would take most of the time."""
        if not self.bound.rough:
            return self.bound.promising
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
            if not (self.run.deterministic or self.alone):  # its process shall never wait for the lanes
                self.bound.start(_SHORTEST, self.run.chosen)
        return found

    def _merge(self, parts: list[Neighbourhood], results: dict[int, Done]) -> None:
        """Joins what the lanes found: where they are now, and the best on the way."""
        if self.run.deterministic and len(results) < len(parts):
            return
        lanes = [(parts[k], results[k].result) for k in sorted(results)]
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
