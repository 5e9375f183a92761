"""What the portal's pages of invoices show."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from staffing.invoicing.queries import InvoiceHead, InvoiceRow, LineRow
from staffing.invoicing.work import WorkRow
from staffing.web.formatting import date_text, day
from staffing.web.pages import Page
from staffing.worklog.rows import EntryRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoices(Page):
    template: ClassVar[str] = "portal/invoices/list.html"
    surface: ClassVar[str] = "portal"

    to_pay: tuple[InvoiceRow, ...]
    earlier: tuple[InvoiceRow, ...]
    today: dict[str, date]
    """The local date of each facility's zone."""
    many_facilities: bool
    back_from_paying: InvoiceRow | None
    prev_href: str | None
    next_href: str | None

    @property
    def waiting(self) -> bool:
        return self.back_from_paying is not None and self.back_from_paying.state != "paid"


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceDocument(Page):
    template: ClassVar[str] = "portal/invoices/invoice.html"
    surface: ClassVar[str] = "portal"

    invoice: InvoiceHead
    agency: str
    lines: tuple[LineRow, ...]
    disputed: tuple[WorkRow, ...]
    """Work of the period that is held back, with the facility's own sentence."""
    waiting_entries: tuple[WorkRow, ...]
    """Work of the period that nobody has decided on yet."""
    history: tuple[tuple[str, str, str], ...]
    is_overdue: bool
    back_from_paying: bool
    money_moves: bool

    @property
    def waiting(self) -> bool:
        """The page looks again by itself: until Stripe has it, and after paying until the ledger says so."""
        return self.invoice.state == "finalized" or (self.back_from_paying and self.invoice.payable)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLineEntries(Page):
    template: ClassVar[str] = "portal/invoices/line.html"
    surface: ClassVar[str] = "portal"

    invoice: InvoiceHead
    line: LineRow
    entries: tuple[EntryRow, ...]
    zone_name: str


def history(invoice: InvoiceHead, *, overdue: bool) -> tuple[tuple[str, str, str], ...]:
    """The invoice's life as its facility sees it, on the facility's clock."""
    zone = invoice.facility_zone
    issued = day(invoice.finalized_at, zone) if invoice.finalized_at else ""
    steps = [("Issued", issued, "done")]
    if invoice.paid_at is not None:
        return (*steps, ("Paid", day(invoice.paid_at, zone), "done"))
    due = date_text(invoice.due_on) if invoice.due_on else ""
    return (*steps, ("Overdue since" if overdue else "Due", due, "bad" if overdue else "now"), ("Paid", "not yet", "next"))
