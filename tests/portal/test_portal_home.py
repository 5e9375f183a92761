"""The facility's first page and its two weeks of cover: the answer, the numbers, nobody else's, few statements."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.dialects.postgresql import Range
from support.visitors import Visitor
from support.world import NOW, World, ask, assign, principal

from staffing import clock
from staffing.errors import NotFound
from staffing.identity.models import AccountFacility
from staffing.invoicing.models import Invoice
from staffing.persistence.base import new_id
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database, Transaction
from staffing.reporting import portal
from staffing.requests.models import CoverageWindow
from staffing.worklog.models import WorkEntry

pytestmark = pytest.mark.usefixtures("standing")
SignIn = Callable[[str], Awaitable[Visitor]]
HOUR = timedelta(hours=1)
STATEMENTS_A_PAGE = 8
"""One of them is for the notice about unpaid invoices, on every page of the portal."""


def words(page: str) -> str:
    """What a page says, without its markup."""
    text = re.sub(r"<svg.*?</svg>|<[^>]+>", " ", page[page.index("<main") :], flags=re.DOTALL)
    return " ".join(text.split())


async def home(sign_in: SignIn, who: str = "alice") -> str:
    return words((await (await sign_in(who)).get("/portal")).text)


def entry(world: World, facility: Any, start: datetime, state: str, minutes: int = 30) -> WorkEntry:
    return WorkEntry(
        facility_id=facility, coordinator_id=world.maria, service="prior_authorization", activity="records",
        during=Range(start, start + timedelta(minutes=minutes)), state=state, source="manual", performed_from_country="US",
        dispute_reason="why" if state == "disputed" else "", created_at=start,
    )  # fmt: skip


def invoice(facility: Any, month: int, state: str, minor: int, due_on: date | None = None) -> Invoice:
    number = f"I-{month}-{facility}" if state in ("finalized", "sent", "paid") else None
    return Invoice(
        facility_id=facility, number=number, period_start_on=date(2025, month, 1), period_end_on=date(2025, month, 28),
        state=state, currency="USD", total_minor=minor, drafted_at=NOW, due_on=due_on,
    )  # fmt: skip


async def test_covered(sign_in: SignIn, world: World, database: Database) -> None:
    async with database.transaction(SYSTEM) as tx:
        await assign(tx, world, world.maria, world.north, start=NOW - HOUR, hours=3)
        await assign(tx, world, world.joseph, world.north, start=NOW + 3 * HOUR, hours=2)
    page = await home(sign_in)
    assert "Good morning, Alice." in page
    assert "Wed 4 Mar, 10:00 EST" in page
    assert "Yes, you are covered today." in page
    assert "09:00–12:00 Patient Care Coordinator Maria Sandoval Here now" in page
    assert "13:00–15:00 Patient Care Coordinator Joseph Abad Confirmed" in page
    assert "100 % covered" in page
    assert "5 h" in page
    assert "Maria" not in await home(sign_in, "charlie")
    assert "Maria" in await home(sign_in, "bob")


async def test_not_covered(sign_in: SignIn, world: World, database: Database) -> None:
    async with database.transaction(SYSTEM) as tx:
        await ask(tx, world, world.north, start=NOW + HOUR, hours=3)
        half = await assign(tx, world, world.maria, world.north, start=NOW + HOUR, hours=1)
        (await tx.get_one(CoverageWindow, half.window_id)).headcount = 2
    page = await home(sign_in)
    assert "Not yet: 2 windows are short of people." in page
    assert "Nobody yet Uncovered" in page
    assert "Maria Sandoval · 1 of 2 missing Partly covered" in page
    assert "20 % covered" in page  # 60 of 180 + 2 × 60 minutes


@pytest.mark.parametrize(
    ("starts", "answer"),
    [
        ([], "Nothing is asked for today."),
        ([-6], "Everything for today is over."),
        ([24], "Nothing is asked for today. The next window is on Thu 5 Mar 2026 ."),
        ([2], "Not yet: one window is without anybody."),
        ([2, 5], "Not yet: 2 windows are without anybody."),
    ],
)
async def test_the_answer(sign_in: SignIn, world: World, database: Database, starts: list[int], answer: str) -> None:
    async with database.transaction(SYSTEM) as tx:
        for hours in starts:
            await ask(tx, world, world.north, start=NOW + hours * HOUR, hours=2)
    assert answer in await home(sign_in)


async def test_a_covered_day_does_not_hide_what_is_open_ahead(sign_in: SignIn, world: World, database: Database) -> None:
    async with database.transaction(SYSTEM) as tx:
        await assign(tx, world, world.maria, world.north, start=NOW + HOUR, hours=1)
        await ask(tx, world, world.north, start=NOW + 7 * 24 * HOUR, hours=2)
    page = await home(sign_in)
    assert "Yes, you are covered today." in page
    assert (
        "1 window until the end of next week misses somebody; the first is Patient Care Coordinator, Wed 11 Mar, 11:00–13:00"
        in page
    )
    assert "100 % covered" in page  # of this week


async def test_what_needs_the_manager(sign_in: SignIn, world: World, database: Database) -> None:
    async with database.transaction(SYSTEM) as tx:
        north, south = ["submitted", "submitted", "disputed", "approved", "draft"], ["submitted", "disputed"]
        for number, state in enumerate([*north, *south]):
            facility = world.north if number < len(north) else world.south
            tx.add(entry(world, facility, NOW - (number + 2) * HOUR, state, 45))
        tx.add_all(
            [
                invoice(world.north, 1, "sent", 100_050, date(2026, 3, 20)),
                invoice(world.north, 2, "finalized", 331_200, date(2026, 3, 13)),
                invoice(world.north, 3, "paid", 999),
                invoice(world.north, 4, "draft", 999),
                invoice(world.south, 5, "sent", 777, date(2026, 3, 9)),
            ]
        )
    page = await home(sign_in)
    assert "Entries to approve 2 1 h 30 min" in page
    assert "Disputed 1" in page
    assert "Invoices to pay $4,312.50 first due Fri 13 Mar 2026" in page
    raw = (await (await sign_in("alice")).get("/portal")).text
    assert 'href="/portal/approvals"' in raw
    assert 'href="/portal/invoices"' in raw
    # The predicate alone: row-level security would hide the others' rows too.
    async with database.transaction(SYSTEM) as tx:
        needs = await portal.needs_you(tx, principal(world, "charlie"))
    assert (needs.entries, needs.disputed, needs.invoices, needs.invoices_minor) == (1, 1, 1, 777)


async def test_nothing_needs_the_manager(sign_in: SignIn) -> None:
    page = await home(sign_in)
    assert "Nothing waits for you." in page
    assert "Nothing is asked for this week." in page


async def test_the_cover_of_two_weeks_in_the_facility_s_time(sign_in: SignIn, world: World, database: Database) -> None:
    async with database.transaction(SYSTEM) as tx:
        await assign(tx, world, world.maria, world.north, start=NOW - 24 * HOUR, hours=1)
        # Sunday 23:00 in New York is Monday in UTC: it belongs to this week.
        await ask(tx, world, world.north, start=datetime(2026, 3, 9, 3, tzinfo=UTC), hours=1)
        await ask(tx, world, world.north, start=datetime(2026, 3, 9, 12, tzinfo=UTC), hours=2)
        await ask(tx, world, world.north, start=datetime(2026, 3, 16, 12, tzinfo=UTC), hours=2)
        await ask(tx, world, world.south, start=NOW, hours=2, service="prior_authorization")
        _, gone = await ask(tx, world, world.north, start=NOW + 24 * HOUR, hours=2)
        gone.cancelled = True
    page = words((await (await sign_in("alice")).get("/portal/cover")).text)
    this_week, next_week = page.split("Next week", 1)
    assert "Tue 3 Mar 10:00–11:00 Patient Care Coordinator Maria Sandoval Done" in this_week
    assert "Sun 8 Mar 23:00–00:00 Patient Care Coordinator Nobody yet Uncovered" in this_week
    assert "Hours (EST, EDT)" in this_week
    assert "Mon 9 Mar 08:00–10:00" in next_week
    assert "Hours (EDT)" in next_week
    for absent in ("Prior-Authorization", "Thu 5 Mar", "16 Mar"):
        assert absent not in page


async def test_an_account_of_two_facilities_reads_each_in_its_own_time(sign_in: SignIn, world: World, database: Database) -> None:
    async with database.transaction(SYSTEM) as tx:
        tx.add(AccountFacility(account_id=world.bob, facility_id=world.south))
        await assign(tx, world, world.maria, world.north, start=NOW + HOUR, hours=1)
        await assign(tx, world, world.joseph, world.south, start=NOW + HOUR, hours=1)
    page = await home(sign_in, "bob")
    assert "Wed 4 Mar, 10:00 EST" in page
    assert "Wed 4 Mar, 09:00 CST" in page
    assert "11:00–12:00 Patient Care Coordinator Maria Sandoval" in page
    assert "10:00–11:00 Patient Care Coordinator Joseph Abad" in page


async def test_a_coordinator_cannot_read_a_facility_s_day(world: World, database: Database) -> None:
    maria = principal(world, "maria")
    async with database.transaction(maria.scope()) as tx:
        for reading in (portal.cover, portal.needs_you):
            with pytest.raises(NotFound):
                await reading(tx, maria)


@pytest.mark.parametrize("path", ["/portal", "/portal/cover", "/portal/requests", "/portal/requests/new", "/portal/requests/{}"])
async def test_pages_ask_the_database_little(sign_in: SignIn, world: World, database: Database, path: str) -> None:
    async def fill(tx: Transaction, windows: int) -> str:
        made = await assign(tx, world, world.maria, world.north, start=NOW + 30 * HOUR, hours=1)
        for number in range(windows):
            await ask(tx, world, world.north, start=NOW + number * HOUR, hours=1)
            during = Range(NOW + (40 + number) * HOUR, NOW + (41 + number) * HOUR)
            tx.add(CoverageWindow(id=new_id(), facility_id=world.north, request_id=made.request_id, during=during, headcount=1))
        return str(made.request_id)

    alice = await sign_in("alice")
    sent: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        sent.append(statement)

    async with database.transaction(SYSTEM) as tx:
        address = path.format(await fill(tx, 15))
    # The session's last sign of life is written once a minute: not part of what a page asks for.
    with clock.standing_at(NOW + timedelta(seconds=30)):
        event.listen(database.engine.sync_engine, "before_cursor_execute", note)
        try:
            assert (await alice.get(address)).status_code == 200
        finally:
            event.remove(database.engine.sync_engine, "before_cursor_execute", note)
    reads = [statement for statement in sent if "set_config" not in statement and "login_sessions" not in statement]
    assert len(reads) <= STATEMENTS_A_PAGE, reads
