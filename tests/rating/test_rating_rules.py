"""Rate cards and the rounding rule: what they accept, refuse and do."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.local_time import UnknownTimeZone, zone_of
from billing.rates import (
    Holiday,
    InvalidRateCard,
    Night,
    PremiumRule,
    RateCard,
    RoundingMode,
    RoundingRule,
    RoundingScope,
    ServiceRate,
    Weekend,
)
from billing.rating import WorkedEntry, rate

steady = settings(deadline=None, derandomize=True, max_examples=60)

ONE = {"Care Plan Management": ServiceRate(Decimal(48))}
at = datetime.fromisoformat
UNITS = st.sampled_from([1, 6, 15])
MODES = st.sampled_from(list(RoundingMode))


@steady
@given(st.integers(0, 10**6), UNITS, MODES)
def test_rounding_gives_a_multiple_close_by(seconds: int, unit: int, mode: RoundingMode) -> None:
    rounded = RoundingRule(unit, mode, RoundingScope.ENTRY).rounded(seconds)
    assert rounded % (unit * 60) == 0
    if mode is RoundingMode.UP:
        assert 0 <= rounded - seconds < unit * 60
    else:
        assert -unit * 30 < rounded - seconds <= unit * 30


@steady
@given(st.integers(0, 10**4), UNITS, MODES)
def test_an_exact_multiple_stays(multiple: int, unit: int, mode: RoundingMode) -> None:
    seconds = multiple * unit * 60
    assert RoundingRule(unit, mode, RoundingScope.LINE).rounded(seconds) == seconds


@steady
@given(st.integers(0, 10**6), MODES)
def test_no_unit_means_no_rounding(seconds: int, mode: RoundingMode) -> None:
    assert RoundingRule(0, mode).rounded(seconds) == seconds


@pytest.mark.parametrize("unit", [2, 5, 10, 30, -15])
def test_other_units_are_refused(unit: int) -> None:
    with pytest.raises(InvalidRateCard, match="0, 1, 6 or 15"):
        RoundingRule(unit)


@pytest.mark.parametrize("rate", ["-1", "NaN", "Infinity", "100001", "1.0000001"])
def test_rates_that_make_no_sense_are_refused(rate: str) -> None:
    with pytest.raises(InvalidRateCard):
        ServiceRate(Decimal(rate))
    with pytest.raises(InvalidRateCard):
        ServiceRate(Decimal(48), Decimal(rate))


def test_a_float_is_no_rate() -> None:
    with pytest.raises(InvalidRateCard):
        ServiceRate(48.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("multiplier", ["0.99", "10.01", "NaN"])
def test_a_premium_multiplies_by_one_to_ten(multiplier: str) -> None:
    for made in (
        lambda: Weekend(Decimal(multiplier)),
        lambda: Night(time(22), time(6), Decimal(multiplier)),
        lambda: Holiday(frozenset({date(2026, 12, 25)}), Decimal(multiplier)),
    ):
        with pytest.raises(InvalidRateCard):
            made()


def test_cards_that_contradict_themselves_are_refused() -> None:
    for made in (
        lambda: RateCard({}),
        lambda: RateCard(ONE, minimum_call_minutes=-1),
        lambda: RateCard(ONE, minimum_call_minutes=1441),
        lambda: Night(time(22), time(22), Decimal(2)),
        lambda: Night(time(22, 0, 30), time(6), Decimal(2)),
        lambda: Holiday(frozenset(), Decimal(2)),
    ):
        with pytest.raises(InvalidRateCard):
            made()


def test_a_card_cannot_be_changed_through_the_mapping_it_was_made_of() -> None:
    services = dict(ONE)
    card = RateCard(services)
    services["Patient Outreach"] = ServiceRate(Decimal(1))
    assert list(card.services) == ["Care Plan Management"]


@pytest.mark.parametrize(
    ("clock", "covered"), [("22:00", True), ("21:59", False), ("00:00", True), ("05:59", True), ("06:00", False)]
)
def test_a_night_is_half_open_and_passes_midnight(clock: str, covered: bool) -> None:
    night = Night(time(22), time(6), Decimal("1.25"))
    assert night.covers(datetime.combine(date(2026, 11, 3), time.fromisoformat(clock))) is covered


def test_a_night_within_one_day() -> None:
    early = Night(time(1), time(5), Decimal("1.25"))
    assert early.covers(at("2026-11-03T01:00"))
    assert not early.covers(at("2026-11-03T05:00"))


def kinds(card: RateCard, start: str) -> list[tuple[str, Decimal]]:
    """Kind and price of one hour from `start`."""
    begins = datetime.fromisoformat(start)
    rating = rate([WorkedEntry("e", "c", "Care Plan Management", begins, begins + timedelta(hours=1))], card, "UTC", "USD")
    return [(line.kind, line.unit_rate) for line in rating.lines]


def test_equal_multipliers_take_the_name_of_the_first() -> None:
    saturday_night = "2026-11-07T22:00+00:00"
    night, weekend = Night(time(22), time(6), Decimal("1.5")), Weekend(Decimal("1.5"))
    assert kinds(RateCard(ONE, premiums=(night, weekend)), saturday_night) == [("night", Decimal(72))]
    assert kinds(RateCard(ONE, premiums=(weekend, night)), saturday_night) == [("weekend", Decimal(72))]


def test_stacked_premiums_multiply() -> None:
    premiums = (Night(time(22), time(6), Decimal("1.2")), Weekend(Decimal("1.5")))
    card = RateCard(ONE, premiums=premiums, premium_rule=PremiumRule.STACK)
    assert kinds(card, "2026-11-07T22:00+00:00") == [("night+weekend", Decimal("86.40"))]
    assert kinds(card, "2026-11-09T12:00+00:00") == [("regular", Decimal(48))]


def test_stacked_multipliers_lose_no_digit() -> None:
    odd = Decimal("9.999999")
    premiums = tuple(Night(time(22), time(6), odd) for _ in range(6))
    rates = {"Care Plan Management": ServiceRate(Decimal("99999.999999"))}
    card = RateCard(rates, premiums=premiums, premium_rule=PremiumRule.STACK)
    ((_, price),) = kinds(card, "2026-11-07T22:00+00:00")
    assert Fraction(price) == Fraction("99999.999999") * Fraction(odd) ** 6


@pytest.mark.parametrize("name", ["", "Chicago", "America/Atlantis", "/etc/passwd", "../etc", "America/", "\0", "Etc/\ud800"])
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(UnknownTimeZone):
        zone_of(name)
