"""The command line: `solve`, `verify`, `explain`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from enum import IntEnum
from pathlib import Path
from threading import Event, Thread
from typing import Any

from matching.commands.report import print_explanation, print_summary, print_violations
from matching.commands.showing import JsonLines, LiveLine, Silence
from matching.explaining.explain import Explainer, explain_plan
from matching.formats import InputError, InputErrors, parse_json, plan_from_json, plan_to_json, problem_from_json, read_text
from matching.problem import Problem
from matching.public.smptsp import Tasks, read_smptsp, verify_tasks
from matching.solution import Progress, Solution, Status
from matching.verify import Violation, verify_plan


class Exit(IntEnum):
    """What the process ends with. 2 is argparse's own."""

    OK = 0
    VIOLATIONS = 1
    USAGE = 2
    BAD_INPUT = 3
    NO_PLAN = 4
    PARENT_GONE = 5
    WRITE_FAILED = 6


FORMATS = ("relief-week", "smptsp")
_STDIN = "-"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; answers the exit code. Never ends with a traceback because of what a file holds."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except InputErrors as faults:
        for fault in faults.errors:
            print(fault, file=sys.stderr)
        return Exit.BAD_INPUT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m matching",
        description="Plan who covers which windows, check a plan, explain it.",
        epilog="exit codes: 0 done; 1 the plan breaks a rule; 2 wrong usage; 3 a file cannot be read or used; "
        "4 there is no plan; 5 the process that started this one is gone; 6 the result cannot be written",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    solve = commands.add_parser("solve", help="find the best plan for a problem", description="Find the best plan for a problem.")
    solve.add_argument("file", metavar="FILE", help="the problem; - for standard input")
    _add_format(solve)
    solve.add_argument("--time-limit", type=_seconds, default=30.0, metavar="S", help="seconds to search at most (30)")
    solve.add_argument("--workers", type=_count, default=1, metavar="N", help="processes that search at the same time (1)")
    solve.add_argument("--seed", type=_seed, default=0, metavar="K", help="seed of everything random (0)")
    solve.add_argument("--deterministic", action="store_true", help="same input, seed and version: the same plan, byte for byte")
    solve.add_argument("--out", type=Path, metavar="FILE", help="write the plan there")
    solve.add_argument("--json", action="store_true", help="print the plan as JSON instead of a summary")
    solve.add_argument(
        "--progress-jsonl", action="store_true", help="print one JSON object for each progress event, then the plan"
    )
    solve.add_argument("--follow-stdin", action="store_true", help="end when standard input does (a parent process that dies)")
    solve.set_defaults(run=_solve)
    verify = commands.add_parser("verify", help="check a plan independently", description="Check a plan independently.")
    explain = commands.add_parser("explain", help="say why windows are uncovered", description="Say why windows are uncovered.")
    for command, run in ((verify, _verify), (explain, _explain)):
        command.add_argument("problem", metavar="PROBLEM", help="the problem")
        command.add_argument("solution", metavar="SOLUTION", help="the plan, as solve writes it")
        command.add_argument("--json", action="store_true", help="print JSON")
        command.set_defaults(run=run)
    _add_format(verify)
    explain.add_argument("window", nargs="?", metavar="WINDOW", help="one window; all uncovered ones when left out")
    return parser


def _add_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=FORMATS, default=FORMATS[0], help="what the problem file holds (relief-week)")


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1e7:
        raise argparse.ArgumentTypeError("must be from 0 to 10000000 seconds")
    return value


def _count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 256:
        raise argparse.ArgumentTypeError("must be from 1 to 256")
    return value


def _seed(text: str) -> int:
    value = int(text)
    if not 0 <= value < 2**31:
        raise argparse.ArgumentTypeError("must be from 0 to 2147483647")
    return value


def _text(name: str) -> str:
    if name != _STDIN:
        return read_text(Path(name))
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError:
        raise InputErrors([InputError("", "standard input is not a text in UTF-8")]) from None


def _read_problem(name: str, kind: str) -> Problem | Tasks:
    text = _text(name)
    return read_smptsp(text) if kind == "smptsp" else problem_from_json(parse_json(text))


def _solve(options: argparse.Namespace) -> int:
    stop = Event()
    if options.follow_stdin:
        if options.file == _STDIN:
            print("--follow-stdin needs the problem in a file", file=sys.stderr)
            return Exit.USAGE
        Thread(target=_end_with_stdin, daemon=True).start()
    problem = _read_problem(options.file, options.format)
    show = JsonLines() if options.progress_jsonl else LiveLine() if sys.stderr.isatty() else Silence()
    plan = _interruptible(lambda: _search(problem, options, show.progress, stop), stop)
    show.close()
    if options.out is not None and not _write(options.out, plan):
        return Exit.WRITE_FAILED
    if options.progress_jsonl:
        show.line({"event": "done", "solution": plan_to_json(plan)})
    elif options.json:
        print(json.dumps(plan_to_json(plan), indent=1))
    else:
        print_summary(problem, plan, options.out)
    if plan.status in (Status.INFEASIBLE, Status.STOPPED):
        return Exit.NO_PLAN
    return Exit.VIOLATIONS if _violations(problem, plan) else Exit.OK


def _search(problem: Problem | Tasks, options: argparse.Namespace, progress: Callable[[Progress], None], stop: Event) -> Solution:
    limits: dict[str, Any] = {
        "time_limit": options.time_limit,
        "seed": options.seed,
        "deterministic": options.deterministic,
        "progress": progress,
        "stop": stop,
    }
    if isinstance(problem, Tasks):
        from matching.public.smptsp_search import solve_tasks

        return solve_tasks(problem, **limits)
    from matching.solving.solver import solve

    plan = solve(problem, workers=options.workers, **limits)
    return plan if plan.status is Status.INFEASIBLE else explain_plan(problem, plan)


def _interruptible(search: Callable[[], Solution], stop: Event) -> Solution:
    """Runs the search so that an interrupt, or a request to end, finishes it with the best plan so far; a second ends at once.

    Python handles signals in the main thread, between two steps: it must not wait inside the solver.
    """

    def ask(number: int, _frame: object) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    before = {int(number): signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with ThreadPoolExecutor(1) as beside:
            found = beside.submit(search)
            while not wait([found], timeout=0.2).done:
                pass
            return found.result()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_with_stdin() -> None:
    """Ends this process, and with it its solving processes, when standard input does."""
    # The descriptor, not `sys.stdin`: a thread that waits inside the buffered reader keeps the interpreter from ending.
    while os.read(0, 1024):
        pass
    os._exit(Exit.PARENT_GONE)


def _write(path: Path, plan: Solution) -> bool:
    """Writes the plan beside its place and moves it there, so that nobody sees half of it; whether that worked."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_text(json.dumps(plan_to_json(plan), indent=1) + "\n", encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        print(f"{path} cannot be written: {error.strerror or error}", file=sys.stderr)
        beside.unlink(missing_ok=True)
        return False
    return True


def _violations(problem: Problem | Tasks, plan: Solution) -> tuple[Violation, ...]:
    return verify_tasks(problem, plan) if isinstance(problem, Tasks) else verify_plan(problem, plan)


def _read_plan(name: str) -> Solution:
    return plan_from_json(parse_json(_text(name)))


def _verify(options: argparse.Namespace) -> int:
    problem, plan = _read_problem(options.problem, options.format), _read_plan(options.solution)
    found = _violations(problem, plan)
    if options.json:
        entries = [
            {"rule": entry.rule, "sentence": entry.sentence, "coordinator": entry.coordinator, "window": entry.window}
            for entry in found
        ]
        print(json.dumps({"violations": entries}, indent=1))
    else:
        print_violations(plan, found)
    return Exit.VIOLATIONS if found else Exit.OK


def _explain(options: argparse.Namespace) -> int:
    problem, plan = _read_problem(options.problem, "relief-week"), _read_plan(options.solution)
    assert isinstance(problem, Problem)
    try:
        explainer = Explainer(problem, plan)
    except ValueError as broken:
        print(broken, file=sys.stderr)
        return Exit.VIOLATIONS
    if options.window is None:
        uncovered = explainer.uncovered()
    elif options.window in explainer.facts.window_index:
        one = explainer.window(options.window)
        uncovered = () if one is None else (one,)
    else:
        print(f"no window has the id {options.window!r}", file=sys.stderr)
        return Exit.BAD_INPUT
    if options.json:
        print(json.dumps(plan_to_json(replace(plan, uncovered=uncovered))["uncovered"], indent=1))
    else:
        reasons = []
        if options.window is not None:
            reasons = [explainer.reason(entry) for entry in plan.assignments if entry.window == options.window]
        print_explanation(options.window, uncovered, reasons)
    return Exit.OK
