"""Generalised assignment in the form of the OR-Library: every job goes to one agent, takes some of what the agent has,
and costs something; the cheapest way is wanted.

The file is whole numbers alone: agents and jobs, then for each agent the cost of every job, then for each agent what
every job takes of it, then what each agent has. A file with several problems begins with how many there are. Plans name
agents and jobs by their numbers, from 0."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.formats.reading import LARGEST, InputError, InputErrors
from matching.solution import Solution
from matching.verify import Violation

_MOST_CELLS = 20_000_000

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Assigning:
    """`cost[a, j]` is what job j costs with agent a, `takes[a, j]` what it takes of the `room[a]` that agent a has."""

    cost: Numbers
    takes: Numbers
    room: Numbers

    @property
    def agents(self) -> int:
        """How many agents."""
        return len(self.room)

    @property
    def jobs(self) -> int:
        """How many jobs."""
        return int(self.cost.shape[1])


def read_gap(text: str) -> list[Assigning]:
    """The problems in a text. Raises InputErrors."""
    numbers = _numbers(text)
    alone = _sizes(numbers, 0)
    if alone is not None and len(numbers) == _length(*alone):
        return [_problem(numbers, 0, *alone)]
    several = int(numbers[0])
    found: list[Assigning] = []
    at = 1
    for k in range(several):
        sizes = _sizes(numbers, at)
        if sizes is None or at + _length(*sizes) > len(numbers):
            break
        found.append(_problem(numbers, at, *sizes))
        at += _length(*sizes)
        if k + 1 == several and at == len(numbers):
            return found
    raise InputErrors([InputError("", _lengths_differ(numbers, alone))])


def _numbers(text: str) -> Numbers:
    words = text.split()
    for number, line in enumerate(text.splitlines(), start=1):
        strange = re.search(r"[^\d\s]\S*", line, flags=re.ASCII)
        if strange:
            raise InputErrors([InputError(f"line {number}", f"expected whole numbers, found {strange[0][:40]!r}")])
    if not words:
        raise InputErrors([InputError("", "the file is empty; the number of agents and jobs should be first")])
    large = next((word for word in words if len(word) > 8 or int(word) > LARGEST), None)
    if large is not None:
        raise InputErrors([InputError("", f"the number {large[:20]} is larger than {LARGEST:,}")])
    return np.array(words, dtype=np.int64)


def _sizes(numbers: Numbers, at: int) -> tuple[int, int] | None:
    if at + 2 > len(numbers):
        return None
    agents, jobs = int(numbers[at]), int(numbers[at + 1])
    return (agents, jobs) if agents and jobs and agents * jobs <= _MOST_CELLS else None


def _length(agents: int, jobs: int) -> int:
    return 2 + 2 * agents * jobs + agents


def _problem(numbers: Numbers, at: int, agents: int, jobs: int) -> Assigning:
    cells = agents * jobs
    cost, takes, room = np.split(numbers[at + 2 : at + _length(agents, jobs)], [cells, 2 * cells])
    return Assigning(cost.reshape(agents, jobs), takes.reshape(agents, jobs), room)


def _lengths_differ(numbers: Numbers, alone: tuple[int, int] | None) -> str:
    if alone is None:
        return "expected the number of agents and of jobs, then the costs, what each job takes and what each agent has"
    agents, jobs = alone
    return f"{agents} agents and {jobs} jobs need {_length(agents, jobs):,} numbers; the file holds {len(numbers):,}"


def verify_gap(problem: Assigning, plan: Solution) -> tuple[Violation, ...]:
    """Every violation in a plan, its claims included. Shares nothing with the search."""
    agents = {str(a): a for a in range(problem.agents)}
    jobs = {str(j): j for j in range(problem.jobs)}
    found: list[Violation] = []
    unknown = [entry for entry in plan.assignments if entry.coordinator not in agents or entry.window not in jobs]
    found += [Violation("unknown", f"there is no agent {entry.coordinator} or no job {entry.window}") for entry in unknown]
    if unknown:
        return tuple(found)
    times = Counter(entry.window for entry in plan.assignments)
    for name in jobs:
        if times[name] != 1:
            found.append(Violation("headcount", f"job {name} is done by {times[name]} agents, not by one", window=name))
    taken: Counter[str] = Counter()
    cost = 0
    for entry in plan.assignments:
        a, j = agents[entry.coordinator], jobs[entry.window]
        taken[entry.coordinator] += int(problem.takes[a, j])
        cost += int(problem.cost[a, j])
    for name, total in sorted(taken.items(), key=lambda entry: agents[entry[0]]):
        room = int(problem.room[agents[name]])
        if total > room:
            found.append(Violation("cap", f"the jobs of agent {name} take {total} of the {room} there are", name))
    if cost != plan.objective:
        found.append(Violation("objective", f"the plan costs {cost}, not {plan.objective} as it says"))
    if plan.bound is not None and plan.bound > cost:
        found.append(Violation("bound", f"the bound {plan.bound} is above the cost {cost} of the plan"))
    return tuple(found)
