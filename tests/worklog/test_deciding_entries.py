"""Approving, disputing, undoing, settling, invoicing: through the real database."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select
from support.world import NOW, World, assign, principal

from staffing import clock
from staffing.errors import Invalid, NotAllowed, NotFound
from staffing.persistence.models import AccessEvent
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.worklog import flags, queries, service, sightings
from staffing.worklog.errors import EntryChanged, StepNotPossible, TooLateToUndo
from staffing.worklog.models import WorkEntry
from staffing.worklog.rows import EntryRow
from staffing.worklog.rules import Span
from staffing.worklog.service import Work

pytestmark = pytest.mark.usefixtures("standing")
MONDAY = NOW.date() - timedelta(days=2)


@pytest.fixture
async def week(database: Database, world: World) -> list[UUID]:
    """Three entries of Maria's at Northside, one at Southlake, submitted."""
    maria = principal(world, "maria")
    async with database.transaction(SYSTEM) as tx:
        await assign(tx, world, world.maria, world.north, start=NOW - timedelta(hours=4), hours=4)
        await assign(tx, world, world.maria, world.south, start=NOW, hours=4)
    async with database.transaction(maria.scope()) as tx:
        for number in range(4):
            facility, patient = (world.north, world.rosa) if number < 3 else (world.south, world.tom)
            work = Work(facility_id=facility, patient_id=patient, activity="follow_up", note=f"Call {number}.")
            start = NOW - timedelta(minutes=60 - 10 * number)
            await service.add_entry(tx, maria, work, Span(start, start + timedelta(minutes=10)), "Forgot it.")
        await service.submit_week(tx, maria, MONDAY)
    async with database.transaction(SYSTEM) as tx:
        found = await tx.scalars(select(WorkEntry.id).order_by(func.lower(WorkEntry.during)))
        return list(found)


async def waiting(database: Database, world: World, name: str = "alice") -> list[EntryRow]:
    person = principal(world, name)
    async with database.transaction(person.scope()) as tx:
        return list(await queries.waiting_entries(tx, person))


async def states(database: Database) -> list[str]:
    async with database.transaction(SYSTEM) as tx:
        return list(await tx.scalars(select(WorkEntry.state).order_by(func.lower(WorkEntry.during))))


async def decide(database: Database, world: World, name: str, seen: list[tuple[UUID, str]]) -> service.Approval:
    person = principal(world, name)
    async with database.transaction(person.scope()) as tx:
        return await service.approve(tx, person, seen)


def as_seen(rows: list[EntryRow]) -> list[tuple[UUID, str]]:
    return [(row.id, sightings.sighting(row.content)) for row in rows]


async def test_alice_approves_and_bob_approves_the_rest(database: Database, world: World, week: list[UUID]) -> None:
    rows = await waiting(database, world)
    assert [row.id for row in rows] == week[:3]
    done = await decide(database, world, "alice", as_seen(rows[:2]))
    assert (done.approved, done.seconds, done.changed) == (2, 1200, 0)
    await decide(database, world, "bob", as_seen(await waiting(database, world, "bob")))
    assert await states(database) == ["approved", "approved", "approved", "submitted"]


async def test_charlie_reaches_nothing_of_northside(database: Database, world: World, week: list[UUID]) -> None:
    rows, charlie = await waiting(database, world), principal(world, "charlie")
    # Row-level security off, the predicate alone; then both.
    for scope in (SYSTEM, charlie.scope()):
        async with database.transaction(scope) as tx:
            with pytest.raises(NotFound):
                await service.approve(tx, charlie, as_seen(rows))
            with pytest.raises(NotFound):
                await service.dispute(tx, charlie, week[0], "Not mine.")
            with pytest.raises(NotFound):
                await queries.facility_entry(tx, charlie, week[0])
            assert [row.id for row in await queries.waiting_entries(tx, charlie)] == [week[3]]
    # Row-level security alone: no predicate in this statement.
    async with database.transaction(charlie.scope()) as tx:
        assert list(await tx.scalars(select(WorkEntry.id))) == [week[3]]


async def test_drafts_are_nobody_s_but_their_author_s(database: Database, world: World, week: list[UUID]) -> None:
    maria, alice = principal(world, "maria"), principal(world, "alice")
    async with database.transaction(maria.scope()) as tx:
        await service.withdraw(tx, maria, week[0])
    for scope in (SYSTEM, alice.scope()):
        async with database.transaction(scope) as tx:
            with pytest.raises(NotFound):
                await queries.facility_entry(tx, alice, week[0])


async def test_only_what_was_seen_is_approved(database: Database, world: World, week: list[UUID]) -> None:
    seen, maria = as_seen(await waiting(database, world)), principal(world, "maria")
    async with database.transaction(maria.scope()) as tx:
        await service.withdraw(tx, maria, week[0])
        await service.describe(tx, maria, week[0], activity="records", note="Something else.")
        await service.submit_week(tx, maria, MONDAY)
    with pytest.raises(EntryChanged) as changed:
        await decide(database, world, "alice", seen[:1])
    assert changed.value.changed == ("the activity", "the note")
    several = await decide(database, world, "alice", seen)
    assert (several.approved, several.changed) == (2, 1)
    [row] = await waiting(database, world)
    assert row.note == "Something else."
    async with database.transaction(SYSTEM) as tx:
        corrected = await queries.corrected(tx, [row.id])
    assert "the activity and the note changed" in flags.reasons(row, corrected[row.id])[0]


async def test_of_two_approvers_and_an_author_at_once_somebody_wins_cleanly(
    database: Database, world: World, week: list[UUID]
) -> None:
    seen, maria = as_seen(await waiting(database, world)), principal(world, "maria")

    async def correct() -> str:
        async with database.transaction(maria.scope()) as tx:
            await service.withdraw(tx, maria, week[0])
            await service.describe(tx, maria, week[0], activity="records", note="Unseen.")
        return "corrected"

    outcomes = await asyncio.gather(
        decide(database, world, "alice", seen), decide(database, world, "bob", seen), correct(), return_exceptions=True
    )
    for outcome in outcomes:
        assert isinstance(outcome, (service.Approval, str, StepNotPossible, NotFound))
    async with database.transaction(SYSTEM) as tx:
        entry = await tx.get_one(WorkEntry, week[0])
        assert (entry.state, entry.note) in {("approved", "Call 0."), ("draft", "Unseen.")}


async def test_a_dispute_stops_one_entry_and_no_other(database: Database, world: World, week: list[UUID]) -> None:
    alice = principal(world, "alice")
    rows = await waiting(database, world)
    async with database.transaction(alice.scope()) as tx:
        with pytest.raises(Invalid) as refused:
            await service.dispute(tx, alice, week[1], "  ")
        assert "reason" in refused.value.fields
    async with database.transaction(alice.scope()) as tx:
        await service.dispute(tx, alice, week[1], "We had no appointment with this patient.")
    done = await decide(database, world, "alice", as_seen(rows))
    assert (done.approved, done.changed) == (2, 1)
    assert await states(database) == ["approved", "disputed", "approved", "submitted"]


async def test_a_dispute_is_withdrawn_by_the_facility_or_settled_by_the_agency(
    database: Database, world: World, week: list[UUID]
) -> None:
    alice, dora = principal(world, "alice"), principal(world, "dora")
    async with database.transaction(alice.scope()) as tx:
        for entry_id in week[:3]:
            await service.dispute(tx, alice, entry_id, "Too long.")
        await service.withdraw_dispute(tx, alice, week[0])
        with pytest.raises(NotAllowed):
            await service.resolve(tx, alice, week[1], keep=False, reason="We say so.")
    async with database.transaction(dora.scope()) as tx:
        await service.resolve(tx, dora, week[1], keep=True, reason="The phone record shows 10 minutes.")
        await service.resolve(tx, dora, week[2], keep=False, reason="Agreed on the phone.")
    assert await states(database) == ["submitted", "approved", "written_off", "submitted"]


async def test_an_approval_can_be_undone_for_a_while_and_not_from_an_invoice(
    database: Database, world: World, week: list[UUID]
) -> None:
    alice, bob = principal(world, "alice"), principal(world, "bob")
    await decide(database, world, "alice", as_seen(await waiting(database, world)))
    async with database.transaction(SYSTEM) as tx:
        await service.mark_invoiced(tx, week[:1])
    async with database.transaction(alice.scope()) as tx:
        last = await queries.last_approval(tx, alice, NOW - timedelta(minutes=10))
        assert last is not None
        assert (last.entries, last.seconds) == (2, 1200)
    async with database.transaction(bob.scope()) as tx:
        assert await queries.last_approval(tx, bob, NOW - timedelta(minutes=10)) is None
        with pytest.raises(TooLateToUndo):
            await service.undo_approval(tx, bob, NOW)
    with clock.standing_at(NOW + timedelta(minutes=11)):
        async with database.transaction(alice.scope()) as tx:
            with pytest.raises(TooLateToUndo):
                await service.undo_approval(tx, alice, NOW)
    async with database.transaction(alice.scope()) as tx:
        assert await service.undo_approval(tx, alice, last.decided_at) == 2
    assert await states(database) == ["invoiced", "submitted", "submitted", "submitted"]


async def test_invoicing_takes_all_entries_or_none(database: Database, world: World, week: list[UUID]) -> None:
    rows = await waiting(database, world)
    await decide(database, world, "alice", as_seen(rows[:2]))
    with pytest.raises(StepNotPossible):
        async with database.transaction(SYSTEM) as tx:
            await service.mark_invoiced(tx, week[:3])
    assert await states(database) == ["approved", "approved", "submitted", "submitted"]
    async with database.transaction(SYSTEM) as tx:
        await service.mark_invoiced(tx, week[:2])
        with pytest.raises(StepNotPossible):
            await service.mark_invoiced(tx, week[:1])
    async with database.transaction(principal(world, "alice").scope()) as tx:
        await service.dispute(tx, principal(world, "alice"), week[0], "On the invoice, and wrong.")
    assert await states(database) == ["invoiced", "invoiced", "submitted", "submitted"]
    async with database.transaction(SYSTEM) as tx:
        await service.unmark_invoiced(tx, week[:2])
    assert await states(database) == ["disputed", "approved", "submitted", "submitted"]


async def test_the_entries_of_a_line_are_read_by_their_facility_and_the_agency(
    database: Database, world: World, week: list[UUID]
) -> None:
    for name, found in (("alice", week[:3]), ("charlie", week[3:]), ("bella", week)):
        person = principal(world, name)
        # Row-level security off, then on.
        for scope in (SYSTEM, person.scope()):
            async with database.transaction(scope) as tx:
                rows = await queries.entries_of_line(tx, person, week)
            assert [row.id for row in rows] == found


async def test_every_decision_is_in_the_story_and_in_the_access_log(database: Database, world: World, week: list[UUID]) -> None:
    await decide(database, world, "alice", as_seen(await waiting(database, world)))
    async with database.transaction(SYSTEM) as tx:
        lines = await queries.story(tx, week[0])
        logged = (
            await tx.execute(
                select(AccessEvent.action, AccessEvent.patient_id, AccessEvent.detail).where(
                    AccessEvent.object_id == str(week[0])
                )
            )
        ).all()
    assert [(line.step, line.actor) for line in lines] == [
        ("added", "Maria Sandoval"),
        ("submitted", "Maria Sandoval"),
        ("approved", "Alice Newton"),
    ]
    assert {action for action, _, _ in logged} == {"entry.added", "entry.submitted", "entry.approved"}
    assert {patient for _, patient, _ in logged} == {world.rosa}


async def test_reasons_to_look_are_in_words(database: Database, world: World, week: list[UUID]) -> None:
    [row, *_] = await waiting(database, world)
    assert flags.reasons(row) == ("It was added by hand, without a timer: “Forgot it”.",)
    timer = replace(row, source="timer", manual_reason="")
    assert flags.reasons(timer) == ()
    assert "4 h 30 min" in flags.reasons(replace(timer, end=timer.start + timedelta(hours=4, minutes=30)))[0]
    assert "3 days after" in flags.reasons(replace(timer, created_at=timer.start + timedelta(days=3, hours=1)))[0]
    early = replace(timer, start=timer.start - timedelta(hours=8), end=timer.span.end - timedelta(hours=8))
    assert "unusual hour of your day: 01:00–01:10" in flags.reasons(early)[0]
