"""Generalised assignment as programs for HiGHS, which runs in a process of its own (see `matching.solving.workers`).
Both functions take the problem first, as shared with that process."""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.public.gap import Assigning, Numbers

Floats = NDArray[np.float64]


class Found(NamedTuple):
    """What a program gave: who has each job (None: nothing found), a bound that no plan over the same pairs can go
    below, and whether there is proven to be none."""

    owner: Numbers | None
    bound: float
    impossible: bool


def room_prices(problem: Assigning) -> Floats | None:
    """What a unit of each agent's room is worth where jobs may be divided; None when even then there is no room."""
    highspy: Any = import_module("highspy")
    solver = _solver(highspy, 0, math.inf)
    agents, jobs = np.nonzero(problem.takes <= problem.room[:, None])
    solver.passModel(_program(highspy, problem, agents, jobs))
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    duals: Floats = -np.array(solver.getSolution().row_dual)[: problem.agents]
    return np.maximum(0.0, duals)


def best_among(
    problem: Assigning, keep: NDArray[np.bool_], start: Numbers | None, seconds: float, nodes: int | None, seed: int
) -> Found:
    """The cheapest plan over the pairs (agent, job) to keep, within seconds or nodes of the tree."""
    highspy: Any = import_module("highspy")
    solver = _solver(highspy, seed, seconds)
    solver.setOptionValue("mip_abs_gap", 0.99)  # costs are whole numbers
    solver.setOptionValue("mip_rel_gap", 0.0)
    if nodes is not None:
        solver.setOptionValue("mip_max_nodes", nodes)
    agents, jobs = np.nonzero(keep)
    program = _program(highspy, problem, agents, jobs)
    program.integrality_ = [highspy.HighsVarType.kInteger] * len(agents)
    solver.passModel(program)
    if start is not None:
        solution = highspy.HighsSolution()
        solution.col_value = (start[jobs] == agents).astype(np.float64).tolist()
        solver.setSolution(solution)
    solver.run()
    return _found(highspy, solver, problem, agents, jobs)


def _found(highspy: Any, solver: Any, problem: Assigning, agents: Numbers, jobs: Numbers) -> Found:
    """What the solver says, taken only where its status allows it: a solver in trouble may answer a bound of 0."""
    status, info = solver.getModelStatus(), solver.getInfo()
    known = highspy.HighsModelStatus
    if status == known.kInfeasible:
        return Found(None, math.inf, True)
    if status not in (known.kOptimal, known.kTimeLimit, known.kSolutionLimit, known.kIterationLimit):
        return Found(None, -math.inf, False)
    bound = float(info.mip_dual_bound)
    owner = None
    if info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
        taken = np.array(solver.getSolution().col_value) > 0.5
        owner = np.full(problem.jobs, -1, dtype=np.int64)
        owner[jobs[taken]] = agents[taken]
    return Found(owner, bound if math.isfinite(bound) else -math.inf, False)


def _solver(highspy: Any, seed: int, seconds: float) -> Any:
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("random_seed", seed)
    if math.isfinite(seconds):
        solver.setOptionValue("time_limit", max(0.0, seconds))
    return solver


def _program(highspy: Any, problem: Assigning, agents: Numbers, jobs: Numbers) -> Any:
    """Every job once, nobody overfull; one column for each pair given."""
    count = len(agents)
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = count, problem.agents + problem.jobs
    program.col_cost_ = problem.cost[agents, jobs].astype(np.float64)
    program.col_lower_, program.col_upper_ = np.zeros(count), np.ones(count)
    ones = np.ones(problem.jobs)
    program.row_lower_ = np.concatenate([np.full(problem.agents, -highspy.kHighsInf), ones])
    program.row_upper_ = np.concatenate([problem.room.astype(np.float64), ones])
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_ = np.arange(0, 2 * count + 1, 2).astype(np.int32)
    program.a_matrix_.index_ = np.stack([agents, problem.agents + jobs], axis=1).ravel().astype(np.int32)
    program.a_matrix_.value_ = np.stack([problem.takes[agents, jobs], np.ones(count)], axis=1).ravel().astype(np.float64)
    return program
