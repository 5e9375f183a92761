"""Late cancellations and conversion fees."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest

from billing.rates import (
    CancellationKind,
    Contract,
    ConversionFee,
    DatedCard,
    LateCancellation,
    Night,
    RateCard,
    ReducedBy,
    ServiceRate,
)
from billing.rating import Cancellation, Hire, InvalidEntry, Line, conversion_fee, rate
from billing.rating.fees import full_months

RATES = {"care": ServiceRate(Decimal(48))}
NIGHT = Night(time(22), time(6), Decimal("1.25"))


def booking(notice: timedelta, start: str = "2026-11-05T09:00:00-06:00", hours: int = 4) -> Cancellation:
    begins = datetime.fromisoformat(start)
    return Cancellation("x", "c1", "care", begins, begins + timedelta(hours=hours), begins - notice)


def lines(called_off: Cancellation, *clauses: LateCancellation) -> tuple[Line, ...]:
    card = RateCard(RATES, premiums=(NIGHT,), late_cancellation=clauses)
    return rate([], card, "America/Chicago", "USD", cancellations=[called_off]).lines


@pytest.mark.parametrize(
    ("seconds", "late"), [(24 * 3600, False), (24 * 3600 - 1, True), (0, True), (-3600, True), (40 * 3600, False)]
)
def test_notice_of_exactly_the_window_is_in_time(seconds: int, late: bool) -> None:
    full = LateCancellation(CancellationKind.FULL, 1440)
    assert bool(lines(booking(timedelta(seconds=seconds)), full)) is late


def test_notice_is_elapsed_time_also_over_a_change_of_the_clocks() -> None:
    # Saturday 09:30 to Sunday 09:00 is 23.5 h on the wall, but the clocks go back in between: 24.5 h.
    begins = datetime.fromisoformat("2026-11-01T09:00:00-06:00")
    called_off = Cancellation(
        "x", "c1", "care", begins, begins + timedelta(hours=1), datetime.fromisoformat("2026-10-31T09:30:00-05:00")
    )
    assert lines(called_off, LateCancellation(CancellationKind.FULL, 1440)) == ()


@pytest.mark.parametrize(
    ("clause", "expected"),
    [
        (LateCancellation(CancellationKind.NONE, 1440), []),
        (LateCancellation(CancellationKind.HOURS, 1440, minutes=90), [("late_cancellation", 5400, 7200)]),
        (
            LateCancellation(CancellationKind.HOURS, 1440, minutes=180),
            [("late_cancellation", 7200, 9600), ("late_cancellation+night", 3600, 6000)],
        ),
        (
            LateCancellation(CancellationKind.HOURS, 1440, minutes=600),
            [("late_cancellation", 7200, 9600), ("late_cancellation+night", 7200, 12000)],
        ),
        (LateCancellation(CancellationKind.FLAT, 1440, amount_minor=7500), [("late_cancellation", 0, 7500)]),
        (LateCancellation(CancellationKind.FLAT, 1440, amount_minor=0), []),
        (
            LateCancellation(CancellationKind.PERCENT, 1440, percent=Decimal("12.5")),
            [("late_cancellation", 7200, 1200), ("late_cancellation+night", 7200, 1500)],
        ),
        (LateCancellation(CancellationKind.PERCENT, 1440, percent=Decimal(0)), []),
        (
            LateCancellation(CancellationKind.FULL, 1440),
            [("late_cancellation", 7200, 9600), ("late_cancellation+night", 7200, 12000)],
        ),
    ],
)
def test_each_kind_over_the_border_of_a_premium(clause: LateCancellation, expected: list[tuple[str, int, int]]) -> None:
    """20:00 to 24:00 at 48.00: two hours by day, two by night at 60.00."""
    found = lines(booking(timedelta(hours=1), "2026-11-05T20:00:00-06:00"), clause)
    assert [(line.kind, line.seconds, line.amount_minor) for line in found] == expected
    assert all(line.reference == "x" and line.coordinator == "c1" and not line.entries for line in found)


def test_a_late_cancellation_counts_towards_the_minimum_and_a_conversion_does_not() -> None:
    card = RateCard(
        RATES,
        guaranteed_minimum_minor=20000,
        late_cancellation=(LateCancellation(CancellationKind.FULL, 1440),),
        conversion_fee=ConversionFee(amount_minor=100000),
    )
    hire = Hire("h", "c1", date(2026, 11, 20))
    rating = rate([], card, "America/Chicago", "USD", cancellations=[booking(timedelta(0), hours=1)], hires=[hire])
    assert [(line.kind, line.amount_minor) for line in rating.lines] == [
        ("late_cancellation", 4800),
        ("true_up", 15200),
        ("conversion", 100000),
    ]


def test_what_has_no_price_is_held() -> None:
    odd = replace(booking(timedelta(hours=1)), service="cooking")
    rating = rate([], RateCard(RATES), "America/Chicago", "USD", cancellations=[odd], hires=[Hire("h", "c1", date(2026, 11, 20))])
    assert [held.id for held in rating.held] == ["x", "h"]
    assert rating.total_minor == 0
    contract = Contract((DatedCard(RateCard(RATES), date(2026, 12, 1)),))
    assert "No rate card" in rate([], contract, "UTC", "USD", cancellations=[booking(timedelta(0))]).held[0].reason


@pytest.mark.parametrize(
    ("first", "until", "months"),
    [
        ("2026-01-15", "2026-07-14", 5),
        ("2026-01-15", "2026-07-15", 6),
        ("2026-01-31", "2026-02-28", 1),
        ("2026-01-31", "2026-02-27", 0),
        ("2024-02-29", "2025-02-28", 12),
        ("2026-01-15", "2026-01-15", 0),
    ],
)
def test_full_months(first: str, until: str, months: int) -> None:
    assert full_months(date.fromisoformat(first), date.fromisoformat(until)) == months


@pytest.mark.parametrize(
    ("clause", "amount"),
    [
        (ConversionFee(amount_minor=100000), 100000),
        (ConversionFee(percent_of_salary=Decimal(25)), 1050000),
        (ConversionFee(percent_of_salary=Decimal(25), reduced_by=ReducedBy.MONTHS, free_after_months=12), 612500),
        (ConversionFee(amount_minor=100000, reduced_by=ReducedBy.MONTHS, free_after_months=5), 0),
        (ConversionFee(amount_minor=100000, reduced_by=ReducedBy.MONTHS, free_after_months=6), 16667),
        (ConversionFee(amount_minor=500000, reduced_by=ReducedBy.HOURS, free_after_minutes=60000), 300000),
        (ConversionFee(amount_minor=500000, reduced_by=ReducedBy.HOURS, free_after_minutes=10), 0),
    ],
)
def test_conversion_fees(clause: ConversionFee, amount: int) -> None:
    hire = Hire("h", "c1", date(2026, 7, 14), 4_200_000, date(2026, 1, 15), 24000)
    assert conversion_fee(hire, clause)[0] == amount


def test_a_hire_must_say_what_its_fee_counts() -> None:
    hire = Hire("h", "c1", date(2026, 7, 14))
    for clause, missing in (
        (ConversionFee(percent_of_salary=Decimal(25)), "salary_minor"),
        (ConversionFee(amount_minor=1, reduced_by=ReducedBy.MONTHS, free_after_months=1), "first_worked_on"),
        (ConversionFee(amount_minor=1, reduced_by=ReducedBy.HOURS, free_after_minutes=1), "worked_minutes"),
    ):
        with pytest.raises(InvalidEntry, match=missing):
            conversion_fee(hire, clause)
    with pytest.raises(InvalidEntry, match="before the first day"):
        Hire("h", "c1", date(2026, 7, 14), first_worked_on=date(2026, 7, 15))
    with pytest.raises(InvalidEntry, match="negative"):
        Hire("h", "c1", date(2026, 7, 14), worked_minutes=-1)


def test_a_fee_shows_what_it_was_worked_out_from() -> None:
    hire = Hire("h", "c1", date(2026, 7, 14), worked_minutes=24000)
    clause = ConversionFee(amount_minor=500000, reduced_by=ReducedBy.HOURS, free_after_minutes=60000)
    assert [(figure.name, figure.value) for figure in conversion_fee(hire, clause)[1]] == [
        ("full_fee_minor", 500000),
        ("minutes_worked", 24000),
        ("free_after_minutes", 60000),
    ]
