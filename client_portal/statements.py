"""The facility's account: statements on the page, as PDF and CSV; and its invoices and credit notes as PDF."""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from staffing import clock
from staffing.documents import reading
from staffing.documents.compiling import pdf
from staffing.errors import Invalid, NotFound
from staffing.facilities.queries import facilities
from staffing.identity import queries as identity
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence import audit
from staffing.persistence.transactions import Transaction
from staffing.reporting import statement_files, statements
from staffing.reporting.statements import Statement
from staffing.wall_clock import local_day
from staffing.web.downloads import csv_file, file_name, pdf_file
from staffing.web.forms import Field, Typed
from staffing.web.http import Request
from staffing.web.pages import Page
from staffing.web.periods import asked_period, typed_period
from staffing.web.rendering import render, see_other

Tx = NamedDependency[Transaction]
Caller = NamedDependency[Principal]
_PATH = "/portal/statements"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementPage(Page):
    template: ClassVar[str] = "portal/statement.html"
    surface: ClassVar[str] = "portal"

    statement: Statement
    agency: str
    others: tuple[tuple[str, str, bool], ...]
    """Name, address and whether it is this one, where the caller acts for several facilities."""
    start_field: Field
    end_field: Field


@get("/portal/statements", permission=Permission.PORTAL_INVOICES_READ)
async def show_first(request: Request, tx: Tx, principal: Caller) -> Response[Any]:
    places = await facilities(tx, principal)
    if not places:
        raise NotFound
    return see_other(request, f"{_PATH}/{places[0].id}")


@get("/portal/statements/{facility_id:uuid}", permission=Permission.PORTAL_INVOICES_READ)
async def show(request: Request, tx: Tx, principal: Caller, facility_id: FromPath[UUID]) -> Response[str]:
    shown, errors = typed_period(request), {}
    try:
        found = await _statement(request, tx, principal, facility_id)
    except Invalid as problem:
        found, errors = await _usual(tx, principal, facility_id), problem.fields
    if not errors:
        shown = Typed.of(start_on=found.start_on, end_on=found.end_on)
    audit.note(tx, "read", "statement", facility_id, facility_id=facility_id, detail="statement")
    places = await facilities(tx, principal)
    agency = await identity.agency(tx)
    page = StatementPage(
        title="Statement",
        place=found.facility_name,
        section="/portal/invoices",
        statement=found,
        agency=agency.name if agency else "",
        others=tuple((one.name, f"{_PATH}/{one.id}", one.id == facility_id) for one in places) if len(places) > 1 else (),
        start_field=shown.field("start_on", "From", errors=errors, required=True),
        end_field=shown.field("end_on", "To", errors=errors, required=True),
    )
    return render(request, page, status=422 if errors else 200)


@get("/portal/statements/{facility_id:uuid}/pdf", permission=Permission.PORTAL_INVOICES_READ)
async def show_pdf(request: Request, tx: Tx, principal: Caller, facility_id: FromPath[UUID]) -> Response[bytes]:
    found = await _statement(request, tx, principal, facility_id)
    return pdf_file(await pdf(await reading.of_statement(tx, found)), _name(found))


@get("/portal/statements/{facility_id:uuid}/csv", permission=Permission.PORTAL_INVOICES_READ)
async def show_csv(request: Request, tx: Tx, principal: Caller, facility_id: FromPath[UUID]) -> Stream:
    found = await _statement(request, tx, principal, facility_id)
    audit.note(tx, "download", "statement", facility_id, facility_id=facility_id, detail="CSV")
    return csv_file(statement_files.statement_lines(found), _name(found))


@get("/portal/invoices/{invoice_id:uuid}/pdf", permission=Permission.PORTAL_INVOICES_READ)
async def invoice_pdf(request: Request, tx: Tx, principal: Caller, invoice_id: FromPath[UUID]) -> Response[bytes]:
    document, name = await reading.of_invoice(tx, principal, invoice_id)
    return pdf_file(await pdf(document), file_name(name))


@get("/portal/credit-notes/{credit_note_id:uuid}/pdf", permission=Permission.PORTAL_INVOICES_READ)
async def credit_note_pdf(request: Request, tx: Tx, principal: Caller, credit_note_id: FromPath[UUID]) -> Response[bytes]:
    document, name = await reading.of_credit_note(tx, principal, credit_note_id)
    return pdf_file(await pdf(document), file_name(name))


async def _statement(request: Request, tx: Transaction, principal: Principal, facility_id: UUID) -> Statement:
    """The statement of the period in the address, else of the usual one. Raises `Invalid`, `NotFound`."""
    zone = await statements.zone_of(tx, principal, facility_id)
    asked = asked_period(request)
    first, last = statements.usual_period(local_day(clock.now(), zone))
    return await statements.statement(tx, principal, facility_id, asked.start_on or first, asked.end_on or last)


async def _usual(tx: Transaction, principal: Principal, facility_id: UUID) -> Statement:
    zone = await statements.zone_of(tx, principal, facility_id)
    return await statements.statement(tx, principal, facility_id, *statements.usual_period(local_day(clock.now(), zone)))


def _name(found: Statement) -> str:
    return file_name("statement", found.facility_reference, found.start_on.isoformat(), found.end_on.isoformat())


HANDLERS: list[Any] = [show_first, show, show_pdf, show_csv, invoice_pdf, credit_note_pdf]
