"""Every route of the application, taken from its route table: who may, who must not, and that asking changes nothing.

A new route is covered the moment it exists; a path parameter of a new name fails until `Things` knows it.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import fields

import asyncpg
import pytest
from litestar import Litestar
from support.databases import plain
from support.full_world import Things, furnish
from support.visitors import Visitor, signed_in
from support.world import World

from staffing.identity.models import Role
from staffing.identity.permissions import ROLE_PERMISSIONS, Permission
from staffing.persistence import provision, schema
from staffing.persistence.transactions import Database
from staffing.web.guard import check_routes, route_handlers

pytestmark = pytest.mark.usefixtures("standing")

PARAMETER = re.compile(r"\{(\w+):\w+\}")
PEOPLE = {
    "alice": Role.FACILITY,
    "charlie": Role.FACILITY,
    "maria": Role.COORDINATOR,
    "dora": Role.DISPATCHER,
    "bella": Role.BILLING,
    "olga": Role.OWNER,
}
# Tokens in an address are secrets, not somebody's row; assets are files.
NOT_ROWS = {"token", "file_path"}


@pytest.fixture
async def things(database: Database, world: World) -> dict[str, Things]:
    return await furnish(database, world)


def routes(app: Litestar) -> list[tuple[str, str, Permission]]:
    """(method, path template, permission) of every route."""
    found = []
    for path, handler in route_handlers(app):
        methods = getattr(handler, "http_methods", {"GET"}) - {"OPTIONS", "HEAD"}
        found += [(str(method), path, handler.opt["permission"]) for method in methods]
    return sorted(found)


def filled(path: str, things: Things) -> str:
    known = {field.name for field in fields(Things)}
    names = set(PARAMETER.findall(path))
    assert names <= known, f"{path}: Things does not know {names - known}"
    return PARAMETER.sub(lambda match: str(getattr(things, match[1])), path)


async def enter(app: Litestar, database: Database, world: World, name: str) -> Visitor:
    return await signed_in(app, database, getattr(world, f"{name}_account", None) or getattr(world, name))


def test_every_route_names_a_permission(app: Litestar) -> None:
    check_routes(app)
    assert len(routes(app)) > 30


def test_every_permission_is_somebodys_and_some_routes(app: Litestar) -> None:
    used = {permission for _, _, permission in routes(app)} | {Permission.DESK_PLANS_APPLY}
    given = set().union(*ROLE_PERMISSIONS.values()) | {Permission.PUBLIC, Permission.SIGNED_IN}
    assert given == set(Permission)
    assert used <= set(Permission)


async def test_nobody_gets_in_without_signing_in(app: Litestar, visitor: Visitor, things: dict[str, Things]) -> None:
    await visitor.get("/sign-in")
    for method, path, permission in routes(app):
        if permission is Permission.PUBLIC:
            continue
        address = filled(path, things["north"])
        answer = await (visitor.get(address) if method == "GET" else visitor.post(address, follow=False))
        assert answer.status_code == 303, (method, path, answer.status_code)
        assert answer.headers["location"].startswith("/sign-in"), (method, path)


async def test_a_facility_reaches_nothing_of_another_by_address(
    app: Litestar, database: Database, world: World, things: dict[str, Things]
) -> None:
    alice = await enter(app, database, world, "alice")
    tried = 0
    for method, path, permission in routes(app):
        if not PARAMETER.search(path) or set(PARAMETER.findall(path)) & NOT_ROWS or permission is Permission.PUBLIC:
            continue
        address = filled(path, things["south"])
        answer = await (alice.get(address) if method == "GET" else alice.post(address, {"reason": "x"}, follow=False))
        assert answer.status_code == 404, (method, path, answer.status_code)
        assert not re.search("Southlake|Brandt|note-of-south", answer.text), path
        tried += 1
    assert tried > 20


async def test_a_coordinator_reaches_no_patient_of_a_facility_they_do_not_work_for(
    app: Litestar, database: Database, world: World, things: dict[str, Things]
) -> None:
    maria = await enter(app, database, world, "maria")
    for method, path, permission in routes(app):
        if not PARAMETER.search(path) or set(PARAMETER.findall(path)) & NOT_ROWS or permission is Permission.PUBLIC:
            continue
        address = filled(path, things["south"])
        answer = await (maria.get(address) if method == "GET" else maria.post(address, {"note": "x"}, follow=False))
        assert answer.status_code == 404, (method, path, answer.status_code)


@pytest.mark.parametrize("name", sorted(PEOPLE))
async def test_a_role_reaches_its_own_surface_only(
    app: Litestar, database: Database, world: World, things: dict[str, Things], name: str
) -> None:
    visitor = await enter(app, database, world, name)
    own = things["south" if name == "charlie" else "north"]
    allowed = ROLE_PERMISSIONS[PEOPLE[name]] | {Permission.PUBLIC, Permission.SIGNED_IN}
    for method, path, permission in routes(app):
        if method != "GET" or set(PARAMETER.findall(path)) & NOT_ROWS:
            continue
        answer = await visitor.get(filled(path, own), follow_redirects=False)
        if permission in allowed:
            assert answer.status_code in (200, 303), (path, answer.status_code)
        else:
            assert answer.status_code in (403, 404), (path, answer.status_code)


async def test_every_unsafe_route_wants_the_form_token(
    app: Litestar, database: Database, world: World, things: dict[str, Things]
) -> None:
    people = {name: await enter(app, database, world, name) for name in PEOPLE}
    for method, path, permission in routes(app):
        if method == "GET" or path == "/hooks/stripe" or set(PARAMETER.findall(path)) & NOT_ROWS:
            continue
        name = next((name for name, role in PEOPLE.items() if permission in ROLE_PERMISSIONS[role]), "alice")
        answer = await people[name].post(filled(path, things["north"]), {"csrf_token": "of nobody"}, follow=False)
        assert answer.status_code == 403, (method, path, answer.status_code)
        assert "grown old" in answer.text


@pytest.fixture
async def owner(prepared: provision.Prepared) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(plain(prepared.owner_dsn))
    await connection.execute("set app.scope = 'system'")
    yield connection
    await connection.close()


async def test_no_get_changes_anything(
    app: Litestar, database: Database, world: World, things: dict[str, Things], owner: asyncpg.Connection
) -> None:
    people = {name: await enter(app, database, world, name) for name in PEOPLE}

    async def checksums() -> dict[str, str]:
        # Reading is logged, and a session remembers its last sign of life: those two may change.
        names = set(schema.metadata().tables) - {"access_events", "audit_heads", "login_sessions"}
        return {
            name: str(await owner.fetchval(f"select md5(coalesce(string_agg(t::text, '' order by t::text), '')) from {name} t"))
            for name in sorted(names)
        }

    before = await checksums()
    for method, path, permission in routes(app):
        if method != "GET" or set(PARAMETER.findall(path)) & NOT_ROWS:
            continue
        for name, role in PEOPLE.items():
            if permission in ROLE_PERMISSIONS[role]:
                await people[name].get(filled(path, things["south" if name == "charlie" else "north"]), follow_redirects=False)
    assert await checksums() == before


async def test_security_headers_are_on_every_answer(visitor: Visitor) -> None:
    for path in ("/", "/sign-in", "/nowhere", "/static/css/tokens.css", "/portal", "/health"):
        answer = await visitor.get(path)
        assert "default-src 'none'" in answer.headers["content-security-policy"], path
        assert answer.headers["x-content-type-options"] == "nosniff", path


async def test_pages_are_never_kept_by_browsers(app: Litestar, database: Database, world: World) -> None:
    alice = await enter(app, database, world, "alice")
    assert (await alice.get("/portal")).headers["cache-control"] == "no-store"


class TestWithOneBarrierOff:
    """The upper barrier alone: row-level security is switched off, the predicates in the queries must hold."""

    async def test_predicates_hold_without_row_level_security(
        self, app: Litestar, database: Database, world: World, things: dict[str, Things], owner: asyncpg.Connection
    ) -> None:
        for table in schema.metadata().tables:
            await owner.execute(f"alter table {table} disable row level security")
        alice = await enter(app, database, world, "alice")
        for method, path, permission in routes(app):
            if permission in (Permission.PUBLIC, Permission.SIGNED_IN) or set(PARAMETER.findall(path)) & NOT_ROWS:
                continue
            address = filled(path, things["south"])
            answer = await (alice.get(address) if method == "GET" else alice.post(address, {"reason": "x"}, follow=False))
            if PARAMETER.search(path):
                assert answer.status_code == 404, (method, path, answer.status_code)
            assert "note-of-south" not in answer.text, path
            assert "Brandt" not in answer.text, path
            assert "RD-2026-0002" not in answer.text, path
