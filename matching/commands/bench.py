"""`bench`: solve every problem in a folder and compare with the best values known."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from matching.commands.arguments import add_search
from matching.commands.exits import Exit
from matching.commands.files import text_of
from matching.commands.kinds import KINDS, Kind, kind_of
from matching.commands.measuring import Measured, solve_measured
from matching.formats import InputError, InputErrors
from matching.solution import gap_between

_TABLE = "best_known.csv"
_GRACE = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table. `least` and `most` are the best lower and upper bounds known from elsewhere."""

    file: str
    note: str
    seconds: float = 0.0
    peak_bytes: int = 0
    objective: int | None = None
    bound: int | None = None
    gap: float | None = None
    first_plan_seconds: float | None = None
    near_final_seconds: float | None = None
    least: int | None = None
    most: int | None = None


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "bench",
        help="solve every problem in a folder and compare",
        description="Solve every problem in a folder, each in a process of its own, and print a table: objective, proven bound, "
        "gap, seconds to the first plan and to within 1 % of the last, peak memory. A table of best values known (columns file, "
        "best_lower, best_upper) beside the problems or above them is compared.",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="the folder")
    parser.add_argument("--format", choices=tuple(KINDS), help="what the files hold (told by their content)")
    parser.add_argument("--best-known", type=Path, metavar="FILE", help=f"the best values known ({_TABLE} beside or above)")
    add_search(parser, 30.0)
    parser.add_argument("--json", action="store_true", help="print JSON, one object a line")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Solves and prints. Ends with 1 when a plan breaks a rule, with 3 when a file cannot be used."""
    files = sorted(path for path in _listed(options.folder) if path.is_file() and path.suffix != ".csv" and path.name[0] != ".")
    known = _best_known(options.best_known, options.folder)
    if not options.json:
        print(_HEAD)
    code = Exit.OK
    for path in files:
        for row, worst in _solved(path, options, known):
            code = max(code, worst)
            print(json.dumps(asdict(row)) if options.json else _line(row), flush=True)
    if not files:
        print(f"{options.folder} holds no files", file=sys.stderr)
        return Exit.BAD_INPUT
    return code


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise InputErrors([InputError("", f"{folder} cannot be read: {error.strerror or error}")]) from None


def _solved(path: Path, options: argparse.Namespace, known: dict[str, tuple[int, int]]) -> Iterator[tuple[Row, Exit]]:
    """A row for each problem in a file, and the exit code it deserves."""
    try:
        text = text_of(str(path))
        kind = kind_of(text) if options.format is None else KINDS[options.format]
        problems = kind.read(text)
    except InputErrors as faults:
        yield Row(file=path.name, note=str(faults.errors[0])), Exit.BAD_INPUT
        return
    for number, problem in enumerate(problems, start=1):
        wanted = ["--format", kind.name, *_search_options(options)]
        name = path.name
        if len(problems) > 1:
            wanted, name = [*wanted, "--instance", str(number)], f"{path.name}#{number}"
        measured = solve_measured(path, wanted, options.time_limit * 2 + _GRACE)
        yield _row(name, kind, problem, measured, known.get(path.name) if len(problems) == 1 else None)


def _search_options(options: argparse.Namespace) -> list[str]:
    found = ["--time-limit", str(options.time_limit), "--workers", str(options.workers), "--seed", str(options.seed)]
    return [*found, "--deterministic"] if options.deterministic else found


def _row(name: str, kind: Kind, problem: Any, measured: Measured, known: tuple[int, int] | None) -> tuple[Row, Exit]:
    plan = measured.plan
    least, most = known or (None, None)
    row = Row(file=name, note=measured.fault, seconds=measured.seconds, peak_bytes=measured.peak_bytes, least=least, most=most)
    if plan is None or not plan.assignments:
        return row if plan is None else replace(row, note=plan.status.value), Exit.NO_PLAN
    broken = kind.verify(problem, plan)
    row = replace(
        row,
        note=f"breaks {broken[0].rule}" if broken else _compared(kind, plan.objective, least, most),
        objective=plan.objective,
        bound=plan.bound,
        gap=gap_between(plan.objective, plan.bound),
        first_plan_seconds=measured.first_plan,
        near_final_seconds=measured.near(plan.objective),
    )
    return row, Exit.VIOLATIONS if broken else Exit.OK


def _compared(kind: Kind, objective: int, least: int | None, most: int | None) -> str:
    best = most if kind.minimises else least
    if best is None:
        return ""
    if objective == best:
        return "best known"
    better = objective < best if kind.minimises else objective > best
    share = abs(objective - best) / max(1, abs(best))
    return f"{share:.3%} {'better' if better else 'worse'} than the best known"


def _best_known(given: Path | None, folder: Path) -> dict[str, tuple[int, int]]:
    """The bounds known by the file's name. A table asked for by name must be there."""
    places = [given] if given is not None else [folder / _TABLE, folder.parent / _TABLE]
    for place in places:
        if given is not None or place.is_file():
            rows = csv.DictReader(text_of(str(place)).splitlines())
            found = {}
            for row in rows:
                try:
                    found[Path(row["file"]).name] = (int(row["best_lower"]), int(row["best_upper"]))
                except (KeyError, TypeError, ValueError):
                    continue
            return found
    return {}


_HEAD = (
    f"{'file':40} {'objective':>12} {'bound':>12} {'gap':>8} {'first s':>8} {'1 % s':>8} {'seconds':>8} {'MiB':>6}  best known"
)


def _line(row: Row) -> str:
    def number(value: float | None, text: str) -> str:
        return "–" if value is None else format(value, text)

    known = "" if row.most is None else str(row.most) if row.least == row.most else f"{row.least}–{row.most}"
    return (
        f"{row.file:40} {number(row.objective, ','):>12} {number(row.bound, ','):>12} {number(row.gap, '.3%'):>8} "
        f"{number(row.first_plan_seconds, '.2f'):>8} {number(row.near_final_seconds, '.2f'):>8} {row.seconds:8.1f} "
        f"{row.peak_bytes / 2**20:6.0f}  {known:10} {row.note}".rstrip()
    )
