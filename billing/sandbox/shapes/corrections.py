"""The objects that take money back, and those of our balance, as the pinned version answers them."""

from __future__ import annotations

from billing.sandbox.wire import Object, new_id


def credit_note(created: int, invoice: Object, number: str, values: Object, amounts: Object) -> Object:
    """A credit note; `amounts` holds what was computed: sums, taxes, lines, what happens to the money."""
    return {
        "id": new_id("cn"),
        "object": "credit_note",
        "amount_shipping": 0,
        "created": created,
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "customer_account": None,
        "customer_balance_transaction": None,
        "discount_amount": 0,
        "discount_amounts": [],
        "effective_at": created,
        "invoice": invoice["id"],
        "livemode": False,
        "memo": values.get("memo"),
        "metadata": values.get("metadata") or {},
        "number": number,
        "out_of_band_amount": values.get("out_of_band_amount"),
        "pdf": f"{invoice['invoice_pdf']}?credit_note={number}",
        "pretax_credit_amounts": [],
        "reason": values.get("reason"),
        "refunds": [],
        "shipping_cost": None,
        "status": "issued",
        "voided_at": None,
        **amounts,
    }


def credit_note_line(line: Object, amount: int, taxes: list[Object], metadata: Object) -> Object:
    """What a credit note takes from a line of the invoice."""
    return {
        "id": new_id("cnli"),
        "object": "credit_note_line_item",
        "amount": amount,
        "description": line["description"],
        "discount_amount": 0,
        "discount_amounts": [],
        "invoice_line_item": line["id"],
        "livemode": False,
        "metadata": metadata,
        "pretax_credit_amounts": [],
        "quantity": None,
        "tax_rates": [],
        "taxes": taxes,
        "type": "invoice_line_item",
        "unit_amount": None,
        "unit_amount_decimal": None,
    }


def refund(created: int, charge: Object, amount: int, values: Object) -> Object:
    """Money on its way back for a charge."""
    card = charge["payment_method_details"]["type"] == "card"
    reference = {"type": "refund", "reference_status": "pending", "reference_type": "acquirer_reference_number"}
    details: Object = {"type": "card", "card": reference}
    return {
        "id": new_id("re" if card else "pyr"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": created,
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": details if card else {"type": "us_bank_account"},
        "metadata": values.get("metadata") or {},
        "next_action": None,
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": values.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }


_EVIDENCE = (
    "access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure", "cancellation_rebuttal",
    "customer_communication", "customer_email_address", "customer_name", "customer_purchase_ip", "customer_signature",
    "duplicate_charge_documentation", "duplicate_charge_explanation", "duplicate_charge_id", "product_description", "receipt",
    "refund_policy", "refund_policy_disclosure", "refund_refusal_explanation", "service_date", "service_documentation",
    "shipping_address", "shipping_carrier", "shipping_date", "shipping_documentation", "shipping_tracking_number",
    "uncategorized_file", "uncategorized_text",
)  # fmt: skip


def dispute(created: int, charge: Object, amount: int, reason: str, status: str, due_by: int | None) -> Object:
    """A payer's bank takes a charge back, or asks about it."""
    method = charge["payment_method_details"]
    inquiry = status.startswith("warning")
    made: Object = {
        "id": new_id("du"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": created,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(_EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": due_by,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "intended_submission_method": None,
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "network_reason_code": None,
        "payment_intent": charge["payment_intent"],
        "payment_method_details": None,
        "reason": reason,
        "status": status,
    }
    if method["type"] == "card":
        card = {
            "brand": method["card"]["brand"],
            "case_type": "inquiry" if inquiry else "chargeback",
            "network": method["card"]["brand"],
            "network_reason_code": "10.4",
        }
        made["payment_method_details"] = {"type": "card", "card": card}
    return made


def balance_transaction(created: int, values: Object) -> Object:
    """A movement of the balance; `values` has type, reporting_category, amount, fee, currency, source, available_on."""
    fee = values.get("fee", 0)
    details = [
        {"amount": fee, "application": None, "currency": values["currency"], "description": "Stripe fees", "type": "stripe_fee"}
    ]
    return {
        "id": new_id("txn"),
        "object": "balance_transaction",
        "amount": values["amount"],
        "available_on": values["available_on"],
        "balance_type": "payments",
        "created": created,
        "currency": values["currency"],
        "description": values.get("description"),
        "exchange_rate": None,
        "fee": fee,
        "fee_details": details if fee else [],
        "net": values["amount"] - fee,
        "reporting_category": values["reporting_category"],
        "source": values["source"],
        "status": "pending",
        "type": values["type"],
    }


def customer_balance_transaction(created: int, payer: Object, values: Object) -> Object:
    """A change of a customer's credit; the balance after it is in `payer` already."""
    return {
        "id": new_id("cbtxn"),
        "object": "customer_balance_transaction",
        "amount": values["amount"],
        "checkout_session": None,
        "created": created,
        "credit_note": values.get("credit_note"),
        "currency": values["currency"],
        "customer": payer["id"],
        "customer_account": None,
        "description": None,
        "ending_balance": payer["balance"],
        "invoice": values.get("invoice"),
        "livemode": False,
        "metadata": {},
        "type": values["type"],
    }


def tax_rate(created: int, values: Object) -> Object:
    """A tax rate in percent."""
    percentage = float(values["percentage"])
    return {
        "id": new_id("txr"),
        "object": "tax_rate",
        "active": values.get("active", True),
        "country": values.get("country"),
        "created": created,
        "description": values.get("description"),
        "display_name": values["display_name"],
        "effective_percentage": None,
        "flat_amount": None,
        "inclusive": values["inclusive"],
        "jurisdiction": values.get("jurisdiction"),
        "jurisdiction_level": None,
        "livemode": False,
        "metadata": values.get("metadata") or {},
        "percentage": percentage,
        "rate_type": "percentage",
        "state": values.get("state"),
        "tax_type": values.get("tax_type"),
    }


def tax(amount: int, taxable: int, rate: Object) -> Object:
    """The tax on a line."""
    return {
        "amount": amount,
        "tax_behavior": "inclusive" if rate["inclusive"] else "exclusive",
        "tax_rate_details": {"tax_rate": rate["id"]},
        "taxability_reason": "not_available",
        "taxable_amount": taxable,
        "type": "tax_rate_details",
    }
