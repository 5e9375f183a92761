"""What is rated: worked entries, and which of them are billed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

APPROVED = "approved"
ALREADY_BILLED = frozenset(["invoiced", "locked", "paid"])
"""States of work that is on an invoice. It is not billed again, but its minutes count towards the limits of overtime."""
_LONGEST_ENTRY = timedelta(days=31)
_WAITING = {
    "running": "The timer is still running.",
    "draft": "It has not been submitted yet.",
    "submitted": "It waits for the facility's approval.",
    "returned": "It was returned to the coordinator.",
    "disputed": "The facility disputes it.",
    "written_off": "It was written off.",
    "locked": "It is already on an invoice.",
    "invoiced": "It is already on an invoice.",
    "paid": "It is already on an invoice.",
}


class InvalidEntry(ValueError):
    """Something to be rated that cannot be: the message names it and says why."""


@dataclass(frozen=True, slots=True)
class WorkedEntry:
    """One stretch of work `[start, end)` for a facility, both with a UTC offset; fractions of a second are cut off.

    `id`, `coordinator` and `service` are opaque here; `service` must be a name on the rate card, `level` is the coordinator's
    (0: none in particular). Only the status `approved` is billed.
    """

    id: str
    coordinator: str
    service: str
    start: datetime
    end: datetime
    status: str = APPROVED
    level: int = 0

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            object.__setattr__(self, name, instant(getattr(self, name), f"Entry {self.id}: its {name}"))
        if self.end < self.start and self.status == APPROVED:
            raise InvalidEntry(f"Entry {self.id}: it ends before its start.")
        if self.end - self.start > _LONGEST_ENTRY:
            raise InvalidEntry(f"Entry {self.id}: it is longer than {_LONGEST_ENTRY.days} days.")

    @property
    def seconds(self) -> int:
        """Raw worked time."""
        return int((self.end - self.start).total_seconds())

    @property
    def is_approved(self) -> bool:
        """Whether it may be billed now."""
        return self.status == APPROVED

    @property
    def reason_to_wait(self) -> str:
        """Why its state keeps it from being billed now, as a sentence; empty for approved work."""
        if self.is_approved:
            return "" if self.seconds else "It has no length: nothing was worked."
        return _WAITING.get(self.status, f"Its status is {self.status!r}, not approved.")


@dataclass(frozen=True, slots=True)
class Cancellation:
    """A booking of `coordinator` for `service` from `start` to `end` that the facility called off at `cancelled_at`."""

    id: str
    coordinator: str
    service: str
    start: datetime
    end: datetime
    cancelled_at: datetime
    level: int = 0

    def __post_init__(self) -> None:
        for name in ("start", "end", "cancelled_at"):
            object.__setattr__(self, name, instant(getattr(self, name), f"Cancellation {self.id}: its {name}"))
        if self.end <= self.start:
            raise InvalidEntry(f"Cancellation {self.id}: the booking ends at or before its start.")
        if self.end - self.start > _LONGEST_ENTRY:
            raise InvalidEntry(f"Cancellation {self.id}: the booking is longer than {_LONGEST_ENTRY.days} days.")


@dataclass(frozen=True, slots=True)
class Hire:
    """`coordinator` is hired by the facility from the local day `hired_on`.

    `salary_minor` is a year's salary in minor units, `first_worked_on` the first day of work at the facility, and
    `worked_minutes` the time worked there: whichever the contract's conversion fee asks for.
    """

    id: str
    coordinator: str
    hired_on: date
    salary_minor: int | None = None
    first_worked_on: date | None = None
    worked_minutes: int | None = None

    def __post_init__(self) -> None:
        if self.first_worked_on and self.hired_on < self.first_worked_on:
            raise InvalidEntry(f"Hire {self.id}: it comes before the first day of work.")
        for name in ("salary_minor", "worked_minutes"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise InvalidEntry(f"Hire {self.id}: its {name} must not be negative.")


def instant(value: datetime, name: str) -> datetime:
    """`value` in UTC, to the whole second. Raises `InvalidEntry` when it has no offset from UTC."""
    if value.tzinfo is None or value.utcoffset() is None:
        raise InvalidEntry(f"{name} has no UTC offset.")
    return value.astimezone(UTC).replace(microsecond=0)


def refuse_doubles(name: str, ids: Iterable[str]) -> None:
    """Raise `InvalidEntry` when an id stands for two things."""
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            raise InvalidEntry(f"{name} {one} comes twice.")
        seen.add(one)


def overlaps(entries: Iterable[WorkedEntry]) -> tuple[tuple[str, str], ...]:
    """Pairs of entries in which one coordinator works twice at once; each with the entry that reaches furthest before it."""
    found: list[tuple[str, str]] = []
    furthest: dict[str, WorkedEntry] = {}
    for entry in sorted(entries, key=lambda entry: (entry.start, entry.id)):
        before = furthest.get(entry.coordinator)
        if before is not None and entry.start < before.end and entry.seconds:
            found.append((before.id, entry.id))
        if before is None or entry.end > before.end:
            furthest[entry.coordinator] = entry
    return tuple(found)
