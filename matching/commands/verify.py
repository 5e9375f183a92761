"""`verify`: check a plan independently."""

from __future__ import annotations

import argparse
import json

from matching.commands.arguments import add_format
from matching.commands.exits import Exit
from matching.commands.files import read_any, read_plan
from matching.commands.report import print_violations


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser("verify", help="check a plan independently", description="Check a plan independently.")
    parser.add_argument("problem", metavar="PROBLEM", help="the problem")
    parser.add_argument("solution", metavar="SOLUTION", help="the plan, as solve writes it")
    add_format(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Checks and tells."""
    kind, problem = read_any(options.problem, options.format, options.instance)
    plan = read_plan(options.solution)
    found = kind.verify(problem, plan)
    if options.json:
        entries = [
            {"rule": entry.rule, "sentence": entry.sentence, "coordinator": entry.coordinator, "window": entry.window}
            for entry in found
        ]
        print(json.dumps({"violations": entries}, indent=1))
    else:
        print_violations(plan, found)
    return Exit.VIOLATIONS if found else Exit.OK
