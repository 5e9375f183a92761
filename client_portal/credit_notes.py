"""The facility's credit notes: what was taken back of its invoices, what for, and what became of the amount."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from staffing.crediting import queries
from staffing.crediting.queries import NoteLineRow, NoteRow
from staffing.crediting.standing import Standing
from staffing.facilities.queries import facilities
from staffing.identity import queries as identity
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing.queries import InvoiceHead
from staffing.payments import corrections_read
from staffing.payments.corrections_read import NoteRefund
from staffing.persistence import audit
from staffing.persistence.transactions import Transaction
from staffing.web.http import Request
from staffing.web.pages import Fragment, Page
from staffing.web.rendering import render

Tx = NamedDependency[Transaction]
Caller = NamedDependency[Principal]

_PATH = "/portal/credit-notes"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotesPage(Page):
    template: ClassVar[str] = "portal/credit_notes/list.html"
    surface: ClassVar[str] = "portal"

    rows: tuple[NoteRow, ...]
    kept: tuple[tuple[str, str, int, str], ...]
    """Facility, its name, what the agency keeps for its next invoices, currency; only where there is some."""
    many_facilities: bool
    prev_href: str | None
    next_href: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotePage(Page):
    template: ClassVar[str] = "portal/credit_notes/show.html"
    surface: ClassVar[str] = "portal"

    note: NoteRow
    agency: str
    lines: tuple[NoteLineRow, ...]
    refunds: tuple[NoteRefund, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrections(Fragment):
    """The part of an invoice's page about what was taken back of it."""

    template: ClassVar[str] = "portal/credit_notes/_corrections.html"

    invoice: InvoiceHead
    standing: Standing
    notes: tuple[NoteRow, ...]
    because: str

    @property
    def due_minor(self) -> int:
        """What is still to be paid: the invoice less what was credited, paid or taken from earlier credit."""
        return max(self.standing.owed_minor, 0)

    @property
    def has_story(self) -> bool:
        return bool(self.notes or self.standing.used_minor)


@get("/portal/credit-notes", permission=Permission.PORTAL_INVOICES_READ)
async def show_list(request: Request, tx: Tx, principal: Caller) -> Response[str]:
    number = request.query_params.get("page", "1")
    here = max(int(number), 1) if number.isdecimal() and 0 < len(number) < 6 else 1
    rows, more = await queries.notes(tx, principal, page=here)
    places = await facilities(tx, principal)
    kept = await queries.kept_by_facility(tx, principal)
    page = NotesPage(
        title="Credit notes",
        place=places[0].name if len(places) == 1 else f"{len(places)} facilities",
        section="/portal/invoices",
        rows=tuple(rows),
        kept=tuple((str(one.id), one.name, *kept[one.id]) for one in places if one.id in kept),
        many_facilities=len(places) > 1,
        prev_href=f"{_PATH}?page={here - 1}" if here > 1 else None,
        next_href=f"{_PATH}?page={here + 1}" if more else None,
    )
    return render(request, page)


@get("/portal/credit-notes/{credit_note_id:uuid}", permission=Permission.PORTAL_INVOICES_READ)
async def show(request: Request, tx: Tx, principal: Caller, credit_note_id: FromPath[UUID]) -> Response[str]:
    note = await queries.note(tx, principal, credit_note_id)
    agency = await identity.agency(tx)
    audit.note(tx, "read", "credit_note", note.id, facility_id=note.facility_id)
    page = NotePage(
        title=f"Credit note {note.number}",
        place=note.facility_name,
        section="/portal/invoices",
        note=note,
        agency=agency.name if agency else "",
        lines=tuple(await queries.lines(tx, principal, credit_note_id)),
        refunds=tuple(await corrections_read.refunds_of_note(tx, credit_note_id)),
    )
    return render(request, page)


async def of_invoice(tx: Transaction, principal: Principal, invoice: InvoiceHead) -> Corrections:
    """What an invoice that the caller has read says of its corrections."""
    notes, _ = await queries.notes(tx, principal, invoice_id=invoice.id)
    now = await queries.standing(tx, invoice.id)
    return Corrections(
        invoice=invoice,
        # What the agency gave up in its own books can still be paid.
        standing=replace(now, owed_minor=now.owed_minor + now.written_off_minor, written_off_minor=0),
        notes=tuple(notes),
        # Why something was given up is the agency's own affair.
        because=await queries.why_ended(tx, invoice.id) if invoice.state == "void" else "",
    )


HANDLERS: list[Any] = [show_list, show]
