"""What planning gives back: the plan, how good it provably is, and the reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from matching.problem import Assignment


class Status(StrEnum):
    """How a search ended."""

    OPTIMAL = "optimal"  # proven: no plan is worth more
    FEASIBLE = "feasible"  # every rule is kept; the bound says how much better a plan could be at most
    INFEASIBLE = "infeasible"  # the pins contradict the rules: there is no plan
    STOPPED = "stopped"  # stopped before there was any plan (public task formats only; a week always has a plan)


def gap_between(objective: int, bound: int | None) -> float | None:
    """The share by which a plan could at most be better: |bound − objective| / |objective|; None without a bound."""
    if bound is None:
        return None
    if bound == objective:
        return 0.0
    return abs(bound - objective) / max(1, abs(objective))


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a running search stands. `phase` says in words what it is doing; `objective` is None before the first
    plan."""

    phase: str
    seconds: float
    objective: int | None = None
    bound: int | None = None

    @property
    def gap(self) -> float | None:
        """As `Solution.gap`, of the best plan so far."""
        return None if self.objective is None else gap_between(self.objective, self.bound)


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """How many coordinators remain after one rule, and the rule in words. The first step has rule `everybody`."""

    rule: str
    sentence: str
    remaining: int


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A coordinator whom exactly one rule keeps from the window."""

    coordinator: str
    rule: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Correction:
    """One smallest set of rules that would have to give way for somebody to take the window: a part of it helps nobody.
    `people` are stopped by exactly these rules."""

    rules: tuple[str, ...]
    people: int


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to change in the problem. `rule` is the rule it eases; `values` are what `matching.explaining.fixes.apply_fix`
    needs.

    The sentence is for people: "Renew hipaa of C7 to 2026-03-09 or later".
    """

    rule: str
    sentence: str
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fix:
    """The cheapest change found that fills a window: make `changes`, then add `adds` and take back `removes`.

    `effect` is the difference of the objective, on the changed problem. Made and checked before it is suggested.
    """

    coordinator: str
    sentence: str
    changes: tuple[Change, ...]
    adds: tuple[Assignment, ...]
    removes: tuple[Assignment, ...] = ()
    effect: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncovered:
    """A window that lacks `missing` people, and why: the funnel adds up from all coordinators to those left at its
    end. `corrections` are all the smallest sets of rules that stand in the way, those of fewest rules first."""

    window: str
    request: str
    missing: int
    funnel: tuple[FunnelStep, ...] = ()
    near_misses: tuple[NearMiss, ...] = ()
    corrections: tuple[Correction, ...] = ()
    nearest_fix: Fix | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why this person covers this window.

    `knows_facility` earns continuity. `margin_per_hour` is bill less pay. `others` could have taken it in this plan as
    it stands, nobody else moving; `next_best` is the best of them and `advantage` the points by which the plan is
    better with the chosen person (None when nobody else could; negative is possible in a plan that is not proven best).
    `sentences` say it in words."""

    coordinator: str
    window: str
    knows_facility: bool
    margin_per_hour: int
    others: int
    next_best: str | None
    advantage: int | None
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Level:
    """What a plan reaches on one level of the lexicographic objective, in points.

    `bound` is proven: no plan that keeps the earlier levels reaches more (None: nothing proven)."""

    name: str
    value: int
    bound: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """A plan. `objective` is in the problem's points, recomputed from the assignments; `bound` is proven: no plan is
    worth more (None: nothing proven). For public task formats, where less is better, no plan needs less than `bound`.

    `conflicts` say, when the status is infeasible, which pins contradict which rule. `levels` hold the parts of the
    objective of a plan that was made level by level; their sum is the objective, and `bound` is then None.
    """

    assignments: tuple[Assignment, ...]
    objective: int
    bound: int | None
    status: Status
    seconds: float
    uncovered: tuple[Uncovered, ...] = ()
    conflicts: tuple[str, ...] = ()
    levels: tuple[Level, ...] = ()

    @property
    def gap(self) -> float | None:
        """The share by which a plan could at most be better, 0.0 when proven best, None without a bound."""
        return gap_between(self.objective, self.bound)
