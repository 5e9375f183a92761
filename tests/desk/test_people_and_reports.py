"""Inviting people, the owner's numbers, the access log."""

import re
from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from litestar import Litestar
from support import world as worlds
from support.databases import plain
from support.visitors import Visitor
from support.world import World

from staffing.persistence import audit, provision
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database

SignIn = Callable[[str], Awaitable[Visitor]]


async def test_an_invitation_becomes_an_account_once(app: Litestar, world: World, sign_in: SignIn) -> None:
    dora = await sign_in("dora")
    await dora.get("/desk/people")
    page = await dora.post(
        "/desk/people",
        {
            "name": "Nina Ferrante",
            "email": "nina@test.example",
            "role": "facility",
            "facility_id": str(world.north),
            "coordinator_id": "",
            "time_zone": "America/New_York",
        },
    )
    found = re.search(r"/invitations/([\w-]+)", page.text)
    assert found
    nina = Visitor(app)
    welcome = await nina.get(f"/invitations/{found[1]}")
    assert "nina@test.example" in welcome.text
    short = await nina.post(f"/invitations/{found[1]}", {"name": "Nina Ferrante", "password": "short"})
    assert short.status_code == 422
    assert "at least 12 characters" in short.text
    entered = await nina.post(
        f"/invitations/{found[1]}", {"name": "Nina Ferrante", "password": "a long sentence indeed"}, follow=False
    )
    assert entered.headers["location"] == "/portal"
    assert (await Visitor(app).get(f"/invitations/{found[1]}")).status_code == 404


async def test_what_was_typed_stays_when_the_invitation_is_refused(sign_in: SignIn) -> None:
    dora = await sign_in("dora")
    await dora.get("/desk/people")
    page = await dora.post(
        "/desk/people", {"name": "Nina", "email": "not an address", "role": "facility", "time_zone": "Mars/Base"}
    )
    assert page.status_code == 422
    assert "not an address" in page.text


async def test_people_are_listed_with_their_place_and_nobody_is_invited_twice(world: World, sign_in: SignIn) -> None:
    dora = await sign_in("dora")
    page = (await dora.get("/desk/people")).text
    assert "Practice manager, Northside Family Medicine" in page
    assert f'value="{world.maria}"' not in page
    assert "Everybody on the roster can sign in already." in page


async def test_a_dispatcher_cannot_make_an_owner(sign_in: SignIn) -> None:
    dora = await sign_in("dora")
    await dora.get("/desk/people")
    page = await dora.post(
        "/desk/people", {"name": "N", "email": "n@test.example", "role": "owner", "time_zone": "America/New_York"}
    )
    assert page.status_code == 422
    assert "Only the owner" in page.text


async def test_the_owner_reads_numbers_and_log_and_a_dispatcher_does_not(sign_in: SignIn) -> None:
    olga = await sign_in("olga")
    report = await olga.get("/desk/report")
    assert report.status_code == 200
    assert "Too few full weeks to compare" in report.text
    assert 'href="/desk/invoices?state=paid#all"' in report.text
    assert "chains hold" in (await olga.get("/desk/audit")).text
    dora = await sign_in("dora")
    assert (await dora.get("/desk/report")).status_code == 403
    alice = await sign_in("alice")
    assert (await alice.get("/desk/audit")).status_code == 404


@pytest.mark.usefixtures("world")
class TestTheChain:
    """The access log notices every way of tampering with it."""

    async def write(self, database: Database, world: World, count: int = 5) -> None:
        for number in range(count):
            async with database.transaction(worlds.principal(world, "alice").scope()) as tx:
                audit.note(tx, "read", "patient", number, facility_id=world.north, patient_id=world.rosa, detail="name; ümläut|:")

    async def verdict(self, database: Database) -> list[audit.ChainReport]:
        async with database.transaction(SYSTEM) as tx:
            return await audit.verify(tx)

    async def test_an_untouched_chain_holds(self, database: Database, world: World) -> None:
        await self.write(database, world)
        reports = await self.verdict(database)
        assert [report.rows for report in reports if report.chain == str(world.north)] == [5]
        assert all(report.broken_at is None for report in reports)

    @pytest.mark.parametrize(
        ("tampering", "row"),
        [
            ("update access_events set actor = 'somebody else' where seq = 3", 3),
            ("update access_events set detail = detail || ' ' where seq = 2", 2),
            ("delete from access_events where seq = 4", 4),
        ],
    )
    async def test_a_change_behind_its_back_is_named(
        self, database: Database, world: World, prepared: provision.Prepared, tampering: str, row: int
    ) -> None:
        await self.write(database, world)
        owner = await asyncpg.connect(plain(prepared.owner_dsn))
        try:
            await owner.execute("set app.scope = 'system'")
            assert (await owner.execute(tampering)).endswith(" 0")
            await owner.execute("alter table access_events no force row level security")
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="never changed"):
                await owner.execute(tampering)
            await owner.execute("alter table access_events disable trigger user")
            assert (await owner.execute(tampering)).endswith(" 1")
        finally:
            await owner.close()
        broken = [report for report in await self.verdict(database) if report.broken_at is not None]
        assert [report.broken_at for report in broken] == [row]
