"""The journal entries of payments: balanced, and what goes one way comes back the other."""

from collections.abc import Callable

import pytest

from billing.ledger import (
    Account,
    JournalEntry,
    balances,
    credit_issued,
    credit_kept,
    credit_used,
    dispute_lost,
    dispute_won,
    invoice_finalised,
    paid_elsewhere,
    payment_disputed,
    payment_received,
    payment_refunded,
    recovered,
    refund_returned,
    written_off,
)
from billing.money import Money

TEN = Money(1000, "USD")
MAKERS: list[Callable[[str, str, Money], JournalEntry]] = [
    payment_received, paid_elsewhere, payment_refunded, refund_returned, credit_kept, credit_used, payment_disputed, dispute_won,
    dispute_lost, written_off, recovered,
]  # fmt: skip


def left(*entries: JournalEntry) -> dict[Account, int]:
    return {account: amount for (_, account, _), amount in balances(entries).items() if amount}


@pytest.mark.parametrize("make", MAKERS)
def test_each_is_balanced_and_takes_no_negative_amount(make: Callable[[str, str, Money], JournalEntry]) -> None:
    entry = make("f", "x", TEN)
    assert sorted(posting.amount_minor for posting in entry.postings) == [-1000, 1000]
    with pytest.raises(ValueError, match="opposite happening"):
        make("f", "x", Money(-1, "USD"))


def test_every_happening_has_its_own_name() -> None:
    assert len({make("f", "x", TEN).happening for make in MAKERS}) == len(MAKERS)


def test_what_comes_back_leaves_everything_as_before() -> None:
    assert left(payment_refunded("f", "r", TEN), refund_returned("f", "r", TEN)) == {}
    assert left(payment_disputed("f", "d", TEN), dispute_won("f", "d", TEN)) == {}
    assert left(written_off("f", "i", TEN), recovered("f", "i", TEN)) == {}
    assert left(credit_kept("f", "c", TEN), credit_used("f", "i", TEN)) == {}


def test_whole_stories() -> None:
    invoice, paid = invoice_finalised("f", "i", TEN), payment_received("f", "p", TEN)
    assert left(invoice, paid) == {Account.CLEARING: 1000, Account.REVENUE: -1000}
    lost = (payment_disputed("f", "d", TEN), dispute_lost("f", "d", TEN))
    assert left(invoice, paid, *lost) == {Account.RECEIVABLE: 1000, Account.REVENUE: -1000}
    kept = (credit_issued("f", "c", TEN), credit_kept("f", "c", TEN))
    assert left(invoice, paid, *kept) == {Account.CLEARING: 1000, Account.CUSTOMER_CREDIT: -1000}
    assert left(invoice, written_off("f", "i", TEN)) == {Account.BAD_DEBT: 1000, Account.REVENUE: -1000}
    assert left(invoice, paid_elsewhere("f", "i", TEN)) == {Account.BANK: 1000, Account.REVENUE: -1000}
