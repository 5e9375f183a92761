"""One run of the solver: its clock, its best plan and bound, and what it tells about them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from threading import Event

import numpy as np

from matching.facts import Facts
from matching.objective import plan_worth
from matching.options import Options
from matching.problem import Problem
from matching.rules import Indices
from matching.solution import Progress, Solution, Status
from matching.solving.capacity import capacity
from matching.solving.workers import Here, OpenExecutor, Workers
from matching.state import State

EFFORT_PER_SECOND = 0.25
"""Deterministic effort of CP-SAT that stands for one second of the limit in a reproducible run."""

_QUIET_SECONDS = 0.1


class Run:
    """What all ways of solving share. `start` must be called with the first plan before anything else is asked."""

    def __init__(
        self,
        problem: Problem,
        time_limit: float,
        *,
        workers: int,
        seed: int,
        deterministic: bool,
        progress: Callable[[Progress], None] | None,
        stop: Event | None,
        executor: OpenExecutor | None = None,
    ) -> None:
        self.problem = problem
        self.started = time.monotonic()
        self.until = self.started + time_limit
        self.effort = time_limit * EFFORT_PER_SECOND if deterministic else math.inf
        self.spent = 0.0
        self.workers = max(1, workers)
        self.open_executor: OpenExecutor = executor or (Workers if self.workers > 1 else Here)
        self.seed = seed
        self.deterministic = deterministic
        self.stop = stop or Event()
        self._progress = progress
        self._phase = ""
        self._last_told = -math.inf
        self.objective: int | None = None
        self.bound: int | None = None
        self.chosen: Indices = np.zeros(0, dtype=np.int64)

    def start(self, options: Options, state: State) -> None:
        """Takes the first plan and the coarse bound."""
        self.options, self.state = options, state
        coarse = capacity(options)
        self.minute = coarse.minute
        self.better_bound(coarse.bound)
        self.better_plan(state.chosen)
        self.say("first plan made")

    @property
    def seconds(self) -> float:
        """Seconds since the start; the seconds' worth of work done where the run is reproducible."""
        return round(self.spent / EFFORT_PER_SECOND if self.deterministic else time.monotonic() - self.started, 3)

    @property
    def left(self) -> float:
        """Wall seconds left; infinite in a reproducible run."""
        return math.inf if self.deterministic else self.until - time.monotonic()

    @property
    def proven(self) -> bool:
        """Whether the plan is proven best."""
        return self.objective is not None and self.bound is not None and self.objective >= self.bound

    @property
    def over(self) -> bool:
        """Whether there is nothing more to do, or no time for it."""
        if self.proven or self.stop.is_set():
            return True
        return self.spent >= self.effort if self.deterministic else time.monotonic() >= self.until

    def say(self, phase: str) -> None:
        """Tells what is being done now."""
        self._phase = phase
        self._tell(at_once=True)

    def better_plan(self, chosen: Indices) -> bool:
        """Keeps a plan if it is better than the best so far; whether it was."""
        objective = plan_worth(self.options, chosen)
        if self.objective is not None and objective <= self.objective:
            return False
        self.objective, self.chosen = objective, np.sort(chosen)
        self._tell()
        return True

    def better_bound(self, bound: int) -> None:
        """Keeps a proven bound if it is better than the best so far."""
        if self.bound is None or bound < self.bound:
            self.bound = bound
            self._tell()

    def _tell(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if self._progress is None or (not at_once and now - self._last_told < _QUIET_SECONDS):
            return
        self._last_told = now
        self._progress(Progress(phase=self._phase, seconds=self.seconds, objective=self.objective, bound=self.bound))

    def solution(self, facts: Facts) -> Solution:
        """The best plan."""
        assert self.objective is not None
        self.say("done")
        return Solution(
            assignments=self.options.assignments(facts, self.chosen),
            objective=self.objective,
            bound=self.bound,
            status=Status.OPTIMAL if self.proven else Status.FEASIBLE,
            seconds=self.seconds,
        )
