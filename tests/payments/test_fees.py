"""What Stripe keeps of each payment and for disputes: booked once, compared to the cent, seen by the agency alone."""

import csv
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from support.paying import Till, now_is
from support.tampering import Tampering
from support.visitors import Visitor
from support.world import principal

from billing.stripe.backoff import ONE_TRY
from billing.stripe.results import StripeBalance, StripeBalanceTransaction
from staffing.invoicing.models import BillingAccount, LedgerPosting, LedgerTransaction
from staffing.payments import fees, reconciling, stripe_books
from staffing.payments.gateway import gateway_for
from staffing.payments.models import PaymentDispute
from staffing.persistence.tenancy import SYSTEM
from staffing.reporting import exports

CARD_FEE, DEBIT_FEE, DISPUTE_FEE = 152, 34, 1500
"""Of $42.00: 2.9 % and 30 cents, 0.8 %; of a dispute, whatever its amount."""


async def kept(till: Till) -> list[tuple[str, int]]:
    return [one for one in await till.booked(fees=True) if one[0].startswith("fee_")]


async def differences(till: Till) -> list[tuple[str, str]]:
    run = await reconciling.reconcile(till.database, till.sandbox.gateway)
    return [(one["kind"], one["what"]) for one in run.differences]


async def test_a_cards_fee_is_booked_once_however_often_stripe_is_asked(till: Till) -> None:
    invoice_id = await till.paid()
    for _ in range(2):
        await till.run("invoicing.check", invoice_id)
        await till.hear()
    assert await till.booked(invoice_id, fees=True) == [
        ("fee_charged", CARD_FEE), ("invoice_finalised", 4200), ("payment_received", 4200),
    ]  # fmt: skip
    assert await till.balances(fees=True) == {"clearing": 4200 - CARD_FEE, "fees": CARD_FEE, "revenue": -4200}
    assert await differences(till) == []


async def test_a_debits_fee_is_booked_when_its_money_comes(till: Till) -> None:
    await till.automatic("pm_usBankAccount_success")
    invoice_id = await till.sent()
    await till.run("payments.charge", invoice_id)
    await till.hear()
    assert await kept(till) == []
    with now_is(days=7):
        await till.sandbox.gateway.list_charges()
        await till.hear()
        assert (await till.read(invoice_id)).state == "paid"
        assert await kept(till) == [("fee_charged", DEBIT_FEE)]
        assert await differences(till) == []


@pytest.mark.parametrize(
    ("evidence", "booked", "cost"),
    [
        ("losing_evidence", [], CARD_FEE + DISPUTE_FEE),
        ("winning_evidence", [("fee_returned", DISPUTE_FEE)], CARD_FEE),
    ],
)
async def test_a_disputes_fee_comes_back_only_when_it_is_won(
    till: Till, evidence: str, booked: list[tuple[str, int]], cost: int
) -> None:
    invoice_id = await till.paid("4000 0000 0000 0259")
    await till.hear()
    charged = [("fee_charged", CARD_FEE), ("fee_charged", DISPUTE_FEE)]
    assert await kept(till) == charged
    (dispute,) = await till.rows(PaymentDispute)
    answer = {"evidence[uncategorized_text]": evidence, "submit": "true"}
    await till.post(f"/v1/disputes/{dispute.stripe_dispute_id}", answer)
    for _ in range(2):
        await till.hear()
        await till.run("invoicing.check", invoice_id)
    assert await kept(till) == charged + booked
    assert (await till.balances(fees=True))["fees"] == cost
    assert await differences(till) == []


async def test_a_fee_that_stripe_tells_later_is_booked_then(till: Till) -> None:
    """Stripe may say that a charge succeeded a moment before it says what it kept."""
    invoice_id = await till.sent()
    await till.pay(invoice_id)

    def not_yet(content: dict[str, Any]) -> None:
        if content.get("object") == "charge":
            content["balance_transaction"] = None

    honest = till.sandbox.gateway
    till.sandbox.gateway = gateway_for(till.settings, http=httpx.AsyncClient(transport=Tampering(till, not_yet)), backoff=ONE_TRY)
    await till.run("invoicing.check", invoice_id)
    await till.sandbox.gateway.aclose()
    till.sandbox.gateway = honest
    assert (await till.read(invoice_id)).state == "paid"
    assert await kept(till) == []
    await till.hear(only=("charge.succeeded",))
    assert await kept(till) == [("fee_charged", CARD_FEE)]


async def test_books_from_before_fees_were_booked_are_made_good_by_the_comparison(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(fees, "entries", lambda facility, one: [])
        await till.paid("4000 0000 0000 0259")
        await till.hear()
    assert await kept(till) == []
    assert await differences(till) == []
    assert await kept(till) == [("fee_charged", CARD_FEE), ("fee_charged", DISPUTE_FEE)]


async def test_what_is_not_booked_differs_by_fee_and_in_the_balance(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fees, "entries", lambda facility, one: [])
    await till.paid()
    run = await reconciling.reconcile(till.database, till.sandbox.gateway)
    assert [(one["kind"], one["what"], one["ours_minor"], one["theirs_minor"]) for one in run.differences] == [
        ("fee", "Stripe has this fee, our books do not.", None, CARD_FEE),
        ("balance", "The amount differs.", 4200, 4200 - CARD_FEE),
    ]


async def test_a_parked_facilitys_fee_waits_with_its_payment(till: Till) -> None:
    invoice_id = await till.sent()
    async with till.database.transaction(SYSTEM) as tx:
        (await tx.get_one(BillingAccount, till.world.north)).parked_because = "RD-2026-0001: look"
    await till.pay(invoice_id)
    await till.run("invoicing.check", invoice_id)
    assert await kept(till) == []
    assert {kind for kind, _ in await differences(till)} == {"invoice", "payment", "fee", "balance"}


def test_what_was_paid_out_and_what_stripe_asks_for_itself_counts_as_held() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)

    def moved(category: str, amount: int, fee: int) -> StripeBalanceTransaction:
        return StripeBalanceTransaction("txn_1", category, amount, fee, amount - fee, "USD", None, "available", now, now)

    movements = (
        moved("payout", -3000, 0), moved("charge", 4200, CARD_FEE), moved("payout_reversal", 500, 0), moved("fee", -200, 0),
    )  # fmt: skip
    (fact,) = stripe_books._balance(StripeBalance({"USD": 1048}, {"USD": 300}, False), movements)
    assert (fact.id, fact.amount_minor) == ("USD", 4200 - CARD_FEE)


async def test_a_facility_reads_nothing_of_it_even_past_the_pages(till: Till) -> None:
    """Row-level security alone: the query has no predicate."""
    await till.paid()
    alice, bella = principal(till.world, "alice"), principal(till.world, "bella")
    for caller, accounts in ((alice, {"receivable", "revenue"}), (bella, {"receivable", "revenue", "clearing", "fees"})):
        async with till.database.transaction(caller.scope()) as tx:
            assert set(await tx.scalars(select(LedgerPosting.account))) == accounts
            kinds = set(await tx.scalars(select(LedgerTransaction.kind)))
        assert ("fee_charged" in kinds) is (caller is bella)


async def test_the_desk_sees_the_fee_and_the_facility_does_not(till: Till, sign_in: object) -> None:
    invoice_id = await till.paid()
    bella: Visitor = await sign_in("bella")  # type: ignore[operator]
    page = (await bella.get(f"/desk/invoices/{invoice_id}")).text
    assert "Stripe&#39;s fee" in page
    assert "$1.52" in page
    alice: Visitor = await sign_in("alice")  # type: ignore[operator]
    for path in (f"/portal/invoices/{invoice_id}", f"/portal/statements/{till.world.north}"):
        answer = await alice.get(path)
        assert answer.status_code == 200
        assert "Stripe&#39;s fee" not in answer.text
        assert "$1.52" not in answer.text


async def test_the_accounting_export_has_the_fee_on_its_account(till: Till) -> None:
    await till.paid()
    bella = principal(till.world, "bella")
    lines = [line async for line in exports.export(till.database, bella, "journal", exports.Period())]
    rows = list(csv.DictReader(lines))
    assert {(row["account"], row["debit"], row["credit"]) for row in rows if row["happening"] == "fee_charged"} == {
        ("fees", "1.52", ""),
        ("clearing", "", "1.52"),
    }
