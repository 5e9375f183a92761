"""Approving and disputing recorded work."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from client_portal.approval_views import approvals_page, decision_time, entry_page
from staffing.errors import Conflict, Invalid, NotFound
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.web.forms import Typed, typed
from staffing.web.http import Request
from staffing.web.rendering import render, see_other
from staffing.worklog import service
from staffing.worklog.errors import TooLateToUndo
from staffing.worklog.queries import MOST

SHOWN = ("disputed", "decided")


@get("/portal/approvals", permission=Permission.PORTAL_ENTRIES_READ)
async def index(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[str]:
    show = request.query_params.get("show", "")
    return render(request, await approvals_page(tx, principal, show if show in SHOWN else ""))


@post("/portal/approvals/approve", permission=Permission.PORTAL_ENTRIES_DECIDE)
async def approve_all(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[Any]:
    """Everything that the page showed as fine, as it showed it."""
    seen = _seen((await typed(request)).text("seen"))
    try:
        done = await service.approve(tx, principal, seen)
    except Conflict as problem:
        return render(request, await approvals_page(tx, principal, problem=problem.message), status=409)
    if done.changed:
        left = "1 entry was" if done.changed == 1 else f"{done.changed} entries were"
        told = f"{left} changed or decided after you opened the page and stayed as they are. What still waits is below."
        return see_other(request, "/portal/approvals", told, kind="info")
    return see_other(request, "/portal/approvals")


@post("/portal/approvals/undo", permission=Permission.PORTAL_ENTRIES_DECIDE)
async def undo(request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal]) -> Response[Any]:
    at = decision_time((await typed(request)).text("decided_at"))
    if at is None:
        raise TooLateToUndo
    entries = await service.undo_approval(tx, principal, at)
    waiting = "1 entry waits" if entries == 1 else f"{entries} entries wait"
    return see_other(request, "/portal/approvals", f"Undone: {waiting} for approval again.")


@get("/portal/entries/{entry_id:uuid}", permission=Permission.PORTAL_ENTRIES_READ)
async def show(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], entry_id: FromPath[UUID]
) -> Response[str]:
    asked = request.query_params.get("dispute") == "1"
    return render(request, await entry_page(tx, principal, entry_id, dispute_open=asked))


@post("/portal/entries/{entry_id:uuid}/approve", permission=Permission.PORTAL_ENTRIES_DECIDE)
async def approve(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], entry_id: FromPath[UUID]
) -> Response[Any]:
    sent = await typed(request)
    try:
        await service.approve(tx, principal, [(entry_id, sent.text("seen"))])
    except Conflict as problem:
        return await _as_it_is_now(request, tx, principal, entry_id, sent, problem)
    if request.headers.get("hx-request") == "true":
        # The list goes on in place, so that one key after the other works through it.
        return render(request, await approvals_page(tx, principal))
    return see_other(request, "/portal/approvals")


@post("/portal/entries/{entry_id:uuid}/dispute", permission=Permission.PORTAL_ENTRIES_DECIDE)
async def dispute(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], entry_id: FromPath[UUID]
) -> Response[Any]:
    sent = await typed(request)
    try:
        await service.dispute(tx, principal, entry_id, sent.storable("reason"))
    except Invalid as problem:
        page = await entry_page(tx, principal, entry_id, sent=sent, errors=problem.fields)
        return render(request, page, status=422)
    except Conflict as problem:
        return await _as_it_is_now(request, tx, principal, entry_id, sent, problem)
    return see_other(request, "/portal/approvals", "Disputed: this entry waits for the agency, all others go on.")


@post("/portal/entries/{entry_id:uuid}/withdraw-dispute", permission=Permission.PORTAL_ENTRIES_DECIDE)
async def withdraw_dispute(
    request: Request, tx: NamedDependency[Transaction], principal: NamedDependency[Principal], entry_id: FromPath[UUID]
) -> Response[Any]:
    await service.withdraw_dispute(tx, principal, entry_id)
    return see_other(request, f"/portal/entries/{entry_id}", "The dispute is withdrawn.")


async def _as_it_is_now(
    request: Request, tx: Transaction, principal: Principal, entry_id: UUID, sent: Typed, problem: Conflict
) -> Response[str]:
    """What was decided did not fit any more: the entry, or the list, as it reads now, with what changed."""
    if sent.text("from") == "entry":
        return render(request, await entry_page(tx, principal, entry_id, sent=sent, problem=problem.message), status=409)
    return render(request, await approvals_page(tx, principal, problem=problem.message), status=409)


def _seen(text: str) -> list[tuple[UUID, str]]:
    """Pairs of an entry and how it read, as the form carries them. Raises `NotFound` for what is none."""
    try:
        pairs = [one.split(":", 1) for one in text.split()[:MOST]]
        return [(UUID(entry_id), sighting) for entry_id, sighting in pairs]
    except ValueError:
        raise NotFound from None


HANDLERS: list[Any] = [index, approve_all, undo, show, approve, dispute, withdraw_dispute]
