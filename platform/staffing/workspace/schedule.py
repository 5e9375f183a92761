"""What is ahead, across all facilities, and saying that one cannot come."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, ClassVar
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from staffing import clock
from staffing.catalogue import SERVICE_BY_CODE
from staffing.errors import Invalid, NotFound
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.scheduling import calling_off
from staffing.scheduling.ahead import DutyAhead, duties_ahead
from staffing.scheduling.call_off_rules import REACH_NAMES, REASON_NAMES, CallOffReason, Reach
from staffing.scheduling.calling_off import NewCallOff
from staffing.scheduling.models import AssignmentState
from staffing.wall_clock import local_day
from staffing.web.formatting import date_text
from staffing.web.forms import Day, Field, Form, Typed, bind, typed
from staffing.web.http import Request
from staffing.web.pages import Page
from staffing.web.rendering import render, see_other
from staffing.web.zones import TwoZones, two_zones
from staffing.workspace.timers import running


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """An assignment ahead, in the coordinator's zone with the facility's beside it."""

    href: str
    times: TwoZones
    facility: str
    colour: int
    service: str
    called_off: bool
    under_way: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulePage(Page):
    template: ClassVar[str] = "workspace/schedule.html"
    surface: ClassVar[str] = "workspace"

    days: tuple[tuple[str, tuple[Duty, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOffPage(Page):
    template: ClassVar[str] = "workspace/call_off.html"
    surface: ClassVar[str] = "workspace"

    duty: Duty
    day: str
    address: str
    moved_on: bool
    reach: Field
    until: Field
    reason: Field


class CallOffForm(Form):
    reach: Reach
    reason: CallOffReason
    until: Day | None = None


@get("/workspace/schedule", permission=Permission.WORKSPACE_SCHEDULE_READ)
async def show(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[str]:
    rows = await duties_ahead(tx, principal)
    page = SchedulePage(title="Schedule", timer=await running(tx, principal), days=_days(rows, principal.time_zone))
    return render(request, page)


@get("/workspace/schedule/{assignment_id:uuid}/call-off", permission=Permission.WORKSPACE_CALL_OFFS_RECORD)
async def ask(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], assignment_id: FromPath[UUID]
) -> Response[str]:
    page = await _page(tx, principal, assignment_id, Typed.of(reach=Reach.THIS.value), {})
    return render(request, page)


@post("/workspace/schedule/{assignment_id:uuid}/call-off", permission=Permission.WORKSPACE_CALL_OFFS_RECORD)
async def call_off(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], assignment_id: FromPath[UUID]
) -> Response[Any]:
    sent = await typed(request)
    page = await _page(tx, principal, assignment_id, sent, {})
    try:
        form = bind(CallOffForm, sent)
        said = NewCallOff(assignment_id=assignment_id, reach=form.reach, reason=form.reason, until=form.until)
        await calling_off.call_off(tx, principal, said)
    except Invalid as wrong:
        page = await _page(tx, principal, assignment_id, sent, wrong.fields)
        return render(request, page, status=422)
    said_words = "Your agency knows that you cannot come, and looks for somebody to step in. What you have recorded stays."
    return see_other(request, "/workspace/schedule", said_words)


async def _page(
    tx: Transaction, principal: Principal, assignment_id: UUID, sent: Typed, errors: Mapping[str, str]
) -> CallOffPage:
    rows = await duties_ahead(tx, principal)
    row = next((one for one in rows if one.id == assignment_id), None)
    if row is None:
        raise NotFound
    return CallOffPage(
        title="I cannot come",
        section="/workspace/schedule",
        timer=await running(tx, principal),
        duty=_duty(row, principal.time_zone),
        day=date_text(local_day(row.start, principal.time_zone)),
        address=f"/workspace/schedule/{row.id}/call-off",
        moved_on=row.state is not AssignmentState.CONFIRMED,
        reach=sent.field("reach", "How far it goes", errors=errors, required=True, options=_named(REACH_NAMES)),
        until=sent.field("until", "Last day you are away", errors=errors, hint="Only for “Until the end of a day”."),
        reason=sent.field("reason", "Why", errors=errors, required=True, options=_named(REASON_NAMES)),
    )


def _named(names: Mapping[Reach, str] | Mapping[CallOffReason, str]) -> list[tuple[str, str]]:
    return [(code.value, words) for code, words in names.items()]


def _days(rows: Iterable[DutyAhead], zone: str) -> tuple[tuple[str, tuple[Duty, ...]], ...]:
    by_day = groupby(rows, key=lambda row: local_day(row.start, zone))
    return tuple((date_text(day), tuple(_duty(row, zone) for row in found)) for day, found in by_day)


def _duty(row: DutyAhead, zone: str) -> Duty:
    service = SERVICE_BY_CODE.get(row.service)
    return Duty(
        href=f"/workspace/schedule/{row.id}/call-off",
        times=two_zones(row.start, row.end, zone, row.facility_zone),
        facility=row.facility,
        colour=row.facility_colour,
        service=service.name if service else row.service,
        called_off=row.state is AssignmentState.CALLED_OFF,
        under_way=row.start <= clock.now(),
    )


HANDLERS: list[Any] = [show, ask, call_off]
