"""Planning: press Plan, watch the solver, read its proposal, apply it or not."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from staffing import clock
from staffing.desk.plan_views import Refusal, plan_page, plans_page, progress_view
from staffing.errors import Invalid
from staffing.facilities.pausing import paused_facilities
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.scheduling import applying, queries, service
from staffing.scheduling.errors import PlanHasMovedOn, PlanNoLongerFits
from staffing.scheduling.models import PlanState
from staffing.web.forms import typed
from staffing.web.http import Request
from staffing.web.rendering import fragment, render, see_other

FURTHEST_PAGE = 10_000


@get("/desk/plans", permission=Permission.DESK_PLANS_READ)
async def show_list(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[str]:
    page = _page_number(request.query_params.get("page", "1"))
    rows = await queries.plan_rows(tx, principal, page)
    may_plan = principal.may(Permission.DESK_PLANS_RUN)
    view = plans_page(rows, page, zone=principal.time_zone, may_plan=may_plan)
    return render(request, replace(view, paused=tuple(await paused_facilities(tx, principal))))


@post("/desk/plans", permission=Permission.DESK_PLANS_RUN)
async def plan(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[Any]:
    near = (await typed(request)).text("near") == "1"
    try:
        plan_id = await service.request_plan(
            tx, principal, time_limit_seconds=request.settings.solver_seconds, keeps_running=near
        )
    except Invalid as nothing:
        return see_other(request, "/desk", nothing.message, kind="info")
    return see_other(request, f"/desk/plans/{plan_id}")


@get("/desk/plans/{plan_id:uuid}", permission=Permission.DESK_PLANS_READ)
async def show(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], plan_id: FromPath[UUID]
) -> Response[str]:
    return await _page(request, tx, principal, plan_id)


async def _page(
    request: Request, tx: Transaction, principal: Principal, plan_id: UUID, refusal: Refusal | None = None
) -> Response[str]:
    detail = await queries.plan_detail(tx, principal, plan_id)
    proposed = detail.state in (PlanState.PROPOSED, PlanState.APPLIED, PlanState.DISCARDED)
    choices = await queries.plan_choices(tx, principal, plan_id) if proposed else []
    gaps = await queries.plan_gaps(tx, principal, plan_id) if proposed else []
    releases = await queries.plan_releases(tx, principal, plan_id) if proposed and detail.keeps_running else []
    page = plan_page(detail, choices, gaps, releases, principal, clock.now(), refusal)
    undecided = detail.state in (PlanState.QUEUED, PlanState.SOLVING, PlanState.PROPOSED)
    paused = tuple(await paused_facilities(tx, principal)) if undecided else ()
    return render(request, replace(page, paused=paused), status=409 if refusal else 200)


@get("/desk/plans/{plan_id:uuid}/progress", permission=Permission.DESK_PLANS_READ)
async def show_progress(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], plan_id: FromPath[UUID]
) -> Response[str]:
    """How far the solver is, for the page that is looking at it; when the plan moves on, that page shows itself anew."""
    detail = await queries.plan_detail(tx, principal, plan_id)
    answer = fragment(request, progress_view(detail))
    if detail.state.value != request.query_params.get("seen"):
        answer.headers["HX-Refresh"] = "true"
    return answer


@post("/desk/plans/{plan_id:uuid}/stop", permission=Permission.DESK_PLANS_RUN)
async def stop(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], plan_id: FromPath[UUID]
) -> Response[Any]:
    try:
        await service.stop_early(tx, principal, plan_id)
    except PlanHasMovedOn:
        return await _page(request, tx, principal, plan_id, Refusal())
    return see_other(request, f"/desk/plans/{plan_id}", "The planner stops and proposes the best plan it has.")


@post("/desk/plans/{plan_id:uuid}/discard", permission=Permission.DESK_PLANS_RUN)
async def discard(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], plan_id: FromPath[UUID]
) -> Response[Any]:
    try:
        await service.discard(tx, principal, plan_id)
    except PlanHasMovedOn:
        return await _page(request, tx, principal, plan_id, Refusal())
    return see_other(request, "/desk/plans", "The plan is discarded. Nothing was changed.")


@post("/desk/plans/{plan_id:uuid}/again", permission=Permission.DESK_PLANS_RUN)
async def run_again(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], plan_id: FromPath[UUID]
) -> Response[Any]:
    seconds = request.settings.solver_seconds
    try:
        new_id = await service.run_again(tx, principal, plan_id, time_limit_seconds=seconds)
    except Invalid as nothing:
        return see_other(request, "/desk", nothing.message, kind="info")
    return see_other(request, f"/desk/plans/{new_id}")


@post("/desk/plans/{plan_id:uuid}/apply", permission=Permission.DESK_PLANS_APPLY)
async def apply(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], plan_id: FromPath[UUID]
) -> Response[Any]:
    try:
        made = await applying.apply_plan(tx, principal, plan_id)
    except PlanHasMovedOn:
        return await _page(request, tx, principal, plan_id, Refusal())
    except PlanNoLongerFits as changed:
        return await _page(request, tx, principal, plan_id, Refusal(changed.conflicts))
    people = "one coordinator" if made.people == 1 else f"{made.people} coordinators"
    windows = "one window is" if made.assignments == 1 else f"{made.assignments} windows are"
    moved = f" {_counted(made.released, 'assignment was', 'assignments were')} given to others." if made.released else ""
    return see_other(request, "/desk", f"Plan {made.number} is applied: {windows} covered by {people}.{moved}")


def _counted(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def _page_number(text: str) -> int:
    return min(int(text), FURTHEST_PAGE) if text.isascii() and text.isdigit() and len(text) < 6 and int(text) else 1


HANDLERS: list[Any] = [show_list, plan, show, show_progress, stop, discard, run_again, apply]
