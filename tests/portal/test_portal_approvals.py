"""The facility's approvals and patients through the real door: Alice and Bob may, Charlie finds nothing."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from support.visitors import Visitor
from support.world import NOW, World, assign, principal

from staffing import clock
from staffing.persistence.models import AccessEvent
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.worklog import service
from staffing.worklog.models import WorkEntry
from staffing.worklog.rules import Span
from staffing.worklog.service import Work

pytestmark = pytest.mark.usefixtures("standing")
SignIn = Callable[[str], Awaitable[Visitor]]
MONDAY = NOW.date() - timedelta(days=2)
ENTRIES = 6


@pytest.fixture
async def week(database: Database, world: World) -> list[UUID]:
    """Joseph's week at Northside, submitted: six entries of ten minutes, the first by hand, the others with the timer."""
    joseph = principal(world, "joseph")
    async with database.transaction(SYSTEM) as tx:
        await assign(tx, world, world.joseph, world.north, start=NOW - timedelta(hours=2), hours=4)
    async with database.transaction(joseph.scope()) as tx:
        for number in range(ENTRIES):
            work = Work(facility_id=world.north, patient_id=world.rosa, activity="follow_up", note=f"Call {number}.")
            start = NOW - timedelta(minutes=90 - 10 * number)
            await service.add_entry(tx, joseph, work, Span(start, start + timedelta(minutes=10)), "The phone was dead.")
        await service.submit_week(tx, joseph, MONDAY)
    async with database.transaction(SYSTEM) as tx:
        ids = list(await tx.scalars(select(WorkEntry.id).order_by(func.lower(WorkEntry.during))))
        await tx.execute(update(WorkEntry).where(WorkEntry.id.in_(ids[1:])).values(source="timer", manual_reason=""))
    return ids


async def states(database: Database) -> list[str]:
    async with database.transaction(SYSTEM) as tx:
        return list(await tx.scalars(select(WorkEntry.state).order_by(func.lower(WorkEntry.during))))


def seen_of(page: str, name: str = "seen") -> list[str]:
    return re.findall(rf'name="{name}" value="([^"]*)"', page)


async def correct(database: Database, world: World, entry_id: UUID, note: str) -> None:
    """What Joseph does when he withdraws an entry and submits it with another note."""
    joseph = principal(world, "joseph")
    async with database.transaction(joseph.scope()) as tx:
        await service.withdraw(tx, joseph, entry_id)
        await service.describe(tx, joseph, entry_id, activity="follow_up", note=note)
        await service.submit_week(tx, joseph, MONDAY)


async def test_what_is_flagged_comes_first_with_its_reason_then_one_button_for_the_rest(
    week: list[UUID], sign_in: SignIn
) -> None:
    page = (await (await sign_in("alice")).get("/portal/approvals")).text
    assert "One entry to look at" in page
    assert "It was added by hand, without a timer: “The phone was dead”." in page
    assert "5 fine entries, 50 min" in page
    assert "Approve all 5" in page
    assert page.index("One entry to look at") < page.index("5 fine entries")
    assert "Wed 4 Mar, 08:30–08:40 EST" in page
    assert "Wed 4 Mar, 21:30–21:40 UTC+08:00 where Joseph works" in page


async def test_a_week_is_approved_with_one_press_for_each_flag_and_one_for_the_rest(
    week: list[UUID], sign_in: SignIn, database: Database
) -> None:
    alice = await sign_in("alice")
    page = (await alice.get("/portal/approvals")).text
    [flagged_seen, fine_seen] = seen_of(page)
    page = (await alice.post(f"/portal/entries/{week[0]}/approve", {"seen": flagged_seen})).text
    assert "You approved 1 entry, 10 min." in page
    with clock.standing_at(NOW + timedelta(seconds=9)):
        page = (await alice.post("/portal/approvals/approve", {"seen": fine_seen})).text
    assert "You approved 5 entries, 50 min." in page
    assert await states(database) == ["approved"] * ENTRIES
    assert "Nothing waits for your approval." in page


async def test_an_approval_is_undone_from_the_notice_while_it_is_fresh(
    week: list[UUID], sign_in: SignIn, database: Database
) -> None:
    alice = await sign_in("alice")
    [_, fine_seen] = seen_of((await alice.get("/portal/approvals")).text)
    page = (await alice.post("/portal/approvals/approve", {"seen": fine_seen})).text
    [decided_at] = seen_of(page, "decided_at")
    bob = await sign_in("bob")
    assert "You approved" not in (await bob.get("/portal/approvals")).text
    assert (await bob.post("/portal/approvals/undo", {"decided_at": decided_at})).status_code == 409
    page = (await alice.post("/portal/approvals/undo", {"decided_at": decided_at})).text
    assert "Undone: 5 entries wait for approval again." in page
    assert await states(database) == ["submitted"] * ENTRIES
    for nonsense in ("", "yesterday", "2026-03-04T15:00:00"):
        assert (await alice.post("/portal/approvals/undo", {"decided_at": nonsense})).status_code == 409
    with clock.standing_at(NOW + timedelta(minutes=11)):
        assert "You approved" not in (await alice.get("/portal/approvals")).text


async def test_bob_may_as_well_and_charlie_finds_nothing(week: list[UUID], sign_in: SignIn, database: Database) -> None:
    bob, charlie = await sign_in("bob"), await sign_in("charlie")
    page = (await bob.get("/portal/approvals")).text
    [flagged_seen, _] = seen_of(page)
    assert "Nothing waits for your approval." in (await charlie.get("/portal/approvals")).text
    assert (await charlie.get(f"/portal/entries/{week[0]}")).status_code == 404
    for action, sent in (
        ("approve", {"seen": flagged_seen}),
        ("dispute", {"reason": "Not ours."}),
        ("withdraw-dispute", {}),
    ):
        assert (await charlie.post(f"/portal/entries/{week[0]}/{action}", sent)).status_code == 404
    assert (await charlie.post("/portal/approvals/approve", {"seen": f"{week[0]}:{flagged_seen}"})).status_code == 404
    assert await states(database) == ["submitted"] * ENTRIES
    await bob.post(f"/portal/entries/{week[0]}/approve", {"seen": flagged_seen})
    assert (await states(database))[0] == "approved"


async def test_a_dispute_needs_a_sentence_keeps_what_was_typed_and_stops_nothing_else(
    week: list[UUID], sign_in: SignIn, database: Database
) -> None:
    alice = await sign_in("alice")
    page = await alice.get("/portal/approvals")
    [_, fine_seen] = seen_of(page.text)
    empty = await alice.post(f"/portal/entries/{week[1]}/dispute", {"reason": "   "})
    assert empty.status_code == 422
    assert "Please say in a sentence what is wrong." in empty.text
    long = await alice.post(f"/portal/entries/{week[1]}/dispute", {"reason": "Too long. " * 120})
    assert long.status_code == 422
    assert "Too long. Too long." in long.text
    assert '<details class="confirm" id="dispute" open>' in long.text
    assert '<details class="confirm" id="dispute" open>' in (await alice.get(f"/portal/entries/{week[1]}?dispute=1")).text
    page = await alice.post(f"/portal/entries/{week[1]}/dispute", {"reason": "We had no appointment with this patient."})
    assert "Disputed: this entry waits for the agency, all others go on." in page.text
    page = await alice.post("/portal/approvals/approve", {"seen": fine_seen})
    assert "1 entry was changed or decided after you opened the page" in page.text
    assert await states(database) == ["submitted", "disputed", "approved", "approved", "approved", "approved"]
    page = await alice.get("/portal/approvals?show=disputed")
    assert "We had no appointment with this patient." in page.text
    page = await alice.post(f"/portal/entries/{week[1]}/withdraw-dispute")
    assert "The dispute is withdrawn" in page.text
    assert (await states(database))[1] == "submitted"


async def test_a_stale_approval_shows_what_changed_and_approves_nothing(
    week: list[UUID], sign_in: SignIn, database: Database, world: World
) -> None:
    alice = await sign_in("alice")
    [flagged_seen, fine_seen] = seen_of((await alice.get("/portal/approvals")).text)
    await correct(database, world, week[0], "A call that nobody has read.")
    for origin in ("", "entry"):
        page = await alice.post(f"/portal/entries/{week[0]}/approve", {"seen": flagged_seen, "from": origin})
        assert page.status_code == 409
        assert "Since you opened the page, the note changed." in page.text
        assert "A call that nobody has read." in page.text
    await correct(database, world, week[1], "Another.")
    await alice.post("/portal/approvals/approve", {"seen": fine_seen})
    assert await states(database) == ["submitted", "submitted", "approved", "approved", "approved", "approved"]
    page = (await alice.get("/portal/approvals")).text
    assert "It was withdrawn and submitted again: the note changed." in page


async def test_two_approvers_at_the_same_entry(week: list[UUID], sign_in: SignIn) -> None:
    alice, bob = await sign_in("alice"), await sign_in("bob")
    [flagged_seen, fine_seen] = seen_of((await alice.get("/portal/approvals")).text)
    await bob.get("/portal/approvals")
    await bob.post(f"/portal/entries/{week[0]}/approve", {"seen": flagged_seen})
    page = await alice.post(f"/portal/entries/{week[0]}/approve", {"seen": flagged_seen})
    assert page.status_code == 409
    assert "Nothing was approved. The facility has approved it." in page.text
    await bob.post("/portal/approvals/approve", {"seen": fine_seen})
    page = await alice.post("/portal/approvals/approve", {"seen": fine_seen})
    assert "5 entries were changed or decided after you opened the page" in page.text


async def test_the_story_of_an_entry_has_both_clocks_and_every_step(week: list[UUID], sign_in: SignIn) -> None:
    alice = await sign_in("alice")
    page = (await alice.get(f"/portal/entries/{week[0]}")).text
    assert "Wed 4 Mar, 08:30–08:40 EST" in page
    assert "21:30–21:40 UTC+08:00 where Joseph works" in page
    assert "Joseph Abad added it by hand: “The phone was dead.”" in page
    assert "Joseph Abad submitted it" in page
    assert "Call 0." in page


async def test_keys_work_through_the_list_in_place(week: list[UUID], sign_in: SignIn) -> None:
    """The htmx answer of a row is the list itself, without a detour."""
    alice = await sign_in("alice")
    [flagged_seen, _] = seen_of((await alice.get("/portal/approvals")).text)
    answer = await alice.post(
        f"/portal/entries/{week[0]}/approve", {"seen": flagged_seen}, headers={"hx-request": "true"}, follow=False
    )
    assert answer.status_code == 200
    assert 'id="queue"' in answer.text
    assert "hx-redirect" not in answer.headers


async def test_the_facility_s_patients_with_background_and_what_was_done(
    week: list[UUID], sign_in: SignIn, world: World, database: Database
) -> None:
    alice, charlie = await sign_in("alice"), await sign_in("charlie")
    page = (await alice.get("/portal/patients")).text
    assert "Alvarez, Rosa" in page
    assert "Brandt" not in page
    page = (await alice.get(f"/portal/patients/{world.rosa}")).text
    assert "Type 2 diabetes" in page
    assert "Call 3." in page
    assert "<title>Patient" in page
    assert "Alvarez, Rosa" in (await alice.post("/portal/patients/find", {"find": "ALV ros"})).text
    assert "No patient fits this." in (await alice.post("/portal/patients/find", {"find": "100%"})).text
    assert (await charlie.get(f"/portal/patients/{world.rosa}")).status_code == 404
    assert "Alvarez" not in (await charlie.post("/portal/patients/find", {"find": "alv"})).text
    async with database.transaction(SYSTEM) as tx:
        readers = await tx.scalars(
            select(AccessEvent.actor).where(AccessEvent.patient_id == world.rosa, AccessEvent.action == "patient.read")
        )
        assert list(readers) == ["Alice Newton"]


async def test_nonsense_is_not_there(week: list[UUID], sign_in: SignIn) -> None:
    alice = await sign_in("alice")
    await alice.get("/portal/approvals")
    for seen in ("", "x", "x:y", f"{UUID(int=1)}:a.b"):
        assert (await alice.post("/portal/approvals/approve", {"seen": seen})).status_code == 404
    assert (await alice.get("/portal/approvals?show=nonsense")).status_code == 200
    assert (await alice.get("/portal/patients?from=-1")).status_code == 200
    for mark in ("", "a.b.c.d.e"):
        assert (await alice.post(f"/portal/entries/{week[0]}/approve", {"seen": mark})).status_code == 409
