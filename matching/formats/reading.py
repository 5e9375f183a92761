"""Reading checked input: a cursor over parsed JSON that collects every fault with its path instead of stopping at the
first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar
from zoneinfo import ZoneInfo

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

LARGEST = 10_000_000
"""The largest number that input may hold: sums of weights times slots then stay far inside 64 bits."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class InputError:
    """One fault in the input: where (`requests[3].windows[0].end`) and what."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class InputErrors(ValueError):
    """Input that cannot be used. `errors` holds every fault found, those of one part of the file together."""

    def __init__(self, errors: Iterable[InputError]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(map(str, self.errors)))


@lru_cache(maxsize=1024)
def is_time_zone(name: str) -> bool:
    """Whether the name is one of the IANA time zones."""
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        return False
    return True


def _kind_of(value: object) -> str:
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a text", list: "a list", dict: "an object"}
    return "nothing (null)" if value is None else names.get(type(value), type(value).__name__)


class Node:
    """A value in parsed JSON with its path. Getters note a fault and answer a stand-in of the right type, so reading
    goes on.

    Stand-ins never leave: whoever reads calls `raise_faults` at the end.
    """

    __slots__ = ("faults", "path", "value")

    def __init__(self, value: object, path: str = "", faults: list[InputError] | None = None) -> None:
        self.value = value
        self.path = path
        self.faults: list[InputError] = [] if faults is None else faults

    def fault(self, message: str, at: str = "") -> None:
        """Notes a fault of this value, or of `at` below it."""
        path = self.path if not at else at if not self.path else f"{self.path}.{at}"
        self.faults.append(InputError(path, message))

    def raise_faults(self) -> None:
        """Raises InputErrors when anything was noted."""
        if self.faults:
            raise InputErrors(self.faults)

    def _expected(self, what: str) -> None:
        self.fault(f"expected {what}, found {_kind_of(self.value)}")

    def keys(self, required: Iterable[str], optional: Iterable[str] = ()) -> bool:
        """Checks that this is an object with all required and no unknown keys."""
        if not isinstance(self.value, dict):
            self._expected("an object")
            return False
        required = list(required)
        known = [*required, *optional]
        for key in self.value:
            if key not in known:
                self.fault(f"unknown key; known are {', '.join(known)}", at=str(key))
        missing = [key for key in required if self.value.get(key) is None]
        for key in missing:
            self.fault("must not be null" if key in self.value else "is missing", at=key)
        return not missing

    def has(self, key: str) -> bool:
        """Whether this is an object that holds the key with anything but null."""
        return isinstance(self.value, dict) and self.value.get(key) is not None

    def at(self, key: str) -> Node:
        """The value under a key; null when it is not there."""
        value = self.value.get(key) if isinstance(self.value, dict) else None
        return Node(value, f"{self.path}.{key}" if self.path else key, self.faults)

    def read(self, key: str, getter: Callable[[Node], T], default: T) -> T:
        """The value under a key by one of the getters, or the default when the key is missing or null."""
        return getter(self.at(key)) if self.has(key) else default

    def items(self) -> Iterator[Node]:
        """The elements of a list."""
        if not isinstance(self.value, list):
            self._expected("a list")
            return
        for index, value in enumerate(self.value):
            yield Node(value, f"{self.path}[{index}]", self.faults)

    def entries(self) -> Iterator[tuple[str, Node]]:
        """The keys and values of an object whose keys are data."""
        if not isinstance(self.value, dict):
            self._expected("an object")
            return
        for key in self.value:
            yield str(key), self.at(key)

    def text(self) -> str:
        """A text that is not empty."""
        if not isinstance(self.value, str):
            self._expected("a text")
            return ""
        if not self.value:
            self.fault("must not be empty")
        return self.value

    def choice(self, kind: type[E]) -> E:
        """One of the values of an enumeration of texts."""
        name = self.text()
        try:
            return kind(name)
        except ValueError:
            if name:
                self.fault(f"must be one of {', '.join(known.value for known in kind)}")
            return next(iter(kind))

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            self._expected("true or false")
            return False
        return self.value

    def whole(self, least: int = 0, most: int = LARGEST) -> int:
        """A whole number within limits."""
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            self._expected("a whole number")
            return least
        if not least <= self.value <= most:
            self.fault(f"must be from {least} to {most}, is {self.value}")
            return least
        return self.value

    def number(self) -> float:
        """A number."""
        if not isinstance(self.value, int | float) or isinstance(self.value, bool):
            self._expected("a number")
            return 0.0
        return float(self.value)

    def texts(self) -> frozenset[str]:
        """A list of texts, each once."""
        values = [item.text() for item in self.items()]
        if len(set(values)) < len(values):
            self.fault("names something twice")
        return frozenset(values)

    def instant(self) -> datetime:
        """An instant: ISO 8601 with Z or an offset."""
        if not isinstance(self.value, str):
            self._expected("an instant such as 2026-03-02T15:00:00Z")
            return EPOCH
        try:
            instant = datetime.fromisoformat(self.value)
        except ValueError:
            self.fault(f"is not an instant such as 2026-03-02T15:00:00Z: {self.value[:40]!r}")
            return EPOCH
        if instant.tzinfo is None:
            self.fault("is a local time; an instant ends in Z or an offset")
            return EPOCH
        try:
            return instant.astimezone(UTC)
        except OverflowError:
            self.fault("is outside the calendar")
            return EPOCH

    def minute(self) -> datetime:
        """An instant on a whole minute."""
        before = len(self.faults)
        instant = self.instant()
        if len(self.faults) == before and (instant.second or instant.microsecond):
            self.fault("must be on a whole minute")
        return instant

    def time_zone(self) -> str:
        """The name of an IANA time zone."""
        name = self.text()
        if name and not is_time_zone(name):
            self.fault(f"is not a known time zone: {name[:60]!r}")
        return name
