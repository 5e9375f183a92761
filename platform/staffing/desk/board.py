"""The requests board: what is open, what is covered, what blocks. And one request as the desk sees it."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from staffing import clock
from staffing.desk.board_views import LatestPlan, board_page, request_page
from staffing.facilities.pausing import paused_facilities
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.requests import queries
from staffing.scheduling.call_off_queries import call_offs
from staffing.scheduling.models import PlanState
from staffing.scheduling.queries import latest_plan, requests_in
from staffing.web.http import Request
from staffing.web.rendering import render


@get("/desk", permission=Permission.DESK_REQUESTS_READ)
async def show_board(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[str]:
    rows = await queries.board_rows(tx, principal)
    plans = principal.may(Permission.DESK_PLANS_READ)
    latest = await _latest(tx, principal) if plans else None
    page = board_page(
        rows,
        latest,
        await call_offs(tx, principal, only_open=True) if plans else (),
        may_plan=principal.may(Permission.DESK_PLANS_RUN),
        may_record=principal.may(Permission.DESK_CALL_OFFS_RECORD),
        now=clock.now(),
    )
    return render(request, replace(page, paused=tuple(await paused_facilities(tx, principal))))


async def _latest(tx: Transaction, principal: Principal) -> LatestPlan | None:
    plan = await latest_plan(tx, principal)
    if plan is None:
        return None
    proposed = plan.state is PlanState.PROPOSED
    return LatestPlan(plan, await requests_in(tx, principal, plan.id) if proposed else frozenset())


@get("/desk/requests/{request_id:uuid}", permission=Permission.DESK_REQUESTS_READ)
async def show_request(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], request_id: FromPath[UUID]
) -> Response[str]:
    detail = await queries.request_detail(tx, principal, request_id)
    latest = await _latest(tx, principal) if principal.may(Permission.DESK_PLANS_READ) else None
    may_plan = principal.may(Permission.DESK_PLANS_RUN)
    return render(request, request_page(detail, latest, may_plan=may_plan, now=clock.now()))


HANDLERS: list[Any] = [show_board, show_request]
