"""The master problem of column generation, in a process of its own with HiGHS: which weeks, in shares, make the best
plan; what that prices room at; and which whole weeks make the best plan."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from matching.options import Options
from matching.rules import Indices
from matching.solving.columns import Column, Duals, usage


class Master:
    """The weeks known so far. One lives in the master process and grows with every call."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.columns: list[Column] = []
        self._usage: list[Indices] = []

    def add(self, columns: list[Column]) -> None:
        """Adds weeks."""
        self.columns += columns
        self._usage += [usage(self.options, column) for column in columns]

    def program(self, highspy: Any) -> Any:
        """The linear program over all weeks: every person has one, and no room is taken twice."""
        options, infinite = self.options, highspy.kHighsInf
        shared = len(options.item_request) + len(options.request_sharers)
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = len(self.columns), shared + options.people
        program.sense_ = highspy.ObjSense.kMaximize
        program.col_cost_ = np.array([column.worth for column in self.columns], dtype=np.float64)
        program.col_lower_, program.col_upper_ = np.zeros(len(self.columns)), np.full(len(self.columns), infinite)
        ones = np.ones(options.people)
        program.row_lower_ = np.concatenate([np.full(shared, -infinite), ones])
        program.row_upper_ = np.concatenate([options.item_heads, options.request_sharers, ones]).astype(np.float64)
        lengths = np.array([len(rows) for rows in self._usage], dtype=np.int64)
        program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        program.a_matrix_.start_ = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        program.a_matrix_.index_ = np.concatenate(self._usage).astype(np.int32)
        program.a_matrix_.value_ = np.ones(int(lengths.sum()))
        return program


def price_room(master: Master, fresh: list[Column]) -> Duals | None:
    """Adds the fresh weeks and solves the linear program. None when the solver gives no prices.

    By interior point without crossover: its prices lie in the middle of the best ones, and column generation needs far
    fewer rounds."""
    import highspy

    master.add(fresh)
    solver = _quiet(highspy)
    solver.setOptionValue("solver", "ipm")
    solver.setOptionValue("run_crossover", "off")
    solver.passModel(master.program(highspy))
    solver.run()
    prices = np.abs(np.array(solver.getSolution().row_dual, dtype=np.float64))
    if not len(prices) or not np.isfinite(prices).all():
        return None
    items, shared = len(master.options.item_request), len(master.options.request_sharers)
    worth = float(solver.getInfo().objective_function_value)
    return Duals(worth, prices[:items], prices[items : items + shared])


def recombine(master: Master, fresh: list[Column], plan: list[Column], seconds: float, nodes: int) -> Indices | None:
    """Adds the fresh weeks and looks for the whole weeks that make the best plan, starting from `plan`, which is among
    the weeks.

    Answers the options of the plan found; None when it is not better than the given one.
    """
    import highspy

    master.add(fresh)
    solver = _quiet(highspy)
    if math.isfinite(seconds):
        solver.setOptionValue("time_limit", seconds)
    solver.setOptionValue("mip_max_nodes", nodes)
    program = master.program(highspy)
    program.col_upper_ = np.ones(len(master.columns))
    program.integrality_ = [highspy.HighsVarType.kInteger] * len(master.columns)
    solver.passModel(program)
    place = {(column.person, column.chosen.tobytes()): k for k, column in enumerate(master.columns)}
    start = highspy.HighsSolution()
    values = np.zeros(len(master.columns))
    values[[place[column.person, column.chosen.tobytes()] for column in plan]] = 1.0
    start.col_value = values.tolist()
    solver.setSolution(start)
    solver.run()
    if solver.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    kept = [column for column, share in zip(master.columns, solver.getSolution().col_value, strict=True) if share > 0.5]
    if sum(column.worth for column in kept) <= sum(column.worth for column in plan):
        return None
    return np.sort(np.concatenate([column.chosen for column in kept]))


def _quiet(highspy: Any) -> Any:
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    return solver
