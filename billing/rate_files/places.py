"""Reading plain JSON values with their places. Every problem is noted with its path; reading goes on to find them all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, TypeVar

from billing.rates import InvalidRateCard

_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_YEARS = range(1970, 2101)
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

Choice = TypeVar("Choice", bound=StrEnum)
Made = TypeVar("Made")


class InvalidRateFile(ValueError):
    """A rate file that cannot be rated: `problems` has one line for each, with the place in the file and what is wrong."""

    def __init__(self, problems: Collection[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class Place:
    """One object in the file. A getter that finds nothing usable notes why and gives a stand-in, so that reading goes on.

    `make` builds nothing from an object in which something was wrong: the stand-ins never reach a rating.
    """

    def __init__(self, path: str, value: object, problems: list[str], within: Place | None = None) -> None:
        self.path = path
        self._problems = problems
        self._within = within
        self._broken = False
        self._value: Mapping[str, Any] = {}
        if isinstance(value, Mapping):
            self._value = value
        else:
            self.refuse("", f"an object was expected, not {named(value)}")
            # What is missing from something that is no object need not be said.
            self._problems = []

    def refuse(self, key: str, reason: str) -> None:
        """Note that something is wrong at `key` (empty: with the object as a whole)."""
        place: Place | None = self
        while place is not None:
            place._broken = True
            place = place._within
        self._problems.append(f"{self._path_of(key) or 'the file'}: {reason.rstrip('.')}.")

    def only(self, *known: str) -> None:
        """Refuse every key that is not `known`, unless it is unset."""
        for key, value in self._value.items():
            if key not in known and value is not None:
                likely = get_close_matches(key, known, n=1)
                hint = f"; did you mean {likely[0]}?" if likely else "; it was not ignored, because it may cost money"
                self.refuse(key, f"this key is not known{hint}")

    def make(self, key: str, made: Callable[[], Made]) -> Made | None:
        """What `made` makes; nothing where something in this object was wrong already, or where `made` refuses."""
        if self._broken:
            return None
        try:
            return made()
        except InvalidRateCard as error:
            for problem in error.problems:
                self.refuse(key, problem)
        except ValueError as error:
            self.refuse(key, str(error))
        return None

    def has(self, key: str) -> bool:
        """Whether `key` is there and set."""
        return self._value.get(key) is not None

    def names(self) -> list[str]:
        """The keys of the object."""
        return list(self._value)

    def inside(self, key: str) -> Place:
        """The object at `key`."""
        if key not in self._value:
            self.refuse(key, "this is missing")
            return Place(self._path_of(key), {}, [], self)
        return Place(self._path_of(key), self._value[key], self._problems, self)

    def items(self, key: str, *, or_one: bool = False) -> list[Place]:
        """The objects in the list at `key`; none where it is unset. `or_one`: a single object may stand for a list of it."""
        value = self._value.get(key)
        if value is None:
            return []
        if or_one and isinstance(value, Mapping):
            return [self.inside(key)]
        if not isinstance(value, list):
            self.refuse(key, f"a list was expected, not {named(value)}")
            return []
        return [Place(f"{self._path_of(key)}[{position}]", item, self._problems, self) for position, item in enumerate(value)]

    def text(self, key: str) -> str:
        """The text at `key`."""
        value = self._value.get(key)
        if isinstance(value, str) and value.strip():
            return value
        self.refuse(key, f"a text was expected, not {named(value)}")
        return ""

    def texts(self, key: str) -> list[str]:
        """The list of texts at `key`; empty where it is unset."""
        value = self._value.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            self.refuse(key, f"a list of texts was expected, not {named(value)}")
            return []
        return value

    def decimal(self, key: str) -> Decimal:
        """The decimal number at `key`, as text or as a number of the JSON."""
        value = self._value.get(key)
        shown = value
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            exact = Decimal(value) if not isinstance(value, int) or abs(value) < 10**12 else Decimal("NaN")
            shown = f"{exact:f}" if exact.is_finite() and abs(exact.adjusted()) < 20 else None
        if isinstance(shown, str) and _DECIMAL.fullmatch(shown):
            return Decimal(shown)
        self.refuse(key, f'a decimal number such as "48.00" was expected, not {named(value)}')
        return Decimal(1)

    def optional_decimal(self, key: str) -> Decimal | None:
        """The decimal number at `key`, if it is set."""
        return self.decimal(key) if self.has(key) else None

    def whole(self, key: str) -> int:
        """The whole number at `key`."""
        value = self._value.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        self.refuse(key, f"a whole number was expected, not {named(value)}")
        return 0

    def optional_whole(self, key: str) -> int | None:
        """The whole number at `key`, if it is set."""
        return self.whole(key) if self.has(key) else None

    def amount(self, key: str) -> int:
        """The amount in minor units at `key`; 0 where it is unset."""
        value = self.optional_whole(key) or 0
        if abs(value) > 10**15:
            self.refuse(key, f"an amount this large cannot be meant: {value:e}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """True or false at `key`, or the default where it is unset."""
        value = self._value.get(key)
        if value is not None and not isinstance(value, bool):
            self.refuse(key, f"true or false was expected, not {named(value)}")
        return value if isinstance(value, bool) else default

    def choice(self, key: str, kind: type[Choice], default: Choice | None = None) -> Choice:
        """One of the words of `kind` at `key`, or the default where it is unset."""
        value = self._value.get(key)
        if value is None and default is not None:
            return default
        if isinstance(value, str) and value in list(kind):
            return kind(value)
        self.refuse(key, f"{' or '.join(kind)} was expected, not {named(value)}")
        return default or next(iter(kind))

    def clock(self, key: str) -> time:
        """The time of day at `key`; 24:00 is midnight too."""
        value = self.text(key)
        if value == "24:00":
            return time(0)
        if _CLOCK.fullmatch(value):
            return time.fromisoformat(value)
        if value:
            self.refuse(key, f'a time of day such as "22:00" was expected, not {named(value)}')
        return time(0)

    def day(self, key: str) -> date:
        """The day at `key`."""
        value = self.text(key)
        return (self.as_day(key, value) if value else None) or _EPOCH.date()

    def optional_day(self, key: str) -> date | None:
        """The day at `key`, if it is set."""
        return self.day(key) if self.has(key) else None

    def as_day(self, key: str, value: str) -> date | None:
        """`value` as a day of the file's `key`."""
        try:
            found = date.fromisoformat(value) if _DAY.fullmatch(value) else None
        except ValueError:
            found = None
        if found is None or found.year not in _YEARS:
            self.refuse(
                key, f'a day such as "2026-12-25" of the years {_YEARS[0]} to {_YEARS[-1]} was expected, not {named(value)}'
            )
            return None
        return found

    def instant(self, key: str) -> datetime:
        """The instant at `key`, with its offset from UTC."""
        value = self.text(key)
        if not value:
            return _EPOCH
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.refuse(key, f'an instant such as "2026-11-02T09:00:00-06:00" was expected, not {named(value)}')
            return _EPOCH
        if moment.utcoffset() is None:
            self.refuse(key, f"{value} has no offset from UTC; write it as 2026-11-02T09:00:00-06:00")
        elif moment.year not in _YEARS:
            self.refuse(key, f"{value} is not in the years {_YEARS[0]} to {_YEARS[-1]}")
        else:
            return moment
        return _EPOCH

    def _path_of(self, key: str) -> str:
        if not key:
            return self.path
        if not _PLAIN_KEY.fullmatch(key):
            return f"{self.path}[{json.dumps(key)}]"
        return f"{self.path}.{key}" if self.path else key


def named(value: object) -> str:
    """`value` as a message shows it, cut short."""
    if value is None:
        return "nothing"
    shown = str(value) if isinstance(value, Decimal) else json.dumps(value, default=str)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
