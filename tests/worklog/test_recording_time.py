"""Timers and entries by hand, through the real database."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from support.world import NOW, World, assign, principal

from staffing import clock
from staffing.errors import Invalid, NotFound
from staffing.identity.principals import Principal
from staffing.persistence.models import AccessEvent
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import EXCLUSION_VIOLATION, Database, Transaction, sqlstate
from staffing.worklog import queries, service
from staffing.worklog.errors import NoTimerRuns, StepNotPossible, TimerRanLong, TimeTaken
from staffing.worklog.models import EntryEvent, EntryState, WorkEntry
from staffing.worklog.rules import Span
from staffing.worklog.service import Work

pytestmark = pytest.mark.usefixtures("standing")


@pytest.fixture
def maria(world: World) -> Principal:
    return principal(world, "maria")


@pytest.fixture
async def assigned(database: Database, world: World) -> None:
    """Maria covers Northside until noon, then Southlake; Joseph covers Northside."""
    async with database.transaction(SYSTEM) as tx:
        await assign(tx, world, world.maria, world.north, start=NOW - timedelta(hours=3), hours=5)
        await assign(tx, world, world.maria, world.south, start=NOW + timedelta(hours=2), hours=4, service="prior_authorization")
        await assign(tx, world, world.joseph, world.north, start=NOW - timedelta(hours=2), hours=8)


@pytest.fixture
async def tx(database: Database, maria: Principal, assigned: None) -> AsyncIterator[Transaction]:
    """Maria's transaction, as her pages have it."""
    async with database.transaction(maria.scope()) as opened:
        yield opened


async def all_entries(database: Database) -> list[WorkEntry]:
    async with database.transaction(SYSTEM) as tx:
        found = await tx.scalars(select(WorkEntry).order_by(func.lower(WorkEntry.during), WorkEntry.id))
        return list(found)


def after(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


async def test_a_timer_takes_service_and_country_from_the_assignment(tx: Transaction, maria: Principal, world: World) -> None:
    entry = await service.start_timer(tx, maria, world.north, world.rosa)
    assert (entry.service, entry.performed_from_country, entry.source) == ("patient_care_coordinator", "US", "timer")
    assert entry.during.lower == NOW
    assert entry.during.upper is None


async def test_a_second_start_stops_the_first_at_the_same_instant(tx: Transaction, maria: Principal, world: World) -> None:
    first = await service.start_timer(tx, maria, world.north, world.rosa)
    with clock.standing_at(after(12.68)):
        second = await service.start_timer(tx, maria, world.south, world.tom)
    assert first.state == EntryState.DRAFT
    assert first.during.upper == second.during.lower == NOW + timedelta(minutes=12, seconds=40)
    assert second.service == "prior_authorization"


async def test_starting_the_same_work_again_goes_on_with_it(tx: Transaction, maria: Principal, world: World) -> None:
    first = await service.start_timer(tx, maria, world.north, world.rosa)
    with clock.standing_at(after(5)):
        assert (await service.start_timer(tx, maria, world.north, world.rosa)).id == first.id


async def test_a_press_within_the_same_second_leaves_no_time_behind(tx: Transaction, maria: Principal, world: World) -> None:
    first = await service.start_timer(tx, maria, world.north, world.rosa)
    second = await service.start_timer(tx, maria, world.south, world.tom)
    assert first.state == EntryState.VOID
    assert second.during.lower == NOW


async def test_minutes_add_up_to_wall_time(database: Database, assigned: None, maria: Principal, world: World) -> None:
    """Whatever is switched when: from the first start to the last stop no second is lost and none counts twice."""
    places = [(world.north, world.rosa), (world.south, world.tom), (world.north, None)]
    for step, minutes in enumerate((0, 7.5, 7.51, 31, 55.2)):
        with clock.standing_at(after(minutes)):
            async with database.transaction(maria.scope()) as tx:
                await service.switch_timer(tx, maria, *places[step % 3])
    with clock.standing_at(after(90)):
        async with database.transaction(maria.scope()) as tx:
            await service.stop_timer(tx, maria)
    kept = [entry for entry in await all_entries(database) if entry.state != EntryState.VOID]
    assert sum((entry.during.upper - entry.during.lower for entry in kept), timedelta()) == timedelta(minutes=90)
    assert {entry.state for entry in kept} == {"draft"}


async def test_two_tabs_at_once_leave_one_running_timer_and_no_error(
    database: Database, assigned: None, maria: Principal, world: World
) -> None:
    async def press(patient: bool) -> None:
        async with database.transaction(maria.scope()) as tx:
            await service.start_timer(tx, maria, world.north, world.rosa if patient else None)

    await asyncio.gather(*(press(number % 2 == 0) for number in range(6)))
    entries = await all_entries(database)
    assert [entry.state for entry in entries].count("running") == 1
    assert {entry.state for entry in entries} <= {"running", "void"}


async def test_stopping_without_a_timer_says_so(tx: Transaction, maria: Principal) -> None:
    with pytest.raises(NoTimerRuns):
        await service.stop_timer(tx, maria)


async def test_a_timer_left_on_overnight_asks_and_bills_nothing_silently(tx: Transaction, maria: Principal, world: World) -> None:
    await service.start_timer(tx, maria, world.north, world.rosa)
    with clock.standing_at(after(14 * 60)):
        with pytest.raises(TimerRanLong, match="14 h 0 min"):
            await service.stop_timer(tx, maria)
        with pytest.raises(TimerRanLong):
            await service.start_timer(tx, maria, world.south, world.tom)
        with pytest.raises(Invalid) as too_long:
            await service.stop_timer(tx, maria, ended_at=after(13 * 60))
        assert "12 hours" in too_long.value.fields["end"]
        entry = await service.stop_timer(tx, maria, ended_at=after(45))
    assert entry.during.upper == after(45)


async def test_a_timer_over_the_facility_s_month_end_becomes_two_drafts(
    database: Database, world: World, maria: Principal
) -> None:
    """New York: the month ends at 05:00 UTC on 1 April... in summer time at 04:00."""
    begin = datetime(2026, 4, 1, 3, 30, tzinfo=UTC)
    async with database.transaction(SYSTEM) as tx:
        await assign(tx, world, world.maria, world.north, start=begin, hours=3)
    async with database.transaction(maria.scope()) as tx:
        with clock.standing_at(begin):
            await service.start_timer(tx, maria, world.north, world.rosa)
        with clock.standing_at(begin + timedelta(hours=1)):
            await service.stop_timer(tx, maria)
    first, second = await all_entries(database)
    border = datetime(2026, 4, 1, 4, 0, tzinfo=UTC)
    assert (first.during.lower, first.during.upper) == (begin, border)
    assert (second.during.lower, second.during.upper) == (border, begin + timedelta(hours=1))
    assert first.state == second.state == EntryState.DRAFT
    assert second.patient_id == world.rosa


async def test_the_database_itself_refuses_the_same_minute_at_two_facilities(
    database: Database, tx: Transaction, world: World
) -> None:
    """Below every check of ours: two raw rows through the application's role."""
    raw = text(
        "insert into work_entries (id, facility_id, coordinator_id, service, note, during, state, source, manual_reason,"
        " performed_from_country, dispute_reason, created_at, version) values (gen_random_uuid(), :facility, :coordinator,"
        " 'prior_authorization', '', cast(cast(:during as text) as tstzrange), :state, 'timer', '', 'US', '', now(), 1)"
    )
    span = "[2026-03-04 14:00+00, 2026-03-04 14:30+00)"
    await tx.execute(raw, {"facility": world.north, "coordinator": world.maria, "during": span, "state": "draft"})
    running = "[2026-03-04 14:29+00,)"
    with pytest.raises(IntegrityError) as refused:
        async with tx.begin_nested():
            await tx.execute(raw, {"facility": world.south, "coordinator": world.maria, "during": running, "state": "running"})
    assert sqlstate(refused.value) == EXCLUSION_VIOLATION
    beside = "[2026-03-04 14:30+00, 2026-03-04 14:40+00)"
    await tx.execute(raw, {"facility": world.south, "coordinator": world.maria, "during": beside, "state": "draft"})


async def test_overlap_by_hand_names_the_own_entry_with_place_and_times(tx: Transaction, maria: Principal, world: World) -> None:
    north = Work(facility_id=world.north, patient_id=world.rosa, activity="records", note="Filed the outside records.")
    await service.add_entry(tx, maria, north, Span(after(-50), after(-20)), "The phone was dead.")
    south = Work(facility_id=world.south, patient_id=world.tom)
    with pytest.raises(TimeTaken) as taken:
        await service.add_entry(tx, maria, south, Span(after(-30), after(-10)), "Forgot the timer.")
    assert taken.value.conflicts == ("09:10–09:40 at Northside Family Medicine",)
    assert "09:10–09:40 at Northside Family Medicine" in taken.value.fields["start"]
    assert not taken.value.inside_running


async def test_a_call_inside_the_running_timer_can_cut_it_in_two(tx: Transaction, maria: Principal, world: World) -> None:
    await service.start_timer(tx, maria, world.north, world.rosa)
    call = Work(facility_id=world.south, patient_id=world.tom, activity="follow_up", note="Heard that he is well.")
    span = Span(after(20), after(26))
    with clock.standing_at(after(30)):
        with pytest.raises(TimeTaken) as taken:
            await service.add_entry(tx, maria, call, span, "A call came in.")
        assert taken.value.inside_running
        await service.add_entry(tx, maria, call, span, "A call came in.", cut_running=True)
        rows = await queries.own_entries(tx, maria, Span(NOW, after(60)))
    assert [(row.facility_id, row.start, row.end) for row in rows] == [
        (world.north, NOW, after(20)),
        (world.south, after(20), after(26)),
        (world.north, after(26), None),
    ]


@pytest.mark.parametrize(
    ("start", "end", "field", "words"),
    [
        (-10, 5, "end", "future"),
        (-10, -10, "end", "after the start"),
        (-800, -10, "end", "12 hours"),
        (-9000, -8990, "start", "not assigned"),
    ],
)
async def test_what_cannot_be_work_is_refused_at_its_field(
    tx: Transaction, maria: Principal, world: World, start: int, end: int, field: str, words: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await service.add_entry(tx, maria, Work(facility_id=world.north), Span(after(start), after(end)), "Forgot it.")
    assert words in refused.value.fields[field]


async def test_work_by_hand_needs_its_reason(tx: Transaction, maria: Principal, world: World) -> None:
    with pytest.raises(Invalid) as refused:
        await service.add_entry(tx, maria, Work(facility_id=world.north), Span(after(-10), NOW), "  ")
    assert "reason" in refused.value.fields


async def test_correcting_a_draft_takes_the_old_time_back_in_the_same_step(
    tx: Transaction, maria: Principal, world: World
) -> None:
    work = Work(facility_id=world.north, patient_id=world.rosa)
    [draft] = await service.add_entry(tx, maria, work, Span(after(-60), after(-10)), "Forgot it.")
    await service.add_entry(tx, maria, work, Span(after(-60), after(-30)), "Ended earlier.", instead_of=draft.id)
    assert draft.state == EntryState.VOID
    rows = await queries.own_entries(tx, maria, Span(after(-90), NOW))
    assert [row.seconds for row in rows] == [1800]


async def test_a_patient_of_another_facility_is_not_there(tx: Transaction, maria: Principal, world: World) -> None:
    with pytest.raises(NotFound):
        await service.start_timer(tx, maria, world.north, world.tom)


async def test_a_service_that_was_not_assigned_is_not_there(tx: Transaction, maria: Principal, world: World) -> None:
    with pytest.raises(NotFound):
        await service.start_timer(tx, maria, world.north, world.rosa, "prior_authorization")


async def test_outside_the_care_window_there_is_no_timer(tx: Transaction, maria: Principal, world: World) -> None:
    """Each barrier alone: the principal without care, and the clock far from every assignment."""
    with pytest.raises(NotFound):
        await service.start_timer(tx, replace(maria, care_facility_ids=()), world.north, world.rosa)
    with clock.standing_at(NOW + timedelta(days=30)), pytest.raises(NotFound):
        await service.start_timer(tx, maria, world.north, world.rosa)


async def test_another_coordinator_s_entry_is_not_there(
    database: Database, tx: Transaction, maria: Principal, world: World
) -> None:
    joseph = principal(world, "joseph")
    async with database.transaction(SYSTEM) as other:
        # Row-level security off: the predicate of the use case holds alone.
        entry = await service.start_timer(other, joseph, world.north, world.rosa)
    for act in (service.take_back, service.withdraw):
        async with database.transaction(SYSTEM) as other:
            with pytest.raises(NotFound):
                await act(other, maria, entry.id)
    # And the other way round: no predicate, only row-level security.
    assert await tx.scalar(select(func.count()).select_from(WorkEntry).where(WorkEntry.id == entry.id)) == 0


async def test_describing_tells_the_story_and_the_access_log(
    database: Database, assigned: None, maria: Principal, world: World
) -> None:
    async with database.transaction(maria.scope()) as tx:
        entry = await service.start_timer(tx, maria, world.north, world.rosa)
        await service.describe(tx, maria, entry.id, activity="follow_up", note="  Asked how the week went. ")
        await service.describe(tx, maria, entry.id, activity="follow_up", note="Asked how the week went.")
    async with database.transaction(SYSTEM) as tx:
        story = await queries.story(tx, entry.id)
        logged = (await tx.scalars(select(AccessEvent.action).where(AccessEvent.object_id == str(entry.id)))).all()
        note = await tx.scalar(select(WorkEntry.note).where(WorkEntry.id == entry.id))
    assert [(line.step, line.reason) for line in story] == [("started", ""), ("described", "the activity and the note")]
    assert set(logged) == {"entry.started", "entry.described"}
    assert note == "Asked how the week went."


async def test_the_week_submits_what_is_complete_and_names_the_rest(
    database: Database, assigned: None, maria: Principal, world: World
) -> None:
    async with database.transaction(maria.scope()) as tx:
        done = Work(facility_id=world.north, patient_id=world.rosa, activity="records", note="Filed.")
        bare = Work(facility_id=world.south, patient_id=world.tom)
        await service.add_entry(tx, maria, done, Span(after(-60), after(-30)), "Forgot it.")
        [unfinished] = await service.add_entry(tx, maria, bare, Span(after(-30), after(-20)), "Forgot it.")
        await service.start_timer(tx, maria, world.north, world.rosa)
        sent = await service.submit_week(tx, maria, NOW.date() - timedelta(days=2))
        elsewhen = await service.submit_week(tx, maria, NOW.date() + timedelta(days=5))
    assert (sent.submitted, sent.seconds, sent.incomplete, sent.running) == (1, 1800, (unfinished.id,), True)
    assert (elsewhen.submitted, elsewhen.incomplete, elsewhen.running) == (0, (), False)
    states = [entry.state for entry in await all_entries(database)]
    assert states == ["submitted", "draft", "running"]


async def test_submitted_work_is_withdrawn_before_it_is_changed(tx: Transaction, maria: Principal, world: World) -> None:
    work = Work(facility_id=world.north, patient_id=world.rosa, activity="records", note="Filed.")
    [entry] = await service.add_entry(tx, maria, work, Span(after(-60), after(-30)), "Forgot it.")
    await service.submit_week(tx, maria, NOW.date() - timedelta(days=2))
    with pytest.raises(StepNotPossible):
        await service.describe(tx, maria, entry.id, activity="records", note="Something else.")
    with pytest.raises(StepNotPossible):
        await service.take_back(tx, maria, entry.id)
    await service.withdraw(tx, maria, entry.id)
    await service.describe(tx, maria, entry.id, activity="records", note="Filed the outside records.")
    await service.submit_week(tx, maria, NOW.date() - timedelta(days=2))
    assert entry.state == EntryState.SUBMITTED
    assert await queries.corrected(tx, [entry.id]) == {entry.id: "the note"}


async def test_every_step_leaves_one_line_in_the_story(tx: Transaction, maria: Principal, world: World) -> None:
    entry = await service.start_timer(tx, maria, world.north, world.rosa)
    with clock.standing_at(after(10)):
        await service.stop_timer(tx, maria)
        await service.take_back(tx, maria, entry.id)
    steps = (await tx.scalars(select(EntryEvent.step).where(EntryEvent.entry_id == entry.id).order_by(EntryEvent.id))).all()
    assert steps == ["started", "stopped", "taken_back"]
