"""Which price holds on which day: dated cards, price rises, levels; and cards read from plain values."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest

from billing.rate_files import InvalidRateFile, read_card, read_terms
from billing.rates import (
    Contract,
    DatedCard,
    InvalidRateCard,
    Night,
    PriceRise,
    RateCard,
    RoundingRule,
    ServiceRate,
    Weekend,
)
from billing.rating import WorkedEntry, rate

CARE = {"care": ServiceRate(Decimal("31.625"), Decimal("20.005"), levels={3: ServiceRate(Decimal(50))})}


def price(card: RateCard, day: str, level: int = 0, currency: str = "USD") -> ServiceRate:
    found = card.rate_on(date.fromisoformat(day), "care", level, currency)
    assert found is not None
    return found[1]


def test_rises_follow_their_days_whatever_order_they_stand_in_and_build_on_each_other() -> None:
    later, earlier = PriceRise(date(2028, 1, 1), Decimal(3)), PriceRise(date(2027, 1, 1), Decimal("3.5"))
    card = RateCard(CARE, price_rises=(later, earlier))
    assert [price(card, day).bill_per_hour for day in ("2026-12-31", "2027-01-01", "2027-12-31", "2028-01-01")] == [
        Decimal("31.625"), Decimal("32.73"), Decimal("32.73"), Decimal("33.71"),
    ]  # fmt: skip
    assert price(card, "2028-01-01", level=3).bill_per_hour == Decimal("53.30")


@pytest.mark.parametrize(
    ("rise", "currency", "bill", "pay"),
    [
        (PriceRise(date(2027, 1, 1), Decimal(10)), "USD", "34.79", "20.005"),
        (PriceRise(date(2027, 1, 1), Decimal(10), pay=True), "USD", "34.79", "22.01"),
        (PriceRise(date(2027, 1, 1), Decimal(10), bill=False, pay=True), "USD", "31.625", "22.01"),
        (PriceRise(date(2027, 1, 1), Decimal(10), round_to=Decimal("0.25")), "USD", "34.75", "20.005"),
        (PriceRise(date(2027, 1, 1), Decimal(10)), "JPY", "35", "20.005"),
        (PriceRise(date(2027, 1, 1), Decimal(10)), "KWD", "34.788", "20.005"),
        (PriceRise(date(2027, 1, 1), Decimal(10), frozenset(["calls"])), "USD", "31.625", "20.005"),
    ],
)
def test_what_a_rise_raises_and_how_it_rounds(rise: PriceRise, currency: str, bill: str, pay: str) -> None:
    services = {**CARE, "calls": ServiceRate(Decimal(30))}
    risen = price(RateCard(services, price_rises=(rise,)), "2027-01-01", currency=currency)
    assert (risen.bill_per_hour, risen.pay_per_hour) == (Decimal(bill), Decimal(pay))


def test_a_rise_on_the_first_day_of_its_card_contradicts_the_card() -> None:
    card = RateCard(CARE, price_rises=(PriceRise(date(2027, 1, 1), Decimal(3)),))
    with pytest.raises(InvalidRateCard, match="after the first day"):
        DatedCard(card, date(2027, 1, 1))


def test_the_card_in_force() -> None:
    one, other = RateCard(CARE), RateCard(CARE)
    contract = Contract((DatedCard(other, date(2026, 6, 1), date(2026, 8, 31)), DatedCard(one, date(2026, 1, 1))))
    assert [contract.in_force(date.fromisoformat(day)) for day in ("2025-12-31", "2026-01-01", "2026-06-01", "2026-09-01")] == [
        None, 0, 1, None,
    ]  # fmt: skip
    assert [contract.days_in_force(number, date(2026, 5, 31), date(2026, 9, 30)) for number in (0, 1)] == [1, 92]
    with pytest.raises(InvalidRateCard, match="Two rate cards begin"):
        Contract((DatedCard(one, date(2026, 1, 1)), DatedCard(other, date(2026, 1, 1))))
    with pytest.raises(InvalidRateCard, match="end before it begins"):
        DatedCard(one, date(2026, 2, 1), date(2026, 1, 31))


def test_pay_may_rise_otherwise_than_the_bill() -> None:
    saturday = datetime.fromisoformat("2026-11-07T22:00:00+00:00")
    services = {"care": ServiceRate(Decimal(40), Decimal(20))}
    premiums = (Night(time(22), time(6), Decimal("1.5"), Decimal("1.25")), Weekend(Decimal("1.2"), Decimal("1.4")))
    entry = WorkedEntry("e", "c1", "care", saturday, saturday + timedelta(hours=1))
    rating = rate([entry], RateCard(services, premiums=premiums), "UTC", "USD")
    assert [(line.kind, line.unit_rate) for line in rating.lines] == [("night", Decimal(60))]
    assert [(line.kind, line.unit_rate) for line in rating.pay_lines] == [("weekend", Decimal(28))]


def test_pay_is_unknown_while_a_service_has_no_pay_rate() -> None:
    start = datetime.fromisoformat("2026-11-03T09:00:00+00:00")
    services = {"care": ServiceRate(Decimal(40), Decimal(20)), "calls": ServiceRate(Decimal(30))}
    entries = [WorkedEntry(service, "c1", service, start, start + timedelta(hours=1)) for service in services]
    rating = rate(entries, RateCard(services), "UTC", "USD")
    assert (rating.pay_minor, rating.margin_minor, rating.unpriced_pay) == (None, None, ("calls",))


def test_terms_that_are_kept_beside_the_prices_make_the_same_card() -> None:
    terms = {"minimum_call_minutes": 15, "premiums": [{"kind": "weekend", "multiplier": "1.5"}]}
    card = read_terms(terms, CARE, RoundingRule(15))
    assert card == RateCard(CARE, RoundingRule(15), (Weekend(Decimal("1.5")),), minimum_call_minutes=15)
    assert read_card({"services": {"care": {"bill_per_hour": "40"}}}) == RateCard({"care": ServiceRate(Decimal(40))})
    with pytest.raises(InvalidRateFile) as refused:
        read_terms({"services": {}, "overtime": {}}, CARE, RoundingRule())
    assert refused.value.problems == (
        "card.services: this key is not known; it was not ignored, because it may cost money.",
        'card.overtime.multiplier: a decimal number such as "48.00" was expected, not nothing.',
    )
