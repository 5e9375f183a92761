"""The database's shape and its demo data."""

import json
import sys

import click

from staffing.cli.common import configured, console, opened, progress, run
from staffing.demo import logins
from staffing.errors import ReliefError
from staffing.identity import queries
from staffing.persistence import provision, revisions
from staffing.persistence.tenancy import NOBODY
from staffing.settings import Settings


class OutOfStep(ReliefError):
    """The models and the migrations differ."""


def migrate_database(settings: Settings) -> bool:
    """Bring the database to the newest revision. Returns whether there was anything to do."""
    prepared = run(provision.prepare(settings))
    if run(revisions.is_current(prepared)):
        return False
    from staffing.persistence import migrating

    migrating.migrate(prepared)
    run(migrating.grant(prepared))
    return True


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; fail when models and migrations differ.")
def migrate(check: bool) -> None:
    """Bring the database to the newest revision. Safe to repeat."""
    settings = configured()
    if check:
        _check_in_step(settings)
        return
    changed = migrate_database(settings)
    console.print("The database is migrated." if changed else "The database was at the newest revision already.")


def _check_in_step(settings: Settings) -> None:
    migrate_database(settings)
    from staffing.persistence import migrating

    differences = migrating.drift(run(provision.prepare(settings)))
    if differences:
        raise OutOfStep("The models and the migrations differ:\n  " + "\n  ".join(differences))
    console.print("Models and migrations are in step.")


def load_demo(settings: Settings) -> bool:
    """Load the demo data into an empty database. Returns whether it was empty."""
    return run(_load(settings))


async def _load(settings: Settings) -> bool:
    async with opened(settings) as database:
        async with database.transaction(NOBODY) as tx:
            if await queries.agency(tx) is not None:
                return False
        from staffing.demo import loading

        with progress() as bar:
            task = bar.add_task("Inventing the demo agency", total=loading.STEPS)
            await loading.load(database, advance=lambda what: bar.update(task, advance=1, description=what))
    return True


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the demo logins as a JSON list.")
def demo(as_json: bool) -> None:
    """Load the demo agency into an empty database and print its logins. Everybody in it is invented."""
    settings = configured()
    migrate_database(settings)
    loaded = load_demo(settings)
    if as_json:
        json.dump(logins.as_json(settings.public_url), sys.stdout, indent=2)
        sys.stdout.write("\n")
        return
    console.print("The demo agency is loaded." if loaded else "The demo agency was there already.")
    for login in logins.LOGINS:
        console.print(f"  {login.role.value:<12} {login.email:<42} {login.place}")
    console.print(f"Password of all: {logins.PASSWORD}")
