"""What today's page shows."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from staffing.web.forms import Field
from staffing.web.pages import Page
from staffing.workspace.notes import EntryLine


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of the time line, in minutes since local midnight."""

    start_minute: int
    end_minute: int
    kind: str
    colour: int
    label: str
    detail: str
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Something that a timer can be started for with one press."""

    facility_id: str
    facility: str
    colour: int
    patient_id: str
    patient: str
    detail: str = ""
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A facility under care: work there without a patient."""

    facility_id: str
    name: str
    colour: int
    services: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickCall:
    """The form for a call that has just ended."""

    minutes: Field
    who: Field
    activity: Field
    note: Field


@dataclass(frozen=True, slots=True, kw_only=True)
class TodayPage(Page):
    template: ClassVar[str] = "workspace/today.html"
    surface: ClassVar[str] = "workspace"

    zone: str
    now: datetime
    running: EntryLine | None
    bands: tuple[Band, ...]
    hours: tuple[int, int]
    now_minute: int
    shortcuts: tuple[Start, ...]
    places: tuple[Place, ...]
    find: Field
    found: tuple[Start, ...] | None
    found_total: int
    quick: QuickCall
    unfinished: tuple[EntryLine, ...]
    entries: tuple[EntryLine, ...]
    seconds: int
    windows: int
    all_over: bool
    next_window: str
