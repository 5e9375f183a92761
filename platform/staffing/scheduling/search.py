"""The whole search for a plan: rounds of solving until nobody is beyond the cap of any week."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from matching.problem import ForbiddenPair, Problem
from matching.solution import Solution, Status
from matching.verify import objective_of
from staffing.scheduling.limits import overruns
from staffing.scheduling.problem import Stated

MOST_ROUNDS = 4
FIRST_SHARE = 0.6
"""Part of the time left that a round may use while another may follow."""
LEAST_SECONDS = 1.0

Run = Callable[[Problem, float], Awaitable[Solution]]


@dataclass(frozen=True, slots=True)
class Found:
    """A plan and the problem it answers: the one stated, with the pairs barred on the way."""

    problem: Problem
    plan: Solution


async def search(stated: Stated, seconds: float, run: Run, enough: Callable[[], bool]) -> Found:
    """The best plan that keeps every week's cap. `run` solves one problem within a time; once `enough` says so, no further
    round follows.

    The first problem leaves the weeks out of account, so its bound holds for every later one as well.
    """
    problem, bound, started = stated.problem, None, time.monotonic()
    several_weeks = any(len(weeks) > 1 for weeks in stated.week_minutes.values())
    for number in range(1, MOST_ROUNDS + 1):
        left = max(LEAST_SECONDS, seconds - (time.monotonic() - started))
        may_follow = several_weeks and number < MOST_ROUNDS
        plan = await run(problem, left * FIRST_SHARE if may_follow else left)
        bound = plan.bound if number == 1 else bound
        too_much = overruns(problem, stated.week_minutes, plan.assignments)
        if not too_much:
            return Found(problem, _bounded(plan, bound, first=number == 1))
        if enough() or time.monotonic() - started >= seconds:
            break
        problem = _barring(problem, too_much)
    problem = _barring(problem, too_much)
    return Found(problem, without_pairs(problem, plan, bound))


def _barring(problem: Problem, pairs: tuple[ForbiddenPair, ...]) -> Problem:
    return replace(problem, forbidden=tuple(sorted({*problem.forbidden, *pairs})))


def _bounded(plan: Solution, bound: int | None, *, first: bool) -> Solution:
    if first:
        return plan
    status = Status.OPTIMAL if bound == plan.objective else Status.FEASIBLE
    return replace(plan, bound=bound, status=status)


def without_pairs(problem: Problem, plan: Solution, bound: int | None) -> Solution:
    """The plan without the pairs that `problem` forbids, counted anew."""
    request_of = {window.id: request.id for request in problem.requests for window in request.windows}
    barred = {(pair.coordinator, pair.request) for pair in problem.forbidden}
    kept = tuple(one for one in plan.assignments if (one.coordinator, request_of[one.window]) not in barred)
    return replace(plan, assignments=kept, objective=objective_of(problem, kept), bound=bound, status=Status.FEASIBLE)
