"""`python -m billing rate FILE`: rate a plain JSON file, so that anybody can check an invoice by hand."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from billing.local_time import UnknownTimeZone
from billing.money import Money, rate_text
from billing.rate_files import InvalidRateFile, rating_as_json, read_rate_file
from billing.rating import InvalidEntry, Line, Rating, rate

RATED, REFUSED, UNREADABLE = 0, 1, 2

_EXIT_CODES = """exit codes:
  0  rated
  1  the content of the file cannot be rated; the message names the place and the reason
  2  wrong usage, or the file cannot be read

The form of the file and every rule, with worked numbers: docs/rating.md
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        text = sys.stdin.read() if options.file == "-" else Path(options.file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        return _fail(f"cannot read {options.file}: {error}", UNREADABLE)
    try:
        asked = read_rate_file(text)
        rating = rate(asked.entries, asked.card, asked.time_zone, asked.currency)
    except (InvalidRateFile, InvalidEntry, UnknownTimeZone) as error:
        return _fail(str(error), REFUSED)
    output = json.dumps(rating_as_json(rating), indent=2) if options.json else _table(rating)
    try:
        print(output)
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stderr.close()
    return RATED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m billing",
        description="From approved minutes to money.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    rate_command = commands.add_parser(
        "rate",
        help="rate a plain JSON file of entries by the rate card in it",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    rate_command.add_argument("file", metavar="FILE", help="the rate file; - reads it from standard input")
    rate_command.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser


def _table(rating: Rating) -> str:
    head = ("service", "coordinator", "kind", "time", "rate/h", "amount", "entries")
    rows = [head, *(_row(line, rating.currency) for line in rating.lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head) - 1)]
    lines = [
        "  ".join(
            [cell.rjust(width) if column > 2 else cell.ljust(width) for column, (cell, width) in enumerate(cells)] + [row[-1]]
        )
        for row in rows
        for cells in [list(zip(row, widths, strict=False))]
    ]
    lines.append(f"total  {Money(rating.total_minor, rating.currency)}")
    lines += [f"held  {_plain(held.id)}: {_plain(held.reason)}" for held in rating.held]
    return "\n".join(lines)


def _row(line: Line, currency: str) -> tuple[str, ...]:
    hours, rest = divmod(line.seconds, 3600)
    return (
        _plain(line.service),
        _plain(line.coordinator),
        line.kind,
        f"{hours}:{rest // 60:02}:{rest % 60:02}",
        rate_text(line.unit_rate, currency),
        str(Money(line.amount_minor, currency).major),
        _plain(" ".join(line.entries)),
    )


def _plain(text: str) -> str:
    """`text` without what a terminal might obey."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _fail(message: str, code: int) -> int:
    print(f"python -m billing: {_plain(message)}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(main())
