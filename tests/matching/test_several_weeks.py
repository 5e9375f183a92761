"""Plans of several weeks: a cap for each week beside the one for the whole."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.planning import at, coordinator, problem, request, week

from matching import Interval, Limit, Status, solve, verify_plan
from matching.facts import NO_CAP, Facts
from matching.options import Options

WEEK = 24 * 7


def weeks(*caps: int) -> tuple[Limit, ...]:
    return tuple(Limit(Interval(at(WEEK * k), at(WEEK * (k + 1))), cap) for k, cap in enumerate(caps))


def test_each_week_keeps_its_own_cap() -> None:
    """Three windows of three hours in each of two weeks; with six hours a week, twelve in all: two and two."""
    asked = [
        request(f"R{k}", ((start, start + 3),), priority=5 if start < WEEK else 1)
        for k, start in enumerate((9, 33, 57, WEEK + 9, WEEK + 33, WEEK + 57))
    ]
    available = (Interval(at(0), at(2 * WEEK)),)
    long = Interval(at(0), at(2 * WEEK))
    free = problem([coordinator(available=available, cap_minutes=720)], asked, horizon=long)
    kept = problem([coordinator(available=available, cap_minutes=720, limits=weeks(360, 360))], asked, horizon=long)

    def by_week(made: object) -> tuple[int, int]:
        plan = solve(made, time_limit=20, deterministic=True)  # type: ignore[arg-type]
        assert plan.status is Status.OPTIMAL
        assert verify_plan(made, plan) == ()  # type: ignore[arg-type]
        first = sum(int(entry.window[1]) < 3 for entry in plan.assignments)
        return first, len(plan.assignments) - first

    assert by_week(free) == (3, 1)
    assert by_week(kept) == (2, 2)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_the_periods_in_arrays_are_those_of_the_problem(seed: int) -> None:
    made = week(seed, people=4, requests=6)
    facts = Facts(made)
    options = Options(facts)
    for option, (c, i) in enumerate(zip(options.person.tolist(), options.item.tolist(), strict=True)):
        windows = [facts.windows[w] for w in options.windows_of(i)]
        limits = made.coordinators[c].limits
        counted = [sum((w.end - w.start).total_seconds() // 60 for w in windows)]
        for limit in limits:
            inside = [w for w in windows if limit.during.start <= w.start < limit.during.end]
            counted.append(sum((w.end - w.start).total_seconds() // 60 for w in inside))
        counted += [0] * (options.period_cap.shape[1] - len(counted))
        assert options.period_minutes[option].tolist() == counted
        assert options.minutes_in_periods(np.array([c]), i)[0].tolist() == counted
        caps = [made.coordinators[c].cap_minutes, *(limit.cap_minutes for limit in limits)]
        assert options.period_cap[c].tolist() == caps + [NO_CAP] * (options.period_cap.shape[1] - len(caps))
