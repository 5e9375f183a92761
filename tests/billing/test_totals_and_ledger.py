"""Totals, balances and the journal: sums of integers that always come out even."""

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
    fee_charged,
    fee_returned,
    invoice_finalised,
    payment_received,
    payment_refunded,
    reversal,
)
from billing.money import CurrencyMismatch, Money
from billing.totals import Balance, Settlement

steady = settings(deadline=None, derandomize=True, max_examples=60)
AMOUNTS = st.integers(1, 10**9).map(lambda minor: Money(minor, "USD"))


def usd(minor: int) -> Money:
    return Money(minor, "USD")


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


def test_fees_are_the_agencys_cost_and_come_out_of_what_is_held() -> None:
    entries = [fee_charged("f", "txn_1", Money(1500, "USD")), fee_returned("f", "txn_2", Money(500, "USD"))]
    assert balances(entries) == {("f", Account.FEES, "USD"): 1000, ("f", Account.CLEARING, "USD"): -1000}
    with pytest.raises(ValueError, match="negative"):
        fee_charged("f", "txn_3", Money(-1, "USD"))
