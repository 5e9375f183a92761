"""Which operating-system account runs the server: PostgreSQL refuses root, so root hands it to one without rights."""

import errno
import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from staffing.persistence.embedded.errors import NoAccountToRunAs, ServerDidNotStart

_PREFERRED_NAMES = ("postgres", "nobody")
_INSTEAD = "Run Relief Desk as an ordinary user, or set DATABASE_URL to a server of yours."


@dataclass(frozen=True)
class Account:
    """The account that owns the data and runs the server. `drops_root` is False where it is simply the present user."""

    name: str
    uid: int
    gid: int
    drops_root: bool

    def own(self, path: Path) -> None:
        """Give `path` to this account, where that is somebody else than the present user."""
        if self.drops_root:
            os.chown(path, self.uid, self.gid)

    def can_enter(self, directory: Path) -> bool:
        """Whether this account reaches `directory` through all of its parents."""
        return self.run(["/bin/sh", "-c", 'cd -P -- "$1"', "sh", directory]).returncode == 0

    def run(self, command: Sequence[str | Path], *, timeout_seconds: float = 30) -> subprocess.CompletedProcess[str]:
        """Run a short command as this account to its end, whatever its exit code, and capture what it says.

        Raises PermissionError where the account may not execute the program.
        """
        try:
            return subprocess.run(  # noqa: S603 - commands are built from paths that we found, never from input
                [str(part) for part in command],
                cwd="/",
                env=_environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=timeout_seconds,
                umask=0o077,
                check=False,
                user=self.uid if self.drops_root else None,
                group=self.gid if self.drops_root else None,
                extra_groups=() if self.drops_root else None,
            )
        except subprocess.TimeoutExpired as error:
            raise ServerDidNotStart(f"{command[0]} did not end within {timeout_seconds:.0f} seconds.") from error
        except OSError as error:
            self._explain(error)
            raise

    def start(self, command: Sequence[str | Path], log: int) -> subprocess.Popen[bytes]:
        """Start a long-running command as this account, in a session of its own, its output appended to `log`."""
        try:
            return subprocess.Popen(  # noqa: S603 - as above
                [str(part) for part in command],
                cwd="/",
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                umask=0o077,
                user=self.uid if self.drops_root else None,
                group=self.gid if self.drops_root else None,
                extra_groups=() if self.drops_root else None,
            )
        except OSError as error:
            self._explain(error)
            raise

    def _explain(self, error: OSError) -> None:
        # EACCES comes from executing the program; EPERM and EINVAL from becoming the account (in some containers).
        if self.drops_root and error.errno in {errno.EPERM, errno.EINVAL}:
            raise NoAccountToRunAs(
                f"PostgreSQL refuses to run as root, and this system does not let root become {self.name!r}. {_INSTEAD}"
            ) from error


def account_for(directory: Path) -> Account:
    """Whom to run the server as: the present user; as root, the owner of `directory`, else `postgres` or `nobody`."""
    if (uid := os.geteuid()) != 0:
        return Account(name=_name_of(uid), uid=uid, gid=os.getegid(), drops_root=False)
    if directory.exists() and (owner := directory.stat()).st_uid != 0:
        return Account(name=_name_of(owner.st_uid), uid=owner.st_uid, gid=owner.st_gid, drops_root=True)
    for name in _PREFERRED_NAMES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid, drops_root=True)
    raise NoAccountToRunAs(
        f"PostgreSQL refuses to run as root, and this system has neither an account 'postgres' nor 'nobody'. {_INSTEAD}"
    )


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _environment() -> dict[str, str]:
    # Nothing of the caller's (PG* variables, library paths, locale, time zone) may change how the server runs.
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": "/"}
