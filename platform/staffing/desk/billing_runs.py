"""Closing a month: a run proposes every facility's invoice, people look at what is odd, one button issues the rest."""

from datetime import date
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from staffing.billing_runs import queries, service
from staffing.billing_runs.errors import RunInProgress
from staffing.billing_runs.models import RunState
from staffing.billing_runs.periods import Period, last_month
from staffing.desk import billing_run_views as views
from staffing.errors import Invalid
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.web.forms import Day, Form, bind, typed
from staffing.web.http import Request
from staffing.web.rendering import fragment, render, see_other

Tx = NamedDependency[Transaction]
Caller = NamedDependency[Principal]


class RunForm(Form):
    """The days to invoice, both ends included."""

    start_on: Day
    end_on: Day


async def month_close(tx: Transaction, principal: Principal, today: date) -> views.MonthClose | None:
    """The way into a run of the month before the agency's `today`, for those who may start one."""
    if not principal.may(Permission.DESK_INVOICES_RUN):
        return None
    return views.month_close(last_month(today), await queries.live_runs(tx, principal))


@get("/desk/billing-runs", permission=Permission.DESK_INVOICES_READ)
async def show_list(request: Request, tx: Tx, principal: Caller) -> Response[str]:
    asked = request.query_params.get("page", "1")
    page = max(int(asked), 1) if asked.isascii() and asked.isdecimal() and len(asked) < 6 else 1
    rows, more = await queries.runs(tx, principal, page)
    month = views.month_close(await service.default_period(tx), await queries.live_runs(tx, principal))
    return render(request, views.runs_page(rows, more, page, month, principal))


@post("/desk/billing-runs", permission=Permission.DESK_INVOICES_RUN)
async def start(request: Request, tx: Tx, principal: Caller) -> Response[Any]:
    sent = await typed(request)
    try:
        form = bind(RunForm, sent)
        run = await service.start(tx, principal, Period(form.start_on, form.end_on))
    except RunInProgress as already:
        return see_other(request, already.way_on_href, already.message, kind="info")
    except Invalid as problem:
        return see_other(request, "/desk/billing-runs", " ".join(problem.fields.values()) or problem.message, kind="warn")
    return see_other(request, f"/desk/billing-runs/{run.id}")


@get("/desk/billing-runs/{run_id:uuid}", permission=Permission.DESK_INVOICES_READ)
async def show(request: Request, tx: Tx, principal: Caller, run_id: FromPath[UUID]) -> Response[str]:
    run = await queries.run(tx, principal, run_id)
    items = await queries.items(tx, principal, run) if run.state is not RunState.PROPOSING else []
    going = await queries.to_issue(tx, run_id)
    return render(request, views.run_page(run, items, going, principal))


@get("/desk/billing-runs/{run_id:uuid}/progress", permission=Permission.DESK_INVOICES_READ)
async def show_progress(request: Request, tx: Tx, principal: Caller, run_id: FromPath[UUID]) -> Response[str]:
    """How far the jobs are; when the run moves on, the page that looks at it shows itself anew."""
    run = await queries.run(tx, principal, run_id)
    answer = fragment(request, views.progress_view(run))
    if run.state.value != request.query_params.get("seen"):
        answer.headers["HX-Refresh"] = "true"
    return answer


@post("/desk/billing-runs/{run_id:uuid}/items/{facility_id:uuid}/accept", permission=Permission.DESK_INVOICES_RUN)
async def accept(
    request: Request, tx: Tx, principal: Caller, run_id: FromPath[UUID], facility_id: FromPath[UUID]
) -> Response[Any]:
    seen = (await typed(request)).text("seen")
    seen_minor = int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 16 else -1
    await service.accept(tx, principal, run_id, facility_id, seen_minor=seen_minor)
    return see_other(request, f"/desk/billing-runs/{run_id}#waiting", "Accepted: it goes out with the rest.")


@post("/desk/billing-runs/{run_id:uuid}/items/{facility_id:uuid}/leave-out", permission=Permission.DESK_INVOICES_RUN)
async def leave_out(
    request: Request, tx: Tx, principal: Caller, run_id: FromPath[UUID], facility_id: FromPath[UUID]
) -> Response[Any]:
    await service.leave_out(tx, principal, run_id, facility_id)
    return see_other(request, f"/desk/billing-runs/{run_id}#waiting", "Left out of this run. A draft of it stays a draft.")


@post("/desk/billing-runs/{run_id:uuid}/items/{facility_id:uuid}/look", permission=Permission.DESK_INVOICES_RUN)
async def look_at_one(
    request: Request, tx: Tx, principal: Caller, run_id: FromPath[UUID], facility_id: FromPath[UUID]
) -> Response[Any]:
    await service.look_again(tx, principal, run_id, facility_id)
    return see_other(request, f"/desk/billing-runs/{run_id}")


@post("/desk/billing-runs/{run_id:uuid}/look", permission=Permission.DESK_INVOICES_RUN)
async def look_at_all(request: Request, tx: Tx, principal: Caller, run_id: FromPath[UUID]) -> Response[Any]:
    await service.look_again(tx, principal, run_id)
    return see_other(request, f"/desk/billing-runs/{run_id}")


@post("/desk/billing-runs/{run_id:uuid}/accept", permission=Permission.DESK_INVOICES_RUN)
async def accept_all(request: Request, tx: Tx, principal: Caller, run_id: FromPath[UUID]) -> Response[Any]:
    count = await service.accept_all(tx, principal, run_id)
    said = "One facility is" if count == 1 else f"{count} facilities are"
    return see_other(request, f"/desk/billing-runs/{run_id}", f"{said} accepted.")


@post("/desk/billing-runs/{run_id:uuid}/issue", permission=Permission.DESK_INVOICES_RUN)
async def issue(request: Request, tx: Tx, principal: Caller, run_id: FromPath[UUID]) -> Response[Any]:
    seen = (await typed(request)).text("seen")
    await service.issue(tx, principal, run_id, seen=seen)
    return see_other(request, f"/desk/billing-runs/{run_id}")


@post("/desk/billing-runs/{run_id:uuid}/finish", permission=Permission.DESK_INVOICES_RUN)
async def finish(request: Request, tx: Tx, principal: Caller, run_id: FromPath[UUID]) -> Response[Any]:
    run = await service.finish(tx, principal, run_id)
    said = "is done" if run.state == RunState.DONE else "is cancelled: nothing was issued"
    return see_other(request, f"/desk/billing-runs/{run_id}", f"Run {run.number} {said}.")


HANDLERS: list[Any] = [
    show_list, start, show, show_progress, accept, leave_out, look_at_one, look_at_all, accept_all, issue, finish,
]  # fmt: skip
