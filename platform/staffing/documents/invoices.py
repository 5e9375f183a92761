"""An invoice as its page shows it: the same parties, lines, taxes, totals and dates."""

from collections.abc import Sequence
from typing import Any

from staffing.contracts.amounts import day_text, money_text, rate_text, time_text
from staffing.documents.compiling import Document
from staffing.invoicing.models import InvoiceState
from staffing.invoicing.queries import InvoiceHead, LineRow
from staffing.wall_clock import local_day

HEADS = (("Service", ""), ("Coordinator", ""), ("Time", "num"), ("Rate", "num"), ("Amount", "num"))
ROUNDING = (
    "Only approved hours are billed. Time is kept to the second and rounded, where the contract says so, once per line; each"
    " amount is rounded half up to the cent. Days are those of the facility's clock."
)


def invoice_document(invoice: InvoiceHead, lines: Sequence[LineRow], agency: str) -> Document:
    """The document of an invoice that has its number."""
    currency = invoice.currency
    assert invoice.finalized_at is not None, "only an issued invoice is a document"
    data: dict[str, Any] = {
        "title": f"Invoice {invoice.number}",
        "agency": agency,
        "facility": invoice.facility_name,
        "place": f"{invoice.facility_city}, {invoice.facility_state} · {invoice.facility_reference}",
        "banner": _banner(invoice),
        "facts": _facts(invoice),
        "heads": HEADS,
        "rows": [_row(line, currency) for line in lines],
        "sums": [(words, money_text(minor, currency)) for words, minor in invoice.sums],
        "notes": [ROUNDING, *_pay_note(invoice)],
        "how": [{"name": name_of(line), "sentences": line.how} for line in lines],
    }
    return Document("invoice", data, invoice.finalized_at)


def name_of(line: LineRow) -> str:
    """A line in words: service, what is special about it, by whom."""
    special = f" ({line.kind_words})" if line.kind_words else ""
    return ", ".join(filter(None, (line.service_name + special, line.coordinator)))


def _row(line: LineRow, currency: str) -> list[str]:
    special = f" ({line.kind_words})" if line.kind_words else ""
    return [
        line.service_name + special,
        line.coordinator or "–",
        time_text(line.billed_seconds) if line.billed_seconds else "–",
        f"{rate_text(line.unit_rate, currency)}/h" if line.unit_rate else "–",
        money_text(line.amount_minor, currency),
    ]


def _facts(invoice: InvoiceHead) -> list[tuple[str, str]]:
    assert invoice.finalized_at is not None
    issued = day_text(local_day(invoice.finalized_at, invoice.facility_zone))
    found = [("Invoice", invoice.number or ""), ("Work of", invoice.period), ("Issued", issued)]
    if invoice.paid_at is not None:
        return [*found, ("Paid", day_text(local_day(invoice.paid_at, invoice.facility_zone)))]
    if invoice.due_on is not None and invoice.state != InvoiceState.VOID:
        return [*found, ("Due", day_text(invoice.due_on))]
    return found


def _banner(invoice: InvoiceHead) -> str:
    return "This invoice was withdrawn: nothing is owed on it." if invoice.state == InvoiceState.VOID else ""


def _pay_note(invoice: InvoiceHead) -> list[str]:
    payable = invoice.state in (InvoiceState.FINALIZED, InvoiceState.SENT)
    return ["It is paid on the portal, under Invoices: by card or from a US bank account."] if payable else []
