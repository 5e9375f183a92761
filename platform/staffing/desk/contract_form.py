"""What was typed into the form of a contract version, made into its terms, with every mistake beside its field."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from typing import Any

from billing.money import minor_digits, round_half_up
from billing.rates import RoundingMode, RoundingRule, RoundingScope
from staffing.contracts.reading import Version
from staffing.contracts.service import NewVersion, TermsContradict, version_of
from staffing.errors import Invalid
from staffing.web.forms import FIRST_DAY, LAST_DAY, Typed

ROWS = 3
"""So many rows a list has that can be longer: levels, cancellations, price rises."""
_KEPT = ("pay_multiplier", "observed", "services", "side", "round_to")
"""Keys of a term that the form does not show: they stay as they were."""
_NUMBER = re.compile(r"(?=\.?[0-9])[0-9]{0,10}\.?[0-9]{0,10}")
"""Digits only: written out, `1e-99999999` would be a text of as many zeros."""


@dataclass(slots=True)
class Reader:
    """Reads typed fields; what cannot be read is noted beside its field. `places` maps a place in the terms to its field."""

    sent: Typed
    currency: str
    errors: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def has(self, *names: str) -> bool:
        return any(self.sent.text(name).strip() for name in names)

    def text(self, name: str) -> str:
        return self.sent.storable(name).strip()

    def decimal(self, name: str, what: str = "Please type a number, such as 1.5.") -> str | None:
        """The typed number as text, or nothing."""
        text = self.text(name).replace(",", "").replace("$", "").lstrip("×x ").strip()
        if not text:
            return None
        if not _NUMBER.fullmatch(text) or Decimal(text) > 10**9:
            self.errors.setdefault(name, what)
            return None
        return f"{Decimal(text):f}"

    def whole(self, name: str, factor: int = 1) -> int | None:
        """The typed number times `factor`, which must come out whole: hours as minutes, amounts as cents."""
        text = self.decimal(name)
        if text is None:
            return None
        found = Decimal(text) * factor
        if found != found.to_integral_value():
            self.errors.setdefault(name, "This has more decimals than can be counted.")
            return None
        return int(found)

    def minor(self, name: str) -> int | None:
        return self.whole(name, 10 ** minor_digits(self.currency))

    def hours(self, name: str) -> int | None:
        """Typed hours as minutes."""
        text = self.decimal(name)
        return None if text is None else round_half_up(Decimal(text) * 60)

    def needs(self, name: str, value: object) -> None:
        if value in (None, ""):
            self.errors.setdefault(name, "Please fill this in, or empty the fields beside it.")

    def day(self, name: str) -> str | None:
        text = self.text(name)
        return self._read(name, text, _day, "Please give a date like 2026-11-24.") if text else None

    def clock(self, name: str) -> str | None:
        text = self.text(name)[:5]
        return self._read(name, text, time.fromisoformat, "Please give a time like 22:00.") if text else None

    def _read(self, name: str, text: str, read: Callable[[str], object], what: str) -> str | None:
        try:
            read(text)
        except ValueError:
            self.errors.setdefault(name, what)
            return None
        return text


def _day(text: str) -> date:
    """Raises `ValueError` for what is no day, or one that no clock of ours shows."""
    day = date.fromisoformat(text)
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(text)
    return day


def understood(sent: Typed, services: Iterable[str], currency: str, based_on: Version | None) -> NewVersion:
    """What was typed, checked as a whole. Raises `Invalid` with every mistake beside its field."""
    read = Reader(sent, currency)
    valid_from = read.day("valid_from")
    if valid_from is None:
        read.errors.setdefault("valid_from", "Please say from which day on this holds.")
    prices = _prices(read, services)
    unit = sent.text("rounding_unit")
    rounding = RoundingRule(
        int(unit) if unit in ("0", "1", "6", "15") else 0,
        RoundingMode.UP if sent.text("rounding_mode") == "up" else RoundingMode.NEAREST,
        RoundingScope.ENTRY if sent.text("rounding_scope") == "entry" else RoundingScope.LINE,
    )
    stored = _terms(read, services, based_on.stored if based_on else {})
    if read.errors or valid_from is None:
        raise Invalid("Please look at the marked fields.", **read.errors)
    new = NewVersion(
        valid_from=date.fromisoformat(valid_from), currency=currency, prices=prices, rounding=rounding, stored=stored
    )
    try:
        version_of(new)
    except TermsContradict as problem:
        raise Invalid("Please look at the marked fields.", **_placed(problem.problems, read.places)) from problem
    return new


def _prices(read: Reader, services: Iterable[str]) -> dict[tuple[str, int], Decimal]:
    prices: dict[tuple[str, int], Decimal] = {}
    what = "Please type a price an hour above 0, with four decimals at most."
    for code in services:
        _price(read, prices, (code, 0), f"price_{code}", what)
    for number in range(1, ROWS + 1):
        code, level = read.text(f"level_service_{number}"), read.text(f"level_{number}")
        if not read.has(f"level_price_{number}") or not code:
            continue
        if level not in ("1", "2", "3", "4", "5"):
            read.errors.setdefault(f"level_{number}", "Please choose a level.")
            continue
        _price(read, prices, (code, int(level)), f"level_price_{number}", what)
    if not prices and not read.errors:
        first = next(iter(services), "")
        read.errors[f"price_{first}"] = "A contract needs the price of one service at least."
    return prices


def _price(read: Reader, prices: dict[tuple[str, int], Decimal], key: tuple[str, int], name: str, what: str) -> None:
    text = read.decimal(name, what)
    if text is None:
        return
    price = Decimal(text)
    if not 0 < price <= 100_000 or price != round(price, 4):
        read.errors.setdefault(name, what)
    prices[key] = price


def _terms(read: Reader, services: Iterable[str], before: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "premiums": _premiums(read, before.get("premiums") or []),
        "premium_rule": "stack" if read.text("premium_rule") == "stack" else None,
        "minimum_call_minutes": read.whole("minimum_call"),
        "overtime": _overtime(read, before.get("overtime") or {}),
        "overtime_rates": _overtime_rates(read, services),
        "guaranteed_minimum_minor": read.minor("guaranteed_minimum"),
        "guaranteed_hours": _guaranteed_hours(read),
        "commitment": _commitment(read),
        "retainer": _retainer(read),
        "late_cancellation": _cancellations(read),
        "conversion_fee": _conversion(read),
        "price_rises": _rises(read, before.get("price_rises") or []),
        "tax": _tax(read),
    }
    read.places |= {"minimum_call_minutes": "minimum_call", "guaranteed_minimum_minor": "guaranteed_minimum"}
    read.places |= {"overtime": "overtime_multiplier", "commitment": "commitment_amount", "retainer": "retainer_fee"}
    read.places |= {"The retainer": "retainer_fee", "A card has a retainer": "retainer_fee", "Guaranteed hours": "hours_1"}
    read.places |= {"conversion_fee": "conversion_value", "tax": "tax_percent_1", "retainer.overage_per_hour": "retainer_overage"}
    return {key: value for key, value in found.items() if value not in (None, [], {})}


def _premiums(read: Reader, before: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def add(one: dict[str, Any]) -> None:
        kind = one["kind"]
        read.needs(f"{kind}_multiplier", one["multiplier"])
        read.places[f"premiums[{len(found)}]"] = f"{kind}_multiplier"
        found.append(_with_kept(one, next((old for old in before if old["kind"] == kind), {})))

    if read.has("night_from", "night_to", "night_multiplier"):
        begins, ends = read.clock("night_from"), read.clock("night_to")
        read.needs("night_from", begins or read.errors.get("night_from"))
        read.needs("night_to", ends or read.errors.get("night_to"))
        add({"kind": "night", "from": begins, "to": ends, "multiplier": read.decimal("night_multiplier")})
    if read.has("weekend_multiplier"):
        add({"kind": "weekend", "multiplier": read.decimal("weekend_multiplier")})
    if read.has("holiday_region", "holiday_days", "holiday_multiplier"):
        days = [day.strip() for day in read.text("holiday_days").split(",") if day.strip()]
        one = {"kind": "holiday", "region": read.text("holiday_region").upper() or None, "days": days or None}
        add({**{key: value for key, value in one.items() if value}, "multiplier": read.decimal("holiday_multiplier")})
    # Further premiums of a kind, which the form has no room for, stay as they are.
    seen: set[str] = set()
    for old in before:
        if old["kind"] in seen:
            found.append(dict(old))
        seen.add(old["kind"])
    return found


def _overtime(read: Reader, before: Mapping[str, Any]) -> dict[str, Any] | None:
    names = ("overtime_weekly", "overtime_daily", "overtime_multiplier", "overtime_double_daily", "overtime_double_multiplier")
    if not read.has(*names):
        return None
    rule = {
        "multiplier": read.decimal("overtime_multiplier"),
        "after_weekly_minutes": read.hours("overtime_weekly"),
        "after_daily_minutes": read.hours("overtime_daily"),
        "double_after_daily_minutes": read.hours("overtime_double_daily"),
        "double_multiplier": read.decimal("overtime_double_multiplier"),
        "seventh_day": True if read.text("overtime_seventh") else None,
        "pass_through": "negotiated" if read.text("overtime_pass") == "negotiated" else None,
        "week_starts_on": before.get("week_starts_on"),
    }
    read.needs("overtime_multiplier", rule["multiplier"])
    return {key: value for key, value in rule.items() if value is not None}


def _overtime_rates(read: Reader, services: Iterable[str]) -> dict[str, str]:
    if read.text("overtime_pass") != "negotiated":
        return {}
    found: dict[str, str] = {}
    for code in services:
        name = f"overtime_{code}"
        if price := read.decimal(name):
            found[code] = price
        elif read.has(f"price_{code}"):
            read.errors.setdefault(name, "Please give the price of an hour of overtime, or choose the multiple.")
    levels = [(read.text(f"level_service_{row}"), read.text(f"level_{row}")) for row in range(1, ROWS + 1)]
    return found | {f"{code}/{level}": found[code] for code, level in levels if code in found and level}


def _guaranteed_hours(read: Reader) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number in range(1, ROWS + 1):
        if read.has(f"hours_{number}"):
            read.places[f"guaranteed_hours[{len(found)}]"] = f"hours_{number}"
            read.needs(f"hours_service_{number}", read.text(f"hours_service_{number}"))
            found.append({"service": read.text(f"hours_service_{number}"), "minutes": read.hours(f"hours_{number}")})
    return found


def _commitment(read: Reader) -> dict[str, Any] | None:
    if not read.has("commitment_amount", "commitment_from", "commitment_to"):
        return None
    found = {"minimum_minor": read.minor("commitment_amount")}
    days = {"from": read.day("commitment_from"), "to": read.day("commitment_to")}
    read.needs("commitment_amount", found["minimum_minor"])
    read.needs("commitment_from", days["from"])
    read.needs("commitment_to", days["to"])
    return {**found, **days}


def _retainer(read: Reader) -> dict[str, Any] | None:
    if not read.has("retainer_fee", "retainer_hours"):
        return None
    found: dict[str, Any] = {"fee_minor": read.minor("retainer_fee"), "included_minutes": read.hours("retainer_hours")}
    read.needs("retainer_fee", found["fee_minor"])
    read.needs("retainer_hours", found["included_minutes"])
    if (overage := read.decimal("retainer_overage")) is not None:
        found["overage_per_hour"] = overage
    if covered := sorted(read.sent.texts("retainer_services")):
        found["services"] = covered
    if read.text("retainer_rolls"):
        limits = {"limit_minutes": read.hours("retainer_limit"), "expires_after_periods": read.whole("retainer_periods")}
        found["roll_over"] = {key: value for key, value in limits.items() if value is not None}
    return found


def _cancellations(read: Reader) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number in range(1, ROWS + 1):
        kind, value = read.text(f"cancel_kind_{number}"), f"cancel_value_{number}"
        if not kind:
            continue
        window = read.hours(f"cancel_window_{number}")
        read.needs(f"cancel_window_{number}", window)
        one: dict[str, Any] = {"kind": kind, "window_minutes": window}
        if kind == "hours":
            one["minutes"] = read.hours(value)
        elif kind == "flat":
            one["amount_minor"] = read.minor(value)
        elif kind == "percent":
            one["percent"] = read.decimal(value)
        if kind in ("hours", "flat", "percent"):
            read.needs(value, read.text(value))
        read.places[f"late_cancellation[{len(found)}]"] = value
        read.places["Two late cancellations"] = f"cancel_window_{number}"
        found.append(one)
    return found


def _conversion(read: Reader) -> dict[str, Any] | None:
    kind = read.text("conversion_kind")
    if not kind:
        return None
    read.needs("conversion_value", read.text("conversion_value"))
    found: dict[str, Any] = (
        {"amount_minor": read.minor("conversion_value")}
        if kind == "amount"
        else {"percent_of_salary": read.decimal("conversion_value")}
    )
    reduced = read.text("conversion_reduced")
    if reduced in ("months", "hours"):
        found["reduced_by"] = reduced
        key = "free_after_months" if reduced == "months" else "free_after_minutes"
        found[key] = read.whole("conversion_free") if reduced == "months" else read.hours("conversion_free")
        read.needs("conversion_free", found[key])
    return found


def _rises(read: Reader, before: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number in range(1, ROWS + 1):
        if read.has(f"rise_on_{number}", f"rise_percent_{number}"):
            day, percent = read.day(f"rise_on_{number}"), read.decimal(f"rise_percent_{number}")
            read.needs(f"rise_on_{number}", day)
            read.needs(f"rise_percent_{number}", percent)
            read.places[f"price_rises[{len(found)}]"] = f"rise_percent_{number}"
            read.places |= dict.fromkeys(("A price rise", "Two price rises"), f"rise_on_{number}")
            found.append(_with_kept({"on": day, "percent": percent}, next((old for old in before if old["on"] == day), {})))
    return found


def _tax(read: Reader) -> dict[str, Any] | None:
    rates: list[dict[str, Any]] = []
    for number in range(1, ROWS):
        if read.has(f"tax_name_{number}", f"tax_percent_{number}"):
            name, percent = read.text(f"tax_name_{number}"), read.decimal(f"tax_percent_{number}")
            read.needs(f"tax_name_{number}", name)
            read.needs(f"tax_percent_{number}", percent)
            read.places[f"tax.rates[{len(rates)}]"] = f"tax_percent_{number}"
            region = read.text(f"tax_region_{number}").upper()
            rates.append({"name": name, "percent": percent} | ({"jurisdiction": region} if region else {}))
    return {"rates": rates, **({"inclusive": True} if read.text("tax_inside") else {})} if rates else None


def _with_kept(one: dict[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    return {**{key: old[key] for key in _KEPT if key in old and key not in one}, **one}


def _placed(problems: Iterable[str], places: Mapping[str, str]) -> dict[str, str]:
    """Each problem beside the field it is about; what has no field of its own stands with the first day."""
    found: dict[str, str] = {}
    for problem in problems:
        place, colon, reason = problem.partition(": ")
        has_place = bool(colon) and place.startswith(("card", "tax", "services"))
        path, sentence = (place.removeprefix("card").removeprefix("."), reason) if has_place else ("", problem)
        known = [name for name in places if (path and path.startswith(name)) or sentence.startswith(name)]
        name = places[max(known, key=len)] if known else "valid_from"
        found[name] = " ".join(filter(None, (found.get(name, ""), sentence[:1].upper() + sentence[1:])))
    return found
