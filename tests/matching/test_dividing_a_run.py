"""How a run of the planner is divided."""

from hypothesis import given
from hypothesis import strategies as st

from matching.facts import Facts
from matching.generating import generate
from matching.options import Options
from matching.solving.greedy import greedy_plan
from matching.solving.schedule import Schedule
from matching.state import State

OPTIONS = Options(Facts(generate(30, 60, seed=3)))
STATE = State(OPTIONS)
greedy_plan(OPTIONS, STATE)


def schedule(seconds: float) -> Schedule:
    return Schedule(OPTIONS, STATE.chosen, seconds)


@given(st.floats(0.1, 3600), st.floats(0.001, 1.0), st.booleans())
def test_a_turn_takes_what_is_left_or_leaves_enough_for_another(seconds: float, part: float, again: bool) -> None:
    left = part * seconds
    deciding, warm = schedule(seconds).next(left, again=again)
    taken = deciding + warm.seconds
    assert 0 < deciding < taken
    assert taken <= left * 1.000001
    assert abs(taken - left) < 1e-6 * left or left - taken >= 0.4 * taken * 0.999


@given(st.floats(0.1, 3600))
def test_the_quick_plan_leaves_most_of_the_run_to_better_ones(seconds: float) -> None:
    made = schedule(seconds)
    assert made.quick().seconds <= made.longest_quick() <= 0.3 * seconds


@given(st.floats(0, 1), st.floats(0, 1))
def test_it_only_ever_gets_colder(one: float, other: float) -> None:
    made = schedule(60.0)
    for heats in (made.quick(), made.next(60.0, again=False)[1]):
        early, late = heats.heat(min(one, other)), heats.heat(max(one, other))
        assert heats.hot * 1.000001 >= early >= late >= heats.cold * 0.999999


def test_people_are_asked_from_nothing_twice_as_long_as_from_a_plan() -> None:
    made = schedule(3600.0)
    fresh, warm = made.next(3000.0, again=False)
    again, same = made.next(3000.0, again=True)
    assert fresh == 2 * again
    assert warm == same
