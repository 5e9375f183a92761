"""`relief rehearse`: the main loop, once, for real."""

import os
import socket
import time

import click

from staffing.cli.common import configured, console, opened, run
from staffing.cli.data import load_demo, migrate_database
from staffing.cli.processes import Supervisor
from staffing.demo.rehearsal import STAGES, Rehearsal
from staffing.errors import ReliefError
from staffing.identity import queries
from staffing.persistence.tenancy import NOBODY
from staffing.settings import Settings, load


class OnlyInDemo(ReliefError):
    """A rehearsal invents facilities and pays in the sandbox: it runs on the demo agency only, and with no Stripe key."""


@click.command()
@click.option("--solver-seconds", default=5, show_default=True, help="Time limit of the planning run.")
def rehearse(solver_seconds: int) -> None:
    """Run the main loop once without a browser: ask, plan, work, decide, invoice, pay.

    Starts a web server and a worker of its own on a free port, uses this deployment's database, and prints one line per stage.
    Exits with 1 when a stage fails.
    """
    settings = _rehearsal_settings()
    migrate_database(settings)
    load_demo(settings)
    supervisor = Supervisor(settings)
    try:
        supervisor.start()
        run(_rehearse(settings, solver_seconds))
    finally:
        supervisor.end()


def _rehearsal_settings() -> Settings:
    """This deployment's settings on a free port. Without a real agency in it, the database is taken for a demo."""
    plain = configured()
    if not plain.uses_sandbox:
        raise OnlyInDemo
    if not plain.demo and run(_holds_real_agency(plain)):
        raise OnlyInDemo
    port = str(_free_port())
    os.environ.update({"PORT": port, "RELIEF_PUBLIC_URL": f"http://127.0.0.1:{port}", "RELIEF_DEMO": "1"})
    return load()


async def _holds_real_agency(settings: Settings) -> bool:
    try:
        async with opened(settings) as database, database.transaction(NOBODY) as tx:
            agency = await queries.agency(tx)
    except ReliefError:
        return False
    return agency is not None and not agency.demo


async def _rehearse(settings: Settings, solver_seconds: int) -> None:
    async with opened(settings) as database:
        rehearsal = Rehearsal(database, solver_seconds)
        began = time.monotonic()
        for name, act in STAGES:
            started = time.monotonic()
            try:
                figures = await act(rehearsal)
            except (TimeoutError, ReliefError) as failed:
                console.print(f"✗ {name:<9} {failed}")
                raise ReliefError(f"The rehearsal failed at the stage “{name}”.") from failed
            console.print(f"✓ {name:<9} {figures}  ({time.monotonic() - started:.1f} s)", soft_wrap=True)
        console.print(f"The whole loop ran in {time.monotonic() - began:.1f} s.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
