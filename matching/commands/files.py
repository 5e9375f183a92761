"""Files that commands read and write."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from matching.commands.kinds import KINDS, Kind, kind_of
from matching.formats import InputError, InputErrors, parse_json, plan_from_json, plan_to_json, problem_from_json, read_text
from matching.problem import Problem
from matching.solution import Solution

STDIN = "-"


def text_of(name: str) -> str:
    """The text of a file, or of standard input for `-`. Raises InputErrors."""
    if name != STDIN:
        return read_text(Path(name))
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputErrors([InputError("", "standard input is not a text in UTF-8")]) from None


def read_any(name: str, kind: str | None, instance: int | None = None) -> tuple[Kind, Any]:
    """The problem in a file and its kind, which its content tells when it is not given. Raises InputErrors."""
    text = text_of(name)
    found = kind_of(text) if kind is None else KINDS[kind]
    problems = found.read(text)
    if instance is not None and instance > len(problems):
        raise InputErrors([InputError("", f"{name} holds {_problems(len(problems))}; there is none of number {instance}")])
    if instance is None and len(problems) > 1:
        raise InputErrors([InputError("", f"{name} holds {len(problems)} problems; choose one with --instance")])
    return found, problems[(instance or 1) - 1]


def _problems(count: int) -> str:
    return "1 problem" if count == 1 else f"{count} problems"


def read_problem(name: str) -> Problem:
    """The week in a file. Raises InputErrors."""
    return problem_from_json(parse_json(text_of(name)))


def read_plan(name: str) -> Solution:
    """The plan in a file, as `solve` writes it. Raises InputErrors, each with the file's name: what reads a plan reads its
    problem too, and a fault must say which of the two it is in."""
    text = text_of(name)
    try:
        return plan_from_json(parse_json(text))
    except InputErrors as faults:
        raise InputErrors([InputError(name, str(fault)) for fault in faults.errors]) from None


def write_plan(path: Path, plan: Solution) -> bool:
    """Writes a plan; whether that worked."""
    return write_text(path, json.dumps(plan_to_json(plan), indent=1) + "\n")


def write_text(path: Path, text: str) -> bool:
    """Writes a text beside its place and moves it there, so that nobody sees half of it; whether that worked, which is
    said on standard error when not."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except (OSError, ValueError) as error:
        print(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
        _forget(beside)
        return False
    return True


def can_write(path: Path) -> bool:
    """Whether a text could be written there, which is said on standard error when not: told before a long search, not after."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if path.is_dir():
            raise IsADirectoryError(0, "it is a folder")
        beside.touch()
    except (OSError, ValueError) as error:
        print(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
        return False
    _forget(beside)
    return True


def _forget(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except (OSError, ValueError):
        return
