"""Other ways to solve the problems that `benchmarks/planning.py` measures; each is run in a process of its own.

    python benchmarks/planning_peers.py ENGINE FILE --seconds S [--workers N]

`first-fit` and `best-fit` are greedy plans by priority. `cp-sat` and `highs` put the whole problem into one model, `-hint`
starts them from the best-fit plan. Progress is printed as `python -m matching solve --progress-jsonl` does."""

import argparse
import json
import math
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from matching.commands.kinds import kind_of
from matching.facts import Facts
from matching.formats import plan_to_json
from matching.objective import plan_worth
from matching.options import Options
from matching.problem import Assignment, Problem
from matching.public.gap import Assigning
from matching.public.smptsp import Tasks
from matching.rules import Indices
from matching.solution import Solution, Status
from matching.solving.greedy import Candidates, greedy_plan
from matching.solving.model import Floats, Model, joint_model, person_model
from matching.state import State

ENGINES = ("first-fit", "best-fit", "cp-sat", "cp-sat-hint", "highs", "highs-hint")


class Telling:
    """Prints what is found, in seconds since the start of this process's work."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.bound: int | None = None

    def progress(self, objective: int | None) -> None:
        """One event."""
        entry = {"event": "progress", "phase": "solving", "seconds": self.seconds, "objective": objective, "bound": self.bound}
        print(json.dumps(entry), flush=True)

    def done(self, assignments: tuple[Assignment, ...], objective: int) -> None:
        """The last event."""
        proven = self.bound is not None and self.bound == objective
        status = Status.STOPPED if not assignments else Status.OPTIMAL if proven else Status.FEASIBLE
        plan = Solution(assignments=assignments, objective=objective, bound=self.bound, status=status, seconds=self.seconds)
        print(json.dumps({"event": "done", "solution": plan_to_json(plan)}), flush=True)

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        return round(time.monotonic() - self.started, 3)


def main() -> None:
    """Runs one engine on one file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    text = options.file.read_text()
    problem = kind_of(text).read(text)[0]
    telling = Telling()
    if isinstance(problem, Problem):
        week(problem, options.engine, options.seconds, options.workers, telling)
    else:
        public(problem, options.engine, options.seconds, options.workers, telling)


def week(problem: Problem, engine: str, seconds: float, workers: int, telling: Telling) -> None:
    """Solves a week."""
    facts = Facts(problem)
    options = Options(facts)
    state = State(options)
    if engine == "first-fit":
        first_fit(options, state)
    elif engine == "best-fit" or engine.endswith("-hint"):
        greedy_plan(options, state)
    chosen = state.chosen
    if engine in ("first-fit", "best-fit"):
        telling.progress(plan_worth(options, chosen))
    else:
        chosen = one_model(options, chosen, engine, seconds, workers, telling)
    telling.done(options.assignments(facts, chosen), plan_worth(options, chosen))


def first_fit(options: Options, state: State) -> None:
    """Items by priority, each to the first people who can take it."""
    candidates = Candidates(options)
    for i in sorted(range(len(options.item_request)), key=lambda i: (-options.request_priority[options.item_request[i]], i)):
        for option in candidates.of(i).tolist():
            if state.free(np.array([option]))[0]:
                state.add(option)


def one_model(options: Options, hint: Indices, engine: str, seconds: float, workers: int, telling: Telling) -> Indices:
    """The whole week as one model: one row for each maximal clique of windows of a person, as in the small exact one."""
    people = [person_model(options, c, options.of_person(c)) for c in range(options.people) if len(options.of_person(c))]
    model = joint_model(options, people, options.item_heads, options.request_sharers)
    busy = {person.person for person in people}
    idle = sum(int(options.low_slots[c]) for c in range(options.people) if c not in busy)
    shift = options.constant - options.under_price * idle
    best = hint
    start = np.isin(model.options, hint) if engine.endswith("-hint") else None

    def found(columns: Floats) -> None:
        nonlocal best
        best = model.taken(columns)
        telling.progress(plan_worth(options, best))

    def bounded(bound: float) -> None:
        if abs(bound) < 2**53:
            telling.bound = math.floor(bound + 0.5) + shift

    left = max(1.0, seconds - telling.seconds)
    if engine.startswith("cp-sat"):
        solve_cp_sat(model, start, left, workers, found, bounded)
    else:
        solve_highs(model, start, left, workers, found, bounded)
    return best


def solve_cp_sat(model: Model, start: Any, seconds: float, workers: int, found: Any, bounded: Any) -> None:
    """CP-SAT with its own parameters but for the number of workers; the hint is a plan's options."""
    from ortools.sat.python import cp_model, cp_model_helper

    from matching.solving.engines import cpsat_model, telling_watch

    built = cp_model.CpModel(model_proto=cpsat_model(cp_model_helper, model, None))
    if start is not None:
        built.proto.solution_hint.vars.extend(model.option_column.tolist())
        built.proto.solution_hint.values.extend(start.astype(np.int64).tolist())
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = workers
    solver.parameters.max_time_in_seconds = seconds
    solver.best_bound_callback = bounded

    class Watch:
        """Hears of plans."""

        def found(self, columns: Floats) -> None:
            """A better one."""
            found(columns)

        def bounded(self, bound: float) -> None:
            """Told through the solver's own callback."""

        def over(self) -> bool:
            """The time limit ends it."""
            return False

    status = solver.solve(built, telling_watch(cp_model_helper, Watch()))
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        bounded(solver.best_objective_bound)


def solve_highs(model: Model, start: Any, seconds: float, workers: int, found: Any, bounded: Any) -> None:
    """HiGHS with its own options but for the number of threads; a hint is given as values of the options alone."""
    highspy: Any = import_module("highspy")

    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", workers)
    solver.setOptionValue("time_limit", seconds)
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.passModel(highs_model(highspy, model))
    if start is not None:
        columns = model.option_column.astype(np.int32)
        solver.setSolution(len(columns), columns, start.astype(np.float64))
    solver.cbMipImprovingSolution.subscribe(lambda event: found(np.array(event.data_out.mip_solution)))
    solver.run()
    info, status = solver.getInfo(), solver.getModelStatus()
    if info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
        found(np.rint(np.array(solver.getSolution().col_value)))
    if status in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kTimeLimit):
        bounded(float(info.mip_dual_bound))


def highs_model(highspy: Any, model: Model) -> Any:
    """The model as HiGHS takes it."""
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = len(model.worth), len(model.rows.limit)
    program.sense_ = highspy.ObjSense.kMaximize
    program.col_cost_ = model.worth.astype(np.float64)
    program.col_lower_, program.col_upper_ = model.low.astype(np.float64), model.high.astype(np.float64)
    program.row_lower_ = np.full(len(model.rows.limit), -highspy.kHighsInf)
    program.row_upper_ = model.rows.limit.astype(np.float64)
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.start_ = model.rows.start.astype(np.int32)
    program.a_matrix_.index_ = model.rows.column.astype(np.int32)
    program.a_matrix_.value_ = model.rows.coefficient.astype(np.float64)
    program.integrality_ = [highspy.HighsVarType.kInteger] * len(model.worth)
    return program


def public(problem: Tasks | Assigning, engine: str, seconds: float, workers: int, telling: Telling) -> None:
    """A public problem as one CP-SAT model."""
    if engine != "cp-sat":
        sys.exit(f"{engine} is not there for public problems")
    from ortools.sat.python import cp_model

    built = tasks_model(cp_model, problem) if isinstance(problem, Tasks) else gap_model(cp_model, problem)
    model, pairs = built
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = workers
    solver.parameters.max_time_in_seconds = max(1.0, seconds - telling.seconds)

    class Watch(cp_model.CpSolverSolutionCallback):
        def on_solution_callback(self) -> None:
            telling.progress(round(self.objective_value))

    status = solver.solve(model, Watch())
    telling.bound = math.ceil(solver.best_objective_bound - 1e-6)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        telling.done((), 0)
        return
    chosen = [pair for pair, literal in pairs.items() if solver.boolean_value(literal)]
    telling.done(tuple(sorted(Assignment(str(p), str(t)) for p, t in chosen)), round(solver.objective_value))


def tasks_model(cp_model: Any, problem: Tasks) -> tuple[Any, dict[tuple[int, int], Any]]:
    """As few people as possible: one row for each person and start of a task."""
    model = cp_model.CpModel()
    pairs = {(p, t): model.new_bool_var("") for p, able in enumerate(problem.able) for t in sorted(able)}
    used = [model.new_bool_var("") for _ in problem.able]
    for t, (start, _) in enumerate(problem.spans):
        model.add_exactly_one(pairs[p, t] for p, able in enumerate(problem.able) if t in able)
        for p, able in enumerate(problem.able):
            if t in able:
                running = [pairs[p, k] for k in able if problem.spans[k][0] <= start < problem.spans[k][1]]
                model.add_at_most_one([*running, used[p].negated()])
    model.minimize(sum(used))
    return model, pairs


def gap_model(cp_model: Any, problem: Assigning) -> tuple[Any, dict[tuple[int, int], Any]]:
    """The cheapest assignment."""
    model = cp_model.CpModel()
    every = [(a, j) for a in range(problem.agents) for j in range(problem.jobs)]
    pairs = {pair: model.new_bool_var("") for pair in every}
    for j in range(problem.jobs):
        model.add_exactly_one(pairs[a, j] for a in range(problem.agents))
    for a in range(problem.agents):
        mine = [pairs[a, j] for j in range(problem.jobs)]
        model.add(cp_model.LinearExpr.weighted_sum(mine, problem.takes[a].tolist()) <= int(problem.room[a]))
    model.minimize(cp_model.LinearExpr.weighted_sum(list(pairs.values()), problem.cost.ravel().tolist()))
    return model, pairs


if __name__ == "__main__":
    main()
