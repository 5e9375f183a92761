"""What the clock on the wall shows on ordinary days and on those when the clocks change."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staffing.wall_clock import instants_of, local_day, readings, start_of_day

NEW_YORK = ZoneInfo("America/New_York")
ZONES = ["America/New_York", "America/Santiago", "America/Havana", "Australia/Lord_Howe", "Asia/Beirut", "Asia/Manila"]
SECOND = datetime.resolution


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_time_is_shown_once_twice_or_never() -> None:
    assert instants_of(wall("2026-03-08T01:59"), NEW_YORK) == (datetime(2026, 3, 8, 6, 59, tzinfo=UTC),)
    assert instants_of(wall("2026-03-08T02:30"), NEW_YORK) == ()
    twice = (datetime(2026, 11, 1, 5, 30, tzinfo=UTC), datetime(2026, 11, 1, 6, 30, tzinfo=UTC))
    assert instants_of(wall("2026-11-01T01:30"), NEW_YORK) == twice


def test_a_missing_time_is_read_with_both_offsets() -> None:
    before, after = readings(wall("2026-03-08T02:30"), NEW_YORK)
    assert [f"{one.astimezone(NEW_YORK):%H:%M %Z}" for one in (before, after)] == ["01:30 EST", "03:30 EDT"]


@pytest.mark.parametrize(
    ("day", "zone", "begins"),
    [
        (date(2026, 3, 4), "America/New_York", datetime(2026, 3, 4, 5, tzinfo=UTC)),
        # Clocks jump over midnight: the day begins at 01:00, the instant of the jump.
        (date(2026, 9, 6), "America/Santiago", datetime(2026, 9, 6, 4, tzinfo=UTC)),
        # Midnight comes twice: the day begins at the first.
        (date(2026, 11, 1), "America/Havana", datetime(2026, 11, 1, 4, tzinfo=UTC)),
    ],
)
def test_a_day_begins(day: date, zone: str, begins: datetime) -> None:
    assert start_of_day(day, zone) == begins


@given(st.dates(date(2025, 1, 1), date(2027, 12, 31)), st.sampled_from(ZONES))
def test_a_day_begins_where_the_one_before_ends(day: date, zone: str) -> None:
    begins = start_of_day(day, zone)
    assert local_day(begins, zone) == day
    assert local_day(begins - SECOND, zone) < day
