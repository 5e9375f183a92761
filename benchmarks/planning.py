"""The planner against greedy plans and against one model for CP-SAT and for HiGHS, on the same problems in one run.

    .venv/bin/python benchmarks/planning.py --data FOLDER [--results FILE] [--part weeks|generated|public ...]
        [--size S M L XL] [--engine relief first-fit …] [--share 1.0] [--table]

FOLDER holds `weeks/week-*.json`, `smptsp/`, `gap/` and `best_known.csv`. Every engine gets the same seconds on a problem (S 10,
M 60, L 60, XL 120, public 10; `--share` scales them) and two cores, and runs in a process of its own, which is ended when it
takes twice as long and its memory is added up from outside. Every plan is checked by `matching.verify`. What has been measured
is kept in the results file, a line each: a run that was ended goes on where it was. The standard run takes under 25 minutes;
`--part` and `--size` cut it. `--table` prints the Markdown tables of docs/benchmarks.md from the results file and measures
nothing.

Gap is to the engine's own proven bound. "To 1 %" is the time until a plan was within 1 % of the best plan that any engine
found for that problem. Seconds count from the start of the process, imports included."""

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matching.commands.kinds import kind_of
from matching.commands.measuring import NEAR, Measured, run_measured, solve_measured
from matching.formats import problem_to_json
from matching.generating import generate
from matching.solution import gap_between

SIZES = {"S": (20, 40, 10.0), "M": (100, 250, 60.0), "L": (500, 1200, 60.0), "XL": (2000, 5000, 120.0)}
"""Coordinators, requests, seconds."""

PUBLIC_SECONDS = 10.0
PUBLIC = (
    *("smptsp/data_45_67_420_33.dat", "smptsp/data_89_88_788_33.dat", "smptsp/data_137_245_2105_33.dat"),
    *("smptsp/data_8_88_1022_20_90_0_100_200.dat", "gap/yagiura2004-c10400", "gap/yagiura2004-e20400", "gap/yagiura2004-d20400"),
)
"""A few of the public problems; `python -m matching bench` runs all."""

SEED = 7
OURS = "relief"
GREEDY = ("first-fit", "best-fit")
STANDARD = {
    "S": (*GREEDY, "cp-sat", "highs", OURS),
    "M": (*GREEDY, "cp-sat", "highs-hint", OURS),
    "L": (*GREEDY, "cp-sat-hint", "highs-hint", OURS),
    "XL": (*GREEDY, "cp-sat-hint", OURS),
    "public": ("cp-sat", OURS),
}
"""The engines that a standard run measures by size: each of the one-model forms where it does best."""

_PEERS = str(Path(__file__).with_name("planning_peers.py"))


@dataclass(frozen=True, slots=True)
class Case:
    """One problem: its part of the run, name, size, file and seconds."""

    part: str
    name: str
    size: str
    file: Path
    seconds: float


def main() -> None:
    """Measures what is not there yet, then prints the tables."""
    options = _arguments()
    rows = _read(options.results)
    if not options.table:
        for case in _cases(options):
            for engine in options.engine or STANDARD[case.size]:
                key = (case.name, engine, case.seconds)
                if any((row["problem"], row["engine"], row["limit"]) == key for row in rows):
                    continue
                row = measure(case, engine)
                rows.append(row)
                with options.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
                print(_said(row), file=sys.stderr, flush=True)
    print_tables(rows, _known(options.data))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The planner against greedy plans, CP-SAT and HiGHS.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--results", type=Path, default=Path("planning-results.jsonl"))
    parser.add_argument("--part", nargs="+", choices=("weeks", "generated", "public"), default=["weeks", "generated", "public"])
    parser.add_argument("--size", nargs="+", choices=tuple(SIZES), default=list(SIZES))
    parser.add_argument("--engine", nargs="+")
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--table", action="store_true")
    return parser.parse_args()


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


def _cases(options: argparse.Namespace) -> Iterator[Case]:
    """The problems of the parts and sizes asked for, the smallest first. Generated ones are written beside the results."""
    for size, (people, requests, seconds) in SIZES.items():
        if size not in options.size:
            continue
        week = options.data / "weeks" / f"week-{size}-1.json"
        if "weeks" in options.part and week.is_file():
            yield Case("weeks", week.stem, size, week, seconds * options.share)
        if "generated" in options.part:
            file = options.results.with_name(f"generated-{size}-{SEED}.json")
            file.write_text(json.dumps(problem_to_json(generate(people, requests, seed=SEED))), encoding="utf-8")
            yield Case("generated", file.stem, size, file, seconds * options.share)
    if "public" in options.part:
        for name in PUBLIC:
            yield Case("public", name, "public", options.data / name, PUBLIC_SECONDS * options.share)


def measure(case: Case, engine: str) -> dict[str, Any]:
    """Runs one engine on one problem and checks its plan."""
    if engine == OURS:
        measured = solve_measured(case.file, ["--time-limit", str(case.seconds), "--workers", "2"], 2 * case.seconds + 30)
    else:
        command = [sys.executable, _PEERS, engine, str(case.file), "--seconds", str(case.seconds)]
        measured = run_measured(command, 2 * case.seconds + 30)
    row: dict[str, Any] = {
        "part": case.part,
        "problem": case.name,
        "size": case.size,
        "engine": engine,
        "limit": case.seconds,
        "seconds": round(measured.seconds, 2),
        "peak_mib": round(measured.peak_bytes / 2**20),
        "note": measured.fault,
        **_plan_of(case, measured),
    }
    return row


def _plan_of(case: Case, measured: Measured) -> dict[str, Any]:
    """Objective and bound of a plan that keeps every rule; of a process that was ended, the last it said."""
    moments = [[round(seconds, 2), objective] for seconds, objective in measured.moments]
    found: dict[str, Any] = {"objective": None, "bound": None, "moments": moments}
    if measured.plan is None or not measured.plan.assignments:
        return found
    text = case.file.read_text(encoding="utf-8")
    kind = kind_of(text)
    broken = kind.verify(kind.read(text)[0], measured.plan)
    if broken:
        return {**found, "note": f"breaks {broken[0].rule}"}
    return {**found, "objective": measured.plan.objective, "bound": measured.plan.bound}


def _said(row: dict[str, Any]) -> str:
    objective = "no plan" if row["objective"] is None else f"{row['objective']:,}"
    return (
        f"{row['problem']:42} {row['engine']:12} {objective:>14}  {row['seconds']:7.1f} s  {row['peak_mib']:6} MiB  {row['note']}"
    )


def _known(data: Path) -> dict[str, str]:
    """The best values known of public problems."""
    table = data / "best_known.csv"
    if not table.is_file():
        return {}
    rows = csv.DictReader(table.read_text(encoding="utf-8").splitlines())
    return {row["file"]: "–".join(dict.fromkeys((row["best_lower"], row["best_upper"]))) for row in rows}


def print_tables(rows: list[dict[str, Any]], known: dict[str, str]) -> None:
    """One Markdown table for weeks, one for public problems."""
    for public in (False, True):
        chosen = [row for row in rows if (row["part"] == "public") is public]
        if not chosen:
            continue
        against = "best known | cost or people" if public else "to best plan | objective"
        print(f"\n| problem (seconds) | engine | {against} | own bound | own gap | first plan | to 1 % | peak memory |")
        print("|---|---|--:|--:|--:|--:|--:|--:|--:|")
        for name, limit in dict.fromkeys((row["problem"], row["limit"]) for row in chosen):
            same = [row for row in chosen if (row["problem"], row["limit"]) == (name, limit)]
            for row in same:
                print(_table_line(row, same, known.get(name, "–") if public else None))


def _table_line(row: dict[str, Any], same: list[dict[str, Any]], known: str | None) -> str:
    minimised = row["part"] == "public"
    plans = [other["objective"] for other in same if other["objective"] is not None]
    objective, bound = row["objective"], row["bound"]
    best = (min(plans) if minimised else max(plans)) if plans else 0
    near = [seconds for seconds, value in row["moments"] if abs(value - best) <= NEAR * max(1, abs(best))]
    cells = [
        f"{row['problem'].rsplit('/', 1)[-1].removesuffix('.dat')} ({row['limit']:g})",
        f"**{row['engine']}**" if row["engine"] == OURS else row["engine"],
        known if known is not None else "–" if objective is None else f"{objective / best - 1:+.2%}" if best else "–",
        "no plan" if objective is None else f"{objective:,}",
        "–" if bound is None else f"{bound:,}",
        "–" if objective is None or bound is None else f"{gap_between(objective, bound):.2%}",
        f"{row['moments'][0][0]:.1f} s" if row["moments"] else "–",
        f"{near[0]:.1f} s" if near else "–",
        f"{row['peak_mib']:,} MiB",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
