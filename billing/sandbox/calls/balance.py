"""Our balance: every movement with its fee, and the sums."""

from __future__ import annotations

from fractions import Fraction
from math import floor

from billing.sandbox.context import Context
from billing.sandbox.interface.listings import equals, page
from billing.sandbox.shapes import corrections
from billing.sandbox.wire import Object

_DAY = 24 * 3600
_AVAILABLE_AFTER = 2 * _DAY
CARD_FEE_PERCENT, CARD_FEE_MINOR = Fraction("2.9"), 30
DEBIT_FEE_PERCENT, DEBIT_FEE_MOST_MINOR = Fraction("0.8"), 500
DISPUTE_FEE = 1500
"""Stripe's published fees in the USA, cents: of a card's payment, a bank debit, a dispute (given back when it is won)."""


def move(context: Context, source: Object, amount: int, type_: str, category: str, fee: int = 0) -> str:
    """Note a movement because of `source`; its id."""
    values = {
        "amount": amount,
        "available_on": context.now + _AVAILABLE_AFTER,
        "currency": source["currency"],
        "fee": fee,
        "reporting_category": category,
        "source": source["id"],
        "type": type_,
    }
    made = context.store.add(corrections.balance_transaction(context.now, values), parent=source["id"])
    return str(made["id"])


def fee_for(charge: Object) -> int:
    """What Stripe keeps of a payment."""
    if charge["payment_method_details"]["type"] == "card":
        return half_up(charge["amount"] * CARD_FEE_PERCENT / 100) + CARD_FEE_MINOR
    return min(half_up(charge["amount"] * DEBIT_FEE_PERCENT / 100), DEBIT_FEE_MOST_MINOR)


def half_up(value: Fraction) -> int:
    """Rounded to a whole number, halves away from zero."""
    return floor(value + Fraction(1, 2)) if value >= 0 else -floor(-value + Fraction(1, 2))


def retrieve(context: Context, parameters: Object) -> Object:
    """`GET /v1/balance`"""
    available: dict[str, int] = {}
    pending: dict[str, int] = {}
    for one in context.store.search("balance_transaction", [], newest_first=False, limit=10**9):
        sums = available if one["available_on"] <= context.now else pending
        sums[one["currency"]] = sums.get(one["currency"], 0) + one["net"]
    return {
        "object": "balance",
        "available": _parts(available),
        "livemode": False,
        "pending": _parts(pending),
    }


def retrieve_transaction(context: Context, parameters: Object, transaction: str) -> Object:
    """`GET /v1/balance_transactions/:id`"""
    return _aged(context, context.require("balance_transaction", transaction))


def list_transactions(context: Context, parameters: Object) -> Object:
    """`GET /v1/balance_transactions`"""
    names = ("currency", "source", "type")
    conditions = [equals(name, parameters[name]) for name in names if name in parameters]
    found = page(context, "balance_transaction", "/v1/balance_transactions", parameters, conditions)
    return {**found, "data": [_aged(context, one) for one in found["data"]]}


def _aged(context: Context, kept: Object) -> Object:
    """Pending until the money is available."""
    return {**kept, "status": "available" if kept["available_on"] <= context.now else "pending"}


def _parts(sums: dict[str, int]) -> list[Object]:
    found = [
        {"amount": amount, "currency": currency, "source_types": {"card": amount}} for currency, amount in sorted(sums.items())
    ]
    return found or [{"amount": 0, "currency": "usd", "source_types": {"card": 0}}]
