"""Withdrawing an issued invoice, giving up what nobody will pay, sending back what came in twice: each on a page of its own
that says in words what will happen, with the amount.
"""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from staffing.crediting import queries
from staffing.crediting.rules import minor_of
from staffing.desk import correction_views as views
from staffing.errors import Invalid, NotFound
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing import queries as invoices
from staffing.invoicing.queries import InvoiceHead
from staffing.payments import corrections, refund_requests
from staffing.persistence.base import new_id
from staffing.persistence.transactions import Transaction
from staffing.web.formatting import money
from staffing.web.forms import Typed, typed
from staffing.web.http import Request
from staffing.web.rendering import render, see_other

Tx = NamedDependency[Transaction]
Caller = NamedDependency[Principal]


@get("/desk/invoices/{invoice_id:uuid}/withdraw", permission=Permission.DESK_INVOICES_FINALIZE)
async def ask_withdraw(request: Request, tx: Tx, principal: Caller, invoice_id: FromPath[UUID]) -> Response[str]:
    return await _end_page(request, tx, principal, invoice_id, views.WITHDRAW, Typed())


@post("/desk/invoices/{invoice_id:uuid}/withdraw", permission=Permission.DESK_INVOICES_FINALIZE)
async def withdraw(request: Request, tx: Tx, principal: Caller, invoice_id: FromPath[UUID]) -> Response[Any]:
    sent = await typed(request)
    try:
        reason = sent.storable("reason")
        invoice = await corrections.void_invoice(tx, principal, invoice_id, reason, seen_version=views.seen(sent))
    except Invalid as problem:
        return await _end_page(request, tx, principal, invoice_id, views.WITHDRAW, sent, problem.fields)
    told = f"{invoice.number} is withdrawn. Its entries can go on another invoice."
    return see_other(request, f"/desk/invoices/{invoice_id}", told)


@get("/desk/invoices/{invoice_id:uuid}/write-off", permission=Permission.DESK_INVOICES_WRITE_OFF)
async def ask_write_off(request: Request, tx: Tx, principal: Caller, invoice_id: FromPath[UUID]) -> Response[str]:
    return await _end_page(request, tx, principal, invoice_id, views.WRITE_OFF, Typed())


@post("/desk/invoices/{invoice_id:uuid}/write-off", permission=Permission.DESK_INVOICES_WRITE_OFF)
async def write_off(request: Request, tx: Tx, principal: Caller, invoice_id: FromPath[UUID]) -> Response[Any]:
    sent = await typed(request)
    try:
        reason = sent.storable("reason")
        invoice = await corrections.write_off(tx, principal, invoice_id, reason, seen_version=views.seen(sent))
    except Invalid as problem:
        return await _end_page(request, tx, principal, invoice_id, views.WRITE_OFF, sent, problem.fields)
    told = f"{invoice.number} is written off. Should it be paid after all, the payment is booked."
    return see_other(request, f"/desk/invoices/{invoice_id}", told)


@get("/desk/invoices/{invoice_id:uuid}/refund", permission=Permission.DESK_REFUNDS_REQUEST)
async def ask_refund(request: Request, tx: Tx, principal: Caller, invoice_id: FromPath[UUID]) -> Response[str]:
    return await _refund_page(request, tx, principal, invoice_id, Typed.of(form_id=new_id(), reason="duplicate"))


@post("/desk/invoices/{invoice_id:uuid}/refund", permission=Permission.DESK_REFUNDS_REQUEST)
async def refund(request: Request, tx: Tx, principal: Caller, invoice_id: FromPath[UUID]) -> Response[Any]:
    sent = await typed(request)
    invoice = await invoices.invoice(tx, principal, invoice_id)
    try:
        payment_id, amount, form_id = _refund_asked(sent, invoice)
        asked = await corrections.request_refund(tx, principal, invoice_id, payment_id, amount, sent.text("reason"), form_id)
    except Invalid as problem:
        return await _refund_page(request, tx, principal, invoice_id, sent, problem.fields)
    told = f"{money(asked.amount_minor, asked.currency)} is on its way back to {invoice.facility_name}."
    return see_other(request, f"/desk/invoices/{invoice_id}", told)


async def of_invoice(tx: Transaction, principal: Principal, invoice: InvoiceHead) -> views.Corrections | None:
    """The part of an invoice's page about its corrections; None for a draft."""
    if invoice.number is None:
        return None
    notes, _ = await queries.notes(tx, principal, invoice_id=invoice.id)
    return views.Corrections(
        invoice=invoice,
        standing=await queries.standing(tx, invoice.id),
        overpaid_minor=await refund_requests.overpaid(tx, invoice.id),
        kept_minor=await queries.kept_credit(tx, invoice.facility_id),
        notes=tuple(notes),
        because=await queries.why_ended(tx, invoice.id),
        zone=principal.time_zone,
        may_credit=principal.may(Permission.DESK_CREDITS_ISSUE),
        may_withdraw=principal.may(Permission.DESK_INVOICES_FINALIZE),
        may_write_off=principal.may(Permission.DESK_INVOICES_WRITE_OFF),
        may_refund=principal.may(Permission.DESK_REFUNDS_REQUEST),
    )


async def _end_page(
    request: Request,
    tx: Transaction,
    principal: Principal,
    invoice_id: UUID,
    end: views.End,
    sent: Typed,
    errors: dict[str, str] | None = None,
) -> Response[str]:
    invoice = await invoices.invoice(tx, principal, invoice_id)
    now = await queries.standing(tx, invoice_id)
    page = views.end_page(end, invoice, now, sent, errors or {})
    return render(request, page, status=422 if errors else 200)


async def _refund_page(
    request: Request,
    tx: Transaction,
    principal: Principal,
    invoice_id: UUID,
    sent: Typed,
    errors: dict[str, str] | None = None,
) -> Response[str]:
    invoice = await invoices.invoice(tx, principal, invoice_id)
    over = await refund_requests.overpaid(tx, invoice_id)
    page = views.refund_page(invoice, over, await refund_requests.refundable(tx, invoice_id), sent, errors or {})
    return render(request, page, status=422 if errors else 200)


def _refund_asked(sent: Typed, invoice: InvoiceHead) -> tuple[UUID, int, UUID]:
    """Payment, amount and form. Raises `Invalid` for what a person can put right, `NotFound` for what no form of ours sends."""
    amount = minor_of(sent.text("amount"), invoice.currency)
    errors = {} if amount else {"amount": "Please give an amount such as 18.20."}
    try:
        payment_id = UUID(sent.text("payment"))
    except ValueError:
        errors["payment"] = "Please choose the payment."
    if errors or amount is None:
        raise Invalid(**errors)
    try:
        return payment_id, amount, UUID(sent.text("form_id"))
    except ValueError:
        raise NotFound from None


HANDLERS: list[Any] = [ask_withdraw, withdraw, ask_write_off, write_off, ask_refund, refund]
