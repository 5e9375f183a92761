"""Lengths, days, months and wall times: pure rules."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staffing.errors import Invalid
from staffing.worklog import rules, wall_times
from staffing.worklog.errors import TimeToChoose
from staffing.worklog.rules import Span

ZONES = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles", "America/Anchorage",
    "Pacific/Honolulu", "America/St_Johns", "America/Halifax", "America/Puerto_Rico", "America/Bogota", "America/Sao_Paulo",
    "Europe/London", "Europe/Berlin", "Africa/Cairo", "Africa/Lagos", "Asia/Manila", "Asia/Kolkata", "Asia/Kathmandu",
    "Australia/Lord_Howe",
)  # fmt: skip
zones = st.sampled_from(ZONES)
days = st.dates(date(2020, 1, 1), date(2035, 12, 31))
FIRST = datetime(2020, 1, 1, tzinfo=UTC)
instants = st.integers(0, 16 * 365 * 86400).map(lambda seconds: FIRST + timedelta(seconds=seconds))
lengths = st.integers(1, 12 * 3600).map(lambda seconds: timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("typed", "minutes"),
    [("6", 6), ("90", 90), ("1:30", 90), ("0:05", 5), ("1h 30", 90), ("1h30m", 90), ("1 h 30 min", 90), ("2h", 120), ("1.5h", 90),
     ("1,5 h", 90), ("45m", 45), ("45 min", 45), (" 12:00 ", 720), ("1 HOUR", 60)],
)  # fmt: skip
def test_a_length_can_be_typed_as_people_do(typed: str, minutes: int) -> None:
    assert rules.parse_duration(typed) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "typed", ["", "0", "0:00", "-5", "12:01", "721", "13h", "1:60", "1:5", "abc", "1e308", "NaN", "٣٠0000", "9" * 40, "1:30:20"]
)
def test_what_is_no_length_is_refused_at_its_field(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        rules.parse_duration(typed)
    assert set(refused.value.fields) == {"minutes"}


@given(st.text(max_size=30))
def test_any_text_is_a_sensible_length_or_refused(typed: str) -> None:
    try:
        length = rules.parse_duration(typed)
    except Invalid:
        return
    assert timedelta() < length <= timedelta(hours=12)


@given(instants, lengths, zones)
def test_a_month_border_cuts_without_losing_a_second(start: datetime, length: timedelta, zone: str) -> None:
    span = Span(start, start + length)
    parts = rules.split_at_month_border(span, zone)
    assert sum(part.seconds for part in parts) == span.seconds
    assert (parts[0].start, parts[-1].end) == (span.start, span.end)
    for part in parts:
        last = part.end - timedelta(seconds=1)
        assert rules.local_day(part.start, zone).replace(day=1) == rules.local_day(last, zone).replace(day=1)


@given(days, zones)
def test_a_day_recorded_in_full_has_all_its_hours_and_no_more(day: date, zone: str) -> None:
    span = rules.day_span(day, zone)
    around = [day - timedelta(days=1), day, day + timedelta(days=1)]
    assert rules.seconds_per_day([span], zone, around) == [0, span.seconds, 0]
    assert span.seconds in {hours * 1800 for hours in (46, 47, 48, 49, 50)}


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 8), 23), (date(2026, 11, 1), 25), (date(2026, 3, 9), 24)])
def test_days_of_a_clock_change_are_as_long_as_they_are(day: date, hours: int) -> None:
    assert rules.day_span(day, "America/New_York").seconds == hours * 3600


@given(st.lists(st.tuples(st.integers(0, 7 * 86400), lengths), max_size=12), days, zones)
def test_cells_of_a_week_add_up_to_its_entries(raw: list[tuple[int, timedelta]], day: date, zone: str) -> None:
    monday = rules.monday_of(day)
    week = rules.day_span(monday, zone, 7)
    spans = [
        Span(week.start + timedelta(seconds=offset), week.start + timedelta(seconds=offset) + length) for offset, length in raw
    ]
    inside = [span for span in spans if span.end <= week.end]
    cells = rules.seconds_per_day(inside, zone, [monday + timedelta(days=number) for number in range(7)])
    assert sum(cells) == sum(span.seconds for span in inside)


def test_work_over_midnight_counts_on_both_days_with_its_parts() -> None:
    span = Span(datetime(2026, 3, 5, 4, 40, tzinfo=UTC), datetime(2026, 3, 5, 5, 20, tzinfo=UTC))
    assert rules.seconds_per_day([span], "America/New_York", [date(2026, 3, 4), date(2026, 3, 5)]) == [1200, 1200]
    assert rules.seconds_per_day([span], "Asia/Manila", [date(2026, 3, 4), date(2026, 3, 5)]) == [0, 2400]


@pytest.mark.parametrize(
    "zone", ["America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "Europe/Berlin"]
)
def test_a_time_that_is_jumped_over_is_never_moved_silently(zone: str) -> None:
    day, gone = (date(2026, 3, 29), time(2, 30)) if zone == "Europe/Berlin" else (date(2026, 3, 8), time(2, 30))
    assert wall_times.readings(day, gone, zone) == []
    with pytest.raises(Invalid) as refused:
        wall_times.span_on(day, gone, time(4), zone)
    assert "01:30 or 03:30" in refused.value.fields["start"]


def test_half_an_hour_is_jumped_over_on_lord_howe() -> None:
    with pytest.raises(Invalid) as refused:
        wall_times.instant_on(date(2026, 10, 4), time(2, 15), "Australia/Lord_Howe", "end")
    assert "01:45 or 02:45" in refused.value.fields["end"]


def test_phoenix_asks_nothing() -> None:
    assert len(wall_times.readings(date(2026, 3, 8), time(2, 30), "America/Phoenix")) == 1


def test_a_time_that_comes_twice_is_asked_about() -> None:
    day = date(2026, 11, 1)
    with pytest.raises(TimeToChoose) as asked:
        wall_times.span_on(day, time(0, 30), time(1, 30), "America/New_York")
    assert asked.value.choices == {"end": (("1", "The first, EDT"), ("2", "The second, EST"))}
    first = wall_times.span_on(day, time(0, 30), time(1, 30), "America/New_York", end_reading="1")
    second = wall_times.span_on(day, time(0, 30), time(1, 30), "America/New_York", end_reading="2")
    assert (first.seconds, second.seconds) == (3600, 7200)


def test_the_length_over_the_hour_that_comes_twice_is_the_real_one() -> None:
    """00:30 to 02:30 on the night when clocks go back is three hours."""
    span = wall_times.span_on(date(2026, 11, 1), time(0, 30), time(2, 30), "America/New_York")
    assert span.seconds == 3 * 3600


def test_an_end_before_the_start_is_on_the_next_day_when_that_can_be() -> None:
    span = wall_times.span_on(date(2026, 3, 4), time(23, 40), time(0, 20), "America/New_York")
    assert span.seconds == 2400
    with pytest.raises(Invalid) as refused:
        wall_times.span_on(date(2026, 3, 4), time(10), time(9), "America/New_York")
    assert "after the start" in refused.value.fields["end"]


@given(days, st.times().map(lambda at: at.replace(microsecond=0)), zones)
def test_a_reading_shows_the_time_that_was_typed(day: date, at: time, zone: str) -> None:
    for instant in wall_times.readings(day, at, zone):
        assert rules.local_day(instant, zone) == day
        assert instant.astimezone(wall_times.ZoneInfo(zone)).time() == at


def test_gaps_are_agreed_time_without_any_work() -> None:
    at = datetime(2026, 3, 4, 14, 0, tzinfo=UTC)

    def part(start: int, end: int) -> Span:
        return Span(at + timedelta(minutes=start), at + timedelta(minutes=end))

    assert rules.gaps([part(0, 240)], [part(5, 60), part(90, 120)], part(0, 200).end) == [part(60, 90), part(120, 200)]
    assert rules.gaps([part(0, 60)], [part(-10, 70)], part(0, 200).end) == []
    assert rules.gaps([part(0, 60)], [], part(-10, 0).end) == []


@pytest.mark.parametrize(("hours", "late"), [(1, False), (24, False), (24.1, True)])
def test_late_is_more_than_a_day_after_the_work(hours: float, late: bool) -> None:
    end = datetime(2026, 3, 4, 14, 0, tzinfo=UTC)
    assert rules.is_late(end, end + timedelta(hours=hours)) is late
