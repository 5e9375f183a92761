"""A rating as plain JSON: the lines, and on request everything that explains them."""

from __future__ import annotations

from typing import Any

from billing.money import rate_text
from billing.rating import Carried, Line, PayLine, Rating, RetainerUse
from billing.taxes import TaxRule
from billing.totals import invoice_totals


def rating_as_json(rating: Rating, tax: TaxRule | None = None, *, explain: bool = False) -> dict[str, Any]:
    """`rating` in the form of the command's output.

    `tax` and a retainer add their own keys; `explain` adds how each line came about, and the coordinators' side.
    """
    output: dict[str, Any] = {
        "lines": [_line(line, rating.currency, explain) for line in rating.lines],
        "total_minor": rating.total_minor,
        "held": [{"id": held.id, "reason": held.reason} for held in rating.held],
    }
    if tax is not None:
        output["tax"] = _tax(rating, tax)
    if rating.retainer is not None:
        output["retainer"] = _retainer(rating.retainer)
    if explain:
        output["overlaps"] = [list(pair) for pair in rating.overlaps]
        output["pay"] = _pay(rating)
    return output


def _line(line: Line, currency: str, explain: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "service": line.service,
        "coordinator": line.coordinator,
        "kind": line.kind,
        "minutes": _minutes(line.seconds),
        "unit_rate": rate_text(line.unit_rate, currency),
        "amount_minor": line.amount_minor,
        "entries": list(line.entries),
    }
    if line.level:
        shown["level"] = line.level
    if line.reference:
        shown["reference"] = line.reference
    if explain:
        shown["explanation"] = _explanation(line, currency)
    return shown


def _explanation(line: Line, currency: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "rules": [
            {"rule": applied.rule, "multiplier": None if applied.multiplier is None else f"{applied.multiplier.normalize():f}"}
            for applied in line.applied
        ],
        "worked_seconds": line.worked_seconds,
        "seconds_before_rounding": line.seconds_before_rounding,
        "billed_seconds": line.seconds,
    }
    if line.base_rate is not None:
        shown["base_rate"] = rate_text(line.base_rate, currency)
    if line.shares:
        rule = line.rounding
        shown["rounding"] = {"unit_minutes": rule.unit_minutes, "mode": rule.mode.value, "scope": rule.scope.value}
        shown["entries"] = [
            {
                "id": share.entry_id,
                "worked_seconds": share.worked_seconds,
                "billed_seconds": share.billed_seconds,
                "because": list(share.because),
            }
            for share in line.shares
        ]
    if line.figures:
        shown["figures"] = {figure.name: figure.value for figure in line.figures}
    return shown


def _tax(rating: Rating, rule: TaxRule) -> dict[str, Any]:
    totals = invoice_totals(rating.lines, rating.currency, rule)
    return {
        "rates": [
            {
                "name": amount.rate.name,
                "jurisdiction": amount.rate.jurisdiction,
                "percent": f"{amount.rate.percent:f}",
                "taxable_minor": amount.taxable.minor,
                "tax_minor": amount.tax.minor,
            }
            for amount in totals.taxes
        ],
        "tax_minor": totals.tax.minor,
        "before_tax_minor": totals.before_tax.minor,
        "total_with_tax_minor": totals.total.minor,
    }


def _retainer(use: RetainerUse) -> dict[str, Any]:
    return {
        "included_seconds": use.included_seconds,
        "carried_in_seconds": use.carried_in_seconds,
        "used_seconds": use.used_seconds,
        "forfeited_seconds": use.forfeited_seconds,
        "carried_out": [_carried(lot) for lot in use.carried_out],
    }


def _carried(lot: Carried) -> dict[str, Any]:
    return {"seconds": lot.seconds, "periods_left": lot.periods_left}


def _pay(rating: Rating) -> dict[str, Any]:
    return {
        "lines": [_pay_line(line, rating.currency) for line in rating.pay_lines],
        "total_minor": rating.pay_minor,
        "margin_minor": rating.margin_minor,
        "without_pay_rate": list(rating.unpriced_pay),
    }


def _pay_line(line: PayLine, currency: str) -> dict[str, Any]:
    return {
        "service": line.service,
        "coordinator": line.coordinator,
        "kind": line.kind,
        "minutes": _minutes(line.seconds),
        "unit_rate": rate_text(line.unit_rate, currency),
        "amount_minor": line.amount_minor,
        "entries": list(line.entries),
        **({"level": line.level} if line.level else {}),
    }


def _minutes(seconds: int) -> int | float:
    return seconds // 60 if seconds % 60 == 0 else round(seconds / 60, 6)
