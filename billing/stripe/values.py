"""What may be sent to Stripe: an allow list by type.

What goes in are opaque ids (UUIDs and Stripe's own), kinds of time, quantities, amounts, rates, a currency, a term in days,
a state of the USA, and choices from fixed lists. None of these can hold a name, a note or anything about a patient, and
nothing else can be passed: every request is built from these frozen values alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from billing.money import Money

T = TypeVar("T")

WORKED_KINDS = {
    "regular": "",
    "night": "night",
    "weekend": "weekend",
    "holiday": "holiday",
    "overtime": "overtime",
    "double_time": "double time",
}
"""Kinds of worked time that may stand on a line, and what the payer reads for each."""

FEE_KINDS = {
    "guaranteed_hours": "guaranteed hours",
    "retainer": "retainer",
    "included": "hours within the retainer",
    "overage": "hours beyond the retainer",
    "late_cancellation": "late cancellation",
    "true_up": "guaranteed minimum",
    "commitment": "agreed volume",
    "conversion": "conversion fee",
    "adjustment": "adjustment",
}
"""Kinds of lines that are more or less than worked time; such a line may be about no service."""

KINDS = WORKED_KINDS | FEE_KINDS
"""All kinds; a line's kind is one of them, or several joined by `+`."""

CARD = "card"
US_BANK_DEBIT = "us_bank_account"
PAYMENT_KINDS = frozenset({CARD, US_BANK_DEBIT})
"""Ways to pay, under Stripe's names."""

CREDIT_REASONS = frozenset({"duplicate", "fraudulent", "order_change", "product_unsatisfactory"})
REFUND_REASONS = frozenset({"duplicate", "fraudulent", "requested_by_customer"})

MOST_LINES_PER_CALL = 250
LONGEST_TERM_DAYS = 365
_MOST_MINOR = 10**11

_STRIPE_ID = re.compile(
    r"(?:cus|in|il|pi|evt|ch|py|re|pyr|pm|seti|txr|cn|du|dp|txn|cbtxn|inpay|cs_test|cs_live)_[A-Za-z0-9]{6,80}"
)
_INVOICE_NUMBER = re.compile(r"[A-Z]{1,6}(?:-?[0-9]{1,8}){1,3}")
_LINE_KEY = re.compile(r"[0-9a-f]{32}")
_REGION = re.compile(r"US-[A-Z]{2}")


class NotAllowedToLeave(ValueError):
    """Something was about to be sent to Stripe that is not on the allow list. The value itself is not repeated."""


@dataclass(frozen=True, slots=True)
class FacilityCustomer:
    """The facility that pays, by its opaque id alone."""

    facility_id: UUID

    def __post_init__(self) -> None:
        _require_uuid("facility id", self.facility_id)


@dataclass(frozen=True, slots=True)
class InvoiceDraft:
    """An empty invoice, due `days_until_due` after it is final; `number` is ours (`RD-2026-0001`) or Stripe's.

    With `automatic` Stripe charges a saved payment method when `pay_invoice` is called (there is no due date then);
    `payment_method_id` names it, else the customer's default is used. `payment_kinds` are the ways to pay that the hosted
    page offers; empty: those of the Stripe account's settings.
    """

    invoice_id: UUID
    facility_id: UUID
    customer_id: str
    currency: str
    days_until_due: int
    number: str | None = None
    automatic: bool = False
    payment_method_id: str | None = None
    payment_kinds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require_uuid("invoice id", self.invoice_id)
        _require_uuid("facility id", self.facility_id)
        stripe_id(self.customer_id, "cus")
        require_currency(self.currency)
        _require_int("days until due", self.days_until_due, 0, LONGEST_TERM_DAYS)
        _require_bool("automatic collection", self.automatic)
        if self.number is not None and not (isinstance(self.number, str) and _INVOICE_NUMBER.fullmatch(self.number)):
            raise NotAllowedToLeave("An invoice number is capitals and digits, such as RD-2026-0001.")
        if self.payment_method_id is not None:
            stripe_id(self.payment_method_id, "pm")
        _require_kinds_of_payment(self.payment_kinds)


@dataclass(frozen=True, slots=True)
class DraftLine:
    """One line: `seconds` of `service` at `unit_rate` (whole currency units per hour) come to `amount_minor`.

    A fee may have no hours, and no service (an empty text). `line_key` is 32 hexadecimal digits of ours. `tax_rate_ids` are
    Stripe's, of rates that apply on top (or are within). Who did the work is not part of it and does not leave.
    """

    line_key: str
    service: str
    kind: str
    seconds: int
    unit_rate: Decimal
    amount_minor: int
    tax_rate_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.line_key, str) or not _LINE_KEY.fullmatch(self.line_key):
            raise NotAllowedToLeave("A line's key is 32 hexadecimal digits.")
        if not isinstance(self.kind, str) or not set(self.kind.split("+")) <= KINDS.keys():
            raise NotAllowedToLeave("A line's kind is one of: " + ", ".join(sorted(KINDS)) + ".")
        _require_int("seconds", self.seconds, 0, 10**9)
        _require_int("amount", self.amount_minor, -_MOST_MINOR, _MOST_MINOR)
        if not isinstance(self.unit_rate, Decimal) or not self.unit_rate.is_finite():
            raise NotAllowedToLeave("A line's unit rate is a decimal number.")
        for rate in _require_tuple("tax rates", self.tax_rate_ids):
            stripe_id(rate, "txr")


@dataclass(frozen=True, slots=True)
class CreditLine:
    """`amount_minor` (without tax) taken back from the line `stripe_line_id` of the invoice."""

    stripe_line_id: str
    amount_minor: int

    def __post_init__(self) -> None:
        stripe_id(self.stripe_line_id, "il")
        _require_int("amount", self.amount_minor, 1, _MOST_MINOR)


@dataclass(frozen=True, slots=True)
class CreditNoteDraft:
    """A credit note for lines of a final invoice.

    It first lowers what the invoice still asks for. What is left over is given back: `refund_minor` to where the payment
    came from, `balance_minor` as credit for the next invoice, `out_of_band_minor` outside Stripe, or by refunds that
    exist (`refund_ids`); together exactly what is left over.
    """

    credit_note_id: UUID
    stripe_invoice_id: str
    lines: tuple[CreditLine, ...]
    reason: str | None = None
    refund_minor: int = 0
    balance_minor: int = 0
    out_of_band_minor: int = 0
    refund_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require_uuid("credit note's id", self.credit_note_id)
        stripe_id(self.stripe_invoice_id, "in")
        if not _require_tuple("lines", self.lines) or not all(isinstance(line, CreditLine) for line in self.lines):
            raise NotAllowedToLeave("A credit note is made of credit lines.")
        _require_choice("reason", self.reason, CREDIT_REASONS)
        for name in ("refund_minor", "balance_minor", "out_of_band_minor"):
            _require_int(name, getattr(self, name), 0, _MOST_MINOR)
        for refund in _require_tuple("refunds", self.refund_ids):
            stripe_id(refund, "re", "pyr")


@dataclass(frozen=True, slots=True)
class RefundDraft:
    """Money back for a payment: all that is left of it, or `amount_minor`."""

    refund_id: UUID
    payment_intent_id: str
    amount_minor: int | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        _require_uuid("refund's id", self.refund_id)
        stripe_id(self.payment_intent_id, "pi")
        if self.amount_minor is not None:
            _require_int("amount", self.amount_minor, 1, _MOST_MINOR)
        _require_choice("reason", self.reason, REFUND_REASONS)


@dataclass(frozen=True, slots=True)
class TaxRateDraft:
    """A sales tax of a state (`US-MA`) in percent, on top of a line's amount unless `inclusive`."""

    tax_rate_id: UUID
    region: str
    percentage: Decimal
    inclusive: bool = False

    def __post_init__(self) -> None:
        _require_uuid("tax rate's id", self.tax_rate_id)
        if not isinstance(self.region, str) or not _REGION.fullmatch(self.region):
            raise NotAllowedToLeave("A tax rate's region is a state such as US-MA.")
        good = isinstance(self.percentage, Decimal) and self.percentage.is_finite() and 0 <= self.percentage <= 100
        if not good or self.percentage != self.percentage.quantize(Decimal("0.0001")):
            raise NotAllowedToLeave("A tax rate is a decimal number from 0 to 100 with up to four decimals.")
        _require_bool("inclusive", self.inclusive)


@dataclass(frozen=True, slots=True)
class SetupDraft:
    """Somebody is to save a way to pay on Stripe's page, which leads back to `return_url` (one of the gateway's) afterwards."""

    setup_id: UUID
    facility_id: UUID
    customer_id: str
    return_url: str
    payment_kinds: tuple[str, ...] = (CARD, US_BANK_DEBIT)

    def __post_init__(self) -> None:
        _require_uuid("setup's id", self.setup_id)
        _require_uuid("facility id", self.facility_id)
        stripe_id(self.customer_id, "cus")
        if not _require_kinds_of_payment(self.payment_kinds):
            raise NotAllowedToLeave("There must be a way to pay to be saved.")


def stripe_id(value: str, *prefixes: str) -> str:
    """`value` when it is an id that Stripe gives out (to one of the kinds `prefixes`, where given).

    Raises `NotAllowedToLeave` otherwise.
    """
    if not isinstance(value, str) or not _STRIPE_ID.fullmatch(value):
        raise NotAllowedToLeave("That is not an id of Stripe's.")
    if prefixes and value.rpartition("_")[0] not in prefixes:
        raise NotAllowedToLeave("That id of Stripe's is of another kind.")
    return value


def require_currency(currency: str) -> None:
    """Raise `NotAllowedToLeave` unless `currency` is three capital letters."""
    try:
        Money(0, currency)
    except (ValueError, TypeError) as error:
        raise NotAllowedToLeave("The currency must be three capital letters.") from error


def _require_uuid(name: str, value: object) -> None:
    if not isinstance(value, UUID):
        raise NotAllowedToLeave(f"The {name} must be a UUID.")


def _require_bool(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise NotAllowedToLeave(f"{name.capitalize()} is yes or no.")


def _require_int(name: str, value: object, lowest: int, highest: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise NotAllowedToLeave(f"The {name} must be a whole number from {lowest} to {highest}.")


def _require_tuple(name: str, value: tuple[T, ...]) -> tuple[T, ...]:
    if not isinstance(value, tuple):
        raise NotAllowedToLeave(f"The {name} must be a tuple.")
    return value


def _require_choice(name: str, value: str | None, choices: frozenset[str]) -> None:
    if value is not None and (not isinstance(value, str) or value not in choices):
        raise NotAllowedToLeave(f"The {name} must be one of: {', '.join(sorted(choices))}.")


def _require_kinds_of_payment(kinds: tuple[str, ...]) -> bool:
    """Whether there are any. Raises `NotAllowedToLeave` for a way to pay that there is not."""
    for kind in _require_tuple("ways to pay", kinds):
        if not isinstance(kind, str) or kind not in PAYMENT_KINDS:
            raise NotAllowedToLeave(f"A way to pay is one of: {', '.join(sorted(PAYMENT_KINDS))}.")
    return bool(kinds)
