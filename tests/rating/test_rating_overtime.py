"""Overtime: whose minutes, in which week and on which day, and who pays for them."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from billing.rates import Contract, DatedCard, Overtime, PassThrough, PremiumRule, RateCard, ServiceRate, Weekend
from billing.rates.checks import InvalidRateCard
from billing.rating import Rating, WorkedEntry, rate

HALF_MORE = Decimal("1.5")
WEEKLY = Overtime(HALF_MORE, after_weekly_minutes=2400)
CALIFORNIA = Overtime(HALF_MORE, 2400, 480, 720, Decimal(2), seventh_day=True)
RATES = {"care": ServiceRate(Decimal(40), Decimal(20)), "calls": ServiceRate(Decimal(30), Decimal(15))}


def card(overtime: Overtime | None) -> RateCard:
    return RateCard(RATES, overtime=overtime)


def work(start: str, hours: float, who: str = "c1", service: str = "care", status: str = "approved") -> WorkedEntry:
    """`hours` from `start` in November 2026, which begins on a Sunday: `02T08:00` is Monday morning."""
    begins = datetime.fromisoformat(f"2026-11-{start}:00-06:00")
    return WorkedEntry(f"{who} {start}", who, service, begins, begins + timedelta(hours=hours), status)


def hours(rating: Rating) -> dict[str, float]:
    """Billed hours by kind, over all lines."""
    found: dict[str, float] = {}
    for line in rating.lines:
        found[line.kind] = found.get(line.kind, 0) + line.seconds / 3600
    return found


def rated(entries: list[WorkedEntry], agreed: RateCard | Contract) -> Rating:
    return rate(entries, agreed, "America/Chicago", "USD")


def test_exactly_forty_hours_are_none() -> None:
    week = [work(f"0{day}T08:00", 8) for day in range(2, 7)]
    assert hours(rated(week, card(WEEKLY))) == {"regular": 40}


def test_each_coordinator_has_a_week_of_their_own() -> None:
    week = [work(f"0{day}T08:00", 9, who) for day in range(2, 7) for who in ("c1", "c2")]
    assert hours(rated(week, card(WEEKLY))) == {"regular": 80, "overtime": 10}


def test_all_services_fill_the_week_and_the_minutes_beyond_it_cost_what_was_done_in_them() -> None:
    week = [work(f"0{day}T08:00", 10) for day in range(2, 6)] + [work("06T08:00", 2, service="calls")]
    rating = rated(week, card(WEEKLY))
    over = next(line for line in rating.lines if line.kind == "overtime")
    assert (over.service, over.unit_rate, over.amount_minor) == ("calls", Decimal(45), 9000)
    assert [(applied.rule, applied.multiplier) for applied in over.applied] == [("overtime", HALF_MORE)]


def test_work_over_the_end_of_the_week_is_cut_there() -> None:
    week = [work(f"0{day}T08:00", 10) for day in range(2, 6)] + [work("08T22:00", 4)]
    assert hours(rated(week, card(WEEKLY))) == {"regular": 42, "overtime": 2}
    sunday_first = card(replace(WEEKLY, week_starts_on=6))
    assert hours(rated(week, sunday_first)) == {"regular": 44}


def test_neither_rounding_nor_a_minimum_call_fills_the_week() -> None:
    calls = [work(f"02T{hour:02}:00", 0.25) for hour in range(8, 16)]
    agreed = replace(card(Overtime(HALF_MORE, after_weekly_minutes=120)), minimum_call_minutes=60)
    assert hours(rated(calls, agreed)) == {"regular": 8}


def test_disputed_work_does_not_fill_the_week_and_billed_work_does() -> None:
    week = [work(f"0{day}T08:00", 10) for day in range(2, 6)] + [work("06T08:00", 3)]
    disputed = [replace(week[0], status="disputed"), *week[1:]]
    assert hours(rated(disputed, card(WEEKLY))) == {"regular": 33}
    kept = [week[0], *(replace(entry, status="invoiced") for entry in week[1:])]
    assert hours(rated(kept, card(WEEKLY))) == {"regular": 7, "overtime": 3}


def test_the_limit_of_the_week_counts_across_two_rate_cards() -> None:
    contract = Contract(
        (
            DatedCard(card(WEEKLY), None),
            DatedCard(replace(card(WEEKLY), services={"care": ServiceRate(Decimal(44))}), date(2026, 11, 5)),
        )
    )
    week = [work(f"0{day}T08:00", 10) for day in range(2, 7)]
    rating = rated(week, contract)
    assert hours(rating) == {"regular": 40, "overtime": 10}
    assert next(line for line in rating.lines if line.kind == "overtime").unit_rate == Decimal(66)


def test_hours_over_the_day_are_not_counted_again_for_the_week() -> None:
    week = [work(f"0{day}T08:00", 10) for day in range(2, 6)] + [work("06T08:00", 8)]
    assert hours(rated(week, card(CALIFORNIA))) == {"regular": 40, "overtime": 8}
    sixth = [*week, work("07T08:00", 8)]
    assert hours(rated(sixth, card(CALIFORNIA))) == {"regular": 40, "overtime": 16}


def test_the_day_ends_at_midnight() -> None:
    assert hours(rated([work("02T18:00", 12)], card(CALIFORNIA))) == {"regular": 12}


def test_the_seventh_day_in_a_row() -> None:
    week = [work(f"0{day}T08:00", 2) for day in range(2, 8)]
    assert hours(rated([*week, work("08T08:00", 9)], card(CALIFORNIA))) == {"regular": 12, "overtime": 8, "double_time": 1}
    assert hours(rated([*week[1:], work("08T08:00", 9)], card(CALIFORNIA))) == {"regular": 18, "overtime": 1}


def test_the_same_markup_keeps_the_margin_in_percent() -> None:
    one_hour = card(Overtime(HALF_MORE, after_weekly_minutes=60))
    rating = rated([work("02T08:00", 2)], one_hour)
    assert [(line.kind, line.amount_minor) for line in rating.pay_lines] == [("overtime", 3000), ("regular", 2000)]
    assert (rating.total_minor, rating.pay_minor, rating.margin_minor) == (10000, 5000, 5000)


def test_a_negotiated_price_leaves_the_pay_as_it_is() -> None:
    rates = {"care": ServiceRate(Decimal(40), Decimal(20), Decimal(52))}
    negotiated = Overtime(HALF_MORE, after_weekly_minutes=60, pass_through=PassThrough.NEGOTIATED)
    rating = rated([work("07T08:00", 2)], RateCard(rates, overtime=negotiated))
    assert (rating.total_minor, rating.pay_minor) == (9200, 5000)
    weekend = RateCard(rates, premiums=(Weekend(Decimal("1.2")),), overtime=negotiated)
    assert [line.unit_rate for line in rated([work("07T08:00", 2)], weekend).lines] == [Decimal(52), Decimal(48)]
    stacked = replace(weekend, premium_rule=PremiumRule.STACK)
    over = next(line for line in rated([work("07T08:00", 2)], stacked).lines if "overtime" in line.kind)
    assert (over.kind, over.unit_rate) == ("weekend+overtime", Decimal("62.4"))
    assert [(applied.rule, applied.multiplier) for applied in over.applied] == [("weekend", Decimal("1.2")), ("overtime", None)]


def test_at_equal_prices_the_premium_gives_the_name() -> None:
    agreed = replace(card(Overtime(HALF_MORE, after_weekly_minutes=60)), premiums=(Weekend(HALF_MORE),))
    assert hours(rated([work("07T08:00", 2)], agreed)) == {"weekend": 2}


def test_a_price_of_overtime_below_the_regular_one_is_refused() -> None:
    with pytest.raises(InvalidRateCard, match="below"):
        ServiceRate(Decimal(40), None, Decimal(39))
