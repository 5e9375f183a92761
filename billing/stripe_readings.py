"""Stripe's objects read into our frozen results. An answer that lacks what it must have is an unknown outcome."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import stripe

from billing.stripe_results import StripeCustomer, StripeInvoice, StripeOutcomeUnknown


def read_customer(answer: stripe.StripeObject) -> StripeCustomer:
    """The customer in Stripe's `answer`."""
    values = answer.to_dict()
    try:
        return StripeCustomer(values["id"], _metadata(values), values["livemode"])
    except (KeyError, TypeError, ValueError) as error:
        raise StripeOutcomeUnknown("The payment provider's answer is not a customer.") from error


def read_invoice(answer: stripe.StripeObject) -> StripeInvoice:
    """The invoice in Stripe's `answer`."""
    values = answer.to_dict()
    try:
        moments = values["status_transitions"]
        created_at = _instant(values["created"])
        assert created_at is not None
        return StripeInvoice(
            id=values["id"],
            status=values["status"],
            number=values.get("number"),
            customer_id=_id(values["customer"]),
            currency=values["currency"].upper(),
            total_minor=int(values["total"]),
            amount_due_minor=int(values["amount_due"]),
            amount_paid_minor=int(values["amount_paid"]),
            amount_remaining_minor=int(values["amount_remaining"]),
            line_count=_line_count(values["lines"]),
            hosted_invoice_url=values.get("hosted_invoice_url"),
            created_at=created_at,
            due_at=_instant(values.get("due_date")),
            finalized_at=_instant(moments.get("finalized_at")),
            paid_at=_instant(moments.get("paid_at")),
            voided_at=_instant(moments.get("voided_at")),
            metadata=_metadata(values),
            payment_intent_id=_payment_intent(values),
            livemode=values["livemode"],
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StripeOutcomeUnknown("The payment provider's answer is not an invoice.") from error


def counts_all_lines(answer: stripe.StripeObject) -> bool:
    """Whether the `line_count` read from `answer` is that of the whole invoice; Stripe shows the first lines only."""
    lines = answer.to_dict()["lines"]
    return not lines.get("has_more") or lines.get("total_count") is not None


def _metadata(values: Mapping[str, Any]) -> Mapping[str, str]:
    return dict(values.get("metadata") or {})


def _id(value: Any) -> str:
    """The id of something that Stripe gives as an id or, when expanded, whole."""
    return str(value["id"] if isinstance(value, dict) else value)


def _instant(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _line_count(lines: Mapping[str, Any]) -> int:
    count = lines.get("total_count")
    return int(count) if count is not None else len(lines["data"])


def _payment_intent(values: Mapping[str, Any]) -> str | None:
    """The payment intent that paid the invoice, else the one that may."""
    payments = (values.get("payments") or {}).get("data", [])
    intents = {payment["status"]: payment["payment"].get("payment_intent") for payment in reversed(payments)}
    found = intents.get("paid") or intents.get("open")
    return None if found is None else _id(found)
