"""What an approver should look at before approving, in words. Pure."""

from datetime import time
from zoneinfo import ZoneInfo

from staffing.worklog.models import EntrySource
from staffing.worklog.rows import EntryRow
from staffing.worklog.rules import LONG, is_late

DAY_BEGINS, DAY_ENDS = time(6), time(20)
"""Work outside these hours of the facility's day is pointed out."""


def reasons(row: EntryRow, corrected: str = "") -> tuple[str, ...]:
    """Why this submitted entry wants a look; empty when all is fine.

    `corrected`: what its author changed after it had been submitted once.
    """
    found = []
    if corrected:
        found.append(f"It was withdrawn and submitted again: {corrected} changed.")
    if row.span.length > LONG:
        hours, minutes = divmod(row.minutes, 60)
        found.append(f"It is long: {hours} h {minutes} min without a break.")
    if _unusual(row):
        found.append(f"It was done at an unusual hour of your day: {_local(row)}.")
    if is_late(row.span.end, row.created_at):
        days = (row.created_at - row.span.end).days
        found.append(f"It was recorded late: {days} {'day' if days == 1 else 'days'} after the work.")
    if row.source == EntrySource.MANUAL:
        found.append(f"It was added by hand, without a timer: “{row.manual_reason.rstrip('.')}”.")
    return tuple(found)


def _unusual(row: EntryRow) -> bool:
    tz = ZoneInfo(row.facility_zone)
    start, end = row.span.start.astimezone(tz), row.span.end.astimezone(tz)
    return start.date() != end.date() or start.time() < DAY_BEGINS or end.time() > DAY_ENDS


def _local(row: EntryRow) -> str:
    tz = ZoneInfo(row.facility_zone)
    return f"{row.span.start.astimezone(tz):%H:%M}–{row.span.end.astimezone(tz):%H:%M}"
