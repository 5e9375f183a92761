"""Lists as Stripe pages them: newest first, cursors by id, filters by creation time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from billing.sandbox.context import Context
from billing.sandbox.wire import Object, Problem

_MOST = 100
_COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
SHOWN_LINES = 10
"""How many lines an invoice shows of itself; the rest is asked for page by page."""


def page(context: Context, kind: str, url: str, parameters: Object, conditions: Sequence[tuple[str, Any]] = ()) -> Object:
    """One page of the objects of `kind` that meet `conditions`, as `limit`, the cursors and `created` ask."""
    limit = parameters.get("limit", 10)
    if not 1 <= limit <= _MOST:
        raise Problem(
            400, f"Invalid integer: limit must be between 1 and {_MOST}.", code="parameter_invalid_integer", param="limit"
        )
    if "starting_after" in parameters and "ending_before" in parameters:
        raise Problem(400, "You may only specify one of these parameters: starting_after, ending_before.")
    every = [*conditions, *_created(parameters.get("created"))]
    backwards = "ending_before" in parameters
    for name, comparison in (("starting_after", "<"), ("ending_before", ">")):
        if name in parameters:
            position = context.store.position(parameters[name])
            if position is None:
                raise Problem(400, f"No such object: '{parameters[name]}'", code="resource_missing", param=name)
            every.append((f"position {comparison} ?", position))
    found = context.store.search(kind, every, newest_first=not backwards, limit=limit + 1)
    shown = found[:limit]
    return {
        "object": "list",
        "data": shown[::-1] if backwards else shown,
        "has_more": len(found) > limit,
        "url": url,
    }


def equals(field: str, value: Any) -> tuple[str, Any]:
    """The condition that a field of the object has a value."""
    return (f"json_extract(body, '$.{field}') = ?", value)


def lines_of(owner: Object, lines: Sequence[Object], path: str = "invoices") -> Object:
    """The list of lines that an invoice or a credit note carries."""
    return {
        "object": "list",
        "data": list(lines[:SHOWN_LINES]),
        "has_more": len(lines) > SHOWN_LINES,
        "total_count": len(lines),
        "url": f"/v1/{path}/{owner['id']}/lines",
    }


def _created(bounds: Any) -> list[tuple[str, Any]]:
    if bounds is None:
        return []
    if isinstance(bounds, int):
        return [("created = ?", bounds)]
    return [(f"created {_COMPARISONS[name]} ?", value) for name, value in bounds.items()]
