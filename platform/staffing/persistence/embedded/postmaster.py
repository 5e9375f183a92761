"""The server's main process: finding it, starting it, ending it, and clearing up after one that was killed.

It is started as a child of ours in a session of its own and outlives us. The file `postmaster.pid` in the data
directory tells everybody else about it. A number in a file may be stale, so it is believed only while that process
works in that directory.
"""

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from staffing.persistence.embedded.accounts import Account
from staffing.persistence.embedded.errors import ServerDidNotStart

_READY_WITHIN_SECONDS = 120.0  # recovery after a crash replays the log first
_ENDED_WITHIN_SECONDS = 30.0
_LOG_TURNS_OVER_AT_BYTES = 10_000_000

# Children are kept so that their end can be collected: one that was killed stays a zombie until then.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Postmaster:
    """A live main process, as its own file describes it."""

    pid: int
    socket_directory: Path
    port: int
    ready: bool


def find(data_directory: Path) -> Postmaster | None:
    """The live server of `data_directory`, ready or still starting, or None."""
    # Line by line: pid, data directory, start time, port, socket directory, network address, shared memory, state.
    # The file is written in steps, the state last.
    try:
        lines = (data_directory / "postmaster.pid").read_text().splitlines()
        pid = int(lines[0])
    except (FileNotFoundError, NotADirectoryError, ValueError, IndexError):
        return None
    if not _works_in(pid, data_directory):
        return None
    complete = len(lines) > 7
    return Postmaster(
        pid=pid,
        socket_directory=Path(lines[4]) if complete else Path(),
        port=int(lines[3]) if complete else 0,
        ready=complete and lines[7].strip() == "ready",
    )


def wait_until_ready(data_directory: Path) -> Postmaster | None:
    """The live server of `data_directory` once it accepts connections; None where there is none, or it ended."""
    deadline = time.monotonic() + _READY_WITHIN_SECONDS
    while (found := find(data_directory)) is not None and not found.ready:
        if time.monotonic() > deadline:
            raise ServerDidNotStart(
                f"The database (process {found.pid}) is still recovering after {_READY_WITHIN_SECONDS:.0f} seconds. "
                "Let it finish and try again."
            )
        time.sleep(0.01)
    return found


def launch(command: Sequence[str | Path], account: Account, data_directory: Path, log_file: Path) -> Postmaster:
    """Start the server program and wait until it accepts connections. Raises ServerDidNotStart with its last words."""
    if log_file.exists() and log_file.stat().st_size > _LOG_TURNS_OVER_AT_BYTES:
        log_file.replace(log_file.with_suffix(".log.1"))
    log_file.touch(mode=0o600)
    with log_file.open("ab") as log:
        said_before = log.tell()
        child = account.start(command, log.fileno())
    _children[child.pid] = child
    deadline = time.monotonic() + _READY_WITHIN_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        if (found := wait_until_ready(data_directory)) is not None:
            return found
        time.sleep(0.01)
    last_words = log_file.read_bytes()[said_before:].decode(errors="replace")[-1500:].strip()
    raise ServerDidNotStart(f"The database did not start. It said, at the end of {log_file}:\n{last_words}")


def end(data_directory: Path) -> bool:
    """End the server of `data_directory`: connections are closed, all is written. False where none was running."""
    found = find(data_directory)
    if found is None:
        return False
    for way, patience in ((signal.SIGINT, _ENDED_WITHIN_SECONDS), (signal.SIGQUIT, 5.0)):
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(found.pid).send_signal(way)
        if _gone(lambda: _works_in(found.pid, data_directory), patience):
            return True
    raise ServerDidNotStart(f"The database (process {found.pid}) does not end when told to.")


def has_ended(postmaster: Postmaster, data_directory: Path) -> bool:
    """Whether that server is gone, or goes within a moment: a signal takes its time to reach every process."""
    return _gone(lambda: _works_in(postmaster.pid, data_directory), 2.0)


def clear_up(data_directory: Path, socket_directory: Path) -> None:
    """Make way for a start after a kill: wait for orphaned backends, then put stale lock files aside.

    A main process that was killed but whose parent has not collected it yet counts as alive for PostgreSQL, which then
    refuses to start: for ever, in a container whose first process collects nobody. A number that another program has
    taken over since has the same effect. Call it with the lock held and no live server.
    """
    lock_file = data_directory / "postmaster.pid"
    if lock_file.exists():
        # Without its main process a backend can only be in the way: it holds the old shared memory.
        if not _gone(lambda: bool(_orphans(data_directory)), 5.0):
            for orphan in _orphans(data_directory):
                with contextlib.suppress(psutil.NoSuchProcess):
                    orphan.send_signal(signal.SIGQUIT)
            if not _gone(lambda: bool(_orphans(data_directory)), 5.0):
                pids = ", ".join(str(orphan.pid) for orphan in _orphans(data_directory))
                raise ServerDidNotStart(f"Processes of a killed database are still at work in {data_directory}: {pids}.")
        if _number_is_taken(lock_file):
            lock_file.replace(lock_file.with_name("postmaster.pid.stale"))
    for left_behind in socket_directory.glob(".s.PGSQL.*"):
        left_behind.unlink()


def _gone(present: Callable[[], bool], within_seconds: float) -> bool:
    deadline = time.monotonic() + within_seconds
    while present():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _works_in(pid: int, data_directory: Path) -> bool:
    """Whether `pid` is alive and a server process of `data_directory` (every one of them works in that directory)."""
    if (child := _children.get(pid)) is not None and child.poll() is not None:
        del _children[pid]
        return False
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).resolve() == data_directory.resolve()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _orphans(data_directory: Path) -> list[psutil.Process]:
    named = [process for process in psutil.process_iter(["name"]) if process.info["name"] == "postgres"]
    return [process for process in named if _works_in(process.pid, data_directory)]


def _number_is_taken(lock_file: Path) -> bool:
    try:
        return bool(psutil.pid_exists(int(lock_file.read_text().split()[0])))
    except (ValueError, IndexError):
        return True  # an unreadable lock file stops the server as well
