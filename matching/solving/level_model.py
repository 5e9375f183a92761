"""The exact model of one level of the lexicographic objective, with a row for every earlier level."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from threading import Event

import numpy as np

from matching.objective import plan_worth
from matching.options import Options, Points
from matching.rules import Indices
from matching.solving.engines import solve_cpsat
from matching.solving.model import Floats, PersonModel, Rows, joint_model, person_columns, person_model, person_worth


class Watcher:
    """Ends an exact search when the run is stopped."""

    def __init__(self, stop: Event) -> None:
        self._stop = stop

    def found(self, columns: Floats) -> None:
        """A better solution; it comes with the answer."""

    def bounded(self, bound: float) -> None:
        """A better bound; it comes with the answer."""

    def over(self) -> bool:
        """Whether the run was stopped."""
        return self._stop.is_set()


@dataclass(frozen=True, slots=True)
class LevelAnswer:
    """The options found (None: none), and a proven bound on the level (None: none) of plans that keep the floors."""

    chosen: Indices | None
    bound: int | None
    effort: float


class LevelModel:
    """The choices of some people, and what each column is worth on each level."""

    def __init__(self, levels: Sequence[Options], people: Sequence[PersonModel], heads: Indices, sharers: Indices) -> None:
        self.levels, self.people = levels, people
        self.model = joint_model(levels[0], people, heads, sharers)
        self.worths = [
            np.concatenate([person_worth(level, person.person, person.model.options) for person in people]) for level in levels
        ]

    @classmethod
    def of_all(cls, levels: Sequence[Options]) -> LevelModel | None:
        """Of the whole problem; None where nobody can take anything."""
        options = levels[0]
        return cls.of_some(
            levels, range(options.people), np.arange(len(options.item_heads)), options.item_heads, options.request_sharers
        )

    @classmethod
    def of_some(
        cls, levels: Sequence[Options], people: Iterable[int], items: Indices, heads: Indices, sharers: Indices
    ) -> LevelModel | None:
        """Of these people with these items, each item at most as often as `heads` says; None where they can take none."""
        options = levels[0]
        allowed = np.zeros(len(options.item_heads), dtype=bool)
        allowed[items] = True
        found = []
        for c in people:
            mine = options.of_person(c)
            mine = mine[allowed[options.item[mine]]]
            if len(mine):
                found.append(person_model(options, c, mine))
        return cls(levels, found, heads, sharers) if found else None

    def columns(self, chosen: Indices) -> Floats:
        """The columns of a plan."""
        return np.concatenate([person_columns(self.levels[0], person, chosen) for person in self.people])

    def solve(
        self,
        k: int,
        floors: Sequence[int],
        chosen: Indices,
        seconds: float,
        effort: float,
        seed: int,
        watch: Watcher | None = None,
    ) -> LevelAnswer:
        """The most of level k for plans that reach `floors` on the levels before it. `chosen` are all options of a plan
        that does; it may hold more than these people's.

        One thread: with two, CP-SAT spends it on strategies without the linear relaxation, and the rows of the earlier
        levels then take it a hundred times as long (20 × 40: 0.5 s against 52 s)."""
        start = self.columns(chosen)
        # What the model's columns do not hold: other people's weeks, and penalties of people without a choice.
        beside = [plan_worth(level, chosen) - int(worth @ start) for level, worth in zip(self.levels, self.worths, strict=True)]
        rows = [_at_least(self.worths[j], floor - beside[j]) for j, floor in enumerate(floors[:k])]
        model = replace(
            self.model,
            worth=self.worths[k],
            rows=Rows.stacked([(self.model.rows, 0), (Rows.of([row for row in rows if row is not None]), 0)]),
        )
        answer = solve_cpsat(model, start, seconds=seconds, effort=effort, seed=seed, watch=watch)
        bound = math.floor(answer.bound + 0.5) + beside[k] if math.isfinite(answer.bound) else None
        return LevelAnswer(None if answer.columns is None else model.taken(answer.columns), bound, answer.effort)


def _at_least(worth: Points, least: int) -> tuple[Indices, Points, int] | None:
    """The row `worth · columns ≥ least`; None where the columns are worth nothing. Doubled, so that no solver takes it for
    a choice among yes-or-no columns: those of minutes over and under target are not."""
    columns = np.nonzero(worth)[0]
    return (columns, -2 * worth[columns], -2 * least) if len(columns) else None
