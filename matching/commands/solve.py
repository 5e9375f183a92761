"""`solve`: find the best plan for a problem."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Any

from matching.commands.arguments import add_format, add_search
from matching.commands.exits import Exit
from matching.commands.files import STDIN, can_write, read_any, write_plan
from matching.commands.interrupting import end_with_stdin, interruptible
from matching.commands.kinds import Kind
from matching.commands.report import print_summary
from matching.commands.showing import show_for
from matching.formats import plan_to_json
from matching.problem import Objective, Problem
from matching.solution import Progress, Solution, Status


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "solve", help="find the best plan for a problem", description="Find the best plan for a problem."
    )
    parser.add_argument("file", metavar="FILE", help="the problem; - for standard input")
    add_format(parser)
    add_search(parser, 30.0)
    levels = "cover first, then continuity, then balance, then margin, each without giving up the one before (weeks only)"
    parser.add_argument("--lexicographic", action="store_true", help=levels)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the plan there")
    parser.add_argument("--json", action="store_true", help="print the plan as JSON instead of a summary")
    parser.add_argument(
        "--progress-jsonl", action="store_true", help="print one JSON object for each progress event, then the plan"
    )
    parser.add_argument("--follow-stdin", action="store_true", help="end when standard input does (a parent process that dies)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Solves, shows, writes and checks."""
    stop = Event()
    if options.follow_stdin:
        if options.file == STDIN:
            print("--follow-stdin needs the problem in a file", file=sys.stderr)
            return Exit.USAGE
        Thread(target=end_with_stdin, daemon=True).start()
    if options.out is not None and not can_write(options.out):
        return Exit.WRITE_FAILED
    kind, problem = read_any(options.file, options.format, options.instance)
    if options.lexicographic:
        if not isinstance(problem, Problem):
            print("--lexicographic is for weeks", file=sys.stderr)
            return Exit.USAGE
        problem = replace(problem, objective=Objective.LEXICOGRAPHIC)
    show = show_for(json_lines=options.progress_jsonl)
    plan = interruptible(lambda: _search(kind, problem, options, show.progress, stop), stop)
    show.close()
    if options.out is not None and not write_plan(options.out, plan):
        return Exit.WRITE_FAILED
    if options.progress_jsonl:
        show.line({"event": "done", "solution": plan_to_json(plan)})
    elif options.json:
        print(json.dumps(plan_to_json(plan), indent=1))
    else:
        print_summary(kind, problem, plan, options.out)
    if plan.status in (Status.INFEASIBLE, Status.STOPPED):
        return Exit.NO_PLAN
    return Exit.VIOLATIONS if kind.verify(problem, plan) else Exit.OK


def _search(kind: Kind, problem: Any, options: argparse.Namespace, progress: Callable[[Progress], None], stop: Event) -> Solution:
    return kind.solve(
        problem,
        time_limit=options.time_limit,
        workers=options.workers,
        seed=options.seed,
        deterministic=options.deterministic,
        progress=progress,
        stop=stop,
    )
