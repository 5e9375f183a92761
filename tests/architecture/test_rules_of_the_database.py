"""Every table has a class and policies, the application's role has no power, the models and the migrations agree."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest
from alembic.script import ScriptDirectory
from support import world as worlds
from support.databases import plain
from support.world import World

from staffing.persistence import migrating, provision, revisions, schema
from staffing.persistence.base import Tenancy
from staffing.persistence.tenancy import Scope
from staffing.persistence.transactions import Database

TABLES = sorted(schema.metadata().tables)


@pytest.fixture
async def owner(prepared: provision.Prepared) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(plain(prepared.owner_dsn))
    yield connection
    await connection.close()


@pytest.mark.parametrize("table", TABLES)
def test_every_table_names_its_class(table: str) -> None:
    assert schema.tenancy_of(table) in Tenancy


async def test_every_table_is_protected_for_its_owner_too(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch(
        "select c.relname, c.relrowsecurity and c.relforcerowsecurity as forced,"
        " (select count(*) from pg_policies p where p.tablename = c.relname and p.schemaname = 'public') as policies"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' and c.relkind in ('r', 'p')"
    )
    state = {row["relname"]: (row["forced"], row["policies"]) for row in rows if row["relname"] != "alembic_version"}
    assert sorted(state) == TABLES
    assert {name for name, (forced, policies) in state.items() if not forced or policies < 2} == set()


async def test_every_tenant_table_has_policies_that_look_at_the_facility(owner: asyncpg.Connection) -> None:
    policies = await owner.fetch(
        "select tablename, coalesce(qual, with_check) as rule from pg_policies where schemaname = 'public'"
    )
    for table in TABLES:
        rules = [row["rule"] for row in policies if row["tablename"] == table]
        if schema.tenancy_of(table) is Tenancy.TENANT:
            assert any("app.facilities" in rule for rule in rules), table
            assert "true" not in rules, table
        if schema.tenancy_of(table) is Tenancy.AGENCY:
            assert all("app_scope" in rule and "facilities" not in rule for rule in rules), table


async def test_the_queue_lives_apart_and_holds_no_facilitys_rows(owner: asyncpg.Connection) -> None:
    names = await owner.fetch("select tablename from pg_tables where schemaname = 'queue'")
    assert {row["tablename"] for row in names} == {"pgqueuer", "pgqueuer_log", "pgqueuer_schedules", "pgqueuer_statistics"}


async def test_the_applications_role_has_no_power(prepared: provision.Prepared) -> None:
    await provision.refuse_power(prepared.app_dsn)
    with pytest.raises(provision.NotPrepared):
        await provision.refuse_power(prepared.owner_dsn)


async def test_the_quick_look_at_the_revision_agrees_with_the_migration_tool(prepared: provision.Prepared) -> None:
    head = ScriptDirectory.from_config(migrating.alembic_config(prepared.owner_dsn)).get_current_head()
    assert revisions.newest() == head
    assert await revisions.is_current(prepared)


def test_models_and_migrations_are_in_step(template: provision.Prepared) -> None:
    assert migrating.drift(template) == []


@pytest.mark.usefixtures("world")
class TestWithoutAnyPredicate:
    """The lower barrier alone: plain selects under a caller's settings, with no condition at all."""

    async def count(self, database: Database, scope: Scope) -> dict[str, int]:
        from sqlalchemy import text

        counts = {}
        async with database.transaction(scope) as tx:
            for table in TABLES:
                if table not in schema.UNREACHABLE:
                    counts[table] = int(await tx.scalar(text(f"select count(*) from {table}")) or 0)
        return counts

    async def test_nobody_sees_no_tenants_row(self, database: Database) -> None:
        counts = await self.count(database, Scope())
        leaked = {name for name, rows in counts.items() if rows and schema.tenancy_of(name) in (Tenancy.TENANT, Tenancy.AGENCY)}
        assert leaked == set()

    async def test_a_stranger_facility_sees_no_tenants_row(self, database: Database) -> None:
        counts = await self.count(database, Scope("facility", (uuid4(),)))
        leaked = {name for name, rows in counts.items() if rows and schema.tenancy_of(name) in (Tenancy.TENANT, Tenancy.AGENCY)}
        assert leaked == set()

    async def test_a_facility_sees_its_own_patients_only(self, database: Database, world: World) -> None:
        from sqlalchemy import select

        from staffing.care.models import Patient

        async with database.transaction(worlds.principal(world, "charlie").scope()) as tx:
            assert list(await tx.scalars(select(Patient.id))) == [world.tom]

    async def test_a_facility_cannot_write_for_another(self, database: Database, world: World) -> None:
        from sqlalchemy import insert
        from sqlalchemy.exc import DBAPIError

        from staffing.care.models import Patient

        async def smuggle(facility_id: UUID) -> None:
            async with database.transaction(worlds.principal(world, "charlie").scope()) as tx:
                await tx.execute(
                    insert(Patient).values(
                        id=uuid4(),
                        facility_id=facility_id,
                        record_number="X",
                        given_name="X",
                        family_name="X",
                        birth_date=worlds.NOW.date(),
                        language="en",
                        payer="",
                        preferred_name="",
                        created_at=worlds.NOW,
                    )
                )

        await smuggle(world.south)
        with pytest.raises(DBAPIError, match="row-level security"):
            await smuggle(world.north)

    async def test_the_settings_do_not_survive_on_a_pooled_connection(self, database: Database, world: World) -> None:
        from sqlalchemy import select

        from staffing.care.models import Patient

        async def look(scope: Scope) -> list[UUID]:
            async with database.transaction(scope) as tx:
                return list(await tx.scalars(select(Patient.id)))

        for _ in range(3):
            seen = await asyncio.gather(
                *(
                    look(scope)
                    for scope in (worlds.principal(world, "alice").scope(), Scope(), worlds.principal(world, "charlie").scope())
                )
            )
            assert seen == [[world.rosa], [], [world.tom]]
