"""A line's amount in words: what was worked, what was agreed, which rules applied, what they come to. Pure.

It reads what was kept with the line when it was drafted, so it says the same whatever is agreed later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from staffing.catalogue import service_name
from staffing.contracts.amounts import day_text, factor_text, listed, minutes_text, money_text, plain, rate_text, time_text

RULE_WORDS: Mapping[str, str] = {
    "night": "night",
    "weekend": "weekend",
    "holiday": "holiday",
    "overtime": "overtime",
    "double_time": "double time",
    "guaranteed_hours": "guaranteed hours",
    "retainer": "retainer",
    "included": "included in the retainer",
    "overage": "beyond the retainer",
    "late_cancellation": "late cancellation",
    "true_up": "up to the guaranteed minimum",
    "commitment": "up to the commitment",
    "conversion": "conversion fee",
}
NO_SERVICE: Mapping[str, str] = {
    "retainer": "Retainer",
    "true_up": "Guaranteed minimum",
    "commitment": "Commitment",
    "conversion": "Conversion fee",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A line as far as its explanation needs it. Amounts in minor units of `currency`."""

    service: str
    kind: str
    seconds: int
    billed_seconds: int
    unit_rate: Decimal
    amount_minor: int
    currency: str
    explanation: Mapping[str, Any] = field(default_factory=dict)

    @property
    def figures(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.explanation.get("figures", {})
        return found

    def money(self, name: str) -> str:
        return money_text(int(self.figures[name]), self.currency)


def kind_words(kind: str) -> str:
    """night+weekend → night and weekend; nothing for regular time."""
    return listed([RULE_WORDS.get(one, one.replace("_", " ")) for one in kind.split("+") if one != "regular"])


def line_name(service: str, kind: str) -> str:
    """What the line is called: its service, or what it is when it is no work."""
    return service_name(service) if service else NO_SERVICE.get(kind.partition("+")[0], kind_words(kind).capitalize())


def sentences(line: Said) -> tuple[str, ...]:
    """How the amount comes about, step by step; the last sentence ends with the amount."""
    base = line.kind.partition("+")[0]
    special = {
        "retainer": _retainer,
        "guaranteed_hours": _guaranteed_hours,
        "true_up": _true_up,
        "commitment": _commitment,
        "late_cancellation": _late_cancellation,
        "conversion": _conversion,
    }.get(base)
    said = special(line) if special and line.figures else _work(line)
    return tuple(sentence for sentence in said if sentence)


def _work(line: Said) -> list[str]:
    entries = line.explanation.get("entries", 0)
    where = f" in {entries} entries" if entries > 1 else ""
    said = [f"{time_text(line.seconds)} worked{where}.", *_time_steps(line)]
    if line.kind == "included":
        return [*said, "The retainer includes this time: it costs nothing more."]
    return [*said, *_price_steps(line), _product(line)]


def _time_steps(line: Said) -> list[str]:
    known = line.explanation
    said = []
    before = known.get("seconds_before_rounding", line.seconds)
    rounding: Mapping[str, Any] = known.get("rounding", {})
    by_entry = rounding.get("scope") == "entry"
    if before != line.seconds:
        reasons = [f"each entry is rounded {_rounding_words(rounding)}"] if by_entry else []
        if minimum := known.get("minimum_call_minutes"):
            reasons.append(f"each entry counts as {minutes_text(minimum)} at least")
        why = listed(reasons) or "by the contract"
        said.append(f"{why[0].upper()}{why[1:]}: {time_text(before)}.")
    if rounding and not by_entry and before != line.billed_seconds:
        said.append(f"Rounded {_rounding_words(rounding)}, once for the line: {time_text(line.billed_seconds)}.")
    elif line.billed_seconds != before:
        said.append(f"Billed as {time_text(line.billed_seconds)} by the contract's rounding.")
    return said


def _rounding_words(rounding: Mapping[str, Any]) -> str:
    unit = minutes_text(rounding["unit_minutes"])
    return f"up to full {unit}" if rounding["mode"] == "up" else f"to the nearest {unit}"


def _price_steps(line: Said) -> list[str]:
    known = line.explanation
    if "base_rate" not in known:
        return []
    level = f" at level {known['level']}" if "level" in known else ""
    since = f", agreed from {day_text(date.fromisoformat(known['agreed_from']))}" if "agreed_from" in known else ""
    said = []
    if line.kind.startswith("overage"):
        said.append("The retainer's included hours are used up.")
        since = ""
    applied = known.get("applied", [])
    base = Decimal(known["base_rate"])
    if line.kind.startswith("overage") and not applied:
        return [*said, f"What is beyond them costs {rate_text(line.unit_rate, line.currency)} an hour."]
    said.append(f"{rate_text(base, line.currency)} an hour for {service_name(line.service)}{level}{since}.")
    if applied:
        because = f" ({', '.join(known['because'])})" if known.get("because") else ""
        rules = [
            RULE_WORDS.get(one["rule"], one["rule"])
            + (f" {factor_text(Decimal(one['multiplier']))}" if one["multiplier"] else " at the rate agreed for it")
            for one in applied
        ]
        said.append(f"{listed(rules).capitalize()}{because}: {rate_text(line.unit_rate, line.currency)} an hour.")
    return said


def _product(line: Said) -> str:
    amount = money_text(line.amount_minor, line.currency)
    return f"{time_text(line.billed_seconds)} × {rate_text(line.unit_rate, line.currency)} = {amount}, rounded to the cent once."


def _part(line: Said) -> str:
    figures = line.figures
    return f" It held for {figures['days']} of {figures['of_days']} days." if "days" in figures else ""


def _retainer(line: Said) -> list[str]:
    included = minutes_text(int(line.figures["included_minutes"]))
    fee = line.money("fee_minor")
    return [f"The retainer costs {fee} a period and includes {included} of work.{_part(line)}", _is(line)]


def _guaranteed_hours(line: Said) -> list[str]:
    guaranteed = minutes_text(int(line.figures["guaranteed_minutes"]))
    billed = time_text(int(line.figures["billed_seconds"]))
    return [
        f"{guaranteed} of {service_name(line.service)} are guaranteed in the period.{_part(line)} {billed} were billed.",
        f"What is missing: {_product(line)}",
    ]


def _true_up(line: Said) -> list[str]:
    said = [
        f"At least {line.money('guaranteed_minimum_minor')} is guaranteed for the period.{_part(line)}",
        f"{line.money('billed_minor')} was billed for it.",
    ]
    if "trued_up_before_minor" in line.figures:
        said.append(f"{line.money('trued_up_before_minor')} of the difference was billed before.")
    return [*said, _is(line, "The difference")]


def _commitment(line: Said) -> list[str]:
    first, last = (day_text(date.fromisoformat(line.figures[name])) for name in ("from", "to"))
    return [
        f"{line.money('commitment_minor')} is committed from {first} to {last}.",
        f"{line.money('billed_minor')} was billed for that time.",
        _is(line, "The difference"),
    ]


def _late_cancellation(line: Said) -> list[str]:
    figures = line.figures
    notice, window = time_text(int(figures["notice_seconds"])), minutes_text(int(figures["window_minutes"]))
    charged = {
        "hours": f"{time_text(line.billed_seconds)} of what was booked",
        "flat": "a fixed amount",
        "percent": f"{plain(Decimal(figures.get('percent', '0')))} % of what was booked",
        "full": "all that was booked",
    }.get(figures["clause"], "a part of what was booked")
    said = [f"Cancelled {notice} before it began. With less than {window} of notice the contract charges {charged}."]
    if figures["clause"] == "flat":
        return [*said, _is(line)]
    applied = line.explanation.get("applied", [])
    said += _price_steps(line)[:1]
    rules = [f"{RULE_WORDS[one['rule']]} {factor_text(Decimal(one['multiplier']))}" for one in applied if one["multiplier"]]
    if rules:
        said.append(f"{listed(rules).capitalize()}.")
    return [*said, _product(line)]


def _conversion(line: Said) -> list[str]:
    figures = line.figures
    if "salary_minor" in figures:
        percent = plain(Decimal(figures["percent_of_salary"]))
        said = [
            f"The facility hired this coordinator. The fee is {percent} % of a year's salary of {line.money('salary_minor')}."
        ]
    else:
        said = [f"The facility hired this coordinator. The full fee is {line.money('full_fee_minor')}."]
    if "months_worked" in figures:
        said.append(f"It falls to nothing over {figures['free_after_months']} months; {figures['months_worked']} were worked.")
    if "minutes_worked" in figures:
        free, worked = minutes_text(int(figures["free_after_minutes"])), minutes_text(int(figures["minutes_worked"]))
        said.append(f"It falls to nothing over {free} of work; {worked} were worked.")
    return [*said, _is(line)]


def _is(line: Said, what: str = "Billed") -> str:
    return f"{what}: {money_text(line.amount_minor, line.currency)}."
