"""The weeks and task sets that results are compared on, where they lie beside the checkout."""

import json
from pathlib import Path

import pytest

from matching import Status, problem_from_json, problem_to_json, solve, verify_plan
from matching.facts import Facts
from matching.objective import plan_worth
from matching.options import Options
from matching.problem import Problem
from matching.public.smptsp import read_smptsp, verify_tasks
from matching.public.smptsp_search import solve_tasks
from matching.solving.greedy import greedy_plan
from matching.state import State
from matching.verify import objective_of, rule_violations

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"the published weeks are not at {DATA}")


def load(size: str) -> Problem:
    return problem_from_json(json.loads((DATA / "weeks" / f"week-{size}-1.json").read_text()))


@pytest.mark.parametrize(("size", "pairs"), [("S", 87), ("M", 2_449), ("L", 56_096)])
def test_as_many_pairs_are_eligible_as_published(size: str, pairs: int) -> None:
    made = load(size)
    assert int((Facts(made).violations == 0).sum()) == pairs
    assert problem_from_json(problem_to_json(made)) == made


def test_the_small_week_is_solved_to_its_known_optimum() -> None:
    made = load("S")
    plan = solve(made, time_limit=60)
    assert (plan.status, plan.objective, plan.bound) == (Status.OPTIMAL, 857_748, 857_748)
    assert verify_plan(made, plan) == ()


@pytest.mark.parametrize(("size", "least"), [("S", 840_000), ("M", 4_900_000), ("L", 28_500_000)])
def test_the_first_plan_keeps_every_rule(size: str, least: int) -> None:
    made = load(size)
    facts = Facts(made)
    options = Options(facts)
    state = State(options)
    greedy_plan(options, state)
    plan = options.assignments(facts, state.chosen)
    assert list(rule_violations(made, plan)) == []
    assert objective_of(made, plan) == plan_worth(options, state.chosen) >= least


def test_the_middle_week_is_searched_and_bounded() -> None:
    """In little time; with more, see docs/planning.md."""
    made = load("M")
    plan = solve(made, time_limit=5, deterministic=True)
    assert verify_plan(made, plan) == ()
    assert plan.objective > 5_300_000
    assert plan.bound is not None
    assert plan.bound >= 5_745_616  # a plan worth that is known


@pytest.mark.parametrize(("name", "people"), [("data_1_23_40_66", 20), ("data_33_76_240_66", 60), ("data_137_245_2105_33", None)])
def test_task_sets(name: str, people: int | None) -> None:
    tasks = read_smptsp((DATA / "smptsp" / f"{name}.dat").read_text())
    plan = solve_tasks(tasks, time_limit=2, deterministic=True)
    assert verify_tasks(tasks, plan) == ()
    if people is not None:
        assert (plan.objective, plan.bound) == (people, people)
