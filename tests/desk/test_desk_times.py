"""Times as the desk says them."""

from datetime import UTC, date, datetime, timedelta

from staffing.desk.times import Stretch, ahead_text, days_text, stretches, their_time
from staffing.wall_clock import span_words

NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)


def test_days_in_a_row_are_a_span_and_the_month_is_said_once() -> None:
    monday = date(2026, 11, 23)
    week = [monday + timedelta(days=number) for number in range(5)]
    assert days_text(week) == "Mon 23 to Fri 27 Nov"
    assert days_text(week[::2]) == "Mon 23, Wed 25, Fri 27 Nov"
    assert days_text(week[:2]) == "Mon 23, Tue 24 Nov"
    assert days_text([date(2026, 11, 30), date(2026, 12, 1)]) == "Mon 30 Nov, Tue 1 Dec"
    assert days_text([date(2026, 11, 28) + timedelta(days=number) for number in range(5)]) == "Sat 28 Nov to Wed 2 Dec"
    assert days_text(week[:1]) == "Mon 23 Nov"


def test_windows_with_the_same_hours_on_both_clocks_are_one_line() -> None:
    first = datetime(2026, 3, 5, 14, 0, tzinfo=UTC)
    windows = [(first + timedelta(days=number), first + timedelta(days=number, hours=3)) for number in range(5)]
    # The American clocks change on Sunday, those in Manila do not: the same instants, two lines.
    assert stretches(windows, "America/New_York", "Asia/Manila") == (
        Stretch("Thu 5 to Sat 7 Mar", "09:00–12:00 EST", "22:00–01:00 UTC+08:00"),
        Stretch("Sun 8, Mon 9 Mar", "10:00–13:00 EDT", "22:00–01:00 UTC+08:00"),
    )
    assert stretches(windows[:1], "America/New_York") == (Stretch("Thu 5 Mar", "09:00–12:00 EST"),)


def test_another_day_on_the_other_clock_is_said() -> None:
    start = datetime(2026, 3, 5, 20, 0, tzinfo=UTC)
    end = start + timedelta(hours=2)
    assert their_time(start, end, "America/New_York", "Asia/Manila") == "04:00–06:00 UTC+08:00 the next day"
    assert their_time(start, end, "Asia/Manila", "America/New_York") == "15:00–17:00 EST the day before"
    assert their_time(start, end, "America/New_York", "America/Detroit") == ""


def test_the_midnight_that_ends_a_day_is_24_00() -> None:
    start = datetime(2026, 3, 6, 1, 0, tzinfo=UTC)
    assert span_words(start, start + timedelta(hours=4), "America/New_York") == "Thu 5 Mar, 20:00–24:00 EST"


def test_how_far_off() -> None:
    assert ahead_text(NOW + timedelta(minutes=40), NOW) == "in 40 min"
    assert ahead_text(NOW + timedelta(hours=47), NOW) == "in 47 h"
    assert ahead_text(NOW + timedelta(hours=49), NOW) == "in 2 days"
    assert ahead_text(NOW - timedelta(hours=3), NOW) == "begun 3 h ago"
