"""The documents of what a caller may see, each download noted in the access log."""

from uuid import UUID

from staffing.crediting import queries as credit_notes
from staffing.documents.compiling import Document
from staffing.documents.credit_notes import credit_note_document
from staffing.documents.errors import NoDocumentYet
from staffing.documents.invoices import invoice_document
from staffing.documents.statements import statement_document
from staffing.identity import queries as identity
from staffing.identity.principals import Principal
from staffing.invoicing import queries as invoices
from staffing.persistence import audit
from staffing.persistence.transactions import Transaction
from staffing.reporting.statements import Statement


async def of_invoice(tx: Transaction, principal: Principal, invoice_id: UUID) -> tuple[Document, str]:
    """The document and its name. Raises `NotFound`, and `NoDocumentYet` for a draft."""
    invoice = await invoices.invoice(tx, principal, invoice_id)
    if invoice.number is None or invoice.finalized_at is None:
        raise NoDocumentYet
    lines = await invoices.lines(tx, principal, invoice_id)
    audit.note(tx, "download", "invoice", invoice_id, facility_id=invoice.facility_id, detail="PDF")
    return invoice_document(invoice, lines, await _agency(tx)), invoice.number


async def of_credit_note(tx: Transaction, principal: Principal, credit_note_id: UUID) -> tuple[Document, str]:
    """The document and its name. Raises `NotFound`."""
    note = await credit_notes.note(tx, principal, credit_note_id)
    lines = await credit_notes.lines(tx, principal, credit_note_id)
    invoice = await invoices.invoice(tx, principal, note.invoice_id)
    audit.note(tx, "download", "credit_note", credit_note_id, facility_id=note.facility_id, detail="PDF")
    return credit_note_document(note, lines, invoice, await _agency(tx)), note.number


async def of_statement(tx: Transaction, found: Statement) -> Document:
    """The document of a statement that the caller has read."""
    audit.note(tx, "download", "statement", found.facility_id, facility_id=found.facility_id, detail="PDF")
    return statement_document(found, await _agency(tx))


async def _agency(tx: Transaction) -> str:
    agency = await identity.agency(tx)
    return agency.name if agency else ""
