"""Compiled functions: plain numeric Python turned into machine code at its first call and kept on disk for the next start."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from os import access, environ
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numba
from numba import njit

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")

_PACKAGE = "matching."


def compiled(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Compiles a function of numbers and arrays (no fast maths, one thread, the interpreter's lock released). What is kept on
    disk is found again only while the function's module and all it builds on are unchanged. Where nothing can be kept it
    is compiled anew in every process."""
    return _compile(function, {})


def inlined(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """As `compiled`, and put into each compiled function that calls it: for what is small and called most."""
    return _compile(function, {"forceinline": True})


def tight(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """As `compiled`, without counting references to arrays, which in loops over tuples of arrays takes ten times the work
    itself. The function must not make arrays, nor answer one, nor call what does."""
    return _compile(function, {"_nrt": False, "error_model": "numpy"})


def _compile(function: Callable[_Parameters, _Result], options: dict[str, Any]) -> Callable[_Parameters, _Result]:
    folder, settings = _folder(function.__module__), vars(numba.config)
    before = settings["CACHE_DIR"]
    try:
        settings["CACHE_DIR"] = folder or before
        made: Callable[_Parameters, _Result] = njit(cache=folder is not None, nogil=True, **options)(function)
    except RuntimeError:  # the folder cannot be written after all
        made = njit(nogil=True, **options)(function)
    finally:
        settings["CACHE_DIR"] = before
    return made


@cache
def _folder(module: str) -> str | None:
    """Where to keep the machine code of a module: a folder named for its sources. The cache of numba itself looks at the
    module's own file only, and would go on using code that was compiled into it from another file since changed."""
    digest = sha256(numba.__version__.encode())
    for name in sorted(_sources(module)):
        digest.update(Path(str(sys.modules[name].__file__)).read_bytes())
    here = Path(__file__).parent / "__pycache__"
    for place in (here, Path(environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "matching"):
        if access(place if place.exists() else place.parent, 2):
            return str(place / f"compiled-{digest.hexdigest()[:12]}")
    return None


def _sources(module: str) -> set[str]:
    """The modules of this package whose names a module uses, it too, and theirs."""
    found, left = set[str](), [module]
    while left:
        name = left.pop()
        if name in found or name not in sys.modules:
            continue
        found.add(name)
        used = (getattr(value, "__module__", None) for value in list(vars(sys.modules[name]).values()))
        left += [other for other in used if isinstance(other, str) and other.startswith(_PACKAGE)]
    return found
