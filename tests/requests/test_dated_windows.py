"""From the weekly pattern to dated windows, on ordinary days and on those when the clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from staffing.errors import Invalid
from staffing.requests import rules, weekly
from staffing.requests.errors import ClockAsked
from staffing.requests.rules import Window, dated_windows
from staffing.requests.weekly import WeeklyInterval
from staffing.wall_clock import instants_of

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
ZONES = ["America/New_York", "America/Phoenix", "America/Havana", "Australia/Lord_Howe", "Asia/Beirut", "Pacific/Honolulu"]


def week(*parts: tuple[int, str, str]) -> tuple[WeeklyInterval, ...]:
    return weekly.read(parts)


def windows(
    pattern: tuple[WeeklyInterval, ...],
    first: date,
    last: date,
    zone: ZoneInfo = NEW_YORK,
    *,
    now: datetime = NOW,
    answers: dict[str, str] | None = None,
) -> tuple[Window, ...]:
    return dated_windows(pattern, first, last, zone, now, answers)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def wall(day: int, month: int, clock: str) -> datetime:
    return datetime.combine(date(2026, month, day), time.fromisoformat(clock))


def sentence(problem: pytest.ExceptionInfo[Invalid], field: str) -> str:
    return problem.value.fields[field]


patterns = st.sets(
    st.tuples(st.integers(0, 6), st.integers(0, 47)), min_size=1, max_size=40
).map(lambda cells: weekly.joined(WeeklyInterval(day, half * 30, half * 30 + 30) for day, half in cells))  # fmt: skip
CHANGE_DAYS = [
    date(2026, 3, 8), date(2026, 3, 29), date(2026, 4, 5), date(2026, 10, 4), date(2026, 10, 25), date(2026, 11, 1)
]  # fmt: skip
near_a_change = st.builds(lambda day, ago: day - timedelta(days=ago), st.sampled_from(CHANGE_DAYS), st.integers(0, 4))
starts = st.one_of(st.dates(date(2026, 1, 1), date(2027, 12, 31)), near_a_change)
spans = st.tuples(starts, st.integers(0, 20))


@settings(deadline=None)
@given(patterns, spans, st.sampled_from(ZONES), st.booleans())
def test_windows_follow_the_wall_clock(
    pattern: tuple[WeeklyInterval, ...], span: tuple[date, int], name: str, later: bool
) -> None:
    """Of every result: no overlap, each window within one day of those asked for, and the wall clock shows what was asked."""
    zone, (first, length) = ZoneInfo(name), span
    last = first + timedelta(days=length)
    before = datetime.combine(first, time(), zone).astimezone(UTC) - timedelta(days=2)
    days = [first + timedelta(days=number) for number in range(length + 1)]
    assume({interval.weekday for interval in pattern} & {day.weekday() for day in days})
    found, asked_about = answered(pattern, first, last, zone, before, later=later)
    for one, other in pairwise(found):
        assert one.end <= other.start
    for window in found:
        assert window.start < window.end
        if window.start.astimezone(zone).date() not in asked_about:
            assert instants_of(window.start.astimezone(zone).replace(tzinfo=None), zone) == (window.start,)
        assert first <= window.start.astimezone(zone).date() <= last
        assert window.start.astimezone(zone).date() == (window.end - timedelta(microseconds=1)).astimezone(zone).date()
    for day in days:
        asked = [(one.start_minute, one.end_minute) for one in pattern if one.weekday == day.weekday()]
        if day not in asked_about:
            assert on_the_wall_clock(day, found, zone) == asked
        if not changes(day, zone):
            assert day not in asked_about
            assert minutes_on(day, found, zone) == sum(end - start for start, end in asked)


def answered(
    pattern: tuple[WeeklyInterval, ...], first: date, last: date, zone: ZoneInfo, now: datetime, *, later: bool
) -> tuple[tuple[Window, ...], set[date]]:
    """As somebody would do it: look at the questions, answer them all, send the form again. Also the days asked about."""
    try:
        return dated_windows(pattern, first, last, zone, now), set()
    except ClockAsked as asked:
        days = {question.day for question in asked.questions}
        answers = {question.key: "later" if later else "earlier" for question in asked.questions}
    try:
        return dated_windows(pattern, first, last, zone, now, answers), days
    except Invalid as nothing_left:
        return ((), days) if "over already" in nothing_left.fields["windows"] else pytest.fail(str(nothing_left))


def on_the_wall_clock(day: date, found: tuple[Window, ...], zone: ZoneInfo) -> list[tuple[int, int]]:
    def minute(instant: datetime) -> int:
        local = instant.astimezone(zone)
        return 1440 if local.date() > day else local.hour * 60 + local.minute

    return [(minute(one.start), minute(one.end)) for one in found if one.start.astimezone(zone).date() == day]


def changes(day: date, zone: ZoneInfo) -> bool:
    noon = datetime.combine(day, time(12))
    around = [(noon + timedelta(hours=hours)).replace(tzinfo=zone).utcoffset() for hours in (-13, 13)]
    return around[0] != around[1]


def minutes_on(day: date, found: tuple[Window, ...], zone: ZoneInfo) -> int:
    return sum(
        int((window.end - window.start).total_seconds()) // 60 for window in found if window.start.astimezone(zone).date() == day
    )


def test_each_day_has_its_own_offset() -> None:
    found = windows(week((4, "08:00", "12:00"), (0, "08:00", "12:00")), date(2026, 3, 6), date(2026, 3, 9))
    assert found == (
        Window(utc(2026, 3, 6, 13), utc(2026, 3, 6, 17)),  # Friday, EST
        Window(utc(2026, 3, 9, 12), utc(2026, 3, 9, 16)),  # Monday, EDT
    )


@pytest.mark.parametrize(("zone", "hours"), [("America/New_York", 3), ("America/Phoenix", 4)])
def test_a_night_over_the_gap_is_as_long_as_it_is(zone: str, hours: int) -> None:
    (only,) = windows(week((6, "00:00", "04:00")), date(2026, 3, 8), date(2026, 3, 8), ZoneInfo(zone))
    assert only.end - only.start == timedelta(hours=hours)


def test_a_night_over_the_doubled_hour_is_as_long_as_it_is() -> None:
    (only,) = windows(week((6, "00:30", "02:30")), date(2026, 11, 1), date(2026, 11, 1), now=utc(2026, 10, 1))
    assert only.end - only.start == timedelta(hours=3)


def test_a_time_that_does_not_exist_is_asked_about_with_both_neighbours() -> None:
    with pytest.raises(ClockAsked) as asked:
        windows(week((6, "02:00", "03:00")), date(2026, 3, 8), date(2026, 3, 15))
    (question,) = asked.value.questions
    assert question.day == date(2026, 3, 8)
    assert not question.twice
    assert question.sentence == "On Sun 8 Mar 2026 the clocks go forward and there is no 02:00"
    assert (question.earlier_words, question.later_words) == ("01:00 EST", "03:00 EDT")
    assert (question.earlier, question.later) == (utc(2026, 3, 8, 6), utc(2026, 3, 8, 7))
    assert "there is no 02:00. 01:00 EST or 03:00 EDT?" in sentence(asked, "windows")


def test_a_time_that_comes_twice_is_asked_about_with_both_instants() -> None:
    with pytest.raises(ClockAsked) as asked:
        windows(week((6, "01:30", "06:00")), date(2026, 11, 1), date(2026, 11, 1), now=utc(2026, 10, 1))
    (question,) = asked.value.questions
    assert question.twice
    assert (question.earlier_words, question.later_words) == ("The first 01:30 (EDT)", "the second 01:30 (EST)")
    assert question.later - question.earlier == timedelta(hours=1)


@pytest.mark.parametrize(("answer", "start"), [("earlier", utc(2026, 3, 8, 6)), ("later", utc(2026, 3, 8, 7))])
def test_an_answer_decides(answer: str, start: datetime) -> None:
    (only,) = windows(week((6, "02:00", "06:00")), date(2026, 3, 8), date(2026, 3, 8), answers={"2026-03-08-02:00": answer})
    assert only == Window(start, utc(2026, 3, 8, 10))


def test_a_window_that_the_answer_leaves_empty_is_not_asked_for() -> None:
    found = windows(week((6, "02:00", "03:00")), date(2026, 3, 8), date(2026, 3, 15), answers={"2026-03-08-02:00": "later"})
    assert found == (Window(utc(2026, 3, 15, 6), utc(2026, 3, 15, 7)),)


def test_an_answer_that_is_none_is_asked_again() -> None:
    with pytest.raises(ClockAsked):
        windows(week((6, "02:00", "03:00")), date(2026, 3, 8), date(2026, 3, 8), answers={"2026-03-08-02:00": "whatever"})


def test_lord_howe_moves_by_half_an_hour() -> None:
    zone = ZoneInfo("Australia/Lord_Howe")
    with pytest.raises(ClockAsked) as asked:
        windows(week((6, "02:00", "05:00")), date(2026, 10, 4), date(2026, 10, 4), zone, now=utc(2026, 9, 1))
    question = asked.value.questions[0]
    assert question.later.astimezone(zone).strftime("%H:%M") == "02:30"
    assert question.earlier.astimezone(zone).strftime("%H:%M") == "01:30"


def test_windows_that_are_over_are_dropped_and_the_one_under_way_begins_at_the_next_quarter() -> None:
    now = utc(2026, 3, 4, 15, 7)  # Wednesday, 10:07 in New York
    found = windows(
        week((2, "08:00", "09:00"), (2, "09:30", "12:00"), (3, "08:00", "09:00")), date(2026, 3, 4), date(2026, 3, 5), now=now
    )
    assert found == (Window(utc(2026, 3, 4, 15, 15), utc(2026, 3, 4, 17)), Window(utc(2026, 3, 5, 13), utc(2026, 3, 5, 14)))


def test_a_request_of_over_hours_is_refused() -> None:
    with pytest.raises(Invalid) as problem:
        windows(week((2, "08:00", "10:00")), date(2026, 3, 4), date(2026, 3, 4))
    assert "over already" in sentence(problem, "windows")


def test_a_pattern_that_meets_none_of_the_days_is_refused_naming_both() -> None:
    with pytest.raises(Invalid) as problem:
        windows(week((5, "08:00", "10:00")), date(2026, 3, 9), date(2026, 3, 13))
    assert sentence(problem, "windows") == (
        "None of these hours falls on a day you chose: Sat 08:00–10:00, but only Mon 9 Mar 2026 to Fri 13 Mar 2026."
    )


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        (date(2026, 3, 10), date(2026, 3, 9), "ends_on"),
        (date(2026, 3, 3), date(2026, 3, 9), "starts_on"),
        (date(2026, 3, 1), date(2026, 3, 3), "ends_on"),
        (date(9999, 12, 31), date(9999, 12, 31), "starts_on"),
        (date(1, 1, 1), date(2026, 3, 9), "starts_on"),
        (date(2026, 3, 10), date(9999, 12, 31), "ends_on"),
    ],
)
def test_days_that_cannot_be(first: date, last: date, field: str) -> None:
    with pytest.raises(Invalid) as problem:
        windows(week((0, "08:00", "10:00")), first, last)
    assert set(problem.value.fields) == {field}


def test_today_is_the_facility_s_own_day() -> None:
    late = utc(2026, 3, 5, 3)  # Wednesday, 22:00 in New York
    assert windows(week((2, "23:00", "24:00")), date(2026, 3, 4), date(2026, 3, 4), now=late)
    with pytest.raises(Invalid):
        windows(week((2, "23:00", "24:00")), date(2026, 3, 4), date(2026, 3, 4), ZoneInfo("Asia/Manila"), now=late)


def test_too_many_windows_are_refused() -> None:
    crowded = weekly.joined(WeeklyInterval(day, hour * 60, hour * 60 + 30) for day in range(7) for hour in range(24))
    with pytest.raises(Invalid) as problem:
        windows(crowded, date(2026, 3, 9), date(2026, 6, 9))
    assert str(rules.MOST_WINDOWS) in sentence(problem, "ends_on")


def test_nothing_marked_is_said_at_the_grid() -> None:
    with pytest.raises(Invalid) as problem:
        windows((), date(2026, 3, 9), date(2026, 3, 9))
    assert "nothing is marked" in sentence(problem, "windows")
