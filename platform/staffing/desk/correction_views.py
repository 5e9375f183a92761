"""What the desk's pages of corrections show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from billing.money import Money
from staffing.contracts.amounts import money_text
from staffing.crediting.queries import NoteRow
from staffing.crediting.service import LONGEST_REASON, why_not
from staffing.crediting.standing import Standing
from staffing.invoicing import lifecycle
from staffing.invoicing.lifecycle import Step
from staffing.invoicing.queries import InvoiceHead
from staffing.payments.corrections import OVERPAID, PAID_TWICE
from staffing.payments.refund_requests import Refundable
from staffing.web.forms import Field, Typed
from staffing.web.pages import Fragment, Page

REFUND_REASON_WORDS: Mapping[str, str] = {PAID_TWICE: "Paid twice", OVERPAID: "More came in than is owed"}


@dataclass(frozen=True, slots=True)
class End:
    """One of the two ways in which an invoice ends without being paid."""

    path: str
    title: str
    step: Step
    button: str


WITHDRAW = End("withdraw", "Withdraw the invoice", Step.VOID, "Withdraw")
WRITE_OFF = End("write-off", "Write off what is owed", Step.WRITE_OFF, "Write off")


@dataclass(frozen=True, slots=True, kw_only=True)
class EndPage(Page):
    template: ClassVar[str] = "desk/credit_notes/end.html"
    surface: ClassVar[str] = "desk"

    invoice: InvoiceHead
    end: End
    why_not: str
    sentence: str
    confirm_label: str
    reason: Field
    longest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPage(Page):
    template: ClassVar[str] = "desk/credit_notes/refund.html"
    surface: ClassVar[str] = "desk"

    invoice: InvoiceHead
    over_minor: int
    form_id: str
    payment: Field
    amount: Field
    reason: Field

    @property
    def possible(self) -> bool:
        return self.over_minor > 0 and bool(self.payment.options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrections(Fragment):
    """The part of an invoice's page about its money and its corrections."""

    template: ClassVar[str] = "desk/credit_notes/_corrections.html"

    invoice: InvoiceHead
    standing: Standing
    overpaid_minor: int
    kept_minor: int
    notes: tuple[NoteRow, ...]
    because: str
    zone: str
    may_credit: bool
    may_withdraw: bool
    may_write_off: bool
    may_refund: bool

    @property
    def can_credit(self) -> bool:
        return self.may_credit and not why_not(self.invoice.state) and self.standing.credited_minor < self.invoice.total_minor

    @property
    def can_withdraw(self) -> bool:
        return self.may_withdraw and lifecycle.possible(self.invoice.state, Step.VOID) and self._untouched

    @property
    def can_write_off(self) -> bool:
        return self.may_write_off and self.invoice.state == "sent" and self.standing.owed_minor > 0

    @property
    def can_refund(self) -> bool:
        return self.may_refund and self.overpaid_minor > 0

    @property
    def _untouched(self) -> bool:
        now = self.standing
        return not (now.paid_minor or now.credited_minor or now.used_minor or now.written_off_minor or now.refunded_minor)

    @property
    def has_story(self) -> bool:
        """Whether there is more to say of the amount than that it was invoiced."""
        return not self._untouched


def seen(sent: Typed) -> int:
    """The version of the invoice that the page showed; 0, which none has, when the form does not say."""
    text = sent.text("version")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def end_page(end: End, invoice: InvoiceHead, now: Standing, sent: Typed, errors: Mapping[str, str]) -> EndPage:
    """The question, in words with the amount."""
    owed = money_text(max(now.owed_minor, 0), invoice.currency)
    if end is WITHDRAW:
        sentence = (
            f"{invoice.number} over {money_text(invoice.total_minor, invoice.currency)} is taken back as a whole:"
            f" {invoice.facility_name} owes nothing on it, and its entries can go on another invoice. It keeps its number."
        )
    else:
        sentence = (
            f"{owed} that {invoice.facility_name} owes on {invoice.number} is booked as a loss, and nobody is reminded any more."
            " The invoice can still be paid later; the payment then undoes the loss."
        )
    hint = (
        "The facility reads this sentence." if end is WITHDRAW else "For the agency's own books; the facility does not read it."
    )
    return EndPage(
        title=f"{end.title} {invoice.number}" if end is WITHDRAW and invoice.number else end.title,
        section="/desk/invoices",
        invoice=invoice,
        end=end,
        why_not=_why_not(end, invoice, now),
        sentence=sentence,
        confirm_label=f"{end.button} {invoice.number}" if end is WITHDRAW else f"{end.button} {owed}",
        reason=sent.field("reason", "Why", errors=errors, required=True, hint=hint),
        longest=LONGEST_REASON,
    )


def refund_page(
    invoice: InvoiceHead, over_minor: int, found: Sequence[Refundable], sent: Typed, errors: Mapping[str, str]
) -> RefundPage:
    """Only what came in beyond what is owed; anything else takes a credit note."""
    options = [
        (
            str(one.payment_id),
            f"{one.method_label or 'Payment'}, {money_text(one.left_minor, invoice.currency)} of it not refunded",
        )
        for one in found
    ]
    given = dict(sent.data)
    if options and not sent.text("payment"):
        given["payment"] = (options[0][0],)
    if "amount" not in given and found:
        given["amount"] = (str(Money(min(over_minor, found[0].left_minor), invoice.currency).major),)
    shown = Typed(given)
    return RefundPage(
        title="Send back what is too much",
        section="/desk/invoices",
        invoice=invoice,
        over_minor=over_minor,
        form_id=sent.text("form_id"),
        payment=shown.field("payment", "From which payment", errors=errors, required=True, options=options),
        amount=shown.field("amount", "Amount", errors=errors, required=True),
        reason=shown.field("reason", "Why", errors=errors, required=True, options=REFUND_REASON_WORDS.items()),
    )


def _why_not(end: End, invoice: InvoiceHead, now: Standing) -> str:
    if invoice.number is None:
        return "This invoice is not final yet. Withdraw the draft on its own page."
    if not lifecycle.possible(invoice.state, end.step):
        return lifecycle.why_not(invoice.state)
    if end is WITHDRAW and (now.paid_minor or now.credited_minor or now.used_minor):
        return "Something of this invoice is paid or credited already. Correct it with a credit note."
    if end is WRITE_OFF and invoice.state == "finalized":
        return "It is on its way to Stripe. It can be written off as soon as it is there."
    if end is WRITE_OFF and now.owed_minor <= 0:
        return "Nothing is owed on this invoice: there is nothing to write off."
    return ""
