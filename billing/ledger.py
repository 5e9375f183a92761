"""Double entry: each happening becomes one journal entry whose postings add up to nothing. Pure: nothing is stored.

A debit is positive, a credit negative. Entries are never changed: a mistake is undone by `reversal`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from billing.money import Money


class Account(StrEnum):
    """The accounts of the agency's journal."""

    RECEIVABLE = "receivable"
    """What facilities owe."""
    REVENUE = "revenue"
    TAX_PAYABLE = "tax_payable"
    CLEARING = "clearing"
    """Money that the payment provider holds for the agency."""


class Happening(StrEnum):
    """What a journal entry records."""

    INVOICE_FINALISED = "invoice_finalised"
    PAYMENT_RECEIVED = "payment_received"
    CREDIT_ISSUED = "credit_issued"
    PAYMENT_REFUNDED = "payment_refunded"
    REVERSAL = "reversal"


class Unbalanced(ValueError):
    """A journal entry whose debits and credits differ cannot be made."""


@dataclass(frozen=True, slots=True)
class Posting:
    """`amount_minor` on `account`: a debit when positive, a credit when negative, never zero."""

    account: Account
    amount_minor: int


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One happening to one facility's money. `reference` is the opaque id of the invoice, payment or credit note."""

    happening: Happening
    facility: str
    reference: str
    currency: str
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        Money(0, self.currency)
        if len(self.postings) < 2 or any(posting.amount_minor == 0 for posting in self.postings):
            raise Unbalanced(f"{self.happening} {self.reference}: an entry has at least two postings, none of them zero.")
        if (difference := sum(posting.amount_minor for posting in self.postings)) != 0:
            raise Unbalanced(f"{self.happening} {self.reference}: debits and credits differ by {difference}.")


def invoice_finalised(facility: str, invoice: str, subtotal: Money, tax: Money | None = None) -> JournalEntry:
    """The facility owes `subtotal` and `tax`; the agency earned the one and owes the other on."""
    taxed = tax or Money(0, subtotal.currency)
    owed = _not_negative(subtotal) + _not_negative(taxed)
    return _entry(
        Happening.INVOICE_FINALISED,
        facility,
        invoice,
        {Account.RECEIVABLE: owed, Account.REVENUE: -subtotal, Account.TAX_PAYABLE: -taxed},
    )


def payment_received(facility: str, payment: str, paid: Money) -> JournalEntry:
    """`paid` reached the payment provider and is no longer owed by the facility."""
    _not_negative(paid)
    return _entry(Happening.PAYMENT_RECEIVED, facility, payment, {Account.CLEARING: paid, Account.RECEIVABLE: -paid})


def credit_issued(facility: str, credit_note: str, subtotal: Money, tax: Money | None = None) -> JournalEntry:
    """A credit note takes back `subtotal` of revenue and `tax`; the facility owes that much less."""
    taxed = tax or Money(0, subtotal.currency)
    returned = _not_negative(subtotal) + _not_negative(taxed)
    return _entry(
        Happening.CREDIT_ISSUED,
        facility,
        credit_note,
        {Account.REVENUE: subtotal, Account.TAX_PAYABLE: taxed, Account.RECEIVABLE: -returned},
    )


def payment_refunded(facility: str, refund: str, refunded: Money) -> JournalEntry:
    """`refunded` went back to the facility: what a credit note left over, or a payment taken back."""
    _not_negative(refunded)
    return _entry(Happening.PAYMENT_REFUNDED, facility, refund, {Account.RECEIVABLE: refunded, Account.CLEARING: -refunded})


def reversal(entry: JournalEntry) -> JournalEntry:
    """The mirror of `entry`: after both, every account stands as before."""
    mirrored = tuple(Posting(posting.account, -posting.amount_minor) for posting in entry.postings)
    return JournalEntry(Happening.REVERSAL, entry.facility, entry.reference, entry.currency, mirrored)


def balances(entries: Iterable[JournalEntry]) -> Mapping[tuple[str, Account, str], int]:
    """Per facility, account and currency: the sum of all postings, in minor units. All of them together are zero."""
    sums: dict[tuple[str, Account, str], int] = {}
    for entry in entries:
        for posting in entry.postings:
            key = (entry.facility, posting.account, entry.currency)
            sums[key] = sums.get(key, 0) + posting.amount_minor
    return sums


def _entry(happening: Happening, facility: str, reference: str, amounts: Mapping[Account, Money]) -> JournalEntry:
    currencies = {amount.currency for amount in amounts.values()}
    postings = tuple(Posting(account, amount.minor) for account, amount in amounts.items() if amount.minor)
    return JournalEntry(happening, facility, reference, currencies.pop(), postings)


def _not_negative(amount: Money) -> Money:
    if amount.minor < 0:
        raise ValueError(f"{amount} is negative: the opposite happening has its own entry.")
    return amount
