"""`generate`: invent a realistic problem."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from matching.commands.arguments import seed, whole
from matching.commands.exits import Exit
from matching.commands.files import write_text
from matching.formats import problem_to_json
from matching.generating import generate

_amount = whole(0, 100_000)


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "generate",
        help="invent a realistic problem",
        description="Invent a realistic problem. The same numbers, seed and version give the same problem, byte for byte.",
    )
    parser.add_argument("--coordinators", type=_amount, required=True, metavar="N", help="how many people")
    parser.add_argument("--requests", type=_amount, required=True, metavar="M", help="how many requests")
    parser.add_argument("--seed", type=seed, default=0, metavar="K", help="another seed, another problem (0)")
    parser.add_argument("--weeks", type=whole(1, 52), default=1, metavar="W", help="weeks to plan, from 2 March 2026 (1)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write it there instead of on standard output")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Invents and writes."""
    problem = generate(options.coordinators, options.requests, seed=options.seed, weeks=options.weeks)
    text = json.dumps(problem_to_json(problem), separators=(",", ":")) + "\n"
    if options.out is None:
        print(text, end="")
        return Exit.OK
    return Exit.OK if write_text(options.out, text) else Exit.WRITE_FAILED
