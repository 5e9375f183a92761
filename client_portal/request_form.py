"""The one page on which relief is asked for: what is prefilled, what is understood, what is shown again after a mistake."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Annotated, ClassVar
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from pydantic import Field as Bounds

from staffing.catalogue import EHR_SYSTEMS, LANGUAGES, REASON_NAMES, SERVICES, SKILLS, RequestReason
from staffing.errors import Invalid
from staffing.facilities.queries import FacilityRow
from staffing.requests import weekly
from staffing.requests.errors import ClockAsked
from staffing.requests.models import RequestState, StaffingRequest
from staffing.requests.service import LONGEST_NOTE, MOST_HEADS, MOST_SHARING, NewRequest
from staffing.web.formatting import date_text, zone_label
from staffing.web.forms import Field, Form, Typed, bind
from staffing.web.pages import Page

CLOCK = "clock-"
"""Before the key of a question about the clock, in the name of its field."""
DAY_HOURS = (7, 19)
MOST_CELLS = 7 * 48
SHARING = {"1": "The same person throughout", "2": "Two people may share it", "3": "Three may share it", "4": "Four may share it"}
assert len(SHARING) == MOST_SHARING


class RequestForm(Form):
    form_id: UUID
    facility_id: UUID
    service: str
    reason: RequestReason
    starts_on: date
    ends_on: date
    windows: Annotated[list[str], Bounds(max_length=MOST_CELLS)]
    headcount: Annotated[int, Bounds(ge=1, le=MOST_HEADS)]
    max_coordinators: Annotated[int, Bounds(ge=1, le=MOST_SHARING)] = 1
    skills: Annotated[list[str], Bounds(max_length=len(SKILLS))]
    language: str
    ehr_system: str
    note: Annotated[str, Bounds(max_length=LONGEST_NOTE)] = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A facility to ask for, as a tab above the form."""

    label: str
    href: str
    current: bool
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFormPage(Page):
    template: ClassVar[str] = "portal/requests/form.html"
    surface: ClassVar[str] = "portal"

    form_id: str
    facility: FacilityRow
    choices: tuple[Choice, ...]
    zone: str
    """The facility's zone as people know it, with what its clock shows now: `America/New_York (EST)`."""
    prefilled_from: str
    step: int
    from_hour: int
    to_hour: int
    fields: Mapping[str, Field]
    questions: tuple[Field, ...]
    answered: tuple[tuple[str, str], ...]
    problems: tuple[str, ...]
    today: str

    @property
    def first_day(self) -> str:
        """The first day of a form that nobody has changed yet."""
        return date_text(date.fromisoformat(self.fields["starts_on"].value))

    @property
    def all_fields(self) -> list[Field]:
        return [*self.fields.values(), *self.questions]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormState:
    """What was typed and what is wrong with it."""

    sent: Typed
    problem: Invalid | None = None
    prefilled_from: str = ""
    priced: frozenset[str] = field(default_factory=frozenset)


def blank(facility: FacilityRow, last: StaffingRequest | None, now: datetime) -> Typed:
    """A new form: from the last request where there is one, next week's working days, the facility's own system.

    Where the last request reaches into next week, the days begin after it: the same would be asked for twice.
    """
    today = now.astimezone(ZoneInfo(facility.time_zone)).date()
    monday = _monday_after(today)
    if (
        last is not None
        and last.state == RequestState.OPEN
        and last.starts_on < monday + timedelta(days=7)
        and last.ends_on >= monday
    ):
        monday = _monday_after(last.ends_on)
    common = {"form_id": uuid4(), "facility_id": facility.id, "starts_on": monday, "ends_on": monday + timedelta(days=4)}
    if last is None:
        return Typed.of(**common, ehr_system=facility.ehr_system, language="en", headcount=1, max_coordinators=1, step=60)
    pattern = weekly.read(last.pattern)
    step = weekly.step_for(pattern)
    return Typed.of(
        **common,
        service=last.service,
        reason=last.reason,
        windows=weekly.to_cells(pattern, step=step) if step else (),
        step=step or 60,
        headcount=last.headcount,
        max_coordinators=last.max_coordinators,
        skills=tuple(last.skills),
        language=last.language,
        ehr_system=last.ehr_system if last.facility_id == facility.id else facility.ehr_system,
    )


def refuse_repeat(new: NewRequest, last: StaffingRequest | None) -> None:
    """Raise `Invalid` where `last` asks for exactly this already, from another form: going back and sending again is a slip."""
    if last is None or last.form_id == new.form_id or last.state != RequestState.OPEN:
        return
    before = (last.facility_id, last.service, last.starts_on, last.ends_on, last.pattern, last.headcount, last.note)
    if before == (new.facility_id, new.service, new.starts_on, new.ends_on, weekly.stored(new.pattern), new.headcount, new.note):
        raise Invalid(
            note=f"{last.reference} asks for exactly this already. If you need somebody else besides, please say so in this note."
        )


def understood(sent: Typed) -> NewRequest:
    """What the form asks for. Raises `Invalid` naming every field that cannot be read."""
    try:
        form = bind(RequestForm, sent)
    except Invalid as problem:
        if not sent.texts("windows"):
            problem.fields.setdefault("windows", "Please choose the hours: nothing is marked in the week yet.")
        raise
    return NewRequest(
        form_id=form.form_id,
        facility_id=form.facility_id,
        service=form.service,
        reason=form.reason,
        starts_on=form.starts_on,
        ends_on=form.ends_on,
        pattern=weekly.from_cells(form.windows, step=step_of(sent)),
        headcount=form.headcount,
        max_coordinators=form.max_coordinators,
        skills=tuple(dict.fromkeys(form.skills)),
        language=form.language,
        ehr_system=form.ehr_system,
        note=form.note,
        clock_answers=_answers(sent),
    )


def form_page(facilities: Sequence[FacilityRow], facility: FacilityRow, state: FormState, now: datetime) -> RequestFormPage:
    """The page for a new form, for one with mistakes, and for one whose grid is shown in another way."""
    sent, problem = state.sent, state.problem
    errors = dict(problem.fields) if problem else {}
    asked = problem.questions if isinstance(problem, ClockAsked) else ()
    if asked:
        errors.pop("windows", None)
    fields = _fields(sent, errors, state.priced)
    from_hour, to_hour = _hours(sent)
    known = {question.key for question in asked}
    return RequestFormPage(
        title="Ask for relief",
        place=facility.name,
        form_id=sent.text("form_id"),
        facility=facility,
        choices=tuple(Choice(one.name, f"/portal/requests/new?facility={one.id}", one.id == facility.id) for one in facilities)
        if len(facilities) > 1
        else (),
        zone=f"{facility.time_zone.replace('_', ' ')} ({zone_label(facility.time_zone, now)})",
        prefilled_from=state.prefilled_from,
        step=step_of(sent),
        from_hour=from_hour,
        to_hour=to_hour,
        fields=fields,
        questions=tuple(
            Field(
                name=CLOCK + question.key,
                label=question.sentence,
                value=sent.text(CLOCK + question.key),
                error="Which one do you mean?",
                required=True,
                options=(("earlier", question.earlier_words), ("later", question.later_words)),
            )
            for question in asked
        ),
        answered=tuple((CLOCK + key, answer) for key, answer in _answers(sent).items() if key not in known),
        problems=_others(problem, errors, fields),
        today=now.astimezone(ZoneInfo(facility.time_zone)).date().isoformat(),
    )


def step_of(sent: Typed) -> int:
    """Minutes of one cell of the grid that was shown."""
    return 30 if sent.text("step") == "30" else 60


def regridded(sent: Typed, show: str) -> Typed:
    """The same form with another grid: `half` hours, whole `hours`, or `all` 24 of them. No chosen time is lost."""
    data = dict(sent.data)
    if show == "half" and step_of(sent) == 60:
        cells = [cell for cell in sent.texts("windows") if cell[-3:] == ":00"]
        data |= {"step": ("30",), "windows": tuple(half for cell in cells for half in (cell, cell[:-2] + "30"))}
    elif show == "all":
        data["all_hours"] = ("1",)
    return Typed(data)


def _fields(sent: Typed, errors: Mapping[str, str], priced: frozenset[str]) -> dict[str, Field]:
    def field_of(name: str, label: str, **more: object) -> Field:
        return sent.field(name, label, errors=errors, **more)  # type: ignore[arg-type]

    offered = [(service.code, service.name) for service in SERVICES if service.code in priced]
    fields = (
        field_of("service", "Service", required=True, options=offered),
        field_of("reason", "Why", required=True, options=[(code.value, name) for code, name in REASON_NAMES.items()]),
        field_of("starts_on", "First day", required=True),
        field_of("ends_on", "Last day", required=True),
        field_of("windows", "Hours of the week", required=True),
        field_of("headcount", "How many at once", required=True),
        field_of("max_coordinators", "Sharing", required=True, options=SHARING.items()),
        field_of("language", "Language", required=True, options=LANGUAGES.items()),
        field_of("ehr_system", "System they work in", required=True, options=EHR_SYSTEMS.items()),
        field_of("skills", "Certificates they must hold", options=SKILLS.items()),
        field_of("note", "Note to the agency", hint="No patient names, please."),
    )
    return {one.name: one for one in fields}


def _hours(sent: Typed) -> tuple[int, int]:
    """The hours that the grid shows: the working day, and everything that is ticked."""
    if sent.text("all_hours") == "1":
        return 0, 24
    hours = [int(cell[2:4]) for cell in sent.texts("windows") if cell[2:4].isascii() and cell[2:4].isdigit()]
    shown = [hour for hour in hours if hour < 24]
    return min([DAY_HOURS[0], *shown]), max([DAY_HOURS[1], *(hour + 1 for hour in shown)])


def _answers(sent: Typed) -> dict[str, str]:
    return {
        name.removeprefix(CLOCK): sent.text(name)
        for name in sent.data
        if name.startswith(CLOCK) and sent.text(name) in ("earlier", "later")
    }


def _monday_after(day: date) -> date:
    return day + timedelta(days=7 - day.weekday())


def _others(problem: Invalid | None, errors: Mapping[str, str], fields: Mapping[str, Field]) -> tuple[str, ...]:
    """What is wrong and belongs to no field that is shown."""
    if problem is None:
        return ()
    if not problem.fields:
        return (problem.message,)
    lost = ("The form had lost its number and has a new one now. Please send it once more.",) if "form_id" in errors else ()
    return (*lost, *(sentence for name, sentence in errors.items() if name not in fields and name != "form_id"))
