"""The facility's invoices: every line opens its entries; paying leads to Stripe's page.

Whether an invoice is paid is read from the ledger alone. A cookie that only this browser has remembers which invoice
somebody went to pay, so that the page they come back to can say what it waits for.
"""

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Response, get
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from client_portal import credit_notes
from client_portal import invoice_views as views
from client_portal.zones import zone_words
from staffing import clock
from staffing.crediting.queries import credited_entries, owed_on
from staffing.dunning.notices import notices
from staffing.errors import NotFound
from staffing.facilities.queries import facilities
from staffing.identity import queries as identity
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing import queries
from staffing.invoicing.errors import NotPayable
from staffing.invoicing.models import InvoiceState
from staffing.invoicing.queries import InvoiceRow
from staffing.payments import queries as payments
from staffing.payments.models import PaymentState
from staffing.persistence import audit
from staffing.persistence.transactions import Transaction
from staffing.web.http import Request
from staffing.web.rendering import render, see_other
from staffing.worklog.models import EntryState

Tx = NamedDependency[Transaction]
Caller = NamedDependency[Principal]

PAYING = "relief_paying"
_PATH = "/portal/invoices"
_LOOK_EVERY = 3
_SETTLED = frozenset({InvoiceState.PAID, InvoiceState.VOID})
"""Nothing more is asked for."""
_WAIT_AT_MOST = 15 * 60
"""Seconds for which the page goes on looking after somebody went to pay."""


@get("/portal/invoices", permission=Permission.PORTAL_INVOICES_READ)
async def show_list(request: Request, tx: Tx, principal: Caller) -> Response[str]:
    number = request.query_params.get("page", "1")
    here = int(number) if number.isdecimal() and 0 < len(number) < 6 else 1
    rows, more = await queries.invoices(tx, principal, page=max(here, 1))
    back = await _back_from_paying(request, tx, principal)
    waits = back is not None and back.state != InvoiceState.PAID
    page = views.Invoices(
        title="Invoices",
        place=await _place(tx, principal),
        to_pay=tuple(row for row in rows if row.state not in _SETTLED),
        earlier=tuple(row for row in rows if row.state in _SETTLED),
        today={row.facility_zone: clock.now().astimezone(ZoneInfo(row.facility_zone)).date() for row in rows},
        many_facilities=len(principal.facility_ids) > 1,
        owed=await owed_on(tx, [row.id for row in rows]),
        back_from_paying=back,
        owing=() if waits else await notices(tx, principal),
        prev_href=f"{_PATH}?page={here - 1}" if here > 1 else None,
        next_href=f"{_PATH}?page={here + 1}" if more else None,
        refresh_seconds=_LOOK_EVERY if waits else 0,
    )
    return _forgetting(request, render(request, page), back)


@get("/portal/invoices/{invoice_id:uuid}", permission=Permission.PORTAL_INVOICES_READ)
async def show(request: Request, tx: Tx, principal: Caller, invoice_id: FromPath[UUID]) -> Response[str]:
    invoice = await queries.invoice(tx, principal, invoice_id)
    back = await _back_from_paying(request, tx, principal)
    this_one = back is not None and back.id == invoice.id
    overdue = invoice.overdue(clock.now().astimezone(ZoneInfo(invoice.facility_zone)).date())
    agency = await identity.agency(tx)
    found = await payments.payments(tx, principal, invoice_id)
    held = await queries.held(tx, invoice)
    page = views.InvoiceDocument(
        title=f"Invoice {invoice.number}",
        place=invoice.facility_name,
        invoice=invoice,
        agency=agency.name if agency else "",
        lines=tuple(await queries.lines(tx, principal, invoice_id)),
        disputed=tuple(row for row in held if row.state == EntryState.DISPUTED),
        waiting_entries=tuple(row for row in held if row.state != EntryState.DISPUTED),
        history=views.history(invoice, overdue=overdue),
        is_overdue=overdue,
        corrections=await credit_notes.of_invoice(tx, principal, invoice),
        back_from_paying=this_one,
        payments=tuple(found),
        money_moves=request.settings.stripe_mode == "live",
        refresh_seconds=_LOOK_EVERY if invoice.state == InvoiceState.FINALIZED or (this_one and invoice.payable) else 0,
    )
    return _forgetting(request, render(request, page), back if this_one else None)


@get("/portal/invoices/{invoice_id:uuid}/lines/{line_id:uuid}", permission=Permission.PORTAL_INVOICES_READ)
async def show_line(
    request: Request, tx: Tx, principal: Caller, invoice_id: FromPath[UUID], line_id: FromPath[UUID]
) -> Response[str]:
    invoice = await queries.invoice(tx, principal, invoice_id)
    line = await queries.line(tx, principal, invoice_id, line_id)
    pieces = await queries.pieces(tx, principal, line_id)
    patients = len({piece.entry.patient_id for piece in pieces if piece.entry.patient_id})
    audit.note(tx, "read", "invoice_line", line_id, facility_id=invoice.facility_id, detail=f"{patients} patients")
    page = views.InvoiceLineEntries(
        title=", ".join(filter(None, (line.service_name, line.coordinator))),
        place=invoice.facility_name,
        invoice=invoice,
        line=line,
        pieces=tuple(pieces),
        zone_name=zone_words(invoice.facility_zone, (piece.start for piece in pieces)) if pieces else "",
        credited=await credited_entries(tx, principal, line_id),
    )
    return render(request, page)


@get("/portal/invoices/{invoice_id:uuid}/pay", permission=Permission.PORTAL_INVOICES_READ)
async def pay(request: Request, tx: Tx, principal: Caller, invoice_id: FromPath[UUID]) -> Response[Any]:
    """To Stripe's own page. Nothing is changed here: the payment is known when Stripe says so."""
    invoice = await queries.invoice(tx, principal, invoice_id)
    if invoice.state == InvoiceState.PAID:
        return see_other(request, f"{_PATH}/{invoice_id}", f"{invoice.number} is paid already. Nothing is owed on it.")
    if any(one.state == PaymentState.PROCESSING for one in await payments.payments(tx, principal, invoice_id)):
        return see_other(request, f"{_PATH}/{invoice_id}", f"A payment of {invoice.number} is under way already.", kind="info")
    if not invoice.payable or not invoice.hosted_url:
        raise NotPayable(
            f"{invoice.number} can be paid as soon as our payment provider has it; that takes a moment.",
            href=f"{_PATH}/{invoice_id}",
            label="Back to the invoice",
        )
    return Redirect(invoice.hosted_url, status_code=303, cookies=[_cookie(request, str(invoice.id), _WAIT_AT_MOST)])


async def _place(tx: Transaction, principal: Principal) -> str:
    places = await facilities(tx, principal)
    return places[0].name if len(places) == 1 else f"{len(places)} facilities"


async def _back_from_paying(request: Request, tx: Transaction, principal: Principal) -> InvoiceRow | None:
    """The invoice that this browser went to pay, when it is one of the caller's own."""
    try:
        return await queries.invoice(tx, principal, UUID(request.cookies.get(PAYING, "")))
    except (ValueError, NotFound):
        return None


def _forgetting(request: Request, response: Response[str], back: InvoiceRow | None) -> Response[str]:
    """The answer; once it has said "received", the browser need not remember any more."""
    if back is not None and back.state == InvoiceState.PAID:
        response.cookies.append(_cookie(request, "", 0))
    return response


def _cookie(request: Request, value: str, seconds: int) -> Cookie:
    return Cookie(
        key=PAYING,
        value=value,
        path=_PATH,
        httponly=True,
        samesite="lax",
        secure=request.settings.secure,
        max_age=seconds,
    )


HANDLERS: list[Any] = [show_list, show, show_line, pay]
