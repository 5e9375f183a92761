"""Sending: each step once, whatever fails where; nothing but opaque ids, services, quantities and amounts leaves."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from support.invoices import Died, Sandbox, at
from support.world import World, principal

from staffing import clock
from staffing.invoicing import service
from staffing.invoicing.models import BillingAccount, Invoice, InvoiceLine
from staffing.payments import jobs as payments_jobs
from staffing.payments.models import StripeCall
from staffing.persistence.jobs import TryAgain
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database

Finalized = Callable[..., Awaitable[UUID]]
pytestmark = pytest.mark.usefixtures("standing")


async def send(database: Database, sandbox: Sandbox, invoice_id: UUID) -> None:
    await payments_jobs.send(sandbox.context(database), {"id": str(invoice_id)})


async def send_until_done(database: Database, sandbox: Sandbox, invoice_id: UUID, most: int = 12) -> int:
    """Run the job as the worker does, until it ends without asking for another run. How often it ran."""
    for run in range(1, most + 1):
        try:
            await send(database, sandbox, invoice_id)
        except TryAgain:
            continue
        return run
    raise AssertionError(f"still not sent after {most} runs")


async def read(database: Database, invoice_id: UUID) -> Invoice:
    async with database.transaction(SYSTEM) as tx:
        return await tx.get_one(Invoice, invoice_id)


async def calls(database: Database) -> dict[str, str]:
    async with database.transaction(SYSTEM) as tx:
        return dict((await tx.execute(select(StripeCall.purpose, StripeCall.state))).all())


async def the_only_invoice(sandbox: Sandbox) -> Mapping[str, Any]:
    (customer,) = await sandbox.objects("customers")
    (invoice,) = await sandbox.objects("invoices")
    assert invoice["customer"] == customer["id"]
    return invoice


async def test_a_finalised_invoice_reaches_stripe_with_the_same_amounts(
    database: Database, sandbox: Sandbox, finalized: Finalized
) -> None:
    invoice_id = await finalized()
    await send(database, sandbox, invoice_id)
    invoice, at_stripe = await read(database, invoice_id), await the_only_invoice(sandbox)
    assert (invoice.state, invoice.stripe_status, invoice.stripe_problem) == ("sent", "open", "")
    assert (invoice.stripe_total_minor, invoice.stripe_paid_minor) == (4655, 0)
    assert invoice.hosted_url == at_stripe["hosted_invoice_url"]
    assert (at_stripe["number"], at_stripe["total"], at_stripe["currency"]) == ("RD-2026-0001", 4655, "usd")
    said = sorted((line["description"], line["amount"]) for line in at_stripe["lines"]["data"])
    assert said == [
        ("Patient Care Coordinator: 1 h at 42.00 USD/h", 4200),
        ("Prior-Authorization: 6 min at 45.50 USD/h", 455),
    ]
    assert await calls(database) == {"customer": "done", "create": "done", "lines 0": "done", "finalize": "done"}


async def test_more_lines_than_one_call_takes(database: Database, sandbox: Sandbox, world: World, finalized: Finalized) -> None:
    invoice_id = await finalized()
    async with database.transaction(SYSTEM) as tx:
        for position in range(3, 254):
            tx.add(
                InvoiceLine(
                    facility_id=world.north, invoice_id=invoice_id, position=position, service="medical_scribe",
                    kind="regular", seconds=60, billed_minutes=Decimal(1), unit_rate=Decimal("6.00"), amount_minor=10,
                )
            )  # fmt: skip
        await tx.execute(update(Invoice).values(total_minor=4655 + 2510))
    sandbox.die_after = 3
    with pytest.raises(Died):
        await send(database, sandbox, invoice_id)
    sandbox.die_after = -1
    await send(database, sandbox, invoice_id)
    assert (await the_only_invoice(sandbox))["total"] == 4655 + 2510
    assert {"lines 0", "lines 1"} <= set(await calls(database))
    assert (await read(database, invoice_id)).state == "sent"


async def test_sending_again_does_nothing_more(database: Database, sandbox: Sandbox, finalized: Finalized) -> None:
    invoice_id = await finalized()
    await send(database, sandbox, invoice_id)
    requests = len(sandbox.sent)
    await send(database, sandbox, invoice_id)
    assert len(sandbox.sent) == requests


async def test_only_allow_listed_content_leaves(database: Database, sandbox: Sandbox, world: World, finalized: Finalized) -> None:
    await send(database, sandbox, await finalized())
    everything = "\n".join(sandbox.sent).lower()
    assert "rd-2026-0001" in everything
    names = ["maria", "sandoval", "joseph", "abad", "alice", "newton", "bella", "quint", "rosa", "alvarez", "brandt"]
    places = ["northside", "southlake", "columbus", "austin", "harbor"]
    for word in (*names, *places, "payer", str(world.maria), world.maria.hex, str(world.rosa)):
        assert word not in everything


@pytest.mark.parametrize("changes_answered", range(4))
async def test_dying_after_stripe_worked_doubles_nothing(
    database: Database, sandbox: Sandbox, finalized: Finalized, changes_answered: int
) -> None:
    """Killed between Stripe's success and our outcome row, at each of the four changes: customer, invoice, lines, final."""
    invoice_id = await finalized()
    sandbox.die_after = changes_answered
    with pytest.raises(Died):
        await send(database, sandbox, invoice_id)
    assert "intended" in (await calls(database)).values()
    assert (await read(database, invoice_id)).state == "finalized"
    sandbox.die_after = -1
    await send(database, sandbox, invoice_id)
    at_stripe = await the_only_invoice(sandbox)
    assert (at_stripe["status"], at_stripe["total"], len(at_stripe["lines"]["data"])) == ("open", 4655, 2)
    assert (await read(database, invoice_id)).state == "sent"
    assert set((await calls(database)).values()) == {"done"}


@pytest.mark.parametrize("changes_answered", range(4))
async def test_an_answer_that_never_comes_doubles_nothing(
    database: Database, sandbox: Sandbox, finalized: Finalized, changes_answered: int
) -> None:
    invoice_id = await finalized()
    sandbox.lose = changes_answered
    with pytest.raises(TryAgain):
        await send(database, sandbox, invoice_id)
    assert "unknown" in (await calls(database)).values()
    assert "not known whether" in (await read(database, invoice_id)).stripe_problem
    await send(database, sandbox, invoice_id)
    at_stripe = await the_only_invoice(sandbox)
    assert (at_stripe["status"], at_stripe["total"], len(at_stripe["lines"]["data"])) == ("open", 4655, 2)
    invoice = await read(database, invoice_id)
    assert (invoice.state, invoice.stripe_problem) == ("sent", "")


@pytest.mark.parametrize("kind", ["timeout_before", "error_before", "error_after", "rate_limit", "lock"])
@pytest.mark.parametrize("path", ["/v1/customers", "/v1/invoices", "/v1/invoices/in_"])
async def test_every_passing_fault_ends_with_one_invoice(
    database: Database, sandbox: Sandbox, finalized: Finalized, kind: str, path: str
) -> None:
    invoice_id = await finalized()
    await sandbox.fault(kind, path, uses=2)
    runs = await send_until_done(database, sandbox, invoice_id)
    at_stripe = await the_only_invoice(sandbox)
    assert (at_stripe["status"], at_stripe["total"], len(at_stripe["lines"]["data"])) == ("open", 4655, 2)
    assert (await read(database, invoice_id)).state == "sent"
    assert runs > 1


async def test_trouble_is_said_in_plain_words_and_waits_longer_each_time(
    database: Database, sandbox: Sandbox, finalized: Finalized
) -> None:
    invoice_id = await finalized()
    await sandbox.fault("rate_limit", "/v1/customers", uses=100)
    waits = []
    for _ in range(4):
        with pytest.raises(TryAgain) as later:
            await send(database, sandbox, invoice_id)
        waits.append(later.value.after)
    for wait, longest in zip(waits, (5, 10, 20, 40), strict=True):
        assert timedelta(seconds=longest / 2) <= wait <= timedelta(seconds=longest)
    assert (await read(database, invoice_id)).stripe_problem == "The payment provider is busy. It is tried again by itself."


async def test_no_wait_is_longer_than_an_hour() -> None:
    assert all(timedelta(minutes=30) <= payments_jobs.wait_after(tries) <= timedelta(hours=1) for tries in (11, 50, 5000))


async def test_a_refusal_is_shown_and_a_person_tries_again(
    database: Database, sandbox: Sandbox, world: World, finalized: Finalized
) -> None:
    invoice_id = await finalized()
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(BillingAccount).values(stripe_customer_id="cus_doesnotexist"))
    await send(database, sandbox, invoice_id)
    refused = await read(database, invoice_id)
    assert refused.state == "finalized"
    assert refused.stripe_problem.startswith("Stripe refused the invoice: No such customer")
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(BillingAccount).values(stripe_customer_id=None))
    bella = principal(world, "bella")
    async with database.transaction(bella.scope()) as tx:
        await service.send_again(tx, bella, invoice_id)
    await send(database, sandbox, invoice_id)
    assert (await read(database, invoice_id)).state == "sent"
    async with database.transaction(SYSTEM) as tx:
        attempts = list(await tx.scalars(select(StripeCall.idempotency_key).where(StripeCall.purpose == "create")))
    assert sorted(attempts) == [f"invoice:{invoice_id}:create:1", f"invoice:{invoice_id}:create:2"]


async def test_a_draft_that_differs_at_stripe_is_not_finalised(
    database: Database, sandbox: Sandbox, finalized: Finalized
) -> None:
    invoice_id = await finalized()
    async with database.transaction(SYSTEM) as tx:
        line = update(InvoiceLine).where(InvoiceLine.invoice_id == invoice_id, InvoiceLine.position == 1)
        await tx.execute(line.values(amount_minor=1))
    await send(database, sandbox, invoice_id)
    assert (await the_only_invoice(sandbox))["status"] == "draft"
    invoice = await read(database, invoice_id)
    assert (invoice.state, "our invoice 2 lines and 46.55 USD" in invoice.stripe_problem) == ("finalized", True)


async def test_after_a_day_of_doubt_a_person_has_to_look(database: Database, sandbox: Sandbox, finalized: Finalized) -> None:
    invoice_id = await finalized()
    await sandbox.fault("timeout_before", "/v1/invoices", uses=1)
    with pytest.raises(TryAgain):
        await send(database, sandbox, invoice_id)
    with clock.standing_at(at(6, 10)):
        await send(database, sandbox, invoice_id)
        assert "Look there before you try again" in (await read(database, invoice_id)).stripe_problem
        assert await sandbox.objects("invoices") == []
        await send(database, sandbox, invoice_id)
    assert (await read(database, invoice_id)).state == "sent"


async def test_two_workers_sending_the_same_invoice_make_one(database: Database, sandbox: Sandbox, finalized: Finalized) -> None:
    import asyncio

    invoice_id = await finalized()
    await asyncio.gather(*(send(database, sandbox, invoice_id) for _ in range(3)), return_exceptions=True)
    await send_until_done(database, sandbox, invoice_id)
    at_stripe = await the_only_invoice(sandbox)
    assert (at_stripe["status"], at_stripe["total"], len(at_stripe["lines"]["data"])) == ("open", 4655, 2)


async def test_a_fault_of_ours_is_shown_on_the_invoice(database: Database, sandbox: Sandbox, finalized: Finalized) -> None:
    invoice_id = await finalized()
    kind = next(kind for kind in payments_jobs.KINDS if kind.name == "invoicing.send")
    assert kind.give_up is not None
    await kind.give_up(sandbox.context(database), {"id": str(invoice_id)}, "stopped after 3 starts without an end")
    assert "fault on our side" in (await read(database, invoice_id)).stripe_problem
