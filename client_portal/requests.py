"""Asking for relief and following a request."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID, uuid4

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from pydantic import StringConstraints

from client_portal.request_form import FormState, RequestFormPage, blank, form_page, refuse_repeat, regridded, understood
from client_portal.request_views import RequestPage, RequestsPage, request_page, requests_page
from staffing import clock
from staffing.dunning.notices import notices
from staffing.errors import Invalid, NotFound
from staffing.facilities import queries as facilities
from staffing.facilities.queries import FacilityRow
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing import charge_jobs, charges
from staffing.persistence.transactions import Transaction
from staffing.requests import queries, service
from staffing.requests.errors import FormAlreadySent
from staffing.web.formatting import money
from staffing.web.forms import Form, Typed, bind, typed
from staffing.web.http import Request
from staffing.web.rendering import render, see_other

FURTHEST_PAGE = 10_000


class CancelForm(Form):
    """`fee_seen`: what the page said that cancelling costs, in minor units."""

    reason: Annotated[str, StringConstraints(max_length=500)] = ""
    fee_seen: int = 0


@get("/portal/requests", permission=Permission.PORTAL_REQUESTS_READ)
async def show_list(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[str]:
    past = request.query_params.get("show") == "past"
    page = _page_number(request.query_params.get("page", "1"))
    rows = await queries.requests_of(tx, principal, past=past, page=page)
    view: RequestsPage = requests_page(
        rows, await queries.counts(tx, principal), await facilities.facilities(tx, principal), past=past, page=page
    )
    return render(request, replace(view, owing=await notices(tx, principal)))


@get("/portal/requests/new", permission=Permission.PORTAL_REQUESTS_WRITE)
async def show_form(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[str]:
    own = await facilities.facilities(tx, principal)
    last = await queries.latest_of(tx, principal)
    facility = _chosen(own, request.query_params.get("facility") or (str(last.facility_id) if last else ""))
    sent = blank(facility, last, clock.now())
    return render(request, await _form(tx, principal, own, facility, sent, prefilled_from=last.reference if last else ""))


@post("/portal/requests", permission=Permission.PORTAL_REQUESTS_WRITE)
async def submit(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]
) -> Response[str] | Redirect:
    sent = await typed(request)
    if show := sent.text("show"):
        return await _again(request, tx, principal, regridded(sent, show))
    try:
        wanted = understood(sent)
        refuse_repeat(wanted, await queries.latest_of(tx, principal))
        made = await service.submit_request(tx, principal, wanted)
    except Invalid as problem:
        if isinstance(problem, FormAlreadySent) or "form_id" in problem.fields:
            sent = Typed({**sent.data, "form_id": (str(uuid4()),)})
        return await _again(request, tx, principal, sent, problem)
    return see_other(request, f"/portal/requests/{made.id}", f"{made.reference} is with the agency.")


@get("/portal/requests/{request_id:uuid}", permission=Permission.PORTAL_REQUESTS_READ)
async def show(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], request_id: FromPath[UUID]
) -> Response[str]:
    detail = await queries.request_detail(tx, principal, request_id)
    view: RequestPage = request_page(detail, clock.now(), await charges.cancellation_fee(tx, principal, request_id))
    return render(request, view)


@post("/portal/requests/{request_id:uuid}/cancel", permission=Permission.PORTAL_REQUESTS_WRITE)
async def cancel(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], request_id: FromPath[UUID]
) -> Response[str] | Redirect:
    """Nobody pays more for cancelling than the page has said: when the fee has risen meanwhile, it is shown again first."""
    sent = await typed(request)
    fee = await charges.cancellation_fee(tx, principal, request_id)
    try:
        form = bind(CancelForm, sent)
        if fee.amount_minor > form.fee_seen:
            raise Invalid(
                reason=f"Cancelling costs {money(fee.amount_minor, fee.currency)} now. Please look at it, then confirm."
            )
        gone = await service.cancel_request(tx, principal, request_id, form.reason)
    except Invalid as problem:
        detail = await queries.request_detail(tx, principal, request_id)
        return render(request, request_page(detail, clock.now(), fee, sent, problem), status=422)
    if fee.amount_minor:
        await charge_jobs.soon(tx, gone.facility_id)
    costs = f" {money(fee.amount_minor, fee.currency)} go on your next invoice." if fee.amount_minor else ""
    return see_other(request, f"/portal/requests/{request_id}", f"{gone.reference} is cancelled.{costs}")


async def _again(
    request: Request, tx: Transaction, principal: Principal, sent: Typed, problem: Invalid | None = None
) -> Response[str]:
    """The form with everything that was typed."""
    own = await facilities.facilities(tx, principal)
    facility = _chosen(own, sent.text("facility_id"))
    return render(request, await _form(tx, principal, own, facility, sent, problem), status=422 if problem else 200)


async def _form(
    tx: Transaction,
    principal: Principal,
    own: Sequence[FacilityRow],
    facility: FacilityRow,
    sent: Typed,
    problem: Invalid | None = None,
    prefilled_from: str = "",
) -> RequestFormPage:
    now = clock.now()
    priced = await facilities.priced_services(tx, principal, now.date())
    state = FormState(sent=sent, problem=problem, prefilled_from=prefilled_from, priced=priced.get(facility.id, frozenset()))
    return form_page(own, facility, state, now)


def _chosen(own: Sequence[FacilityRow], wanted: str) -> FacilityRow:
    """The facility asked for by id, or the first. Raises `NotFound` for one that is not the caller's."""
    if not own:
        raise NotFound
    if not wanted:
        return own[0]
    found = next((one for one in own if str(one.id) == wanted.strip().lower()), None)
    if found is None:
        raise NotFound
    return found


def _page_number(text: str) -> int:
    return min(int(text), FURTHEST_PAGE) if text.isascii() and text.isdigit() and len(text) < 6 and int(text) else 1


HANDLERS: list[Any] = [show_list, show_form, submit, show, cancel]
