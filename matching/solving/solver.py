"""Solving a planning problem: chooses the way by size, keeps the best plan and the best bound, and can be stopped at
any time."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

import numpy as np

from matching.facts import Facts
from matching.options import Options
from matching.problem import Objective, Problem
from matching.solution import Progress, Solution, Status
from matching.solving.exact import fits_exactly, solve_exactly
from matching.solving.greedy import greedy_plan
from matching.solving.run import Run
from matching.solving.workers import OpenExecutor
from matching.state import State
from matching.verify import rule_violations


def solve(
    problem: Problem,
    *,
    time_limit: float,
    workers: int = 1,
    seed: int = 0,
    deterministic: bool = False,
    progress: Callable[[Progress], None] | None = None,
    stop: Event | None = None,
    executor: OpenExecutor | None = None,
) -> Solution:
    """The best plan found within `time_limit` seconds, with a proven bound.

    `workers` processes search at the same time (one more, mostly idle, prices the bound of a large problem). `progress`
    is called from the calling thread, and from a solver's own for small problems, with every better plan or bound.
    `executor` says where the search of a large problem is done (left out: in processes here; see `matching.solving.workers`).
    `stop` ends the search early; what was found until then is answered. With `deterministic` the same problem, seed and
    version give the same plan with any number of workers; the limit is then an amount of work, about what one second
    does on a common machine for each of its seconds.

    The plan always keeps every rule. A week without pins always has a plan, if an empty one; pins that contradict the
    rules make it infeasible, and the solution says which in `conflicts`."""
    if problem.objective is Objective.LEXICOGRAPHIC:
        from matching.solving.lexicographic import solve_lexicographic  # it solves its first level here

        return solve_lexicographic(
            problem,
            time_limit=time_limit,
            workers=workers,
            seed=seed,
            deterministic=deterministic,
            progress=progress,
            stop=stop,
            executor=executor,
        )
    run = Run(
        problem,
        time_limit,
        workers=workers,
        seed=seed,
        deterministic=deterministic,
        progress=progress,
        stop=stop,
        executor=executor,
    )
    run.say("reading the problem")
    facts = Facts(problem)
    options = Options(facts)
    state = State(options)
    conflicts = _take_pins(problem, facts, options, state)
    if conflicts:
        return Solution(
            assignments=(), objective=0, bound=None, status=Status.INFEASIBLE, seconds=run.seconds, conflicts=conflicts
        )
    _keep_previous(options, state)
    greedy_plan(options, state)
    run.start(options, state)
    if run.proven:
        pass
    elif fits_exactly(options):
        solve_exactly(run)
    else:
        from matching.solving.large import solve_large  # compiled code takes its time to load: the first plan is shown before

        solve_large(run)
        _fill_up(run)
    return run.solution(facts)


def _keep_previous(options: Options, state: State) -> None:
    """Starts from the running plan where leaving it has a price, as far as it keeps the rules still."""
    for option in options.previous:
        if state.free(np.array([option]))[0]:
            state.add(option)


def _fill_up(run: Run) -> None:
    """Gives away what still gains: so every open window of the plan has a rule that explains it."""
    state = State(run.options)
    for option in run.chosen.tolist():
        state.add(option)
    greedy_plan(run.options, state)
    run.better_plan(state.chosen)


def _take_pins(problem: Problem, facts: Facts, options: Options, state: State) -> tuple[str, ...]:
    """Takes the pinned options. Answers what is wrong when the pins cannot all be kept."""
    for option in options.pinned:
        state.add(option)
    pinned = options.assignments(facts, np.array(options.pinned, dtype=np.int64))
    lost = sorted(set(problem.pins) - set(pinned))
    violations = [violation.sentence for violation in rule_violations(problem, [*pinned, *lost]) if violation.rule != "whole"]
    return tuple(dict.fromkeys(violations))
