"""Planning level by level: the best cover first, then continuity, then balance, then margin.

The first level is an ordinary plan for a problem that counts cover alone. Each later level is maximised with a row for
every earlier one that keeps what it reached: a small problem in one exact model, a large one part by part."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from threading import Event

import numpy as np

from matching.facts import Facts
from matching.levels import LEVELS, cover_first_problem, cover_problem, least_beside_cover, level_options
from matching.objective import plan_worth
from matching.options import Options
from matching.problem import Problem
from matching.rules import Indices
from matching.solution import Level, Progress, Solution, Status
from matching.solving.exact import fits_exactly
from matching.solving.greedy import greedy_plan
from matching.solving.level_model import LevelModel, Watcher
from matching.solving.level_search import LevelSearch
from matching.solving.run import EFFORT_PER_SECOND
from matching.solving.workers import Here, OpenExecutor, WorkerDied, Workers
from matching.state import State

_COVER_SHARE = 0.45
"""How much of the time the first plan may take; the levels share the rest, each the same part of what is left."""

_SCALE = 64
"""How often cover counts in the first plan of a large problem. The weights of priorities are already some times those of
the rest; with this a plan gives cover for nothing else that is worth naming, and the search still tells plans of equal
cover apart."""

Tell = Callable[[Progress], None]


def solve_lexicographic(
    problem: Problem,
    *,
    time_limit: float,
    workers: int = 1,
    seed: int = 0,
    deterministic: bool = False,
    progress: Tell | None = None,
    stop: Event | None = None,
    executor: OpenExecutor | None = None,
) -> Solution:
    """The best plan found level by level; arguments as of `matching.solve`.

    The plan's `levels` say what it reaches on each, with a bound where one is proven; its status is optimal when every
    level is. Progress tells of the level in its phase, with that level's own value and bound; the value of cover is a
    close one until its level is done."""
    started = time.monotonic()
    stop = stop or Event()
    facts = Facts(problem)
    staged = _Staged(facts, Options(facts), progress or (lambda _event: None), stop, started)
    first = staged.first_plan(time_limit, workers=workers, seed=seed, deterministic=deterministic, executor=executor)
    if first.status is Status.INFEASIBLE:
        return first
    staged.until = started + time_limit
    staged.effort = time_limit * EFFORT_PER_SECOND if deterministic else math.inf
    staged.spent = first.seconds * EFFORT_PER_SECOND if deterministic else 0.0
    for k in range(1 if staged.small else 0, len(LEVELS)):
        staged.take(k, executor or (Workers if workers > 1 else Here), workers, seed)
    return staged.solution()


class _Staged:
    """The plan as it is made level by level."""

    def __init__(self, facts: Facts, options: Options, tell: Tell, stop: Event, started: float) -> None:
        self.facts, self.options, self.tell, self.stop, self.started = facts, options, tell, stop, started
        self.levels = level_options(facts, options)
        self.small = fits_exactly(options)
        self.chosen: Indices = np.zeros(0, dtype=np.int64)
        self.bounds: list[int | None] = []
        self.reached: list[int] = []
        self.floors: list[int] = []
        self.until = self.effort = math.inf
        self.spent = 0.0

    def first_plan(
        self, time_limit: float, *, workers: int, seed: int, deterministic: bool, executor: OpenExecutor | None
    ) -> Solution:
        """An ordinary plan for cover: for it alone where the problem is small, for it above all where it is large."""
        from matching.solving.solver import solve

        problem, scale = self.facts.problem, 1 if self.small else _SCALE
        beside = 0 if self.small else least_beside_cover(self.levels)

        def cover_of(points: int | None) -> int | None:
            return None if points is None else (points - beside) // scale

        def tell(event: Progress) -> None:
            about = None if event.objective is None else event.objective // scale
            phase = f"{LEVELS[0]}: {event.phase}"
            self.tell(replace(event, phase=phase, objective=about, bound=cover_of(event.bound)))

        first = solve(
            cover_problem(problem) if self.small else cover_first_problem(problem, scale),
            time_limit=time_limit * _COVER_SHARE,
            workers=workers,
            seed=seed,
            deterministic=deterministic,
            progress=tell,
            stop=self.stop,
            executor=executor,
        )
        self._take(first)
        self._fill()
        self.bounds.append(cover_of(first.bound))
        return first

    def _take(self, plan: Solution) -> None:
        index, windows = self.facts.coordinator_index, self.facts.window_index
        held = {(index[one.coordinator], int(self.options.window_item[windows[one.window]])) for one in plan.assignments}
        found = [option for c, i in held if (option := self.options.find(c, i)) is not None]
        self.chosen = np.array(sorted(found), dtype=np.int64)

    def _fill(self) -> None:
        """Adds whatever covers more with nobody else moving."""
        state = State(self.levels[0])
        for option in self.chosen.tolist():
            state.add(option)
        greedy_plan(self.levels[0], state)
        self.chosen = state.chosen

    @property
    def seconds(self) -> float:
        """Seconds since the start, or the seconds' worth of work in a reproducible run."""
        reproducible = math.isfinite(self.effort)
        return round(self.spent / EFFORT_PER_SECOND if reproducible else time.monotonic() - self.started, 3)

    def _part(self, levels: int) -> tuple[float, float]:
        """The seconds and the effort for one of so many levels that are still to come."""
        if math.isfinite(self.effort):
            return math.inf, max(0.0, self.effort - self.spent) / levels
        return max(0.0, self.until - time.monotonic()) / levels, math.inf

    def take(self, k: int, executor: OpenExecutor, workers: int, seed: int) -> None:
        """Keeps what the level before reached, and makes the most of level k."""
        if k:
            reached = plan_worth(self.levels[k - 1], self.chosen)
            self.reached.append(reached)
            self.floors.append(reached - abs(reached) * (1000 - self.facts.problem.keep_per_mille) // 1000)
            self.bounds.append(None)
        seconds, effort = self._part(len(LEVELS) - k)
        self._say(k)
        if self.stop.is_set() or seconds <= 0 or effort <= 0:
            return
        if self.small:
            self._exactly(k, seconds, effort, seed)
        else:
            self._by_parts(k, seconds, effort, executor, workers, seed)
        self._say(k)

    def _say(self, k: int) -> None:
        value, phase = plan_worth(self.levels[k], self.chosen), f"{LEVELS[k]}: making the most of it"
        self.tell(Progress(phase=phase, seconds=self.seconds, objective=value, bound=self.bounds[k]))

    def _exactly(self, k: int, seconds: float, effort: float, seed: int) -> None:
        model = LevelModel.of_all(self.levels)
        if model is None:
            self.bounds[k] = plan_worth(self.levels[k], self.chosen)
            return
        answer = model.solve(k, self.floors, self.chosen, seconds, effort, seed, Watcher(self.stop))
        self.spent += answer.effort
        if answer.chosen is not None and plan_worth(self.levels[k], answer.chosen) > plan_worth(self.levels[k], self.chosen):
            self.chosen = answer.chosen
        self.bounds[k] = answer.bound

    def _by_parts(self, k: int, seconds: float, effort: float, executor: OpenExecutor, workers: int, seed: int) -> None:
        search = LevelSearch(self.levels, k, self.floors, self.chosen, seed, self.stop)

        def improved(chosen: Indices) -> None:
            self.chosen = chosen
            self._say(k)

        try:
            with executor(workers, tuple(self.levels)) as pool:
                search.run(time.monotonic() + seconds, effort, pool, improved)
        except WorkerDied:
            self.tell(Progress(phase=f"{LEVELS[k]}: a solving process ended early; keeping the best plan", seconds=self.seconds))
        self.spent += search.spent

    def solution(self) -> Solution:
        """The plan as it stands. It is proven where every level was, when its turn was over."""
        if self.facts.problem.keep_per_mille == 1000:
            # Moves for the later levels may have made room: more cover is better, whatever it costs them.
            self._fill()
        values = [plan_worth(level, self.chosen) for level in self.levels]
        reached = [*self.reached, values[-1]]
        proven = all(bound == value for bound, value in zip(self.bounds, reached, strict=True))
        found = zip(LEVELS, values, self.bounds, strict=True)
        return Solution(
            assignments=self.options.assignments(self.facts, self.chosen),
            objective=sum(values),
            bound=None,
            status=Status.OPTIMAL if proven else Status.FEASIBLE,
            seconds=self.seconds,
            levels=tuple(Level(name, value, bound) for name, value, bound in found),
        )
