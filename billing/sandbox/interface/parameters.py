"""Requests checked against the official library's own parameter types: what Stripe would refuse is refused here.

The types are read when the first request comes, because loading the library takes half a second.
"""

from __future__ import annotations

import importlib
import re
import sys
import types
import typing
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from billing.sandbox.wire import Object, Problem

_INTEGER = re.compile(r"-?[0-9]{1,15}")
_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,12})?")
_LONGEST_METADATA_KEY = 40
_LONGEST_METADATA_VALUE = 500
_MOST_METADATA = 50


@lru_cache(maxsize=256)
def parameters_class(name: str) -> type:
    """The library's class of parameters, such as `InvoiceCreateParams` or `checkout.SessionCreateParams`."""
    folder, _, own = name.rpartition(".")
    return typing.cast(type, getattr(importlib.import_module(f"stripe.params.{folder}".rstrip(".")), own))


def checked(class_name: str, given: Object) -> Object:
    """`given` (all texts, as they came in the form) with every value of the type that `class_name` asks for.

    Raises `Problem` with Stripe's codes: `parameter_unknown`, `parameter_missing`, `parameter_invalid_integer` …
    """
    return _object(parameters_class(class_name), given, "")


def _object(kind: type, given: Any, path: str) -> Object:
    if not isinstance(given, dict):
        raise _invalid(path, "Invalid object")
    fields = _fields(kind)
    for name in given:
        if name not in fields:
            where = _join(path, name)
            raise Problem(400, f"Received unknown parameter: {where}", code="parameter_unknown", param=where, began=False)
    for name, (_, required) in fields.items():
        if required and name not in given:
            where = _join(path, name)
            raise Problem(400, f"Missing required param: {where}.", code="parameter_missing", param=where, began=False)
    return {name: _value(fields[name][0], value, _join(path, name)) for name, value in given.items()}


def _value(kind: Any, given: Any, path: str) -> Any:
    origin = typing.get_origin(kind)
    if kind is Any:
        return given
    if origin in (typing.Union, types.UnionType):
        return _one_of(typing.get_args(kind), given, path)
    if origin is typing.Literal:
        if given not in typing.get_args(kind):
            options = ", ".join(str(option) for option in typing.get_args(kind))
            raise _invalid(path, f"Invalid {path}: must be one of {options}")
        return given
    if origin is list:
        if not isinstance(given, list):
            raise _invalid(path, f"Invalid array: {path}")
        (inner,) = typing.get_args(kind)
        return [_value(inner, item, f"{path}[{position}]") for position, item in enumerate(given)]
    if origin in (dict, Mapping) or origin is not None:
        return _texts(given, path)
    if typing.is_typeddict(kind) or hasattr(kind, "__required_keys__"):
        return _object(kind, given, path)
    return _scalar(kind, given, path)


def _one_of(options: tuple[Any, ...], given: Any, path: str) -> Any:
    """The first option that fits. `Literal[...] | str` means the literals: the open end is for future answers."""
    literals = [option for option in options if typing.get_origin(option) is typing.Literal]
    texts_allowed = [option for option in options if not (option is str and literals)]
    problem: Problem | None = None
    for option in texts_allowed:
        if option is type(None):
            continue
        try:
            return _value(option, given, path)
        except Problem as refused:
            # A refusal inside a nested object says more than that the empty text did not fit.
            if problem is None or isinstance(given, (dict, list)):
                problem = refused
    raise problem or _invalid(path, f"Invalid {path}")


def _scalar(kind: Any, given: Any, path: str) -> Any:
    if not isinstance(given, str):
        raise _invalid(path, f"Invalid string: {path}")
    if kind is bool:
        if given not in ("true", "false"):
            raise _invalid(path, f"Invalid boolean: {given[:80]}")
        return given == "true"
    if kind is int:
        if not _INTEGER.fullmatch(given):
            raise _invalid(path, f"Invalid integer: {given[:80]}", "parameter_invalid_integer")
        return int(given)
    if kind in (float, Decimal):
        if not _DECIMAL.fullmatch(given):
            raise _invalid(path, f"Invalid decimal: {given[:80]}")
        return Decimal(given)
    return given


def _texts(given: Any, path: str) -> Object:
    """A map of texts, which is what metadata is, within Stripe's bounds."""
    if not isinstance(given, dict) or len(given) > _MOST_METADATA:
        raise _invalid(path, f"Invalid {path}: at most {_MOST_METADATA} keys")
    for key, value in given.items():
        if not isinstance(value, str):
            raise _invalid(_join(path, key), "Metadata values are texts")
        if len(key) > _LONGEST_METADATA_KEY or len(value) > _LONGEST_METADATA_VALUE:
            raise _invalid(_join(path, key), "Metadata keys have up to 40 characters, values up to 500")
    return given


@lru_cache(maxsize=512)
def _fields(kind: type) -> Mapping[str, tuple[Any, bool]]:
    """Per field its type and whether it is required; the options of the library's own call are no parameters."""
    options = importlib.import_module("stripe").RequestOptions.__annotations__
    required: frozenset[str] = getattr(kind, "__required_keys__", frozenset())
    names = _Names(sys.modules[kind.__module__])
    return {
        name: (_resolved(annotation, names), name in required)
        for name, annotation in kind.__annotations__.items()
        if name not in options
    }


class _Names(dict[str, Any]):
    """The names that an annotation may use: the module's, the library's, and else anything goes."""

    def __init__(self, module: types.ModuleType) -> None:
        super().__init__(vars(module))

    def __missing__(self, name: str) -> Any:
        builtin = getattr(importlib.import_module("builtins"), name, None)
        return builtin if builtin is not None else getattr(importlib.import_module("stripe"), name, Any)


def _resolved(annotation: Any, names: _Names) -> Any:
    """The type behind an annotation, which the library writes as text in parts."""
    if isinstance(annotation, typing.ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        annotation = eval(annotation, {}, names)  # noqa: S307 - the official library's own type annotations
        return _resolved(annotation, names)
    origin = typing.get_origin(annotation)
    if origin in (None, typing.Literal):
        return annotation
    arguments = tuple(_resolved(argument, names) for argument in typing.get_args(annotation))
    if "NotRequired" in str(origin) or "Required" in str(origin):
        return arguments[0]
    if origin in (typing.Union, types.UnionType):
        return typing.Union[arguments]  # noqa: UP007 - the members are only known now
    if origin is list:
        return list[arguments[0]]  # type: ignore[valid-type]
    return annotation


def _invalid(path: str, message: str, code: str | None = None) -> Problem:
    return Problem(400, message, code=code, param=path or None, began=False)


def _join(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name
