"""Between instants and what the clock on the wall of a zone shows, on days when the clocks change too. Pure."""

from datetime import UTC, date, datetime, time
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
