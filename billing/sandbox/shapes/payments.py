"""The objects of a payment as the pinned version answers them: payment intent, invoice payment, charge."""

from __future__ import annotations

from billing.sandbox.wire import Object, new_id, random_text


def payment_intent(created: int, final: Object, kinds: list[str]) -> Object:
    """The payment that a final invoice waits for, by one of `kinds`."""
    intent_id = new_id("pi")
    return {
        "id": intent_id,
        "object": "payment_intent",
        "amount": final["amount_due"],
        "amount_capturable": 0,
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": f"{intent_id}_secret_{random_text(24)}",
        "confirmation_method": "automatic",
        "created": created,
        "currency": final["currency"],
        "customer": final["customer"],
        "description": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_options": None,
        "payment_method_types": kinds,
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }


def invoice_payment(created: int, final: Object, intent_id: str) -> Object:
    """What ties a payment to an invoice."""
    return {
        "id": new_id("inpay"),
        "object": "invoice_payment",
        "amount_paid": None,
        "amount_requested": final["amount_due"],
        "created": created,
        "currency": final["currency"],
        "invoice": final["id"],
        "is_default": True,
        "livemode": False,
        "payment": {"payment_intent": intent_id, "type": "payment_intent"},
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }


def charge(created: int, intent: Object, method: Object) -> Object:
    """A charge of `method` that succeeded; a bank debit is to be called pending by the caller."""
    card = method["type"] == "card"
    return {
        "id": new_id("ch" if card else "py"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"],
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": {"address": None, "email": None, "name": None, "phone": None, "tax_id": None},
        "calculated_statement_descriptor": None,
        "captured": True,
        "created": created,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": None,
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": {},
        "on_behalf_of": None,
        "outcome": {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal" if card else "not_assessed",
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": _card(method) if card else _bank_account(method),
        "radar_options": {},
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "succeeded",
        "transfer_data": None,
        "transfer_group": None,
    }


def _card(method: Object) -> Object:
    details = method["card"]
    card = {
        "brand": details["brand"],
        "checks": None,
        "country": details["country"],
        "exp_month": details["exp_month"],
        "exp_year": details["exp_year"],
        "fingerprint": None,
        "funding": details["funding"],
        "installments": None,
        "last4": details["last4"],
        "mandate": None,
        "network": details["brand"],
        "three_d_secure": None,
        "wallet": None,
    }
    return {"card": card, "type": "card"}


def _bank_account(method: Object) -> Object:
    details = method["us_bank_account"]
    kept = ("account_holder_type", "account_type", "bank_name", "fingerprint", "last4", "routing_number")
    account: Object = {name: details[name] for name in kept}
    return {"us_bank_account": {**account, "mandate": None, "payment_reference": None}, "type": "us_bank_account"}
