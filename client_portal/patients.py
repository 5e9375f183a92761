"""The facility's patients and what was done for them."""

from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from client_portal.approval_views import Item, item
from staffing import clock
from staffing.care import service as care
from staffing.care.queries import HistoryGroup, PatientRow
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.web.forms import Field, Typed, typed
from staffing.web.http import Request
from staffing.web.pages import Page
from staffing.web.rendering import render
from staffing.worklog import queries
from staffing.worklog.wording import age

PER_PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientsPage(Page):
    template: ClassVar[str] = "portal/patients/list.html"
    surface: ClassVar[str] = "portal"

    find: Field
    searched: bool
    several: bool
    rows: tuple[PatientRow, ...]
    total: int
    first: int
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientPage(Page):
    template: ClassVar[str] = "portal/patients/show.html"
    surface: ClassVar[str] = "portal"

    patient: PatientRow
    age: int
    history: tuple[HistoryGroup, ...]
    work: tuple[Item, ...]
    seconds: int


@get("/portal/patients", permission=Permission.PORTAL_PATIENTS_READ)
async def index(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[str]:
    asked = request.query_params.get("from", "")
    offset = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 0
    return render(request, await _page(tx, principal, offset))


@post("/portal/patients/find", permission=Permission.PORTAL_PATIENTS_READ)
async def find(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[str]:
    """Sent as a form, not in the address: a patient's name belongs in no history and no log."""
    return render(request, await _page(tx, principal, 0, (await typed(request)).storable("find")[:100]))


@get("/portal/patients/{patient_id:uuid}", permission=Permission.PORTAL_PATIENTS_READ)
async def show(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], patient_id: FromPath[UUID]
) -> Response[str]:
    chart = await care.open_patient(tx, principal, patient_id)
    work = await queries.work_for_patient(tx, principal, patient_id)
    page = PatientPage(
        title=chart.patient.name,
        place=chart.patient.facility_name,
        patient=chart.patient,
        age=age(chart.patient.birth_date, clock.now(), chart.patient.facility_zone),
        history=chart.history,
        work=tuple(item(row) for row in work),
        seconds=sum(row.seconds for row in work),
    )
    return render(request, page)


async def _page(tx: Transaction, principal: Principal, offset: int, search: str = "") -> PatientsPage:
    found = await care.list_patients(tx, principal, search=search, limit=PER_PAGE, offset=offset)
    places = {row.facility_name for row in found.rows}
    further = offset + PER_PAGE < found.total and not search
    return PatientsPage(
        title="Patients",
        place=places.pop() if len(principal.facility_ids) == len(places) == 1 else "",
        find=Typed.of(find=search).field("find", "Find a patient", hint="Part of a name or a record number", required=True),
        searched=bool(search),
        several=len(principal.facility_ids) > 1,
        rows=found.rows,
        total=found.total,
        first=offset + 1,
        before=_address(offset - PER_PAGE) if offset else None,
        after=_address(offset + PER_PAGE) if further else None,
    )


def _address(offset: int) -> str:
    return "/portal/patients" + (f"?{urlencode({'from': offset})}" if offset > 0 else "")


HANDLERS: list[Any] = [index, find, show]
