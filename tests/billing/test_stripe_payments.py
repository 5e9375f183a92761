"""Money comes in: by card, by a bank debit that takes days, from what was saved; through the official client."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from billing.sandbox.calls.balance import fee_for
from billing.stripe.failures import StripeDeclined, StripeRefused
from billing.stripe.keys import idempotency_key
from billing.stripe.results import StripeInvoice
from billing.stripe.values import InvoiceDraft, NotAllowedToLeave, SetupDraft

RETURN_URL = "https://portal.test/portal/payment-methods"


async def charge_of(sandbox: Any, invoice: StripeInvoice) -> Any:
    assert invoice.payment_intent_id
    (charge,) = await sandbox.gateway.list_charges(payment_intent_id=invoice.payment_intent_id)
    return charge


async def automatic(sandbox: Any, saved: str | None = None) -> StripeInvoice:
    """A final invoice that is to be charged by itself, of a customer without a default."""
    base = await sandbox.invoice(final=False)
    invoice_id = uuid4()
    method = None if saved is None else await sandbox.saved(base.customer_id, saved)
    draft = InvoiceDraft(
        invoice_id, uuid4(), base.customer_id, "USD", 30, automatic=True, payment_method_id=method,
        payment_kinds=("card", "us_bank_account"),
    )  # fmt: skip
    made = await sandbox.gateway.create_invoice(draft, idempotency_key=idempotency_key("invoice", invoice_id, "create"))
    await sandbox.gateway.add_lines(
        made.id, [sandbox.line(9000)], "USD", idempotency_key=idempotency_key("invoice", invoice_id, "lines")
    )
    final = await sandbox.gateway.finalize_invoice(made.id, idempotency_key=idempotency_key("invoice", invoice_id, "finalize"))
    assert isinstance(final, StripeInvoice)
    return final


def pay_key(invoice: StripeInvoice, attempt: int = 1) -> str:
    return idempotency_key("invoice", UUID(invoice.metadata["invoice_id"]), "pay", attempt)


async def test_a_saved_card_pays_while_nobody_is_there(sandbox: Any) -> None:
    final = await automatic(sandbox, "pm_card_visa")
    assert (final.status, final.collection_method, final.due_at) == ("open", "charge_automatically", None)
    await sandbox.days_pass(3)
    assert (await sandbox.gateway.retrieve_invoice(final.id)).status == "open", "nothing is charged until we say so"
    paid = await sandbox.gateway.pay_invoice(final.id, idempotency_key=pay_key(final))
    again = await sandbox.gateway.pay_invoice(final.id, idempotency_key=pay_key(final))
    assert (paid.status, paid.amount_paid_minor, paid.attempt_count) == ("paid", 9000, 1)
    assert again == paid
    now = await sandbox.gateway.retrieve_invoice(final.id)
    charge = await charge_of(sandbox, now)
    assert (charge.status, charge.kind, charge.brand, charge.last4) == ("succeeded", "card", "visa", "4242")
    payment = await sandbox.gateway.retrieve_payment(now.payment_intent_id)
    assert (payment.status, payment.received_minor) == ("succeeded", 9000)
    assert await sandbox.gateway.find_invoice_of_payment(payment.id) == final.id
    (tie,) = await sandbox.gateway.list_payments_of_invoice(final.id)
    assert (tie.status, tie.paid_minor, tie.payment_intent_id) == ("paid", 9000, payment.id)
    with pytest.raises(StripeRefused) as refused:
        await sandbox.gateway.pay_invoice(final.id, idempotency_key=pay_key(final, 2))
    assert refused.value.code == "invoice_already_paid"


async def test_the_customers_default_is_charged_when_the_invoice_names_none(sandbox: Any) -> None:
    final = await automatic(sandbox)
    with pytest.raises(StripeRefused):
        await sandbox.gateway.pay_invoice(final.id, idempotency_key=pay_key(final))
    saved = await sandbox.saved(final.customer_id, "pm_card_mastercard")
    key = idempotency_key("facility", uuid4(), "default")
    customer = await sandbox.gateway.set_default_payment_method(final.customer_id, saved, idempotency_key=key)
    assert customer.default_payment_method_id == saved
    assert (await sandbox.gateway.pay_invoice(final.id, idempotency_key=pay_key(final, 2))).status == "paid"


@pytest.mark.parametrize(
    ("token", "code", "decline_code"),
    [
        ("pm_card_chargeCustomerFail", "card_declined", "generic_decline"),
        ("pm_card_authenticationRequired", "authentication_required", "authentication_required"),
    ],
)
async def test_a_declined_card_leaves_the_invoice_open_and_says_why(
    sandbox: Any, token: str, code: str, decline_code: str
) -> None:
    final = await automatic(sandbox, token)
    with pytest.raises(StripeDeclined) as declined:
        await sandbox.gateway.pay_invoice(final.id, idempotency_key=pay_key(final))
    assert (declined.value.code, declined.value.decline_code) == (code, decline_code)
    now = await sandbox.gateway.retrieve_invoice(final.id)
    assert (now.status, now.attempt_count) == ("open", 1)
    payment = await sandbox.gateway.retrieve_payment(now.payment_intent_id)
    assert (payment.status, payment.failure_code, payment.decline_code) == ("requires_payment_method", code, decline_code)
    with pytest.raises(StripeDeclined):
        await sandbox.gateway.pay_invoice(final.id, idempotency_key=pay_key(final))
    assert (await sandbox.gateway.retrieve_invoice(final.id)).attempt_count == 1, "the same key never charges twice"


async def test_a_bank_debit_is_under_way_for_four_business_days(sandbox: Any) -> None:
    under_way = await sandbox.paid(token="pm_usBankAccount_success")
    assert (under_way.status, under_way.attempt_count) == ("open", 1)
    payment = await sandbox.gateway.retrieve_payment(under_way.payment_intent_id)
    charge = await charge_of(sandbox, under_way)
    assert (payment.status, charge.status, charge.kind, charge.id[:3]) == ("processing", "pending", "us_bank_account", "py_")
    assert charge.balance_transaction_id is None
    for refused_call in (
        sandbox.gateway.void_invoice(under_way.id, idempotency_key=sandbox.key(under_way, "void")),
        sandbox.gateway.pay_invoice(under_way.id, idempotency_key=pay_key(under_way)),
    ):
        with pytest.raises(StripeRefused) as refused:
            await refused_call
        assert refused.value.code == "payment_intent_unexpected_state"
    await sandbox.days_pass(3)
    assert (await sandbox.gateway.retrieve_invoice(under_way.id)).status == "open"
    await sandbox.days_pass(3)
    settled = await sandbox.gateway.retrieve_invoice(under_way.id)
    assert (settled.status, settled.amount_paid_minor) == ("paid", 45000)
    assert settled.paid_at is not None
    # What happens by itself happens when it is due, not when somebody looks: on a business day.
    assert settled.paid_at.weekday() < 5
    assert settled.paid_at - payment.created_at in {timedelta(days=4), timedelta(days=5), timedelta(days=6)}
    charge = await charge_of(sandbox, settled)
    movement = await sandbox.gateway.retrieve_balance_transaction(charge.balance_transaction_id)
    assert (movement.amount_minor, movement.fee_minor, movement.net_minor) == (45000, 360, 44640)
    assert "charge.pending" in await sandbox.types()


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("pm_usBankAccount_insufficientFunds", "insufficient_funds"),
        ("pm_usBankAccount_accountClosed", "account_closed"),
        ("pm_usBankAccount_noAccount", "no_account"),
        ("pm_usBankAccount_debitNotAuthorized", "debit_not_authorized"),
    ],
)
async def test_a_bank_debit_that_comes_back_can_be_paid_otherwise(sandbox: Any, token: str, code: str) -> None:
    under_way = await sandbox.paid(token=token)
    await sandbox.days_pass(7)
    failed = await sandbox.gateway.retrieve_invoice(under_way.id)
    payment = await sandbox.gateway.retrieve_payment(failed.payment_intent_id)
    charge = await charge_of(sandbox, failed)
    assert (failed.status, payment.status, payment.failure_code) == ("open", "requires_payment_method", code)
    assert (charge.status, charge.failure_code, charge.balance_transaction_id) == ("failed", code, None)
    assert {"charge.failed", "payment_intent.payment_failed", "invoice.payment_failed"} <= set(await sandbox.types())
    paid = await sandbox.call("POST", f"/v1/invoices/{failed.id}/pay", {"payment_method": "pm_card_visa"})
    assert paid.json()["status"] == "paid"


async def test_a_bank_debit_may_never_be_answered(sandbox: Any) -> None:
    under_way = await sandbox.paid(token="pm_usBankAccount_processing")
    await sandbox.days_pass(90)
    assert (await sandbox.gateway.retrieve_payment(under_way.payment_intent_id)).status == "processing"


async def test_a_debit_is_refused_for_an_invoice_that_takes_cards_only(sandbox: Any) -> None:
    base = await sandbox.invoice(final=False)
    invoice_id = uuid4()
    draft = InvoiceDraft(invoice_id, uuid4(), base.customer_id, "USD", 30, payment_kinds=("card",))
    made = await sandbox.gateway.create_invoice(draft, idempotency_key=idempotency_key("invoice", invoice_id, "create"))
    key = idempotency_key("invoice", invoice_id, "lines")
    await sandbox.gateway.add_lines(made.id, [sandbox.line(500)], "USD", idempotency_key=key)
    final = (await sandbox.call("POST", f"/v1/invoices/{made.id}/finalize")).json()
    answer = await sandbox.call("POST", f"/v1/invoices/{made.id}/pay", {"payment_method": "pm_usBankAccount_success"})
    assert answer.status_code == 400
    assert "account_number" not in (await sandbox.http.get(final["hosted_invoice_url"])).text


async def test_paid_elsewhere_given_up_sent_and_deleted(sandbox: Any) -> None:
    gateway = sandbox.gateway
    cheque, hopeless, draft = await sandbox.invoice(), await sandbox.invoice(), await sandbox.invoice(final=False)
    assert (await gateway.send_invoice(cheque.id, idempotency_key=sandbox.key(cheque, "send"))).status == "open"
    closed = await gateway.mark_paid_elsewhere(cheque.id, idempotency_key=sandbox.key(cheque, "paid_elsewhere"))
    assert (closed.status, closed.paid_off_stripe_minor, closed.amount_remaining_minor) == ("paid", 45000, 0)
    given_up = await gateway.mark_uncollectible(hopeless.id, idempotency_key=sandbox.key(hopeless, "uncollectible"))
    assert given_up.status == "uncollectible"
    assert given_up.uncollectible_at is not None
    late = await sandbox.call("POST", f"/v1/invoices/{hopeless.id}/pay", {"payment_method": "pm_card_visa"})
    assert late.json()["status"] == "paid", "what was given up can still be paid"
    await gateway.delete_draft(draft.id, idempotency_key=sandbox.key(draft, "delete"))
    for gone in (draft.id, "in_neverwas"):
        with pytest.raises(StripeRefused) as refused:
            await gateway.retrieve_invoice(gone)
        assert refused.value.code == "resource_missing"
    with pytest.raises(StripeRefused):
        await gateway.delete_draft(cheque.id, idempotency_key=sandbox.key(cheque, "delete"))


async def test_an_invoice_that_advances_by_itself_is_collected_an_hour_later(sandbox: Any) -> None:
    base = await sandbox.invoice(final=False)
    await sandbox.saved(base.customer_id)
    (method,) = await sandbox.gateway.list_payment_methods(base.customer_id)
    wanted = {"customer": base.customer_id, "auto_advance": "true", "default_payment_method": method.id}
    made = (await sandbox.call("POST", "/v1/invoices", wanted)).json()
    await sandbox.call("POST", f"/v1/invoices/{made['id']}/add_lines", {"lines[0][amount]": "700"})
    final = (await sandbox.call("POST", f"/v1/invoices/{made['id']}/finalize")).json()
    assert final["next_payment_attempt"] == final["status_transitions"]["finalized_at"] + 3600
    await sandbox.control("clock", advance_seconds=3601)
    assert (await sandbox.gateway.retrieve_invoice(made["id"])).status == "paid"


def form_token(text: str) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', text)
    assert found
    return found[1]


async def test_a_bank_debit_on_the_hosted_page_and_the_banks_answer_at_once(sandbox: Any) -> None:
    final = await sandbox.invoice()
    page = await sandbox.http.get(final.hosted_invoice_url)
    form = {"form_token": form_token(page.text), "routing_number": "110000000", "account_number": "000123456780"}
    wrong = await sandbox.http.post(final.hosted_invoice_url, data=form)
    assert wrong.status_code == 422
    assert "test accounts only" in wrong.text
    assert "000123456780" not in wrong.text
    form["account_number"] = "000123456789"
    assert (await sandbox.http.post(final.hosted_invoice_url, data=form)).status_code == 303
    under_way = await sandbox.http.get(final.hosted_invoice_url)
    assert "under way" in under_way.text
    assert 'name="account_number"' not in under_way.text
    again = await sandbox.http.post(final.hosted_invoice_url, data=form)
    assert again.status_code == 303
    assert len(await sandbox.gateway.list_charges(customer_id=final.customer_id)) == 1
    settle = f"{final.hosted_invoice_url}/settle"
    await sandbox.http.post(settle, data={"form_token": "0" * 64})
    assert (await sandbox.gateway.retrieve_invoice(final.id)).status == "open"
    await sandbox.http.post(settle, data={"form_token": form_token(under_way.text)})
    assert (await sandbox.gateway.retrieve_invoice(final.id)).status == "paid"
    assert "a bank account ending 6789" in (await sandbox.http.get(final.hosted_invoice_url)).text


async def setup(sandbox: Any, customer_id: str, **terms: Any) -> Any:
    setup_id = uuid4()
    draft = SetupDraft(setup_id, uuid4(), customer_id, RETURN_URL, **terms)
    made = await sandbox.gateway.create_setup(draft, idempotency_key=idempotency_key("setup", setup_id, "create"))
    assert await sandbox.gateway.find_setup(setup_id, customer_id) == made
    return made


@pytest.mark.parametrize(
    ("form", "kind", "brand", "last4"),
    [
        ({"card_number": "4242 4242 4242 4242"}, "card", "visa", "4242"),
        (
            {"routing_number": "110000000", "account_number": "000123456789"},
            "us_bank_account", "STRIPE TEST BANK", "6789",
        ),
    ],
)  # fmt: skip
async def test_a_way_to_pay_is_saved_on_the_hosted_page(
    sandbox: Any, form: dict[str, str], kind: str, brand: str, last4: str
) -> None:
    customer = (await sandbox.invoice(final=False)).customer_id
    made = await setup(sandbox, customer)
    assert (made.status, made.payment_method_id, made.customer_id) == ("open", None, customer)
    page = await sandbox.http.get(made.url)
    assert page.status_code == 200
    sent = await sandbox.http.post(made.url, data={"form_token": form_token(page.text), **form})
    assert (sent.status_code, sent.headers["location"]) == (303, RETURN_URL)
    done = await sandbox.gateway.retrieve_setup(made.id)
    method = await sandbox.gateway.retrieve_payment_method(done.payment_method_id)
    assert (done.status, method.customer_id) == ("complete", customer)
    assert (method.kind, method.brand, method.last4) == (kind, brand, last4)
    assert await sandbox.gateway.list_payment_methods(customer) == (method,)
    needed = {"setup_intent.succeeded", "payment_method.attached", "checkout.session.completed"}
    assert needed <= set(await sandbox.types())
    assert (await sandbox.http.post(made.url, data={"form_token": form_token(page.text), **form})).status_code == 303
    assert len(await sandbox.gateway.list_payment_methods(customer)) == 1
    gone = await sandbox.gateway.detach_payment_method(method.id, idempotency_key=idempotency_key("facility", uuid4(), "detach"))
    assert gone.customer_id is None
    assert await sandbox.gateway.list_payment_methods(customer) == ()
    back = await sandbox.call("POST", f"/v1/payment_methods/{method.id}/attach", {"customer": customer})
    assert back.status_code == 400, "what was detached never comes back"


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"card_number": "4000000000000002"}, "Your card was declined."),
        ({"card_number": "4111111111111111"}, "test cards only"),
        ({"routing_number": "110000000", "account_number": "000666666661"}, "could not be verified"),
        ({"routing_number": "1", "account_number": "000123456789"}, "test accounts only"),
    ],
)
async def test_what_cannot_be_saved_is_explained(sandbox: Any, form: dict[str, str], said: str) -> None:
    customer = (await sandbox.invoice(final=False)).customer_id
    made = await setup(sandbox, customer)
    page = await sandbox.http.get(made.url)
    refused = await sandbox.http.post(made.url, data={"form_token": form_token(page.text), **form})
    assert refused.status_code == 422
    assert said in refused.text
    assert "4111111111111111" not in refused.text
    assert await sandbox.gateway.list_payment_methods(customer) == ()


async def test_a_page_for_saving_expires_after_a_day_and_takes_what_it_was_made_for(sandbox: Any) -> None:
    customer = (await sandbox.invoice(final=False)).customer_id
    cards_only = await setup(sandbox, customer, payment_kinds=("card",))
    page = await sandbox.http.get(cards_only.url)
    assert "account_number" not in page.text
    await sandbox.days_pass(1)
    assert (await sandbox.gateway.retrieve_setup(cards_only.id)).status == "expired"
    form = {"form_token": form_token(page.text), "card_number": "4242424242424242"}
    await sandbox.http.post(cards_only.url, data=form)
    assert await sandbox.gateway.list_payment_methods(customer) == ()
    assert "expired" in (await sandbox.http.get(cards_only.url)).text
    elsewhere = SetupDraft(uuid4(), uuid4(), customer, "https://evil.test/")
    with pytest.raises(NotAllowedToLeave):
        await sandbox.gateway.create_setup(elsewhere, idempotency_key=idempotency_key("setup", uuid4(), "create"))


async def test_the_balance_is_the_sum_of_its_movements(sandbox: Any) -> None:
    since = datetime.now(UTC) - timedelta(days=1)
    await sandbox.paid(10000)
    await sandbox.paid(5000)
    movements = await sandbox.gateway.list_balance_transactions(since=since)
    assert [movement.category for movement in movements] == ["charge", "charge"]
    assert [movement.fee_minor for movement in movements] == [175, 320]
    balance = await sandbox.gateway.retrieve_balance()
    net = sum(movement.net_minor for movement in movements)
    assert (balance.available_minor["USD"], balance.pending_minor["USD"]) == (0, net)
    await sandbox.days_pass(2)
    assert (await sandbox.gateway.retrieve_balance()).available_minor["USD"] == net
    assert {movement.status for movement in await sandbox.gateway.list_balance_transactions(since=since)} == {"available"}


@pytest.mark.parametrize(
    ("method", "amount", "fee"),
    [
        ("card", 100, 33), ("card", 4200, 152), ("card", 1_000_000, 29_030),
        ("us_bank_account", 4200, 34), ("us_bank_account", 62_500, 500), ("us_bank_account", 9_000_000, 500),
    ],
)  # fmt: skip
def test_what_the_sandbox_keeps_is_what_stripe_publishes(method: str, amount: int, fee: int) -> None:
    assert fee_for({"amount": amount, "payment_method_details": {"type": method}}) == fee


async def test_a_charge_comes_with_what_it_did_to_the_balance(sandbox: Any) -> None:
    final = await automatic(sandbox, "pm_card_visa")
    await sandbox.gateway.pay_invoice(final.id, idempotency_key=pay_key(final))
    listed = await charge_of(sandbox, await sandbox.gateway.retrieve_invoice(final.id))
    charge = await sandbox.gateway.retrieve_charge(listed.id)
    (movement,) = charge.movements
    assert (movement.id, movement.category, movement.source_id) == (charge.balance_transaction_id, "charge", charge.id)
    assert (movement.amount_minor, movement.fee_minor, movement.net_minor) == (9000, 291, 8709)
    assert await sandbox.gateway.retrieve_balance_transaction(movement.id) == movement
    # A list has ids only.
    assert (listed.movements, listed.balance_transaction_id) == ((), movement.id)
