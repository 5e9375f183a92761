"""The steps of an invoice on the desk: review, finalise, withdraw, send again, ask Stripe."""

from typing import Any
from uuid import UUID

from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing import service
from staffing.persistence.transactions import Transaction
from staffing.web.forms import typed
from staffing.web.http import Request
from staffing.web.rendering import see_other

Tx = NamedDependency[Transaction]
Caller = NamedDependency[Principal]


@post("/desk/invoices/{invoice_id:uuid}/review", permission=Permission.DESK_INVOICES_WRITE)
async def review(request: Request, tx: Tx, principal: Caller, invoice_id: FromPath[UUID]) -> Response[Any]:
    await service.review(tx, principal, invoice_id, seen_version=await _seen(request))
    return see_other(request, f"/desk/invoices/{invoice_id}", "Reviewed. It can be finalised now.")


@post("/desk/invoices/{invoice_id:uuid}/finalize", permission=Permission.DESK_INVOICES_FINALIZE)
async def finalize(request: Request, tx: Tx, principal: Caller, invoice_id: FromPath[UUID]) -> Response[Any]:
    invoice = await service.finalize(tx, principal, invoice_id, seen_version=await _seen(request))
    return see_other(request, f"/desk/invoices/{invoice_id}", f"{invoice.number} is final and on its way to the facility.")


@post("/desk/invoices/{invoice_id:uuid}/void", permission=Permission.DESK_INVOICES_WRITE)
async def void(request: Request, tx: Tx, principal: Caller, invoice_id: FromPath[UUID]) -> Response[Any]:
    await service.void(tx, principal, invoice_id, seen_version=await _seen(request))
    return see_other(request, "/desk/invoices", "The draft was withdrawn. Its entries can go on another invoice.")


@post("/desk/invoices/{invoice_id:uuid}/send", permission=Permission.DESK_INVOICES_FINALIZE)
async def send(request: Request, tx: Tx, principal: Caller, invoice_id: FromPath[UUID]) -> Response[Any]:
    await service.send_again(tx, principal, invoice_id)
    return see_other(request, f"/desk/invoices/{invoice_id}", "It is being sent again.")


@post("/desk/invoices/{invoice_id:uuid}/ask", permission=Permission.DESK_INVOICES_WRITE)
async def ask(request: Request, tx: Tx, principal: Caller, invoice_id: FromPath[UUID]) -> Response[Any]:
    await service.ask_stripe(tx, principal, invoice_id)
    return see_other(request, f"/desk/invoices/{invoice_id}", "Stripe is being asked. Its answer shows here in a moment.")


async def _seen(request: Request) -> int:
    """The version of the invoice that the page showed; 0, which none has, when the form does not say."""
    text = (await typed(request)).text("version")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


HANDLERS: list[Any] = [review, finalize, void, send, ask]
