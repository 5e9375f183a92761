"""Lines for what did not happen as planned: bookings called off late, coordinators hired away."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar
from zoneinfo import ZoneInfo

from billing.local_time import months_after
from billing.money import amount_for, round_half_up
from billing.rates import CancellationKind, Contract, ConversionFee, LateCancellation, ReducedBy, RoundingRule
from billing.rates.checks import product
from billing.rating.entries import Cancellation, Hire, InvalidEntry
from billing.rating.lines import CONVERSION, LATE_CANCELLATION, Applied, Figure, Held, Line
from billing.rating.periods import amount_line
from billing.rating.pieces import cut
from billing.rating.prices import bill_price
from billing.rating.working import Agreed, agreed_for

_HUNDREDTH = Decimal("0.01")

Given = TypeVar("Given")


def clause_for(clauses: Iterable[LateCancellation], notice: timedelta) -> LateCancellation | None:
    """The clause that a cancellation with so much notice falls under: of those with a longer window, the shortest.

    Notice of exactly the window is in time. Notice counts in elapsed time, also when clocks change in between.
    """
    late = [clause for clause in clauses if notice < timedelta(minutes=clause.window_minutes)]
    return min(late, key=lambda clause: clause.window_minutes, default=None)


def cancellation_lines(
    cancellations: Iterable[Cancellation], contract: Contract, zone: ZoneInfo, currency: str
) -> tuple[list[Line], list[Held]]:
    """The lines of bookings that were called off late, and those that cannot be priced."""
    lines: list[Line] = []
    held: list[Held] = []
    for booking in sorted(cancellations, key=lambda booking: (booking.start, booking.id)):
        agreed = agreed_for(contract, booking.start, booking.service, booking.level, zone, currency)
        if isinstance(agreed, str):
            held.append(Held(booking.id, agreed))
            continue
        clause = clause_for(agreed.card.late_cancellation, booking.start - booking.cancelled_at)
        if clause is not None:
            lines += _lines(booking, clause, agreed, zone, currency)
    return lines, held


def _lines(booking: Cancellation, clause: LateCancellation, agreed: Agreed, zone: ZoneInfo, currency: str) -> list[Line]:
    figures: tuple[Figure, ...] = (
        Figure("clause", clause.kind.value),
        Figure("window_minutes", clause.window_minutes),
        Figure("notice_seconds", int((booking.start - booking.cancelled_at).total_seconds())),
    )
    if clause.kind is CancellationKind.FLAT:
        amount = clause.amount_minor or 0
        line = amount_line(LATE_CANCELLATION, amount, figures, booking.coordinator, booking.service, booking.id)
        return [line] if amount else []
    if clause.kind is CancellationKind.NONE:
        return []
    percent = Decimal(100) if clause.percent is None else clause.percent
    figures += (Figure("percent", str(percent)),) if clause.kind is CancellationKind.PERCENT else ()
    left = None if clause.minutes is None else clause.minutes * 60
    seconds: dict[tuple[str, Decimal, tuple[Applied, ...]], int] = {}
    for piece in cut(booking, agreed.card, zone):
        price = bill_price(piece, agreed.card, agreed.rate)
        charged = piece.seconds if left is None else min(left, piece.seconds)
        left = None if left is None else left - charged
        kind = f"{LATE_CANCELLATION}+{price.kind}" if price.applied else LATE_CANCELLATION
        key = (kind, product(price.per_hour, percent, _HUNDREDTH), price.applied)
        seconds[key] = seconds.get(key, 0) + charged
    return [
        Line(
            booking.service, booking.coordinator, kind, some, unit_rate, amount_for(some, unit_rate, currency).minor, (),
            level=agreed.level, base_rate=agreed.rate.bill_per_hour, applied=applied, rounding=RoundingRule(), figures=figures,
            reference=booking.id, version=agreed.version,
        )
        for (kind, unit_rate, applied), some in sorted(seconds.items(), key=lambda item: item[0][0])
        if some and unit_rate
    ]  # fmt: skip


def conversion_lines(hires: Iterable[Hire], contract: Contract, currency: str) -> tuple[list[Line], list[Held]]:
    """The fee for each coordinator hired away, and hires for which nothing is agreed."""
    lines: list[Line] = []
    held: list[Held] = []
    for hire in sorted(hires, key=lambda hire: (hire.hired_on, hire.id)):
        version = contract.in_force(hire.hired_on)
        clause = None if version is None else contract.cards[version].card.conversion_fee
        if clause is None:
            held.append(Held(hire.id, f"No conversion fee is agreed on {hire.hired_on}."))
            continue
        amount, figures = conversion_fee(hire, clause)
        if amount:
            lines.append(amount_line(CONVERSION, amount, figures, hire.coordinator, reference=hire.id, version=version or 0))
    return lines, held


def conversion_fee(hire: Hire, clause: ConversionFee) -> tuple[int, tuple[Figure, ...]]:
    """The fee in minor units, rounded once, and what it was worked out from.

    Raises `InvalidEntry` when the hire does not say what the clause counts.
    """
    figures: list[Figure] = []
    if clause.percent_of_salary is not None:
        salary = _needed(hire, "salary_minor", hire.salary_minor)
        full = Fraction(salary) * Fraction(clause.percent_of_salary) / 100
        figures += [Figure("salary_minor", salary), Figure("percent_of_salary", str(clause.percent_of_salary))]
    else:
        full = Fraction(clause.amount_minor or 0)
        figures.append(Figure("full_fee_minor", clause.amount_minor or 0))
    gone = Fraction(0)
    if clause.reduced_by is ReducedBy.MONTHS and clause.free_after_months:
        months = full_months(_needed(hire, "first_worked_on", hire.first_worked_on), hire.hired_on)
        gone = Fraction(months, clause.free_after_months)
        figures += [Figure("months_worked", months), Figure("free_after_months", clause.free_after_months)]
    if clause.reduced_by is ReducedBy.HOURS and clause.free_after_minutes:
        minutes = _needed(hire, "worked_minutes", hire.worked_minutes)
        gone = Fraction(minutes, clause.free_after_minutes)
        figures += [Figure("minutes_worked", minutes), Figure("free_after_minutes", clause.free_after_minutes)]
    return round_half_up(full * max(Fraction(0), 1 - gone)), tuple(figures)


def full_months(first: date, until: date) -> int:
    """How many full months lie between two days: 31 January to 28 February is one, to 27 February none."""
    months = (until.year - first.year) * 12 + until.month - first.month
    return months if months_after(first, months) <= until else months - 1


def _needed(hire: Hire, name: str, value: Given | None) -> Given:
    if value is None:
        raise InvalidEntry(f"Hire {hire.id}: the conversion fee needs its {name}.")
    return value
