"""From approved entries and dated rate cards to an invoice's lines. Pure: nothing is read or stored here.

Each entry is rated by the card in force on the facility's local day on which it began, so a change of prices inside a period
gives lines of both prices.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID, uuid5

from billing.rates import RateCard
from billing.rating import Line, WorkedEntry, rate
from staffing.catalogue import service_name
from staffing.errors import Invalid
from staffing.invoicing.errors import CurrenciesDiffer, RateMissing
from staffing.wall_clock import local_day

LONGEST_PERIOD = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class DatedCard:
    """A rate card and the local day from which it is in force."""

    valid_from: date
    currency: str
    card: RateCard


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an invoice would say now. Amounts in minor units of `currency`."""

    currency: str
    lines: tuple[Line, ...]

    @property
    def total_minor(self) -> int:
        return sum(line.amount_minor for line in self.lines)


def propose(entries: Sequence[WorkedEntry], cards: Sequence[DatedCard], time_zone: str, currency: str) -> Proposal:
    """The lines for `entries` of one facility.

    Raises `RateMissing`, naming every service and day for which no price is agreed, and `CurrenciesDiffer` when a card in force
    is in another currency than the facility pays in.
    """
    by_card: dict[date, list[WorkedEntry]] = {}
    missing: set[tuple[str, date]] = set()
    in_order = sorted(cards, key=lambda card: card.valid_from)
    for entry in entries:
        # Work belongs to the day of the facility's calendar on which it began.
        day = local_day(entry.start, time_zone)
        card = next((card for card in reversed(in_order) if card.valid_from <= day), None)
        if card is None or entry.service not in card.card.services:
            missing.add((entry.service, day))
        else:
            by_card.setdefault(card.valid_from, []).append(entry)
    if missing:
        raise _rate_missing(missing)
    lines: list[Line] = []
    for card in in_order:
        if card.valid_from in by_card:
            lines += _lines_of(by_card[card.valid_from], card, time_zone, currency)
    return Proposal(currency, tuple(sorted(lines, key=lambda line: (line.service, line.coordinator))))


def _lines_of(entries: list[WorkedEntry], card: DatedCard, time_zone: str, currency: str) -> tuple[Line, ...]:
    if card.currency != currency:
        raise CurrenciesDiffer(
            f"The prices in force from {day_text(card.valid_from)} are in {card.currency}, but this facility pays in {currency}."
            " Set both to one currency, then draft again."
        )
    rating = rate(entries, card.card, time_zone, currency)
    assert not rating.held, "only approved entries with a rate are rated here"
    return rating.lines


def _rate_missing(missing: set[tuple[str, date]]) -> RateMissing:
    first: dict[str, date] = {}
    for service, day in sorted(missing, key=lambda pair: (pair[1], pair[0])):
        first.setdefault(service, day)
    names = [f"{service_name(service)}, worked on {day_text(day)}" for service, day in first.items()]
    if len(names) == 1:
        return RateMissing(f"No rate is agreed for {names[0]}. Add it to the facility's rate card, then draft again.")
    return RateMissing(
        "No rate is agreed for some of the work. Add it to the facility's rate card, then draft again.", conflicts=tuple(names)
    )


def line_id(invoice_id: UUID, line: Line) -> UUID:
    """A line's id follows from what is on it: drafting the same work again gives the same line, never a second one."""
    return uuid5(invoice_id, line.key)


def check_period(start_on: date, end_on: date) -> None:
    """Raise `Invalid` for a period that cannot be invoiced."""
    if end_on < start_on:
        raise Invalid(end_on="The last day must not be before the first.")
    if end_on - start_on > LONGEST_PERIOD:
        raise Invalid(end_on="One invoice covers a year at most.")


def day_text(day: date) -> str:
    """4 Mar 2026."""
    return f"{day:%-d %b %Y}"


def period_text(start_on: date, end_on: date) -> str:
    """1–31 Mar 2026, or as much of both days as they do not share."""
    if start_on == end_on:
        return day_text(start_on)
    if (start_on.year, start_on.month) == (end_on.year, end_on.month):
        return f"{start_on.day}–{day_text(end_on)}"
    if start_on.year == end_on.year:
        return f"{start_on:%-d %b} – {day_text(end_on)}"
    return f"{day_text(start_on)} – {day_text(end_on)}"
