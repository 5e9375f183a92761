"""The timer: start, switch, stop."""

from dataclasses import dataclass
from datetime import date, time
from typing import Any, ClassVar
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency

from staffing import clock
from staffing.errors import Invalid
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.web.formatting import duration
from staffing.web.forms import Day, Field, Form, Typed, bind, typed
from staffing.web.http import Request
from staffing.web.pages import Page
from staffing.web.rendering import render, see_other
from staffing.worklog import queries, rules, service
from staffing.worklog.errors import NoTimerRuns, TimerRanLong, TimeToChoose
from staffing.worklog.models import WorkEntry
from staffing.worklog.wall_times import instant_on
from staffing.workspace.notes import EntryLine, line
from staffing.workspace.timers import bar


class StartForm(Form):
    facility_id: UUID
    patient_id: UUID | None = None
    service: str | None = None


class EndForm(Form):
    day: Day
    end: time
    end_reading: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopPage(Page):
    template: ClassVar[str] = "workspace/stop.html"
    surface: ClassVar[str] = "workspace"

    running: EntryLine
    ran: str
    day: Field
    end: Field
    reading: Field | None
    may_end_now: bool
    problems: tuple[str, ...] = ()


@post(["/workspace/timer/start", "/workspace/timer/switch"], permission=Permission.WORKSPACE_ENTRIES_WRITE)
async def start(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[Any]:
    form = bind(StartForm, await typed(request))
    try:
        await service.start_timer(tx, principal, form.facility_id, form.patient_id, form.service)
    except TimerRanLong:
        return see_other(
            request, "/workspace/timer/stop", "Your timer still runs. Say when that work ended, then start the next.", kind="warn"
        )
    return see_other(request, "/workspace")


@get("/workspace/timer/stop", permission=Permission.WORKSPACE_ENTRIES_READ)
async def ask_for_end(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[Any]:
    try:
        return render(request, await _page(tx, principal, Typed.of(day=_today(principal))))
    except NoTimerRuns as nothing:
        return see_other(request, "/workspace", nothing.message, kind="info")


@post("/workspace/timer/stop", permission=Permission.WORKSPACE_ENTRIES_WRITE)
async def stop(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[Any]:
    sent = await typed(request)
    try:
        entry = await _stop(tx, principal, sent)
    except TimerRanLong as long:
        return see_other(request, "/workspace/timer/stop", long.message, kind="warn")
    except Invalid as problem:
        return render(request, await _page(tx, principal, sent, problem), status=422)
    told = "" if entry.activity and entry.note else " Say what you did, and it can be submitted."
    return see_other(request, "/workspace", f"Stopped after {_length(entry)}.{told}")


async def _stop(tx: Transaction, principal: Principal, sent: Typed) -> WorkEntry:
    if sent.text("now") == "1":
        return await service.stop_timer(tx, principal, clock.now())
    if not sent.text("end"):
        return await service.stop_timer(tx, principal)
    form = bind(EndForm, sent)
    ended = instant_on(form.day, form.end, principal.time_zone, "end", form.end_reading)
    return await service.stop_timer(tx, principal, ended)


async def _page(tx: Transaction, principal: Principal, sent: Typed, problem: Invalid | None = None) -> StopPage:
    row = await queries.running_entry(tx, principal)
    if row is None:
        raise NoTimerRuns
    errors = problem.fields if problem else {}
    choices = problem.choices if isinstance(problem, TimeToChoose) else {}
    ran = clock.now() - row.start
    return StopPage(
        title="When did you stop?",
        timer=bar(row),
        running=line(row, principal.time_zone),
        ran=duration(int(ran.total_seconds())),
        day=sent.field("day", "Day", errors=errors, required=True),
        end=sent.field("end", "Time, on your clock", errors=errors, required=True),
        reading=sent.field("end_reading", "Which of the two?", options=choices["end"], required=True) if choices else None,
        may_end_now=ran <= rules.LONGEST,
    )


def _today(principal: Principal) -> date:
    return rules.local_day(clock.now(), principal.time_zone)


def _length(entry: WorkEntry) -> str:
    start, end = entry.during.lower, entry.during.upper
    assert start is not None
    assert end is not None
    return duration(int((end - start).total_seconds()))


HANDLERS: list[Any] = [start, ask_for_end, stop]
