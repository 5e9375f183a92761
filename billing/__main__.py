"""`python -m billing rate FILE`: rate a plain JSON file, so that anybody can check an invoice by hand."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from billing.money import Money, rate_text
from billing.rate_files import InvalidRateFile, rate_file, rating_as_json, read_rate_file
from billing.rating import Line, Rating
from billing.taxes import TaxRule
from billing.totals import invoice_totals

RATED, REFUSED, UNREADABLE = 0, 1, 2

_EXIT_CODES = """exit codes:
  0  rated
  1  the content of the file cannot be rated; one line for each problem names the place and the reason
  2  wrong usage, or the file cannot be read

The form of the file and every rule, with worked numbers: docs/rating.md
"""
_FORM = """the file (optional keys in brackets; decimals as text, instants with an offset from UTC, days as 2026-12-25):
  currency, time_zone     ISO 4217 capitals; the facility's IANA time zone
  card                    or cards, a list of cards with valid_from [valid_to]
    services              name: {bill_per_hour [pay_per_hour overtime_bill_per_hour levels: {"1".."5": the same}]}
    [rounding]            {unit_minutes 0|1|6|15, mode nearest|up, scope entry|line}
    [premiums]            [{kind night, from, to} | {kind weekend} | {kind holiday, region and/or days [observed]},
                          each with multiplier [pay_multiplier]]
    [premium_rule]        highest|stack
    [overtime]            {multiplier, after_weekly_minutes and/or after_daily_minutes [week_starts_on seventh_day
                          double_after_daily_minutes double_multiplier pass_through same_markup|negotiated]}
    [minimum_call_minutes] [guaranteed_minimum_minor]
    [guaranteed_hours]    [{service, minutes}]
    [commitment]          {minimum_minor, from, to}
    [retainer]            {fee_minor, included_minutes [overage_per_hour services
                          roll_over: {limit_minutes, expires_after_periods}]}
    [late_cancellation]   {kind none|hours|flat|percent|full, window_minutes [minutes|amount_minor|percent]}, or a list
    [conversion_fee]      {amount_minor|percent_of_salary [reduced_by months|hours, free_after_months|free_after_minutes]}
    [price_rises]         [{on, percent [services side bill|pay|both round_to]}]
  entries                 [{id, coordinator, service, start, end, status [level]}]; approved is billed, the rest is held
  [period]                {from, to}: the days billed, both included
  [before]                {work_minor, true_up_minor, term_minor, carried}: what earlier invoices did
  [cancellations]         [{id, coordinator, service, start, end, cancelled_at [level]}]
  [hires]                 [{id, coordinator, hired_on [salary_minor first_worked_on worked_minutes]}]
  [tax]                   {rates: [{name, percent [jurisdiction]}] [inclusive true|false] [rounding line|invoice]}

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
        rating = rate_file(asked)
    except InvalidRateFile as error:
        return _fail(str(error), REFUSED)
    for one, other in rating.overlaps:
        _say(f"look at entries {one} and {other}: one coordinator works twice at once; both are rated as they stand")
    if options.table:
        output = _table(rating, asked.tax)
    else:
        output = json.dumps(rating_as_json(rating, asked.tax, explain=options.explain), indent=2)
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
        epilog=_FORM + _EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    rate_command.add_argument("file", metavar="FILE", help="the rate file; - reads it from standard input")
    form = rate_command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON (also without this option)")
    form.add_argument("--explain", action="store_true", help="print JSON with how each line came about, and the pay side")
    form.add_argument("--table", action="store_true", help="print a table")
    return parser


def _table(rating: Rating, tax: TaxRule | None) -> str:
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
    if tax is not None:
        totals = invoice_totals(rating.lines, rating.currency, tax)
        lines += [f"tax    {amount.tax}  {_plain(amount.rate.name)} {amount.rate.percent} %" for amount in totals.taxes]
        lines.append(f"owed   {totals.total}")
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
    for line in message.splitlines() or [""]:
        _say(line)
    return code


def _say(sentence: str) -> None:
    print(f"python -m billing: {_plain(sentence)}", file=sys.stderr)


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(main())
