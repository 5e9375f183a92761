"""Downloads at the desk and in the portal: the same figures as the page to the cent, for those who may, noted in the log."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from support.statements import amounts_of_page, history, issued, text_of_pdf
from support.visitors import Visitor
from support.world import NOW, World, principal

from staffing import clock
from staffing.invoicing import service
from staffing.persistence.models import AccessEvent
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.reporting import statements

SignIn = Callable[[str], Awaitable[Visitor]]
pytestmark = pytest.mark.usefixtures("standing")


def sheet(html: str) -> str:
    """The document on a page."""
    found = re.search(r'<article class="sheet">.*?</article>', html, re.DOTALL)
    assert found
    return found[0]


async def downloads(database: Database) -> int:
    async with database.transaction(SYSTEM) as tx:
        return int(await tx.scalar(select(func.count()).select_from(AccessEvent).where(AccessEvent.action == "download")) or 0)


@pytest.mark.parametrize(("name", "place"), [("bella", "desk"), ("olga", "desk"), ("alice", "portal"), ("bob", "portal")])
async def test_every_amount_of_the_page_is_in_the_pdf(
    database: Database, world: World, sign_in: SignIn, name: str, place: str
) -> None:
    invoice_id, note_id = await history(database, world)
    visitor = await sign_in(name)
    for kind, object_id, total in (("invoices", invoice_id, "$72.28"), ("credit-notes", note_id, "$10.70")):
        page = await visitor.get(f"/{place}/{kind}/{object_id}")
        assert f'href="/{place}/{kind}/{object_id}/pdf"' in page.text
        answer = await visitor.get(f"/{place}/{kind}/{object_id}/pdf")
        assert answer.headers["content-type"] == "application/pdf"
        assert answer.headers["cache-control"] == "no-store"
        text = text_of_pdf(answer.content)
        shown = amounts_of_page(sheet(page.text))
        assert total in shown
        assert {amount for amount in shown if amount not in text} == set()
        assert "Northside Family Medicine" in text
    assert await downloads(database) == 2


async def test_the_invoices_pdf_says_what_the_page_says(database: Database, world: World, sign_in: SignIn) -> None:
    invoice_id, _ = await history(database, world)
    text = text_of_pdf((await (await sign_in("alice")).get(f"/portal/invoices/{invoice_id}/pdf")).content)
    for said in ("Invoice RD-2026-0001", "Harbor Relief Agency", "F-1001", "18 Mar 2026", "1 h 30 min", "$42.00/h",
                 "Maria Sandoval", "Before tax", "Sales tax 7 %", "$4.73", "rounded to the cent once"):  # fmt: skip
        assert said in text, said


async def test_a_stranger_gets_no_document(database: Database, world: World, sign_in: SignIn) -> None:
    invoice_id, note_id = await history(database, world)
    addresses = [f"invoices/{invoice_id}/pdf", f"credit-notes/{note_id}/pdf", f"statements/{world.north}",
                 f"statements/{world.north}/pdf", f"statements/{world.north}/csv"]  # fmt: skip
    charlie = await sign_in("charlie")
    for address in addresses:
        assert (await charlie.get(f"/portal/{address}")).status_code == 404, address
    for name in ("dora", "maria"):
        visitor = await sign_in(name)
        for address in (f"/desk/invoices/{invoice_id}/pdf", f"/desk/receivables/{world.north}/statement/pdf"):
            assert (await visitor.get(address)).status_code in (403, 404), (name, address)
    assert await downloads(database) == 0


async def test_a_draft_is_no_document(database: Database, world: World, sign_in: SignIn) -> None:
    from datetime import date

    from support.invoices import at, work

    bella = principal(world, "bella")
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(2, 9))
    async with database.transaction(bella.scope()) as tx:
        drafted = await service.draft_invoice(tx, bella, world.north, date(2026, 3, 1), date(2026, 3, 31))
    answer = await (await sign_in("bella")).get(f"/desk/invoices/{drafted.id}/pdf")
    assert answer.status_code == 409
    assert "becomes a document when it is finalised" in answer.text


class TestStatements:
    async def test_it_is_what_the_ledger_says(self, database: Database, world: World) -> None:
        await history(database, world)
        bella = principal(world, "bella")
        async with database.transaction(bella.scope()) as tx:
            found = await statements.statement(tx, bella, world.north, NOW.date(), NOW.date() + timedelta(days=30))
        (account,) = found.accounts
        assert [(row.on.day, row.what, row.reference, row.amount_minor, row.balance_minor) for row in account.rows] == [
            (4, "Invoice", "RD-2026-0001", 7228, 7228),
            (10, "Payment, Visa ending in 4242", "RD-2026-0001", -2000, 5228),
            (12, "Credit note", "CN-2026-0001 on RD-2026-0001", -1070, 4158),
        ]
        assert (account.opening_minor, account.charged_minor, account.credited_minor) == (0, 7228, 3070)
        assert account.closing_minor == 4158

    async def test_one_period_opens_where_the_one_before_closed(self, database: Database, world: World) -> None:
        await history(database, world)
        bella = principal(world, "bella")
        balance = 0
        async with database.transaction(bella.scope()) as tx:
            for number in range(-1, 12):
                day = NOW.date() + timedelta(days=number)
                (account,) = (await statements.statement(tx, bella, world.north, day, day)).accounts
                assert account.opening_minor == balance
                balance = account.closing_minor
        assert balance == 4158

    @pytest.mark.parametrize(("name", "base"), [("bella", "/desk/receivables/{}/statement"), ("alice", "/portal/statements/{}")])
    async def test_page_pdf_and_csv_agree(self, database: Database, world: World, sign_in: SignIn, name: str, base: str) -> None:
        await history(database, world)
        here, asked = base.format(world.north), "?start_on=2026-03-05&end_on=2026-03-31"
        with clock.standing_at(NOW + timedelta(days=9)):
            visitor = await sign_in(name)
            page = await visitor.get(here + asked)
            text = text_of_pdf((await visitor.get(f"{here}/pdf{asked}")).content)
            csv = (await visitor.get(f"{here}/csv{asked}")).text
        table = page.text.split("<table")[1].split("</table>")[0]
        assert {"$72.28", "$20.00", "$10.70", "$41.58"} <= amounts_of_page(table)
        assert {amount for amount in amounts_of_page(table) if amount not in text} == set()
        assert csv.splitlines()[0] == "date,what,document,charged,credited,balance,currency"
        assert csv.splitlines()[1] == "2026-03-05,Balance at the start,,,,72.28,USD"
        assert csv.splitlines()[-1] == "2026-03-31,Balance at the end,,0.00,30.70,41.58,USD"

    async def test_a_period_that_cannot_be_is_named_and_kept(self, database: Database, world: World, sign_in: SignIn) -> None:
        await history(database, world)
        alice = await sign_in("alice")
        answer = await alice.get(f"/portal/statements/{world.north}?start_on=2026-03-31&end_on=2026-03-01")
        assert answer.status_code == 422
        assert "The last day must not be before the first." in answer.text
        assert 'value="2026-03-31"' in answer.text
        assert (await alice.get(f"/portal/statements/{world.north}?start_on=soon")).status_code == 422

    async def test_the_facilitys_own_comes_first(self, world: World, sign_in: SignIn) -> None:
        answer = await (await sign_in("alice")).get("/portal/statements", follow_redirects=True)
        assert answer.status_code == 200
        assert "Northside Family Medicine" in answer.text

    async def test_another_facilitys_bookings_are_not_on_it(self, database: Database, world: World) -> None:
        await issued(database, world, facility_id=world.south)
        alice = principal(world, "alice")
        async with database.transaction(alice.scope()) as tx:
            (account,) = (await statements.statement(tx, alice, world.north, NOW.date(), NOW.date())).accounts
        assert account.rows == ()
