"""The requests board: what is open, what is covered, what blocks. And one request as the desk sees it."""

from typing import Any
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from staffing import clock
from staffing.desk.board_views import LatestPlan, board_page, request_page
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.requests import queries
from staffing.scheduling.models import PlanState
from staffing.scheduling.queries import latest_plan, requests_in
from staffing.web.http import Request
from staffing.web.rendering import render


@get("/desk", permission=Permission.DESK_REQUESTS_READ)
async def show_board(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[str]:
    rows = await queries.board_rows(tx, principal)
    latest = await _latest(tx, principal) if principal.may(Permission.DESK_PLANS_READ) else None
    return render(request, board_page(rows, latest, may_plan=principal.may(Permission.DESK_PLANS_RUN), now=clock.now()))


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
