"""What a call-off is: the reasons it can have, and from when to when somebody is away. Pure."""

from datetime import date, datetime, timedelta
from enum import StrEnum

from matching.problem import Interval
from staffing.errors import Invalid
from staffing.wall_clock import local_day, start_of_day

LONGEST = timedelta(days=60)
"""Whoever is away for longer is taken off the roster's weekly hours instead."""


class CallOffReason(StrEnum):
    """Why somebody cannot come. A closed list: free text could name a patient."""

    ILLNESS = "illness"
    FAMILY = "family"
    CONNECTION = "connection"
    EMERGENCY = "emergency"
    OTHER = "other"


REASON_NAMES: dict[CallOffReason, str] = {
    CallOffReason.ILLNESS: "Illness",
    CallOffReason.FAMILY: "Somebody at home needs care",
    CallOffReason.CONNECTION: "No power or no internet",
    CallOffReason.EMERGENCY: "Emergency",
    CallOffReason.OTHER: "Another reason",
}


class Reach(StrEnum):
    """How far a call-off goes, beginning with one assignment."""

    THIS = "this"
    DAY = "day"
    UNTIL = "until"


REACH_NAMES: dict[Reach, str] = {
    Reach.THIS: "Only this assignment",
    Reach.DAY: "The rest of that day",
    Reach.UNTIL: "Until the end of a day",
}


def away_during(first: Interval, reach: Reach, until: date | None, zone: str, now: datetime) -> Interval:
    """When somebody is away whose first missed assignment is `first`; days are the coordinator's own.

    One that is under way is missed from now on. Raises `Invalid` for an assignment that is over, and for an end that is
    missing, too early or too far.
    """
    if first.end <= now:
        raise Invalid("This assignment is over: there is nothing left to call off.", assignment="Choose one that is ahead.")
    start = max(first.start, now)
    if reach is Reach.THIS:
        return Interval(start, first.end)
    if reach is Reach.DAY:
        return Interval(start, max(first.end, _end_of(local_day(start, zone), zone)))
    if until is None:
        raise Invalid(until="Please give the last day on which they are away.")
    if until < local_day(start, zone):
        raise Invalid(until="This day is before the assignment begins.")
    end = _end_of(until, zone)
    if end > start + LONGEST:
        raise Invalid(until=f"A call-off is for {LONGEST.days} days at most. Change their weekly hours instead.")
    return Interval(start, max(first.end, end))


def _end_of(day: date, zone: str) -> datetime:
    return start_of_day(day + timedelta(days=1), zone)
