"""The lane that proves the bound: one process, or turns in this one, that goes on from where it was."""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np

from matching.options import Options, Points
from matching.rules import Flags, Indices
from matching.solving.bounds import Bounding, BoundStep
from matching.solving.pricing import SCALE, Prices
from matching.solving.run import EFFORT_PER_SECOND, Run
from matching.solving.workers import Executor, Here, Task, WorkerDied, Workers

_STEP = "matching.solving.bound_lane:bound_step"


@dataclass(slots=True)
class BoundHost:
    """What the bound's process is given, and what it builds on first use."""

    options: Options
    bound: int
    minute: float
    bounding: Bounding | None = field(default=None)


def bound_step(host: BoundHost, chosen: Indices, objective: int, seconds: float, effort: float) -> BoundStep:
    """Works on the bound for about so many seconds, or so much effort where that is finite."""
    if host.bounding is None:
        host.bounding = Bounding(host.options, host.bound, host.minute)
    return host.bounding.step(chosen, objective, seconds, effort)


class BoundLane:
    """Starts steps of the bound and tells the run what they prove."""

    def __init__(self, run: Run, stack: ExitStack, *, alone: bool) -> None:
        assert run.bound is not None
        self.run = run
        self.prices: Prices | None = None
        self.promising: Flags | None = None
        self.rough = True
        self.ended = False
        self._stack = stack
        host = BoundHost(run.options, run.bound, run.minute)
        self._executor: Executor
        if alone:
            self._executor = stack.enter_context(Here(1, host))
        else:
            self._executor = stack.enter_context(Workers(1, host))
        self._weeks: list[tuple[int, Indices]] = []

    def item_prices(self) -> Points:
        """A price for each item in points: the bound's own, or what a minute is worth at first."""
        if self.prices is not None:
            prices: Points = self.prices.items // SCALE
            return prices
        options = self.run.options
        worth = options.best_value - np.rint(self.run.minute * options.item_minutes).astype(np.int64)
        return np.asarray(np.maximum(0, worth))

    def start(self, seconds: float, chosen: Indices) -> None:
        """Starts a step if none is under way."""
        run = self.run
        if self.ended or self._executor.waiting:
            return
        assert run.objective is not None
        limits = (math.inf, seconds * EFFORT_PER_SECOND) if run.deterministic else (seconds, math.inf)
        self._executor.start(Task("bound", _STEP, (chosen, run.objective, *limits)))

    def take(self, *, wait: bool) -> None:
        """Takes a step's news if there are any, or waits for them."""
        while not self.ended and self._executor.waiting:
            if self.run.stop.is_set() or self.run.left <= -0.1:
                return
            try:
                done = self._executor.finished(0.05 if wait else 0.0)
            except WorkerDied:
                self.end()
                return
            if done is not None:
                self._learn(done.result)
            if not wait:
                return

    def _learn(self, news: BoundStep) -> None:
        self.run.better_bound(news.bound)
        self.prices = news.prices if news.prices is not None else self.prices
        self.promising = news.promising if news.promising is not None else self.promising
        self.rough = news.rough
        self._weeks += news.weeks
        self.run.spent += news.effort
        if news.converged:
            self.end()

    def end(self) -> None:
        """Nothing more to prove: gives the process back."""
        self.ended = True
        self._stack.close()

    def take_weeks(self) -> list[tuple[int, Indices]]:
        """The weeks met since the last call."""
        weeks, self._weeks = self._weeks, []
        return weeks
