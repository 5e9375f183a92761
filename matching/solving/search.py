"""Large-neighbourhood search: part of the plan after part of the plan is solved again exactly, in parallel on parts
that do not touch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event

import numpy as np

from matching.objective import plan_worth
from matching.options import Options
from matching.rules import Indices
from matching.solving.neighbourhood import Improvement, Neighbourhood, Picker, cut_out
from matching.solving.workers import Done, Task, Workers, run_here
from matching.state import State

_IMPROVE = "matching.solving.neighbourhood:improve"
_PART_SECONDS = 1.0
_PART_EFFORT = 0.6
PART_OVERHEAD = 0.004
"""Effort that building a part and handing it over stands for, so that parts solved at once count too."""

Improved = Callable[[int, tuple[int, ...]], None]


@dataclass(slots=True)
class Budget:
    """When to stop: a moment of the monotonic clock, or an amount of deterministic effort where the run is to be
    reproducible."""

    until: float
    effort: float = math.inf
    spent: float = 0.0
    stop: Event = field(default_factory=Event)

    @property
    def over(self) -> bool:
        """Whether it is time to stop."""
        return self.stop.is_set() or self.spent >= self.effort or (math.isinf(self.effort) and time.monotonic() >= self.until)

    @property
    def left(self) -> float:
        """Seconds left; infinite where effort decides."""
        return self.until - time.monotonic() if math.isinf(self.effort) else math.inf


@dataclass(slots=True)
class _Running:
    part: Neighbourhood
    leased: set[int]
    size: int


class Search:
    """Improves a state. The same seed and effort give the same plan whatever the number of processes: parts are cut out
    in rounds of fixed size and merged in order. Without that wish every process gets a new part as soon as it is
    done."""

    def __init__(self, options: Options, state: State, seed: int, *, deterministic: bool) -> None:
        self.options, self.state = options, state
        self.rng = np.random.default_rng(seed)
        self.seed = seed
        self.deterministic = deterministic
        self.picker = Picker(options)
        self.objective = plan_worth(options, state.chosen)
        self.sizes = Sizes(options.people)
        self.parts = 0
        self._running: dict[int, _Running] = {}

    def run(self, budget: Budget, workers: Workers | None, improved: Improved) -> None:
        """Searches until the budget is over; `improved` hears of every better objective and of the people whose weeks
        changed."""
        width = self._width(workers)
        while self._running or not budget.over:
            tasks = []
            while len(self._running) < width and not budget.over and (task := self._next(budget)) is not None:
                tasks.append(task)
            if not self._running:
                return
            for done in self._finish(tasks, workers, budget):
                self._merge(done, budget, improved)
            if budget.stop.is_set():
                self._running.clear()

    def adopt(self, chosen: Indices) -> None:
        """Goes on from another plan."""
        for c in range(self.options.people):
            for option in sorted(self.state.taken[c]):
                self.state.remove(option)
        for option in chosen.tolist():
            self.state.add(option)
        self.objective = plan_worth(self.options, chosen)

    def _width(self, workers: Workers | None) -> int:
        if not self.deterministic:
            return 1 if workers is None else workers.count
        return max(1, min(16, self.options.people // (2 * self.sizes.largest)))

    def _next(self, budget: Budget) -> Task | None:
        busy = {c for running in self._running.values() for c in running.part.people}
        leased_out = set().union(*(running.leased for running in self._running.values()))
        size = self.sizes.choose(self.rng)
        people = self.picker.pick(self.state, size, busy, self.rng)
        if len(people) < min(2, self.options.people):
            return None
        reach = np.concatenate([self.options.item[self.options.first[c] : self.options.first[c + 1]] for c in people])
        leased = set(self.options.item_request[reach].tolist()) - leased_out
        part = cut_out(self.state, people, leased, 6 * size, self.rng)
        self.parts += 1
        self._running[self.parts] = _Running(part, leased, size)
        seconds = math.inf if self.deterministic else max(0.05, min(_PART_SECONDS, budget.left))
        return Task(self.parts, _IMPROVE, (part, seconds, _PART_EFFORT, self.seed + self.parts))

    def _finish(self, tasks: list[Task], workers: Workers | None, budget: Budget) -> list[Done]:
        if workers is None:
            return list(run_here(self.options, tasks))
        for task in tasks:
            workers.start(task)
        wanted = workers.waiting if self.deterministic else 1
        found: list[Done] = []
        while len(found) < wanted:
            done = workers.finished(0.2)
            if done is not None:
                found.append(done)
            elif budget.stop.is_set():
                return []
        return sorted(found, key=lambda done: int(str(done.key)))

    def _merge(self, done: Done, budget: Budget, improved: Improved) -> None:
        running = self._running.pop(int(str(done.key)))
        result: Improvement = done.result
        budget.spent += result.effort + PART_OVERHEAD
        self.sizes.learn(running.size, result.gain, result.effort)
        if result.gain <= 0:
            return
        for option in running.part.current.tolist():
            self.state.remove(option)
        for option in result.chosen.tolist():
            self.state.add(option)
        self.objective += result.gain
        improved(self.objective, running.part.people)


class Sizes:
    """Learns how many people to free at once: the size that has lately gained most for its effort, the others now and
    then."""

    def __init__(self, people: int) -> None:
        self._arms = [size for size in (6, 8, 10, 12) if size <= max(6, people)]
        self._gain = dict.fromkeys(self._arms, 0.0)
        self._effort = dict.fromkeys(self._arms, 1e-3)

    @property
    def largest(self) -> int:
        """The largest size."""
        return self._arms[-1]

    def choose(self, rng: np.random.Generator) -> int:
        """A size."""
        if rng.random() < 0.3:
            return int(rng.choice(self._arms))
        return max(self._arms, key=lambda size: self._gain[size] / self._effort[size])

    def learn(self, size: int, gain: int, effort: float) -> None:
        """Takes a result into account; older ones fade."""
        for arm in self._arms:
            self._gain[arm] *= 0.98
            self._effort[arm] *= 0.98
        self._gain[size] += gain
        self._effort[size] += effort + PART_OVERHEAD
