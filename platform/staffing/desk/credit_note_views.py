"""What the desk's pages of credit notes show, and what their form asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from staffing.crediting import words
from staffing.crediting.models import CreditReason
from staffing.crediting.queries import NoteLineRow, NoteRow, ToCredit
from staffing.crediting.rules import Asked, minor_of, minutes_of
from staffing.crediting.service import To
from staffing.errors import Invalid, NotFound
from staffing.invoicing.queries import InvoiceHead, LineRow
from staffing.payments.corrections import Preview
from staffing.payments.corrections_read import NoteRefund
from staffing.payments.refund_requests import Refundable
from staffing.web.forms import Field, Typed
from staffing.web.pages import Page
from staffing.web.zones import stretch
from staffing.worklog.rows import EntryRow


@dataclass(frozen=True, slots=True, kw_only=True)
class NotesPage(Page):
    template: ClassVar[str] = "desk/credit_notes/list.html"
    surface: ClassVar[str] = "desk"

    rows: tuple[NoteRow, ...]
    zone: str
    prev_href: str | None
    next_href: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotePage(Page):
    template: ClassVar[str] = "desk/credit_notes/show.html"
    surface: ClassVar[str] = "desk"

    note: NoteRow
    agency: str
    lines: tuple[NoteLineRow, ...]
    refunds: tuple[NoteRefund, ...]
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChoice:
    """A line of the invoice and how much of it is to be credited."""

    line: LineRow
    left_minor: int
    left_minutes: str
    """Whole minutes of its billed time; empty where the line has none. The seconds beyond them go with all of it."""
    whole: Field
    minutes: Field
    amount: Field

    @property
    def name(self) -> str:
        """The line in one phrase, for those who hear the page."""
        return ", ".join(filter(None, (self.line.service_name, self.line.kind_words, self.line.coordinator)))

    @property
    def error(self) -> str:
        return self.whole.error or self.minutes.error or self.amount.error


@dataclass(frozen=True, slots=True)
class EntryShare:
    """A line on which the entry to be credited stands, and what of it is the entry's."""

    line: LineRow
    share_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPage(Page):
    template: ClassVar[str] = "desk/credit_notes/new.html"
    surface: ClassVar[str] = "desk"

    invoice: InvoiceHead
    why_not: str
    form_id: str
    choices: tuple[LineChoice, ...]
    done: tuple[LineRow, ...]
    """Lines of which nothing is left."""
    entry: EntryRow | None
    entry_when: str
    shares: tuple[EntryShare, ...]
    settled: Field | None
    """Only for an entry in dispute: the sentence that ends it."""
    reason: Field
    to: Field | None
    """Only where something was paid: whether that goes back or is kept."""
    problem: str
    sentence: str
    """What happens, once the form says enough; empty before."""
    total_minor: int
    tax_minor: int
    seal: str
    left_minor: int

    @property
    def wrong(self) -> list[Field]:
        fields = [
            replace(field, label=f"{choice.name}, {field.label.lower()}")
            for choice in self.choices
            for field in (choice.whole, choice.minutes, choice.amount)
        ]
        return [*fields, self.reason, *([self.to] if self.to else []), *([self.settled] if self.settled else [])]


def asked_of(sent: Typed, lines: Sequence[LineRow]) -> list[Asked]:
    """What was chosen of each line. Raises `Invalid` naming each field that cannot be read."""
    found: list[Asked] = []
    errors: dict[str, str] = {}
    for line in lines:
        whole, minutes, amount = (sent.text(f"{name}-{line.id}").strip() for name in ("whole", "minutes", "amount"))
        if sum(map(bool, (whole, minutes, amount))) > 1:
            errors[f"line-{line.id}"] = "Choose one: all of it, minutes, or an amount."
        elif whole:
            found.append(Asked(line.id))
        elif minutes:
            read: Decimal | None = minutes_of(minutes)
            if read is None:
                errors[f"minutes-{line.id}"] = "Please give minutes as a number, such as 90 or 7.5."
            else:
                found.append(Asked(line.id, minutes=read))
        elif amount:
            minor = minor_of(amount, line.currency)
            if minor is None:
                errors[f"amount-{line.id}"] = "Please give an amount such as 18.20."
            else:
                found.append(Asked(line.id, minor))
    if errors:
        raise Invalid("Please look at the marked fields.", **errors)
    return found


def reason_of(sent: Typed) -> CreditReason:
    """Raises `Invalid` (`reason`)."""
    try:
        return CreditReason(sent.text("reason"))
    except ValueError:
        raise Invalid(reason="Please choose what it is for.") from None


def to_of(sent: Typed) -> To:
    """Raises `Invalid` (`to`)."""
    try:
        return To(sent.text("to") or To.BALANCE)
    except ValueError:
        raise Invalid(to="Please choose one of the options.") from None


def form_page(
    invoice: InvoiceHead,
    lines: Sequence[LineRow],
    facts: ToCredit,
    back: Sequence[Refundable],
    entry: EntryRow | None,
    sent: Typed,
    form_id: str,
    *,
    errors: Mapping[str, str],
    preview: Preview | None,
    problem: str = "",
) -> FormPage:
    """The form as typed, with what it would do."""
    left = facts.left
    shares = () if entry is None else _shares(lines, facts, entry.id)
    choices = () if entry else tuple(_choice(line, facts, sent, errors) for line in lines if left.lines[line.id].left_minor)
    plan = preview.plan if preview else None
    why_not = facts.why_not or ("" if entry is None or shares else "This entry is credited already.")
    return FormPage(
        title="Write a credit note",
        section="/desk/invoices",
        invoice=invoice,
        why_not=why_not,
        form_id=form_id,
        choices=choices,
        done=() if entry else tuple(line for line in lines if not left.lines[line.id].left_minor and line.amount_minor),
        entry=entry,
        entry_when=stretch(entry.start, entry.end, entry.facility_zone, with_day=True) if entry else "",
        shares=shares,
        settled=_settled(entry, sent, errors),
        reason=sent.field(
            "reason",
            "What it is for",
            errors=errors,
            required=True,
            options=words.REASON_WORDS.items(),
            hint="The facility reads it.",
        ),
        to=_to(facts, back, sent, errors),
        problem=problem or " ".join(sentence for name, sentence in errors.items() if name == "lines"),
        sentence=_sentence(invoice, preview) if preview else "",
        total_minor=plan.outcome.total_minor if plan else 0,
        tax_minor=plan.outcome.tax_minor if plan else 0,
        seal=plan.seal if plan else "",
        left_minor=left.left_minor,
    )


def asked_of_entry(facts: ToCredit, entry_id: UUID) -> list[Asked]:
    """The entry's share of every line on which it stands. Raises `NotFound` when it is on none of this invoice."""
    if all(entry != entry_id for _, entry in facts.left.entries):
        raise NotFound
    return [Asked(line_id, entry_id=entry_id) for line_id in facts.left.lines_of(entry_id)]


def _choice(line: LineRow, facts: ToCredit, sent: Typed, errors: Mapping[str, str]) -> LineChoice:
    left = facts.left.lines[line.id]
    names = {name: f"{name}-{line.id}" for name in ("whole", "minutes", "amount")}
    of_line = errors.get(f"line-{line.id}", "")
    # What is wrong with the line stands beside the field that was used, where it is one.
    used = next((name for name in ("minutes", "amount") if sent.text(names[name]).strip()), "whole")
    beside = {**errors, **({names[used]: of_line} if of_line else {})}
    return LineChoice(
        line=line,
        left_minor=left.left_minor,
        left_minutes=str(int(left.left_minutes)) if left.left_minutes >= 1 else "",
        whole=sent.field(names["whole"], "All of it", errors=beside),
        minutes=sent.field(names["minutes"], "Minutes", errors=beside),
        amount=sent.field(names["amount"], "Amount", errors=beside),
    )


def _shares(lines: Sequence[LineRow], facts: ToCredit, entry_id: UUID) -> tuple[EntryShare, ...]:
    found = ((line, facts.left.entries.get((line.id, entry_id), 0)) for line in lines)
    return tuple(EntryShare(line, share) for line, share in found if share > 0)


def _settled(entry: EntryRow | None, sent: Typed, errors: Mapping[str, str]) -> Field | None:
    if entry is None or not entry.in_dispute:
        return None
    hint = "The facility and the coordinator read this sentence. It ends the dispute."
    return sent.field("settled", "How it was settled", errors=errors, required=True, hint=hint)


def _to(facts: ToCredit, back: Sequence[Refundable], sent: Typed, errors: Mapping[str, str]) -> Field | None:
    if facts.standing.paid_minor + facts.standing.used_minor <= 0:
        return None
    keep = (To.BALANCE.value, "Keep it as credit for the next invoices")
    options = [keep]
    if back:
        labels = dict.fromkeys(one.method_label for one in back if one.method_label)
        options.insert(0, (To.REFUND.value, "Send it back" + (f": {' and '.join(labels)}" if labels else "")))
    chosen = sent if sent.text("to") else Typed({**sent.data, "to": (options[0][0],)})
    return chosen.field(
        "to", "What was paid already", errors=errors, required=True, options=options, hint="What is still owed is lowered first."
    )


def _sentence(invoice: InvoiceHead, preview: Preview) -> str:
    labels = [one.method_label for one, _ in preview.back]
    plan = preview.plan
    return words.outcome(plan.outcome, plan.left_minor, invoice.facility_name, invoice.number or "", invoice.currency, labels)
