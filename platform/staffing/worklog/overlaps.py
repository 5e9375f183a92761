"""Which of a coordinator's own entries is in the way, in words. Nobody else is ever told."""

from datetime import datetime
from zoneinfo import ZoneInfo

from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.worklog.errors import TimeTaken
from staffing.worklog.models import EntryState
from staffing.worklog.queries import own_entries
from staffing.worklog.rows import EntryRow
from staffing.worklog.rules import Span


async def time_taken(tx: Transaction, principal: Principal, span: Span) -> TimeTaken:
    """Why the database refused `span`, with the entries that are there already."""
    there = await own_entries(tx, principal, span)
    conflicts = tuple(_in_words(row, span, principal.time_zone) for row in there)
    running = [row for row in there if row.state is EntryState.RUNNING]
    inside = len(there) == 1 and bool(running) and running[0].start < span.start
    sentence = f"You have already recorded {' and '.join(conflicts)}." if conflicts else "You have already recorded this time."
    return TimeTaken("No minute counts twice.", conflicts, inside_running=inside, start=sentence)


def _in_words(row: EntryRow, span: Span, zone: str) -> str:
    """`09:10–09:40 at Northside`, with the day where it is another one than that of `span`."""
    start = _local(row.start, zone)
    day = "" if start.date() == _local(span.start, zone).date() else f"{start:%a %-d %b} "
    if row.end is None:
        return f"time from {day}{start:%H:%M} on at {row.facility_name}, where the timer is still running"
    return f"{day}{start:%H:%M}–{_local(row.end, zone):%H:%M} at {row.facility_name}"


def _local(instant: datetime, zone: str) -> datetime:
    return instant.astimezone(ZoneInfo(zone))
