"""Credit notes on the desk: all of them, one, and the form that shows what it will do before it does it."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from staffing.crediting import queries
from staffing.crediting.errors import CreditNotPossible, OutcomeChanged
from staffing.crediting.rules import Asked
from staffing.desk import credit_note_views as views
from staffing.errors import Invalid, NotFound
from staffing.identity import queries as identity
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing import queries as invoices
from staffing.payments import corrections, corrections_read, refund_requests
from staffing.payments.corrections import Preview
from staffing.persistence import audit
from staffing.persistence.base import new_id
from staffing.persistence.transactions import Transaction
from staffing.web.formatting import money
from staffing.web.forms import Typed, typed
from staffing.web.http import Request
from staffing.web.rendering import render, see_other
from staffing.worklog.queries import entries_of_line
from staffing.worklog.rows import EntryRow

Tx = NamedDependency[Transaction]
Caller = NamedDependency[Principal]

_PATH = "/desk/credit-notes"
_NOTHING = Typed()


@get("/desk/credit-notes", permission=Permission.DESK_INVOICES_READ)
async def show_list(request: Request, tx: Tx, principal: Caller) -> Response[str]:
    number = request.query_params.get("page", "1")
    here = max(int(number), 1) if number.isdecimal() and 0 < len(number) < 6 else 1
    rows, more = await queries.notes(tx, principal, page=here)
    page = views.NotesPage(
        title="Credit notes",
        section="/desk/invoices",
        rows=tuple(rows),
        zone=principal.time_zone,
        prev_href=f"{_PATH}?page={here - 1}" if here > 1 else None,
        next_href=f"{_PATH}?page={here + 1}" if more else None,
    )
    return render(request, page)


@get("/desk/credit-notes/{credit_note_id:uuid}", permission=Permission.DESK_INVOICES_READ)
async def show(request: Request, tx: Tx, principal: Caller, credit_note_id: FromPath[UUID]) -> Response[str]:
    note = await queries.note(tx, principal, credit_note_id)
    agency = await identity.agency(tx)
    audit.note(tx, "read", "credit_note", note.id, facility_id=note.facility_id)
    page = views.NotePage(
        title=f"Credit note {note.number}",
        section="/desk/invoices",
        note=note,
        agency=agency.name if agency else "",
        lines=tuple(await queries.lines(tx, principal, credit_note_id)),
        refunds=tuple(await corrections_read.refunds_of_note(tx, credit_note_id)),
        zone=principal.time_zone,
    )
    return render(request, page)


@get("/desk/invoices/{invoice_id:uuid}/credit-notes/new", permission=Permission.DESK_CREDITS_ISSUE)
async def blank(request: Request, tx: Tx, principal: Caller, invoice_id: FromPath[UUID]) -> Response[str]:
    """With `?entry=`, the form for exactly that entry's share."""
    entry = await _entry(tx, principal, request.query_params.get("entry", ""))
    sent = Typed.of(reason="disputed_work") if entry and entry.in_dispute else _NOTHING
    return await _form(request, tx, principal, invoice_id, entry, sent)


@post("/desk/invoices/{invoice_id:uuid}/credit-notes", permission=Permission.DESK_CREDITS_ISSUE)
async def issue(request: Request, tx: Tx, principal: Caller, invoice_id: FromPath[UUID]) -> Response[Any]:
    """`step` is `check` (show what it would do) or `issue`, with the `seal` of what was shown."""
    sent = await typed(request)
    entry = await _entry(tx, principal, sent.text("entry"))
    try:
        asked = await _asked(tx, principal, invoice_id, entry, sent)
        reason, to = views.reason_of(sent), views.to_of(sent)
        if sent.text("step") != "issue" or not sent.text("seal"):
            found = await corrections.preview_credit_note(tx, principal, invoice_id, asked, to)
            return await _form(request, tx, principal, invoice_id, entry, sent, preview=found)
        form_id = _form_id(sent)
        settled, seal = sent.storable("settled"), sent.text("seal")
        note = await corrections.issue_credit_note(
            tx, principal, invoice_id, asked, reason, form_id, to, settled=settled, confirmed=seal
        )
    except Invalid as problem:
        return await _form(request, tx, principal, invoice_id, entry, sent, errors=problem.fields)
    except OutcomeChanged as changed:
        found = await corrections.preview_credit_note(tx, principal, invoice_id, asked, to)
        return await _form(request, tx, principal, invoice_id, entry, sent, preview=found, problem=changed.message, status=409)
    except CreditNotPossible as problem:
        return await _form(request, tx, principal, invoice_id, entry, sent, problem=problem.message, status=409)
    total = money(note.total_minor, note.currency)
    return see_other(request, f"{_PATH}/{note.id}", f"{note.number} over {total} is issued and on its way to the facility.")


async def _form(
    request: Request,
    tx: Transaction,
    principal: Principal,
    invoice_id: UUID,
    entry: EntryRow | None,
    sent: Typed,
    *,
    errors: dict[str, str] | None = None,
    preview: Preview | None = None,
    problem: str = "",
    status: int = 200,
) -> Response[str]:
    invoice = await invoices.invoice(tx, principal, invoice_id)
    facts = await queries.to_credit(tx, principal, invoice_id)
    if entry is not None:
        views.asked_of_entry(facts, entry.id)
        audit.note(tx, "read", "work_entry", entry.id, facility_id=entry.facility_id, detail="without its patient")
    page = views.form_page(
        invoice,
        await invoices.lines(tx, principal, invoice_id),
        facts,
        await refund_requests.refundable(tx, invoice_id),
        entry,
        sent,
        sent.text("form_id") or str(new_id()),
        errors=errors or {},
        preview=preview,
        problem=problem,
    )
    return render(request, page, status=422 if errors else status)


async def _asked(tx: Transaction, principal: Principal, invoice_id: UUID, entry: EntryRow | None, sent: Typed) -> list[Asked]:
    if entry is not None:
        return views.asked_of_entry(await queries.to_credit(tx, principal, invoice_id), entry.id)
    await invoices.invoice(tx, principal, invoice_id)
    return views.asked_of(sent, await invoices.lines(tx, principal, invoice_id))


async def _entry(tx: Transaction, principal: Principal, text: str) -> EntryRow | None:
    if not text:
        return None
    try:
        found = await entries_of_line(tx, principal, [UUID(text)])
    except ValueError:
        raise NotFound from None
    if not found:
        raise NotFound
    return found[0]


def _form_id(sent: Typed) -> UUID:
    try:
        return UUID(sent.text("form_id"))
    except ValueError:
        raise NotFound from None


HANDLERS: list[Any] = [show_list, show, blank, issue]
