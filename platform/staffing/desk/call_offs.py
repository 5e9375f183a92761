"""Somebody called off: recording it, and the list of call-offs. What can be done about one is in `relief`."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from staffing import clock
from staffing.desk.call_off_views import call_offs_page, new_page, next_of_each
from staffing.errors import Invalid
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.roster.queries import coordinator_detail
from staffing.scheduling import call_off_queries, calling_off
from staffing.scheduling.ahead import duties_ahead
from staffing.scheduling.call_off_rules import CallOffReason, Reach
from staffing.scheduling.calling_off import NewCallOff
from staffing.scheduling.errors import AssignmentHasMovedOn
from staffing.web.forms import Day, Form, Typed, bind, typed
from staffing.web.http import Request
from staffing.web.rendering import render, see_other

ONE_PERSON = "/desk/roster/{}/call-off"


class CallOffForm(Form):
    assignment: UUID
    reach: Reach
    reason: CallOffReason
    until: Day | None = None


@get("/desk/call-offs", permission=Permission.DESK_PLANS_READ)
async def show_list(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[str]:
    rows = await call_off_queries.call_offs(tx, principal)
    may_record = principal.may(Permission.DESK_CALL_OFFS_RECORD)
    return render(request, call_offs_page(rows, clock.now(), may_record=may_record))


@get("/desk/call-offs/new", permission=Permission.DESK_CALL_OFFS_RECORD)
async def new(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[str]:
    return await _form(request, tx, principal, _blank())


@post("/desk/call-offs/new", permission=Permission.DESK_CALL_OFFS_RECORD)
async def record(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[Any]:
    return await _record(request, tx, principal)


@get("/desk/roster/{coordinator_id:uuid}/call-off", permission=Permission.DESK_CALL_OFFS_RECORD)
async def new_of_one(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], coordinator_id: FromPath[UUID]
) -> Response[str]:
    return await _form(request, tx, principal, _blank(), coordinator_id)


@post("/desk/roster/{coordinator_id:uuid}/call-off", permission=Permission.DESK_CALL_OFFS_RECORD)
async def record_of_one(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], coordinator_id: FromPath[UUID]
) -> Response[Any]:
    return await _record(request, tx, principal, coordinator_id)


def _blank() -> Typed:
    return Typed.of(reach=Reach.THIS.value, reason=CallOffReason.ILLNESS.value)


async def _record(request: Request, tx: Transaction, principal: Principal, coordinator_id: UUID | None = None) -> Response[Any]:
    sent = await typed(request)
    try:
        form = bind(CallOffForm, sent)
        said = NewCallOff(assignment_id=form.assignment, reach=form.reach, reason=form.reason, until=form.until)
        made = await calling_off.call_off(tx, principal, said)
    except Invalid as wrong:
        return await _form(request, tx, principal, sent, coordinator_id, wrong)
    except AssignmentHasMovedOn as moved:
        return await _form(request, tx, principal, sent, coordinator_id, Invalid(moved.message, assignment=moved.message))
    return see_other(request, f"/desk/call-offs/{made.id}")


async def _form(
    request: Request,
    tx: Transaction,
    principal: Principal,
    sent: Typed,
    coordinator_id: UUID | None = None,
    wrong: Invalid | None = None,
) -> Response[str]:
    person = await coordinator_detail(tx, principal, coordinator_id) if coordinator_id else None
    duties = await duties_ahead(tx, principal, coordinator_id)
    page = new_page(
        duties if person else next_of_each(duties),
        sent,
        wrong.fields if wrong else {},
        address=ONE_PERSON.format(coordinator_id) if person else "/desk/call-offs/new",
        person=person.name if person else "",
    )
    return render(request, page, status=422 if wrong else 200)


HANDLERS: list[Any] = [show_list, new, record, new_of_one, record_of_one]
