"""Money goes back: credit notes before and after payment, refunds, disputes, tax; through the official client."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.sandbox.calls.credit_notes import _share
from billing.stripe.failures import StripeRefused
from billing.stripe.keys import idempotency_key
from billing.stripe.results import StripeCreditNote, StripeInvoice, StripeRefund
from billing.stripe.values import CreditLine, CreditNoteDraft, DraftLine, InvoiceDraft, RefundDraft, TaxRateDraft


async def credit(sandbox: Any, invoice: StripeInvoice, *amounts: int, **back: Any) -> StripeCreditNote:
    """Take amounts back from the first lines of an invoice."""
    note_id = uuid4()
    lines = await sandbox.gateway.list_lines(invoice.id)
    taken = tuple(CreditLine(line.id, amount) for line, amount in zip(lines, amounts, strict=False))
    draft = CreditNoteDraft(note_id, invoice.id, taken, **back)
    key = idempotency_key("credit_note", note_id, "create")
    made: StripeCreditNote = await sandbox.gateway.create_credit_note(draft, idempotency_key=key)
    assert await sandbox.gateway.create_credit_note(draft, idempotency_key=key) == made
    assert await sandbox.gateway.find_credit_note(note_id, invoice.id) == made
    return made


async def give_back(sandbox: Any, invoice: StripeInvoice, amount: int | None = None) -> StripeRefund:
    assert invoice.payment_intent_id
    refund_id = uuid4()
    draft = RefundDraft(refund_id, invoice.payment_intent_id, amount, "requested_by_customer")
    key = idempotency_key("refund", refund_id, "create")
    made: StripeRefund = await sandbox.gateway.create_refund(draft, idempotency_key=key)
    assert await sandbox.gateway.create_refund(draft, idempotency_key=key) == made
    assert await sandbox.gateway.find_refund(refund_id, invoice.payment_intent_id) == made
    return made


async def test_a_credit_note_lowers_what_an_open_invoice_asks_for(sandbox: Any) -> None:
    final = await sandbox.invoice((30000, 15000))
    note = await credit(sandbox, final, 4000, 1000, reason="order_change")
    assert (note.status, note.total_minor, note.before_payment_minor, note.after_payment_minor) == ("issued", 5000, 5000, 0)
    assert note.number == f"{final.number}-CN-01"
    lowered = await sandbox.gateway.retrieve_invoice(final.id)
    assert (lowered.status, lowered.total_minor) == ("open", 45000)
    assert (lowered.amount_due_minor, lowered.amount_remaining_minor, lowered.credited_before_payment_minor) == (
        40000,
        40000,
        5000,
    )
    assert (await sandbox.gateway.retrieve_payment(lowered.payment_intent_id)).amount_minor == 40000
    page = await sandbox.http.get(final.hosted_invoice_url)
    assert "-$50.00" in page.text
    assert "$400.00" in page.text
    paid = await sandbox.call("POST", f"/v1/invoices/{final.id}/pay", {"payment_method": "pm_card_visa"})
    assert (paid.json()["amount_paid"], paid.json()["amount_remaining"]) == (40000, 0)


async def test_a_credit_note_over_everything_closes_an_open_invoice_and_can_be_voided_before(sandbox: Any) -> None:
    final = await sandbox.invoice((30000, 15000))
    part = await credit(sandbox, final, 10000)
    voided = await sandbox.gateway.void_credit_note(
        part.id, idempotency_key=idempotency_key("credit_note", UUID(part.metadata["credit_note_id"]), "void")
    )
    assert voided.status == "void"
    assert voided.voided_at is not None
    assert (await sandbox.gateway.retrieve_invoice(final.id)).amount_remaining_minor == 45000
    whole = await credit(sandbox, final, 30000, 15000)
    closed = await sandbox.gateway.retrieve_invoice(final.id)
    assert (closed.status, closed.amount_paid_minor, closed.amount_due_minor) == ("paid", 0, 0)
    with pytest.raises(StripeRefused):
        await sandbox.gateway.void_credit_note(
            whole.id, idempotency_key=idempotency_key("credit_note", UUID(whole.metadata["credit_note_id"]), "void")
        )
    assert [note.id for note in await sandbox.gateway.list_credit_notes(invoice_id=final.id)] == [whole.id, part.id]


async def test_after_payment_a_credit_note_refunds_gives_credit_or_says_how_else(sandbox: Any) -> None:
    paid = await sandbox.paid(30000, 15000)
    note = await credit(sandbox, paid, 10000, refund_minor=6000, balance_minor=3000, out_of_band_minor=1000)
    assert (note.before_payment_minor, note.after_payment_minor, note.out_of_band_minor) == (0, 10000, 1000)
    refund = await sandbox.gateway.retrieve_refund(note.refund_ids[0])
    assert (refund.status, refund.amount_minor, refund.payment_intent_id) == ("succeeded", 6000, paid.payment_intent_id)
    now = await sandbox.gateway.retrieve_invoice(paid.id)
    assert (now.status, now.amount_paid_minor, now.credited_after_payment_minor) == ("paid", 45000, 10000)
    customer = await sandbox.gateway.retrieve_customer(paid.customer_id)
    (movement,) = await sandbox.gateway.list_customer_balance_transactions(paid.customer_id)
    assert customer.balance_minor == movement.ending_balance_minor == movement.amount_minor == -3000
    assert (movement.id, movement.kind, movement.credit_note_id) == (note.balance_transaction_id, "credit_note", note.id)


async def next_invoice(sandbox: Any, customer_id: str, amount: int) -> StripeInvoice:
    invoice_id = uuid4()
    draft = InvoiceDraft(invoice_id, uuid4(), customer_id, "USD", 30)
    made = await sandbox.gateway.create_invoice(draft, idempotency_key=idempotency_key("invoice", invoice_id, "create"))
    key = idempotency_key("invoice", invoice_id, "lines")
    await sandbox.gateway.add_lines(made.id, [sandbox.line(amount)], "USD", idempotency_key=key)
    key = idempotency_key("invoice", invoice_id, "finalize")
    final: StripeInvoice = await sandbox.gateway.finalize_invoice(made.id, idempotency_key=key)
    return final


async def test_credit_is_used_up_by_the_next_invoices_and_comes_back_when_one_is_voided(sandbox: Any) -> None:
    paid = await sandbox.paid(30000)
    await credit(sandbox, paid, 10000, balance_minor=10000)
    small = await next_invoice(sandbox, paid.customer_id, 4000)
    assert (small.status, small.amount_due_minor, small.starting_balance_minor) == ("paid", 0, -10000)
    large = await next_invoice(sandbox, paid.customer_id, 9000)
    assert (large.status, large.amount_due_minor, large.starting_balance_minor) == ("open", 3000, -6000)
    assert (await sandbox.gateway.retrieve_customer(paid.customer_id)).balance_minor == 0
    await sandbox.gateway.void_invoice(large.id, idempotency_key=sandbox.key(large, "void"))
    assert (await sandbox.gateway.retrieve_customer(paid.customer_id)).balance_minor == -6000
    movements = await sandbox.gateway.list_customer_balance_transactions(paid.customer_id)
    assert [movement.amount_minor for movement in movements] == [-6000, 6000, 4000, -10000]


async def test_a_credit_note_may_stand_for_a_refund_that_exists(sandbox: Any) -> None:
    paid = await sandbox.paid(30000)
    refund = await give_back(sandbox, paid, 7000)
    note = await credit(sandbox, paid, 7000, refund_ids=(refund.id,))
    assert note.refund_ids == (refund.id,)
    assert len(await sandbox.gateway.list_refunds(payment_intent_id=paid.payment_intent_id)) == 1


@pytest.mark.parametrize(
    ("amounts", "back"),
    [
        ((10000,), {}),
        ((10000,), {"refund_minor": 9999}),
        ((10000,), {"refund_minor": 9999, "balance_minor": 2}),
        ((30001,), {"refund_minor": 30001}),
    ],
)
async def test_what_was_paid_goes_back_to_the_cent_or_not_at_all(
    sandbox: Any, amounts: tuple[int, ...], back: dict[str, int]
) -> None:
    paid = await sandbox.paid(30000, 15000)
    with pytest.raises(StripeRefused):
        await credit(sandbox, paid, *amounts, **back)
    assert await sandbox.gateway.list_credit_notes(invoice_id=paid.id) == ()
    assert await sandbox.gateway.list_refunds(payment_intent_id=paid.payment_intent_id) == ()


async def test_no_line_is_credited_twice_and_none_while_a_debit_is_under_way(sandbox: Any) -> None:
    final = await sandbox.invoice((30000, 15000))
    await credit(sandbox, final, 30000)
    with pytest.raises(StripeRefused):
        await credit(sandbox, final, 1)
    under_way = await sandbox.paid(token="pm_usBankAccount_success")
    with pytest.raises(StripeRefused) as refused:
        await credit(sandbox, under_way, 1)
    assert refused.value.code == "payment_intent_unexpected_state"
    draft = await sandbox.invoice(final=False)
    with pytest.raises(StripeRefused):
        await credit(sandbox, draft, 1)


async def test_a_payment_is_refunded_in_parts_and_never_beyond(sandbox: Any) -> None:
    paid = await sandbox.paid(30000)
    first = await give_back(sandbox, paid, 10000)
    rest = await give_back(sandbox, paid)
    assert (first.amount_minor, rest.amount_minor, rest.reason) == (10000, 20000, "requested_by_customer")
    (charge,) = await sandbox.gateway.list_charges(payment_intent_id=paid.payment_intent_id)
    assert charge.refunded_minor == charge.amount_minor == 30000
    with pytest.raises(StripeRefused) as refused:
        await give_back(sandbox, paid, 1)
    assert refused.value.code == "charge_already_refunded"
    other = await sandbox.paid(30000)
    with pytest.raises(StripeRefused):
        await give_back(sandbox, other, 30001)
    assert (await sandbox.gateway.retrieve_invoice(paid.id)).status == "paid", "a refund does not open an invoice again"
    movement = await sandbox.gateway.retrieve_balance_transaction(first.balance_transaction_id)
    assert (movement.category, movement.net_minor, movement.source_id) == ("refund", -10000, first.id)
    assert [found.id for found in await sandbox.gateway.list_refunds(charge_id=charge.id)] == [rest.id, first.id]


async def test_an_unpaid_invoice_has_nothing_to_refund(sandbox: Any) -> None:
    final = await sandbox.gateway.retrieve_invoice((await sandbox.invoice()).id)
    under_way = await sandbox.paid(token="pm_usBankAccount_success")
    for unpaid in (final, under_way):
        with pytest.raises(StripeRefused):
            await give_back(sandbox, unpaid)


@pytest.mark.parametrize("token", ["pm_usBankAccount_success", "pm_card_pendingRefund"])
async def test_a_refund_may_take_days(sandbox: Any, token: str) -> None:
    paid = await sandbox.paid(token=token)
    await sandbox.days_pass(7)
    refund = await give_back(sandbox, await sandbox.gateway.retrieve_invoice(paid.id))
    assert refund.status == "pending"
    assert refund.id.startswith("pyr_" if "Bank" in token else "re_")
    await sandbox.days_pass(5)
    assert (await sandbox.gateway.retrieve_refund(refund.id)).status == "succeeded"
    assert "refund.updated" in await sandbox.types()


async def test_a_refund_may_come_back(sandbox: Any) -> None:
    paid = await sandbox.paid(token="pm_card_refundFail")
    refund = await give_back(sandbox, paid)
    assert refund.status == "succeeded"
    await sandbox.days_pass(2)
    failed = await sandbox.gateway.retrieve_refund(refund.id)
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    (charge,) = await sandbox.gateway.list_charges(payment_intent_id=paid.payment_intent_id)
    assert charge.refunded_minor == 0
    every = [refund.balance_transaction_id, failed.failure_balance_transaction_id]
    net = [(await sandbox.gateway.retrieve_balance_transaction(one)).net_minor for one in every]
    assert net == [-45000, 45000]
    assert (await give_back(sandbox, paid)).amount_minor == 45000, "it can be tried again"


async def dispute_of(sandbox: Any, invoice: StripeInvoice) -> Any:
    (dispute,) = await sandbox.gateway.list_disputes(payment_intent_id=invoice.payment_intent_id)
    return dispute


async def test_a_dispute_has_a_day_until_which_it_is_answered_and_is_lost_after_it(sandbox: Any) -> None:
    paid = await sandbox.paid(token="pm_card_createDispute")
    dispute = await dispute_of(sandbox, paid)
    assert (dispute.status, dispute.reason, dispute.amount_minor) == ("needs_response", "fraudulent", 45000)
    assert dispute.needs_response
    assert not dispute.refundable
    assert timedelta(days=9) <= dispute.evidence_due_at - dispute.created_at <= timedelta(days=10)
    (movement,) = await sandbox.gateway.list_balance_transactions(source_id=dispute.id)
    assert (movement.category, movement.net_minor) == ("dispute", -46500)
    with pytest.raises(StripeRefused) as refused:
        await give_back(sandbox, paid)
    assert refused.value.code == "charge_disputed"
    await sandbox.days_pass(10)
    lost = await sandbox.gateway.retrieve_dispute(dispute.id)
    assert (lost.status, lost.past_due, lost.closed, lost.needs_response) == ("lost", True, True, False)
    needed = {"charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.closed"}
    assert needed <= set(await sandbox.types())


@pytest.mark.parametrize(("text", "status", "net"), [("winning_evidence", "won", 0), ("losing_evidence", "lost", -46500)])
async def test_evidence_decides(sandbox: Any, text: str, status: str, net: int) -> None:
    dispute = await dispute_of(sandbox, await sandbox.paid(token="pm_card_createDispute"))
    wanted = {"evidence[uncategorized_text]": text, "submit": "true"}
    assert (await sandbox.call("POST", f"/v1/disputes/{dispute.id}", wanted)).status_code == 200
    decided = await sandbox.gateway.retrieve_dispute(dispute.id)
    assert (decided.status, decided.submission_count, decided.has_evidence) == (status, 1, True)
    movements = await sandbox.gateway.list_balance_transactions(source_id=dispute.id)
    assert sum(movement.net_minor for movement in movements) == net
    assert (await sandbox.call("POST", f"/v1/disputes/{dispute.id}/close")).status_code == 400


async def test_evidence_can_be_kept_back_and_the_bank_takes_sixty_days(sandbox: Any) -> None:
    dispute = await dispute_of(sandbox, await sandbox.paid(token="pm_card_createDispute"))
    path = f"/v1/disputes/{dispute.id}"
    await sandbox.call("POST", path, {"evidence[product_description]": "Hours", "submit": "false"})
    assert (await sandbox.gateway.retrieve_dispute(dispute.id)).status == "needs_response"
    await sandbox.call("POST", path, {"submit": "true"})
    assert (await sandbox.gateway.retrieve_dispute(dispute.id)).status == "under_review"
    await sandbox.days_pass(59)
    assert (await sandbox.gateway.retrieve_dispute(dispute.id)).status == "under_review"
    await sandbox.days_pass(1)
    assert (await sandbox.gateway.retrieve_dispute(dispute.id)).status == "lost"


async def test_an_inquiry_moves_no_money_and_a_refund_is_still_possible(sandbox: Any) -> None:
    paid = await sandbox.paid(token="pm_card_createDisputeInquiry")
    inquiry = await dispute_of(sandbox, paid)
    assert (inquiry.status, inquiry.refundable, inquiry.balance_transaction_ids) == ("warning_needs_response", True, ())
    assert (await give_back(sandbox, paid)).status == "succeeded"
    await sandbox.days_pass(10)
    assert (await sandbox.gateway.retrieve_dispute(inquiry.id)).status == "warning_closed"


async def test_a_bank_debit_that_is_taken_back_later_is_a_lost_dispute(sandbox: Any) -> None:
    paid = await sandbox.paid(token="pm_usBankAccount_dispute")
    await sandbox.days_pass(6)
    assert (await sandbox.gateway.retrieve_invoice(paid.id)).status == "paid"
    await sandbox.days_pass(1)
    taken_back = await dispute_of(sandbox, paid)
    assert (taken_back.status, taken_back.evidence_due_at, taken_back.closed) == ("lost", None, True)
    assert (await sandbox.gateway.retrieve_invoice(paid.id)).status == "paid", "Stripe does not open the invoice again"


async def test_tests_can_open_and_decide_a_dispute_and_send_a_refund_back(sandbox: Any) -> None:
    paid = await sandbox.paid()
    (charge,) = await sandbox.gateway.list_charges(payment_intent_id=paid.payment_intent_id)
    made = await sandbox.control("disputes", charge=charge.id, reason="duplicate", amount=1000)
    await sandbox.control(f"disputes/{made['id']}", won=True)
    assert (await sandbox.gateway.retrieve_dispute(made["id"])).status == "won"
    refund = await give_back(sandbox, paid)
    await sandbox.control(f"refunds/{refund.id}/fail", reason="declined")
    assert (await sandbox.gateway.retrieve_refund(refund.id)).failure_reason == "declined"


async def taxed(sandbox: Any, amounts: tuple[int, ...], percentage: str, *, inclusive: bool = False) -> StripeInvoice:
    """A final invoice whose lines carry one tax rate."""
    rate_id, invoice_id = uuid4(), uuid4()
    draft = TaxRateDraft(rate_id, "US-MA", Decimal(percentage), inclusive)
    key = idempotency_key("tax_rate", rate_id, "create")
    rate = await sandbox.gateway.ensure_tax_rate(draft, idempotency_key=key)
    assert await sandbox.gateway.ensure_tax_rate(draft, idempotency_key=key) == rate
    assert await sandbox.gateway.retrieve_tax_rate(rate.id) == rate
    assert (rate.percentage, rate.inclusive, rate.jurisdiction) == (Decimal(percentage), inclusive, "US-MA")
    customer = (await sandbox.invoice(final=False)).customer_id
    made = await sandbox.gateway.create_invoice(
        InvoiceDraft(invoice_id, uuid4(), customer, "USD", 30),
        idempotency_key=idempotency_key("invoice", invoice_id, "create"),
    )
    lines = [
        DraftLine(f"{number:032x}", "Care Plan Management", "regular", 3600, Decimal(60), amount, (rate.id,))
        for number, amount in enumerate(amounts)
    ]
    key = idempotency_key("invoice", invoice_id, "lines")
    await sandbox.gateway.add_lines(made.id, lines, "USD", idempotency_key=key)
    key = idempotency_key("invoice", invoice_id, "finalize")
    final: StripeInvoice = await sandbox.gateway.finalize_invoice(made.id, idempotency_key=key)
    return final


async def test_tax_is_rounded_line_by_line_and_credited_with_its_line(sandbox: Any) -> None:
    # 6.25 % of 1,000.10 is 62.50625, of 333.36 is 20.835: rounded half up to 62.51 and 20.84.
    final = await taxed(sandbox, (100010, 33336), "6.25")
    assert (final.subtotal_minor, final.tax_minor, final.total_minor) == (133346, 6251 + 2084, 133346 + 8335)
    lines = await sandbox.gateway.list_lines(final.id)
    assert [(line.tax_minor, line.line_key) for line in lines] == [(6251, "0" * 32), (2084, f"{1:032x}")]
    first = await credit(sandbox, final, 50005)
    second = await credit(sandbox, final, 50005, 33336)
    assert first.tax_minor + second.tax_minor == 8335
    assert (await sandbox.gateway.retrieve_invoice(final.id)).amount_remaining_minor == 0
    page = await sandbox.http.get(final.hosted_invoice_url)
    assert "$83.35" in page.text


async def test_tax_that_is_within_an_amount_adds_nothing(sandbox: Any) -> None:
    final = await taxed(sandbox, (10625,), "6.25", inclusive=True)
    assert (final.subtotal_minor, final.tax_minor, final.total_minor) == (10625, 0, 10625)
    raw = (await sandbox.call("GET", f"/v1/invoices/{final.id}")).json()
    assert (raw["total_excluding_tax"], raw["total_taxes"][0]["amount"]) == (10000, 625)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.integers(0, 5000), st.lists(st.integers(1, 9000), min_size=1, max_size=6))
def test_the_taxes_of_a_line_credited_in_parts_are_its_whole_tax(tax: int, parts: list[int]) -> None:
    whole, credited, found = sum(parts), 0, 0
    for part in parts:
        found += _share({"amount": tax, "taxable_amount": whole}, credited, part, whole)["amount"]
        credited += part
    assert found == tax


async def test_everything_is_found_again_since_an_instant(sandbox: Any) -> None:
    paid = await sandbox.paid(token="pm_card_createDisputeInquiry")
    await credit(sandbox, paid, 100, refund_minor=100)
    earlier, later = datetime.now(UTC) - timedelta(minutes=1), datetime.now(UTC) + timedelta(hours=1)
    for listing in ("charges", "refunds", "credit_notes", "disputes", "invoices"):
        every = getattr(sandbox.gateway, f"list_{listing}")
        assert len(await every(since=earlier)) == 1, listing
        assert await every(since=later) == ()
