"""`relief export`: the files for accounting, from the command line."""

import sys
from datetime import datetime
from pathlib import Path
from typing import IO

import click

from staffing.cli.common import configured, console, opened, run
from staffing.cli.operations import act_as
from staffing.errors import Invalid
from staffing.identity.models import Role
from staffing.reporting import exports
from staffing.reporting.exports import Period
from staffing.settings import Settings

DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("kind", type=click.Choice(exports.KINDS))
@click.option("--from", "start", type=DAY, help="First day, on the agency's clock; default: from the beginning.")
@click.option("--to", "end", type=DAY, help="Last day, included; default: up to now.")
@click.option("--bom", "with_mark", is_flag=True, help="Begin with a byte order mark, for spreadsheets that need one.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write into this file in place of the terminal.")
@click.option("--as", "email", default="", help="E-mail of the billing account to act as; default: the first one.")
def export(kind: str, start: datetime | None, end: datetime | None, with_mark: bool, out: Path | None, email: str) -> None:
    """Write invoices, their lines or the double-entry journal as CSV.

    The same files as on the desk. The journal ends with a row of both sums per currency; one that does not balance fails.
    """
    period = Period(start_on=start.date() if start else None, end_on=end.date() if end else None)
    try:
        period.check()
    except Invalid as wrong:
        raise click.UsageError(wrong.message) from wrong
    settings = configured()
    if out is None:
        run(_export(settings, email, kind, period, with_mark, sys.stdout))
        return
    with out.open("w", encoding="utf-8", newline="") as file:
        count = run(_export(settings, email, kind, period, with_mark, file))
    console.print(f"{out}: {count} rows.")


async def _export(settings: Settings, email: str, kind: str, period: Period, with_mark: bool, file: IO[str]) -> int:
    """Write the file. How many rows it has below its head."""
    count = -1
    async with opened(settings) as database:
        principal = await act_as(database, email, Role.BILLING)
        async with database.transaction(principal.scope()) as tx:
            tx.info["actor"] = principal.actor("cli")
            exports.note(tx, kind, period)
        async for line in exports.export(database, principal, kind, period, with_mark=with_mark):
            file.write(line)
            count += 1
    return count
