"""The desk's pages: from approved hours to a sent invoice through the real door."""

import re
from collections.abc import Awaitable, Callable
from datetime import date
from uuid import UUID

import httpx
import pytest
from sqlalchemy import event, select, update
from support.invoices import Sandbox, at, work
from support.visitors import Visitor
from support.world import World

from staffing import clock
from staffing.invoicing.models import Invoice, InvoiceLine
from staffing.payments import jobs as payments_jobs
from staffing.persistence.base import new_id
from staffing.persistence.models import AccessEvent
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.worklog.models import EntryState, WorkEntry

SignIn = Callable[[str], Awaitable[Visitor]]
Finalized = Callable[..., Awaitable[UUID]]
MARCH = {"start_on": "2026-03-01", "end_on": "2026-03-04"}
pytestmark = pytest.mark.usefixtures("standing")


async def hours(database: Database, world: World) -> None:
    """An hour of coordination and six minutes of prior authorization approved, half an hour disputed, a quarter waiting."""
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(2, 9), patient_id=world.rosa)
        work(tx, world, at(2, 11), seconds=360, service="prior_authorization")
        work(tx, world, at(2, 12), seconds=1800, state=EntryState.DISPUTED, reason="We had no call at noon.")
        work(tx, world, at(2, 13), seconds=900, state=EntryState.SUBMITTED)


def text_of(answer: httpx.Response) -> str:
    """What a person reads, roughly."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text)).replace("&#39;", "'")


def version_of(answer: httpx.Response) -> str:
    found = re.search(r'name="version" value="(\d+)"', answer.text)
    assert found
    return found[1]


async def draft(bella: Visitor, world: World) -> httpx.Response:
    await bella.get("/desk/invoices")
    return await bella.post("/desk/invoices", {"facility_id": str(world.north), **MARCH})


async def test_from_hours_to_a_sent_invoice(database: Database, world: World, sandbox: Sandbox, sign_in: SignIn) -> None:
    await hours(database, world)
    bella = await sign_in("bella")
    start = text_of(await bella.get("/desk/invoices"))
    assert "1 h 6 min" in start
    assert "45 min" in start
    assert "Payments go to the built-in sandbox: no money moves." in start

    page = await draft(bella, world)
    assert "Drafted: $46.55." in text_of(page)
    assert "We had no call at noon." in text_of(page)
    assert "2 entries wait and do not stop the rest." in text_of(page)
    here = page.url.path

    page = await bella.post(f"{here}/review", {"version": version_of(page)})
    assert "Finalise and send $46.55" in text_of(page)
    page = await bella.post(f"{here}/finalize", {"version": version_of(page)})
    assert "RD-2026-0001 is final and on its way" in text_of(page)
    assert "every 2s" in page.text

    await payments_jobs.send(sandbox.context(database), {"id": here.rsplit("/", 1)[1]})
    said = text_of(await bella.get(here))
    assert "every 2s" not in said
    assert "due Wed 18 Mar 2026" in said
    for number in ("Invoiced $46.55 $46.55", "Paid $0.00 $0.00", "State sent open"):
        assert number in said
    assert "differs" not in said


async def test_every_line_opens_the_entries_behind_it_without_patients(database: Database, world: World, sign_in: SignIn) -> None:
    await hours(database, world)
    bella = await sign_in("bella")
    page = await draft(bella, world)
    links = re.findall(r'href="(/desk/invoices/[0-9a-f-]+/lines/[0-9a-f-]+)"', page.text)
    assert len(links) == 2
    lines = [text_of(await bella.get(link)) for link in links]
    (coordination,) = [line for line in lines if "Patient Care Coordinator" in line.split("Maria")[0]]
    assert "1 h × $42.00 = $42.00, rounded to the cent once." in coordination
    assert "Mon 2 Mar" in coordination
    assert "09:00–10:00" in coordination
    for private in ("Alvarez", "pending approval"):
        assert all(private not in line for line in lines)
    async with database.transaction(SYSTEM) as tx:
        notes = (await tx.execute(select(AccessEvent.object_type, AccessEvent.detail).where(AccessEvent.action == "read"))).all()
    assert notes == [("invoice_line", "1 entries")] * 2


async def test_the_numbers_of_the_list_open_their_rows(database: Database, world: World, sign_in: SignIn) -> None:
    await hours(database, world)
    bella = await sign_in("bella")
    page = await bella.get("/desk/invoices")
    (link, *_) = re.findall(r'href="(/desk/invoices/work/[^"#]+)"', page.text)
    said = text_of(await bella.get(link.replace("&amp;", "&")))
    assert "2 entries" in said
    assert "1 h 6 min" in said
    assert "We had no call at noon." in said
    for wrong in ("start_on=x&end_on=2026-03-04", "start_on=2026-03-04&end_on=2026-03-01"):
        assert (await bella.get(f"/desk/invoices/work/{world.north}?{wrong}")).status_code == 404
    assert (await bella.get(f"/desk/invoices/work/{new_id()}?start_on=2026-03-01&end_on=2026-03-04")).status_code == 404


async def test_a_draft_that_no_longer_says_what_is_so_can_only_be_updated(
    database: Database, world: World, sign_in: SignIn
) -> None:
    await hours(database, world)
    bella = await sign_in("bella")
    here = (await draft(bella, world)).url.path
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(WorkEntry).where(WorkEntry.state == "submitted").values(state="approved"))
    page = await bella.get(here)
    assert "it would come to $57.05 now" in text_of(page)
    assert "Mark as reviewed" not in page.text
    assert "The draft is up to date: $57.05." in text_of(await draft(bella, world))


async def test_two_people_at_the_same_invoice(database: Database, world: World, sign_in: SignIn) -> None:
    await hours(database, world)
    bella, olga = await sign_in("bella"), await sign_in("olga")
    page = await draft(bella, world)
    here = page.url.path
    page = await bella.post(f"{here}/review", {"version": version_of(page)})
    seen = version_of(await olga.get(here))
    assert seen == version_of(page)
    await bella.post(f"{here}/finalize", {"version": seen})
    refused = await olga.post(f"{here}/finalize", {"version": seen})
    assert refused.status_code == 409
    assert "was finalised before, as RD-2026-0001" in text_of(refused)
    assert f'href="{here}"' in refused.text
    forgotten = await olga.post(f"{here}/void")
    assert forgotten.status_code == 409


async def test_a_withdrawn_draft_says_so(database: Database, world: World, sign_in: SignIn) -> None:
    await hours(database, world)
    bella = await sign_in("bella")
    page = await draft(bella, world)
    here = page.url.path
    after = await bella.post(f"{here}/void", {"version": version_of(page)})
    assert "The draft was withdrawn." in text_of(after)
    assert "Withdrawn" in text_of(await bella.get(here))
    link = re.findall(r'href="(/desk/invoices/[0-9a-f-]+/lines/[0-9a-f-]+)"', (await bella.get(here)).text)[0]
    assert "free for another invoice" in text_of(await bella.get(link))


async def test_what_stripe_refused_is_said_and_can_be_tried_again(
    database: Database, world: World, finalized: Finalized, sign_in: SignIn
) -> None:
    invoice_id = await finalized()
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(Invoice).values(stripe_problem="Stripe refused the invoice: no."))
    bella = await sign_in("bella")
    page = await bella.get(f"/desk/invoices/{invoice_id}")
    assert "Stripe refused the invoice: no." in text_of(page)
    after = text_of(await bella.post(f"/desk/invoices/{invoice_id}/send"))
    assert "It is being sent again." in after
    assert "Stripe refused" not in after
    asked = await bella.post(f"/desk/invoices/{invoice_id}/ask")
    assert asked.status_code == 409


async def test_half_an_invoice_at_stripe_is_no_difference(database: Database, finalized: Finalized, sign_in: SignIn) -> None:
    """While its lines are still being sent, Stripe has a draft over nothing. Once it is open, what differs is said."""
    invoice_id = await finalized()
    bella = await sign_in("bella")
    for status, alarm in (("draft", False), ("open", True)):
        async with database.transaction(SYSTEM) as tx:
            said = {"stripe_status": status, "stripe_total_minor": 0, "stripe_paid_minor": 0}
            await tx.execute(update(Invoice).values(**said))
        page = text_of(await bella.get(f"/desk/invoices/{invoice_id}"))
        assert ("differs" in page) is alarm
        assert ("Stripe does not have it yet." in page) is not alarm


async def test_wrong_periods_are_said_beside_the_field_and_nothing_typed_is_lost(world: World, sign_in: SignIn) -> None:
    bella = await sign_in("bella")
    page = await bella.get("/desk/invoices?start_on=2026-03-09&end_on=2026-03-01")
    assert page.status_code == 422
    assert "The last day must not be before the first." in page.text
    assert 'value="2026-03-09"' in page.text
    page = await bella.post("/desk/invoices", {"facility_id": str(world.north), "start_on": "soon", "end_on": "2026-03-01"})
    assert page.status_code == 422
    assert "Please give a date like" in page.text
    page = await bella.post("/desk/invoices", {"facility_id": str(world.north), **MARCH})
    assert page.status_code == 409
    assert "Northside Family Medicine has no approved hours for 1–4 Mar 2026" in text_of(page)
    for odd in ("state=x", "page=0&state=nothing"):
        assert (await bella.get(f"/desk/invoices?{odd}")).status_code == 404
    assert (await bella.get("/desk/invoices?page=-1")).status_code == 200


async def test_views_by_state_and_their_sums(database: Database, world: World, finalized: Finalized, sign_in: SignIn) -> None:
    await finalized()
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(2, 9), facility_id=world.south, coordinator_id=world.joseph, seconds=7200)
    bella = await sign_in("bella")
    await bella.get("/desk/invoices")
    await bella.post("/desk/invoices", {"facility_id": str(world.south), **MARCH})
    everything = text_of(await bella.get("/desk/invoices"))
    assert "Total $130.55" in everything
    drafts = text_of(await bella.get("/desk/invoices?state=draft"))
    assert "Total $84.00" in drafts
    with clock.standing_at(at(19, 9)):
        bella = await sign_in("bella")
        async with database.transaction(SYSTEM) as tx:
            await tx.execute(update(Invoice).where(Invoice.number.is_not(None)).values(state="sent"))
        assert "Overdue since Wed 18 Mar 2026" in text_of(await bella.get("/desk/invoices?state=sent"))


async def test_the_list_is_read_with_few_queries_however_many_invoices(database: Database, world: World, sign_in: SignIn) -> None:
    async with database.transaction(SYSTEM) as tx:
        for number in range(60):
            tx.add(
                Invoice(
                    id=new_id(), facility_id=world.north, period_start_on=date(2020, 1, 1 + number % 28),
                    period_end_on=date(2021, 1 + number % 12, 1 + number % 28), currency="USD", total_minor=number,
                    state="draft", drafted_at=at(2, 9), drafted_by=world.bella,
                )
            )  # fmt: skip
    bella = await sign_in("bella")
    counted: list[str] = []
    listener = lambda *args: counted.append(args[2])  # noqa: E731
    event.listen(database.engine.sync_engine, "before_cursor_execute", listener)
    page = await bella.get("/desk/invoices")
    event.remove(database.engine.sync_engine, "before_cursor_execute", listener)
    assert page.text.count("/desk/invoices/0") >= 50
    assert 'page=2#all"' in page.text
    selects = [one for one in counted if one.lstrip().lower().startswith("select") and "set_config" not in one]
    assert len(selects) <= 10, selects


async def test_who_sees_the_desks_invoices(database: Database, world: World, finalized: Finalized, sign_in: SignIn) -> None:
    invoice_id = await finalized()
    async with database.transaction(SYSTEM) as tx:
        line_id = await tx.scalar(select(InvoiceLine.id).limit(1))
    paths = [
        "/desk/invoices",
        f"/desk/invoices/{invoice_id}",
        f"/desk/invoices/{invoice_id}/lines/{line_id}",
        f"/desk/invoices/work/{world.north}?start_on=2026-03-01&end_on=2026-03-31",
    ]
    for name, status in (("bella", 200), ("olga", 200), ("dora", 403), ("alice", 404), ("charlie", 404), ("maria", 404)):
        visitor = await sign_in(name)
        assert [(await visitor.get(path)).status_code for path in paths] == [status] * 4, name
    bella = await sign_in("bella")
    for path in (
        f"/desk/invoices/{new_id()}",
        f"/desk/invoices/{invoice_id}/lines/{new_id()}",
        f"/desk/invoices/{new_id()}/lines/{line_id}",
    ):
        assert (await bella.get(path)).status_code == 404
    dora = await sign_in("dora")
    assert (await dora.post(f"/desk/invoices/{invoice_id}/void", follow=False)).status_code == 403
