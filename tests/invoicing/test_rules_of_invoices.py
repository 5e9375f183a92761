"""The pure parts: steps, periods, differences to Stripe, and which Stripe a deployment talks to."""

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import product
from uuid import uuid4

import pytest

from billing.stripe.failures import StripeMisconfigured
from billing.stripe.results import StripeInvoice, StripePayment
from staffing.invoicing import lifecycle
from staffing.invoicing.errors import StepNotPossible
from staffing.invoicing.lifecycle import ISSUED, OPEN, Step
from staffing.invoicing.models import Invoice, InvoiceState
from staffing.invoicing.rules import period_text
from staffing.payments import jobs
from staffing.payments.agreement import money_differences, other_differences
from staffing.payments.at_stripe import InvoiceAtStripe, PaymentAtStripe
from staffing.payments.gateway import connection_for, webhook_secrets
from staffing.payments.webhooks import storable
from staffing.settings import Settings


def test_nothing_leads_out_of_paid_and_void_and_no_final_invoice_is_drafted_anew() -> None:
    for state, step in product((InvoiceState.PAID, InvoiceState.VOID), Step):
        assert not lifecycle.possible(state, step)
    for state in ISSUED:
        assert not lifecycle.possible(state, Step.REDRAFT)


def test_what_is_withdrawn_and_what_is_written_off() -> None:
    withdrawn = {state for state in InvoiceState if lifecycle.possible(state, Step.VOID)}
    assert withdrawn == {InvoiceState.DRAFT, InvoiceState.REVIEWED, InvoiceState.FINALIZED, InvoiceState.SENT}
    written_off = {state for state in InvoiceState if lifecycle.possible(state, Step.WRITE_OFF)}
    assert written_off == {InvoiceState.FINALIZED, InvoiceState.SENT}
    assert lifecycle.after(InvoiceState.UNCOLLECTIBLE, Step.PAY) is InvoiceState.PAID


def test_every_refusal_says_why() -> None:
    for state, step in product(InvoiceState, Step):
        if lifecycle.possible(state, step):
            assert (lifecycle.after(state, step) in OPEN | ISSUED) or step is Step.VOID
        else:
            with pytest.raises(StepNotPossible, match=r"^This invoice .*\.$"):
                lifecycle.after(state, step)


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (date(2026, 3, 1), date(2026, 3, 31), "1–31 Mar 2026"),
        (date(2026, 3, 4), date(2026, 3, 4), "4 Mar 2026"),
        (date(2026, 2, 16), date(2026, 3, 1), "16 Feb – 1 Mar 2026"),
        (date(2025, 12, 29), date(2026, 1, 4), "29 Dec 2025 – 4 Jan 2026"),
    ],
)
def test_periods_as_people_write_them(start: date, end: date, said: str) -> None:
    assert period_text(start, end) == said


def pair() -> tuple[Invoice, StripeInvoice]:
    """Ours and Stripe's of the same invoice, in agreement."""
    ours = Invoice(id=uuid4(), number="RD-2026-0001", currency="USD", total_minor=4655, state="sent")
    at = datetime(2026, 3, 4, tzinfo=UTC)
    theirs = StripeInvoice(
        id="in_1", status="open", number="RD-2026-0001", customer_id="cus_1", currency="USD", total_minor=4655,
        amount_due_minor=4655, amount_paid_minor=0, amount_remaining_minor=4655, line_count=2, hosted_invoice_url=None,
        created_at=at, due_at=at, finalized_at=at, paid_at=None, voided_at=None, metadata={"invoice_id": str(ours.id)},
        payment_intent_id=None, livemode=False,
    )  # fmt: skip
    return ours, theirs


def paid_with(theirs: StripeInvoice, minor: int, currency: str = "USD") -> InvoiceAtStripe:
    """Stripe's invoice with one payment that succeeded."""
    at = datetime(2026, 4, 1, tzinfo=UTC)
    payment = StripePayment(
        "pi_1", "succeeded", minor, minor, currency, theirs.customer_id, None, None, None, None, None, at, theirs.livemode
    )
    return InvoiceAtStripe(theirs, (PaymentAtStripe(payment, None),))


def differences(ours: Invoice, said: InvoiceAtStripe) -> tuple[str, ...]:
    return money_differences(ours, said, 0) + other_differences(ours, said)


def test_no_difference_when_all_is_well() -> None:
    ours, theirs = pair()
    assert differences(ours, InvoiceAtStripe(theirs)) == ()
    assert differences(ours, paid_with(replace(theirs, status="paid", amount_paid_minor=4655), 4655)) == ()


def test_credit_pays_as_much_as_the_ledger_has() -> None:
    ours, theirs = pair()
    partly = paid_with(replace(theirs, status="paid", amount_due_minor=4000, amount_paid_minor=4000), 4000)
    assert money_differences(ours, partly, 655) == ()
    (found,) = money_differences(ours, partly, 654)
    assert found.startswith("Stripe took 6.55 USD of the facility's credit for it, our ledger has 6.54 USD")


def test_another_amount_or_currency_paid_is_a_difference() -> None:
    ours, theirs = pair()
    paid = replace(theirs, status="paid", amount_paid_minor=4655)
    (less,) = differences(ours, paid_with(replace(paid, amount_paid_minor=4000), 4000))
    assert less == "Stripe took 40.00 USD, we are owed 46.55 USD. Nothing was booked."
    (lied,) = differences(ours, paid_with(replace(paid, amount_paid_minor=4654), 4655))
    assert lied == "Stripe took 46.54 USD, we are owed 46.55 USD. Nothing was booked."
    (other,) = differences(ours, paid_with(paid, 4655, "CAD"))
    assert other == "Stripe was paid in CAD, not in USD. Nothing was booked."


def test_withdrawn_here_and_paid_there_is_a_difference() -> None:
    ours, theirs = pair()
    ours.state = "void"
    (found,) = differences(ours, paid_with(replace(theirs, status="paid", amount_paid_minor=4655), 4655))
    assert "withdrawn here, and paid at Stripe" in found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"total_minor": 4656, "amount_due_minor": 4656}, "Stripe's invoice is for 46.56 USD, ours for 46.55 USD"),
        ({"currency": "CAD"}, "46.55 CAD, ours for 46.55 USD"),
        ({"metadata": {}}, "does not carry our invoice's id"),
        ({"number": "RD-2026-0002"}, "has the number RD-2026-0002, ours RD-2026-0001"),
        ({"status": "void"}, "is void: it cannot be paid there"),
    ],
)
def test_every_difference_is_a_sentence(change: dict[str, object], said: str) -> None:
    ours, theirs = pair()
    (found,) = differences(ours, InvoiceAtStripe(replace(theirs, **change)))  # type: ignore[arg-type]
    assert said in found


def test_paid_here_and_open_there_is_a_difference() -> None:
    ours, theirs = pair()
    ours.state = "paid"
    assert differences(ours, InvoiceAtStripe(theirs)) == ("Our ledger says paid, Stripe says open.",)


def test_which_stripe_follows_from_the_settings(settings: Settings) -> None:
    sandbox = connection_for(settings)
    assert (sandbox.is_sandbox, sandbox.livemode, sandbox.sandbox_address) == (True, False, settings.sandbox_url)
    live = connection_for(replace(settings, stripe_api_key="sk_live_x"))
    assert (live.is_sandbox, live.livemode) == (False, True)
    with pytest.raises(StripeMisconfigured):
        connection_for(replace(settings, stripe_api_key="nonsense"))


async def test_the_worker_is_given_the_gateway(settings: Settings) -> None:
    from billing.stripe.gateway import StripeGateway

    (gateway,) = jobs.resources(settings).values()
    assert isinstance(gateway, StripeGateway)
    await gateway.aclose()
    names = {kind.name for kind in jobs.KINDS}
    assert {"invoicing.send", "invoicing.process_event", "invoicing.check"} <= names
    assert {one.kind for one in jobs.REPEATING} <= names


def test_secrets_while_they_are_changed(settings: Settings) -> None:
    assert webhook_secrets(replace(settings, stripe_webhook_secret="a, b")) == ("a", "b")
    assert webhook_secrets(replace(settings, stripe_webhook_secret=" , ")) == ()


def test_a_payload_is_stored_without_what_the_database_cannot_hold() -> None:
    assert storable({"a": "x\x00y", "b": ["\\u0000", "\\", 'q"']}) == {"a": "xy", "b": ["\\u0000", "\\", 'q"']}
