"""The public generalised assignment problem: reading, solving, checking."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.public_files import gap_file

from matching.formats import InputErrors
from matching.problem import Assignment
from matching.public.gap import Assigning, read_gap, verify_gap
from matching.public.gap_prices import priced
from matching.public.gap_search import solve_gap
from matching.solution import Solution, Status

GOOD = "2 3\n 5 1 4\n 2 6 3\n 2 2 2\n 3 1 2\n 4 3\n"


@st.composite
def assignings(draw: st.DrawFn) -> Assigning:
    agents, jobs = draw(st.integers(1, 3)), draw(st.integers(1, 5))
    cells = st.lists(st.integers(0, 9), min_size=agents * jobs, max_size=agents * jobs)
    cost = np.array(draw(cells), dtype=np.int64).reshape(agents, jobs)
    takes = np.array(draw(cells), dtype=np.int64).reshape(agents, jobs)
    room = np.array(draw(st.lists(st.integers(0, 25), min_size=agents, max_size=agents)), dtype=np.int64)
    return Assigning(cost, takes, room)


def cheapest(problem: Assigning) -> int | None:
    """The least cost, by trying every assignment."""
    best: int | None = None
    for owners in product(range(problem.agents), repeat=problem.jobs):
        load = [0] * problem.agents
        cost = 0
        for j, a in enumerate(owners):
            load[a] += int(problem.takes[a, j])
            cost += int(problem.cost[a, j])
        if all(load[a] <= problem.room[a] for a in range(problem.agents)):
            best = cost if best is None else min(best, cost)
    return best


@settings(max_examples=8, deadline=None)
@given(assignings())
def test_small_problems_are_solved_to_the_proof(problem: Assigning) -> None:
    known = cheapest(problem)
    plan = solve_gap(problem, time_limit=20)
    if known is None:
        assert plan.status is Status.INFEASIBLE
        return
    assert (plan.status, plan.objective, plan.bound) == (Status.OPTIMAL, known, known)
    assert verify_gap(problem, plan) == ()


@settings(max_examples=200, deadline=None)
@given(assignings(), st.lists(st.floats(0, 50), min_size=3, max_size=3))
def test_any_prices_give_a_bound_and_losses_that_hold(problem: Assigning, prices: list[float]) -> None:
    known = cheapest(problem)
    if known is None:
        return
    made = priced(problem, np.array(prices[: problem.agents]))
    assert made.whole_bound() <= known
    within = made.within(known)
    for owners in product(range(problem.agents), repeat=problem.jobs):
        load = [sum(int(problem.takes[a, j]) for j, b in enumerate(owners) if b == a) for a in range(problem.agents)]
        cost = sum(int(problem.cost[a, j]) for j, a in enumerate(owners))
        if cost == known and all(load[a] <= problem.room[a] for a in range(problem.agents)):
            assert all(within[a, j] for j, a in enumerate(owners))


@settings(max_examples=40, deadline=None)
@given(st.lists(assignings(), min_size=1, max_size=3))
def test_what_a_file_holds_is_read(problems: list[Assigning]) -> None:
    read = read_gap(gap_file(*problems))
    assert len(read) == len(problems)
    for one, other in zip(problems, read, strict=True):
        assert (one.cost == other.cost).all()
        assert (one.takes == other.takes).all()
        assert (one.room == other.room).all()


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="0123456789 -.x\n", max_size=40) | st.text(max_size=40))
def test_any_text_is_read_or_said_to_be_broken(text: str) -> None:
    told: tuple[str, ...] = ("read",)
    try:
        read_gap(text)
    except InputErrors as faults:
        told = tuple(fault.message for fault in faults.errors)
    assert told
    assert all(told)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2 6 3", "2 six 3", "line 3: expected whole numbers, found 'six'"),
        ("2 6 3", "2 -6 3", "line 3: expected whole numbers, found '-6'"),
        ("2 6 3", "2 6", "2 agents and 3 jobs need 16 numbers; the file holds 15"),
        ("2 6 3", "2 99999999999 3", "the number 99999999999 is larger"),
        ("2 3\n", "0 3\n", "expected the number of agents and of jobs"),
    ],
)
def test_faults_are_said(old: str, new: str, message: str) -> None:
    with pytest.raises(InputErrors) as caught:
        read_gap(GOOD.replace(old, new, 1))
    assert str(caught.value.errors[0]).startswith(message)


@pytest.mark.parametrize(
    ("owners", "objective", "bound", "rule"),
    [
        (["0", "0"], 6, 6, "headcount"),
        (["0", "9", "1"], 6, 6, "unknown"),
        (["0", "0", "0"], 10, 6, "cap"),
        (["1", "0", "1"], 5, 5, "cap"),
        (["0", "0", "1"], 8, 8, "objective"),
        (["0", "0", "1"], 9, 10, "bound"),
    ],
)
def test_the_check_finds_what_is_wrong(owners: list[str], objective: int, bound: int, rule: str) -> None:
    plan = Solution(
        assignments=tuple(Assignment(owner, str(job)) for job, owner in enumerate(owners)),
        objective=objective,
        bound=bound,
        status=Status.FEASIBLE,
        seconds=0.0,
    )
    assert rule in {violation.rule for violation in verify_gap(read_gap(GOOD)[0], plan)}


def invented(agents: int, jobs: int, seed: int) -> Assigning:
    """A problem where what a job takes and what it costs pull apart, as in the hard public class."""
    rng = np.random.default_rng(seed)
    takes = rng.integers(1, 100, (agents, jobs))
    cost = 111 - takes + rng.integers(-10, 11, (agents, jobs))
    return Assigning(cost, takes, takes.sum(axis=1) * 8 // (10 * agents))


def test_reproducible_runs_do_not_depend_on_the_number_of_processes() -> None:
    problem = invented(5, 40, 3)
    plans = [solve_gap(problem, time_limit=1.5, workers=workers, seed=2, deterministic=True) for workers in (1, 2)]
    assert plans[0] == plans[1]
    assert verify_gap(problem, plans[0]) == ()
    assert plans[0].gap is not None
    assert plans[0].gap < 0.01


@pytest.mark.parametrize("workers", [1, 2])
def test_a_hard_problem_is_solved_nearly_to_its_bound(workers: int) -> None:
    problem = invented(8, 80, 1)
    plan = solve_gap(problem, time_limit=6, workers=workers)
    assert verify_gap(problem, plan) == ()
    assert plan.gap is not None
    assert plan.gap < 0.02
