"""Starting, finding and stopping the embedded server of one home directory."""

import shutil
from pathlib import Path

from staffing.persistence.embedded import cluster, postmaster
from staffing.persistence.embedded.binaries import find_binaries
from staffing.persistence.embedded.errors import HomeUnusable, ServerDidNotStart
from staffing.persistence.embedded.places import PORT, Places, choose_places, locked, places_of
from staffing.persistence.embedded.postmaster import Postmaster
from staffing.persistence.embedded.server import Server, prove


def ensure_running(home: Path, *, durable: bool = True) -> Server:
    """The server of `home`, started if it is not running, its cluster made if there is none.

    Any number of processes may call this at once: one starts it, the others find it. The server outlives its starter.
    `durable=False` is for tests and counts for a new home only: its server runs without fsync for as long as the home
    exists, whoever starts it. It is faster, and a crash can lose rows that were committed.

    Raises a kind of EmbeddedServerError that says what is missing and what to do.
    """
    home = home.resolve()
    with locked(home):
        places = places_of(home) or choose_places(home)
        return _running(places) or _start(places, durable=durable)


def status(home: Path) -> Server | None:
    """The server of `home` if it is running; nothing is started and nothing is made."""
    home = home.resolve()
    if not home.is_dir():
        return None
    with locked(home):
        places = places_of(home)
        return None if places is None else _running(places)


def stop(home: Path) -> bool:
    """End the server of `home`; its data stays. False where none was running."""
    home = home.resolve()
    if not home.is_dir():
        return False
    with locked(home):
        places = places_of(home)
        return places is not None and _end(places)


def remove(home: Path) -> None:
    """End the server of `home` and delete its data, password and log for good."""
    home = home.resolve()
    if not home.is_dir():
        return
    with locked(home):
        places = places_of(home)
        if places is None:
            return
        _end(places)
        if places.state == home:
            shutil.rmtree(places.data_directory, ignore_errors=True)
            shutil.rmtree(home / "sockets", ignore_errors=True)
        else:
            shutil.rmtree(places.state, ignore_errors=True)
        for name in ("postgres.json", "postgres.password", "postgres.log", "postgres.log.1"):
            (home / name).unlink(missing_ok=True)


def _running(places: Places) -> Server | None:
    """The server that is running and answers; None where none is, or it ended while it was asked."""
    found = postmaster.wait_until_ready(places.data_directory)
    if found is None:
        return None
    try:
        return _proved(places, found)
    except ServerDidNotStart:
        if postmaster.has_ended(found, places.data_directory):
            return None
        raise


def _start(places: Places, *, durable: bool) -> Server:
    account = places.account
    exists = places.data_directory.exists()
    if places.note.major is not None and not exists:
        raise HomeUnusable(
            f"The database of {places.home} is gone: {places.data_directory} does not exist. Put it back from a "
            f"backup, or delete {places.home / 'postgres.json'} to begin with an empty database."
        )
    binaries = find_binaries(account, places.major)
    if not exists:
        target = places.state / f"pg{binaries.major}"
        places = places.noting(durable=durable)
        cluster.create(binaries, account, target, places.password(), durable=durable)
    places = places.noting(major=binaries.major)
    sockets = places.make_socket_directory(account)
    postmaster.clear_up(places.data_directory, sockets)
    command = cluster.server_command(binaries, places.data_directory, sockets, port=PORT, durable=places.note.durable)
    return _proved(places, postmaster.launch(command, account, places.data_directory, places.log_file))


def _end(places: Places) -> bool:
    found = postmaster.find(places.data_directory)
    if not postmaster.end(places.data_directory):
        return False
    if found is not None and found.ready and not found.socket_directory.is_relative_to(places.state):
        shutil.rmtree(found.socket_directory, ignore_errors=True)  # the short one, made for that start
    return True


def _proved(places: Places, found: Postmaster) -> Server:
    return prove(found, places.data_directory, places.log_file, places.password())
