"""Work that is added by hand: the full form, and the call that has just ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.di import NamedDependency

from staffing import clock
from staffing.care import service as care
from staffing.errors import Invalid
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.web.forms import Day, Field, Form, Typed, bind, typed
from staffing.web.http import Request
from staffing.web.pages import Page
from staffing.web.rendering import render, see_other
from staffing.worklog import queries, rules, service
from staffing.worklog.cover import cover_around
from staffing.worklog.errors import TimeTaken, TimeToChoose
from staffing.worklog.rules import Span
from staffing.worklog.wall_times import instant_on, span_on
from staffing.workspace.notes import ACTIVITIES, who_of, who_options
from staffing.workspace.timers import running

LENGTHS = "6, 90, 1:30 or 1h 30. Without a time beside it: it has just ended."


class EntryForm(Form):
    """Two of start, end and length; only the length for work that has just ended."""

    who: str = ""
    service: str | None = None
    day: Day | None = None
    start: time | None = None
    end: time | None = None
    minutes: str = ""
    start_reading: str = ""
    end_reading: str = ""
    activity: str | None = None
    note: str = ""
    reason: str = ""
    cut_running: bool = False
    instead_of: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntryPage(Page):
    template: ClassVar[str] = "workspace/new_entry.html"
    surface: ClassVar[str] = "workspace"

    who: Field
    service: Field
    day: Field
    start: Field
    end: Field
    minutes: Field
    readings: tuple[Field, ...]
    activity: Field
    note: Field
    reason: Field
    instead_of: str
    cut_running: Field | None
    conflicts: tuple[str, ...]

    @property
    def fields(self) -> tuple[Field, ...]:
        return (self.who, self.service, self.day, self.start, self.end, self.minutes, self.activity, self.note, self.reason)


@get("/workspace/entries/new", permission=Permission.WORKSPACE_ENTRIES_WRITE)
async def blank(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[str]:
    asked = request.query_params
    given = {name: asked.get(name, "") for name in ("who", "day", "start", "end") if asked.get(name)}
    sent = Typed.of(**{"day": rules.local_day(clock.now(), principal.time_zone), **given})
    if replaced := asked.get("instead_of"):
        sent = await _as_it_is(tx, principal, replaced)
    return render(request, await _page(tx, principal, sent))


@post("/workspace/entries/new", permission=Permission.WORKSPACE_ENTRIES_WRITE)
async def add(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[Any]:
    sent = await typed(request)
    try:
        entries = await _add(tx, principal, sent)
    except Invalid as problem:
        return render(request, await _page(tx, principal, sent, problem), status=422)
    parts = " as two entries, because the facility's month ended in between" if len(entries) > 1 else ""
    return see_other(request, "/workspace", f"Recorded{parts}.")


async def _add(tx: Transaction, principal: Principal, sent: Typed) -> list[Any]:
    form = bind(EntryForm, sent)
    span = _all_checked(form, principal.time_zone)
    facility_id, patient_id = who_of(form.who)
    work = service.Work(
        facility_id=facility_id, patient_id=patient_id, service=form.service, activity=form.activity, note=form.note
    )
    return await service.add_entry(
        tx,
        principal,
        work,
        span,
        form.reason,
        cut_running=form.cut_running,
        instead_of=form.instead_of,
    )


def _all_checked(form: EntryForm, zone: str) -> Span:
    """The time that is meant. Raises `Invalid` with every mistake of the form at once."""
    empty = {name: "Please fill this in." for name in ("who", "reason") if not getattr(form, name)}
    try:
        span = _span(form, zone)
    except TimeToChoose:
        raise
    except Invalid as problem:
        raise Invalid("Please look at the marked fields.", **empty, **problem.fields) from problem
    if empty:
        raise Invalid("Please look at the marked fields.", **empty)
    return span


def _span(form: EntryForm, zone: str) -> Span:
    """The time that is meant: start and end, or a length after a start, before an end or before now."""
    day = form.day or rules.local_day(clock.now(), zone)
    if form.start and form.end:
        return span_on(day, form.start, form.end, zone, start_reading=form.start_reading, end_reading=form.end_reading)
    if not form.minutes:
        raise Invalid(minutes="Please give start and end, or how long it took.")
    length = rules.parse_duration(form.minutes)
    if form.start:
        start = instant_on(day, form.start, zone, "start", form.start_reading)
        return Span(start, start + length)
    end = instant_on(day, form.end, zone, "end", form.end_reading) if form.end else rules.whole_second(clock.now())
    return Span(end - length, end)


async def _as_it_is(tx: Transaction, principal: Principal, entry_id: str) -> Typed:
    """A draft as if it had been typed, to correct its time."""
    try:
        row = await queries.own_entry(tx, principal, UUID(entry_id))
    except ValueError:
        return Typed()
    return Typed.of(
        instead_of=row.id,
        who=f"{row.facility_id}:{row.patient_id or ''}",
        service=row.service,
        day=rules.local_day(row.start, principal.time_zone),
        start=_wall(row.start, principal.time_zone),
        end=_wall(row.span.end, principal.time_zone) if row.end else "",
        activity=row.activity,
        note=row.note,
    )


def _wall(instant: datetime, zone: str) -> str:
    return f"{instant.astimezone(ZoneInfo(zone)):%H:%M:%S}"


async def _page(tx: Transaction, principal: Principal, sent: Typed, problem: Invalid | None = None) -> NewEntryPage:
    errors: Mapping[str, str] = problem.fields if problem else {}
    if "day" not in sent.data:
        sent = Typed({**sent.data, "day": (rules.local_day(clock.now(), principal.time_zone).isoformat(),)})
    patients = await care.list_patients(tx, principal, limit=queries.MOST)
    covers = await cover_around(tx, principal, clock.now())
    services = {one.service: one.service_name for one in covers}
    choices = problem.choices if isinstance(problem, TimeToChoose) else {}
    taken = problem if isinstance(problem, TimeTaken) else None
    cut = taken is not None and taken.inside_running
    return NewEntryPage(
        title="Correct the time" if sent.text("instead_of") else "Add work by hand",
        timer=await running(tx, principal),
        who=sent.field("who", "Patient and facility", errors=errors, required=True, options=who_options(patients.rows, covers)),
        service=sent.field("service", "Service", errors=errors, options=services.items() if len(services) > 1 else ()),
        day=sent.field("day", "Day", errors=errors, required=True),
        start=sent.field("start", "From", errors=errors),
        end=sent.field("end", "To", errors=errors),
        minutes=sent.field("minutes", "Or how long it took", errors=errors, hint=LENGTHS),
        readings=tuple(
            sent.field(f"{name}_reading", "Which one?", options=options, required=True) for name, options in choices.items()
        ),
        activity=sent.field("activity", "Activity", errors=errors, options=ACTIVITIES, required=True),
        note=sent.field("note", "What you did", errors=errors, required=True),
        reason=sent.field(
            "reason", "Why without a timer", errors=errors, required=True, hint="The facility reads this beside the entry."
        ),
        instead_of=sent.text("instead_of"),
        cut_running=sent.field("cut_running", "Take these minutes out of the running timer") if cut else None,
        conflicts=taken.conflicts if taken else (),
    )


HANDLERS: list[Any] = [blank, add]
