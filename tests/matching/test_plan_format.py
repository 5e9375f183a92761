"""Plans as JSON: what is written is read back, and faults are told with their paths."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.planning import week

from matching import explain_plan
from matching.facts import Facts
from matching.formats import InputErrors, plan_from_json, plan_to_json
from matching.objective import plan_worth
from matching.options import Options
from matching.solution import Solution, Status
from matching.solving.greedy import greedy_plan
from matching.state import State


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_what_is_written_is_read_back(seed: int) -> None:
    made = week(seed)
    facts = Facts(made)
    options = Options(facts)
    state = State(options)
    greedy_plan(options, state)
    plan = Solution(
        assignments=options.assignments(facts, state.chosen),
        objective=plan_worth(options, state.chosen),
        bound=10**7,
        status=Status.FEASIBLE,
        seconds=1.5,
    )
    explained = explain_plan(made, plan)
    assert plan_from_json(json.loads(json.dumps(plan_to_json(explained)))) == explained


def test_a_plan_that_cannot_be_keeps_its_conflicts() -> None:
    plan = Solution(
        assignments=(), objective=0, bound=None, status=Status.INFEASIBLE, seconds=0.0, conflicts=("C0 does not speak es",)
    )
    assert plan_from_json(plan_to_json(plan)) == plan
    assert plan.gap is None


def test_assignments_alone_are_a_plan() -> None:
    plan = plan_from_json({"format": "relief-plan/1", "assignments": [{"coordinator": "C0", "window": "R0.0"}]})
    assert [(entry.coordinator, entry.window) for entry in plan.assignments] == [("C0", "R0.0")]
    assert plan.bound is None


def test_the_gap_is_the_share_by_which_a_plan_could_be_better() -> None:
    plan = Solution(assignments=(), objective=200, bound=210, status=Status.FEASIBLE, seconds=0.0)
    assert plan.gap == pytest.approx(0.05)
    assert replace(plan, bound=200).gap == 0.0
    assert replace(plan, bound=None).gap is None
    assert replace(plan, objective=-100, bound=-90).gap == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "relief-plan/2"}, "format: must be 'relief-plan/1'"),
        ({"assignments": [{"coordinator": "C0"}]}, "assignments[0].window: is missing"),
        ({"assignments": "all"}, "assignments: expected a list, found a text"),
        ({"status": "great"}, "status: must be one of optimal, feasible"),
        ({"bound": "high"}, "bound: expected a whole number, found a text"),
        ({"uncovered": [{"window": "R0.0", "funnel": [["cap"]]}]}, "uncovered[0].funnel[0]: must be a pair"),
        ({"cost": 1}, "cost: unknown key"),
    ],
)
def test_faults_have_paths(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputErrors) as caught:
        plan_from_json({"format": "relief-plan/1", "assignments": [], **changes})
    assert any(str(fault).startswith(message) for fault in caught.value.errors), caught.value.errors
