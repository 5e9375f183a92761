"""Solving shift minimisation: a constructive start, then one person fewer at a time.
 To save one person their tasks are put back; parts of the plan (some people and all they do) are solved again exactly
so that fewer tasks are left over, until none is. The busiest moment proves the result where as many people as tasks
then run are enough."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Any

import numpy as np

from matching.problem import Assignment
from matching.public.smptsp import Tasks
from matching.solution import Progress, Solution, Status
from matching.solving.engines import stopped_when
from matching.solving.search import PART_OVERHEAD

_TRIES = 40
_PART_SECONDS = 2.0
_PART_EFFORT = 1.0
_MOST_PAIRS = 12_000
_WHOLE_SHARE = 0.25
EFFORT_PER_SECOND = 0.25


@dataclass(frozen=True, slots=True)
class Part:
    """Tasks to be given out again, among some people; `share` of the time left may go into it (0: the usual limit)."""

    people: np.ndarray
    tasks: np.ndarray
    share: float = 0.0


class TaskSearch:
    """One run. `owner[t]` is the person who does task t, −1 while it is left over."""

    def __init__(
        self,
        tasks: Tasks,
        time_limit: float,
        seed: int,
        *,
        deterministic: bool,
        progress: Callable[[Progress], None] | None,
        stop: Event | None,
    ) -> None:
        self.tasks = tasks
        self.started = time.monotonic()
        self.until = self.started + time_limit
        self.effort = time_limit * EFFORT_PER_SECOND if deterministic else math.inf
        self.spent = 0.0
        self.deterministic = deterministic
        self.rng = np.random.default_rng(seed)
        self.stop = stop or Event()
        self._progress = progress
        self.starts = np.array([start for start, _ in tasks.spans], dtype=np.int64)
        self.ends = np.array([end for _, end in tasks.spans], dtype=np.int64)
        self.able = np.zeros((len(tasks.able), len(tasks.spans)), dtype=bool)
        for p, able in enumerate(tasks.able):
            self.able[p, sorted(able)] = True
        self.bound = tasks.most_at_once()
        self.best: np.ndarray | None = None

    @property
    def over(self) -> bool:
        """Whether the time is over."""
        if self.stop.is_set():
            return True
        return self.spent >= self.effort if self.deterministic else time.monotonic() >= self.until

    @property
    def seconds(self) -> float:
        """Seconds since the start; of work done where reproducible."""
        return round(self.spent / EFFORT_PER_SECOND if self.deterministic else time.monotonic() - self.started, 3)

    def say(self, phase: str) -> None:
        """Tells how far the search is."""
        if self._progress is not None:
            used = None if self.best is None else people_used(self.best)
            self._progress(Progress(phase=phase, seconds=self.seconds, objective=used, bound=self.bound))

    def construct(self) -> np.ndarray:
        """The best of some randomised constructions; tasks may be left over."""
        found: np.ndarray | None = None
        for attempt in range(_TRIES):
            owner = self._construct_once(0.0 if attempt == 0 else 0.3)
            if found is None or self._cost(owner) < self._cost(found):
                found = owner
            if self._cost(found) == (0, self.bound) or (attempt and self.over):
                break
        assert found is not None
        return found

    def _cost(self, owner: np.ndarray) -> tuple[int, int]:
        return int((owner < 0).sum()), people_used(owner)

    def _construct_once(self, noise: float) -> np.ndarray:
        """Tasks in order of their start; each to a free person in use who can do least else, or to somebody new."""
        breadth = self.able.sum(axis=1) * (1 + noise * self.rng.random(len(self.able)))
        owner = np.full(len(self.starts), -1, dtype=np.int64)
        free_from = np.full(len(self.able), -1, dtype=np.int64)
        used = np.zeros(len(self.able), dtype=bool)
        hardness = self.able.sum(axis=0)
        for t in np.lexsort((hardness, self.starts)):
            fits = self.able[:, t] & (free_from <= self.starts[t])
            if not fits.any():
                continue
            score = np.where(fits, breadth + np.where(used, 0, 1e6), np.inf)
            p = int(np.argmin(score))
            owner[t], free_from[p], used[p] = p, self.ends[t], True
        return owner

    def run(self) -> None:
        """Searches until proven or over."""
        self.say("making a first plan")
        owner = self.construct()
        people = len(self.able)
        if not (owner < 0).any():
            self.best = owner.copy()
        else:
            self._whole(owner, people)
            if self.best is None:
                self._fill(owner, people)
        while self.best is not None and people_used(self.best) > self.bound and not self.over:
            self.say("looking for a plan with the least people")
            if not self._whole(np.full_like(owner, -1), self.bound):
                break
            if people_used(self.best) > self.bound:
                self.bound += 1
        while self.best is not None and not self.over and people_used(self.best) > self.bound:
            owner = self.best.copy()
            self._dismiss(owner)
            self.say("saving one more person")
            self._fill(owner, people_used(self.best) - 1)

    def _whole(self, owner: np.ndarray, most: int) -> bool:
        """Tries a small problem as one model and keeps a plan that leaves nothing over; whether it was solved to the end."""
        if self.able.sum() > _MOST_PAIRS:
            return False
        part = Part(np.arange(len(self.able)), np.arange(len(self.starts)), _WHOLE_SHARE)
        proven = self._solve(owner, part, most)
        if not (owner < 0).any():
            self.best = owner.copy()
        return proven

    def _dismiss(self, owner: np.ndarray) -> None:
        """Puts back the tasks of the person in use with the fewest."""
        counts = np.bincount(owner, minlength=len(self.able))
        fewest = counts[counts > 0].min()
        owner[owner == self.rng.choice(np.nonzero(counts == fewest)[0])] = -1

    def _fill(self, owner: np.ndarray, most: int) -> None:
        """Gives out what is left over with at most so many people in use; keeps the plan when all is done."""
        sizes = {"people": 12.0, "time": 40.0}
        while not self.over:
            left = np.nonzero(owner < 0)[0]
            if not len(left):
                self.best = owner.copy()
                return
            kind = "people" if self.rng.random() < 0.4 else "time"
            task = int(self.rng.choice(left))
            part = self._by_people(owner, task, sizes[kind]) if kind == "people" else self._by_time(owner, task, sizes[kind])
            proven = self._solve(owner, part, most)
            # Parts grow while they are solved to the end, so that what they cannot mend is soon looked at more widely.
            sizes[kind] = max(8.0, sizes[kind] * (1.04 if proven else 0.9))

    def _by_people(self, owner: np.ndarray, task: int, size: float) -> Part:
        """All tasks of some people around a left-over task: mostly such as can do it, a few not in use."""
        used = np.zeros(len(self.able), dtype=bool)
        used[owner[owner >= 0]] = True
        weight = np.where(self.able[:, task], 4.0, 1.0) * np.where(used, 1.0, 0.5)
        people = self.rng.choice(len(self.able), min(int(size), len(self.able)), replace=False, p=weight / weight.sum())
        return Part(np.sort(people), np.nonzero(np.isin(owner, people) | (owner < 0))[0])

    def _by_time(self, owner: np.ndarray, task: int, size: float) -> Part:
        """Everybody's tasks near a left-over task in time."""
        middle = (self.starts[task] + self.ends[task]) / 2
        distance = np.maximum(0, np.maximum(self.starts - middle, middle - self.ends))
        near = np.argsort(distance + 1e-6 * self.rng.random(len(distance)), kind="stable")[: int(size)]
        return Part(np.arange(len(self.able)), np.union1d(near, np.nonzero(owner < 0)[0]))

    def _solve(self, owner: np.ndarray, part: Part, most: int) -> bool:
        """Solves a part again and takes the result unless it leaves more over; whether it was solved to the end."""
        inside = np.zeros(len(owner), dtype=bool)
        inside[part.tasks] = True
        fixed = owner.copy()
        fixed[inside] = -1
        bound_to = np.unique(fixed[fixed >= 0])
        places = most - len(bound_to)
        able = self.able[np.ix_(part.people, part.tasks)]
        for k, p in enumerate(part.people):
            theirs = np.nonzero(fixed == p)[0]
            if len(theirs):
                clash = (self.starts[theirs][:, None] < self.ends[part.tasks]) & (
                    self.ends[theirs][:, None] > self.starts[part.tasks]
                )
                able[k] &= ~clash.any(axis=0)
        seconds = math.inf
        if not self.deterministic:
            left = self.until - time.monotonic()
            seconds = max(0.05, min(left, max(_PART_SECONDS, part.share * left)))
        effort = _PART_EFFORT if not part.share else max(_PART_EFFORT, part.share * min(self.effort, 1e6))
        model = PartModel(self, part, able, ~np.isin(part.people, bound_to), places)
        given, spent, proven = model.solve(owner[part.tasks], seconds, effort, int(self.rng.integers(2**31)), self.stop)
        self.spent += spent + PART_OVERHEAD
        if given is not None and (given < 0).sum() <= (owner[part.tasks] < 0).sum():
            owner[part.tasks] = given
        return proven


class PartModel:
    """Some tasks and people as a CP-SAT model: as many tasks as possible are given out, with at most `places` of the
    `idle` people used."""

    def __init__(self, search: TaskSearch, part: Part, able: np.ndarray, idle: np.ndarray, places: int) -> None:
        from ortools.sat.python import cp_model

        self.cp_model, self.part = cp_model, part
        self.pairs = np.argwhere(able)
        self.count = len(self.pairs)
        self.model = cp_model.CpModel()
        proto = self.model.proto
        for _ in range(self.count + len(part.people)):
            proto.variables.add().domain.extend((0, 1))
        order = np.argsort(self.pairs[:, 1], kind="stable")
        for mine in np.split(order, np.searchsorted(self.pairs[order, 1], np.arange(1, len(part.tasks)))):
            proto.constraints.add().at_most_one.literals.extend(mine.tolist())
        by_person = np.searchsorted(self.pairs[:, 0], np.arange(len(part.people) + 1))
        for p in range(len(part.people)):
            mine = np.arange(by_person[p], by_person[p + 1])
            in_use = self.count + p if idle[p] else None
            _one_at_a_time(proto, search, part.tasks[self.pairs[mine, 1]], mine, in_use)
        total = proto.constraints.add().linear
        total.vars.extend((self.count + np.nonzero(idle)[0]).tolist())
        total.coeffs.extend([1] * int(idle.sum()))
        total.domain.extend((0, max(0, places)))

    def solve(
        self, now: np.ndarray, seconds: float, effort: float, seed: int, stop: Event
    ) -> tuple[np.ndarray | None, float, bool]:
        """The owner of each task (−1: left over; None: nothing found), the effort, and whether no part plan is
        better."""
        proto, cp_model = self.model.proto, self.cp_model
        noise = np.random.default_rng(seed).integers(0, 20, size=len(self.part.tasks))
        proto.objective.vars.extend(range(self.count))
        proto.objective.coeffs.extend((-1000 - noise[self.pairs[:, 1]]).tolist())
        proto.objective.scaling_factor = -1.0
        held = now[self.pairs[:, 1]] == self.part.people[self.pairs[:, 0]]
        proto.solution_hint.vars.extend(range(self.count))
        proto.solution_hint.values.extend(held.astype(np.int64).tolist())
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = seed
        solver.parameters.max_deterministic_time = effort
        if math.isfinite(seconds):
            solver.parameters.max_time_in_seconds = seconds
        solver.parameters.catch_sigint_signal = False
        with stopped_when(stop.is_set, solver):
            status = solver.solve(self.model)
        spent = float(solver.response_proto.deterministic_time)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return None, spent, False
        chosen = self.pairs[np.array(solver.response_proto.solution, dtype=np.int64)[: self.count] > 0]
        owner = np.full(len(self.part.tasks), -1, dtype=np.int64)
        owner[chosen[:, 1]] = self.part.people[chosen[:, 0]]
        return owner, spent, status == cp_model.OPTIMAL


def _one_at_a_time(proto: Any, search: TaskSearch, tasks: np.ndarray, literals: np.ndarray, in_use: int | None) -> None:
    """At each maximal moment at most one of the person's tasks, and none unless the person is in use."""
    starts, ends = search.starts[tasks], search.ends[tasks]
    moments = np.unique(starts)
    if not len(moments):
        return
    extra = [] if in_use is None else [-in_use - 1]
    next_end = np.searchsorted(np.unique(ends), moments, side="right")
    for moment in moments[np.append(next_end[1:] != next_end[:-1], True)]:
        running = literals[(starts <= moment) & (ends > moment)]
        proto.constraints.add().at_most_one.literals.extend([*running.tolist(), *extra])


def people_used(owner: np.ndarray) -> int:
    """How many people have a task."""
    return len(np.unique(owner[owner >= 0]))


def solve_tasks(
    tasks: Tasks,
    *,
    time_limit: float,
    seed: int = 0,
    deterministic: bool = False,
    progress: Callable[[Progress], None] | None = None,
    stop: Event | None = None,
) -> Solution:
    """A plan with few people, and the proven least. Status STOPPED without assignments when no plan was found in
    time."""
    search = TaskSearch(tasks, time_limit, seed, deterministic=deterministic, progress=progress, stop=stop)
    search.run()
    if search.best is None:
        return Solution(assignments=(), objective=0, bound=None, status=Status.STOPPED, seconds=search.seconds)
    used = people_used(search.best)
    return Solution(
        assignments=tuple(sorted(Assignment(str(p), str(t)) for t, p in enumerate(search.best.tolist()))),
        objective=used,
        bound=search.bound,
        status=Status.OPTIMAL if used == search.bound else Status.FEASIBLE,
        seconds=search.seconds,
    )
