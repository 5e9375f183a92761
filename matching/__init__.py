"""Planning: a problem in, a plan with reasons out. Pure: no database, no web, no clock.

    problem = problem_from_json(document)                # or build a Problem from values
    plan = solve(problem, time_limit=30)                 # any time, stoppable, with a proven bound
    assert not verify_plan(problem, plan)                # independent: shares no code with the search
    explained = explain_plan(problem, plan)              # why every uncovered window is, and what fills it

The solver's library is imported by the solving process alone; importing this package is cheap.
"""

from matching.explaining.explain import explain_assignment, explain_assignments, explain_plan, explain_window
from matching.explaining.fixes import apply_fix
from matching.formats import (
    InputError,
    InputErrors,
    check_problem,
    plan_from_json,
    plan_to_json,
    problem_from_json,
    problem_to_json,
)
from matching.problem import Assignment, Coordinator, ForbiddenPair, Interval, Limit, Objective, Problem, Request, Weights, Window
from matching.solution import (
    Change,
    Correction,
    Fix,
    FunnelStep,
    Level,
    NearMiss,
    Progress,
    Reason,
    Solution,
    Status,
    Uncovered,
)
from matching.solving.solver import solve
from matching.verify import Violation, levels_of, objective_of, verify_plan

__all__ = [
    "Assignment",
    "Change",
    "Coordinator",
    "Correction",
    "Fix",
    "ForbiddenPair",
    "FunnelStep",
    "InputError",
    "InputErrors",
    "Interval",
    "Level",
    "Limit",
    "NearMiss",
    "Objective",
    "Problem",
    "Progress",
    "Reason",
    "Request",
    "Solution",
    "Status",
    "Uncovered",
    "Violation",
    "Weights",
    "Window",
    "apply_fix",
    "check_problem",
    "explain_assignment",
    "explain_assignments",
    "explain_plan",
    "explain_window",
    "levels_of",
    "objective_of",
    "plan_from_json",
    "plan_to_json",
    "problem_from_json",
    "problem_to_json",
    "solve",
    "verify_plan",
]
