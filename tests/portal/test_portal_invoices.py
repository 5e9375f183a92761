"""The facility's invoices: its own alone, never a draft, paid when the ledger says so."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select, update
from support.invoices import Sandbox, at, running_sandbox, webhook, work
from support.visitors import Visitor
from support.world import World, principal

from staffing import clock
from staffing.invoicing import queries, service
from staffing.invoicing.models import Invoice, InvoiceLine
from staffing.payments import jobs as payments_jobs
from staffing.persistence.base import new_id
from staffing.persistence.models import AccessEvent
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.settings import Settings
from staffing.worklog.models import EntryState

SignIn = Callable[[str], Awaitable[Visitor]]
pytestmark = pytest.mark.usefixtures("standing")


@pytest.fixture
async def sandbox(settings: Settings, tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with running_sandbox(settings, tmp_path) as running:
        yield running


async def issue(database: Database, world: World, sandbox: Sandbox | None = None, *, until: str = "sent") -> UUID:
    """Northside's invoice for March over $46.55, led up to a state."""
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(2, 9), patient_id=world.rosa)
        work(tx, world, at(2, 11), seconds=360, service="prior_authorization")
        work(tx, world, at(2, 13), seconds=900, state=EntryState.DISPUTED, reason="We had no call at one.")
    bella = principal(world, "bella")
    async with database.transaction(bella.scope()) as tx:
        drafted = await service.draft_invoice(tx, bella, world.north, date(2026, 3, 1), date(2026, 3, 31))
        if until in ("reviewed", "finalized", "sent"):
            await service.review(tx, bella, drafted.id)
        if until in ("finalized", "sent"):
            await service.finalize(tx, bella, drafted.id)
    if until == "sent":
        assert sandbox is not None
        await payments_jobs.send(sandbox.context(database), {"id": str(drafted.id)})
    return drafted.id


async def line_of(database: Database, invoice_id: UUID) -> UUID:
    async with database.transaction(SYSTEM) as tx:
        found = select(InvoiceLine.id).where(
            InvoiceLine.invoice_id == invoice_id, InvoiceLine.service == "patient_care_coordinator"
        )
        return (await tx.scalars(found)).one()


def text_of(answer: httpx.Response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text)).replace("&#39;", "'")


async def test_alice_and_bob_see_it_and_charlie_does_not(
    database: Database, world: World, sandbox: Sandbox, sign_in: SignIn
) -> None:
    invoice_id = await issue(database, world, sandbox)
    here = f"/portal/invoices/{invoice_id}"
    paths = [here, f"{here}/lines/{await line_of(database, invoice_id)}", f"{here}/pay"]
    for name, statuses in (("alice", [200, 200, 303]), ("bob", [200, 200, 303]), ("charlie", [404] * 3), ("maria", [404] * 3)):
        visitor = await sign_in(name)
        assert [(await visitor.get(path)).status_code for path in paths] == statuses, name
    alice, charlie = await sign_in("alice"), await sign_in("charlie")
    assert "RD-2026-0001" in (await alice.get("/portal/invoices")).text
    assert "There is no invoice yet." in (await charlie.get("/portal/invoices")).text
    assert "RD-2026-0001" not in (await charlie.get("/portal/invoices")).text
    bella = await sign_in("bella")
    assert (await bella.get(here)).status_code == 404


@pytest.mark.parametrize("state", ["draft", "reviewed"])
async def test_what_is_not_final_is_invisible_to_the_facility(
    database: Database, world: World, sign_in: SignIn, state: str
) -> None:
    invoice_id = await issue(database, world, until=state)
    here = f"/portal/invoices/{invoice_id}"
    alice = await sign_in("alice")
    for path in (here, f"{here}/lines/{await line_of(database, invoice_id)}", f"{here}/pay"):
        assert (await alice.get(path)).status_code == 404
    assert "There is no invoice yet." in (await alice.get("/portal/invoices")).text
    bella = principal(world, "bella")
    async with database.transaction(bella.scope()) as tx:
        await service.void(tx, bella, invoice_id)
    assert (await alice.get(here)).status_code == 404


async def test_each_barrier_holds_without_the_other(database: Database, world: World, sandbox: Sandbox) -> None:
    invoice_id = await issue(database, world, sandbox)
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(9, 9), seconds=60, coordinator_id=world.joseph)
    bella, alice, charlie = principal(world, "bella"), principal(world, "alice"), principal(world, "charlie")
    async with database.transaction(bella.scope()) as tx:
        draft = await service.draft_invoice(tx, bella, world.north, date(2026, 3, 9), date(2026, 3, 9))
    # The predicate alone: a transaction that reaches every row.
    async with database.transaction(SYSTEM) as tx:
        assert [row.id for row in (await queries.invoices(tx, alice))[0]] == [invoice_id]
        assert (await queries.invoices(tx, charlie))[0] == []
        assert (await queries.invoices(tx, principal(world, "maria")))[0] == []
        assert await queries.lines(tx, charlie, invoice_id) == []
    # Row-level security alone: queries without any predicate.
    async with database.transaction(alice.scope()) as tx:
        assert list(await tx.scalars(select(Invoice.id))) == [invoice_id]
        assert draft.id not in set(await tx.scalars(select(InvoiceLine.invoice_id)))
    async with database.transaction(charlie.scope()) as tx:
        assert list(await tx.scalars(select(Invoice.id))) == []
        assert list(await tx.scalars(select(InvoiceLine.id))) == []


async def test_the_document_says_what_is_owed_for_what_and_what_waits(
    database: Database, world: World, sandbox: Sandbox, sign_in: SignIn
) -> None:
    invoice_id = await issue(database, world, sandbox)
    alice = await sign_in("alice")
    said = text_of(await alice.get(f"/portal/invoices/{invoice_id}"))
    assert "Pay $46.55" in said
    assert "Maria Sandoval 1 h $42.00/h $42.00" in said
    assert "Maria Sandoval 6 min $45.50/h $4.55" in said
    assert "Total $46.55" in said
    assert "Wed 18 Mar 2026" in said
    assert "We had no call at one." in said


async def test_a_line_opens_its_entries_and_the_reading_is_noted(
    database: Database, world: World, sandbox: Sandbox, sign_in: SignIn
) -> None:
    invoice_id = await issue(database, world, sandbox)
    alice = await sign_in("alice")
    said = text_of(await alice.get(f"/portal/invoices/{invoice_id}/lines/{await line_of(database, invoice_id)}"))
    for word in ("Mon 2 Mar", "09:00–10:00", "Rosa Alvarez", "Called the payer", "1 h × $42.00 = $42.00"):
        assert word in said
    async with database.transaction(SYSTEM) as tx:
        noted = (
            await tx.execute(
                select(AccessEvent.actor, AccessEvent.facility_id, AccessEvent.detail).where(
                    AccessEvent.object_type == "invoice_line"
                )
            )
        ).all()
    assert noted == [("Alice Newton", world.north, "1 patients")]
    assert (await alice.get(f"/portal/invoices/{invoice_id}/lines/{new_id()}")).status_code == 404


async def test_paying_goes_to_stripes_page_and_the_webhook_makes_it_paid(
    visitor: Visitor, database: Database, world: World, sandbox: Sandbox, settings: Settings, sign_in: SignIn
) -> None:
    invoice_id = await issue(database, world, sandbox)
    here = f"/portal/invoices/{invoice_id}"
    alice = await sign_in("alice")
    going = await alice.get(f"{here}/pay")
    assert (going.status_code, going.headers["location"]) == (303, await _hosted(database, invoice_id))
    await sandbox.pay(going.headers["location"])

    for path in (here, "/portal/invoices"):
        back = await alice.get(path)
        assert "Have you paid" in text_of(back)
        assert "every 3s" in back.text
        assert 'http-equiv="refresh" content="3"' in back.text
    for one in await sandbox.events():
        body, headers = webhook(one, settings.stripe_webhook_secret)
        assert (
            await Visitor(alice.http._transport.app).http.post("/hooks/stripe", content=body, headers=headers)
        ).status_code == 200  # type: ignore[attr-defined]
        await payments_jobs.process_event(sandbox.context(database), {"id": one["id"]})

    received = await alice.get(here)
    assert "Payment received — thank you." in text_of(received)
    assert "every 3s" not in received.text
    assert "Pay $46.55" not in received.text
    # Said once; then the browser has forgotten.
    assert "Payment received" not in (await alice.get(here)).text
    assert "Payment received" not in (await alice.get("/portal/invoices")).text
    again = await alice.get(f"{here}/pay")
    assert again.headers["location"] == here
    assert "is paid already" in (await alice.get(here)).text


async def test_the_redirect_alone_makes_nothing_paid(database: Database, world: World, sandbox: Sandbox, sign_in: SignIn) -> None:
    """Coming back from Stripe's page without having paid, with whatever the address says."""
    invoice_id = await issue(database, world, sandbox)
    alice = await sign_in("alice")
    await alice.get(f"/portal/invoices/{invoice_id}/pay")
    page = await alice.get(f"/portal/invoices/{invoice_id}?paid=1&redirect_status=succeeded")
    assert "Pay $46.55" in page.text
    assert "Payment received" not in page.text


async def test_the_cookie_of_somebody_else_says_nothing(
    database: Database, world: World, sandbox: Sandbox, sign_in: SignIn
) -> None:
    invoice_id = await issue(database, world, sandbox)
    charlie = await sign_in("charlie")
    for value in (str(invoice_id), "nothing", str(new_id())):
        charlie.http.cookies.set("relief_paying", value, domain="relief.test", path="/portal/invoices")
        page = await charlie.get("/portal/invoices")
        assert page.status_code == 200
        assert "waiting for Stripe" not in page.text


async def test_before_stripe_has_it_there_is_nothing_to_pay_yet(database: Database, world: World, sign_in: SignIn) -> None:
    invoice_id = await issue(database, world, until="finalized")
    alice = await sign_in("alice")
    page = await alice.get(f"/portal/invoices/{invoice_id}")
    assert "being prepared for payment" in text_of(page)
    refused = await alice.get(f"/portal/invoices/{invoice_id}/pay")
    assert refused.status_code == 409
    assert "as soon as our payment provider has it" in text_of(refused)


async def test_what_is_overdue_says_since_when(database: Database, world: World, sandbox: Sandbox, sign_in: SignIn) -> None:
    invoice_id = await issue(database, world, sandbox)
    with clock.standing_at(at(18, 23, 30)):
        alice = await sign_in("alice")
        assert "Overdue" not in (await alice.get("/portal/invoices")).text
    with clock.standing_at(at(19, 0, 30)):
        alice = await sign_in("alice")
        assert "Overdue since Wed 18 Mar 2026" in text_of(await alice.get("/portal/invoices"))
        assert "Overdue since" in text_of(await alice.get(f"/portal/invoices/{invoice_id}"))


async def test_a_get_changes_nothing(database: Database, world: World, sandbox: Sandbox, sign_in: SignIn) -> None:
    invoice_id = await issue(database, world, sandbox)
    alice = await sign_in("alice")
    before = await _row(database, invoice_id)
    here = f"/portal/invoices/{invoice_id}"
    await asyncio.gather(*(alice.get(path) for path in (here, "/portal/invoices", f"{here}/pay")))
    assert await _row(database, invoice_id) == before


async def test_ours_is_the_only_state_that_counts(database: Database, world: World, sandbox: Sandbox, sign_in: SignIn) -> None:
    """What Stripe says without our booking is not called paid."""
    invoice_id = await issue(database, world, sandbox)
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(Invoice).values(stripe_status="paid", stripe_problem="Stripe took 1.00 USD."))
    alice = await sign_in("alice")
    page = text_of(await alice.get(f"/portal/invoices/{invoice_id}"))
    assert "Pay $46.55" in page
    assert "Stripe took" not in page


async def _hosted(database: Database, invoice_id: UUID) -> str | None:
    async with database.transaction(SYSTEM) as tx:
        return (await tx.get_one(Invoice, invoice_id)).hosted_url


async def _row(database: Database, invoice_id: UUID) -> tuple[object, ...]:
    async with database.transaction(SYSTEM) as tx:
        return tuple((await tx.execute(select(*Invoice.__table__.columns).where(Invoice.id == invoice_id))).one())
