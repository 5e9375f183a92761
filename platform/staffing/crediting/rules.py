"""What a credit note takes back of an invoice's lines, to the cent. Pure.

Parts are always taken cumulatively: what is due up to here, rounded half up, less what was taken before. However a line is taken
back, by amounts, by minutes or entry by entry, the parts of all of it are together exactly the line and its tax.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from billing.money import minor_digits, round_half_up
from billing.taxes import TaxRate, TaxRule, taxes
from staffing.contracts.amounts import money_text, plain

MOST_DECIMALS = 4
"""Of minutes, as the database keeps them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be taken back of a line: an amount in minor units (without a tax that comes on top), minutes of its billed time,
    or, with neither, all that is left of it. With an entry: that entry's share of the line, or an amount of it.
    """

    line_id: UUID
    amount_minor: int | None = None
    minutes: Decimal | None = None
    entry_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class LineLeft:
    """A line of an invoice and what earlier credit notes took of it."""

    id: UUID
    amount_minor: int
    billed_minutes: Decimal
    taxes: tuple[int, ...]
    """Per tax rate, what it comes to on this line."""
    credited_minor: int = 0
    credited_minutes: Decimal = Decimal(0)

    @property
    def left_minor(self) -> int:
        return max(self.amount_minor - self.credited_minor, 0)

    @property
    def left_minutes(self) -> Decimal:
        return max(self.billed_minutes - self.credited_minutes, Decimal(0))

    def tax_on(self, amount_minor: int) -> int:
        """The tax that goes with the next `amount_minor` of this line."""
        return sum(part(tax, self.credited_minor, amount_minor, self.amount_minor) for tax in self.taxes)


@dataclass(frozen=True, slots=True)
class Taken:
    """A line of a credit note to be."""

    line_id: UUID
    entry_id: UUID | None
    minutes: Decimal | None
    amount_minor: int
    tax_minor: int


class TooMuch(ValueError):
    """More than there is, or nothing at all; the message is a sentence for the person who asked for it."""

    def __init__(self, line_id: UUID, sentence: str) -> None:
        super().__init__(sentence)
        self.line_id = line_id


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a credit note does, in minor units: `total = applied + refund + balance`."""

    subtotal_minor: int
    tax_minor: int
    applied_minor: int
    """Lowers what is still owed on the invoice."""
    refund_minor: int
    """Was paid already and goes back."""
    balance_minor: int
    """Was paid already and is kept for the next invoices."""

    @property
    def total_minor(self) -> int:
        return self.subtotal_minor + self.tax_minor


def part(whole: int, before: Fraction | Decimal | int, amount: Fraction | Decimal | int, of: Fraction | Decimal | int) -> int:
    """The share of `whole` that belongs to `amount` out of `of`, after `before` of it: cumulative, each sum rounded half up."""
    up_to = Fraction(before) + Fraction(amount)
    scale = Fraction(whole) / Fraction(of)
    return round_half_up(scale * up_to) - round_half_up(scale * Fraction(before))


def line_taxes(amounts: Sequence[int], tax_rates: Iterable[Mapping[str, Any]], currency: str) -> list[tuple[int, ...]]:
    """What each rate of the invoice comes to on each of its lines (`amounts`); together its tax to the cent."""
    rates = list(tax_rates)
    by_rate = [_of_rate(amounts, rates, place, currency) for place in range(len(rates))]
    return [tuple(of_rate[number] for of_rate in by_rate) for number in range(len(amounts))]


def _of_rate(amounts: Sequence[int], rates: Sequence[Mapping[str, Any]], place: int, currency: str) -> list[int]:
    # Rates inside the price share it, so each is worked out in the company of the others.
    rule = TaxRule(
        tuple(TaxRate(str(rate["name"]), Decimal(rate["percent"])) for rate in rates),
        inclusive=any(rate["inclusive"] for rate in rates),
    )
    on_lines = [taxes([amount], currency, rule)[place].tax.minor for amount in amounts]
    stored = int(rates[place]["tax_minor"])
    if sum(on_lines) == stored:
        return on_lines
    # Rounded once on the invoice: each line has the next part of it.
    found, before, whole = [], 0, sum(amounts)
    for amount in amounts:
        found.append(part(stored, before, amount, whole) if whole else 0)
        before += amount
    return found


def entry_shares(amount_minor: int, pieces: Iterable[tuple[UUID, int]]) -> dict[UUID, int]:
    """What each entry has of a line's amount by its raw seconds. `pieces`: entry and seconds, in the order of the work.

    The last has what rounding left over.
    """
    ordered = list(pieces)
    whole = sum(seconds for _, seconds in ordered)
    shares: dict[UUID, int] = {}
    before = 0
    for entry_id, seconds in ordered:
        share = part(amount_minor, before, seconds, whole) if whole else 0
        shares[entry_id] = shares.get(entry_id, 0) + share
        before += seconds
    return shares


def take(
    lines: Mapping[UUID, LineLeft], asked: Iterable[Asked], entries_left: Mapping[tuple[UUID, UUID], int], currency: str
) -> tuple[Taken, ...]:
    """The lines of a credit note. `entries_left`: by line and entry, what of the entry's share is not credited yet.

    Raises `TooMuch` for the first that asks for more than there is, or for nothing.
    """
    left, of_entries = dict(lines), dict(entries_left)
    found = []
    for one in asked:
        line = left[one.line_id]
        amount = _wanted(line, one, of_entries, currency)
        if amount <= 0:
            raise TooMuch(line.id, "Nothing of this line is left to credit." if not line.left_minor else "This comes to nothing.")
        if amount > line.left_minor:
            raise TooMuch(line.id, f"Only {money_text(line.left_minor, currency)} of this line is left to credit.")
        tax = line.tax_on(amount)
        found.append(Taken(line.id, one.entry_id, one.minutes, amount, tax))
        left[line.id] = replace(
            line,
            credited_minor=line.credited_minor + amount,
            credited_minutes=line.credited_minutes + (one.minutes or 0),
        )
        if one.entry_id is not None:
            of_entries[line.id, one.entry_id] -= amount
    return tuple(found)


def _wanted(line: LineLeft, one: Asked, entries_left: Mapping[tuple[UUID, UUID], int], currency: str) -> int:
    if one.entry_id is not None:
        share = entries_left.get((line.id, one.entry_id), 0)
        amount = share if one.amount_minor is None else one.amount_minor
        if amount > share:
            raise TooMuch(line.id, f"Only {money_text(share, currency)} of this line is this entry's and not credited yet.")
        return amount
    if one.amount_minor is not None:
        return one.amount_minor
    if one.minutes is None:
        return line.left_minor
    if one.minutes <= 0:
        raise TooMuch(line.id, "Please give more than 0 minutes.")
    if one.minutes > line.left_minutes:
        raise TooMuch(line.id, f"Only {plain(line.left_minutes)} minutes of this line are left to credit.")
    return part(line.amount_minor, line.credited_minutes, one.minutes, line.billed_minutes)


def settle(taken: Iterable[Taken], *, inclusive: bool, owed_minor: int, refund: bool) -> Outcome:
    """What the credit note does: first it lowers what is still owed, the rest goes back or is kept."""
    lines = list(taken)
    amount, tax = sum(line.amount_minor for line in lines), sum(line.tax_minor for line in lines)
    subtotal = amount - tax if inclusive else amount
    applied = min(subtotal + tax, max(owed_minor, 0))
    rest = subtotal + tax - applied
    return Outcome(subtotal, tax, applied, rest if refund else 0, 0 if refund else rest)


def minor_of(text: str, currency: str) -> int | None:
    """What a person typed as an amount: `18.20`, `$1,234.50`. None when it is none, or has more decimals than the currency."""
    number = text.strip().removeprefix("$").replace(",", "").replace(" ", "")
    digits = minor_digits(currency)
    whole, _, decimals = number.partition(".")
    if not (whole + decimals).isascii() or not (whole + decimals).isdecimal() or len(whole) > 9 or len(decimals) > digits:
        return None
    return int(Decimal(number).scaleb(digits))


def minutes_of(text: str) -> Decimal | None:
    """What a person typed as minutes: `90`, `7.5`. None when it is none."""
    number = text.strip()
    whole, _, decimals = number.partition(".")
    if not (whole + decimals).isascii() or not (whole + decimals).isdecimal() or len(whole) > 7 or len(decimals) > MOST_DECIMALS:
        return None
    return Decimal(number)
