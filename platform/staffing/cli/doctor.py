"""What is configured, and whether it works."""

import platform
from collections.abc import Awaitable, Callable

import click
from rich.table import Table

from staffing.cli.common import configured, console, opened, run
from staffing.errors import ReliefError
from staffing.identity import queries
from staffing.invariants import service as invariants
from staffing.invariants.statements import ALL
from staffing.persistence import provision
from staffing.persistence.tenancy import NOBODY, SYSTEM
from staffing.settings import Settings


@click.command()
def doctor() -> None:
    """Print the configuration and check that each part answers. Secrets are never printed."""
    settings = configured()
    table = Table(title="Configuration", title_justify="left", show_edge=False)
    for column in ("variable", "value", "meaning"):
        table.add_column(column, overflow="fold")
    for row in settings.described():
        table.add_row(*row)
    console.print(table)
    console.print()
    failures = [check for check in CHECKS if not _passes(check, settings)]
    if failures:
        raise ReliefError(f"{len(failures)} of {len(CHECKS)} checks failed.")


Check = tuple[str, Callable[[Settings], Awaitable[str]]]


def _passes(check: Check, settings: Settings) -> bool:
    name, ask = check
    try:
        answer = run(_asked(ask, settings))
    except (ReliefError, OSError) as failed:
        console.print(f"[red]✗[/red] {name}: {failed}")
        return False
    console.print(f"[green]✓[/green] {name}: {answer}")
    return True


async def _asked(ask: Callable[[Settings], Awaitable[str]], settings: Settings) -> str:
    return await ask(settings)


async def _python(settings: Settings) -> str:
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}"


async def _database(settings: Settings) -> str:
    async with opened(settings) as database:
        await provision.refuse_power(provision.locate(settings).app_dsn)
        async with database.transaction(NOBODY) as tx:
            version = await queries.database_version(tx)
    return f"PostgreSQL {version}, migrated, the application's role owns nothing"


async def _agency(settings: Settings) -> str:
    async with opened(settings) as database, database.transaction(NOBODY) as tx:
        agency = await queries.agency(tx)
    if agency is None:
        return "no agency yet (`relief demo` invents one)"
    return f"{agency.name}{' (demo)' if agency.demo else ''}"


async def _payments(settings: Settings) -> str:
    if settings.uses_sandbox:
        return f"built-in sandbox at {settings.sandbox_url}"
    return f"Stripe, {settings.stripe_mode} mode"


async def _invariants(settings: Settings) -> str:
    async with opened(settings) as database, database.transaction(SYSTEM) as tx:
        found = await invariants.broken(tx)
    if found:
        raise ReliefError("\n".join(("do not hold:", *(f"  {one}" for one in found))))
    return f"all {len(ALL)} hold"


CHECKS: list[Check] = [
    ("Python", _python),
    ("Database", _database),
    ("Agency", _agency),
    ("Payments", _payments),
    ("Invariants", _invariants),
]
