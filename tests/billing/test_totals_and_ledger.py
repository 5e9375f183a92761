"""Totals, balances and the journal: sums of integers that always come out even."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.ledger import (
    Account,
    Happening,
    JournalEntry,
    Posting,
    Unbalanced,
    balances,
    credit_issued,
    invoice_finalised,
    payment_received,
    payment_refunded,
    reversal,
)
from billing.money import CurrencyMismatch, Money
from billing.rating import Line
from billing.totals import Balance, Settlement, invoice_totals

steady = settings(deadline=None, derandomize=True, max_examples=60)
AMOUNTS = st.integers(1, 10**9).map(lambda minor: Money(minor, "USD"))


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def line(minor: int) -> Line:
    return Line("s", "c", "regular", 3600, Decimal(1), minor, ())


def test_tax_is_rounded_once_on_the_sum() -> None:
    totals = invoice_totals([line(1010), line(1010), line(1010)], "USD", Decimal("8.25"))
    # 30.30 × 8.25 % = 2.49975; by line it would have been 3 × 0.83 = 2.49.
    assert (totals.subtotal, totals.tax, totals.total) == (usd(3030), usd(250), usd(3280))
    assert invoice_totals([], "USD").total == usd(0)


@pytest.mark.parametrize("percent", ["-1", "100.01", "NaN"])
def test_a_tax_rate_is_a_percentage(percent: str) -> None:
    with pytest.raises(ValueError, match="0 to 100"):
        invoice_totals([], "USD", Decimal(percent))


@pytest.mark.parametrize(
    ("paid", "credited", "due", "settlement"),
    [
        (0, 0, 1000, Settlement.UNPAID),
        (400, 0, 600, Settlement.PARTLY_PAID),
        (400, 600, 0, Settlement.PAID),
        (1000, 0, 0, Settlement.PAID),
        (0, 1000, 0, Settlement.PAID),
        (0, 300, 700, Settlement.UNPAID),
        (1000, 100, -100, Settlement.OVERPAID),
    ],
)
def test_what_is_due(paid: int, credited: int, due: int, settlement: Settlement) -> None:
    balance = Balance(usd(1000), usd(paid), usd(credited))
    assert (balance.due, balance.settlement) == (usd(due), settlement)


def test_the_postings_of_an_invoice_that_is_paid_credited_and_refunded() -> None:
    entries = [
        invoice_finalised("f", "inv", usd(10000), usd(825)),
        payment_received("f", "pay", usd(10825)),
        credit_issued("f", "crd", usd(1000), usd(83)),
        payment_refunded("f", "ref", usd(1083)),
    ]
    assert entries[0].postings == (
        Posting(Account.RECEIVABLE, 10825),
        Posting(Account.REVENUE, -10000),
        Posting(Account.TAX_PAYABLE, -825),
    )
    assert balances(entries) == {
        ("f", Account.RECEIVABLE, "USD"): 0,
        ("f", Account.REVENUE, "USD"): -9000,
        ("f", Account.TAX_PAYABLE, "USD"): -742,
        ("f", Account.CLEARING, "USD"): 9742,
    }


HAPPENINGS = st.one_of(
    st.builds(invoice_finalised, st.sampled_from("fg"), st.just("i"), AMOUNTS, st.none() | AMOUNTS),
    st.builds(payment_received, st.sampled_from("fg"), st.just("p"), AMOUNTS),
    st.builds(credit_issued, st.sampled_from("fg"), st.just("c"), AMOUNTS, st.none() | AMOUNTS),
    st.builds(payment_refunded, st.sampled_from("fg"), st.just("r"), AMOUNTS),
)


@steady
@given(st.lists(HAPPENINGS, max_size=20))
def test_whatever_happens_debits_equal_credits_for_every_facility(entries: list[JournalEntry]) -> None:
    sums = balances(entries)
    for facility in "fg":
        assert sum(amount for (owner, _, _), amount in sums.items() if owner == facility) == 0
    undone = balances([*entries, *(reversal(entry) for entry in entries)])
    assert not any(undone.values())


def test_an_entry_that_is_not_balanced_cannot_be_made() -> None:
    for postings in (
        (Posting(Account.RECEIVABLE, 100), Posting(Account.REVENUE, -99)),
        (Posting(Account.RECEIVABLE, 0), Posting(Account.REVENUE, 0)),
        (Posting(Account.RECEIVABLE, 100),),
        (),
    ):
        with pytest.raises(Unbalanced):
            JournalEntry(Happening.REVERSAL, "f", "x", "USD", postings)


def test_amounts_that_make_no_sense_are_refused() -> None:
    with pytest.raises(CurrencyMismatch):
        invoice_finalised("f", "i", usd(100), Money(5, "EUR"))
    with pytest.raises(ValueError, match="negative"):
        payment_received("f", "p", usd(-1))
    with pytest.raises(ValueError, match="negative"):
        credit_issued("f", "c", usd(-1))
    with pytest.raises(Unbalanced):
        payment_received("f", "p", usd(0))
