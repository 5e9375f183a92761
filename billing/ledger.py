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
    """Money that the payment provider holds for the agency, after its fees."""
    BANK = "bank"
    """Money that came past the payment provider: a cheque, a transfer."""
    DISPUTED = "disputed"
    """Money that a payer's bank holds back until a dispute is decided."""
    CUSTOMER_CREDIT = "customer_credit"
    """What the agency owes facilities and takes off their next invoices."""
    BAD_DEBT = "bad_debt"
    """What was owed and given up."""
    FEES = "fees"
    """What the payment provider keeps of payments and for disputes: the agency's cost, never a facility's."""


class Happening(StrEnum):
    """What a journal entry records."""

    INVOICE_FINALISED = "invoice_finalised"
    PAYMENT_RECEIVED = "payment_received"
    PAID_ELSEWHERE = "paid_elsewhere"
    CREDIT_ISSUED = "credit_issued"
    CREDIT_KEPT = "credit_kept"
    CREDIT_USED = "credit_used"
    PAYMENT_REFUNDED = "payment_refunded"
    REFUND_RETURNED = "refund_returned"
    PAYMENT_DISPUTED = "payment_disputed"
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"
    FEE_CHARGED = "fee_charged"
    FEE_RETURNED = "fee_returned"
    WRITTEN_OFF = "written_off"
    RECOVERED = "recovered"
    REVERSAL = "reversal"


OF_THE_AGENCY = frozenset({Happening.FEE_CHARGED, Happening.FEE_RETURNED})
"""Happenings that are no business of the facility whose payment they come with."""


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


def paid_elsewhere(facility: str, invoice: str, paid: Money) -> JournalEntry:
    """`paid` came past the payment provider: a cheque, a transfer."""
    return _moved(Happening.PAID_ELSEWHERE, facility, invoice, paid, to=Account.BANK, out_of=Account.RECEIVABLE)


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


def refund_returned(facility: str, refund: str, returned: Money) -> JournalEntry:
    """A refund did not arrive: the payment provider holds the money again, and the facility is to get it another way."""
    return _moved(Happening.REFUND_RETURNED, facility, refund, returned, to=Account.CLEARING, out_of=Account.RECEIVABLE)


def credit_kept(facility: str, credit_note: str, kept: Money) -> JournalEntry:
    """What a credit note left over stays with the agency, for the facility's next invoices."""
    return _moved(Happening.CREDIT_KEPT, facility, credit_note, kept, to=Account.RECEIVABLE, out_of=Account.CUSTOMER_CREDIT)


def credit_used(facility: str, invoice: str, used: Money) -> JournalEntry:
    """Kept credit paid for an invoice."""
    return _moved(Happening.CREDIT_USED, facility, invoice, used, to=Account.CUSTOMER_CREDIT, out_of=Account.RECEIVABLE)


def payment_disputed(facility: str, dispute: str, held: Money) -> JournalEntry:
    """The payer's bank took `held` back until the dispute is decided."""
    return _moved(Happening.PAYMENT_DISPUTED, facility, dispute, held, to=Account.DISPUTED, out_of=Account.CLEARING)


def dispute_won(facility: str, dispute: str, returned: Money) -> JournalEntry:
    """The bank gave the money back."""
    return _moved(Happening.DISPUTE_WON, facility, dispute, returned, to=Account.CLEARING, out_of=Account.DISPUTED)


def dispute_lost(facility: str, dispute: str, lost: Money) -> JournalEntry:
    """The bank kept the money for the payer: the facility owes it again."""
    return _moved(Happening.DISPUTE_LOST, facility, dispute, lost, to=Account.RECEIVABLE, out_of=Account.DISPUTED)


def fee_charged(facility: str, movement: str, fee: Money) -> JournalEntry:
    """The payment provider kept `fee` of what it holds, by the `movement` of its balance with a payment or a dispute."""
    return _moved(Happening.FEE_CHARGED, facility, movement, fee, to=Account.FEES, out_of=Account.CLEARING)


def fee_returned(facility: str, movement: str, fee: Money) -> JournalEntry:
    """The payment provider gave a fee back, as it does when a dispute is won."""
    return _moved(Happening.FEE_RETURNED, facility, movement, fee, to=Account.CLEARING, out_of=Account.FEES)


def written_off(facility: str, invoice: str, given_up: Money) -> JournalEntry:
    """Nobody expects the facility to pay `given_up` any more."""
    return _moved(Happening.WRITTEN_OFF, facility, invoice, given_up, to=Account.BAD_DEBT, out_of=Account.RECEIVABLE)


def recovered(facility: str, payment: str, paid: Money) -> JournalEntry:
    """A payment came after the debt was given up: it is owed again, for the payment to settle it."""
    return _moved(Happening.RECOVERED, facility, payment, paid, to=Account.RECEIVABLE, out_of=Account.BAD_DEBT)


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


def _moved(happening: Happening, facility: str, reference: str, amount: Money, *, to: Account, out_of: Account) -> JournalEntry:
    _not_negative(amount)
    return _entry(happening, facility, reference, {to: amount, out_of: -amount})


def _entry(happening: Happening, facility: str, reference: str, amounts: Mapping[Account, Money]) -> JournalEntry:
    currencies = {amount.currency for amount in amounts.values()}
    postings = tuple(Posting(account, amount.minor) for account, amount in amounts.items() if amount.minor)
    return JournalEntry(happening, facility, reference, currencies.pop(), postings)


def _not_negative(amount: Money) -> Money:
    if amount.minor < 0:
        raise ValueError(f"{amount} is negative: the opposite happening has its own entry.")
    return amount
