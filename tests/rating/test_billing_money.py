"""Money and the one rounding."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.money import CurrencyMismatch, Money, amount_for, minor_digits, rate_text, round_half_up, total

steady = settings(deadline=None, derandomize=True, max_examples=60)


@pytest.mark.parametrize(
    ("value", "rounded"),
    [("0.5", 1), ("1.5", 2), ("2.5", 3), ("2.4999999", 2), ("-0.5", -1), ("-2.5", -3), ("-2.4", -2), ("7", 7)],
)
def test_half_goes_away_from_zero(value: str, rounded: int) -> None:
    assert round_half_up(Decimal(value)) == rounded


@steady
@given(st.fractions(min_value=-(10**9), max_value=10**9))
def test_rounding_moves_by_at_most_half_and_mirrors(value: Fraction) -> None:
    rounded = round_half_up(value)
    assert abs(value - rounded) <= Fraction(1, 2)
    assert round_half_up(-value) == -rounded


@steady
@given(st.integers(min_value=-(10**6), max_value=10**6))
def test_exact_halves_go_up_where_binary_floats_would_not(whole: int) -> None:
    # 2.675 is below 2.675 as a binary float; here it is what it says.
    value = Fraction(2 * whole + 1, 2)
    assert round_half_up(value) == (whole + 1 if whole >= 0 else whole)


@pytest.mark.parametrize(
    ("seconds", "rate", "currency", "minor"),
    [
        (3600, "48.00", "USD", 4800),
        (720, "31.625", "USD", 633),  # 6.325
        (1, "18.00", "USD", 1),  # half a cent
        (1, "17.99", "USD", 0),  # just under half a cent
        (0, "48.00", "USD", 0),
        (5400, "1001", "JPY", 1502),  # 1501.5 yen
        (60, "0.030", "KWD", 1),  # half a fils
        (7 * 24 * 3600, "99999.999999", "USD", 1680000000),
    ],
)
def test_amounts_by_hand(seconds: int, rate: str, currency: str, minor: int) -> None:
    assert amount_for(seconds, Decimal(rate), currency) == Money(minor, currency)


@steady
@given(st.integers(0, 10**7), st.decimals("0", "1000", places=4))
def test_an_amount_is_the_nearest_cent_of_the_exact_product(seconds: int, rate: Decimal) -> None:
    exact = Fraction(rate) * seconds * 100 / 3600
    difference = amount_for(seconds, rate, "USD").minor - exact
    assert Fraction(-1, 2) < difference <= Fraction(1, 2)


def test_currencies_have_their_own_digits_and_do_not_mix() -> None:
    assert [minor_digits(code) for code in ("USD", "JPY", "KWD")] == [2, 0, 3]
    assert str(Money(123450, "USD")) == "1234.50 USD"
    assert str(Money(5, "JPY")) == "5 JPY"
    assert total([Money(1, "USD"), Money(2, "USD")], "USD") == Money(3, "USD")
    assert Money(1, "USD") < Money(2, "USD")
    for mixed in (lambda: Money(1, "USD") + Money(1, "EUR"), lambda: Money(1, "USD") < Money(1, "EUR")):
        with pytest.raises(CurrencyMismatch):
            mixed()


@pytest.mark.parametrize("code", ["usd", "US", "USDX", "", "U$D"])
def test_what_is_no_currency_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="not a currency"):
        Money(1, code)


@pytest.mark.parametrize("amount", [1.0, True, "1", Decimal(1)])
def test_money_is_whole_minor_units(amount: object) -> None:
    with pytest.raises(TypeError):
        Money(amount, "USD")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rate", "text"), [("48", "48.00"), ("60.000", "60.00"), ("31.625", "31.625"), ("1E+2", "100.00"), ("0", "0.00")]
)
def test_rates_are_written_whole(rate: str, text: str) -> None:
    assert rate_text(Decimal(rate), "USD") == text
