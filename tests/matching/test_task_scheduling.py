"""The public shift-minimisation problem: reading, solving, checking."""

from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.public_files import smptsp_file

from matching.formats import InputErrors
from matching.problem import Assignment
from matching.public.smptsp import Tasks, read_smptsp, verify_tasks
from matching.public.smptsp_search import solve_tasks
from matching.solution import Solution, Status

GOOD = "# comment\nType = 1\nJobs = 3\n 0 5\n 3 8\n 5 9\nQualifications = 2\n 2: 0 2\n 3: 0 1 2\n"


@st.composite
def tasks(draw: st.DrawFn) -> Tasks:
    count = draw(st.integers(1, 6))
    spans = tuple(
        (start, start + draw(st.integers(1, 4))) for start in draw(st.lists(st.integers(0, 8), min_size=count, max_size=count))
    )
    people = draw(st.integers(1, 4))
    able = [frozenset(draw(st.sets(st.integers(0, count - 1)))) for _ in range(people)]
    able.append(frozenset(range(count)))
    return Tasks(spans, tuple(able))


def fewest(made: Tasks) -> int | None:
    """The least people, by trying every assignment."""
    best: int | None = None
    for owners in product(range(len(made.able)), repeat=len(made.spans)):
        if any(task not in made.able[person] for task, person in enumerate(owners)):
            continue
        entries = sorted((person, *made.spans[task]) for task, person in enumerate(owners))
        clash = any(a[0] == b[0] and b[1] < a[2] for a, b in pairwise(entries))
        if not clash:
            best = len(set(owners)) if best is None else min(best, len(set(owners)))
    return best


@settings(max_examples=25, deadline=None)
@given(tasks())
def test_few_people_are_enough_and_the_bound_holds(made: Tasks) -> None:
    known = fewest(made)
    plan = solve_tasks(made, time_limit=1.2, deterministic=True)
    if known is None:
        assert plan.status is Status.INFEASIBLE
        return
    assert (plan.status, plan.objective, plan.bound) == (Status.OPTIMAL, known, known)
    assert verify_tasks(made, plan) == ()


@settings(max_examples=40, deadline=None)
@given(tasks())
def test_what_a_file_holds_is_read(made: Tasks) -> None:
    assert read_smptsp(smptsp_file(made)) == made


def test_the_format() -> None:
    made = read_smptsp(GOOD)
    assert made == Tasks(((0, 5), (3, 8), (5, 9)), (frozenset({0, 2}), frozenset({0, 1, 2})))
    assert made.most_at_once() == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (" 3 8", " 8 3", "line 5: the task ends at 3"),
        (" 3 8", " three 8", "line 5: expected the start and end"),
        ("Jobs = 3", "Jobs: 3", "line 3: expected 'Jobs = …'"),
        ("Jobs = 3", "Jobs = 4", "line 7: expected the start and end"),
        (" 2: 0 2", " 3: 0 2", "line 8: announces 3 tasks and names 2"),
        (" 2: 0 2", " 2: 0 7", "line 8: task 7 does not exist"),
        (" 2: 0 2", " 2; 0 2", "line 8: expected 'count: task task …'"),
        (" 3: 0 1 2", " 2: 0 2", "nobody is qualified for task 1"),
        (" 3: 0 1 2\n", "", "the file ends where a person's tasks should follow"),
        (" 3: 0 1 2\n", " 3: 0 1 2\nmore\n", "line 10: nothing should follow"),
    ],
)
def test_faults_name_the_line(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(InputErrors) as caught:
        read_smptsp(GOOD.replace(old, new))
    assert any(str(fault).startswith(message) for fault in caught.value.errors), caught.value.errors


@pytest.mark.parametrize(
    ("owners", "objective", "bound", "rule"),
    [
        (["1", "1", "0"], 2, 2, "overlap"),
        (["0", "1"], 2, 2, "headcount"),
        (["0", "0", "1"], 2, 2, "service"),
        (["0", "1", "9"], 3, 2, "unknown"),
        (["0", "1", "0"], 1, 1, "objective"),
        (["0", "1", "0"], 2, 3, "bound"),
    ],
)
def test_the_check_finds_what_is_wrong(owners: list[str], objective: int, bound: int, rule: str) -> None:
    plan = Solution(
        assignments=tuple(Assignment(owner, str(task)) for task, owner in enumerate(owners)),
        objective=objective,
        bound=bound,
        status=Status.FEASIBLE,
        seconds=0.0,
    )
    assert rule in {violation.rule for violation in verify_tasks(read_smptsp(GOOD), plan)}
