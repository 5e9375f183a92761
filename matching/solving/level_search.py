"""Improving one level of the lexicographic objective of a large plan, part by part, with the levels before it kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event

import numpy as np

from matching.objective import plan_worth
from matching.options import Options
from matching.rules import Indices
from matching.solving.level_model import LevelModel
from matching.solving.neighbourhood import Neighbourhood, Picker, cut_out
from matching.solving.workers import Done, Executor, Task
from matching.state import State

_IMPROVE = "matching.solving.level_search:improve_level"
_SIZE = 8
"""People freed at once."""

_MOST_PARTS = 16
_PART_SECONDS = 1.0
_PART_EFFORT = 0.6
_PART_OVERHEAD = 0.004
_IDLE_TURNS = 8
"""A level is done when everybody was freed about so often without any gain."""

_FIRST = 1_000
"""How many points of the levels after it one point of the level being improved outweighs: those only choose between plans
that are alike on it."""


@dataclass(frozen=True, slots=True)
class LevelImprovement:
    """The options that the people of a part should hold, what that adds on each level, and the effort spent."""

    chosen: Indices
    gains: tuple[int, ...]
    effort: float


def improve_level(
    levels: Sequence[Options], part: Neighbourhood, k: int, slack: tuple[int, ...], seconds: float, effort: float, seed: int
) -> LevelImprovement:
    """Solves a part again for level k; each level before it may lose its `slack` and no more."""
    options = levels[0]
    kept = LevelImprovement(part.current, (0,) * len(levels), 0.0)
    heads, sharers = np.zeros(len(options.item_heads), dtype=np.int64), np.zeros(len(options.request_sharers), dtype=np.int64)
    heads[part.items], sharers[part.requests] = part.heads, part.sharers
    model = LevelModel.of_some(levels, part.people, part.items, heads, sharers)
    if model is None:
        return kept
    before = [plan_worth(level, part.current) for level in levels]
    model.worths[k] = _FIRST * model.worths[k] + np.sum(model.worths[k + 1 :], axis=0, dtype=np.int64)
    floors = [value - most for value, most in zip(before, slack, strict=False)]
    answer = model.solve(k, floors, part.current, seconds, effort, seed)
    if answer.chosen is None:
        return LevelImprovement(part.current, kept.gains, answer.effort)
    gains = tuple(plan_worth(level, answer.chosen) - value for level, value in zip(levels, before, strict=True))
    return LevelImprovement(answer.chosen, gains, answer.effort)


class LevelSearch:
    """Rounds of parts that do not touch, merged in order: the same plan for any number of processes."""

    def __init__(self, levels: Sequence[Options], k: int, floors: Sequence[int], chosen: Indices, seed: int, stop: Event) -> None:
        self.levels, self.k, self.floors, self.seed, self.stop = levels, k, floors, seed, stop
        self.options = levels[k]
        self.state = State(levels[0])
        for option in chosen.tolist():
            self.state.add(option)
        self.values = [plan_worth(level, chosen) for level in levels]
        self.rng = np.random.default_rng((seed, k))
        self.picker = Picker(levels[0])
        self.size = min(_SIZE, self.options.people)
        self.width = max(1, min(_MOST_PARTS, self.options.people // (2 * self.size)))
        self.parts = 0
        self.idle = 0
        self.spent = 0.0

    def run(self, until: float, effort: float, pool: Executor, improved: Callable[[Indices], None]) -> None:
        """Searches to a moment of the monotonic clock, or for an amount of effort where that is finite; `improved` hears
        of every better plan. The executor shares the options of all levels."""
        while not self.stop.is_set() and self.spent < effort and self.idle < self._patience:
            left = math.inf if math.isfinite(effort) else until - time.monotonic()
            parts = self._cut() if left > 0 else []
            if not parts:
                return
            seconds = math.inf if math.isfinite(effort) else min(_PART_SECONDS, left)
            if self._merge(parts, self._finish(self._tasks(parts, seconds), pool)):
                improved(self.state.chosen)

    @property
    def _patience(self) -> int:
        return max(50, _IDLE_TURNS * self.options.people // self.size)

    def _cut(self) -> list[Neighbourhood]:
        parts: list[Neighbourhood] = []
        busy, leased_out = set[int](), set[int]()
        for _ in range(self.width):
            people = self.picker.pick(self.state, self.size, busy, self.rng)
            if len(people) < min(2, self.options.people):
                break
            reach = np.concatenate([self.options.item[self.options.of_person(c)] for c in people])
            leased = set(self.options.item_request[reach].tolist()) - leased_out
            parts.append(cut_out(self.state, people, leased, 6 * self.size, self.rng))
            busy.update(people)
            leased_out |= leased
        return parts

    def _tasks(self, parts: Sequence[Neighbourhood], seconds: float) -> list[Task]:
        """Each part may use its share of what the earlier levels have to give."""
        slack = tuple((value - floor) // self.width for value, floor in zip(self.values, self.floors, strict=False))
        first = self.parts
        self.parts += len(parts)
        return [
            Task(first + n, _IMPROVE, (part, self.k, slack, seconds, _PART_EFFORT, self.seed + first + n))
            for n, part in enumerate(parts)
        ]

    def _finish(self, tasks: Sequence[Task], pool: Executor) -> list[Done]:
        for task in tasks:
            pool.start(task)
        found: list[Done] = []
        while len(found) < len(tasks):
            done = pool.finished(0.2)
            if done is not None:
                found.append(done)
        return sorted(found, key=lambda done: int(str(done.key)))

    def _merge(self, parts: Sequence[Neighbourhood], done: Sequence[Done]) -> bool:
        """Takes the better parts; whether there was one."""
        better = False
        for part, answer in zip(parts, done, strict=True):
            result: LevelImprovement = answer.result
            self.spent += result.effort + _PART_OVERHEAD
            self.idle += 1
            gain = result.gains[self.k], sum(result.gains[self.k + 1 :])
            if gain <= (0, 0):
                continue
            better, self.idle = True, 0
            for option in part.current.tolist():
                self.state.remove(option)
            for option in result.chosen.tolist():
                self.state.add(option)
            self.values = [value + more for value, more in zip(self.values, result.gains, strict=True)]
        return better
