"""Stripe's published test cards and bank accounts, and how a payment with each ends. Nothing else is taken here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TestMethod:
    """A test card (`card`) or bank account (`us_bank_account`).

    `code` is empty when a payment succeeds, else how it fails, with `decline_code` for a card. `attaches`: it can be saved.
    `alone` is False when it cannot be charged while nobody is there. `disputed` is why the payer's bank takes the payment
    back. `refunds` is how a refund ends: `succeeded`, `pending` (later succeeded), or `failed` (after it had succeeded).
    `settles` is False for a bank debit that stays under way for ever.
    """

    __test__ = False

    kind: str
    token: str
    brand: str
    last4: str
    code: str = ""
    decline_code: str = ""
    message: str = ""
    attaches: bool = True
    alone: bool = True
    disputed: str = ""
    refunds: str = "succeeded"
    settles: bool = True


def _card(token: str, last4: str, brand: str = "visa", **how: object) -> TestMethod:
    return TestMethod("card", token, brand, last4, **how)  # type: ignore[arg-type]


def _declined(token: str, last4: str, code: str, decline_code: str, message: str, *, attaches: bool = False) -> TestMethod:
    return TestMethod("card", token, "visa", last4, code, decline_code, message, attaches=attaches)


def _bank(token: str, last4: str, code: str = "", message: str = "", **how: object) -> TestMethod:
    full = f"pm_usBankAccount_{token}"
    return TestMethod("us_bank_account", full, "STRIPE TEST BANK", last4, code, "", message, refunds="pending", **how)  # type: ignore[arg-type]


_NO = "Your card was declined."
CARDS = {
    "4242424242424242": _card("pm_card_visa", "4242"),
    "5555555555554444": _card("pm_card_mastercard", "4444", "mastercard"),
    "378282246310005": _card("pm_card_amex", "0005", "amex"),
    "4000000000000002": _declined("pm_card_chargeDeclined", "0002", "card_declined", "generic_decline", _NO),
    "4000000000009995": _declined(
        "pm_card_chargeDeclinedInsufficientFunds", "9995", "card_declined", "insufficient_funds",
        "Your card has insufficient funds.",
    ),
    "4000000000000069": _declined(
        "pm_card_chargeDeclinedExpiredCard", "0069", "expired_card", "expired_card", "Your card has expired."
    ),
    "4000000000000127": _declined(
        "pm_card_chargeDeclinedIncorrectCvc", "0127", "incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect."
    ),
    "4000000000000119": _declined(
        "pm_card_chargeDeclinedProcessingError", "0119", "processing_error", "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
    ),
    "4000000000000341": _declined(
        "pm_card_chargeCustomerFail", "0341", "card_declined", "generic_decline", _NO, attaches=True
    ),
    "4000002760003184": _card("pm_card_authenticationRequired", "3184", alone=False),
    "4000000000000259": _card("pm_card_createDispute", "0259", disputed="fraudulent"),
    "4000000000002685": _card("pm_card_createDisputeProductNotReceived", "2685", disputed="product_not_received"),
    "4000000000001976": _card("pm_card_createDisputeInquiry", "1976", disputed="inquiry"),
    "4000000000007726": _card("pm_card_pendingRefund", "7726", refunds="pending"),
    "4000000000005126": _card("pm_card_refundFail", "5126", refunds="failed"),
}  # fmt: skip
"""By number. Spaces are left out."""

ROUTING_NUMBER = "110000000"
BANK_ACCOUNTS = {
    "000123456789": _bank("success", "6789"),
    "000111111113": _bank("accountClosed", "1113", "account_closed", "The customer's bank account has been closed."),
    "000111111116": _bank("noAccount", "1116", "no_account", "The customer's bank account could not be located."),
    "000222222227": _bank(
        "insufficientFunds", "2227", "insufficient_funds", "The customer's account has insufficient funds to cover this payment."
    ),
    "000333333335": _bank(
        "debitNotAuthorized", "3335", "debit_not_authorized", "The customer told the bank that this payment was unauthorized."
    ),
    "000555555559": _bank("dispute", "5559", disputed="bank_cannot_process"),
    "000000000009": _bank("processing", "0009", settles=False),
    "000666666661": _bank("failMicrodeposits", "6661", attaches=False),
}  # fmt: skip
"""By account number, all at `ROUTING_NUMBER`."""

_EVERY = (*CARDS.values(), *BANK_ACCOUNTS.values())
BY_TOKEN = {method.token: method for method in _EVERY}
"""By the ids that Stripe lets tests use in place of a saved method, such as `pm_card_visa`."""

_BY_DIGITS = {(method.kind, method.last4): method for method in _EVERY}


def behind(kind: str, last4: str) -> TestMethod:
    """The test card or account that a saved method was made from."""
    return _BY_DIGITS[kind, last4]
