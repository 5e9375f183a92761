"""The week: what is recorded, what is missing, submitting it."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency

from staffing import clock
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.web.formatting import clock as wall_clock
from staffing.web.formatting import hours
from staffing.web.forms import typed
from staffing.web.http import Request
from staffing.web.rendering import render, see_other
from staffing.web.zones import stretch
from staffing.worklog import cover, queries, rules, service
from staffing.worklog.cover import Cover
from staffing.worklog.models import EntryState
from staffing.worklog.rows import EntryRow
from staffing.worklog.rules import Span
from staffing.workspace.notes import line, note_names_shown
from staffing.workspace.timers import running
from staffing.workspace.week_view import Cell, Gap, WeekGroup, WeekPage, WeekRow

SHOWN = {EntryState.DRAFT, EntryState.SUBMITTED, EntryState.APPROVED, EntryState.DISPUTED, EntryState.INVOICED}


@get("/workspace/week", permission=Permission.WORKSPACE_ENTRIES_READ)
async def show(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[str]:
    asked = request.query_params
    monday = _monday(asked.get("start", ""), principal)
    return render(request, await _page(tx, principal, monday, _day_of(monday, asked.get("day", ""))))


@post("/workspace/week", permission=Permission.WORKSPACE_ENTRIES_WRITE)
async def submit(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[Any]:
    sent = await typed(request)
    monday = _monday(sent.text("start"), principal)
    done = await service.submit_week(tx, principal, monday)
    waiting = len(done.incomplete)
    rest = f" {waiting} {'entry waits' if waiting == 1 else 'entries wait'} for a note or an activity." if waiting else ""
    still = " The running timer stays out." if done.running else ""
    entries = "1 entry" if done.submitted == 1 else f"{done.submitted} entries"
    said = f"Submitted {entries}, {hours(done.seconds // 60)}." if done.submitted else "Nothing was submitted."
    return see_other(
        request, f"/workspace/week?start={monday}", said + rest + still, kind="good" if done.submitted and not rest else "info"
    )


async def _page(tx: Transaction, principal: Principal, monday: date, shown_day: date | None) -> WeekPage:
    now, zone = clock.now(), principal.time_zone
    days = [monday + timedelta(days=number) for number in range(7)]
    week = rules.day_span(monday, zone, 7)
    entries = await queries.own_entries(tx, principal, week)
    covers = await cover.own_cover(tx, principal, week)
    note_names_shown(tx, principal, entries, "week")
    finished = [row for row in entries if row.end is not None and row.state in SHOWN]
    drafts = [row for row in finished if row.state is EntryState.DRAFT and week.start <= row.start < week.end]
    complete = [row for row in drafts if not row.missing]
    totals = rules.seconds_per_day([row.span for row in finished], zone, days)
    return WeekPage(
        title=f"Week of {monday:%-d %B %Y}",
        timer=await running(tx, principal),
        zone=zone,
        start=monday.isoformat(),
        days=tuple(days),
        today=rules.local_day(now, zone),
        groups=_groups(finished, days, zone),
        totals=tuple(Cell.of(seconds, _day_address(day)) for day, seconds in zip(days, totals, strict=True)),
        total=Cell.of(sum(totals)),
        unfinished=tuple(line(row, zone) for row in drafts if row.missing),
        gaps=_gaps(covers, entries, week, now, zone),
        complete=len(complete),
        complete_seconds=sum(row.seconds for row in complete),
        submitted=sum(row.state is EntryState.SUBMITTED for row in finished),
        approved=sum(row.state in (EntryState.APPROVED, EntryState.INVOICED) for row in finished),
        disputed=tuple(line(row, zone, with_day=True) for row in finished if row.state is EntryState.DISPUTED),
        before=(monday - timedelta(days=7)).isoformat(),
        after=(monday + timedelta(days=7)).isoformat() if week.end <= now else "",
        shown_day=shown_day,
        of_day=tuple(line(row, zone, named=False) for row in finished if shown_day and _touches(row.span, shown_day, zone)),
    )


def _monday(asked: str, principal: Principal) -> date:
    """The Monday of the week that holds the asked day; this week for anything that is no day."""
    try:
        day = date.fromisoformat(asked)
    except ValueError:
        day = rules.local_day(clock.now(), principal.time_zone)
    return rules.monday_of(min(max(day, date(2000, 1, 1)), date(2100, 1, 1)))


def _day_of(monday: date, asked: str) -> date | None:
    """The asked day, if it lies in this week."""
    days = (monday + timedelta(days=number) for number in range(7))
    return next((day for day in days if day.isoformat() == asked), None)


def _day_address(day: date) -> str:
    return f"/workspace/week?start={rules.monday_of(day)}&day={day}#day"


def _groups(entries: Sequence[EntryRow], days: Sequence[date], zone: str) -> tuple[WeekGroup, ...]:
    """The facilities by name, each with its sums by day and a row for each patient."""
    groups = []
    for facility_id in sorted({row.facility_id for row in entries}, key=lambda one: _name_of(entries, one)):
        here = [row for row in entries if row.facility_id == facility_id]
        sums = rules.seconds_per_day([row.span for row in here], zone, days)
        groups.append(
            WeekGroup(
                facility=here[0].facility_name,
                colour=here[0].facility_colour,
                cells=tuple(Cell.of(seconds, _day_address(day)) for day, seconds in zip(days, sums, strict=True)),
                total=Cell.of(sum(sums)),
                rows=_rows(here, days, zone),
            )
        )
    return tuple(groups)


def _name_of(entries: Sequence[EntryRow], facility_id: UUID) -> str:
    return next(row.facility_name for row in entries if row.facility_id == facility_id)


def _rows(entries: Sequence[EntryRow], days: Sequence[date], zone: str) -> tuple[WeekRow, ...]:
    """One row for each patient; those who can no longer be seen share one."""
    patients: dict[tuple[str, str], list[EntryRow]] = {}
    for row in entries:
        key = (row.patient_name or _unnamed(row), str(row.patient_id) if row.patient_name else "")
        patients.setdefault(key, []).append(row)
    rows = []
    for (name, patient_id), group in sorted(patients.items()):
        seconds = rules.seconds_per_day([row.span for row in group], zone, days)
        rows.append(
            WeekRow(
                patient=name,
                patient_id=patient_id,
                cells=tuple(_cell(group, day, sum_, zone) for day, sum_ in zip(days, seconds, strict=True)),
                total=Cell.of(sum(seconds)),
                missing=sum(bool(row.missing) and row.state is EntryState.DRAFT for row in group),
            )
        )
    return tuple(rows)


def _cell(group: Sequence[EntryRow], day: date, seconds: int, zone: str) -> Cell:
    """A number opens its entry, or the day's entries where it is several."""
    behind = [row for row in group if _touches(row.span, day, zone)]
    return Cell.of(seconds, f"/workspace/entries/{behind[0].id}" if len(behind) == 1 else _day_address(day))


def _unnamed(row: EntryRow) -> str:
    return "Without a patient" if row.patient_id is None else "Patients no longer under your care"


def _touches(span: Span, day: date, zone: str) -> bool:
    return span.overlaps(rules.day_span(day, zone))


def _gaps(covers: Sequence[Cover], entries: Sequence[EntryRow], week: Span, now: datetime, zone: str) -> tuple[Gap, ...]:
    """Agreed cover of this week, as far as it has passed, in which nothing is recorded at any facility."""
    recorded = [Span(row.start, row.end or now) for row in entries if row.state is not EntryState.VOID]
    found = []
    for one in covers:
        inside = Span(max(one.start, week.start), min(one.end, week.end))
        for gap in rules.gaps([inside], recorded, now):
            day = rules.local_day(gap.start, zone)
            found.append(
                Gap(
                    facility=one.facility_name,
                    colour=one.facility_colour,
                    when=stretch(gap.start, gap.end, zone, with_day=True),
                    length=hours(gap.seconds // 60),
                    href=f"/workspace/entries/new?who={one.facility_id}:&day={day}"
                    f"&start={wall_clock(gap.start, zone)}&end={wall_clock(gap.end, zone)}",
                )
            )
    return tuple(found)


HANDLERS: list[Any] = [show, submit]
