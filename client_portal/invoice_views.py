"""What the portal's pages of invoices show."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar
from uuid import UUID

from client_portal.credit_notes import Corrections
from staffing.dunning.notices import OwingNotice
from staffing.invoicing.queries import InvoiceHead, InvoiceRow, LineRow, PieceRow
from staffing.invoicing.work import WorkRow
from staffing.payments.queries import PaymentRow
from staffing.web.formatting import date_text, day
from staffing.web.pages import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoices(Page):
    template: ClassVar[str] = "portal/invoices/list.html"
    surface: ClassVar[str] = "portal"

    to_pay: tuple[InvoiceRow, ...]
    earlier: tuple[InvoiceRow, ...]
    today: dict[str, date]
    """The local date of each facility's zone."""
    many_facilities: bool
    owed: Mapping[UUID, int]
    """What the ledger still has as owed on each invoice that is issued."""
    back_from_paying: InvoiceRow | None
    owing: tuple[OwingNotice, ...]
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
    corrections: Corrections
    back_from_paying: bool
    payments: tuple[PaymentRow, ...]
    money_moves: bool

    @property
    def under_way(self) -> PaymentRow | None:
        """A bank debit that has not settled."""
        return next((one for one in self.payments if one.state == "processing"), None)

    @property
    def waiting(self) -> bool:
        """The page looks again by itself: until Stripe has it, and after paying until the ledger says so."""
        return self.invoice.state == "finalized" or (self.back_from_paying and self.invoice.payable and not self.under_way)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLineEntries(Page):
    template: ClassVar[str] = "portal/invoices/line.html"
    surface: ClassVar[str] = "portal"

    invoice: InvoiceHead
    line: LineRow
    pieces: tuple[PieceRow, ...]
    zone_name: str
    credited: Mapping[UUID, int]
    """What credit notes took back of single entries."""


def history(invoice: InvoiceHead, *, overdue: bool) -> tuple[tuple[str, str, str], ...]:
    """The invoice's life as its facility sees it, on the facility's clock."""
    zone = invoice.facility_zone
    issued = day(invoice.finalized_at, zone) if invoice.finalized_at else ""
    steps = [("Issued", issued, "done")]
    if invoice.paid_at is not None:
        return (*steps, ("Paid", day(invoice.paid_at, zone), "done"))
    if invoice.voided_at is not None:
        return (*steps, ("Withdrawn: nothing is owed", day(invoice.voided_at, zone), "bad"))
    due = date_text(invoice.due_on) if invoice.due_on else ""
    return (*steps, ("Overdue since" if overdue else "Due", due, "bad" if overdue else "now"), ("Paid", "not yet", "next"))
