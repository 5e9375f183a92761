"""Reading and writing planning problems and plans: JSON documents and files. Every fault of the input is reported at
once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NoReturn

from matching.formats.plan_format import plan_from_json, plan_to_json
from matching.formats.reading import InputError, InputErrors
from matching.formats.week_format import check_problem, problem_from_json, problem_to_json

__all__ = [
    "InputError",
    "InputErrors",
    "check_problem",
    "parse_json",
    "plan_from_json",
    "plan_to_json",
    "problem_from_json",
    "problem_to_json",
    "read_text",
]


def read_text(path: Path) -> str:
    """The text of a file, without the mark that some editors put before it. Raises InputErrors when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputErrors([InputError("", f"{path} is not a text in UTF-8")]) from None
    except OSError as error:
        raise InputErrors([InputError("", f"{path} cannot be read: {error.strerror or error}")]) from None


def parse_json(text: str) -> object:
    """The parsed JSON. Raises InputErrors when it is not JSON, names a key twice in one object or nests too deep."""
    if not text.strip():
        raise InputErrors([InputError("", "is empty: it is not JSON")])
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except InputErrors:
        raise
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise InputErrors([InputError("", f"is not JSON: {error.msg} at {place}")]) from None
    except RecursionError:
        raise InputErrors([InputError("", "is not usable JSON: it nests too deep")]) from None
    except ValueError:  # Python refuses to read numbers of thousands of digits
        raise InputErrors([InputError("", "is not usable JSON: it holds a number that is far too long")]) from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _value in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise InputErrors([InputError("", f"the key {twice!r} occurs twice in one object")])
    return found


def _no_constant(name: str) -> NoReturn:
    raise InputErrors([InputError("", f"{name} is not a number that can be used")])
