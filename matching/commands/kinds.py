"""What a problem file can hold: a week of ours, or one of two public kinds that are solved for their own objective."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matching.formats import parse_json, problem_from_json
from matching.public.gap import read_gap, verify_gap
from matching.public.smptsp import read_smptsp, verify_tasks
from matching.solution import Solution
from matching.verify import Violation, verify_plan


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: how it is read, solved and checked, and what its objective counts.

    `read` answers every problem in a text, in order, and raises InputErrors. `solve` takes a problem and the options of
    `matching.solving.solver.solve`. Of `minimises` kinds less is better, and the bound is what no plan can go below.
    """

    name: str
    unit: str
    minimises: bool
    read: Callable[[str], Sequence[Any]]
    solve: Callable[..., Solution]
    verify: Callable[[Any, Solution], tuple[Violation, ...]]


def _solve_week(problem: Any, *, explained: bool = True, **limits: Any) -> Solution:
    from matching.explaining.explain import explain_plan
    from matching.solution import Status
    from matching.solving.solver import solve

    plan = solve(problem, **limits)
    return explain_plan(problem, plan) if explained and plan.status is not Status.INFEASIBLE else plan


def _solve_tasks(problem: Any, *, explained: bool = True, **limits: Any) -> Solution:
    from matching.public.smptsp_search import solve_tasks

    return solve_tasks(problem, **limits)


def _solve_gap(problem: Any, *, explained: bool = True, **limits: Any) -> Solution:
    from matching.public.gap_search import solve_gap

    return solve_gap(problem, **limits)


_WEEK = Kind("relief-week", "points", False, lambda text: [problem_from_json(parse_json(text))], _solve_week, verify_plan)
_TASKS = Kind("smptsp", "people", True, lambda text: [read_smptsp(text)], _solve_tasks, verify_tasks)
_GAP = Kind("gap", "cost", True, read_gap, _solve_gap, verify_gap)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (_WEEK, _TASKS, _GAP)}
"""The kinds by the name that `--format` takes."""


def kind_of(text: str) -> Kind:
    """The kind that a text looks like: numbers alone are a gap file, `Type =` or comments begin a task file; all else is
    taken for a week."""
    head = text[:2000]
    if re.match(r"\s*\d[\d\s]*\Z", head):
        return _GAP
    if re.match(r"\s*(#|type\s*=)", head, flags=re.IGNORECASE):
        return _TASKS
    return _WEEK
