"""Rules of recorded time. Pure: instants in, values out; a length is always the difference of two instants.

Local days and months matter in two places only: a facility's month (its billing and program month) cuts an entry in two, and
a coordinator's days lay out their week.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from staffing.errors import Invalid

LONGEST = timedelta(hours=12)
"""No entry is longer; the database refuses it as well."""
LONG = timedelta(hours=4)
"""A timer that ran longer asks when work ended; an entry that is longer is pointed out to its approver."""
LATE = timedelta(hours=24)
"""Recorded later than this after the work: marked as late."""
BEFORE_COVER, AFTER_COVER = timedelta(hours=72), timedelta(hours=24)
"""Work belongs to an assignment that ended at most three days before it (finishing notes) or begins within a day (preparing)."""
SMALLEST_GAP = timedelta(minutes=15)
"""Agreed cover without recorded time shorter than this is a breath, not a gap."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """`[start, end)` between two instants in UTC."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    @property
    def seconds(self) -> int:
        return int(self.length.total_seconds())

    def overlaps(self, other: "Span") -> bool:
        return self.start < other.end and other.start < self.end


def whole_second(instant: datetime) -> datetime:
    """Time is recorded to the second; the fraction is dropped."""
    return instant.astimezone(UTC).replace(microsecond=0)


def check(span: Span, at: datetime) -> None:
    """Refuse what cannot be work: nothing, the future, more than twelve hours. Raises `Invalid` beside the field."""
    if span.end <= span.start:
        raise Invalid(end="The end must come after the start.")
    if span.end > at:
        raise Invalid(end="This lies in the future. Work is recorded when it is done.")
    if span.length > LONGEST:
        raise Invalid(end="This is longer than 12 hours. Please record it in parts, without the breaks.")


def split_at_month_border(span: Span, zone: str) -> list[Span]:
    """The span in parts that each lie within one month of the facility's local calendar. No second is lost or won."""
    parts, start = [], span.start
    while (border := month_border_after(start, zone)) < span.end:
        parts.append(Span(start, border))
        start = border
    return [*parts, Span(start, span.end)]


def month_border_after(instant: datetime, zone: str) -> datetime:
    """The instant at which the next local month begins."""
    local = instant.astimezone(ZoneInfo(zone))
    first = (local.date().replace(day=1) + timedelta(days=32)).replace(day=1)
    return midnight(first, zone)


def midnight(day: date, zone: str) -> datetime:
    """The instant at which a local day begins. Where clocks jump over midnight, that is the instant of the jump."""
    return datetime.combine(day, time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def local_day(instant: datetime, zone: str) -> date:
    return instant.astimezone(ZoneInfo(zone)).date()


def day_span(day: date, zone: str, days: int = 1) -> Span:
    """`days` local days from `day` on: 23, 24 or 25 hours each."""
    return Span(midnight(day, zone), midnight(day + timedelta(days=days), zone))


def seconds_per_day(spans: Iterable[Span], zone: str, days: Sequence[date]) -> list[int]:
    """How many seconds of the spans fall on each local day; a span over midnight counts on both days with its parts."""
    bounds = [day_span(day, zone) for day in days]
    sums = [0] * len(bounds)
    for span in spans:
        for index, bound in enumerate(bounds):
            inside = Span(max(span.start, bound.start), min(span.end, bound.end))
            sums[index] += max(inside.seconds, 0)
    return sums


def gaps(agreed: Iterable[Span], recorded: Iterable[Span], until: datetime) -> list[Span]:
    """Parts of the agreed cover, up to `until`, in which nothing is recorded; short breaths are left out."""
    found = []
    taken = sorted(recorded)
    for window in sorted(agreed):
        at, end = window.start, min(window.end, until)
        for span in taken:
            if span.end <= at or span.start >= end:
                continue
            if span.start - at >= SMALLEST_GAP:
                found.append(Span(at, span.start))
            at = max(at, span.end)
        if end - at >= SMALLEST_GAP:
            found.append(Span(at, end))
    return found


def is_late(end: datetime, created_at: datetime) -> bool:
    """Whether an entry was recorded more than a day after the work."""
    return created_at - end > LATE


_CLOCK = re.compile(r"(\d{1,2}):([0-5]\d)")
_HOURS = re.compile(r"(?:(\d{1,2}(?:[.,]\d{1,2})?)\s*(?:h|hr|hrs|hour|hours))?\s*(?:(\d{1,3})\s*(?:m|min|mins|minute|minutes)?)?")


def parse_duration(text: str) -> timedelta:
    """A length of work as people type it: `1:30`, `90` (minutes), `1h 30`, `1.5 h`, `45 min`. Raises `Invalid` (`minutes`)."""
    typed = text.strip().lower()
    if clock := _CLOCK.fullmatch(typed):
        length = timedelta(hours=int(clock[1]), minutes=int(clock[2]))
    elif typed and (parts := _HOURS.fullmatch(typed)):
        hours = float((parts[1] or "0").replace(",", "."))
        length = timedelta(minutes=round(hours * 60) + int(parts[2] or 0))
    else:
        raise Invalid(minutes="Please give the length like 6, 90, 1:30 or 1h 30.")
    if not timedelta() < length <= LONGEST:
        raise Invalid(minutes="This must be between 1 minute and 12 hours.")
    return length
