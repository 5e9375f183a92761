"""The coordinator's schedule: what is ahead on both clocks, and calling off from there."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from support.proposing import in_system
from support.relieving import assigned
from support.visitors import Visitor
from support.world import NOW, World

from staffing import clock
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.scheduling.models import Assignment, CallOff
from staffing.worklog.models import WorkEntry

pytestmark = pytest.mark.usefixtures("standing")
SignIn = Callable[[str], Awaitable[Visitor]]


def said(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


async def test_what_is_ahead_is_shown_on_both_clocks(database: Database, world: World, sign_in: SignIn) -> None:
    mine = await assigned(database, world, world.joseph, world.north, 20)
    others = await assigned(database, world, world.maria, world.north, 20)
    page = await (await sign_in("joseph")).get("/workspace/schedule")
    assert "19:00–23:00 UTC+08:00 06:00–10:00 EST there" in said(page.text)
    assert str(mine) in page.text
    assert str(others) not in page.text


async def test_calling_off_from_the_schedule(database: Database, world: World, sign_in: SignIn) -> None:
    mine = await assigned(database, world, world.maria, world.north, 20)
    maria = await sign_in("maria")
    assert "I cannot come" in (await maria.get(f"/workspace/schedule/{mine}/call-off")).text
    done = await maria.post(f"/workspace/schedule/{mine}/call-off", {"reach": "this", "reason": "connection"})
    assert "Your agency knows that you cannot come" in done.text
    assert "Called off" in done.text
    assert await in_system(database, select(Assignment.state)) == [("called_off",)]
    assert await in_system(database, select(CallOff.reason, CallOff.recorded_by)) == [("connection", world.maria_account)]
    again = await maria.get(f"/workspace/schedule/{mine}/call-off")
    assert "You have called this off already." in again.text
    assert (await maria.post(f"/workspace/schedule/{mine}/call-off", {"reach": "this", "reason": "illness"})).status_code == 409


async def test_nothing_chosen_is_lost(database: Database, world: World, sign_in: SignIn) -> None:
    mine = await assigned(database, world, world.maria, world.north, 20)
    maria = await sign_in("maria")
    answer = await maria.post(f"/workspace/schedule/{mine}/call-off", {"reach": "until", "reason": "family"})
    assert answer.status_code == 422
    assert "Please give the last day on which they are away." in answer.text
    assert re.search(r'value="family"[^>]*checked', answer.text)
    assert re.search(r'value="until"[^>]*checked', answer.text)
    no_reason = await maria.post(f"/workspace/schedule/{mine}/call-off", {"reach": "day"})
    assert no_reason.status_code == 422
    assert await in_system(database, select(func.count()).select_from(CallOff)) == [(0,)]


async def test_nobody_calls_off_for_somebody_else(database: Database, world: World, sign_in: SignIn) -> None:
    josephs = await assigned(database, world, world.joseph, world.north, 20)
    for name in ("maria", "alice", "bob", "charlie", "dora"):
        visitor = await sign_in(name)
        assert (await visitor.get(f"/workspace/schedule/{josephs}/call-off")).status_code in (403, 404), name
        answer = await visitor.post(f"/workspace/schedule/{josephs}/call-off", {"reach": "this", "reason": "illness"})
        assert answer.status_code in (403, 404), name
    assert await in_system(database, select(Assignment.state)) == [("confirmed",)]


async def test_minutes_recorded_before_stay_and_can_be_finished_and_submitted(
    database: Database, world: World, sign_in: SignIn
) -> None:
    mine = await assigned(database, world, world.maria, world.north, -1)
    maria = await sign_in("maria")
    who = {"facility_id": str(world.north), "patient_id": str(world.rosa)}
    with clock.standing_at(NOW - timedelta(minutes=30)):
        assert (await maria.post("/workspace/timer/start", who, follow=False)).status_code == 303
    assert (await maria.post("/workspace/timer/stop", follow=False)).status_code == 303
    await maria.post(f"/workspace/schedule/{mine}/call-off", {"reach": "this", "reason": "illness"})
    ((entry_id, state),) = await in_system(database, select(WorkEntry.id, WorkEntry.state))
    assert state == "draft"
    with clock.standing_at(NOW + timedelta(minutes=10)):
        page = await maria.get(f"/workspace/entries/{entry_id}")
        assert page.status_code == 200
        assert "Rosa" in page.text
        described = await maria.post(
            f"/workspace/entries/{entry_id}", {"activity": "follow_up", "note": "Asked how the week went."}
        )
        assert described.status_code == 200
        await maria.post("/workspace/week", {"start": "2026-03-02"})
    assert await in_system(database, select(WorkEntry.state)) == [("submitted",)]
    async with database.transaction(SYSTEM) as tx:
        assert (await tx.get_one(Assignment, mine)).state == "called_off"
