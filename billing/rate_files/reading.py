"""Rate files: what is agreed and what happened, as plain JSON. The form is in `docs/rating.md`.

Whatever the file asks for and the rating does not know is refused with the place in the file and the reason: an invoice
that silently ignored a clause of the contract would be wrong. All problems are found at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn, TypeVar

from billing.local_time import zone_of
from billing.money import minor_digits
from billing.rate_files.cards import dated_card_in
from billing.rate_files.places import InvalidRateFile, Place
from billing.rates import Contract, InvalidRateCard
from billing.rates.services import HIGHEST_LEVEL
from billing.rating import (
    APPROVED,
    NOTHING_BEFORE,
    Before,
    Cancellation,
    Carried,
    Hire,
    InvalidEntry,
    Period,
    Rating,
    WorkedEntry,
    rate,
)
from billing.taxes import TaxRate, TaxRounding, TaxRule

Found = TypeVar("Found", WorkedEntry, Cancellation, Hire)


@dataclass(frozen=True, slots=True)
class RateFile:
    """What a rate file asks to be rated."""

    currency: str
    time_zone: str
    contract: Contract
    entries: tuple[WorkedEntry, ...]
    period: Period | None = None
    before: Before = NOTHING_BEFORE
    cancellations: tuple[Cancellation, ...] = ()
    hires: tuple[Hire, ...] = ()
    tax: TaxRule | None = None


def rate_file(file: RateFile) -> Rating:
    """The rating that `file` asks for. Raises `InvalidRateFile` for what can only be seen when it is rated."""
    try:
        return rate(
            file.entries, file.contract, file.time_zone, file.currency,
            period=file.period, before=file.before, cancellations=file.cancellations, hires=file.hires,
        )  # fmt: skip
    except (InvalidEntry, InvalidRateCard) as error:
        raise InvalidRateFile([f"the file: {error}"]) from error


def read_rate_file(text: str) -> RateFile:
    """The content of a rate file. Raises `InvalidRateFile` with every problem in it."""
    try:
        content = json.loads(text, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_without_doubles)
    except InvalidRateFile:
        raise
    except (ValueError, RecursionError) as error:
        raise InvalidRateFile([f"This is not JSON: {str(error) or 'it is nested too deeply'}"]) from error
    problems: list[str] = []
    file = _file(Place("", content, problems)) if isinstance(content, Mapping) else None
    if not isinstance(content, Mapping):
        Place("", content, problems)
    if file is None or problems:
        raise InvalidRateFile(problems)
    return file


def _file(place: Place) -> RateFile | None:
    place.only("currency", "time_zone", "card", "cards", "entries", "period", "before", "cancellations", "hires", "tax")
    currency = _checked(place, "currency", minor_digits)
    time_zone = _checked(place, "time_zone", zone_of)
    contract = _contract(place)
    if not place.has("entries"):
        place.refuse("entries", "a list was expected, not nothing")
    entries = _without_twins(place, "entries", [_entry(item) for item in place.items("entries")])
    period = _period(place.inside("period")) if place.has("period") else None
    before = _before(place.inside("before")) if place.has("before") else NOTHING_BEFORE
    cancellations = _without_twins(place, "cancellations", [_cancellation(item) for item in place.items("cancellations")])
    hires = _without_twins(place, "hires", [_hire(item) for item in place.items("hires")])
    tax = _tax(place.inside("tax")) if place.has("tax") else None
    if contract is None or before is None:
        return None
    return place.make("", lambda: RateFile(currency, time_zone, contract, entries, period, before, cancellations, hires, tax))


def _checked(place: Place, key: str, check: Callable[[str], object]) -> str:
    value = place.text(key)
    try:
        if value:
            check(value)
    except ValueError as error:
        place.refuse(key, str(error))
    return value


def _contract(place: Place) -> Contract | None:
    if place.has("card") and place.has("cards"):
        place.refuse("cards", "a file has one card, or several dated cards, not both")
        return None
    if place.has("cards"):
        cards = [dated_card_in(item, needs_first_day=True) for item in place.items("cards")]
        found = tuple(filter(None, cards))
        return place.make("cards", lambda: Contract(found)) if len(found) == len(cards) else None
    card = dated_card_in(place.inside("card"), needs_first_day=False)
    return Contract((card,)) if card else None


def _without_twins(place: Place, key: str, items: list[Found | None]) -> tuple[Found, ...]:
    first: dict[str, int] = {}
    for position, item in enumerate(items):
        if item is not None and item.id in first:
            place.refuse(f"{key}", f"{json.dumps(item.id)} comes twice, at [{first[item.id]}] and [{position}]")
        elif item is not None:
            first[item.id] = position
    return tuple(item for item in items if item is not None)


def _entry(place: Place) -> WorkedEntry | None:
    place.only("id", "coordinator", "service", "start", "end", "status", "level")
    identity, coordinator, service = place.text("id"), place.text("coordinator"), place.text("service")
    status, level = place.text("status"), _level(place)
    start = place.instant("start")
    end = start if not place.has("end") and status not in ("", APPROVED) else place.instant("end")
    return place.make("", lambda: WorkedEntry(identity, coordinator, service, start, end, status, level))


def _cancellation(place: Place) -> Cancellation | None:
    place.only("id", "coordinator", "service", "start", "end", "cancelled_at", "level")
    identity, coordinator, service = place.text("id"), place.text("coordinator"), place.text("service")
    start, end, cancelled, level = place.instant("start"), place.instant("end"), place.instant("cancelled_at"), _level(place)
    return place.make("", lambda: Cancellation(identity, coordinator, service, start, end, cancelled, level))


def _level(place: Place) -> int:
    level = place.optional_whole("level") or 0
    if level not in range(HIGHEST_LEVEL + 1):
        place.refuse("level", f"a level is 0 to {HIGHEST_LEVEL}, not {level}")
    return level


def _hire(place: Place) -> Hire | None:
    place.only("id", "coordinator", "hired_on", "salary_minor", "first_worked_on", "worked_minutes")
    identity, coordinator, hired_on = place.text("id"), place.text("coordinator"), place.day("hired_on")
    salary, minutes = place.optional_whole("salary_minor"), place.optional_whole("worked_minutes")
    first = place.optional_day("first_worked_on")
    return place.make("", lambda: Hire(identity, coordinator, hired_on, salary, first, minutes))


def _period(place: Place) -> Period | None:
    place.only("from", "to")
    first, last = place.day("from"), place.day("to")
    return place.make("", lambda: Period(first, last))


def _before(place: Place) -> Before | None:
    place.only("work_minor", "true_up_minor", "term_minor", "carried")
    work, trued_up, term = place.amount("work_minor"), place.amount("true_up_minor"), place.amount("term_minor")
    carried = [_carried(item) for item in place.items("carried")]
    return place.make("", lambda: Before(work, trued_up, term, tuple(filter(None, carried))))


def _carried(place: Place) -> Carried | None:
    place.only("seconds", "periods_left")
    seconds, left = place.whole("seconds"), place.optional_whole("periods_left")
    if seconds < 0 or (left is not None and left < 1):
        place.refuse("", "carried time has no negative seconds, and at least one period left")
    return place.make("", lambda: Carried(seconds, left))


def read_tax(content: Mapping[str, Any]) -> TaxRule:
    """The taxes in `content`, in the form of a rate file's `tax`. Raises `InvalidRateFile` with every problem."""
    problems: list[str] = []
    tax = _tax(Place("tax", content, problems))
    if tax is None or problems:
        raise InvalidRateFile(problems)
    return tax


def _tax(place: Place) -> TaxRule | None:
    place.only("rates", "inclusive", "rounding")
    inclusive, rounding = place.flag("inclusive", default=False), place.choice("rounding", TaxRounding, TaxRounding.LINE)
    rates = [_tax_rate(item) for item in place.items("rates")]
    return place.make("", lambda: TaxRule(tuple(filter(None, rates)), inclusive, rounding))


def _tax_rate(place: Place) -> TaxRate | None:
    place.only("name", "percent", "jurisdiction")
    name, percent = place.text("name"), place.decimal("percent")
    jurisdiction = place.text("jurisdiction") if place.has("jurisdiction") else ""
    return place.make("", lambda: TaxRate(name, percent, jurisdiction))


def _without_doubles(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        double = next(key for position, (key, _) in enumerate(pairs) if key in dict(pairs[:position]))
        raise InvalidRateFile([f"the file: {json.dumps(double)} stands twice in one object."])
    return content


def _no_constant(name: str) -> NoReturn:
    raise InvalidRateFile([f"the file: {name} is not a number that can be rated."])
