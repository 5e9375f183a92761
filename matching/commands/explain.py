"""`explain`: say why windows are uncovered, and why somebody covers one."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace

from matching.commands.exits import Exit
from matching.commands.files import read_plan, read_problem
from matching.commands.report import print_explanation
from matching.explaining.explain import Explainer
from matching.formats import plan_to_json


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser("explain", help="say why windows are uncovered", description="Say why windows are uncovered.")
    parser.add_argument("problem", metavar="PROBLEM", help="the problem")
    parser.add_argument("solution", metavar="SOLUTION", help="the plan, as solve writes it")
    parser.add_argument("window", nargs="?", metavar="WINDOW", help="one window; all uncovered ones when left out")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Explains and tells."""
    problem, plan = read_problem(options.problem), read_plan(options.solution)
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
