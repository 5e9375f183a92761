"""What the desk's pages of billing runs show."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from staffing.billing_runs.lifecycle import TO_ISSUE
from staffing.billing_runs.models import ItemState, RunState
from staffing.billing_runs.periods import Period
from staffing.billing_runs.queries import ItemRow, RunRow, Sum
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.web.formatting import moment, money
from staffing.web.pages import Fragment, Page

STATE_WORDS: dict[RunState, str] = {
    RunState.PROPOSING: "Being proposed",
    RunState.PROPOSED: "Waits for you",
    RunState.ISSUING: "Issuing",
    RunState.DONE: "Done",
    RunState.CANCELLED: "Cancelled",
}
STATE_BADGES: dict[RunState, str] = {
    RunState.PROPOSING: "progress",
    RunState.PROPOSED: "needs_you",
    RunState.ISSUING: "progress",
    RunState.DONE: "done",
    RunState.CANCELLED: "neutral",
}
SECTION = "/desk/invoices"


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthClose:
    """The way into a run from the page of invoices: begin the next one, or go to those that are not over."""

    period: str
    start_on: str
    end_on: str
    live: tuple[RunRow, ...]
    startable: bool
    """Whether no run of the last month is under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsPage(Page):
    template: ClassVar[str] = "desk/billing_runs/list.html"
    surface: ClassVar[str] = "desk"

    rows: tuple["RunLine", ...]
    month: MonthClose
    may_run: bool
    prev_href: str | None
    next_href: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    href: str
    number: int
    period: str
    badge: str
    state: str
    issued: str
    started: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProgress(Fragment):
    """How far the jobs are."""

    template: ClassVar[str] = "desk/billing_runs/_progress.html"

    href: str
    running: bool
    done: int
    turns: int
    sentence: str
    announce: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLineItem:
    """A facility in the run, in words."""

    facility_id: str
    name: str
    colour: int
    invoice_href: str
    invoice_label: str
    previous: str
    amount: str
    change: str
    why: tuple[str, ...]
    flags: tuple[tuple[str, str], ...]
    problem: str
    decided: str
    seen_minor: int
    may_accept: bool
    may_leave_out: bool
    may_look_again: bool
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage(Page):
    template: ClassVar[str] = "desk/billing_runs/show.html"
    surface: ClassVar[str] = "desk"

    run: RunRow
    badge: str
    state_words: str
    address: str
    lede: str
    before: str
    progress: RunProgress
    going: Sum
    waiting: tuple[RunLineItem, ...]
    """Flagged or failed: somebody has to look."""
    ready: tuple[RunLineItem, ...]
    issued: tuple[RunLineItem, ...]
    left_out: tuple[RunLineItem, ...]
    nothing: tuple[RunLineItem, ...]
    acceptable: int
    ready_sums: tuple[str, str, str]
    """The period before, this period, and the difference, of what goes out."""
    open: bool
    """Whether people may decide now."""
    may_issue: bool
    ends_as: str
    """What finishing now would be called."""

    @property
    def what_issuing_does(self) -> str:
        """What the button will do, and what stays behind."""
        each = "It gets its number and goes" if self.going.count == 1 else "Each gets its number and goes"
        said = f"{each} to its facility. After that no line changes any more; a credit note corrects what was wrong."
        behind = len(self.waiting)
        if not behind:
            return said
        return f"{said} {'The one above waits' if behind == 1 else f'The {behind} above wait'} on."


def month_close(period: Period, live: Sequence[RunRow]) -> MonthClose:
    under_way = any(one.period.start_on <= period.end_on and one.period.end_on >= period.start_on for one in live)
    return MonthClose(
        period=period.words,
        start_on=period.start_on.isoformat(),
        end_on=period.end_on.isoformat(),
        live=tuple(live),
        startable=not under_way,
    )


def runs_page(rows: Sequence[RunRow], more: bool, page: int, month: MonthClose, principal: Principal) -> RunsPage:
    return RunsPage(
        title="Billing runs",
        section=SECTION,
        rows=tuple(_run_line(row, principal.time_zone) for row in rows),
        month=month,
        may_run=principal.may(Permission.DESK_INVOICES_RUN),
        prev_href=f"/desk/billing-runs?page={page - 1}" if page > 1 else None,
        next_href=f"/desk/billing-runs?page={page + 1}" if more else None,
    )


def _run_line(row: RunRow, zone: str) -> RunLine:
    return RunLine(
        href=f"/desk/billing-runs/{row.id}",
        number=row.number,
        period=row.period.words,
        badge=STATE_BADGES[row.state],
        state=STATE_WORDS[row.state],
        issued=row.issued.words if row.issued.count else "–",
        started=f"{row.started_by}, {moment(row.started_at, zone)}",
    )


def progress_view(run: RunRow) -> RunProgress:
    doing = "issued" if run.state == RunState.ISSUING else "looked at"
    sentence = f"{run.done} of {run.turns} facilities {doing}."
    return RunProgress(
        href=f"/desk/billing-runs/{run.id}/progress?seen={run.state.value}",
        running=run.state in (RunState.PROPOSING, RunState.ISSUING),
        done=run.done,
        turns=run.turns,
        sentence=sentence,
        announce=sentence if run.done and run.done % 50 == 0 else "",
    )


def run_page(run: RunRow, items: Sequence[ItemRow], going: Sum, principal: Principal) -> RunPage:
    is_open = run.state is RunState.PROPOSED and principal.may(Permission.DESK_INVOICES_RUN)
    lines = {state: tuple(_line(item, run.period, is_open) for item in items if item.state is state) for state in ItemState}
    ready = [item for item in items if item.state in TO_ISSUE]
    running = run.state in (RunState.PROPOSING, RunState.ISSUING)
    return RunPage(
        title=f"Run {run.number}: {run.period.words}",
        section=SECTION,
        refresh_seconds=3 if running else 0,
        run=run,
        badge=STATE_BADGES[run.state],
        state_words=STATE_WORDS[run.state],
        address=f"/desk/billing-runs/{run.id}",
        lede=_lede(run, items, principal.time_zone),
        before=run.period.before.words,
        progress=progress_view(run),
        going=going,
        waiting=lines[ItemState.FAILED] + lines[ItemState.FLAGGED],
        ready=tuple(_line(item, run.period, is_open) for item in ready),
        issued=lines[ItemState.ISSUED],
        left_out=lines[ItemState.LEFT_OUT],
        nothing=lines[ItemState.NOTHING],
        acceptable=sum(1 for item in items if item.acceptable),
        ready_sums=_sums(ready),
        open=is_open,
        may_issue=is_open and going.count > 0 and principal.may(Permission.DESK_INVOICES_FINALIZE),
        ends_as=_ends_as(run) if is_open or run.state is RunState.PROPOSING else "",
    )


def _ends_as(run: RunRow) -> str:
    return "Finish without the rest" if run.issued.count else "Cancel the run"


def _lede(run: RunRow, items: Sequence[ItemRow], zone: str) -> str:
    begun = f"Started by {run.started_by}, {moment(run.started_at, zone)}."
    match run.state:
        case RunState.PROPOSING:
            return f"{begun} Every facility's work is being compared with {run.period.before.words}. Nothing is issued."
        case RunState.ISSUING:
            return f"Each invoice gets its number and goes to its facility. Asked for by {run.issued_by}."
        case RunState.PROPOSED:
            waits = sum(1 for item in items if item.state in (ItemState.FLAGGED, ItemState.FAILED))
            if not waits and not any(item.state in (ItemState.READY, ItemState.ACCEPTED) for item in items):
                return f"{begun} No invoice is left to go out: look at everything again, or cancel the run."
            if not waits:
                return f"{begun} Nothing odd was found."
            return f"{begun} {'One facility waits' if waits == 1 else f'{waits} facilities wait'} for your decision."
        case RunState.CANCELLED:
            return f"{begun} Cancelled: nothing was issued, its drafts are still drafts."
        case RunState.DONE if run.issued.count:
            return f"Issued: {run.issued.words}. Done {moment(run.finished_at, zone) if run.finished_at else ''}."
        case _:
            return f"{begun} There was nothing to invoice that is not on an invoice already."


def _sums(items: Sequence[ItemRow]) -> tuple[str, str, str]:
    if len({item.currency for item in items}) != 1:
        return ("", "", "")
    currency = items[0].currency
    before, now = sum(item.previous_minor or 0 for item in items), sum(item.total_minor for item in items)
    return money(before, currency), money(now, currency), _signed(now - before, currency)


def _line(item: ItemRow, period: Period, is_open: bool) -> RunLineItem:
    decided = "Accepted" if item.state in (ItemState.ACCEPTED, ItemState.ISSUED) else "Left out"
    days = f"start_on={period.start_on}&end_on={period.end_on}"
    return RunLineItem(
        facility_id=str(item.facility_id),
        name=item.name,
        colour=item.colour,
        # Where no draft could be made, the hours that it would have been made of.
        invoice_href=f"/desk/invoices/{item.invoice_id}" if item.invoice_id else f"/desk/invoices/work/{item.facility_id}?{days}",
        invoice_label=(item.number or "Draft") if item.invoice_id else "Hours",
        previous=money(item.previous_minor, item.currency) if item.previous_minor is not None else "–",
        amount=money(item.total_minor, item.currency) if item.total_minor else "–",
        change=_change(item),
        why=item.reasons,
        flags=tuple((flag.name, flag.sentence) for flag in item.flags),
        problem=item.problem,
        decided=f"{decided} by {item.decided_by}." if item.decided_by else "",
        seen_minor=item.total_minor,
        may_accept=is_open and item.acceptable,
        may_leave_out=is_open and item.state in (*TO_ISSUE, ItemState.FLAGGED, ItemState.FAILED),
        may_look_again=is_open
        and not item.acceptable
        and item.state in (ItemState.FAILED, ItemState.LEFT_OUT, ItemState.FLAGGED),
        state=item.state.value,
    )


def _change(item: ItemRow) -> str:
    if item.previous_minor is None or not item.total_minor:
        return "–"
    share = f" ({item.percent:+d} %)".replace("-", "−") if item.percent else ""
    return f"{_signed(item.total_minor - item.previous_minor, item.currency)}{share}"


def _signed(minor: int, currency: str) -> str:
    if not minor:
        return "as before"
    return ("+" if minor > 0 else "−") + money(abs(minor), currency)
