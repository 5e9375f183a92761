"""Running plans of small weeks, and people who call off."""

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import numpy as np
from hypothesis import assume
from support.planning import at, week

from matching import verify_plan
from matching.facts import Facts
from matching.options import Options
from matching.problem import Assignment, Problem
from matching.relief import CallOff, Relief, ReliefOption
from matching.solution import Solution, Status
from matching.state import State
from matching.verify import objective_of


def plan_of(made: Problem, assignments: tuple[Assignment, ...]) -> Solution:
    return Solution(
        assignments=assignments, objective=objective_of(made, assignments), bound=None, status=Status.FEASIBLE, seconds=0.0
    )


def running(seed: int, people: int = 4, requests: int = 6) -> tuple[Problem, Solution]:
    """A week and a plan for it that keeps every rule, with some of it pinned."""
    rng = Random(seed)
    made = week(seed, people, requests)
    options = Options(Facts(made))
    state = State(options)
    for option in rng.sample(range(len(options.item)), len(options.item)):
        if rng.random() < 0.8 and state.free(np.array([option]))[0]:
            state.add(option)
    assignments = options.assignments(Facts(made), state.chosen)
    pins = tuple(entry for entry in assignments if rng.random() < 0.1)
    made = replace(made, pins=pins)
    plan = plan_of(made, assignments)
    assert verify_plan(made, plan) == ()
    return made, plan


def someone_calls_off(seed: int, plan: Solution) -> CallOff:
    """Somebody with work, from the start, from any hour, or for a stretch."""
    rng = Random(seed + 1)
    who = rng.choice(plan.assignments).coordinator
    since = rng.choice([None, at(rng.randrange(60)), at(rng.choice([8, 9, 10, 13, 32, 33, 34])), at(rng.randrange(60))])
    until = (since or at(0)) + timedelta(hours=rng.choice([3, 24, 30])) if rng.random() < 0.25 else None
    return CallOff(who, since, until)


def case(seed: int, people: int = 4, requests: int = 6) -> tuple[Problem, Solution, CallOff]:
    made, plan = running(seed, people, requests)
    assume(plan.assignments)
    return made, plan, someone_calls_off(seed, plan)


def every_option(relief: Relief) -> list[ReliefOption]:
    joint = [option for option in (relief.undisturbed, relief.helpers_move) if option is not None]
    return [option for item in relief.items for option in item.options] + joint


def starts(made: Problem) -> dict[str, datetime]:
    return {window.id: window.start for entry in made.requests for window in entry.windows}
