"""Combining whole weeks that the search and the bound met into the best plan made of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from matching.options import Options
from matching.rules import Indices
from matching.solving.columns import Column, ColumnPool, by_person, usage, week_column
from matching.solving.pricing import SCALE, Prices

_MOST_WEEKS = 60
"""Weeks of one person that are offered."""


def weeks_of(options: Options, chosen: Indices) -> list[Column]:
    """Everybody's week of a plan."""
    return [week_column(options, c, mine) for c, mine in by_person(options, chosen)]


def promising(options: Options, pool: ColumnPool, plan: Indices, prices: Prices | None) -> list[Column]:
    """The plan's weeks, and of everybody's others those that net most at the prices (the latest where there are none)."""
    mine: list[list[tuple[int, int, Column]]] = [[] for _ in range(options.people)]
    for age, column in enumerate(pool.columns):
        net = age if prices is None else _net(options, column, prices)
        mine[column.person].append((net, age, column))
    kept = {(column.person, column.chosen.tobytes()): column for column in weeks_of(options, plan)}
    for columns in mine:
        for _, _, column in sorted(columns, key=lambda entry: entry[:2], reverse=True)[:_MOST_WEEKS]:
            kept.setdefault((column.person, column.chosen.tobytes()), column)
    return list(kept.values())


def _net(options: Options, column: Column, prices: Prices) -> int:
    items = options.item[column.chosen]
    requests = np.unique(options.shared_request[items])
    cost = prices.items[items].sum() + prices.sharers[requests[requests >= 0]].sum()
    return column.worth * SCALE - int(cost)


def combine(options: Options, weeks: Sequence[Column], plan: Indices, seconds: float, nodes: int, seed: int) -> Indices | None:
    """The best plan of whole weeks, one for each person; None when none better than `plan`, whose weeks are among them, was
    found within wall seconds and nodes of the solver's tree."""
    highspy: Any = import_module("highspy")
    own = weeks_of(options, plan)
    solver = highspy.Highs()
    for name, value in (("output_flag", False), ("threads", 1), ("random_seed", seed), ("mip_max_nodes", nodes)):
        solver.setOptionValue(name, value)
    if math.isfinite(seconds):
        solver.setOptionValue("time_limit", max(0.0, seconds))
    solver.passModel(_program(highspy, options, weeks))
    place = {(column.person, column.chosen.tobytes()): k for k, column in enumerate(weeks)}
    values = np.zeros(len(weeks))
    values[[place[column.person, column.chosen.tobytes()] for column in own]] = 1.0
    start = highspy.HighsSolution()
    start.col_value = values.tolist()
    solver.setSolution(start)
    solver.run()
    if solver.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    kept = [column for column, share in zip(weeks, solver.getSolution().col_value, strict=True) if share > 0.5]
    if sum(column.worth for column in kept) <= sum(column.worth for column in own):
        return None
    return np.sort(np.concatenate([column.chosen for column in kept]))


def _program(highspy: Any, options: Options, weeks: Sequence[Column]) -> Any:
    """Every person has one of their weeks, and no room is taken twice."""
    shared = len(options.item_request) + len(options.request_sharers)
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = len(weeks), shared + options.people
    program.sense_ = highspy.ObjSense.kMaximize
    program.col_cost_ = np.array([column.worth for column in weeks], dtype=np.float64)
    program.col_lower_, program.col_upper_ = np.zeros(len(weeks)), np.ones(len(weeks))
    ones = np.ones(options.people)
    program.row_lower_ = np.concatenate([np.full(shared, -highspy.kHighsInf), ones])
    program.row_upper_ = np.concatenate([options.item_heads, options.request_sharers, ones]).astype(np.float64)
    rows = [usage(options, column) for column in weeks]
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_ = np.concatenate([[0], np.cumsum([len(entries) for entries in rows])]).astype(np.int32)
    program.a_matrix_.index_ = np.concatenate(rows).astype(np.int32)
    program.a_matrix_.value_ = np.ones(sum(len(entries) for entries in rows))
    program.integrality_ = [highspy.HighsVarType.kInteger] * len(weeks)
    return program
