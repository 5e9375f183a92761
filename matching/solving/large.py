"""A large problem: search by neighbourhoods for the plan, column generation for the bound, by turns, each helping the
other."""

from __future__ import annotations

import math
import time
from contextlib import ExitStack

import numpy as np

from matching.solving.bounds import Bounding
from matching.solving.columns import ColumnPool, Duals, week_column
from matching.solving.master import Master
from matching.solving.pricing import Prices, Week
from matching.solving.run import Run
from matching.solving.search import Budget, Search
from matching.solving.workers import Task, WorkerDied, Workers, run_here

_PRICE_ROOM = "matching.solving.master:price_room"
_RECOMBINE = "matching.solving.master:recombine"
_PRICE_WEEKS = "matching.solving.pricing:price_weeks"

_FIRST_SHARE = 0.3
_PRICE_SHARE = 0.15
"""A round of pricing is worth its time only if it takes at most this share of what is left; the first one gains most."""

_CHUNK = 4


def solve_large(run: Run) -> None:
    """Improves the run's plan and bound until it is over. A solving process that dies ends the search, not the run."""
    with ExitStack() as stack:
        try:
            _Turns(run, stack).take()
        except WorkerDied:
            run.say("a solving process ended early; keeping the best plan")


class _Turns:
    """Search, pricing of the bound and recombination by turns."""

    def __init__(self, run: Run, stack: ExitStack) -> None:
        self.run = run
        self.search = Search(run.options, run.state, run.seed, deterministic=run.deterministic)
        self.workers = stack.enter_context(Workers(run.workers, run.options)) if run.workers > 1 else None
        self.master = stack.enter_context(Workers(1, Master(run.options)))
        self.pool = ColumnPool(run.options)
        self.pool.add_plan(np.zeros(0, dtype=np.int64))
        self.pool.add_plan(run.chosen)
        assert run.bound is not None
        self.bounding = Bounding(run.options, self.pool, run.bound)
        self.price_cost = 0.0

    def take(self) -> None:
        """Takes turns until the run is over: the plan first, the bound as far as its share of the time allows."""
        self._search(self._share(0.1))
        if not self.run.over:
            self._price_weeks(self.bounding.ask_first(self.run.minute), _FIRST_SHARE)
        while not self.run.over:
            if self.bounding.converged:
                self._recombine()
            elif self.price_cost > _PRICE_SHARE * self._left():
                self._search(self._left())
            else:
                self._search(max(self.price_cost, self._share(0.005)))
                duals = None if self.run.over else self._price_room()
                if duals is not None and not self.run.over:
                    self._price_weeks(self.bounding.ask(duals), _PRICE_SHARE)

    def _left(self) -> float:
        """What is left of the time, in seconds or effort."""
        run = self.run
        return run.effort - run.spent if run.deterministic else run.left

    def _share(self, part: float) -> float:
        """A part of the whole time, in seconds or effort."""
        run = self.run
        return run.effort * part if run.deterministic else (run.until - run.started) * part

    def _search(self, amount: float) -> None:
        run = self.run
        if run.over:
            return
        run.say("searching for better plans")
        if run.deterministic:
            budget = Budget(math.inf, effort=min(amount, run.effort - run.spent), stop=run.stop)
        else:
            budget = Budget(min(run.until, time.monotonic() + amount), stop=run.stop)
        self.search.run(budget, self.workers, self._improved)
        run.spent += budget.spent

    def _improved(self, _objective: int, people: tuple[int, ...]) -> None:
        state = self.search.state
        for c in people:
            self.pool.add(c, np.array(sorted(state.taken[c]), dtype=np.int64))
        self.run.better_plan(state.chosen)

    def _price_room(self) -> Duals | None:
        self.run.say("pricing room in the plan")
        self.master.start(Task("room", _PRICE_ROOM, (self.pool.take_fresh(),)))
        result = self._wait()
        assert result is None or isinstance(result, Duals)
        return result

    def _wait(self) -> object:
        """The master's answer; None when the time is over first."""
        while True:
            done = self.master.finished(0.1)
            if done is not None:
                return done.result
            if self.run.stop.is_set() or self.run.left <= 0:
                return None

    def _price_weeks(self, prices: Prices, share: float) -> None:
        """Asks for everybody's best week, a few people first: no more where all would take over the share of what is left."""
        run, started = self.run, time.monotonic()
        run.say("proving a bound")
        people = list(range(run.options.people))
        chunks = [people[k : k + _CHUNK] for k in range(0, len(people), _CHUNK)]
        tasks = [Task(k, _PRICE_WEEKS, (chunk, prices, math.inf, 5.0)) for k, chunk in enumerate(chunks)]
        few = max(2, len(tasks) // 20)
        left, weeks = self._left(), list[Week]()
        for part in (tasks[:few], tasks[few:]):
            found = self._weeks(part)
            if found is None:
                return
            effort = sum(week.effort for week in found)
            run.spent += effort
            weeks += found
            spent = sum(week.effort for week in weeks) if run.deterministic else time.monotonic() - started
            self.price_cost = spent * run.options.people / max(1, len(weeks))
            if self.price_cost > share * left:
                return
        self.bounding.learn(weeks)
        run.better_bound(self.bounding.best)

    def _weeks(self, tasks: list[Task]) -> list[Week] | None:
        """The best weeks, in order of the tasks; None when the time is over first."""
        found: dict[object, list[Week]] = {}
        if self.workers is None:
            for done in run_here(self.run.options, tasks):
                found[done.key] = done.result
                if self.run.over:
                    return None
        else:
            for task in tasks:
                self.workers.start(task)
            while len(found) < len(tasks):
                answered = self.workers.finished(0.1)
                if answered is not None:
                    found[answered.key] = answered.result
                if self.run.stop.is_set() or self.run.left <= 0:
                    return None
        return [week for task in tasks for week in found[task.key]]

    def _recombine(self) -> None:
        """Looks for the best plan among all weeks known, then searches on from it."""
        run = self.run
        run.say("combining the best weeks")
        chosen = run.chosen
        people = run.options.person[chosen]
        plan = [week_column(run.options, c, chosen[people == c]) for c in range(run.options.people)]
        for column in plan:
            self.pool.add(column.person, column.chosen)
        seconds = math.inf if run.deterministic else self._share(0.1)
        self.master.start(Task("plan", _RECOMBINE, (self.pool.take_fresh(), plan, seconds, 200)))
        better = self._wait()
        if isinstance(better, np.ndarray) and run.better_plan(better):
            self.search.adopt(better)
            self.pool.add_plan(better)
        self._search(self._share(0.1))
