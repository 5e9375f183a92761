"""Every object of a payment's whole life has the shape that the official library expects."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
import stripe

from billing.stripe.events import subject_of
from billing.stripe.keys import idempotency_key
from billing.stripe.values import CreditLine, CreditNoteDraft, RefundDraft, SetupDraft, TaxRateDraft

Conform = Callable[[Any, type], list[str]]

RETURN_URL = "https://portal.test/portal/payment-methods"


async def a_whole_life(sandbox: Any) -> str:
    """Payments that succeed, fail, come back and are disputed; the customer who saved a way to pay."""
    gateway = sandbox.gateway
    for token in ("pm_card_createDispute", "pm_card_createDisputeInquiry", "pm_usBankAccount_processing"):
        await sandbox.paid(token=token)
    await sandbox.paid(token="pm_usBankAccount_insufficientFunds")
    await sandbox.paid(token="pm_usBankAccount_dispute")
    await sandbox.days_pass(8)
    for token in ("pm_card_visa", "pm_card_refundFail", "pm_card_pendingRefund"):
        paid = await sandbox.paid(30000, token=token)
        draft = RefundDraft(uuid4(), paid.payment_intent_id, 1000)
        await gateway.create_refund(draft, idempotency_key=idempotency_key("refund", draft.refund_id, "create"))
        (line,) = await gateway.list_lines(paid.id)
        note = CreditNoteDraft(uuid4(), paid.id, (CreditLine(line.id, 300),), refund_minor=200, balance_minor=100)
        await gateway.create_credit_note(note, idempotency_key=idempotency_key("credit_note", note.credit_note_id, "create"))
    await sandbox.days_pass(2)
    setup = SetupDraft(uuid4(), uuid4(), paid.customer_id, RETURN_URL)
    await gateway.create_setup(setup, idempotency_key=idempotency_key("setup", setup.setup_id, "create"))
    for token in ("pm_card_visa", "pm_usBankAccount_success"):
        await sandbox.saved(paid.customer_id, token)
    rate = TaxRateDraft(uuid4(), "US-MA", Decimal("6.25"))
    await gateway.ensure_tax_rate(rate, idempotency_key=idempotency_key("tax_rate", rate.tax_rate_id, "create"))
    return str(paid.customer_id)


async def test_every_object_of_a_whole_life_has_the_shape_the_library_expects(sandbox: Any, conform: Conform) -> None:
    customer = await a_whole_life(sandbox)
    shapes: list[tuple[str, type, int]] = [
        ("invoices?expand[]=data.payments", stripe.Invoice, 8),
        ("payment_intents", stripe.PaymentIntent, 8),
        ("charges", stripe.Charge, 8),
        ("invoice_payments", stripe.InvoicePayment, 8),
        ("refunds", stripe.Refund, 6),
        ("disputes", stripe.Dispute, 3),
        ("credit_notes", stripe.CreditNote, 3),
        ("balance_transactions", stripe.BalanceTransaction, 10),
        (f"customers/{customer}/balance_transactions", stripe.CustomerBalanceTransaction, 1),
        (f"customers/{customer}/payment_methods", stripe.PaymentMethod, 2),
        ("checkout/sessions", stripe.checkout.Session, 1),
        ("setup_intents", stripe.SetupIntent, 1),
        ("tax_rates", stripe.TaxRate, 1),
    ]
    for path, kind, at_least in shapes:
        mark = "&" if "?" in path else "?"
        found = (await sandbox.call("GET", f"/v1/{path}{mark}limit=100")).json()["data"]
        assert len(found) >= at_least, path
        for thing in found:
            assert conform(thing, kind) == [], path
    balance = (await sandbox.call("GET", "/v1/balance")).json()
    assert conform(balance, stripe.Balance) == []


async def test_everything_that_an_event_is_about_can_be_fetched_afresh(sandbox: Any) -> None:
    await a_whole_life(sandbox)
    events = await sandbox.gateway.list_events(datetime(2020, 1, 1, tzinfo=UTC))
    assert await sandbox.gateway.retrieve_event(events[0].id) == events[0]
    kinds = set()
    for event in events:
        subject = subject_of(event)
        if subject is None:
            assert event.object_type in ("invoiceitem", "setup_intent", "tax_rate"), event.type
            continue
        if subject.kind in kinds:
            continue
        kinds.add(subject.kind)
        assert (await sandbox.gateway.fetch(subject)).id == subject.id
    await sandbox.days_pass(1)
    (expired,) = [event for event in await sandbox.gateway.list_events(events[-1].created) if event.object_type[:5] == "check"]
    subject = subject_of(expired)
    assert subject is not None
    assert (await sandbox.gateway.fetch(subject)).status == "expired"
    everything = {"invoice", "payment", "charge", "refund", "dispute", "credit_note", "payment_method", "customer"}
    assert kinds == everything


async def test_every_event_of_a_whole_life_is_known_and_carries_a_whole_object(sandbox: Any, conform: Conform) -> None:
    await a_whole_life(sandbox)
    resources = {
        "invoice": stripe.Invoice, "invoice_payment": stripe.InvoicePayment, "payment_intent": stripe.PaymentIntent,
        "charge": stripe.Charge, "refund": stripe.Refund, "dispute": stripe.Dispute, "credit_note": stripe.CreditNote,
        "checkout.session": stripe.checkout.Session, "setup_intent": stripe.SetupIntent, "tax_rate": stripe.TaxRate,
        "payment_method": stripe.PaymentMethod, "customer": stripe.Customer, "invoiceitem": stripe.InvoiceItem,
    }  # fmt: skip
    after, seen = "", set()
    while True:
        content = (await sandbox.call("GET", f"/v1/events?limit=100{after}")).json()
        for event in content["data"]:
            assert conform(event, stripe.Event) == [], event["type"]
            thing = event["data"]["object"]
            assert conform(thing, resources[thing["object"]]) == [], event["type"]
            seen.add(event["type"])
        if not content["has_more"]:
            break
        after = f"&starting_after={content['data'][-1]['id']}"
    needed = {
        "charge.pending", "charge.failed", "charge.succeeded", "charge.refunded", "charge.refund.updated",
        "charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.closed", "refund.created",
        "refund.failed", "credit_note.created", "invoice.paid", "invoice.payment_failed", "payment_intent.processing",
        "payment_intent.payment_failed", "payment_method.attached", "setup_intent.created", "customer.updated",
    }  # fmt: skip
    assert needed <= seen


REFUSED = [
    ("/v1/refunds", {"charge": "ch_1", "amt": "1"}, "amt"),
    ("/v1/refunds", {"charge": "ch_1", "amount": "1.5"}, "amount"),
    ("/v1/refunds", {"charge": "ch_1", "reason": "because"}, "reason"),
    ("/v1/refunds", {}, None),
    ("/v1/refunds", {"charge": "ch_nobody"}, "charge"),
    ("/v1/credit_notes", {"lines[0][type]": "invoice_line_item"}, "invoice"),
    ("/v1/credit_notes", {"invoice": "INV", "lines[0][type]": "x"}, "lines[0][type]"),
    ("/v1/credit_notes", {"invoice": "INV", "lines[0][type]": "custom_line_item"}, "lines[0][type]"),
    ("/v1/credit_notes", {"invoice": "INV", "lines[0][amount]": "1"}, "lines[0][type]"),
    ("/v1/credit_notes", {"invoice": "INV", "credit_note_amount": "1"}, "credit_note_amount"),
    ("/v1/tax_rates", {"display_name": "x", "inclusive": "false"}, "percentage"),
    ("/v1/tax_rates", {"display_name": "x", "inclusive": "no", "percentage": "5"}, "inclusive"),
    ("/v1/tax_rates", {"display_name": "x", "inclusive": "false", "percentage": "101"}, "percentage"),
    ("/v1/checkout/sessions", {"mode": "payment"}, "mode"),
    ("/v1/checkout/sessions", {"mode": "setup", "customer": "CUS"}, "success_url"),
    ("/v1/checkout/sessions", {"mode": "setup", "customer": "CUS", "success_url": "https://x.test"}, "currency"),
    ("/v1/checkout/sessions", {"mode": "setup", "payment_method_types[0]": "card"}, "payment_method_types"),
    ("/v1/customers/CUS", {"invoice_settings[default_payment_method]": "pm_1"}, "invoice_settings[default_payment_method]"),
    ("/v1/customers/CUS", {"invoice_settings[footer]": "x"}, "invoice_settings[footer]"),
    ("/v1/invoices", {"customer": "CUS", "payment_settings[payment_method_types][0]": "sepa_debit"},
     "payment_settings[payment_method_types][0]"),
    ("/v1/invoices/INV/pay", {"payment_method": "pm_nobody"}, "payment_method"),
    ("/v1/payment_methods/pm_card_visa/attach", {}, "customer"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "parameters", "param"), REFUSED)
async def test_what_stripe_would_refuse_is_refused_and_changes_nothing(
    sandbox: Any, path: str, parameters: dict[str, str], param: str | None
) -> None:
    final = await sandbox.invoice()
    stand_ins = {"INV": final.id, "CUS": final.customer_id}
    filled = {name: stand_ins.get(value, value) for name, value in parameters.items()}
    for stand_in, real in stand_ins.items():
        path = path.replace(stand_in, real)
    before = await sandbox.types()
    answer = await sandbox.call("POST", path, filled)
    error = answer.json()["error"]
    assert answer.status_code in (400, 404)
    assert (error["type"], error.get("param")) == ("invalid_request_error", param)
    assert await sandbox.types() == before
