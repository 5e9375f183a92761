"""Shift minimisation as one exact question for CP-SAT: are so many people enough?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from threading import Event
from typing import Any

import numpy as np

from matching.public.smptsp_repair import Given, Numbers
from matching.solving.engines import stopped_when


@dataclass(frozen=True, slots=True)
class Answer:
    """The owner of each task (None: no plan was found), whether there is proven to be none, and the effort it took in
    the solver's deterministic units."""

    owner: Numbers | None
    impossible: bool
    effort: float


def are_enough(given: Given, most: int, seconds: float, effort: float, seed: int, stop: Event) -> Answer:
    """Looks for a plan with at most `most` people until it is found or proven not to be there, or the limit is met."""
    from ortools.sat.python import cp_model

    pairs = np.argwhere(given.able)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed
    solver.parameters.catch_sigint_signal = False
    if math.isfinite(effort):
        solver.parameters.max_deterministic_time = effort
    if math.isfinite(seconds):
        solver.parameters.max_time_in_seconds = max(0.0, seconds)
    with stopped_when(stop.is_set, solver):
        status = solver.solve(_model(cp_model, given, pairs, most))
    spent = float(solver.response_proto.deterministic_time)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Answer(None, status == cp_model.INFEASIBLE, spent)
    chosen = pairs[np.array(solver.response_proto.solution, dtype=np.int64)[: len(pairs)] > 0]
    owner = np.full(len(given.starts), -1, dtype=np.int64)
    owner[chosen[:, 1]] = chosen[:, 0]
    return Answer(owner, False, spent)


def _model(cp_model: Any, given: Given, pairs: Numbers, most: int) -> Any:
    """One Boolean for each pair of a person and a task they can do, then one for each person in use; written straight
    into the protocol buffer."""
    people, tasks = given.able.shape
    model = cp_model.CpModel()
    proto = model.proto
    for _ in range(len(pairs) + people):
        proto.variables.add().domain.extend((0, 1))
    order = np.argsort(pairs[:, 1], kind="stable")
    for mine in np.split(order, np.searchsorted(pairs[order, 1], np.arange(1, tasks))):
        proto.constraints.add().exactly_one.literals.extend(mine.tolist())
    first = np.searchsorted(pairs[:, 0], np.arange(people + 1))
    for p in range(people):
        mine = np.arange(first[p], first[p + 1])
        _one_at_a_time(proto, given, pairs[mine, 1], mine, len(pairs) + p)
    total = proto.constraints.add().linear
    total.vars.extend(range(len(pairs), len(pairs) + people))
    total.coeffs.extend([1] * people)
    total.domain.extend((0, most))
    return model


def _one_at_a_time(proto: Any, given: Given, tasks: Numbers, literals: Numbers, in_use: int) -> None:
    """At each maximal moment at most one of the person's tasks, and none unless the person is in use."""
    starts, ends = given.starts[tasks], given.ends[tasks]
    moments = np.unique(starts)
    if not len(moments):
        return
    next_end = np.searchsorted(np.unique(ends), moments, side="right")
    for moment in moments[np.append(next_end[1:] != next_end[:-1], True)]:
        running = literals[(starts <= moment) & (ends > moment)]
        proto.constraints.add().at_most_one.literals.extend([*running.tolist(), -in_use - 1])
