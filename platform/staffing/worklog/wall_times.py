"""From the times that a person types to instants. A time that exists twice or not at all is asked about, never guessed. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from staffing.errors import Invalid
from staffing.worklog.errors import TimeToChoose
from staffing.worklog.rules import LONGEST, Span

FIRST, SECOND = "1", "2"
"""Which reading of a time that exists twice was chosen."""


def readings(day: date, at: time, zone: str) -> list[datetime]:
    """The instants at which clocks in `zone` show this on this day: two where they go back, none where they go forward."""
    tz = ZoneInfo(zone)
    wall = datetime.combine(day, at)
    found = {wall.replace(tzinfo=tz, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(instant for instant in found if instant.astimezone(tz).replace(tzinfo=None) == wall)


def span_on(day: date, start: time, end: time, zone: str, *, start_reading: str = "", end_reading: str = "") -> Span:
    """From `start` on `day` to `end`, which is on the next day where it does not come after the start.

    Raises `TimeToChoose` for a time that exists twice, `Invalid` (`start`, `end`) for one that does not exist or an end that
    does not come after the start.
    """
    began = _one_of(readings(day, start, zone), start_reading)
    if began is None:
        raise _unclear("start", day, start, zone)
    later = [instant for instant in readings(day, end, zone) if instant > began]
    ended_on = day
    if not later and not _missing(day, end, zone):
        ended_on = day + timedelta(days=1)
        later = readings(ended_on, end, zone)
        if later and later[0] - began > LONGEST:
            raise Invalid(end="The end must come after the start.")
    ended = _one_of(later, end_reading)
    if ended is None:
        raise _unclear("end", ended_on, end, zone)
    return Span(began, ended)


def instant_on(day: date, at: time, zone: str, field: str, reading: str = "") -> datetime:
    """One time on a day. Raises `TimeToChoose` or `Invalid` for `field`."""
    instant = _one_of(readings(day, at, zone), reading)
    if instant is None:
        raise _unclear(field, day, at, zone)
    return instant


def _one_of(instants: list[datetime], reading: str) -> datetime | None:
    if len(instants) == 2 and reading in (FIRST, SECOND):
        return instants[0 if reading == FIRST else 1]
    return instants[0] if len(instants) == 1 else None


def _missing(day: date, at: time, zone: str) -> bool:
    return not readings(day, at, zone)


def _unclear(field: str, day: date, at: time, zone: str) -> Invalid:
    if twice := readings(day, at, zone):
        names = [instant.astimezone(ZoneInfo(zone)).tzname() or "" for instant in twice]
        choices = ((FIRST, f"The first, {names[0]}"), (SECOND, f"The second, {names[1]}"))
        sentence = f"{at:%H:%M} comes twice on {day:%a %-d %b}, because clocks go back. Please choose which one you mean."
        return TimeToChoose({field: choices}, **{field: sentence})
    wall, tz = datetime.combine(day, at), ZoneInfo(zone)
    # Read with the offset after the change the time lies before the jump, with the offset before it after the jump.
    either = sorted(wall.replace(tzinfo=tz, fold=fold).astimezone(UTC).astimezone(tz) for fold in (0, 1))
    return Invalid(
        **{field: f"{at:%H:%M} does not exist on {day:%a %-d %b}, because clocks go forward. "
                  f"Did you mean {either[0]:%H:%M} or {either[1]:%H:%M}?"}
    )  # fmt: skip
