"""What travels: Stripe's form encoding in, Stripe's JSON and Stripe's errors out."""

from __future__ import annotations

import json
import re
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from litestar import Response

Object = dict[str, Any]
"""A Stripe object or a nest of request parameters: plain JSON."""

API_VERSION = "2026-10-28.endive"
_DEEPEST = 6
_MOST_PAIRS = 5000
_ALPHABET = string.ascii_letters + string.digits


@dataclass(eq=False)
class Problem(Exception):
    """An error as Stripe words it. `began` tells whether work had begun, so that the answer is kept for its key."""

    status: int
    message: str
    type: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None
    decline_code: str | None = None
    began: bool = True
    extra: Object = field(default_factory=dict)

    def body(self) -> Object:
        """The JSON of the error."""
        parts = {"code": self.code, "decline_code": self.decline_code, "param": self.param, **self.extra}
        kept = {name: value for name, value in parts.items() if value is not None}
        return {"error": {"message": self.message, "type": self.type, **kept}}


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body of a finished request."""

    status: int
    body: str


def new_id(prefix: str) -> str:
    """A fresh id such as `in_1Qx…`."""
    return f"{prefix}_{random_text(24)}"


def random_text(length: int) -> str:
    """Letters and digits nobody can guess."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def read_form(encoded: str) -> Object:
    """`lines[0][amount]=5&metadata[a]=b` as nested objects and lists. Raises `Problem` for what cannot be nested."""
    root: Object = {}
    try:
        pairs = parse_qsl(encoded, keep_blank_values=True, max_num_fields=_MOST_PAIRS, errors="strict")
    except ValueError as error:
        raise Problem(400, "The request's parameters cannot be read.", began=False) from error
    for name, value in pairs:
        steps = re.findall(r"[^\[\]]+|\[\]", name)
        if not steps or len(steps) > _DEEPEST:
            raise Problem(400, f"Invalid parameter name: {name[:80]}", began=False)
        _place(root, steps, value, name)
    return {name: _with_lists(value) for name, value in root.items()}


def as_answer(body: Object, status: int = 200) -> Answer:
    """`body` as the answer to a request."""
    return Answer(status, json.dumps(body))


def respond(answer: Answer, headers: Mapping[str, str] | None = None) -> Response[str]:
    """An HTTP response with the headers that Stripe sends."""
    own = {"request-id": new_id("req"), "stripe-version": API_VERSION, "cache-control": "no-store"}
    return Response(answer.body, status_code=answer.status, media_type="application/json", headers={**own, **(headers or {})})


def _place(root: Object, steps: list[str], value: str, name: str) -> None:
    inside = root
    for step in steps[:-1]:
        key = _position(inside, step)
        nested = inside.setdefault(key, {})
        if not isinstance(nested, dict):
            raise Problem(400, f"Invalid parameter: {name[:80]}", began=False)
        inside = nested
    key = _position(inside, steps[-1])
    if key in inside:
        raise Problem(400, f"Parameter given twice: {name[:80]}", began=False)
    inside[key] = value


def _position(inside: Object, step: str) -> str:
    return str(len(inside)) if step == "[]" else step


def _with_lists(value: Any) -> Any:
    """Objects whose keys are 0, 1, 2 … are lists."""
    if not isinstance(value, dict):
        return value
    nested = {key: _with_lists(inner) for key, inner in value.items()}
    if nested and all(key.isascii() and key.isdigit() for key in nested):
        return [nested[key] for key in sorted(nested, key=int)]
    return nested
