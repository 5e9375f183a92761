"""A running embedded server: how to reach it, and the proof that it answers."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypedDict
from urllib.parse import quote, urlencode

import asyncpg

from staffing.persistence.embedded.cluster import ADMINISTRATOR
from staffing.persistence.embedded.errors import HomeUnusable, ServerDidNotStart
from staffing.persistence.embedded.postmaster import Postmaster

_ANSWERS_WITHIN_SECONDS = 10.0


class ConnectKwargs(TypedDict):
    """Arguments for `asyncpg.connect` and `asyncpg.create_pool`."""

    host: str
    port: int
    user: str
    password: str
    database: str


@dataclass(frozen=True)
class Server:
    """A server that was running and answering when it was looked at.

    `durable` is False where it runs without fsync (tests): a crash can lose committed rows, a power cut the database.
    """

    pid: int
    version: str
    socket_directory: Path
    port: int
    data_directory: Path
    log_file: Path
    durable: bool
    password: str = field(repr=False)
    user: str = ADMINISTRATOR

    def dsn(self, database: str = "postgres", user: str | None = None, password: str | None = None) -> str:
        """An address for SQLAlchemy with asyncpg. Without a user: the superuser, with its password."""
        known = self.connect_kwargs(database, user, password)
        login = f"{quote(known['user'], safe='')}:{quote(known['password'], safe='')}"
        query = urlencode({"host": known["host"], "port": known["port"]}, safe="/")
        return f"postgresql+asyncpg://{login}@/{quote(database, safe='')}?{query}"

    def connect_kwargs(self, database: str = "postgres", user: str | None = None, password: str | None = None) -> ConnectKwargs:
        """The same for asyncpg itself. A user other than the superuser needs its own password."""
        if user is None or user == self.user:
            user, password = self.user, password or self.password
        return ConnectKwargs(
            host=str(self.socket_directory), port=self.port, user=user, password=password or "", database=database
        )


def prove(postmaster: Postmaster, data_directory: Path, log_file: Path, password: str) -> Server:
    """Sign in to the server and describe it.

    Raises HomeUnusable for a wrong password, ServerDidNotStart where it is silent.
    """
    server = Server(
        pid=postmaster.pid,
        version="",
        socket_directory=postmaster.socket_directory,
        port=postmaster.port,
        data_directory=data_directory,
        log_file=log_file,
        durable=True,
        password=password,
    )

    # In a thread with a loop of its own: callers may already be inside a running loop.
    with ThreadPoolExecutor(max_workers=1) as pool:
        try:
            version, fsync = pool.submit(asyncio.run, _ask(server)).result()
        except asyncpg.InvalidAuthorizationSpecificationError as error:
            raise HomeUnusable(
                f"The password kept beside {log_file} is not the one of the database in {data_directory}: {error}"
            ) from error
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            raise ServerDidNotStart(f"The database (process {postmaster.pid}) does not answer: {error}") from error
    return replace(server, version=version, durable=fsync == "on")


async def _ask(server: Server) -> tuple[str, str]:
    connection = await asyncpg.connect(**server.connect_kwargs(), timeout=_ANSWERS_WITHIN_SECONDS)
    try:
        version = await connection.fetchval("select current_setting('server_version')")
        return str(version), str(await connection.fetchval("select current_setting('fsync')"))
    finally:
        await connection.close()
