"""Views of the requests board and of one request."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from staffing.catalogue import EHR_SYSTEMS, LANGUAGES, SKILLS
from staffing.desk.call_off_views import CallOffLine, line
from staffing.desk.times import ago_text, ahead_text
from staffing.facilities.pausing import PausedFacility
from staffing.requests.lifecycle import STILL_MISSING, Progress
from staffing.requests.queries import NOT_PLANNED
from staffing.requests.rows import BoardRow, RequestDetail, WeekBar, WindowRow
from staffing.scheduling.call_off_queries import CallOffRow
from staffing.scheduling.models import PlanState
from staffing.scheduling.queries import PlanRow
from staffing.wall_clock import hours_words, span_words
from staffing.web.formatting import day, moment
from staffing.web.pages import Page

COLUMNS: tuple[tuple[str, Progress, str], ...] = (
    ("Nobody yet", Progress.OPEN, "uncovered"),
    ("Partly filled", Progress.PARTIALLY_FILLED, "at_risk"),
    ("Filled", Progress.FILLED, "covered"),
    ("In service", Progress.IN_SERVICE, "covered"),
)
COVERED_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A request on the board. `blocked_by` is the one thing that stands in its way, or empty."""

    href: str
    title: str
    reference: str
    facility: str
    facility_colour: int
    reason: str
    windows_text: str
    days: str
    week: WeekBar
    week_label: str
    cover: str
    gap_when: str
    gap_in: str
    blocked_by: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the board: the first cards, and what is one click away."""

    title: str
    meaning: str
    cards: tuple[Card, ...]
    more: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class PlanNote:
    """The latest plan, when it wants something of somebody or is under way."""

    kind: str
    text: str
    href: str
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardPage(Page):
    template: ClassVar[str] = "desk/board.html"
    surface: ClassVar[str] = "desk"

    columns: tuple[Column, ...]
    lede: str
    may_plan: bool
    plan: PlanNote | None
    call_offs: tuple[CallOffLine, ...]
    may_record: bool
    paused: tuple[PausedFacility, ...] = ()
    """Nothing is planned for these until they have paid."""


@dataclass(frozen=True, slots=True)
class WindowLine:
    day: str
    hours: str
    people: str
    missing: str
    why: str
    state: str
    """A meaning for the `badge` macro."""
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPage(Page):
    template: ClassVar[str] = "desk/requests/show.html"
    surface: ClassVar[str] = "desk"

    request: RequestDetail
    facts: tuple[tuple[str, str], ...]
    ahead: tuple[WindowLine, ...]
    over: tuple[WindowLine, ...]
    may_plan: bool
    plan: PlanNote | None


@dataclass(frozen=True, slots=True)
class LatestPlan:
    """The plan asked for last, and the requests for which it proposes somebody."""

    plan: PlanRow
    proposes_for: frozenset[UUID]


def board_page(
    rows: Sequence[BoardRow],
    latest: LatestPlan | None,
    call_offs: Sequence[CallOffRow],
    *,
    may_plan: bool,
    may_record: bool,
    now: datetime,
) -> BoardPage:
    columns = []
    called_off = {request_id: row.coordinator for row in call_offs for request_id in row.open_requests}
    for title, progress, meaning in COLUMNS:
        found = [_card(row, latest, called_off, now) for row in rows if row.standing.progress is progress]
        if found:
            columns.append(_column(title, meaning, found))
    missing = [row for row in rows if row.standing.progress in STILL_MISSING]
    return BoardPage(
        title="Requests",
        counts={"/desk": len(missing)},
        columns=tuple(columns),
        lede=_lede(missing, now),
        may_plan=may_plan and bool(missing),
        plan=_plan_note(latest.plan, now) if latest else None,
        call_offs=tuple(line(row, now) for row in call_offs),
        may_record=may_record,
    )


def _column(title: str, meaning: str, cards: Sequence[Card]) -> Column:
    """What lacks nobody is shown in part: it asks nothing of anybody."""
    shown = len(cards) if meaning != "covered" else COVERED_SHOWN
    return Column(title, meaning, tuple(cards[:shown]), tuple(cards[shown:]))


def _lede(missing: Sequence[BoardRow], now: datetime) -> str:
    if not missing:
        return "Every window that anybody asked for is covered."
    windows = sum(row.needed - row.covered for row in missing)
    soonest = missing[0].earliest_uncovered_at
    first = f" The first begins {ahead_text(soonest, now)}." if soonest and soonest > now else ""
    places = "One place" if windows == 1 else f"{windows} places"
    requests = "one request" if len(missing) == 1 else f"{len(missing)} requests"
    return f"{places} in {requests} still {'lacks' if windows == 1 else 'lack'} somebody.{first}"


def _card(row: BoardRow, latest: LatestPlan | None, called_off: Mapping[UUID, str], now: datetime) -> Card:
    gap = row.earliest_uncovered_at
    until = row.earliest_uncovered_end
    return Card(
        href=f"/desk/requests/{row.id}",
        title=row.service_name,
        reference=row.reference,
        facility=row.facility,
        facility_colour=row.facility_colour,
        reason=row.reason_name,
        windows_text=row.windows_text,
        days=row.days_text,
        week=row.week,
        week_label=_week_label(row.week),
        cover=f"{row.covered} of {row.needed} covered",
        gap_when=span_words(gap, until, row.time_zone) if gap and until else "",
        gap_in=ahead_text(gap, now) if gap else "",
        blocked_by=_blocked_by(row, latest, called_off),
    )


def _blocked_by(row: BoardRow, latest: LatestPlan | None, called_off: Mapping[UUID, str]) -> str:
    if row.id in called_off:
        return f"{called_off[row.id]} called off: choose who steps in."
    if row.blocked_by == NOT_PLANNED and latest is not None and row.id in latest.proposes_for and not latest.plan.overtaken:
        return f"Plan {latest.plan.number} has somebody for it and waits for a decision."
    return row.blocked_by


def _week_label(week: WeekBar) -> str:
    asked = [f"{name} {percent} %" for name, percent, _ in week if percent is not None]
    return f"Covered: {', '.join(asked)}" if asked else "No hours ahead"


def _plan_note(plan: PlanRow, now: datetime) -> PlanNote | None:
    href, asked = f"/desk/plans/{plan.id}", ago_text(plan.requested_at, now)
    match plan.state:
        case PlanState.QUEUED | PlanState.SOLVING:
            return PlanNote(
                "info", f"Plan {plan.number} is being worked out, asked for by {plan.requested_by} {asked}.", href, "Watch it"
            )
        case PlanState.PROPOSED if plan.overtaken:
            text = f"Plan {plan.number} no longer fits what is assigned by now. Plan again to take that in."
            return PlanNote("warn", text, href, "See the plan")
        case PlanState.PROPOSED if not plan.covered_heads and not plan.keeps_running:
            return PlanNote("info", f"Plan {plan.number} found nobody for what is open, as things stand.", href, "Read why")
        case PlanState.PROPOSED:
            covers = f"{plan.covered_heads} of {plan.asked_heads} places"
            return PlanNote("info", f"Plan {plan.number} waits for a decision: it covers {covers}.", href, "Read the proposal")
        case PlanState.INTERRUPTED | PlanState.FAILED:
            return PlanNote("warn", f"Plan {plan.number} ended without a proposal.", href, "See what happened")
        case _:
            return None


def request_page(request: RequestDetail, latest: LatestPlan | None, *, may_plan: bool, now: datetime) -> RequestPage:
    ahead = [window for window in request.windows if window.end > now]
    return RequestPage(
        title=f"{request.service_name}, {request.reference}",
        request=request,
        facts=_facts(request),
        ahead=_lines(ahead, request.time_zone),
        over=_lines((window for window in request.windows if window.end <= now), request.time_zone),
        may_plan=may_plan and any(window.missing for window in ahead),
        plan=_plan_note(latest.plan, now) if latest and request.id in latest.proposes_for else None,
    )


def _facts(request: RequestDetail) -> tuple[tuple[str, str], ...]:
    sharing = "the same throughout" if request.max_coordinators == 1 else f"up to {request.max_coordinators} may share each place"
    people = "One person" if request.headcount == 1 else f"{request.headcount} people at once"
    return (
        ("Why", request.reason_name),
        ("Days", request.days_text),
        ("Hours", request.windows_text),
        ("Who", f"{people}, {sharing}"),
        ("Certificates", ", ".join(SKILLS.get(code, code) for code in request.skills)),
        ("Language", LANGUAGES.get(request.language, request.language)),
        ("System", EHR_SYSTEMS.get(request.ehr_system, request.ehr_system)),
        ("Priority", f"{request.priority} of 5"),
        ("Note", request.note),
        ("Asked for by", f"{request.submitted_by}, {moment(request.submitted_at, request.time_zone)}"),
        ("Closed", f"{moment(request.closed_at, request.time_zone)}: {request.closed_reason}" if request.closed_at else ""),
    )


def _lines(windows: Iterable[WindowRow], zone: str) -> tuple[WindowLine, ...]:
    """One line per window. A reason that goes for several windows in a row is said once."""
    ordered = list(windows)
    reasons = [window.why if window.missing else "" for window in ordered]
    return tuple(
        WindowLine(
            day(window.start, zone),
            hours_words(window.start, window.end, zone),
            ", ".join(window.people),
            f"{window.missing} of {window.headcount} missing"
            if window.missing and (window.people or window.headcount > 1)
            else "",
            "As above." if reason and reason == before else reason,
            *_state(window),
        )
        for window, reason, before in zip(ordered, reasons, ["", *reasons], strict=False)
    )


def _state(window: WindowRow) -> tuple[str, str]:
    if window.cancelled:
        return "neutral", "Cancelled"
    if not window.missing:
        return "covered", ""
    return ("at_risk", "Partly covered") if window.people else ("uncovered", "")
