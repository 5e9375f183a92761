"""From a weekly pattern to dated windows: days and wall-clock hours of the facility in, half-open UTC intervals out. Pure.

Each local day is converted on its own. A wall-clock time that a day does not have (the clocks go forward) or has twice (they
go back) is asked about, never guessed. A window never crosses local midnight; the midnight that ends a day is always clear.
Between two clear times the wall clock rules: 00:00–04:00 is three or five hours on the nights when the clocks change.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from staffing.errors import Invalid
from staffing.requests.errors import ClockAsked, ClockQuestion
from staffing.requests.weekly import DAY_MINUTES, WeeklyInterval, clock_text, in_words, joined
from staffing.wall_clock import instants_of, readings, start_of_day

LONGEST_DAYS = 366
FURTHEST_DAYS = 366
MOST_WINDOWS = 800
START_GRID = timedelta(minutes=15)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """One dated interval to cover, `[start, end)` in UTC."""

    start: datetime
    end: datetime


def dated_windows(
    pattern: Iterable[WeeklyInterval],
    starts_on: date,
    ends_on: date,
    zone: ZoneInfo,
    now: datetime,
    answers: Mapping[str, str] | None = None,
) -> tuple[Window, ...]:
    """The windows of `[starts_on, ends_on]` (both ends included, days of `zone`) that still lie ahead of `now`, in order.

    A window under way begins at the next quarter of an hour: nobody can be sent into the past. `answers` maps the key of a
    `ClockQuestion` to `"earlier"` or `"later"`; a window that an answer leaves empty is not asked for.
    Raises `Invalid` on `starts_on`, `ends_on` or `windows` in words, `ClockAsked` for the days whose clock must be asked about.
    """
    week = joined(pattern)
    _check_days(starts_on, ends_on, now.astimezone(zone).date())
    if not week:
        raise Invalid(windows="Please choose the hours: nothing is marked in the week yet.")
    first_start = _next_quarter(now)
    questions: dict[str, ClockQuestion] = {}
    windows: list[Window] = []
    for day in _days(starts_on, ends_on):
        bounds = _bounds(day, zone)
        if bounds.end <= first_start:
            continue
        windows += _of_day(day, week, zone, bounds, first_start, answers or {}, questions)
        if len(windows) > MOST_WINDOWS:
            raise Invalid(ends_on=f"This makes more than {MOST_WINDOWS} windows. Please ask for fewer weeks at once.")
    if questions:
        raise ClockAsked(tuple(questions.values()))
    if not windows:
        raise Invalid(windows=_nothing_ahead(week, starts_on, ends_on))
    return tuple(windows)


def _check_days(starts_on: date, ends_on: date, today: date) -> None:
    if ends_on < starts_on:
        raise Invalid(ends_on="The last day is before the first. Please turn them round.")
    if ends_on < today:
        raise Invalid(ends_on="These days are over. Please choose days from today on.")
    if starts_on < today:
        raise Invalid(starts_on=f"The first day is in the past. The earliest is today, {_day_words(today)}.")
    if starts_on > today + FURTHEST_DAYS * _DAY:
        raise Invalid(starts_on="Please choose a first day within the next twelve months.")
    if (ends_on - starts_on).days >= LONGEST_DAYS:
        raise Invalid(ends_on="Please ask for at most one year at once.")


def _of_day(
    day: date,
    week: tuple[WeeklyInterval, ...],
    zone: ZoneInfo,
    bounds: Window,
    first_start: datetime,
    answers: Mapping[str, str],
    questions: dict[str, ClockQuestion],
) -> list[Window]:
    """The windows of one local day, joined where an answer made two of them touch."""
    result: list[Window] = []
    for interval in week:
        if interval.weekday != day.weekday() or _latest_end(day, interval, zone) <= first_start:
            continue
        start = _instant(day, interval.start_minute, zone, answers, questions)
        end = bounds.end if interval.end_minute == DAY_MINUTES else _instant(day, interval.end_minute, zone, answers, questions)
        if start is None or end is None:
            continue
        start, end = max(start, bounds.start, first_start), min(end, bounds.end)
        if start >= end:
            continue
        if result and start <= result[-1].end:
            result[-1] = Window(result[-1].start, max(end, result[-1].end))
        else:
            result.append(Window(start, end))
    return result


def _instant(
    day: date, minute: int, zone: ZoneInfo, answers: Mapping[str, str], questions: dict[str, ClockQuestion]
) -> datetime | None:
    """The instant of a wall-clock time, or None after noting the question that must be answered first."""
    instants = instants_of(_wall(day, minute), zone)
    if len(instants) == 1:
        return instants[0]
    question = _question(day, minute, zone, twice=bool(instants))
    match answers.get(question.key):
        case "earlier":
            return question.earlier
        case "later":
            return question.later
        case _:
            questions.setdefault(question.key, question)
            return None


def _wall(day: date, minute: int) -> datetime:
    return datetime.combine(day, time()) + timedelta(minutes=minute)


def _question(day: date, minute: int, zone: ZoneInfo, *, twice: bool) -> ClockQuestion:
    """Both neighbours of a time that is missing (shifted by the gap), or both instants of one that comes twice."""
    clock = clock_text(minute)
    earlier, later = readings(_wall(day, minute), zone)
    if twice:
        sentence = f"On {_day_words(day)} the clocks go back and {clock} comes twice"
        words = (f"The first {clock} ({_zone_words(earlier, zone)})", f"the second {clock} ({_zone_words(later, zone)})")
    else:
        sentence = f"On {_day_words(day)} the clocks go forward and there is no {clock}"
        words = (_clock_words(earlier, zone), _clock_words(later, zone))
    return ClockQuestion(f"{day.isoformat()}-{clock}", day, clock, twice, earlier, later, sentence, *words)


def _bounds(day: date, zone: ZoneInfo) -> Window:
    """The first instant of a local day and the first of the next."""
    return Window(start_of_day(day, zone.key), start_of_day(day + _DAY, zone.key))


def _latest_end(day: date, interval: WeeklyInterval, zone: ZoneInfo) -> datetime:
    return readings(_wall(day, interval.end_minute), zone)[1]


def _next_quarter(now: datetime) -> datetime:
    whole = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return whole + -(-(now - whole) // START_GRID) * START_GRID


def _days(first: date, last: date) -> Iterator[date]:
    return (first + number * _DAY for number in range((last - first).days + 1))


def _nothing_ahead(week: tuple[WeeklyInterval, ...], starts_on: date, ends_on: date) -> str:
    weekdays = {day.weekday() for day in _days(starts_on, ends_on)}
    if not any(interval.weekday in weekdays for interval in week):
        days = _day_words(starts_on) if starts_on == ends_on else f"{_day_words(starts_on)} to {_day_words(ends_on)}"
        return f"None of these hours falls on a day you chose: {in_words(week)}, but only {days}."
    return "All of these hours are over already. Please choose later ones, or a later last day."


def _day_words(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"


def _zone_words(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%Z}"


def _clock_words(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%H:%M} {_zone_words(instant, zone)}"
