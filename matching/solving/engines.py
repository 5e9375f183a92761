"""CP-SAT on an exact model. The library is loaded by a process that solves, when it first does.

It is reached through the compiled part of its Python package: the usual front (`cp_model`) loads pandas as well, which takes
over a second, more than a small week needs to be solved."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any, Protocol

import numpy as np

from matching.solving.model import Floats, Model


@dataclass(frozen=True, slots=True)
class Answer:
    """What a solver found: the columns (None: nothing), a proven upper bound (infinite: nothing proven), and the effort
    it took.

    `effort` is in the solver's deterministic units, the same on every machine.
    """

    columns: Floats | None
    bound: float
    effort: float


class Watch(Protocol):
    """Who wants to know how an exact search goes, and may end it. Called from the solver's threads."""

    def found(self, columns: Floats) -> None:
        """A better solution."""

    def bounded(self, bound: float) -> None:
        """A better bound."""

    def over(self) -> bool:
        """Whether to stop."""


def solve_cpsat(
    model: Model,
    hint: Floats | None = None,
    *,
    seconds: float = math.inf,
    effort: float = math.inf,
    seed: int = 0,
    workers: int = 1,
    watch: Watch | None = None,
) -> Answer:
    """Maximises with CP-SAT within wall seconds and deterministic effort. With one worker and no wall limit the answer
    is reproducible."""
    from ortools.sat.python import cp_model_helper as cp_sat

    solver: Any = cp_sat.SolveWrapper()
    parameters = cp_sat.SatParameters()
    parameters.num_workers = workers
    parameters.random_seed = seed
    parameters.linearization_level = 2
    parameters.cp_model_probing_level = 0
    parameters.symmetry_level = 0
    parameters.catch_sigint_signal = False
    parameters.max_presolve_iterations = 1
    if math.isfinite(seconds):
        parameters.max_time_in_seconds = max(0.0, seconds)
    if math.isfinite(effort):
        parameters.max_deterministic_time = effort
    solver.set_parameters(parameters)
    built = cpsat_model(cp_sat, model, hint)
    if watch is None:
        response = solver.solve(built)
    else:
        callback = telling_watch(cp_sat, watch)
        solver.add_solution_callback(callback)
        solver.add_best_bound_callback(watch.bounded)
        with stopped_when(watch.over, solver):
            response = solver.solve(built)
        solver.clear_solution_callback(callback)
    spent = float(response.deterministic_time)
    if response.status == cp_sat.INFEASIBLE:
        return Answer(None, -math.inf, spent)
    if response.status not in (cp_sat.OPTIMAL, cp_sat.FEASIBLE):
        return Answer(None, math.inf, spent)
    return Answer(np.array(response.solution, dtype=np.float64), float(response.best_objective_bound), spent)


def telling_watch(cp_sat: Any, watch: Watch) -> Any:
    """A callback that tells the watch about every solution."""

    class Callback(cp_sat.SolutionCallback):  # type: ignore[misc]
        def OnSolutionCallback(self) -> None:  # noqa: N802 - called by the solver
            """A better solution."""
            watch.found(np.array(self.Response().solution, dtype=np.float64))

    return Callback()


@contextmanager
def stopped_when(over: Callable[[], bool], solver: Any) -> Iterator[None]:
    """Ends a CP-SAT search that runs inside as soon as `over` says so."""
    done = Event()

    def wait() -> None:
        while not done.wait(0.05):
            if over():
                solver.stop_search()

    thread = Thread(target=wait, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def cpsat_model(cp_sat: Any, model: Model, hint: Floats | None) -> Any:
    """The model written straight into the protocol buffer: many times faster than through operators."""
    proto = cp_sat.CpModelProto()
    for low, high in zip(model.low.tolist(), model.high.tolist(), strict=True):
        proto.variables.add().domain.extend((low, high))
    rows = model.rows
    for k, limit in enumerate(rows.limit.tolist()):
        part = slice(rows.start[k], rows.start[k + 1])
        columns, coefficients = rows.column[part].tolist(), rows.coefficient[part].tolist()
        if limit == 1 and min(coefficients) == max(coefficients) == 1:
            proto.constraints.add().at_most_one.literals.extend(columns)
        elif limit == 0 and coefficients == [1, -1]:
            proto.constraints.add().bool_or.literals.extend((-columns[0] - 1, columns[1]))
        else:
            linear = proto.constraints.add().linear
            linear.vars.extend(columns)
            linear.coeffs.extend(coefficients)
            linear.domain.extend((-(1 << 50), limit))
    worth = np.nonzero(model.worth)[0]
    proto.objective.vars.extend(worth.tolist())
    proto.objective.coeffs.extend((-model.worth[worth]).tolist())
    proto.objective.scaling_factor = -1.0
    if hint is not None:
        proto.solution_hint.vars.extend(range(len(hint)))
        proto.solution_hint.values.extend(np.rint(hint).astype(np.int64).tolist())
    return proto
