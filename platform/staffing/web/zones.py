"""A stretch of time in words, in the reader's zone and in the other one where clocks differ."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from staffing.web.formatting import clock, day, zone_label


@dataclass(frozen=True, slots=True)
class TwoZones:
    """`here`: in the reader's zone. `there`: in the other one; empty where both clocks show the same."""

    here: str
    there: str


def two_zones(start: datetime, end: datetime | None, here: str, there: str, *, with_day: bool = False) -> TwoZones:
    """The same stretch in both zones. `with_day`: also where both ends lie on one day."""
    same = _offsets(start, end, here) == _offsets(start, end, there)
    return TwoZones(
        stretch(start, end, here, with_day=with_day),
        "" if same else stretch(start, end, there, with_day=with_day or day(start, here) != day(start, there)),
    )


def stretch(start: datetime, end: datetime | None, zone: str, *, with_day: bool = False) -> str:
    """`09:00–10:00 EST`; over midnight with both days, over a clock change with both names; `since 09:00 EST` without an end."""
    first, name = clock(start, zone), zone_label(zone, start)
    before = f"{day(start, zone)}, " if with_day else ""
    if end is None:
        return f"{before}since {first} {name}" if not with_day else f"since {before}{first} {name}"
    last, last_name = clock(end, zone), zone_label(zone, end)
    if day(start, zone) != day(end, zone):
        zone_after_start = "" if name == last_name else f" {name}"
        return f"{day(start, zone)}, {first}{zone_after_start} – {day(end, zone)}, {last} {last_name}"
    if name != last_name:
        return f"{before}{first} {name} – {last} {last_name}"
    return f"{before}{first}–{last} {name}"


def _offsets(start: datetime, end: datetime | None, zone: str) -> tuple[object, ...]:
    tz = ZoneInfo(zone)
    return tuple(instant.astimezone(tz).utcoffset() for instant in (start, end) if instant is not None)
