"""Totals and taxes: integers that come out even, rounded where the rule says."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.money import Money
from billing.rating import Line
from billing.taxes import TaxRate, TaxRounding, TaxRule
from billing.totals import invoice_totals

steady = settings(deadline=None, derandomize=True, max_examples=60)
RATES = st.builds(TaxRate, st.just("tax"), st.decimals("0", "100", places=4))
RULES = st.builds(TaxRule, st.lists(RATES, max_size=5).map(tuple), st.booleans(), st.sampled_from(TaxRounding))


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def line(minor: int) -> Line:
    return Line("s", "c", "regular", 3600, Decimal(1), minor, ())


def sales(percent: str, **options: object) -> TaxRule:
    return TaxRule((TaxRate("Sales tax", Decimal(percent), "US-TX"),), **options)  # type: ignore[arg-type]


def test_tax_is_rounded_by_line_or_once_on_the_sum() -> None:
    lines = [line(1010), line(1010), line(1010)]
    by_line = invoice_totals(lines, "USD", sales("8.25"))
    # 10.10 × 8.25 % = 0.83325 on each line; 30.30 × 8.25 % = 2.49975 at once.
    assert (by_line.subtotal, by_line.tax, by_line.total) == (usd(3030), usd(249), usd(3279))
    at_once = invoice_totals(lines, "USD", sales("8.25", rounding=TaxRounding.INVOICE))
    assert (at_once.tax, at_once.total) == (usd(250), usd(3280))
    assert invoice_totals([], "USD").total == usd(0)


def test_a_tax_inside_the_prices_is_owed_out_of_them() -> None:
    totals = invoice_totals([line(6000)], "USD", sales("20", inclusive=True))
    assert (totals.subtotal, totals.tax, totals.total, totals.before_tax) == (usd(6000), usd(1000), usd(6000), usd(5000))


def test_several_rates_are_taken_from_the_same_price() -> None:
    rule = TaxRule((TaxRate("State", Decimal("6.25")), TaxRate("City", Decimal("1.5"))))
    totals = invoice_totals([line(10000)], "USD", rule)
    assert [(amount.rate.name, amount.tax.minor, amount.taxable.minor) for amount in totals.taxes] == [
        ("State", 625, 10000),
        ("City", 150, 10000),
    ]
    inside = invoice_totals([line(10775)], "USD", TaxRule(rule.rates, inclusive=True))
    assert [amount.tax.minor for amount in inside.taxes] == [625, 150]


@steady
@given(st.lists(st.integers(-(10**9), 10**9), max_size=6), RULES)
def test_a_credit_takes_back_exactly_the_tax_that_was_charged(amounts: list[int], rule: TaxRule) -> None:
    charged = invoice_totals([line(minor) for minor in amounts], "USD", rule)
    credited = invoice_totals([line(-minor) for minor in amounts], "USD", rule)
    assert credited.tax == -charged.tax
    assert charged.total == charged.before_tax + charged.tax
    assert charged.subtotal == (charged.total if rule.inclusive else charged.before_tax)


@pytest.mark.parametrize("percent", ["-1", "100.01", "NaN"])
def test_a_tax_rate_is_a_percentage(percent: str) -> None:
    with pytest.raises(ValueError, match="0 to 100"):
        TaxRate("Sales tax", Decimal(percent))


def test_stripe_takes_at_most_five_rates_of_four_decimals() -> None:
    with pytest.raises(ValueError, match="at most 5"):
        TaxRule((TaxRate("Sales tax", Decimal(1)),) * 6)
    with pytest.raises(ValueError, match="at most 4"):
        TaxRate("Sales tax", Decimal("1.00001"))
