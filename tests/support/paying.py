"""Invoices at the sandbox, and whatever their payers, banks and we do with them afterwards."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from support.invoices import Sandbox, at, work
from support.world import World, principal

from billing.ledger import OF_THE_AGENCY, credit_issued, credit_kept
from billing.money import Money
from billing.stripe.events import read_event
from billing.stripe.gateway import StripeGateway
from staffing import clock
from staffing.crediting.models import CreditNote, CreditNoteLine
from staffing.invoicing import booking, service
from staffing.invoicing.models import BillingAccount, Collection, Invoice, InvoiceLine, LedgerPosting, LedgerTransaction
from staffing.payments import jobs as payments_jobs
from staffing.payments import webhooks
from staffing.payments.customers import customer_of
from staffing.payments.models import Payment, Refund, StripeEvent
from staffing.payments.saving import follow_customer
from staffing.persistence.base import new_id
from staffing.persistence.jobs import JobContext, TryAgain
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.settings import Settings

HANDLERS = {kind.name: kind.run for kind in payments_jobs.KINDS}


@dataclass(slots=True)
class Till:
    """The product's jobs and the sandbox, driven by hand: nothing happens unless a test says so."""

    database: Database
    sandbox: Sandbox
    settings: Settings
    world: World
    day: date = date(2026, 2, 1)
    """Each invoice has a day of its own; the next begins a day later."""
    done: list[str] = field(default_factory=list)
    """The jobs that were run, by name."""

    @property
    def context(self) -> JobContext:
        return JobContext(self.database, {StripeGateway: self.sandbox.gateway, Settings: self.settings})

    async def run(self, kind: str, object_id: object, **more: str) -> None:
        self.done.append(kind)
        await HANDLERS[kind](self.context, {"id": str(object_id), **more})

    async def until_done(self, kind: str, object_id: object, most: int = 12) -> int:
        """Run a job as the worker does, until it ends without asking for another run. How often it ran."""
        for run in range(1, most + 1):
            try:
                await self.run(kind, object_id)
            except TryAgain:
                continue
            return run
        raise AssertionError(f"still not done after {most} runs")

    async def work_off(self) -> list[str]:
        """All jobs of payments that wait, oldest first, until none is left. Their names."""
        names = []
        for _ in range(40):
            async with self.database.transaction(SYSTEM) as tx:
                rows = await tx.execute(
                    text(
                        "delete from queue.pgqueuer where entrypoint = any(:names)"
                        " returning id, entrypoint, convert_from(payload, 'UTF8')"
                    ),
                    {"names": list(HANDLERS)},
                )
                waiting = sorted(rows)
            if not waiting:
                return names
            for _, kind, payload in waiting:
                names.append(kind)
                for _ in range(8):
                    try:
                        await HANDLERS[kind](self.context, json.loads(payload))
                    except TryAgain:
                        continue
                    break
        raise AssertionError(f"the jobs never end: {names[-12:]}")

    async def invoice(self, *, seconds: int = 3600, facility_id: UUID | None = None) -> UUID:
        """A final invoice over $42.00 an hour, on a day of its own."""
        place = facility_id or self.world.north
        day, self.day = self.day, self.day + timedelta(days=1)
        bella = principal(self.world, "bella")
        async with self.database.transaction(SYSTEM) as tx:
            who = self.world.maria if place == self.world.north else self.world.joseph
            work(tx, self.world, at(day.day, 9, month=day.month), seconds=seconds, facility_id=place, coordinator_id=who)
        async with self.database.transaction(bella.scope()) as tx:
            drafted = await service.draft_invoice(tx, bella, place, day, day)
            await service.review(tx, bella, drafted.id)
            await service.finalize(tx, bella, drafted.id)
        return drafted.id

    async def sent(self, **kwargs: Any) -> UUID:
        invoice_id = await self.invoice(**kwargs)
        await self.run("invoicing.send", invoice_id)
        return invoice_id

    async def paid(self, card: str = "4242 4242 4242 4242", **kwargs: Any) -> UUID:
        """An invoice that was paid on the hosted page, and taken into our books."""
        invoice_id = await self.sent(**kwargs)
        await self.pay(invoice_id, card)
        await self.run("invoicing.check", invoice_id)
        return invoice_id

    async def pay(self, invoice_id: UUID, card: str = "4242 4242 4242 4242") -> int:
        hosted = (await self.read(invoice_id)).hosted_url
        assert hosted is not None
        return (await self.sandbox.pay(hosted, card)).status_code

    async def save_method(self, test_id: str = "pm_card_visa", facility_id: UUID | None = None) -> str:
        """A saved way to pay of the facility, as if saved on Stripe's page."""
        place = facility_id or self.world.north
        customer = await customer_of(self.database, self.sandbox.gateway, place)
        saved = await self.post(f"/v1/payment_methods/{test_id}/attach", {"customer": customer})
        await follow_customer(self.database, self.sandbox.gateway, customer)
        return str(saved["id"])

    async def automatic(self, test_id: str = "pm_card_visa", facility_id: UUID | None = None) -> str:
        """A facility that is charged by itself."""
        method = await self.save_method(test_id, facility_id)
        async with self.database.transaction(SYSTEM) as tx:
            account = update(BillingAccount).where(BillingAccount.facility_id == (facility_id or self.world.north))
            await tx.execute(account.values(collection=Collection.CHARGE_AUTOMATICALLY.value))
        return method

    async def post(self, path: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """Something that somebody does at Stripe, past the product."""
        async with self.sandbox.client() as http:
            answer = await http.post(path, data=data, headers={"authorization": "Bearer sk_test_x"})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def control(self, path: str, wanted: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Something that a bank or time does at Stripe."""
        async with self.sandbox.client() as http:
            answer = await http.post(f"/_control/{path}", json=dict(wanted or {}))
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def charge_of(self, invoice_id: UUID) -> str:
        """Stripe's id of the last charge for an invoice."""
        row = await self.payment(invoice_id)
        found = [one for one in await self.sandbox.objects("charges") if one["payment_intent"] == row.stripe_payment_intent_id]
        return str(found[0]["id"])

    async def charges(self) -> list[Mapping[str, Any]]:
        """What really moved money at Stripe."""
        return [one for one in await self.sandbox.objects("charges") if one["status"] == "succeeded"]

    async def hear(self, *, only: tuple[str, ...] = ()) -> None:
        """Every event of Stripe's that we have not heard of reaches us and is worked off."""
        for event in await self.sandbox.events():
            if only and event["type"] not in only:
                continue
            async with self.database.transaction(SYSTEM) as tx:
                await webhooks.take_in(tx, read_event(event))
        await self.work_off()

    async def read(self, invoice_id: UUID) -> Invoice:
        async with self.database.transaction(SYSTEM) as tx:
            return await tx.get_one(Invoice, invoice_id)

    async def account(self, facility_id: UUID | None = None) -> BillingAccount:
        async with self.database.transaction(SYSTEM) as tx:
            return await tx.get_one(BillingAccount, facility_id or self.world.north)

    async def payment(self, invoice_id: UUID) -> Payment:
        async with self.database.transaction(SYSTEM) as tx:
            return (await tx.scalars(select(Payment).where(Payment.invoice_id == invoice_id))).one()

    async def rows(self, model: type[Any]) -> list[Any]:
        async with self.database.transaction(SYSTEM) as tx:
            return list(await tx.scalars(select(model)))

    async def booked(self, invoice_id: UUID | None = None, *, fees: bool = False) -> list[tuple[str, int]]:
        """What the ledger has, as (happening, sum of its debits), sorted; Stripe's fees where asked for. All of it adds up to
        nothing.
        """
        async with self.database.transaction(SYSTEM) as tx:
            assert await tx.scalar(select(func.coalesce(func.sum(LedgerPosting.amount_minor), 0))) == 0
            statement = (
                select(LedgerTransaction.kind, func.sum(LedgerPosting.amount_minor))
                .join(LedgerPosting, LedgerPosting.transaction_id == LedgerTransaction.id)
                .where(LedgerPosting.amount_minor > 0)
                .group_by(LedgerTransaction.id, LedgerTransaction.kind)
            )
            if invoice_id is not None:
                statement = statement.where(LedgerTransaction.invoice_id == invoice_id)
            found = sorted((kind, int(amount)) for kind, amount in await tx.execute(statement))
            return [one for one in found if fees or one[0] not in OF_THE_AGENCY]

    async def balances(self, *, fees: bool = False) -> dict[str, int]:
        """What stands on each account of the ledger, without those that are even; before Stripe's fees unless asked for."""
        async with self.database.transaction(SYSTEM) as tx:
            rows = await tx.execute(
                select(LedgerPosting.account, func.sum(LedgerPosting.amount_minor)).group_by(LedgerPosting.account)
            )
            found = {account: int(amount) for account, amount in rows}
        if not fees:
            found["clearing"] = found.get("clearing", 0) + found.pop("fees", 0)
        return {account: amount for account, amount in found.items() if amount}

    async def outcomes(self) -> dict[str, str]:
        """What came of each event, by type."""
        async with self.database.transaction(SYSTEM) as tx:
            return dict((await tx.execute(select(StripeEvent.type, StripeEvent.outcome))).all())


def now_is(**later: float) -> Any:
    """Within the block, time has moved on."""
    return clock.standing_at(clock.now() + timedelta(**later))


async def ask_for_refund(till: Till, invoice_id: UUID, minor: int, credit_note_id: UUID | None = None) -> UUID:
    """A refund as the desk leaves it: a row, and the call to come."""
    payment = await till.payment(invoice_id)
    refund = Refund(
        id=new_id(), facility_id=payment.facility_id, invoice_id=invoice_id, payment_id=payment.id, amount_minor=minor,
        credit_note_id=credit_note_id, currency="USD", reason="goodwill", state="requested", requested_at=clock.now(),
    )  # fmt: skip
    async with till.database.transaction(SYSTEM) as tx:
        tx.add(refund)
    return refund.id


async def issue_note(till: Till, invoice_id: UUID, minor: int, *, refund: int = 0, balance: int = 0) -> UUID:
    """A credit note as the desk leaves it: booked here, and the call to come."""
    invoice = await till.read(invoice_id)
    async with till.database.transaction(SYSTEM) as tx:
        (line,) = await tx.scalars(select(InvoiceLine).where(InvoiceLine.invoice_id == invoice_id))
        note = CreditNote(
            id=new_id(), facility_id=invoice.facility_id, invoice_id=invoice_id, number=f"CN-{new_id().hex[-8:]}",
            form_id=new_id(),
            reason="goodwill", currency="USD", subtotal_minor=minor, tax_minor=0, total_minor=minor,
            applied_minor=minor - refund - balance, refund_minor=refund, balance_minor=balance, issued_at=clock.now(),
        )  # fmt: skip
        tx.add(note)
        await tx.flush()
        tx.add(
            CreditNoteLine(
                facility_id=invoice.facility_id, credit_note_id=note.id, invoice_line_id=line.id, position=1, amount_minor=minor
            )
        )
        facility, amount = str(invoice.facility_id), Money(minor, "USD")
        await booking.book(tx, credit_issued(facility, str(note.id), amount), invoice_id, clock.now())
        if balance:
            await booking.book(tx, credit_kept(facility, str(note.id), Money(balance, "USD")), invoice_id, clock.now())
    if refund:
        await ask_for_refund(till, invoice_id, refund, note.id)
    return note.id
