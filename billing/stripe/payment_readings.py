"""What Stripe says about payments, their ways and their way back, read into our frozen results."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from billing.stripe.readings import Values, id_of, id_or_none, instant, instant_or_none, metadata, reading
from billing.stripe.results import (
    StripeBalance,
    StripeBalanceTransaction,
    StripeCharge,
    StripeDispute,
    StripePayment,
    StripePaymentMethod,
    StripeRefund,
    StripeSetup,
    StripeTaxRate,
)


@reading("a payment method")
def read_payment_method(values: Values) -> StripePaymentMethod:
    """The saved way to pay in Stripe's answer; of a kind that we do not use, brand and digits are empty."""
    details = values.get(values["type"]) or {}
    card = values["type"] == "card"
    return StripePaymentMethod(
        id=values["id"],
        kind=values["type"],
        customer_id=id_or_none(values.get("customer")),
        brand=(details.get("brand") if card else details.get("bank_name")) or "",
        last4=details.get("last4") or "",
        expires=(int(details["exp_year"]), int(details["exp_month"])) if card else None,
        created_at=instant(values["created"]),
        livemode=values["livemode"],
    )


@reading("a page for saving a payment method")
def read_setup(values: Values) -> StripeSetup:
    """The Checkout session in setup mode in Stripe's answer."""
    if values["mode"] != "setup":
        raise ValueError(values["mode"])
    intent = values.get("setup_intent")
    return StripeSetup(
        id=values["id"],
        status=values["status"],
        url=values.get("url"),
        customer_id=id_or_none(values.get("customer")),
        setup_intent_id=id_or_none(intent),
        payment_method_id=id_or_none(intent.get("payment_method")) if isinstance(intent, dict) else None,
        expires_at=instant(values["expires_at"]),
        metadata=metadata(values),
        livemode=values["livemode"],
    )


@reading("a payment intent")
def read_payment(values: Values) -> StripePayment:
    """The payment intent in Stripe's answer."""
    failure = values.get("last_payment_error") or {}
    return StripePayment(
        id=values["id"],
        status=values["status"],
        amount_minor=int(values["amount"]),
        received_minor=int(values["amount_received"]),
        currency=values["currency"].upper(),
        customer_id=id_or_none(values.get("customer")),
        latest_charge_id=id_or_none(values.get("latest_charge")),
        payment_method_id=id_or_none(values.get("payment_method")),
        failure_code=failure.get("code"),
        decline_code=failure.get("decline_code"),
        failure_message=failure.get("message"),
        created_at=instant(values["created"]),
        livemode=values["livemode"],
    )


@reading("a charge")
def read_charge(values: Values) -> StripeCharge:
    """The charge in Stripe's answer."""
    method = values.get("payment_method_details") or {}
    kind = method.get("type") or ""
    details = method.get(kind) or {}
    return StripeCharge(
        id=values["id"],
        status=values["status"],
        amount_minor=int(values["amount"]),
        refunded_minor=int(values["amount_refunded"]),
        currency=values["currency"].upper(),
        customer_id=id_or_none(values.get("customer")),
        payment_intent_id=id_or_none(values.get("payment_intent")),
        disputed=values["disputed"],
        kind=kind,
        brand=details.get("brand") or details.get("bank_name") or "",
        last4=details.get("last4") or "",
        failure_code=values.get("failure_code"),
        failure_message=values.get("failure_message"),
        balance_transaction_id=id_or_none(values.get("balance_transaction")),
        receipt_url=values.get("receipt_url"),
        created_at=instant(values["created"]),
        livemode=values["livemode"],
        movements=_movements(values.get("balance_transaction"), values.get("failure_balance_transaction")),
    )


@reading("a refund")
def read_refund(values: Values) -> StripeRefund:
    """The refund in Stripe's answer."""
    if values["object"] != "refund":
        raise ValueError(values["object"])
    return StripeRefund(
        id=values["id"],
        status=values.get("status") or "pending",
        amount_minor=int(values["amount"]),
        currency=values["currency"].upper(),
        charge_id=id_or_none(values.get("charge")),
        payment_intent_id=id_or_none(values.get("payment_intent")),
        reason=values.get("reason"),
        failure_reason=values.get("failure_reason"),
        balance_transaction_id=id_or_none(values.get("balance_transaction")),
        failure_balance_transaction_id=id_or_none(values.get("failure_balance_transaction")),
        created_at=instant(values["created"]),
        metadata=metadata(values),
    )


@reading("a dispute")
def read_dispute(values: Values) -> StripeDispute:
    """The dispute in Stripe's answer."""
    evidence = values["evidence_details"]
    return StripeDispute(
        id=values["id"],
        status=values["status"],
        amount_minor=int(values["amount"]),
        currency=values["currency"].upper(),
        reason=values["reason"],
        charge_id=id_of(values["charge"]),
        payment_intent_id=id_or_none(values.get("payment_intent")),
        evidence_due_at=instant_or_none(evidence.get("due_by")),
        past_due=evidence["past_due"],
        has_evidence=evidence["has_evidence"],
        submission_count=int(evidence["submission_count"]),
        refundable=values["is_charge_refundable"],
        balance_transaction_ids=tuple(id_of(one) for one in values["balance_transactions"]),
        created_at=instant(values["created"]),
        livemode=values["livemode"],
        movements=_movements(*values["balance_transactions"]),
    )


@reading("a tax rate")
def read_tax_rate(values: Values) -> StripeTaxRate:
    """The tax rate in Stripe's answer."""
    return StripeTaxRate(
        id=values["id"],
        percentage=Decimal(str(values["percentage"])),
        inclusive=values["inclusive"],
        active=values["active"],
        display_name=values["display_name"],
        jurisdiction=values.get("jurisdiction"),
        metadata=metadata(values),
        livemode=values["livemode"],
    )


@reading("a balance transaction")
def read_balance_transaction(values: Values) -> StripeBalanceTransaction:
    """The movement of our balance in Stripe's answer."""
    return _movement(values)


@reading("a balance")
def read_balance(values: Values) -> StripeBalance:
    """Our balance in Stripe's answer."""
    return StripeBalance(_by_currency(values["available"]), _by_currency(values["pending"]), values["livemode"])


def _movement(values: Values) -> StripeBalanceTransaction:
    return StripeBalanceTransaction(
        id=values["id"],
        category=values["reporting_category"],
        amount_minor=int(values["amount"]),
        fee_minor=int(values["fee"]),
        net_minor=int(values["net"]),
        currency=values["currency"].upper(),
        source_id=id_or_none(values.get("source")),
        status=values["status"],
        created_at=instant(values["created"]),
        available_at=instant(values["available_on"]),
    )


def _movements(*found: Any) -> tuple[StripeBalanceTransaction, ...]:
    """Those that the answer carries whole, not only as an id."""
    return tuple(_movement(one) for one in found if one is not None and not isinstance(one, str))


def _by_currency(parts: Any) -> dict[str, int]:
    return {part["currency"].upper(): int(part["amount"]) for part in parts}
