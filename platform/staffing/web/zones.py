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


def two_zones(
    start: datetime, end: datetime | None, here: str, there: str, *, with_day: bool = False, named: bool = True
) -> TwoZones:
    """The same stretch in both zones. `with_day`: also where both ends lie on one day. `named`: with the reader's zone."""
    same = _offsets(start, end, here) == _offsets(start, end, there)
    return TwoZones(
        stretch(start, end, here, with_day=with_day, named=named),
        "" if same else stretch(start, end, there, with_day=with_day or day(start, here) != day(start, there)),
    )


def stretch(start: datetime, end: datetime | None, zone: str, *, with_day: bool = False, named: bool = True) -> str:
    """`09:00–10:00 EST`; over midnight with both days, over a clock change with both names; `since 09:00 EST` without an end.

    `named`: with the zone, which may stay out where a heading says it; over a clock change it is always there.
    """
    first, name = clock(start, zone), zone_label(zone, start)
    said = f" {name}" if named else ""
    before = f"{day(start, zone)}, " if with_day else ""
    if end is None:
        return f"since {before}{first}{said}"
    last, last_name = clock(end, zone), zone_label(zone, end)
    changed = name != last_name
    if day(start, zone) != day(end, zone):
        return f"{day(start, zone)}, {first}{f' {name}' if changed else ''} – {day(end, zone)}, {last} {last_name}"
    if changed:
        return f"{before}{first} {name} – {last} {last_name}"
    return f"{before}{first}–{last}{said}"


def _offsets(start: datetime, end: datetime | None, zone: str) -> tuple[object, ...]:
    tz = ZoneInfo(zone)
    return tuple(instant.astimezone(tz).utcoffset() for instant in (start, end) if instant is not None)
