"""What the desk's pages of receivables show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar
from uuid import UUID

from staffing.dunning.reading import SentRow
from staffing.dunning.terms import Terms
from staffing.facilities.queries import FacilityRow
from staffing.invoicing.models import Collection
from staffing.reporting.receivables import AGE_WORDS, AgedRow, OwedInvoice, totals
from staffing.reporting.statements import Statement
from staffing.web.formatting import money
from staffing.web.forms import Field, Typed
from staffing.web.pages import Page

COLLECTION_WORDS = (
    (Collection.SEND_INVOICE.value, "The facility pays each invoice itself"),
    (Collection.CHARGE_AUTOMATICALLY.value, "Its saved way to pay is charged by itself"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivablesPage(Page):
    template: ClassVar[str] = "desk/receivables/list.html"
    surface: ClassVar[str] = "desk"

    rows: tuple[AgedRow, ...]
    today: date
    announced: tuple[str, ...]
    """Facilities whose pause is announced and has not come yet."""

    @property
    def ages(self) -> tuple[str, ...]:
        return AGE_WORDS

    @property
    def columns(self) -> list[str | tuple[str, str]]:
        return ["Facility", *((words, "num") for words in AGE_WORDS), ("Together", "num")]

    @property
    def foot(self) -> list[tuple[str, str]]:
        """The sum of each age and of all, per currency."""
        found = totals(self.rows)
        ages = [" + ".join(money(owed[age], currency) for currency, owed, _, _ in found) for age in range(len(AGE_WORDS))]
        together = " + ".join(money(minor, currency) for currency, _, minor, _ in found)
        return [("Total", ""), *((text, "num") for text in ages), (together, "num")]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedRow:
    """An unpaid invoice with what went out for it last."""

    invoice: OwedInvoice
    late: int
    last: SentRow | None
    may_remind: bool

    @property
    def late_words(self) -> str:
        if self.invoice.due_on is None:
            return "–"
        return f"{self.late} {'day' if self.late == 1 else 'days'}" if self.late else "not due yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPage(Page):
    template: ClassVar[str] = "desk/receivables/account.html"
    surface: ClassVar[str] = "desk"

    facility: FacilityRow
    owed: tuple[OwedRow, ...]
    history: tuple[SentRow, ...]
    numbers: Mapping[UUID, str]
    zone: str
    reminded_today: bool
    paused_since: str
    parked_because: str
    method: str
    may_write: bool
    terms_days: Field
    reminder_days: Field
    pause_after_days: Field
    collection: Field
    reason: Field

    @property
    def fields(self) -> tuple[Field, ...]:
        return (self.terms_days, self.reminder_days, self.pause_after_days, self.collection, self.reason)

    @property
    def sums(self) -> str:
        by_currency: dict[str, int] = {}
        for row in self.owed:
            by_currency[row.invoice.currency] = by_currency.get(row.invoice.currency, 0) + row.invoice.owed_minor
        return " + ".join(money(minor, currency) for currency, minor in sorted(by_currency.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementPage(Page):
    template: ClassVar[str] = "desk/receivables/statement.html"
    surface: ClassVar[str] = "desk"

    statement: Statement
    agency: str
    start_field: Field
    end_field: Field


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportsPage(Page):
    template: ClassVar[str] = "desk/exports.html"
    surface: ClassVar[str] = "desk"

    start_field: Field
    end_field: Field
    mark_field: Field
    query: str
    files: tuple[tuple[str, str, str], ...]


def terms_form(terms: Terms) -> Typed:
    """The form as it stands agreed."""
    return Typed.of(
        terms_days=terms.terms_days,
        reminder_days=days_text(terms.reminder_days),
        pause_after_days=terms.pause_after_days,
        collection=terms.collection,
    )


def days_text(days: Sequence[int]) -> str:
    return ", ".join(str(day) for day in days)
