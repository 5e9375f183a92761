"""Invented weeks: the same again for the same seed, valid, and like the published ones."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.facts import Facts
from matching.formats import check_problem, problem_from_json, problem_to_json
from matching.generating import generate
from matching.options import Options
from matching.problem import Problem


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 12), st.integers(0, 25), st.integers(0, 2**31 - 1), st.integers(1, 4))
def test_every_invented_problem_is_valid(people: int, requests: int, seed: int, weeks: int) -> None:
    made = generate(people, requests, seed=seed, weeks=weeks)
    assert (len(made.coordinators), len(made.requests)) == (people, requests)
    assert check_problem(made) == ()
    document = problem_to_json(made)
    assert problem_from_json(json.loads(json.dumps(document))) == made
    assert generate(people, requests, seed=seed, weeks=weeks) == made


def test_another_seed_is_another_problem() -> None:
    assert generate(5, 9, seed=1) != generate(5, 9, seed=2)


def test_numbers_out_of_range_are_refused() -> None:
    for people, requests, weeks in ((-1, 1, 1), (1, -1, 1), (1, 1, 0), (1, 1, 53)):
        with pytest.raises(ValueError, match="a problem has"):
            generate(people, requests, seed=0, weeks=weeks)


def minutes(made: Problem) -> tuple[int, int]:
    """What is wanted and what there is at most."""
    wanted = sum(
        request.headcount * int((window.end - window.start).total_seconds()) // 60
        for request in made.requests
        for window in request.windows
    )
    return wanted, sum(person.cap_minutes for person in made.coordinators)


def test_the_published_shape_is_kept() -> None:
    """Pairs that fit and the hours wanted to those there are, at 100 × 250: published are 2,449 pairs and 1.12."""
    pairs, shares = [], []
    for seed in range(6):
        made = generate(100, 250, seed=seed)
        options = Options(Facts(made))
        pairs.append(len({*zip(options.person.tolist(), options.item_request[options.item].tolist(), strict=True)}))
        wanted, there = minutes(made)
        shares.append(wanted / there)
    assert 1_700 < np.mean(pairs) < 3_200
    assert 0.9 < np.mean(shares) < 1.3


def test_local_hours_hold_through_the_change_of_clocks() -> None:
    made = generate(60, 150, seed=4)
    change = datetime(2026, 3, 8, 7, tzinfo=UTC)
    offsets = set()
    for request in made.requests:
        zone = ZoneInfo(request.time_zone)
        hours = {window.start.astimezone(zone).hour for window in request.windows}
        assert len(hours) <= 2
        if request.time_zone == "America/New_York":
            offsets |= {(window.start > change, window.start.astimezone(zone).utcoffset()) for window in request.windows}
    assert len(offsets) == 2


def test_several_weeks_go_on_from_the_first() -> None:
    made = generate(10, 40, seed=1, weeks=3)
    last = max(window.start for request in made.requests for window in request.windows)
    assert last > datetime(2026, 3, 16, tzinfo=UTC)
    assert made.horizon.end > last
