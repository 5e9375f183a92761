"""Views of the list of plans, of a plan at work, and of what it proposes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from staffing.desk.proposal_views import ChoiceGroup, GapGroup, ReleaseGroup, choice_groups, gap_groups, release_groups
from staffing.desk.times import ago_text
from staffing.facilities.pausing import PausedFacility
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.scheduling.models import PlanState
from staffing.scheduling.queries import PAGE_SIZE, ChoiceRow, GapRow, PlanDetail, PlanRow, ReleaseRow
from staffing.web.formatting import day, hours, moment, money
from staffing.web.pages import Fragment, Page

RUNNING = (PlanState.QUEUED, PlanState.SOLVING)
TOLD_EVERY_SECONDS = 10
"""Progress is read out to those who listen at most this often."""
OVERTAKEN = "superseded"
OVERTAKEN_SENTENCE = "Plan {} no longer fits: what it plans was assigned or closed since it was worked out. Plan again."
Stat = tuple[str, str, str, str, str]
"""(label, value, address, note, meaning) for the `stat` macro."""
WAITING_IS_ODD = 15
"""A plan that waits for longer than this many seconds may be waiting for a worker that is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLine:
    """A plan in the list."""

    href: str
    number: int
    state: str
    spans: str
    covers: str
    quality: str
    asked: str
    decided: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlansPage(Page):
    template: ClassVar[str] = "desk/plans/list.html"
    surface: ClassVar[str] = "desk"

    rows: tuple[PlanLine, ...]
    may_plan: bool
    prev_href: str | None
    next_href: str | None
    pager_text: str
    paused: tuple[PausedFacility, ...] = ()


@dataclass(frozen=True, slots=True)
class Point:
    """A point of the chart: points of the plan above doing nothing."""

    seconds: float
    objective: int | None
    bound: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(Fragment):
    """How far the solver is."""

    template: ClassVar[str] = "desk/plans/_progress.html"

    href: str
    running: bool
    sentence: str
    quality: str
    seconds: int
    limit: int
    points: tuple[Point, ...]
    note: str
    announce: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a step with a plan was not taken: what is in the way by now; without any, somebody decided before."""

    conflicts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPage(Page):
    template: ClassVar[str] = "desk/plans/show.html"
    surface: ClassVar[str] = "desk"

    number: int
    state: str
    lede: str
    address: str
    progress: Progress
    failure: str
    refusal: str
    conflicts: tuple[str, ...]
    stats: tuple[Stat, ...]
    gaps: tuple[GapGroup, ...]
    groups: tuple[ChoiceGroup, ...]
    releases: tuple[ReleaseGroup, ...]
    may_stop: bool
    may_discard: bool
    may_apply: bool
    may_run_again: bool
    facts: tuple[tuple[str, str], ...]
    paused: tuple[PausedFacility, ...] = ()
    """Nothing was planned for these: they have not paid."""


def plans_page(rows: Sequence[PlanRow], page: int, *, zone: str, may_plan: bool) -> PlansPage:
    shown = rows[:PAGE_SIZE]
    first = (page - 1) * PAGE_SIZE + 1
    return PlansPage(
        title="Plans",
        rows=tuple(_line(row, zone) for row in shown),
        may_plan=may_plan,
        prev_href=f"/desk/plans?page={page - 1}" if page > 1 else None,
        next_href=f"/desk/plans?page={page + 1}" if len(rows) > PAGE_SIZE else None,
        pager_text=f"{first}–{first + len(shown) - 1}" if shown else "Nothing on this page",
    )


def _line(row: PlanRow, zone: str) -> PlanLine:
    decided = f"{row.decided_by}, {moment(row.decided_at, zone)}" if row.decided_at else ""
    return PlanLine(
        href=f"/desk/plans/{row.id}",
        number=row.number,
        state=OVERTAKEN if row.overtaken else row.state.value,
        spans=_looks_at(row, zone),
        covers=f"{row.covered_heads} of {row.asked_heads}" if row.asked_heads else "–",
        quality=quality_short(row.gap) if row.asked_heads else "–",
        asked=f"{row.requested_by}, {moment(row.requested_at, zone)}",
        decided=decided,
    )


def _looks_at(plan: PlanRow, zone: str) -> str:
    span = f"{day(plan.horizon_start, zone)} to {day(plan.horizon_end, zone)}"
    match plan.facilities:
        case 0:
            return span
        case 1:
            return f"{span}, one facility"
        case number:
            return f"{span}, {number} facilities"


def quality_short(gap: float | None) -> str:
    """How good a plan is, for a cell."""
    if gap is None:
        return "not known"
    return "best possible" if gap == 0 else f"within {_percent(gap)}"


def quality_words(gap: float | None) -> str:
    """How good a plan is, in words."""
    if gap is None:
        return "How good it is compared with the best possible is not known yet."
    if gap == 0:
        return "Proven: no plan is better than this one."
    return f"Within {_percent(gap)} of the best possible."


def _percent(gap: float) -> str:
    percent = gap * 100
    return "0.1 %" if percent < 0.1 else f"{percent:.1f} %" if percent < 10 else f"{percent:.0f} %"


def progress_view(plan: PlanDetail) -> Progress:
    told = plan.progress
    seconds = int(told.get("seconds", 0))
    points = tuple(Point(*point) for point in told.get("points", ()) if point[2] is not None)
    quality = quality_words(told.get("gap")) if points else ""
    return Progress(
        href=f"/desk/plans/{plan.id}/progress?seen={plan.state.value}",
        running=plan.state in RUNNING,
        sentence=_doing(plan),
        quality=quality,
        seconds=seconds,
        limit=plan.time_limit_seconds,
        points=points,
        note=_note(plan),
        announce=f"{seconds} seconds. {quality}" if seconds and seconds % TOLD_EVERY_SECONDS == 0 else "",
    )


def _doing(plan: PlanDetail) -> str:
    if plan.state is PlanState.QUEUED:
        return "Waiting for the planner to begin."
    if plan.stop_requested:
        return "Stopping: the best plan so far is being checked."
    phase = str(plan.progress.get("phase", "starting"))
    if phase == "done":
        return "The search is over: the plan is being checked and its reasons written down."
    return f"{phase[:1].upper()}{phase[1:]}."


def _note(plan: PlanDetail) -> str:
    if plan.state is PlanState.QUEUED and plan.waiting_for.total_seconds() > WAITING_IS_ODD:
        return "It has been waiting for a while: another plan may be at work, or no worker is running."
    return ""


def plan_page(
    plan: PlanDetail,
    choices: Sequence[ChoiceRow],
    gaps: Sequence[GapRow],
    releases: Sequence[ReleaseRow],
    principal: Principal,
    now: datetime,
    refusal: Refusal | None = None,
) -> PlanPage:
    running, proposed = plan.state in RUNNING, plan.state is PlanState.PROPOSED
    may_run = principal.may(Permission.DESK_PLANS_RUN)
    conflicts = refusal.conflicts if refusal else ()
    fits = proposed and not plan.overtaken and not conflicts
    return PlanPage(
        title=f"Plan {plan.number}",
        refresh_seconds=2 if running else 0,
        number=plan.number,
        state=OVERTAKEN if plan.overtaken else plan.state.value,
        lede=_lede(plan, now),
        address=f"/desk/plans/{plan.id}",
        progress=progress_view(plan),
        failure=_failure(plan),
        refusal=_refusal(plan, refusal) if refusal else OVERTAKEN_SENTENCE.format(plan.number) if plan.overtaken else "",
        conflicts=conflicts,
        stats=_stats(plan, _rows("choices", choices), _rows("gaps", gaps), _rows("releases", releases)) if plan.solution else (),
        gaps=gap_groups(gaps),
        groups=choice_groups(choices),
        releases=release_groups(releases, choices),
        may_stop=may_run and plan.state is PlanState.SOLVING and not plan.stop_requested,
        may_discard=may_run and (running or proposed),
        may_apply=fits and bool(choices or releases) and principal.may(Permission.DESK_PLANS_APPLY),
        may_run_again=may_run and not running and plan.state is not PlanState.APPLIED,
        facts=_facts(plan, principal.time_zone),
    )


def _lede(plan: PlanDetail, now: datetime) -> str:
    match plan.state:
        case PlanState.QUEUED | PlanState.SOLVING:
            return f"Asked for by {plan.requested_by} {ago_text(plan.requested_at, now)}."
        case PlanState.PROPOSED if not plan.covered_heads and not plan.solution.get("released"):
            what = "the one place that was" if plan.asked_heads == 1 else f"any of the {plan.asked_heads} places that were"
            return f"Nobody can cover {what} open, as things stand. Below is why, and what would help."
        case PlanState.PROPOSED:
            return f"{_covers(plan)} {quality_words(plan.gap)}"
        case PlanState.APPLIED:
            return f"{_covers(plan)} Applied by {plan.decided_by}."
        case PlanState.DISCARDED:
            return f"Discarded by {plan.decided_by}. Nothing was changed."
        case _:
            return "It ended without a proposal."


def _covers(plan: PlanDetail) -> str:
    if plan.covered_heads == plan.asked_heads:
        return "Everything that was open is covered."
    return f"Covers {plan.covered_heads} of the {_places(plan)}."


def _places(plan: PlanDetail) -> str:
    return "one place that was open" if plan.asked_heads == 1 else f"{plan.asked_heads} places that were open"


def _failure(plan: PlanDetail) -> str:
    if plan.state is PlanState.INTERRUPTED:
        return plan.failure or "The planner was interrupted before it had a proposal. Nothing was changed."
    return plan.failure if plan.state is PlanState.FAILED else ""


def _refusal(plan: PlanDetail, refusal: Refusal) -> str:
    if refusal.conflicts:
        return f"Plan {plan.number} no longer fits: something changed since it was worked out. Nothing was applied. Plan again."
    decided = f" by {plan.decided_by}" if plan.decided_by else ""
    return f"Somebody was faster: plan {plan.number} is {plan.state.value}{decided} already. Nothing was changed now."


def _stats(plan: PlanDetail, choices: str, gaps: str, releases: str) -> tuple[Stat, ...]:
    """Each number opens the rows of this page that it counts, where there are any."""
    done = plan.solution
    asked, covered = done["asked_heads"], done["covered_heads"]
    missing, share = asked - covered, 100 * max(0, covered) // asked
    return (
        ("Covered", f"{share} %", choices, f"{covered} of {asked} places", "covered" if not missing else "at_risk"),
        ("Hours", hours(done["covered_minutes"]), choices, f"of {hours(done['asked_minutes'])} asked for", ""),
        ("Left uncovered", str(missing), gaps, "places, reasons below" if missing else "nothing", "uncovered" if missing else ""),
        _people_stat(done["released"], releases)
        if plan.keeps_running
        else ("People", str(done["people"]), choices, "coordinators", ""),
        ("Margin", money(done["margin_minor"]), choices, "bill less pay, over the whole plan", ""),
    )


def _rows(part: str, rows: Sequence[object]) -> str:
    return f"#{part}" if rows else ""


def _people_stat(released: int, href: str) -> Stat:
    """Of a plan near the running one it matters most how much it changes for people who are assigned already."""
    return "Given up", str(released), href, "assignments, by whom is below" if released else "nobody moves", ""


def _facts(plan: PlanDetail, zone: str) -> tuple[tuple[str, str], ...]:
    took = f"{plan.solution['seconds']:.1f} s" if plan.solution else ""
    return (
        ("Asked for by", f"{plan.requested_by}, {moment(plan.requested_at, zone)}"),
        ("Looks at", _looks_at(plan, zone)),
        ("Plans", "everything ahead, near what is assigned" if plan.keeps_running else "what is open"),
        ("Proposed", moment(plan.finished_at, zone) if plan.finished_at and plan.solution else ""),
        ("Decided", f"{plan.decided_by}, {moment(plan.decided_at, zone)}" if plan.decided_at else ""),
        ("Search took", f"{took} of at most {plan.time_limit_seconds} s" if took else ""),
    )
