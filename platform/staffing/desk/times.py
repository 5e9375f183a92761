"""Times as the desk says them: in the facility's zone, and in the coordinator's where theirs differs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from staffing.wall_clock import hours_words


def their_time(start: datetime, end: datetime, zone: str, other: str) -> str:
    """The same stretch on the clock of `other`: `02:00–05:00 PST the next day`; `''` when both clocks show the same."""
    here, there = start.astimezone(ZoneInfo(zone)), start.astimezone(ZoneInfo(other))
    if here.utcoffset() == there.utcoffset():
        return ""
    shift = (there.date() - here.date()).days
    return hours_words(start, end, other) + {1: " the next day", -1: " the day before"}.get(shift, "")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days with the same hours: `Mon 23 to Fri 27 Nov`, `13:00–16:00 EST`, and the hours on the other clock or `''`."""

    days: str
    hours: str
    theirs: str = ""


def stretches(windows: Iterable[tuple[datetime, datetime]], zone: str, other: str = "") -> tuple[Stretch, ...]:
    """Windows in as few lines as they can be read in: those with the same hours on both clocks are one line."""
    days: dict[tuple[str, str], list[date]] = {}
    for start, end in windows:
        hours = (hours_words(start, end, zone), their_time(start, end, zone, other) if other else "")
        days.setdefault(hours, []).append(start.astimezone(ZoneInfo(zone)).date())
    return tuple(Stretch(days_text(found), *hours) for hours, found in days.items())


def days_text(days: Iterable[date]) -> str:
    """Days as a person lists them: `Mon 23 to Fri 27 Nov`, `Mon 23, Wed 25 Nov`. Three days in a row are a span."""
    ordered = sorted(set(days))
    runs: list[list[date]] = []
    for day_ in ordered:
        if runs and day_ - runs[-1][-1] == timedelta(days=1):
            runs[-1].append(day_)
        else:
            runs.append([day_])
    spoken = [piece for run in runs for piece in ([(run[0], run[-1])] if len(run) > 2 else [(one, one) for one in run])]
    parts = []
    for number, (first, last) in enumerate(spoken):
        following = spoken[number + 1][0] if number + 1 < len(spoken) else None
        month = f" {last:%b}" if following is None or following.month != last.month else ""
        begin = f"{first:%a} {first.day}" + (f" {first:%b}" if first.month != last.month else "")
        parts.append(f"{begin}{month}" if first == last else f"{begin} to {last:%a} {last.day}{month}")
    return ", ".join(parts)


def ahead_text(instant: datetime, now: datetime) -> str:
    """How far off an instant is: `in 20 h`, `in 3 days`, `begun 40 min ago`."""
    if instant <= now:
        return f"begun {_length(now - instant)} ago"
    return f"in {_length(instant - now)}"


def ago_text(instant: datetime, now: datetime) -> str:
    """How long ago an instant was: `20 h ago`, `just now`."""
    gone = now - instant
    return "just now" if gone < timedelta(minutes=1) else f"{_length(gone)} ago"


def _length(length: timedelta) -> str:
    minutes = int(length.total_seconds()) // 60
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // (24 * 60)} days"
