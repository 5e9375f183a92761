"""What reads about requests give back, and the pure steps from columns to these rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from staffing.catalogue import REASON_NAMES, RequestReason, service_name
from staffing.requests import weekly
from staffing.requests.lifecycle import Cover, Standing, sentence, stand

WeekBar = tuple[tuple[str, int | None, str], ...]
"""Per weekday: name, per cent covered (None: nothing asked for) and meaning, as the `week_bar` macro takes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """A request as lists show it. `days_text` and `windows_text` are its days and weekly hours in the facility's words."""

    id: UUID
    reference: str
    facility_id: UUID
    facility: str
    facility_initials: str
    facility_colour: int
    time_zone: str
    service: str
    service_name: str
    reason: str
    reason_name: str
    starts_on: date
    ends_on: date
    days_text: str
    windows_text: str
    headcount: int
    priority: int
    submitted_at: datetime
    standing: Standing
    state: str
    """The derived state, a code for the `status` macro (see `lifecycle.Progress`)."""
    sentence: str
    week: WeekBar


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRow(RequestRow):
    """An open request on the dispatcher's board: what it still needs and what stands in the way."""

    needed: int
    """Heads over all windows that are not over yet."""
    covered: int
    earliest_uncovered_at: datetime | None
    earliest_uncovered_end: datetime | None
    blocked_by: str
    """Why the latest plan left the earliest uncovered window open, or that none has looked; empty when all is covered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRow:
    """A window of a request, who covers it, or why nobody does (empty: no plan has looked at it yet)."""

    id: UUID
    start: datetime
    end: datetime
    headcount: int
    cancelled: bool
    people: tuple[str, ...]
    why: str

    @property
    def missing(self) -> int:
        return 0 if self.cancelled else max(0, self.headcount - len(self.people))


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDetail(RequestRow):
    """Everything about one request."""

    pattern: tuple[weekly.WeeklyInterval, ...]
    max_coordinators: int
    skills: tuple[str, ...]
    language: str
    ehr_system: str
    note: str
    stored_state: str
    submitted_by: str
    closed_at: datetime | None
    closed_reason: str
    windows: tuple[WindowRow, ...]


def fields_of(columns: Mapping[str, Any], covers: Iterable[Cover], now: datetime) -> dict[str, Any]:
    """The fields of a `RequestRow` from the columns of `queries` and the windows of the request."""
    windows = list(covers)
    zone = ZoneInfo(columns["time_zone"])
    standing = stand(columns["stored_state"], windows, now)
    plain = {name: columns[name] for name in RequestRow.__dataclass_fields__ if name in columns}
    return {
        **plain,
        "service_name": service_name(columns["service"]),
        "reason_name": REASON_NAMES.get(RequestReason(columns["reason"]), columns["reason"]),
        "days_text": weekly.days_in_words(columns["starts_on"], columns["ends_on"]),
        "windows_text": weekly.in_words(weekly.read(columns["pattern"])),
        "standing": standing,
        "state": standing.progress.value,
        "sentence": sentence(standing, zone, now),
        "week": _week_bar(windows, zone, now),
    }


def _week_bar(windows: Iterable[Cover], zone: ZoneInfo, now: datetime) -> WeekBar:
    """How the windows ahead are covered, by weekday of the facility; where nothing is ahead, how they were."""
    live = [window for window in windows if not window.cancelled]
    shown = [window for window in live if window.end > now] or live
    return tuple(
        bar(name, [window for window in shown if window.start.astimezone(zone).weekday() == weekday])
        for weekday, name in enumerate(weekly.WEEKDAYS)
    )


def bar(name: str, windows: Iterable[Cover]) -> tuple[str, int | None, str]:
    """One column of a week bar: the share of the minutes asked for, over all heads, that somebody covers."""
    asked = covered = 0
    for window in windows:
        asked += window.minutes * window.headcount
        covered += window.minutes * window.covered
    if not asked:
        return (name, None, "neutral")
    percent = 100 * covered // asked
    return (name, percent, "covered" if covered == asked else "at_risk" if covered else "uncovered")
