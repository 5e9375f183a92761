"""How far a request is: derived from its windows and who covers them at an instant, never stored. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from staffing.requests.models import RequestState
from staffing.wall_clock import day_words, span_words, zone_label


class Progress(StrEnum):
    """How far a request is. `open`: nobody yet; `unfilled`: it went by without anybody."""

    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    IN_SERVICE = "in_service"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    UNFILLED = "unfilled"


STILL_MISSING = frozenset({Progress.OPEN, Progress.PARTIALLY_FILLED})
"""Somebody is still to be found."""
OVER = frozenset({Progress.COMPLETED, Progress.CANCELLED, Progress.UNFILLED})


@dataclass(frozen=True, slots=True, order=True)
class Cover:
    """A window `[start, end)`, how many people it needs and how many live assignments it has."""

    start: datetime
    end: datetime
    headcount: int
    assigned: int
    cancelled: bool = False

    @property
    def covered(self) -> int:
        return min(self.assigned, self.headcount)

    @property
    def missing(self) -> int:
        return 0 if self.cancelled else self.headcount - self.covered

    @property
    def minutes(self) -> int:
        return int((self.end - self.start).total_seconds()) // 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a request stands. Heads are places for people: a window for two has two. `ahead` is what is not over yet."""

    progress: Progress
    windows: int
    heads: int
    heads_covered: int
    heads_ahead: int
    heads_ahead_covered: int
    over: int
    """Windows whose end has passed."""
    first: Cover | None
    next_missing: Cover | None

    @property
    def percent(self) -> int:
        """Share of all heads that is or was covered; rounded down, so that 100 means all of them."""
        return 100 * self.heads_covered // self.heads if self.heads else 0


def stand(stored: str, windows: Iterable[Cover], now: datetime) -> Standing:
    """Where a request with this stored state and these windows stands at `now`."""
    live = sorted(window for window in windows if not window.cancelled)
    ahead = [window for window in live if window.end > now]
    return Standing(
        progress=_progress(stored, live, ahead, now),
        windows=len(live),
        heads=sum(window.headcount for window in live),
        heads_covered=sum(window.covered for window in live),
        heads_ahead=sum(window.headcount for window in ahead),
        heads_ahead_covered=sum(window.covered for window in ahead),
        over=len(live) - len(ahead),
        first=live[0] if live else None,
        next_missing=next((window for window in ahead if window.missing), None),
    )


def _progress(stored: str, live: list[Cover], ahead: list[Cover], now: datetime) -> Progress:
    """A window counts as still to be filled until its end: half a morning of help is better than none."""
    if stored == RequestState.CANCELLED:
        return Progress.CANCELLED
    anybody = any(window.covered for window in live)
    if not ahead:
        return Progress.COMPLETED if anybody else Progress.UNFILLED
    if not any(window.missing for window in ahead):
        begun = any(window.covered and window.start <= now for window in live)
        return Progress.IN_SERVICE if begun else Progress.FILLED
    return Progress.PARTIALLY_FILLED if anybody else Progress.OPEN


def sentence(standing: Standing, zone: ZoneInfo, now: datetime) -> str:
    """The state as a person would say it, with times in the facility's zone."""
    match standing.progress:
        case Progress.CANCELLED:
            return _cancelled(standing)
        case Progress.UNFILLED:
            return f"Nobody was found for {'it' if standing.heads == 1 else f'any of {_counted(standing, standing.heads)}'}."
        case Progress.COMPLETED if standing.heads_covered < standing.heads:
            return f"Done: {standing.heads_covered} of {_counted(standing, standing.heads)} were covered."
        case Progress.COMPLETED:
            return f"Done: {_all(standing)} {'was' if standing.windows == 1 else 'were'} covered."
        case Progress.FILLED:
            return _filled(standing, zone)
        case Progress.IN_SERVICE:
            done = f"{standing.over} of {standing.windows} windows are over" if standing.windows > 1 else "somebody is there"
            return f"Under way: {done}, everything {'ahead ' if standing.over else ''}is covered."
        case _:
            return _missing(standing, zone, now)


def _filled(standing: Standing, zone: ZoneInfo) -> str:
    if standing.over:
        return "Everything ahead is covered."
    assert standing.first is not None, "what is filled has a window"
    begins = f"begins on {_moment(standing.first.start, zone)}."
    return f"Covered. It {begins}" if standing.windows == 1 else f"All {standing.windows} windows are covered. The first {begins}"


def _missing(standing: Standing, zone: ZoneInfo, now: datetime) -> str:
    window = standing.next_missing
    assert window is not None, "a request that misses somebody has a window that misses somebody"
    when = span_words(window.start, window.end, zone.key)
    begun = " It has begun." if window.start <= now else ""
    if standing.progress is Progress.PARTIALLY_FILLED:
        return (
            f"{standing.heads_ahead_covered} of {_counted(standing, standing.heads_ahead)} ahead "
            f"{'is' if standing.heads_ahead_covered == 1 else 'are'} covered. Still missing first: {when}.{begun}"
        )
    if standing.heads_ahead == 1:
        return f"Nobody covers {when} yet.{begun}"
    return f"Nobody covers any of {_counted(standing, standing.heads_ahead)} yet. The first is {when}.{begun}"


def _cancelled(standing: Standing) -> str:
    if standing.windows > standing.over:
        return "Cancelled. What was under way runs to its end."
    return "Cancelled. What was over before stays as it was." if standing.over else "Cancelled."


def _moment(instant: datetime, zone: ZoneInfo) -> str:
    return f"{day_words(instant, zone.key)}, {instant.astimezone(zone):%H:%M} {zone_label(zone.key, instant)}"


def _counted(standing: Standing, number: int) -> str:
    """A window for one is a window; where windows need several people the places are counted."""
    noun = "window" if standing.heads == standing.windows else "place"
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _all(standing: Standing) -> str:
    return "its one window" if standing.windows == 1 else f"all {standing.windows} windows"
