"""What the week's page shows."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from staffing.web.pages import Page
from staffing.workspace.notes import EntryLine


def figures(seconds: int) -> str:
    """Seconds as `h:mm`, as a cell shows them; the rest of a minute is dropped in showing only."""
    return f"{seconds // 3600}:{seconds % 3600 // 60:02d}"


@dataclass(frozen=True, slots=True)
class Cell:
    """A day of a row: its exact seconds, what is shown, where the entries behind it are."""

    seconds: int
    shown: str
    href: str = ""

    @classmethod
    def of(cls, seconds: int, href: str = "") -> "Cell":
        return cls(seconds, figures(seconds) if seconds else "", href if seconds else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekRow:
    """One patient of a facility."""

    patient: str
    patient_id: str
    cells: tuple[Cell, ...]
    total: Cell
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekGroup:
    """One facility: its sums by day, its patients."""

    facility: str
    colour: int
    cells: tuple[Cell, ...]
    total: Cell
    rows: tuple[WeekRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Agreed cover without recorded time."""

    facility: str
    colour: int
    when: str
    length: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekPage(Page):
    template: ClassVar[str] = "workspace/week.html"
    surface: ClassVar[str] = "workspace"

    zone: str
    start: str
    days: tuple[date, ...]
    today: date
    groups: tuple[WeekGroup, ...]
    totals: tuple[Cell, ...]
    total: Cell
    unfinished: tuple[EntryLine, ...]
    gaps: tuple[Gap, ...]
    complete: int
    complete_seconds: int
    submitted: int
    approved: int
    disputed: tuple[EntryLine, ...]
    before: str
    after: str
    shown_day: date | None
    """The day whose entries are listed under the grid."""
    of_day: tuple[EntryLine, ...]

    @property
    def day_columns(self) -> list[tuple[str, str]]:
        """Headings of the days."""
        return [(f"{day:%a %-d}", "num") for day in self.days]

    @property
    def foot(self) -> list[tuple[str, str]]:
        """The line of totals."""
        return [("Together", ""), *((cell.shown, "num") for cell in self.totals), (self.total.shown, "num")]
