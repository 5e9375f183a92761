"""Invoices: what can be invoiced, what is, and every line with its entries. The steps are in `invoice_steps`."""

from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from staffing import clock
from staffing.crediting.queries import credited_entries
from staffing.crediting.standing import standing
from staffing.desk import billing_runs, corrections, credit_notes, invoice_steps
from staffing.desk import invoice_views as views
from staffing.errors import Invalid, NotFound
from staffing.identity import queries as identity
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing import drafting, overview, queries, service, work
from staffing.invoicing.rules import check_period, period_text
from staffing.invoicing.service import Change
from staffing.payments import queries as payments
from staffing.persistence import audit
from staffing.persistence.transactions import Transaction
from staffing.web.formatting import moment, money
from staffing.web.forms import Day, Form, Typed, bind, typed
from staffing.web.http import Request
from staffing.web.rendering import render, see_other

Tx = NamedDependency[Transaction]
Caller = NamedDependency[Principal]


class PeriodForm(Form):
    """A period of local days, both ends included."""

    start_on: Day
    end_on: Day


class DraftForm(PeriodForm):
    facility_id: UUID


@get("/desk/invoices", permission=Permission.DESK_INVOICES_READ)
async def show_list(request: Request, tx: Tx, principal: Caller) -> Response[str]:
    try:
        return await _list(request, tx, principal, _asked(request), {})
    except Invalid as problem:
        typed_in = Typed.of(**{name: request.query_params.get(name, "") for name in PeriodForm.model_fields})
        return await _list(request, tx, principal, None, problem.fields, typed_in)


@post("/desk/invoices", permission=Permission.DESK_INVOICES_WRITE)
async def draft(request: Request, tx: Tx, principal: Caller) -> Response[Any]:
    sent = await typed(request)
    try:
        form = bind(DraftForm, sent)
        drafted = await service.draft_invoice(tx, principal, form.facility_id, form.start_on, form.end_on)
    except Invalid as problem:
        return await _list(request, tx, principal, None, problem.fields, sent)
    amount = money(drafted.total_minor, drafted.currency)
    said = {
        Change.CREATED: f"Drafted: {amount}. Look through it, then review it.",
        Change.UPDATED: f"The draft is up to date: {amount}.",
        Change.UNCHANGED: "Nothing has changed since it was drafted.",
    }
    return see_other(request, f"/desk/invoices/{drafted.id}", said[drafted.change])


@get("/desk/invoices/work/{facility_id:uuid}", permission=Permission.DESK_INVOICES_READ)
async def show_work(request: Request, tx: Tx, principal: Caller, facility_id: FromPath[UUID]) -> Response[str]:
    """The rows behind the hours of one facility in the list."""
    try:
        period = _asked(request) or _this_month(await _today(tx))
    except Invalid as problem:
        raise NotFound from problem
    rows = await overview.facilities(tx, principal, period.start_on, period.end_on)
    facility = next((one for one in rows if one.id == facility_id), None)
    if facility is None:
        raise NotFound
    found = await work.read(tx, facility_id, period.start_on, period.end_on)
    audit.note(tx, "read", "work_entries", facility_id, facility_id=facility_id, detail=f"{len(found.rows)} entries, no patients")
    page = views.WorkPage(
        title=f"{facility.name}: approved hours",
        facility=facility,
        zone=facility.zone,
        zone_name=views.clock_name(facility.zone, (row.start for row in found.rows)),
        start_on=period.start_on,
        end_on=period.end_on,
        period=period_text(period.start_on, period.end_on),
        approved=tuple(row for row in found.rows if not row.held),
        held=tuple(found.held),
    )
    return render(request, page)


@get("/desk/invoices/{invoice_id:uuid}", permission=Permission.DESK_INVOICES_READ)
async def show(request: Request, tx: Tx, principal: Caller, invoice_id: FromPath[UUID]) -> Response[str]:
    invoice = await queries.invoice(tx, principal, invoice_id)
    outlook = await drafting.outlook(tx, invoice_id) if invoice.is_open else None
    held = outlook.held if outlook else await queries.held(tx, invoice)
    overdue = invoice.overdue(clock.now().astimezone(ZoneInfo(invoice.facility_zone)).date())
    agency = await identity.agency(tx)
    page = views.InvoicePage(
        title=f"Invoice {invoice.number}" if invoice.number else "Draft invoice",
        invoice=invoice,
        agency=agency.name if agency else "",
        lines=tuple(await queries.lines(tx, principal, invoice_id)),
        held=tuple(held),
        outlook=outlook,
        history=views.history(invoice, principal.time_zone, overdue=overdue),
        beside=views.beside(invoice, await standing(tx, invoice_id)),
        payments=tuple(await payments.payments(tx, principal, invoice_id)),
        fees=tuple(await payments.fees(tx, principal, invoice_id)) if invoice.number else (),
        zone=principal.time_zone,
        seen=moment(invoice.stripe_seen_at, principal.time_zone) if invoice.stripe_seen_at else "",
        which_stripe=views.WHICH_STRIPE[request.settings.stripe_mode],
        is_overdue=overdue,
        may_finalize=principal.may(Permission.DESK_INVOICES_FINALIZE),
        corrections=await corrections.of_invoice(tx, principal, invoice),
        refresh_seconds=3 if invoice.state == "finalized" and not invoice.stripe_problem else 0,
    )
    return render(request, page)


@get("/desk/invoices/{invoice_id:uuid}/lines/{line_id:uuid}", permission=Permission.DESK_INVOICES_READ)
async def show_line(
    request: Request, tx: Tx, principal: Caller, invoice_id: FromPath[UUID], line_id: FromPath[UUID]
) -> Response[str]:
    invoice = await queries.invoice(tx, principal, invoice_id)
    line = await queries.line(tx, principal, invoice_id, line_id)
    pieces = await queries.pieces(tx, principal, line_id)
    audit.note(tx, "read", "invoice_line", line_id, facility_id=invoice.facility_id, detail=f"{line.entries} entries")
    page = views.LinePage(
        title=", ".join(filter(None, (line.service_name, line.coordinator))),
        invoice=invoice,
        line=line,
        pieces=tuple(pieces),
        zone_name=views.clock_name(invoice.facility_zone, (piece.start for piece in pieces)),
        credited=await credited_entries(tx, principal, line_id),
        may_credit=principal.may(Permission.DESK_CREDITS_ISSUE) and invoice.state in ("sent", "paid"),
    )
    return render(request, page)


def _asked(request: Request) -> PeriodForm | None:
    """The period in the address; None when there is none. Raises `Invalid` for one that cannot be."""
    asked = {name: request.query_params[name] for name in PeriodForm.model_fields if name in request.query_params}
    if not asked:
        return None
    period = bind(PeriodForm, Typed.of(**asked))
    check_period(period.start_on, period.end_on)
    return period


async def _today(tx: Transaction) -> date:
    agency = await identity.agency(tx)
    return clock.now().astimezone(ZoneInfo(agency.time_zone if agency else "UTC")).date()


def _this_month(today: date) -> PeriodForm:
    return PeriodForm(start_on=today.replace(day=1), end_on=today)


async def _list(
    request: Request,
    tx: Transaction,
    principal: Principal,
    period: PeriodForm | None,
    errors: dict[str, str],
    sent: Typed | None = None,
) -> Response[str]:
    today = await _today(tx)
    period = period or _this_month(today)
    start_on, end_on = period.start_on, period.end_on
    shown = sent or Typed.of(start_on=start_on, end_on=end_on)
    state = views.chosen_state(request.query_params.get("state", ""))
    number = request.query_params.get("page", "1")
    here = int(number) if number.isdecimal() and 0 < len(number) < 6 else 1
    invoices, more = await queries.invoices(tx, principal, state=state, page=max(here, 1))
    totals = await overview.totals(tx, principal)
    chosen = f"start_on={start_on}&end_on={end_on}"
    older = f"/desk/invoices?state={state}&{chosen}&page="
    page = views.InvoicesPage(
        title="Invoices",
        start_field=shown.field("start_on", "From", errors=errors, required=True),
        end_field=shown.field("end_on", "To", errors=errors, required=True),
        start_on=start_on,
        end_on=end_on,
        periods=views.periods(today, start_on, end_on),
        facilities=tuple(await overview.facilities(tx, principal, start_on, end_on)),
        tabs=views.tabs(totals, state, chosen),
        invoices=tuple(invoices),
        sums=views.sums(totals, state),
        prev_href=f"{older}{here - 1}#all" if here > 1 else None,
        next_href=f"{older}{here + 1}#all" if more else None,
        today=today,
        which_stripe=views.WHICH_STRIPE[request.settings.stripe_mode],
        month=await billing_runs.month_close(tx, principal, today),
    )
    return render(request, page, status=422 if errors else 200)


HANDLERS: list[Any] = [
    show_list,
    draft,
    show_work,
    show,
    show_line,
    *invoice_steps.HANDLERS,
    *credit_notes.HANDLERS,
    *corrections.HANDLERS,
]
