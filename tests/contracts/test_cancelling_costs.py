"""A facility sees what cancelling costs before it cancels, and is charged exactly that, once."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text
from support import world as worlds
from support.contracts import agree_on
from support.visitors import Visitor
from support.world import NOW, World

from staffing import clock
from staffing.invoicing import charge_jobs
from staffing.invoicing.models import Charge
from staffing.persistence.jobs import JobContext
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.requests.models import StaffingRequest

SignIn = Callable[[str], Awaitable[Visitor]]
pytestmark = pytest.mark.usefixtures("standing")
TERMS = {
    "late_cancellation": [
        {"kind": "percent", "window_minutes": 1440, "percent": "50"},
        {"kind": "full", "window_minutes": 240},
    ]
}


async def booked(database: Database, world: World, hours_ahead: int) -> UUID:
    async with database.transaction(SYSTEM) as tx:
        await agree_on(tx, world.north, TERMS)
        start = NOW + timedelta(hours=hours_ahead)
        return (await worlds.assign(tx, world, world.maria, world.north, start=start, hours=4)).request_id


async def test_the_fee_stands_in_money_before_it_is_confirmed_and_is_charged_once(
    database: Database, world: World, sign_in: SignIn
) -> None:
    request_id = await booked(database, world, 20)
    alice = await sign_in("alice")
    page = (await alice.get(f"/portal/requests/{request_id}")).text
    assert "Cancelling now costs $84.00, by your contract" in page
    assert "4 h × $21.00 = $84.00" in page
    done = await alice.post(f"/portal/requests/{request_id}/cancel", {"reason": "Closed that day.", "fee_seen": "8400"})
    assert "$84.00 go on your next invoice." in done.text
    async with database.transaction(SYSTEM) as tx:
        waiting = set(await tx.scalars(text("select entrypoint from queue.pgqueuer")))
    assert charge_jobs.NOTE_CANCELLATIONS in waiting
    for _ in range(2):
        await charge_jobs.note_cancellations(JobContext(database), {"id": str(world.north)})
    async with database.transaction(SYSTEM) as tx:
        charge = (await tx.scalars(select(Charge))).one()
        assert (charge.amount_minor, charge.coordinator_id, charge.happened_at) == (8400, world.maria, NOW)


async def test_a_fee_that_rose_meanwhile_is_shown_first(database: Database, world: World, sign_in: SignIn) -> None:
    request_id = await booked(database, world, 20)
    alice = await sign_in("alice")
    with clock.standing_at(NOW + timedelta(hours=17)):
        alice = await sign_in("alice")
        answer = await alice.post(f"/portal/requests/{request_id}/cancel", {"reason": "Closed that day.", "fee_seen": "8400"})
        assert answer.status_code == 422
        assert "Cancelling costs $168.00 now." in answer.text
        assert 'value="Closed that day."' in answer.text
        async with database.transaction(SYSTEM) as tx:
            assert (await tx.get_one(StaffingRequest, request_id)).state == "open"
        again = await alice.post(f"/portal/requests/{request_id}/cancel", {"reason": "Closed that day.", "fee_seen": "16800"})
        assert again.status_code == 200


async def test_in_time_it_costs_nothing_and_nobody_booked_costs_nothing(
    database: Database, world: World, sign_in: SignIn
) -> None:
    request_id = await booked(database, world, 30)
    async with database.transaction(SYSTEM) as tx:
        unplanned, _ = await worlds.ask(tx, world, world.north, start=NOW + timedelta(hours=2))
    alice = await sign_in("alice")
    for one in (request_id, unplanned.id):
        assert "Cancelling now costs nothing." in (await alice.get(f"/portal/requests/{one}")).text
        assert (await alice.post(f"/portal/requests/{one}/cancel", {"reason": "Not needed."})).status_code == 200
    await charge_jobs.note_cancellations(JobContext(database), {"id": str(world.north)})
    async with database.transaction(SYSTEM) as tx:
        assert list(await tx.scalars(select(Charge))) == []


async def test_another_facility_sees_no_fee(database: Database, world: World, sign_in: SignIn) -> None:
    request_id = await booked(database, world, 20)
    charlie = await sign_in("charlie")
    assert (await charlie.post(f"/portal/requests/{request_id}/cancel", {"reason": "x"})).status_code == 404
