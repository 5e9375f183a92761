"""The form of a contract version as it opens: its terms as a person types them."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from billing.money import minor_digits
from staffing.contracts.amounts import plain
from staffing.contracts.reading import Version
from staffing.web.forms import Typed


def filled(version: Version | None, valid_from: date | None) -> Typed:
    """The form as it stands when it opens: the terms of `version`, from the day that is proposed."""
    values: dict[str, Any] = {"valid_from": valid_from or "", "rounding_unit": 0, "rounding_mode": "nearest"}
    values |= {"rounding_scope": "line", "premium_rule": "highest", "overtime_pass": "same_markup", "retainer_rolls": ""}
    if version is None:
        return Typed.of(**values)
    stored = version.stored
    values |= {
        "rounding_unit": version.card.rounding.unit_minutes,
        "rounding_mode": version.card.rounding.mode.value,
        "rounding_scope": version.card.rounding.scope.value,
        "minimum_call": stored.get("minimum_call_minutes") or "",
        "premium_rule": stored.get("premium_rule") or "highest",
        "guaranteed_minimum": _major(stored.get("guaranteed_minimum_minor"), version.currency),
    }
    values |= _filled_prices(version) | _filled_premiums(stored) | _filled_overtime(stored.get("overtime") or {})
    values |= _filled_promises(stored, version.currency) | _filled_fees(stored, version.currency)
    return Typed.of(**values)


def _filled_prices(version: Version) -> dict[str, Any]:
    values: dict[str, Any] = {}
    levels = []
    for code, rate in version.card.services.items():
        values[f"price_{code}"] = _number(rate.bill_per_hour)
        if rate.overtime_bill_per_hour is not None:
            values[f"overtime_{code}"] = _number(rate.overtime_bill_per_hour)
        levels += [(code, level, own.bill_per_hour) for level, own in sorted(rate.levels.items())]
    for number, (code, level, price) in enumerate(levels, start=1):
        values |= {f"level_service_{number}": code, f"level_{number}": level, f"level_price_{number}": _number(price)}
    return values


def _filled_premiums(stored: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for one in reversed(stored.get("premiums") or []):
        kind = one["kind"]
        values[f"{kind}_multiplier"] = one["multiplier"]
        if kind == "night":
            values |= {"night_from": one["from"], "night_to": one["to"]}
        if kind == "holiday":
            values |= {"holiday_region": one.get("region") or "", "holiday_days": ", ".join(one.get("days") or [])}
    return values


def _filled_overtime(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "overtime_weekly": _hours(rule.get("after_weekly_minutes")),
        "overtime_daily": _hours(rule.get("after_daily_minutes")),
        "overtime_multiplier": rule.get("multiplier") or "",
        "overtime_double_daily": _hours(rule.get("double_after_daily_minutes")),
        "overtime_double_multiplier": rule.get("double_multiplier") or "",
        "overtime_seventh": "1" if rule.get("seventh_day") else "",
        "overtime_pass": rule.get("pass_through") or "same_markup",
    }


def _filled_promises(stored: Mapping[str, Any], currency: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for number, one in enumerate(stored.get("guaranteed_hours") or [], start=1):
        values |= {f"hours_service_{number}": one["service"], f"hours_{number}": _hours(one["minutes"])}
    if commitment := stored.get("commitment"):
        values |= {"commitment_amount": _major(commitment["minimum_minor"], currency)}
        values |= {"commitment_from": commitment["from"], "commitment_to": commitment["to"]}
    if retainer := stored.get("retainer"):
        values |= {
            "retainer_fee": _major(retainer["fee_minor"], currency),
            "retainer_hours": _hours(retainer["included_minutes"]),
        }
        values |= {
            "retainer_overage": retainer.get("overage_per_hour") or "",
            "retainer_services": retainer.get("services") or (),
        }
        roll_over = retainer.get("roll_over")
        values["retainer_rolls"] = "" if roll_over is None else "1"
        values["retainer_limit"] = _hours((roll_over or {}).get("limit_minutes"))
        values["retainer_periods"] = (roll_over or {}).get("expires_after_periods") or ""
    return values


def _filled_fees(stored: Mapping[str, Any], currency: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    clauses = stored.get("late_cancellation") or []
    for number, one in enumerate([clauses] if isinstance(clauses, Mapping) else clauses, start=1):
        worth = {"hours": _hours(one.get("minutes")), "flat": _major(one.get("amount_minor"), currency)}
        values |= {f"cancel_kind_{number}": one["kind"], f"cancel_window_{number}": _hours(one["window_minutes"])}
        values[f"cancel_value_{number}"] = worth.get(one["kind"], one.get("percent") or "")
    if fee := stored.get("conversion_fee"):
        by_amount = fee.get("amount_minor") is not None
        values["conversion_kind"] = "amount" if by_amount else "percent"
        values["conversion_value"] = _major(fee.get("amount_minor"), currency) if by_amount else fee["percent_of_salary"]
        values["conversion_reduced"] = fee.get("reduced_by") or "nothing"
        values["conversion_free"] = fee.get("free_after_months") or _hours(fee.get("free_after_minutes"))
    for number, one in enumerate(stored.get("price_rises") or [], start=1):
        values |= {f"rise_on_{number}": one["on"], f"rise_percent_{number}": one["percent"]}
    tax = stored.get("tax") or {}
    for number, one in enumerate(tax.get("rates") or [], start=1):
        values |= {f"tax_name_{number}": one["name"], f"tax_percent_{number}": one["percent"]}
        values[f"tax_region_{number}"] = one.get("jurisdiction") or ""
    values["tax_inside"] = "1" if tax.get("inclusive") else ""
    return values


def _number(value: Decimal) -> str:
    """A price with two decimals at least."""
    text = plain(value)
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals:0<2}"


def _major(minor: int | None, currency: str) -> str:
    return "" if not minor and minor != 0 else _number(Decimal(minor).scaleb(-minor_digits(currency)))


def _hours(minutes: int | None) -> str:
    return "" if minutes is None else plain(Decimal(minutes) / 60) if minutes % 3 == 0 else f"{minutes / 60:.4f}"
