"""Relief after a call-off: what the search found, side by side; one press makes it."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from staffing import clock
from staffing.desk.relief_views import is_searching, relief_page, search_view
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.scheduling import call_off_queries, calling_off, relieving
from staffing.scheduling.errors import CallOffHasMovedOn, ReliefNoLongerFits
from staffing.web.forms import Form, bind, typed
from staffing.web.http import Request
from staffing.web.rendering import fragment, render, see_other


class ConfirmForm(Form):
    search: UUID
    option: str


@get("/desk/call-offs/{call_off_id:uuid}", permission=Permission.DESK_PLANS_READ)
async def show(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], call_off_id: FromPath[UUID]
) -> Response[str]:
    call_off = await call_off_queries.call_off_detail(tx, principal, call_off_id)
    return render(request, relief_page(call_off, principal, clock.now()))


@get("/desk/call-offs/{call_off_id:uuid}/search", permission=Permission.DESK_PLANS_READ)
async def show_search(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], call_off_id: FromPath[UUID]
) -> Response[str]:
    """Whether the search is still at work, for the page that waits for it; when it is over, that page shows itself anew."""
    call_off = await call_off_queries.call_off_detail(tx, principal, call_off_id)
    answer = fragment(request, search_view(call_off, clock.now()))
    if not is_searching(call_off):
        answer.headers["HX-Refresh"] = "true"
    return answer


@post("/desk/call-offs/{call_off_id:uuid}/confirm", permission=Permission.DESK_PLANS_APPLY)
async def confirm(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], call_off_id: FromPath[UUID]
) -> Response[Any]:
    here = f"/desk/call-offs/{call_off_id}"
    await call_off_queries.call_off_detail(tx, principal, call_off_id)
    form = bind(ConfirmForm, await typed(request))
    try:
        done = await relieving.confirm(tx, principal, call_off_id, form.search, form.option)
    except ReliefNoLongerFits as changed:
        await calling_off.search_again(tx, principal, call_off_id)
        return see_other(request, here, " ".join((changed.message, *changed.conflicts)), kind="warn")
    except CallOffHasMovedOn as moved:
        return await _refused(request, tx, principal, call_off_id, moved.message)
    people = " and ".join(done.people) if len(done.people) < 3 else f"{len(done.people)} people"
    windows = "one window" if done.windows == 1 else f"{done.windows} windows"
    said = f"{people} {'covers' if len(done.people) == 1 else 'cover'} {windows} now."
    if done.open:
        rest = "one window lacks" if done.open == 1 else f"{done.open} windows lack"
        return see_other(request, here, f"{said} Still {rest} somebody.", kind="info")
    return see_other(request, "/desk", f"{said} Nothing is left open by this call-off.")


async def _refused(request: Request, tx: Transaction, principal: Principal, call_off_id: UUID, refusal: str) -> Response[str]:
    call_off = await call_off_queries.call_off_detail(tx, principal, call_off_id)
    return render(request, relief_page(call_off, principal, clock.now(), refusal=refusal), status=409)


@post("/desk/call-offs/{call_off_id:uuid}/again", permission=Permission.DESK_PLANS_RUN)
async def look_again(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], call_off_id: FromPath[UUID]
) -> Response[Any]:
    await call_off_queries.call_off_detail(tx, principal, call_off_id)
    await calling_off.search_again(tx, principal, call_off_id)
    return see_other(
        request, f"/desk/call-offs/{call_off_id}", "Looking for relief again, with what is assigned now.", kind="info"
    )


@post("/desk/call-offs/{call_off_id:uuid}/withdraw", permission=Permission.DESK_CALL_OFFS_RECORD)
async def withdraw(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], call_off_id: FromPath[UUID]
) -> Response[Any]:
    try:
        given_back = await calling_off.withdraw(tx, principal, call_off_id)
    except CallOffHasMovedOn as moved:
        return await _refused(request, tx, principal, call_off_id, moved.message)
    windows = "nothing" if not given_back else "one window" if given_back == 1 else f"{given_back} windows"
    return see_other(request, f"/desk/call-offs/{call_off_id}", f"The call-off is taken back: {windows} given back.")


HANDLERS: list[Any] = [show, show_search, confirm, look_again, withdraw]
