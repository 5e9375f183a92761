"""What made a line's amount, as values: kept with the line, so that it can be said in words whatever is agreed later. Pure."""

from typing import Any

from billing.rates import RoundingScope
from billing.rating import Line
from staffing.contracts.reading import Version


def explanation_of(line: Line, version: Version) -> dict[str, Any]:
    """`InvoiceLine.explanation`: JSON values only, equal for equal lines; what does not matter for the line is left out."""
    found: dict[str, Any] = {"agreed_from": version.valid_from.isoformat()}
    if line.base_rate is not None:
        found["base_rate"] = f"{line.base_rate.normalize():f}"
    if line.level:
        found["level"] = line.level
    if line.applied:
        found["applied"] = [
            {"rule": one.rule, "multiplier": None if one.multiplier is None else f"{one.multiplier.normalize():f}"}
            for one in line.applied
        ]
    because = dict.fromkeys(reason for share in line.shares for reason in share.because)
    if because:
        found["because"] = list(because)
    if line.shares:
        found |= _time(line, version)
    if line.figures:
        found["figures"] = {figure.name: figure.value for figure in line.figures}
    return found


def _time(line: Line, version: Version) -> dict[str, Any]:
    """How worked seconds became billed seconds."""
    found: dict[str, Any] = {"entries": len(line.shares), "seconds_before_rounding": line.seconds_before_rounding}
    rounding = line.rounding
    if rounding.unit_minutes:
        found["rounding"] = {
            "unit_minutes": rounding.unit_minutes,
            "mode": rounding.mode.value,
            "scope": rounding.scope.value,
        }
    minimum = version.card.minimum_call_minutes
    by_entry = rounding.unit_minutes and rounding.scope is RoundingScope.ENTRY
    raised = any(share.billed_seconds > share.worked_seconds for share in line.shares)
    if minimum and raised and (not by_entry or any(share.billed_seconds == minimum * 60 for share in line.shares)):
        found["minimum_call_minutes"] = minimum
    return found
