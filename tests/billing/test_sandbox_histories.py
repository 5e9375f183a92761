"""Whatever is done to invoices in whatever order, the sandbox's amounts agree with each other, as Stripe's do."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import httpx
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from litestar import Litestar

from billing.sandbox.app import create_app

KEY = {"authorization": "Bearer sk_test_x"}
TOKENS = (
    "pm_card_visa",
    "pm_card_refundFail",
    "pm_card_chargeDeclined",
    "pm_card_createDispute",
    "pm_card_refundFail",
    "pm_usBankAccount_success",
    "pm_usBankAccount_insufficientFunds",
    "pm_usBankAccount_dispute",
)
PARTS = st.integers(1, 700)
PAY = st.tuples(st.just("pay"), st.sampled_from(TOKENS))
CREDIT = st.tuples(
    st.just("credit"), PARTS, st.sampled_from(["none", "refund_amount", "credit_amount", "credit_amount", "out_of_band_amount"])
)
REFUND = st.tuples(st.just("refund"), PARTS)
PASS = st.tuples(st.just("pass"), st.integers(1, 9))
INVOICE = st.tuples(st.just("invoice"), st.integers(700, 3000))
RARE = st.one_of(
    st.tuples(st.just("dispute"), st.booleans()),
    st.tuples(st.just("void")),
    st.tuples(st.just("paid_elsewhere")),
    st.tuples(st.just("uncollectible")),
    st.tuples(st.just("void_note")),
)
# What follows from each other comes often enough to meet: credit before paying, refunds after it, days between.
STEPS = st.one_of(PAY, CREDIT, PAY, PASS, REFUND, INVOICE, CREDIT, RARE)
HISTORIES = st.tuples(INVOICE, CREDIT, PAY, st.lists(STEPS, min_size=5, max_size=12)).map(lambda parts: [*parts[:3], *parts[3]])


class History:
    """One customer's invoices; each step is tried on the newest, and Stripe's refusals are part of the game."""

    def __init__(self, http: httpx.AsyncClient, customer: str) -> None:
        self.http = http
        self.customer = customer
        self.invoice = ""

    async def do(self, step: tuple[Any, ...]) -> None:
        name, *how = step
        if name == "invoice":
            await self.new_invoice(how[0])
        elif name == "pass":
            await self.http.post("/_control/clock", json={"advance_seconds": how[0] * 24 * 3600})
        elif name == "pay":
            await self.post(f"invoices/{self.invoice}/pay", payment_method=how[0])
        elif name == "credit":
            await self.credit(*how)
        elif name == "refund":
            for charge in await self.all("charges"):
                await self.post("refunds", charge=charge["id"], amount=str(how[0]))
        elif name == "dispute":
            for dispute in await self.all("disputes"):
                evidence = "winning_evidence" if how[0] else "losing_evidence"
                await self.post(f"disputes/{dispute['id']}", **{"evidence[uncategorized_text]": evidence})
        elif name == "void_note":
            for note in await self.all("credit_notes"):
                await self.post(f"credit_notes/{note['id']}/void")
        elif name == "paid_elsewhere":
            await self.post(f"invoices/{self.invoice}/pay", paid_out_of_band="true")
        else:
            await self.post(f"invoices/{self.invoice}/{'void' if name == 'void' else 'mark_uncollectible'}")

    async def new_invoice(self, amount: int) -> None:
        made = await self.post("invoices", customer=self.customer, currency="usd")
        self.invoice = made["id"]
        lines = {"lines[0][amount]": str(amount), "lines[1][amount]": "500"}
        await self.post(f"invoices/{self.invoice}/add_lines", **lines)
        await self.post(f"invoices/{self.invoice}/finalize")

    async def credit(self, amount: int, way: str) -> None:
        (line, *_) = (await self.http.get(f"/v1/invoices/{self.invoice}/lines")).json()["data"]
        remaining = (await self.http.get(f"/v1/invoices/{self.invoice}")).json()["amount_remaining"]
        wanted = {
            "invoice": self.invoice, "lines[0][type]": "invoice_line_item", "lines[0][invoice_line_item]": line["id"],
            "lines[0][amount]": str(amount),
        }  # fmt: skip
        if way != "none" and amount > remaining:
            wanted[way] = str(amount - remaining)
        await self.post("credit_notes", **wanted)

    async def post(self, path: str, **parameters: str) -> Any:
        answer = await self.http.post(f"/v1/{path}", data=parameters)
        assert answer.status_code in (200, 400, 402), answer.text
        return answer.json()

    async def all(self, path: str) -> list[Any]:
        return list((await self.http.get(f"/v1/{path}", params={"limit": 100})).json()["data"])

    async def check(self) -> None:
        """What must always be so."""
        charges, refunds = await self.all("charges"), await self.all("refunds")
        for invoice in await self.all("invoices"):
            assert invoice["amount_remaining"] == (0 if invoice["status"] == "paid" else invoice["amount_due"]), invoice
            applied = invoice["ending_balance"] - invoice["starting_balance"]
            assert invoice["amount_due"] == invoice["total"] - applied - invoice["pre_payment_credit_notes_amount"]
            assert 0 <= invoice["amount_paid"] <= invoice["amount_due"]
            await self.check_notes_and_payments(invoice, charges)
        for charge in charges:
            back = sum(
                refund["amount"] for refund in refunds if refund["charge"] == charge["id"] and refund["status"] != "failed"
            )
            assert charge["amount_refunded"] == back <= charge["amount"]
        movements = await self.all(f"customers/{self.customer}/balance_transactions")
        customer = (await self.http.get(f"/v1/customers/{self.customer}")).json()
        assert customer["balance"] == sum(movement["amount"] for movement in movements) <= 0
        balance = (await self.http.get("/v1/balance")).json()
        net = sum(movement["net"] for movement in await self.all("balance_transactions"))
        assert sum(part["amount"] for part in balance["available"] + balance["pending"]) == net

    async def check_notes_and_payments(self, invoice: Any, charges: list[Any]) -> None:
        notes = (await self.http.get("/v1/credit_notes", params={"invoice": invoice["id"], "limit": 100})).json()["data"]
        issued = [note for note in notes if note["status"] == "issued"]
        assert sum(note["total"] for note in issued) <= invoice["total"]
        assert sum(note["pre_payment_amount"] for note in issued) == invoice["pre_payment_credit_notes_amount"]
        assert sum(note["post_payment_amount"] for note in issued) == invoice["post_payment_credit_notes_amount"]
        ties = (await self.http.get("/v1/invoice_payments", params={"invoice": invoice["id"]})).json()["data"]
        took = sum(tie["amount_paid"] or 0 for tie in ties)
        intents = {tie["payment"]["payment_intent"] for tie in ties}
        ours = [charge for charge in charges if charge["payment_intent"] in intents]
        assert took == sum(charge["amount"] for charge in ours if charge["status"] == "succeeded")
        assert took + invoice.get("amount_paid_off_stripe", 0) == invoice["amount_paid"]
        assert sum(charge["status"] == "pending" for charge in ours) <= 1
        if any(charge["status"] == "succeeded" for charge in ours):
            assert invoice["status"] == "paid", "money that came in is never left beside its invoice"


async def live(app: Litestar, steps: list[tuple[Any, ...]]) -> None:
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://payments.test", headers=KEY) as http:
        customer = (await http.post("/v1/customers", data={"email": "f@example.com"})).json()["id"]
        history = History(http, customer)
        for step in steps:
            await history.do(step)
            await history.check()


@settings(deadline=None, derandomize=True, max_examples=20, phases=[Phase.generate])
@given(HISTORIES)
def test_amounts_agree_after_every_step(steps: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(
            database=Path(folder) / "p.db",
            public_url="http://payments.test",
            webhook_url="",
            webhook_secret="",
            faults_allowed=True,
        )
        asyncio.run(live(app, steps))
