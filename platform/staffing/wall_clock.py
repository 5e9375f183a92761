"""Between instants and what the clock on the wall of a zone shows, on days when the clocks change too; and how a stretch of
time is said. Pure.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def readings(wall: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """`wall` (without a zone) read with the offset before and after a change of the clocks (PEP 495), as instants in order.

    Both are the same but for a time that the clocks show twice or jump over.
    """
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return (first, second) if first <= second else (second, first)


def instants_of(wall: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """The instants, in order, at which clocks in `zone` show `wall`: one; two where they go back, none where they go forward."""
    found = {instant for instant in readings(wall, zone) if instant.astimezone(zone).replace(tzinfo=None) == wall}
    return tuple(sorted(found))


def start_of_day(day: date, zone: str) -> datetime:
    """The first instant of a local day: its first midnight, or the jump where the clocks jump over midnight."""
    # Fold 0 reads a midnight that comes twice as the first, and one that is jumped over with the offset before the jump.
    return datetime.combine(day, time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)


def local_day(instant: datetime, zone: str) -> date:
    """The date on the wall at an instant."""
    return instant.astimezone(ZoneInfo(zone)).date()


def local_hour(instant: datetime, zone: str) -> int:
    """The hour on the wall at an instant, 0 to 23."""
    return instant.astimezone(ZoneInfo(zone)).hour


def zone_label(zone: str, instant: datetime) -> str:
    """The short name of a zone at an instant: EST, CST, UTC+08:00.

    Short names are American here: Manila calls its own PST, which everybody would read as Pacific time.
    """
    local = instant.astimezone(ZoneInfo(zone))
    name = local.tzname() or ""
    if name.isalpha() and (zone.startswith(("America/", "Pacific/Honolulu")) or name in ("UTC", "GMT")):
        return name
    offset = local.utcoffset() or timedelta()
    sign = "-" if offset < timedelta() else "+"
    minutes = abs(int(offset.total_seconds())) // 60
    return f"UTC{sign}{minutes // 60:02d}:{minutes % 60:02d}"


def day_words(instant: datetime, zone: str) -> str:
    """Tue 24 Nov."""
    local = instant.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b}"


def hours_words(start: datetime, end: datetime, zone: str) -> str:
    """13:00–17:00 EST. The midnight that ends a day is 24:00."""
    place = ZoneInfo(zone)
    first, last = start.astimezone(place), end.astimezone(place)
    ends_day = last.date() > first.date() and (last.hour, last.minute) == (0, 0)
    return f"{first:%H:%M}–{'24:00' if ends_day else f'{last:%H:%M}'} {zone_label(zone, start)}"


def span_words(start: datetime, end: datetime, zone: str) -> str:
    """Tue 24 Nov, 13:00–17:00 EST."""
    return f"{day_words(start, zone)}, {hours_words(start, end, zone)}"
