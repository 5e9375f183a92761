"""Patients of the facilities under the coordinator's care now, and one patient as the coordinator needs to see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from staffing import clock
from staffing.care import service as care
from staffing.care.queries import HistoryGroup, PatientRow
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.web.forms import Field, Typed, typed
from staffing.web.http import Request
from staffing.web.pages import Page
from staffing.web.rendering import render, see_other
from staffing.worklog import queries, shortcuts
from staffing.worklog.cover import Cover, cover_around
from staffing.worklog.wording import age
from staffing.workspace.notes import EntryLine, line
from staffing.workspace.timers import running

PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Tab:
    """One facility's patients, or all."""

    label: str
    href: str
    current: bool
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientsPage(Page):
    template: ClassVar[str] = "workspace/patients.html"
    surface: ClassVar[str] = "workspace"

    find: Field
    places: tuple[Tab, ...]
    chosen: str
    rows: tuple[PatientRow, ...]
    total: int
    first: int
    before: str | None
    after: str | None
    searched: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientPage(Page):
    template: ClassVar[str] = "workspace/patient.html"
    surface: ClassVar[str] = "workspace"

    zone: str
    patient: PatientRow
    age: int
    history: tuple[HistoryGroup, ...]
    work: tuple[EntryLine, ...]
    pinned: bool


@get("/workspace/patients", permission=Permission.WORKSPACE_PATIENTS_READ)
async def index(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[str]:
    asked = request.query_params
    return render(request, await _page(tx, principal, asked.get("facility", ""), _offset(asked.get("from", ""))))


@post("/workspace/patients/find", permission=Permission.WORKSPACE_PATIENTS_READ)
async def find(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[str]:
    """Sent as a form, not in the address: a patient's name belongs in no history and no log."""
    sent = await typed(request)
    return render(request, await _page(tx, principal, sent.text("facility"), 0, sent.storable("find")[:100]))


@get("/workspace/patients/{patient_id:uuid}", permission=Permission.WORKSPACE_PATIENTS_READ)
async def show(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], patient_id: FromPath[UUID]
) -> Response[str]:
    chart = await care.open_patient(tx, principal, patient_id)
    work = await queries.work_for_patient(tx, principal, patient_id)
    page = PatientPage(
        title=chart.patient.name,
        timer=await running(tx, principal),
        zone=principal.time_zone,
        patient=chart.patient,
        age=age(chart.patient.birth_date, clock.now(), chart.patient.facility_zone),
        history=chart.history,
        work=tuple(line(row, principal.time_zone) for row in work),
        pinned=await shortcuts.is_pinned(tx, principal, patient_id),
    )
    return render(request, page)


@post("/workspace/patients/{patient_id:uuid}/pin", permission=Permission.WORKSPACE_ENTRIES_WRITE)
async def pin(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], patient_id: FromPath[UUID]
) -> Response[Any]:
    await shortcuts.pin(tx, principal, patient_id)
    return see_other(request, f"/workspace/patients/{patient_id}", "Pinned: today's page starts a timer with one press.")


@post("/workspace/patients/{patient_id:uuid}/unpin", permission=Permission.WORKSPACE_ENTRIES_WRITE)
async def unpin(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], patient_id: FromPath[UUID]
) -> Response[Any]:
    await shortcuts.unpin(tx, principal, patient_id)
    return see_other(request, f"/workspace/patients/{patient_id}", "No longer pinned.")


async def _page(tx: Transaction, principal: Principal, facility: str, offset: int, find: str = "") -> PatientsPage:
    chosen = next((place for place in principal.care_facility_ids if str(place) == facility), None)
    found = await care.list_patients(tx, principal, search=find, facility_id=chosen, limit=PER_PAGE, offset=offset)
    places = {one.facility_id: one for one in await cover_around(tx, principal, clock.now())}
    further = offset + PER_PAGE < found.total and not find
    return PatientsPage(
        title="Patients",
        timer=await running(tx, principal),
        find=Typed.of(find=find).field("find", "Find a patient", hint="Part of a name or a record number", required=True),
        places=_tabs(list(places.values()), chosen),
        chosen=str(chosen or ""),
        rows=found.rows,
        total=found.total,
        first=offset + 1,
        before=_address(chosen, offset - PER_PAGE) if offset else None,
        after=_address(chosen, offset + PER_PAGE) if further else None,
        searched=bool(find),
    )


def _offset(asked: str) -> int:
    return min(int(asked), 1_000_000) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 0


def _tabs(covers: Sequence[Cover], chosen: UUID | None) -> tuple[Tab, ...]:
    if not covers:
        return ()
    each = [Tab(one.facility_name, _address(one.facility_id, 0), one.facility_id == chosen) for one in covers]
    return (Tab("All", "/workspace/patients", chosen is None), *each)


def _address(chosen: UUID | None, offset: int) -> str:
    asked = {"facility": str(chosen or ""), "from": str(max(offset, 0) or "")}
    return "/workspace/patients?" + urlencode({name: value for name, value in asked.items() if value})


HANDLERS: list[Any] = [index, find, show, pin, unpin]
