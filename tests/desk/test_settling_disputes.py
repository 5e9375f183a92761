"""The agency settles what a facility disputes: kept or written off, with a sentence both sides read."""

from collections.abc import Awaitable, Callable

import pytest
from support.full_world import furnish
from support.visitors import Visitor
from support.world import World

from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.worklog.models import WorkEntry

SignIn = Callable[[str], Awaitable[Visitor]]
pytestmark = pytest.mark.usefixtures("standing")


async def disputed(database: Database, world: World, sign_in: SignIn) -> str:
    things = (await furnish(database, world))["north"]
    alice = await sign_in("alice")
    await alice.get(f"/portal/entries/{things.entry_id}")
    answer = await alice.post(f"/portal/entries/{things.entry_id}/dispute", {"reason": "Nobody called that day."}, follow=False)
    assert answer.status_code == 303
    return str(things.entry_id)


async def state_of(database: Database, entry_id: str) -> str:
    async with database.transaction(SYSTEM) as tx:
        return (await tx.get_one(WorkEntry, entry_id)).state


@pytest.mark.parametrize(("outcome", "state"), [("keep", "approved"), ("write_off", "written_off")])
async def test_a_dispute_is_settled_with_a_sentence(
    database: Database, world: World, sign_in: SignIn, outcome: str, state: str
) -> None:
    entry_id = await disputed(database, world, sign_in)
    bella = await sign_in("bella")
    page = await bella.get("/desk/disputes")
    assert "Nobody called that day." in page.text
    assert "Alvarez" not in page.text
    silent = await bella.post(f"/desk/disputes/{entry_id}", {"outcome": outcome, "reason": " "})
    assert silent.status_code == 422
    assert await state_of(database, entry_id) == "disputed"
    done = await bella.post(f"/desk/disputes/{entry_id}", {"outcome": outcome, "reason": "The phone log shows it."})
    assert "The dispute is settled" in done.text
    assert await state_of(database, entry_id) == state
    again = await bella.post(f"/desk/disputes/{entry_id}", {"outcome": outcome, "reason": "Once more."}, follow=False)
    assert again.status_code == 409
    alice = await sign_in("alice")
    assert "The phone log shows it." in (await alice.get(f"/portal/entries/{entry_id}")).text


@pytest.mark.parametrize("name", ["alice", "charlie", "maria"])
async def test_nobody_outside_the_agency_settles_anything(database: Database, world: World, sign_in: SignIn, name: str) -> None:
    entry_id = await disputed(database, world, sign_in)
    visitor = await sign_in(name)
    answer = await visitor.post(f"/desk/disputes/{entry_id}", {"outcome": "keep", "reason": "Mine."}, follow=False)
    assert answer.status_code == 404
    assert await state_of(database, entry_id) == "disputed"
