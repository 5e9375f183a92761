"""The one place that asks what time it is. Everything else takes an instant as an argument or calls `now()`.

For demonstrations and tests the clock can be set: `RELIEF_CLOCK_FILE` names a file that holds one ISO instant, read at every
call, so that all processes of a deployment share the same moved clock. The settings refuse it outside demo mode.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path

_clock_file: Path | None = None
_set_instant: ContextVar[datetime | None] = ContextVar("set_instant", default=None)


def now() -> datetime:
    """The present instant in UTC."""
    if (instant := _set_instant.get()) is not None:
        return instant
    if _clock_file is not None:
        return datetime.fromisoformat(_clock_file.read_text().strip()).astimezone(UTC)
    return datetime.now(UTC)


def follow_file(path: Path | None) -> None:
    """Take the time from `path` from now on (None: from the machine)."""
    global _clock_file  # noqa: PLW0603 - one clock per process
    _clock_file = path


@contextmanager
def standing_at(instant: datetime) -> Iterator[None]:
    """Within the block, `now()` answers `instant`."""
    token = _set_instant.set(instant)
    try:
        yield
    finally:
        _set_instant.reset(token)
