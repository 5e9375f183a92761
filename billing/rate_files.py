"""Rate files: entries and a rate card as plain JSON in, a rating as plain JSON out. The form is in `docs/rating.md`.

Whatever the file asks for and the rating does not know is refused with the place in the file and the reason: an invoice
that silently ignored a clause of the contract would be wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

from billing.money import minor_digits, rate_text
from billing.rates import (
    Holiday,
    InvalidRateCard,
    Night,
    Premium,
    PremiumRule,
    RateCard,
    RoundingMode,
    RoundingRule,
    RoundingScope,
    ServiceRate,
    Weekend,
)
from billing.rating import APPROVED, InvalidEntry, Rating, WorkedEntry

_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_YEARS = range(1970, 2201)
_NOT_YET = {
    "overtime": "overtime is not supported yet",
    "guaranteed_minimum_minor": "a guaranteed minimum is not supported yet",
}

Choice = TypeVar("Choice", bound=StrEnum)
Made = TypeVar("Made")


class InvalidRateFile(ValueError):
    """A rate file that cannot be rated: the message names the place in it and what is wrong."""


@dataclass(frozen=True, slots=True)
class RateFile:
    """What a rate file asks to be rated."""

    entries: tuple[WorkedEntry, ...]
    card: RateCard
    time_zone: str
    currency: str


def read_rate_file(text: str) -> RateFile:
    """The content of a rate file. Raises `InvalidRateFile`."""
    try:
        content = json.loads(text, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise InvalidRateFile(f"This is not JSON: {str(error) or 'it is nested too deeply'}") from error
    place = _Place("the file", content)
    place.only("currency", "time_zone", "card", "entries")
    currency = place.text("currency")
    place.make("currency", lambda: minor_digits(currency))
    return RateFile(
        entries=tuple(_entry(item) for item in place.items("entries")),
        card=_card(place.inside("card")),
        time_zone=place.text("time_zone"),
        currency=currency,
    )


def rating_as_json(rating: Rating) -> dict[str, Any]:
    """`rating` in the form of the command's output."""
    return {
        "lines": [
            {
                "service": line.service,
                "coordinator": line.coordinator,
                "kind": line.kind,
                "minutes": line.seconds // 60 if line.seconds % 60 == 0 else round(line.seconds / 60, 6),
                "unit_rate": rate_text(line.unit_rate, rating.currency),
                "amount_minor": line.amount_minor,
                "entries": list(line.entries),
            }
            for line in rating.lines
        ],
        "total_minor": rating.total_minor,
        "held": [{"id": held.id, "reason": held.reason} for held in rating.held],
    }


class _Place:
    """One object in the file, with its path for messages."""

    def __init__(self, path: str, value: object) -> None:
        self.path = path
        if not isinstance(value, dict):
            raise InvalidRateFile(f"{path}: an object was expected, not {_named(value)}.")
        self._value: dict[str, Any] = value

    def only(self, *known: str) -> None:
        """Refuse every key that is not `known` (unset ones may stand)."""
        for key, value in self._value.items():
            if key not in known and value is not None:
                self.refuse(key, _NOT_YET.get(key, "this is not supported; it was not ignored, because it may cost money"))

    def refuse(self, key: str, reason: str) -> NoReturn:
        raise InvalidRateFile(f"{self.path}, {key}: {reason}.")

    def make(self, key: str, made: Callable[[], Made]) -> Made:
        """What `made` makes; its refusal gets the place in front."""
        try:
            return made()
        except (InvalidRateCard, InvalidEntry, ValueError) as error:
            if isinstance(error, InvalidRateFile):
                raise
            raise InvalidRateFile(f"{self.path}, {key}: {error}") from error

    def get(self, key: str) -> Any:
        return self._value.get(key)

    def names(self) -> list[str]:
        return list(self._value)

    def inside(self, key: str) -> _Place:
        if key not in self._value:
            self.refuse(key, "this is missing")
        return _Place(f"{self.path}, {key}", self._value[key])

    def items(self, key: str) -> list[_Place]:
        value = self._value.get(key)
        if not isinstance(value, list):
            self.refuse(key, f"a list was expected, not {_named(value)}")
        return [_Place(f"{self.path}, {key}[{position}]", item) for position, item in enumerate(value)]

    def text(self, key: str) -> str:
        value = self._value.get(key)
        if not isinstance(value, str) or not value.strip():
            self.refuse(key, f"a text was expected, not {_named(value)}")
        return value

    def decimal(self, key: str) -> Decimal:
        value = self._value.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, Decimal) and value.is_finite():
            value = f"{value:f}" if abs(value.adjusted()) < 20 else ""
        if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
            self.refuse(key, f'a decimal number such as "48.00" was expected, not {_named(self._value.get(key))}')
        return Decimal(value)

    def whole(self, key: str, default: int) -> int:
        value = self._value.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            self.refuse(key, f"a whole number was expected, not {_named(value)}")
        return value

    def choice(self, key: str, kind: type[Choice]) -> Choice:
        value = self._value.get(key)
        if value not in [str(member) for member in kind]:
            self.refuse(key, f"{' or '.join(kind)} was expected, not {_named(value)}")
        return kind(value)

    def clock(self, key: str) -> time:
        value = self.text(key)
        if value == "24:00":
            return time(0)
        if not _CLOCK.fullmatch(value):
            self.refuse(key, f'a time of day such as "22:00" was expected, not {_named(value)}')
        return time.fromisoformat(value)

    def instant(self, key: str) -> datetime:
        value = self.text(key)
        moment = self.make(key, lambda: datetime.fromisoformat(value))
        if moment.utcoffset() is None:
            self.refuse(key, f"{value} has no offset from UTC; write it as 2026-11-02T09:00:00-06:00")
        if moment.year not in _YEARS:
            self.refuse(key, f"{value} is not in the years {_YEARS[0]} to {_YEARS[-1]}")
        return moment


def _card(place: _Place) -> RateCard:
    # 0 and null say "none of it" and are therefore understood.
    unset = [key for key in _NOT_YET if place.get(key) in (None, 0)]
    place.only("services", "rounding", "premiums", "premium_rule", "minimum_call_minutes", *unset)
    services = place.inside("services")
    rule = PremiumRule.HIGHEST if place.get("premium_rule") is None else place.choice("premium_rule", PremiumRule)
    minimum = place.whole("minimum_call_minutes", 0) if place.get("minimum_call_minutes") is not None else 0
    rates = {name: _service(services.inside(name)) for name in services.names()}
    rounding = RoundingRule() if place.get("rounding") is None else _rounding(place.inside("rounding"))
    premiums = () if place.get("premiums") is None else tuple(_premium(item) for item in place.items("premiums"))
    return place.make("rate card", lambda: RateCard(rates, rounding, premiums, rule, minimum))


def _service(place: _Place) -> ServiceRate:
    place.only("bill_per_hour", "pay_per_hour")
    pay = None if place.get("pay_per_hour") is None else place.decimal("pay_per_hour")
    bill = place.decimal("bill_per_hour")
    return place.make("rate", lambda: ServiceRate(bill, pay))


def _rounding(place: _Place) -> RoundingRule:
    place.only("unit_minutes", "mode", "scope")
    unit = place.whole("unit_minutes", 0)
    if unit == 0:
        return RoundingRule()
    mode, scope = place.choice("mode", RoundingMode), place.choice("scope", RoundingScope)
    return place.make("unit_minutes", lambda: RoundingRule(unit, mode, scope))


def _premium(place: _Place) -> Premium:
    kind = place.text("kind")
    multiplier = place.decimal("multiplier")
    if kind == "night":
        place.only("kind", "multiplier", "from", "to")
        begins, ends = place.clock("from"), place.clock("to")
        return place.make("night", lambda: Night(begins, ends, multiplier))
    if kind == "weekend":
        place.only("kind", "multiplier")
        return place.make("weekend", lambda: Weekend(multiplier))
    if kind != "holiday":
        place.refuse("kind", f"night, weekend or holiday was expected, not {_named(kind)}")
    if place.get("region") is not None:
        place.refuse("region", 'holiday calendars are not supported yet; list the days: "days": ["2026-12-25"]')
    place.only("kind", "multiplier", "days")
    return place.make("days", lambda: Holiday(_days(place), multiplier))


def _days(place: _Place) -> frozenset[date]:
    days = place.get("days")
    if not isinstance(days, list) or not all(isinstance(day, str) for day in days):
        place.refuse("days", 'a list of days such as ["2026-12-25"] was expected')
    return frozenset(date.fromisoformat(day) for day in days)


def _entry(place: _Place) -> WorkedEntry:
    status = place.text("status")
    start = place.instant("start")
    end = start if place.get("end") is None and status != APPROVED else place.instant("end")
    return place.make(
        "entry",
        lambda: WorkedEntry(place.text("id"), place.text("coordinator"), place.text("service"), start, end, status),
    )


def _without_doubles(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        double = next(key for position, (key, _) in enumerate(pairs) if key in dict(pairs[:position]))
        raise InvalidRateFile(f"{double!r} stands twice in one object.")
    return content


def _no_constant(name: str) -> NoReturn:
    raise InvalidRateFile(f"{name} is not a number that can be rated.")


def _named(value: object) -> str:
    if value is None:
        return "nothing"
    shown = str(value) if isinstance(value, Decimal) else json.dumps(value, default=str)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
