"""Compiled functions that only read and write arrays they are given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from numba import njit

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


def tight(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """As `compiled`, without counting references to arrays, which in loops over tuples of arrays takes ten times the work
    itself. The function must not make arrays, nor answer one."""
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}
    try:
        made: Callable[_Parameters, _Result] = njit(cache=True, **options)(function)
    except RuntimeError:  # no folder for the cache can be written
        made = njit(**options)(function)
    return made
