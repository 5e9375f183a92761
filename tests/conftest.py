"""What every test can ask for: a database of its own, a small world in it, the application, visitors who are signed in."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from support import databases, visitors
from support import world as worlds
from support.visitors import Visitor
from support.world import World

from staffing import clock
from staffing.app import create_app
from staffing.persistence import embedded, provision
from staffing.persistence.transactions import Database
from staffing.settings import Settings

pytest_plugins = ["support.browser_gate"]

# One server for the whole run: the processes of a parallel run inherit the number of the one that began it.
_RUN = os.environ.setdefault("RELIEF_TEST_RUN", str(os.getpid()))
HOME = Path(tempfile.gettempdir()) / f"relief-tests-{_RUN}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The process that began the run ends the server; the workers of a parallel run leave it alone."""
    if not hasattr(session.config, "workerinput") and HOME.exists():
        embedded.remove(HOME)
        shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def settings() -> Settings:
    HOME.mkdir(exist_ok=True)
    HOME.chmod(0o755)
    return databases.test_settings(HOME)


@pytest.fixture(scope="session")
def template(settings: Settings) -> provision.Prepared:
    return databases.make_template(settings)


@pytest.fixture(scope="session")
def worker_name() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture
async def prepared(settings: Settings, template: provision.Prepared, worker_name: str) -> AsyncIterator[provision.Prepared]:
    """A migrated database of this test's own."""
    async with databases.copy_of_template(settings, template, worker_name) as copy:
        yield copy


@pytest.fixture
async def database(prepared: provision.Prepared) -> AsyncIterator[Database]:
    opened = databases.open_database(prepared)
    yield opened
    await opened.close()


@pytest.fixture
def standing() -> Iterator[None]:
    """The clock stands at the world's instant."""
    with clock.standing_at(worlds.NOW):
        yield


@pytest.fixture
async def world(database: Database) -> World:
    return await worlds.build(database)


@pytest.fixture
def app(settings: Settings, database: Database) -> Litestar:
    return create_app(settings, database)


@pytest.fixture
def visitor(app: Litestar) -> Visitor:
    """Somebody who is not signed in."""
    return Visitor(app)


@pytest.fixture
def sign_in(app: Litestar, database: Database, world: World) -> Callable[[str], Awaitable[Visitor]]:
    """`await sign_in("alice")`: a visitor signed in as that persona."""

    async def enter(name: str) -> Visitor:
        account = getattr(world, f"{name}_account", None) or getattr(world, name)
        return await visitors.signed_in(app, database, account)

    return enter
