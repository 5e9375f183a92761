"""The weekly pattern: cells of the grid in, joined intervals and words out."""

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staffing.errors import Invalid
from staffing.requests import weekly
from staffing.requests.weekly import WeeklyInterval


def cell(weekday: int, minute: int) -> str:
    return f"{weekday}-{weekly.clock_text(minute)}"


def grids(step: int) -> st.SearchStrategy[set[str]]:
    starts = st.integers(0, 1440 // step - 1).map(lambda number: number * step)
    return st.sets(st.builds(cell, st.integers(1, 7), starts))


@settings(deadline=None)
@given(st.sampled_from([60, 30]).flatmap(lambda step: st.tuples(st.just(step), grids(step))))
def test_no_minute_is_lost_or_won_between_cells_and_intervals(given_grid: tuple[int, set[str]]) -> None:
    step, cells = given_grid
    intervals = weekly.from_cells(cells, step=step)
    assert sum(interval.minutes for interval in intervals) == len(cells) * step
    assert set(weekly.to_cells(intervals, step=step)) == cells
    assert weekly.read(weekly.stored(intervals)) == intervals


@settings(deadline=None)
@given(grids(30))
def test_intervals_of_a_day_never_touch(cells: set[str]) -> None:
    intervals = weekly.from_cells(cells, step=30)
    for one, other in pairwise(intervals):
        assert one.weekday < other.weekday or one.end_minute < other.start_minute


def test_adjacent_cells_are_one_interval_and_a_night_is_two() -> None:
    assert weekly.from_cells(["1-09:00", "1-08:00", "1-09:00"], step=60) == (WeeklyInterval(0, 480, 600),)
    assert weekly.from_cells(["1-23:00", "2-00:00"], step=60) == (WeeklyInterval(0, 1380, 1440), WeeklyInterval(1, 0, 60))


@pytest.mark.parametrize(
    "cells", [["0-09:00"], ["8-09:00"], ["1-24:00"], ["1-9:00"], ["1-09:30"], ["monday"], [""], ["1-09:00\x00"], ["١-09:00"]]
)
def test_what_no_grid_has_sent_is_refused_in_words(cells: list[str]) -> None:
    with pytest.raises(Invalid) as problem:
        weekly.from_cells(cells, step=60)
    assert "grid" in problem.value.fields["windows"]


def test_the_coarsest_grid_that_shows_a_pattern() -> None:
    assert weekly.step_for(weekly.read([[0, "08:00", "12:00"]])) == 60
    assert weekly.step_for(weekly.read([[0, "08:30", "12:00"]])) == 30
    assert weekly.step_for(weekly.read([[0, "08:10", "12:00"]])) == 0


def test_in_words() -> None:
    pattern = [[day, "08:00", "12:00"] for day in range(5)] + [[5, "09:00", "13:00"], [6, "22:00", "24:00"]]
    assert weekly.in_words(weekly.read(pattern)) == "Mon–Fri 08:00–12:00; Sat 09:00–13:00; Sun 22:00–24:00"
    assert weekly.in_words(weekly.read([[0, "08:00", "09:00"], [0, "10:00", "11:00"]])) == "Mon 08:00–09:00, 10:00–11:00"
    odd = [[day, "08:00", "12:00"] for day in (0, 2, 3, 4, 6)]
    assert weekly.in_words(weekly.read(odd)) == "Mon, Wed–Fri, Sun 08:00–12:00"
    assert weekly.in_words(weekly.read([[0, "08:00", "09:00"], [1, "08:00", "09:00"]])) == "Mon, Tue 08:00–09:00"
    assert weekly.in_words(()) == ""


def test_an_end_before_the_start_reads_as_the_end_of_the_day() -> None:
    assert weekly.read([[0, "22:00", "00:00"], [1, "22:00", "02:00"]]) == (
        WeeklyInterval(0, 1320, 1440),
        WeeklyInterval(1, 1320, 1440),
    )


@pytest.mark.parametrize("bad", ["25:00", "24:01", "8:00", "noon"])
def test_a_pattern_that_is_no_time_is_an_error(bad: str) -> None:
    with pytest.raises(ValueError):
        weekly.read([[0, bad, "24:00"]])


def test_days_say_once_what_both_share() -> None:
    assert weekly.days_in_words(date(2026, 3, 4), date(2026, 3, 4)) == "Wed 4 Mar 2026"
    assert weekly.days_in_words(date(2026, 3, 4), date(2026, 3, 20)) == "Wed 4 – Fri 20 Mar 2026"
    assert weekly.days_in_words(date(2026, 3, 30), date(2026, 4, 3)) == "Mon 30 Mar – Fri 3 Apr 2026"
    assert weekly.days_in_words(date(2026, 12, 30), date(2027, 1, 1)) == "Wed 30 Dec 2026 – Fri 1 Jan 2027"
