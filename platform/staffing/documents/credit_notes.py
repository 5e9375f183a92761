"""A credit note as its page shows it: what is taken back of which line, and what became of it."""

from collections.abc import Sequence
from typing import Any

from staffing.contracts.amounts import day_text, money_text, time_text
from staffing.crediting.queries import NoteLineRow, NoteRow
from staffing.documents.compiling import Document
from staffing.invoicing.queries import InvoiceHead
from staffing.wall_clock import local_day

HEADS = (("Service", ""), ("Coordinator", ""), ("Billed", "num"), ("Taken back", "num"))


def credit_note_document(note: NoteRow, lines: Sequence[NoteLineRow], invoice: InvoiceHead, agency: str) -> Document:
    """The document of a credit note on `invoice`."""
    currency = note.currency
    issued = day_text(local_day(note.issued_at, note.facility_zone))
    data: dict[str, Any] = {
        "title": f"Credit note {note.number}",
        "agency": agency,
        "facility": note.facility_name,
        "place": f"{invoice.facility_city}, {invoice.facility_state} · {invoice.facility_reference}",
        "banner": "",
        "facts": [
            ("Credit note", note.number),
            ("On invoice", note.invoice_number),
            ("Issued", issued),
            ("Because", note.reason_words),
        ],
        "heads": HEADS,
        "rows": [_row(line, note) for line in lines],
        "sums": _sums(note, inclusive=invoice.tax_is_inside),
        "notes": [
            f"{note.settled}." if note.settled else "",
            f"Work of {invoice.period}. Each amount is rounded half up to the cent, taxes per line and rate.",
            f"It takes {money_text(note.total_minor, currency)} off invoice {note.invoice_number}, which stays as it was issued.",
        ],
        "how": [],
    }
    return Document("invoice", data, note.issued_at)


def _row(line: NoteLineRow, note: NoteRow) -> list[str]:
    special = f" ({line.kind_words})" if line.kind_words else ""
    part = ""
    if line.entry_start is not None:
        part = f", entry of {day_text(local_day(line.entry_start, note.facility_zone))}"
    elif line.minutes is not None:
        part = f", {time_text(int(line.minutes * 60))}"
    return [
        line.name + special + part,
        line.coordinator or "–",
        money_text(line.line_amount_minor, note.currency),
        money_text(line.amount_minor, note.currency),
    ]


def _sums(note: NoteRow, *, inclusive: bool) -> list[tuple[str, str]]:
    total = ("Total", money_text(note.total_minor, note.currency))
    if not note.tax_minor:
        return [total]
    if inclusive:
        return [("Tax, in the amounts", money_text(note.tax_minor, note.currency)), total]
    before, tax = money_text(note.subtotal_minor, note.currency), money_text(note.tax_minor, note.currency)
    return [("Before tax", before), ("Tax", tax), total]
