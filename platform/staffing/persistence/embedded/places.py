"""Where the parts of one embedded server lie, and the note in its home that remembers it.

    HOME/postgres.json      where the state is, which major version wrote it, whether it runs with fsync
    HOME/postgres.password  the superuser's password, generated, readable by the owner alone
    HOME/postgres.lock      held by whoever is starting or stopping the server
    HOME/postgres.log       what the server says (no statement and no value ever appears in it)
    STATE/pg18/             the cluster; the major version is part of the path
    STATE/sockets/          the Unix socket

STATE is HOME itself, except where root starts the server and the account it drops to cannot enter HOME (root's own home
is closed to everybody else): then it is a directory of its own under /var/lib/relief-desk. Parents are never opened up.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from staffing.persistence.embedded.accounts import Account, account_for
from staffing.persistence.embedded.binaries import shared_state
from staffing.persistence.embedded.errors import HomeUnusable

PORT = 5432
"""Only the suffix of the socket's name: nothing listens on a network port."""

_LONGEST_SOCKET_PATH = 99  # the kernel's limit is 103 bytes on macOS, 107 on Linux
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./-]+")  # commas and spaces mean something in server settings and in database addresses


@dataclass(frozen=True)
class Note:
    """What `HOME/postgres.json` says."""

    home: str
    state: str
    major: int | None = None
    durable: bool = True


@dataclass(frozen=True)
class Places:
    """Paths of one embedded server."""

    home: Path
    note: Note

    @property
    def state(self) -> Path:
        return Path(self.note.state)

    @property
    def data_directory(self) -> Path:
        """The cluster; before it is made, a name that does not exist."""
        return self.state / f"pg{self.major or ''}"

    @property
    def major(self) -> int | None:
        """The major version that wrote the data: as noted, or as found where the note was never finished."""
        found = [int(path.parent.name[2:]) for path in self.state.glob("pg[0-9]*/PG_VERSION")]
        return self.note.major or max(found, default=None)

    @property
    def account(self) -> Account:
        """Whom the server runs as."""
        return account_for(self.data_directory if self.data_directory.exists() else self.state)

    @property
    def log_file(self) -> Path:
        return self.home / "postgres.log"

    @property
    def password_file(self) -> Path:
        return self.home / "postgres.password"

    def noting(self, *, major: int | None = None, durable: bool | None = None) -> Self:
        """These places with more known about them, and the note rewritten."""
        note = replace(
            self.note,
            major=self.note.major if major is None else major,
            durable=self.note.durable if durable is None else durable,
        )
        _write_private(self.home / "postgres.json", json.dumps(vars(note), indent=2) + "\n")
        return replace(self, note=note)

    def password(self) -> str:
        """The superuser's password, made at the first call.

        Raises HomeUnusable where a cluster exists but its password is gone.
        """
        if not self.password_file.exists():
            if self.data_directory.exists():
                raise HomeUnusable(
                    f"{self.password_file} is gone, so nobody can sign in to the database in {self.data_directory}. "
                    "Put the file back from a backup, or move the data aside to begin with an empty database."
                )
            _write_private(self.password_file, secrets.token_urlsafe(32))
        return self.password_file.read_text().strip()

    def make_socket_directory(self, account: Account) -> Path:
        """A directory for the Unix socket that only `account` (and root) can enter, short enough for the kernel."""
        directory = self.state / "sockets"
        if not _fits(directory):
            # A new name at every start: a guessable one in a shared directory could be taken by somebody else first.
            directory = Path(tempfile.mkdtemp(prefix="relief-", dir="/tmp"))
        directory.mkdir(mode=0o700, exist_ok=True)
        account.own(directory)
        return directory


@contextlib.contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the home's lock: one process at a time starts, stops or inspects its server."""
    try:
        # Others may pass through a home of root's (the server's account must), but see nothing in it.
        home.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        descriptor = os.open(home / "postgres.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise HomeUnusable(
            f"{home} cannot be used to keep the database: {error.strerror}. Set RELIEF_HOME to another."
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def places_of(home: Path) -> Places | None:
    """The places that the home's note names, or None where nothing was ever started. Call it with the lock held."""
    try:
        note = Note(**json.loads((home / "postgres.json").read_text()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise HomeUnusable(f"{home / 'postgres.json'} cannot be read: {error}") from error
    if note.home == str(home):
        return Places(home, note)
    if note.state == note.home:  # the home was moved or copied with its state in it
        return Places(home, replace(note, home=str(home), state=str(home)))
    if (Path(note.home) / "postgres.json").exists():  # a copy: the state belongs to the original
        return None
    return Places(home, replace(note, home=str(home)))


def choose_places(home: Path) -> Places:
    """Decide where a new server's state goes, and note it. Call it with the lock held."""
    account = account_for(home)
    state = home
    if account.drops_root and not account.can_enter(home):
        name = hashlib.sha256(str(home).encode()).hexdigest()[:8]
        # Not the hash alone: a home that was deleted and made anew must begin empty.
        state = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=shared_state()))
        state.chmod(0o711)
    return Places(home, Note(home=str(home), state=str(state))).noting()


def _fits(directory: Path) -> bool:
    socket_path = f"{directory}/.s.PGSQL.{PORT}"
    return len(os.fsencode(socket_path)) <= _LONGEST_SOCKET_PATH and bool(_PLAIN_PATH.fullmatch(str(directory)))


def _write_private(path: Path, text: str) -> None:
    """Write a file whole or not at all, readable by the owner alone."""
    descriptor, unfinished = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    Path(unfinished).replace(path)
