"""Documents of the desk: invoices and credit notes as PDF, statements, and the files for accounting."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Stream

from staffing import clock
from staffing.desk import receivables_views as views
from staffing.documents import reading
from staffing.documents.compiling import pdf
from staffing.errors import Invalid
from staffing.identity import queries as identity
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence import audit
from staffing.persistence.transactions import Transaction
from staffing.reporting import exports, statement_files, statements
from staffing.reporting.exports import Period
from staffing.reporting.statements import Statement
from staffing.wall_clock import local_day
from staffing.web.downloads import csv_file, file_name, pdf_file
from staffing.web.forms import Typed
from staffing.web.http import Request
from staffing.web.periods import asked_period, typed_period
from staffing.web.rendering import render

Tx = NamedDependency[Transaction]
Caller = NamedDependency[Principal]
_FILES = (
    (
        "invoices",
        "Invoices",
        "One row per number, withdrawn invoices included: period, dates, before tax, tax, total.",
    ),
    ("lines", "Lines of invoices", "One row per line: service, kind, coordinator's reference, time, rate, amount."),
    ("journal", "Journal", "Every booking in double entry, with a last row of both sums per currency."),
)


@get("/desk/invoices/{invoice_id:uuid}/pdf", permission=Permission.DESK_INVOICES_READ)
async def invoice_pdf(request: Request, tx: Tx, principal: Caller, invoice_id: FromPath[UUID]) -> Response[bytes]:
    document, name = await reading.of_invoice(tx, principal, invoice_id)
    return pdf_file(await pdf(document), file_name(name))


@get("/desk/credit-notes/{credit_note_id:uuid}/pdf", permission=Permission.DESK_INVOICES_READ)
async def credit_note_pdf(request: Request, tx: Tx, principal: Caller, credit_note_id: FromPath[UUID]) -> Response[bytes]:
    document, name = await reading.of_credit_note(tx, principal, credit_note_id)
    return pdf_file(await pdf(document), file_name(name))


@get("/desk/receivables/{facility_id:uuid}/statement", permission=Permission.DESK_RECEIVABLES_READ)
async def show_statement(request: Request, tx: Tx, principal: Caller, facility_id: FromPath[UUID]) -> Response[str]:
    shown, errors = typed_period(request), {}
    try:
        found = await _statement(request, tx, principal, facility_id)
    except Invalid as problem:
        found, errors = await _usual(tx, principal, facility_id), problem.fields
    if not errors:
        shown = Typed.of(start_on=found.start_on, end_on=found.end_on)
    audit.note(tx, "read", "statement", facility_id, facility_id=facility_id, detail="statement")
    agency = await identity.agency(tx)
    page = views.StatementPage(
        title=f"Statement for {found.facility_name}",
        section="/desk/receivables",
        statement=found,
        agency=agency.name if agency else "",
        start_field=shown.field("start_on", "From", errors=errors, required=True),
        end_field=shown.field("end_on", "To", errors=errors, required=True),
    )
    return render(request, page, status=422 if errors else 200)


@get("/desk/receivables/{facility_id:uuid}/statement/pdf", permission=Permission.DESK_RECEIVABLES_READ)
async def statement_pdf(request: Request, tx: Tx, principal: Caller, facility_id: FromPath[UUID]) -> Response[bytes]:
    found = await _statement(request, tx, principal, facility_id)
    return pdf_file(await pdf(await reading.of_statement(tx, found)), statement_name(found))


@get("/desk/receivables/{facility_id:uuid}/statement/csv", permission=Permission.DESK_RECEIVABLES_READ)
async def statement_csv(request: Request, tx: Tx, principal: Caller, facility_id: FromPath[UUID]) -> Stream:
    found = await _statement(request, tx, principal, facility_id)
    audit.note(tx, "download", "statement", facility_id, facility_id=facility_id, detail="CSV")
    return csv_file(statement_files.statement_lines(found), statement_name(found))


@get("/desk/exports", permission=Permission.DESK_EXPORTS_READ)
async def show_exports(request: Request, tx: Tx, principal: Caller) -> Response[str]:
    shown, errors = typed_period(request), {}
    mark = request.query_params.get("mark", "") == "1"
    asked: Mapping[str, str] = {name: shown.text(name) for name in ("start_on", "end_on") if shown.text(name)}
    try:
        _period(request).check()
    except Invalid as problem:
        errors, asked = problem.fields, {}
    page = views.ExportsPage(
        title="Files for accounting",
        section="/desk/receivables",
        start_field=shown.field("start_on", "From", errors=errors, hint="Empty: from the beginning."),
        end_field=shown.field("end_on", "To", errors=errors, hint="Empty: up to now."),
        mark_field=Typed.of(mark=mark).field("mark", "Begin with a byte order mark, for spreadsheets that need one"),
        query=urlencode({**asked, **({"mark": "1"} if mark else {})}),
        files=_FILES,
    )
    return render(request, page, status=422 if errors else 200)


@get("/desk/exports/invoices", permission=Permission.DESK_EXPORTS_READ)
async def export_invoices(request: Request, tx: Tx, principal: Caller) -> Stream:
    return _export(request, tx, principal, "invoices")


@get("/desk/exports/lines", permission=Permission.DESK_EXPORTS_READ)
async def export_lines(request: Request, tx: Tx, principal: Caller) -> Stream:
    return _export(request, tx, principal, "lines")


@get("/desk/exports/journal", permission=Permission.DESK_EXPORTS_READ)
async def export_journal(request: Request, tx: Tx, principal: Caller) -> Stream:
    return _export(request, tx, principal, "journal")


def statement_name(found: Statement) -> str:
    return file_name("statement", found.facility_reference, found.start_on.isoformat(), found.end_on.isoformat())


def _export(request: Request, tx: Transaction, principal: Principal, kind: str) -> Stream:
    period = _period(request)
    period.check()
    exports.note(tx, kind, period)
    with_mark = request.query_params.get("mark", "") == "1"
    lines = exports.export(request.database, principal, kind, period, with_mark=with_mark)
    return csv_file(lines, file_name(kind, period.name()))


def _period(request: Request) -> Period:
    asked = asked_period(request)
    return Period(start_on=asked.start_on, end_on=asked.end_on)


async def _statement(request: Request, tx: Transaction, principal: Principal, facility_id: UUID) -> Statement:
    """The statement of the period in the address, else of the usual one. Raises `Invalid`, `NotFound`."""
    asked = asked_period(request)
    zone = await statements.zone_of(tx, principal, facility_id)
    first, last = statements.usual_period(local_day(clock.now(), zone))
    return await statements.statement(tx, principal, facility_id, asked.start_on or first, asked.end_on or last)


async def _usual(tx: Transaction, principal: Principal, facility_id: UUID) -> Statement:
    zone = await statements.zone_of(tx, principal, facility_id)
    return await statements.statement(tx, principal, facility_id, *statements.usual_period(local_day(clock.now(), zone)))


HANDLERS: list[Any] = [
    invoice_pdf,
    credit_note_pdf,
    show_statement,
    statement_pdf,
    statement_csv,
    show_exports,
    export_invoices,
    export_lines,
    export_journal,
]
