"""Stripe's objects read into our frozen results. An answer that lacks what it must have is an unknown outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import wraps
from typing import Any, TypeVar

import stripe

from billing.stripe.failures import StripeOutcomeUnknown
from billing.stripe.results import (
    StripeCreditNote,
    StripeCustomer,
    StripeCustomerBalanceTransaction,
    StripeInvoice,
    StripeInvoicePayment,
    StripeLine,
)

T = TypeVar("T")
Values = Mapping[str, Any]


def reading(what: str) -> Callable[[Callable[[Values], T]], Callable[[stripe.StripeObject], T]]:
    """Make a reader of plain values one of the library's objects; `what` names the object in the failure."""

    def decorate(read: Callable[[Values], T]) -> Callable[[stripe.StripeObject], T]:
        @wraps(read)
        def reader(answer: stripe.StripeObject) -> T:
            try:
                return read(answer.to_dict())
            except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
                raise StripeOutcomeUnknown(f"The payment provider's answer is not {what}.") from error

        return reader

    return decorate


@reading("a customer")
def read_customer(values: Values) -> StripeCustomer:
    """The customer in Stripe's answer."""
    settings = values.get("invoice_settings") or {}
    return StripeCustomer(
        id=values["id"],
        metadata=metadata(values),
        livemode=values["livemode"],
        balance_minor=int(values.get("balance") or 0),
        default_payment_method_id=id_or_none(settings.get("default_payment_method")),
    )


@reading("an invoice")
def read_invoice(values: Values) -> StripeInvoice:
    """The invoice in Stripe's answer."""
    moments = values["status_transitions"]
    return StripeInvoice(
        id=values["id"],
        status=values["status"],
        number=values.get("number"),
        customer_id=id_of(values["customer"]),
        currency=values["currency"].upper(),
        total_minor=int(values["total"]),
        amount_due_minor=int(values["amount_due"]),
        amount_paid_minor=int(values["amount_paid"]),
        amount_remaining_minor=int(values["amount_remaining"]),
        line_count=_line_count(values["lines"]),
        hosted_invoice_url=values.get("hosted_invoice_url"),
        created_at=instant(values["created"]),
        due_at=instant_or_none(values.get("due_date")),
        finalized_at=instant_or_none(moments.get("finalized_at")),
        paid_at=instant_or_none(moments.get("paid_at")),
        voided_at=instant_or_none(moments.get("voided_at")),
        metadata=metadata(values),
        payment_intent_id=_payment_intent(values),
        livemode=values["livemode"],
        subtotal_minor=int(values.get("subtotal") or 0),
        tax_minor=tax_of(values.get("total_taxes")),
        starting_balance_minor=int(values.get("starting_balance") or 0),
        credited_before_payment_minor=int(values.get("pre_payment_credit_notes_amount") or 0),
        credited_after_payment_minor=int(values.get("post_payment_credit_notes_amount") or 0),
        collection_method=values.get("collection_method") or "send_invoice",
        attempt_count=int(values.get("attempt_count") or 0),
        paid_off_stripe_minor=int(values.get("amount_paid_off_stripe") or 0),
        uncollectible_at=instant_or_none(moments.get("marked_uncollectible_at")),
    )


def counts_all_lines(answer: stripe.StripeObject) -> bool:
    """Whether the `line_count` read from `answer` is that of the whole invoice; Stripe shows the first lines only."""
    lines = answer.to_dict()["lines"]
    return not lines.get("has_more") or lines.get("total_count") is not None


@reading("a line of an invoice")
def read_line(values: Values) -> StripeLine:
    """The line in Stripe's answer."""
    return StripeLine(
        id=values["id"],
        amount_minor=int(values["amount"]),
        tax_minor=tax_of(values.get("taxes")),
        currency=values["currency"].upper(),
        line_key=metadata(values).get("line_key"),
    )


@reading("an invoice payment")
def read_invoice_payment(values: Values) -> StripeInvoicePayment:
    """The invoice payment in Stripe's answer."""
    return StripeInvoicePayment(
        id=values["id"],
        invoice_id=id_of(values["invoice"]),
        status=values["status"],
        requested_minor=int(values["amount_requested"]),
        paid_minor=int(values.get("amount_paid") or 0),
        currency=values["currency"].upper(),
        payment_intent_id=id_or_none(values["payment"].get("payment_intent")),
        charge_id=id_or_none(values["payment"].get("charge")),
        paid_at=instant_or_none(values["status_transitions"].get("paid_at")),
        livemode=values["livemode"],
    )


@reading("a credit note")
def read_credit_note(values: Values) -> StripeCreditNote:
    """The credit note in Stripe's answer."""
    return StripeCreditNote(
        id=values["id"],
        number=values["number"],
        status=values["status"],
        invoice_id=id_of(values["invoice"]),
        customer_id=id_of(values["customer"]),
        currency=values["currency"].upper(),
        total_minor=int(values["total"]),
        subtotal_minor=int(values["subtotal"]),
        tax_minor=tax_of(values.get("total_taxes")),
        before_payment_minor=int(values["pre_payment_amount"]),
        after_payment_minor=int(values["post_payment_amount"]),
        out_of_band_minor=int(values.get("out_of_band_amount") or 0),
        refund_ids=tuple(id_of(one["refund"]) for one in values.get("refunds") or ()),
        balance_transaction_id=id_or_none(values.get("customer_balance_transaction")),
        created_at=instant(values["created"]),
        voided_at=instant_or_none(values.get("voided_at")),
        metadata=metadata(values),
        livemode=values["livemode"],
    )


@reading("a customer's balance transaction")
def read_customer_balance_transaction(values: Values) -> StripeCustomerBalanceTransaction:
    """The change of a customer's credit in Stripe's answer."""
    return StripeCustomerBalanceTransaction(
        id=values["id"],
        kind=values["type"],
        amount_minor=int(values["amount"]),
        ending_balance_minor=int(values["ending_balance"]),
        currency=values["currency"].upper(),
        credit_note_id=id_or_none(values.get("credit_note")),
        invoice_id=id_or_none(values.get("invoice")),
        created_at=instant(values["created"]),
        livemode=values["livemode"],
    )


def metadata(values: Values) -> Mapping[str, str]:
    """What we put beside the object."""
    return dict(values.get("metadata") or {})


def id_of(value: Any) -> str:
    """The id of something that Stripe gives as an id or, when expanded, whole."""
    found = value["id"] if isinstance(value, dict) else value
    if not isinstance(found, str):
        raise TypeError("not an id")
    return found


def id_or_none(value: Any) -> str | None:
    """As `id_of`, for what may be missing."""
    return None if value is None or value == "" else id_of(value)


def instant(seconds: int) -> datetime:
    """Seconds since 1970 as an instant."""
    return datetime.fromtimestamp(seconds, UTC)


def instant_or_none(seconds: int | None) -> datetime | None:
    """As `instant`, for what may be missing."""
    return None if seconds is None else instant(seconds)


def tax_of(taxes: Any) -> int:
    """The sum of taxes that are on top of an amount."""
    return sum(int(tax["amount"]) for tax in taxes or () if tax["tax_behavior"] == "exclusive")


def _line_count(lines: Values) -> int:
    count = lines.get("total_count")
    return int(count) if count is not None else len(lines["data"])


def _payment_intent(values: Values) -> str | None:
    """The payment intent that paid the invoice, else the one that may."""
    payments = (values.get("payments") or {}).get("data", [])
    intents = {payment["status"]: payment["payment"].get("payment_intent") for payment in reversed(payments)}
    return id_or_none(intents.get("paid") or intents.get("open"))
