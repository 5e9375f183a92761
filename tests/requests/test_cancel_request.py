"""Taking a request back: what has not begun goes, who was to come is released, what was done stays."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from support.world import NOW, World, ask, assign, principal

from staffing.errors import Invalid, NotFound
from staffing.persistence.jobs import JobContext
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.requests import jobs, service
from staffing.requests.errors import RequestIsClosed
from staffing.requests.models import CoverageWindow, StaffingRequest
from staffing.scheduling.models import Assignment

pytestmark = pytest.mark.usefixtures("standing")


async def cancel(database: Database, world: World, request_id: UUID, reason: str = "Ana is back", who: str = "alice") -> None:
    caller = principal(world, who)
    async with database.transaction(caller.scope()) as tx:
        await service.cancel_request(tx, caller, request_id, reason)


@pytest.fixture
async def assignment(database: Database, world: World) -> Assignment:
    """Maria is confirmed at Northside tomorrow."""
    async with database.transaction(SYSTEM) as tx:
        return await assign(tx, world, world.maria, world.north, start=NOW + timedelta(hours=20))


async def test_a_request_and_its_windows_are_cancelled(database: Database, world: World, assignment: Assignment) -> None:
    await cancel(database, world, assignment.request_id)
    async with database.transaction(SYSTEM) as tx:
        request = await tx.get_one(StaffingRequest, assignment.request_id)
        window = await tx.get_one(CoverageWindow, assignment.window_id)
    assert (request.state, request.closed_at, request.closed_reason) == ("cancelled", NOW, "Ana is back")
    assert window.cancelled


async def test_the_job_releases_whoever_was_to_come_once(database: Database, world: World, assignment: Assignment) -> None:
    await cancel(database, world, assignment.request_id)
    for _ in range(2):
        await jobs.release_cover(JobContext(database), {"id": str(assignment.request_id)})
    async with database.transaction(SYSTEM) as tx:
        released = await tx.get_one(Assignment, assignment.id)
        # The time is free again: the database lets another assignment have it.
        await assign(tx, world, world.maria, world.south, start=NOW + timedelta(hours=20))
    assert (released.state, released.ended_at) == ("cancelled", NOW)
    assert "was cancelled" in released.ended_reason


async def test_what_has_begun_runs_to_its_end(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        now = await assign(tx, world, world.maria, world.north, start=NOW - timedelta(hours=1), hours=4)
        later = CoverageWindow(
            facility_id=world.north, request_id=now.request_id, headcount=1,
            during=Range(NOW + timedelta(hours=20), NOW + timedelta(hours=24)),
        )  # fmt: skip
        tx.add(later)
    await cancel(database, world, now.request_id)
    await jobs.release_cover(JobContext(database), {"id": str(now.request_id)})
    async with database.transaction(SYSTEM) as tx:
        windows = dict((await tx.execute(select(CoverageWindow.id, CoverageWindow.cancelled))).all())
        assert windows == {now.window_id: False, later.id: True}
        assert (await tx.get_one(Assignment, now.id)).state == "confirmed"


async def test_nothing_left_to_cancel_is_said(database: Database, world: World, assignment: Assignment) -> None:
    await cancel(database, world, assignment.request_id)
    with pytest.raises(RequestIsClosed):
        await cancel(database, world, assignment.request_id)
    async with database.transaction(SYSTEM) as tx:
        request, _ = await ask(tx, world, world.north, start=NOW - timedelta(hours=9))
    with pytest.raises(RequestIsClosed) as problem:
        await cancel(database, world, request.id)
    assert "nothing left" in problem.value.message


async def test_a_reason_is_asked_for(database: Database, world: World, assignment: Assignment) -> None:
    with pytest.raises(Invalid) as problem:
        await cancel(database, world, assignment.request_id, reason="  ")
    assert "reason" in problem.value.fields


async def test_a_stranger_s_request_is_not_there(database: Database, world: World, assignment: Assignment) -> None:
    charlie = principal(world, "charlie")
    for scope in (charlie.scope(), SYSTEM):  # both barriers, then the predicate alone
        with pytest.raises(NotFound):
            async with database.transaction(scope) as tx:
                await service.cancel_request(tx, charlie, assignment.request_id, "no")
    with pytest.raises(NotFound):
        await cancel(database, world, uuid4())
