"""Planning: a problem in, a plan with reasons out. Pure: no database, no web, no clock.

    problem = problem_from_json(document)                # or build a Problem from values
    plan = solve(problem, time_limit=30)                 # any time, stoppable, with a proven bound where there is one
    assert not verify_plan(problem, plan)                # independent: shares no code with the search
    explained = explain_plan(problem, plan)              # funnel, near misses and nearest fix for every uncovered window

The solver's library is imported by the solving process alone; importing this package is cheap.
"""

from matching.problem import Assignment, Coordinator, ForbiddenPair, Interval, Problem, Request, Weights, Window
from matching.solution import (
    Change,
    Fix,
    FunnelStep,
    NearMiss,
    Progress,
    Reason,
    Solution,
    Status,
    Uncovered,
)

__all__ = [
    "Assignment",
    "Change",
    "Coordinator",
    "Fix",
    "ForbiddenPair",
    "FunnelStep",
    "Interval",
    "NearMiss",
    "Problem",
    "Progress",
    "Reason",
    "Request",
    "Solution",
    "Status",
    "Uncovered",
    "Weights",
    "Window",
]
