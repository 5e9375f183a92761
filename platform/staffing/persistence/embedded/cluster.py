"""Making a cluster, and the settings that the server runs with."""

import shutil
import tempfile
from pathlib import Path

from staffing.persistence.embedded.accounts import Account
from staffing.persistence.embedded.binaries import Binaries
from staffing.persistence.embedded.errors import ServerDidNotStart

ADMINISTRATOR = "relief_admin"
"""The superuser. It makes the other roles and databases; the application never signs in as it."""

_FIRST_MAJOR_WITH_BUILTIN_LOCALES = 17

_TUNABLE = """
# Written once by Relief Desk; change them as you like.
max_connections = 100
shared_buffers = 128MB
"""

_FIXED = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    # Health data must not reach the log: an error's text, detail and statement can all hold a value somebody typed.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_duration": "off",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_autovacuum_min_duration": "-1",
    "log_checkpoints": "off",
}

_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def create(binaries: Binaries, account: Account, data_directory: Path, password: str, *, durable: bool) -> None:
    """Make an empty cluster at `data_directory`, whole or not at all.

    UTF-8 everywhere; text is ordered by code point, and upper and lower case work for every script. Everybody signs in
    with a password (scram). Not `durable`: files are not forced to disk.
    """
    unfinished = Path(tempfile.mkdtemp(prefix=f".{data_directory.name}-", dir=data_directory.parent))
    password_file = unfinished.with_name(f"{unfinished.name}.password")
    try:
        account.own(unfinished)
        password_file.touch(mode=0o600)
        account.own(password_file)
        password_file.write_text(password)
        _initialise(binaries, account, unfinished, password_file, durable=durable)
        with (unfinished / "postgresql.conf").open("a") as settings:
            settings.write(_TUNABLE)
        unfinished.rename(data_directory)
    finally:
        password_file.unlink(missing_ok=True)
        shutil.rmtree(unfinished, ignore_errors=True)


def server_command(binaries: Binaries, data_directory: Path, socket_directory: Path, *, port: int, durable: bool) -> list[str]:
    """How the server is started. What must hold is on the command line, where no file of the cluster overrides it."""
    settings = _FIXED | {"unix_socket_directories": str(socket_directory), "port": str(port)}
    if not durable:
        settings |= _NOT_DURABLE
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [str(binaries.directory / "postgres"), "-D", str(data_directory), *options]


def _initialise(binaries: Binaries, account: Account, target: Path, password_file: Path, *, durable: bool) -> None:
    command: list[str | Path] = [
        *(binaries.directory / "initdb", "--pgdata", target, "--username", ADMINISTRATOR, "--pwfile", password_file),
        *("--auth-local", "scram-sha-256", "--auth-host", "reject", "--encoding", "UTF8"),
        *("--text-search-config", "english"),
    ]
    if binaries.major >= _FIRST_MAJOR_WITH_BUILTIN_LOCALES:
        command += ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
    if not durable:
        command.append("--no-sync")
    answer = account.run([*command, "--locale", "C.UTF-8"], timeout_seconds=120)
    if answer.returncode != 0 and "locale" in answer.stderr:  # systems without that locale have at least C
        answer = account.run([*command, "--locale", "C"], timeout_seconds=120)
    if answer.returncode != 0:
        raise ServerDidNotStart(f"The database could not be made in {target.parent}: {(answer.stderr or answer.stdout).strip()}")
