"""What the desk's pages of invoices show."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar
from uuid import UUID

from staffing.crediting.standing import Standing
from staffing.desk.billing_run_views import MonthClose
from staffing.desk.correction_views import Corrections
from staffing.errors import NotFound
from staffing.invoicing.drafting import Outlook
from staffing.invoicing.overview import FacilityWork, StateTotal
from staffing.invoicing.queries import InvoiceHead, InvoiceRow, LineRow, PieceRow
from staffing.invoicing.work import WorkRow
from staffing.payments.queries import FeeRow, PaymentRow
from staffing.web.formatting import date_text, day, money, zone_label
from staffing.web.forms import Field
from staffing.web.pages import Page

STATE_WORDS: Mapping[str, str] = {
    "": "All",
    "draft": "Draft",
    "reviewed": "Reviewed",
    "finalized": "Being sent",
    "sent": "Sent",
    "paid": "Paid",
    "void": "Withdrawn",
    "uncollectible": "Written off",
}
STATES_AT_STRIPE: Mapping[str, tuple[str, ...]] = {
    "finalized": ("open",),
    "sent": ("open",),
    "paid": ("paid",),
    "void": ("void",),
    "uncollectible": ("uncollectible",),
}
WHICH_STRIPE: Mapping[str, str] = {
    "sandbox": "Payments go to the built-in sandbox: no money moves.",
    "test": "Stripe's test mode: no money moves.",
    "live": "Stripe, live: real money.",
}


@dataclass(frozen=True, slots=True)
class Link:
    """A view of the list, or a period to choose."""

    label: str
    href: str
    current: bool
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicesPage(Page):
    template: ClassVar[str] = "desk/invoices/list.html"
    surface: ClassVar[str] = "desk"

    start_field: Field
    end_field: Field
    start_on: date
    end_on: date
    periods: tuple[Link, ...]
    facilities: tuple[FacilityWork, ...]
    tabs: tuple[Link, ...]
    invoices: tuple[InvoiceRow, ...]
    sums: tuple[str, ...]
    """Per currency, what the invoices of this view come to."""
    prev_href: str | None
    next_href: str | None
    today: date
    which_stripe: str
    month: MonthClose | None
    """The way to close the last month in one go, for those who may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePage(Page):
    template: ClassVar[str] = "desk/invoices/invoice.html"
    surface: ClassVar[str] = "desk"

    invoice: InvoiceHead
    agency: str
    lines: tuple[LineRow, ...]
    held: tuple[WorkRow, ...]
    outlook: Outlook | None
    """Only for an open invoice: what it would say now."""
    history: tuple[tuple[str, str, str], ...]
    beside: tuple[tuple[str, str, str, bool], ...]
    """What, in our ledger, at Stripe, whether the two agree."""
    seen: str
    payments: tuple[PaymentRow, ...]
    fees: tuple[FeeRow, ...]
    """What Stripe kept of the payments."""
    zone: str
    which_stripe: str
    is_overdue: bool
    may_finalize: bool
    corrections: Corrections | None
    """Of an invoice with a number: what became of its amount, and the ways to correct it."""

    @property
    def next_step(self) -> str:
        """What to do with an open invoice now."""
        if self.outlook is None or not self.outlook.same or not self.lines:
            return "What it was drafted from has changed. Update the draft: what is settled goes on it, the rest waits."
        if self.invoice.state == "draft":
            return "Look through the lines; each opens its entries. The facility sees nothing before it is final."
        if not self.may_finalize:
            return "It is reviewed. Somebody who may finalise invoices sends it."
        return "It is reviewed. Finalising gives it its number, books it and sends it to the facility."

    @property
    def on_its_way(self) -> bool:
        """Finalised, and nothing has gone wrong: the page looks again by itself."""
        return self.invoice.state == "finalized" and not self.invoice.stripe_problem.strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePage(Page):
    template: ClassVar[str] = "desk/invoices/line.html"
    surface: ClassVar[str] = "desk"

    invoice: InvoiceHead
    line: LineRow
    pieces: tuple[PieceRow, ...]
    zone_name: str
    credited: Mapping[UUID, int]
    """What credit notes took back of single entries."""
    may_credit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkPage(Page):
    template: ClassVar[str] = "desk/invoices/work.html"
    surface: ClassVar[str] = "desk"

    facility: FacilityWork
    zone: str
    zone_name: str
    start_on: date
    end_on: date
    period: str
    approved: tuple[WorkRow, ...]
    held: tuple[WorkRow, ...]


def periods(today: date, start_on: date, end_on: date) -> tuple[Link, ...]:
    """This month up to today, last month."""
    first = today.replace(day=1)
    before = first - timedelta(days=1)
    choices = ((f"{today:%B} up to today", first, today), (f"{before:%B}", before.replace(day=1), before))
    return tuple(
        Link(label, f"/desk/invoices?start_on={start}&end_on={end}", (start, end) == (start_on, end_on))
        for label, start, end in choices
    )


def tabs(totals: Sequence[StateTotal], state: str, period: str) -> tuple[Link, ...]:
    """One view per state that has invoices."""
    counts = dict.fromkeys(STATE_WORDS, 0)
    for total in totals:
        counts[total.state] += total.count
        counts[""] += total.count
    return tuple(
        Link(words, f"/desk/invoices?state={code}&{period}#all", code == state, counts[code])
        for code, words in STATE_WORDS.items()
        if counts[code] or code in ("", state)
    )


def sums(totals: Sequence[StateTotal], state: str) -> tuple[str, ...]:
    """What the invoices of `state` (or all that were not withdrawn) come to, per currency."""
    by_currency: dict[str, int] = {}
    for total in totals:
        if total.state == state or (not state and total.state != "void"):
            by_currency[total.currency] = by_currency.get(total.currency, 0) + total.total_minor
    return tuple(money(minor, currency) for currency, minor in sorted(by_currency.items()))


def chosen_state(text: str) -> str:
    """The state in the address. Raises `NotFound` for one that does not exist."""
    if text not in STATE_WORDS:
        raise NotFound
    return text


def history(invoice: InvoiceHead, zone: str, *, overdue: bool) -> tuple[tuple[str, str, str], ...]:
    """The invoice's life as a line of dates, in the reader's zone: what was, what is next."""
    steps = [
        ("Drafted", _when(invoice.drafted_at, invoice.drafted_by, zone)),
        ("Reviewed", _when(invoice.reviewed_at, invoice.reviewed_by, zone)),
        ("Finalised", _when(invoice.finalized_at, invoice.finalized_by, zone)),
        ("Sent", _when(invoice.sent_at, None, zone)),
        ("Paid", _when(invoice.paid_at, None, zone)),
    ]
    if invoice.voided_at is not None:
        done = [step for step in steps if step[1]]
        return (*((*step, "done") for step in done), ("Withdrawn", _when(invoice.voided_at, None, zone), "bad"))
    shown = []
    for place, (label, when) in enumerate(steps):
        is_next = not when and all(before[1] for before in steps[:place])
        state = "done" if when else "now" if is_next else "next"
        if label == "Paid" and not when and invoice.due_on is not None:
            shown.append((label, f"due {date_text(invoice.due_on)}", "bad" if overdue else state))
        else:
            shown.append((label, when or ("next" if is_next else "not yet"), state))
    return tuple(shown)


def beside(invoice: InvoiceHead, booked: Standing) -> tuple[tuple[str, str, str, bool], ...]:
    """What our ledger says and what Stripe said when it was last asked; empty before Stripe has all of the invoice.

    While it is a draft there its lines are still being sent: that half of it is missing is no difference.
    """
    if invoice.stripe_status in (None, "draft") or invoice.stripe_total_minor is None or invoice.stripe_paid_minor is None:
        return ()
    currency = invoice.currency
    return (
        (
            "Invoiced",
            money(booked.invoiced_minor, currency),
            money(invoice.stripe_total_minor, currency),
            booked.invoiced_minor == invoice.stripe_total_minor,
        ),
        (
            "Paid",
            money(booked.paid_minor, currency),
            money(invoice.stripe_paid_minor, currency),
            booked.paid_minor == invoice.stripe_paid_minor,
        ),
        (
            "State",
            STATE_WORDS[invoice.state].lower(),
            invoice.stripe_status,
            invoice.stripe_status in STATES_AT_STRIPE.get(invoice.state, ()),
        ),
    )


def clock_name(zone: str, instants: Iterable[datetime]) -> str:
    """What the facility's clock is called at these instants: `EST`, or `EDT, EST` where it changes between them."""
    return ", ".join(dict.fromkeys(zone_label(zone, instant) for instant in instants))


def _when(instant: datetime | None, by: str | None, zone: str) -> str:
    if instant is None:
        return ""
    return day(instant, zone) + (f" · {by}" if by else "")
