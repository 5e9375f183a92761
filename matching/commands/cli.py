"""The command line: one module of this package for each command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from matching.commands import bench, explain, generate, relief, solve, verify
from matching.commands.exits import EXPLAINED, Exit
from matching.commands.files import STDIN
from matching.formats import InputErrors

__all__ = ["Exit", "main"]

_COMMANDS = (solve, verify, explain, relief, generate, bench)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; answers the exit code. Never ends with a traceback because of what a file holds."""
    options = _parser().parse_args(arguments)
    if getattr(options, "problem", None) == getattr(options, "solution", "") == STDIN:
        print("standard input holds the problem or the plan, not both", file=sys.stderr)
        return Exit.USAGE
    try:
        code = int(options.run(options))
        sys.stdout.flush()
    except InputErrors as faults:
        for fault in faults.errors:
            print(fault, file=sys.stderr)
        return Exit.BAD_INPUT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except KeyboardInterrupt:
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m matching", description="Plan who covers which windows, check a plan, explain it.", epilog=EXPLAINED
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in _COMMANDS:
        module.add(commands)
    for command in commands.choices.values():
        command.epilog = EXPLAINED
    return parser
