"""Events as the interface lists them; how they are delivered is in `webhooks`."""

from __future__ import annotations

import json
from typing import Any

from billing.sandbox.context import Context
from billing.sandbox.interface.listings import equals, page
from billing.sandbox.wire import Object

_DELIVERED = "id {}in (select event from deliveries where state = 'delivered') and ? = 1"


def retrieve(context: Context, parameters: Object, event: str) -> Object:
    """`GET /v1/events/:id`"""
    return context.require("event", event)


def listing(context: Context, parameters: Object) -> Object:
    """`GET /v1/events`, by type, time and whether the webhook arrived."""
    conditions: list[tuple[str, Any]] = []
    if "type" in parameters:
        conditions.append(_of_type(parameters["type"]))
    if "types" in parameters:
        # One `?` per condition: the list travels as one JSON text.
        every = "json_extract(body, '$.type') in (select value from json_each(?))"
        conditions.append((every, json.dumps(parameters["types"])))
    if "delivery_success" in parameters:
        conditions.append((_DELIVERED.format("" if parameters["delivery_success"] else "not "), 1))
    return page(context, "event", "/v1/events", parameters, conditions)


def _of_type(name: str) -> tuple[str, Any]:
    if name.endswith(".*"):
        return ("substr(json_extract(body, '$.type'), 1, instr(json_extract(body, '$.type'), '.')) = ?", name[:-1])
    return equals("type", name)
