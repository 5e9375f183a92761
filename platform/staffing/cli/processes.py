"""Starting the product: everything at once, or its processes one by one."""

import asyncio
import atexit
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from types import FrameType

import click
import httpx

from staffing.cli.common import configured, console, errors, opened, run
from staffing.cli.data import load_demo, migrate_database
from staffing.demo import logins
from staffing.errors import ReliefError
from staffing.identity import queries
from staffing.persistence import provision
from staffing.persistence.tenancy import NOBODY
from staffing.settings import Settings

READY_WITHIN_SECONDS = 60
STOP_WITHIN_SECONDS = 8


class DemoWithoutDemoMode(ReliefError):
    """This database holds the demo agency with public passwords. Start with RELIEF_DEMO=1, or use another database."""


class PortTaken(ReliefError):
    """The port is used by another program."""


@click.command()
def up() -> None:
    """Start everything: database, migrations, demo data in demo mode, web server, worker, payment sandbox."""
    settings = configured()
    _refuse_taken_port(settings)
    started = time.monotonic()
    migrate_database(settings)
    if settings.demo:
        load_demo(settings)
    run(_check(settings))
    supervisor = Supervisor(settings)
    supervisor.start()
    _announce(settings, time.monotonic() - started)
    supervisor.watch()


@click.command()
def serve() -> None:
    """Start the web server alone. The database must be migrated."""
    settings = configured()
    run(_check(settings))
    _logging()
    sys.stdout.flush()
    os.execve(sys.executable, server_command(settings), environment_for(settings))  # noqa: S606 - the server takes this process over


@click.command()
def worker() -> None:
    """Start the worker alone: plans, payments, everything off the request."""
    settings = configured()
    run(_check(settings))
    _logging()
    from staffing.demo import jobs as demo_jobs
    from staffing.worker import KINDS, run_worker

    kinds = (*KINDS, *demo_jobs.KINDS) if settings.demo else KINDS
    # After an update the planner's loops are compiled for up to a minute: no dispatcher shall wait for that.
    warming = subprocess.Popen([sys.executable, "-m", "matching.solving.warming"], stdin=subprocess.DEVNULL)
    atexit.register(warming.kill)
    asyncio.run(run_worker(settings, provision.locate(settings).app_dsn, kinds=kinds))


def server_command(settings: Settings) -> list[str]:
    """The web server: one process that serves, watched by one that starts it again."""
    options = {
        "--interface": "asgi",
        "--host": settings.host,
        "--port": str(settings.port),
        "--workers": "1",
        "--workers-kill-timeout": "5",
        "--log-level": "warning",
    }
    flags = ["--factory", "--respawn-failed-workers", "--no-ws"]
    listed = [part for pair in options.items() for part in pair]
    return [sys.executable, "-m", "granian", *listed, *flags, "staffing.asgi:create"]


def environment_for(settings: Settings) -> dict[str, str]:
    """What the processes inherit: they run with exactly these settings, wherever they are started."""
    return {
        **os.environ,
        "RELIEF_HOME": str(settings.home),
        "PORT": str(settings.port),
        "RELIEF_PUBLIC_URL": settings.public_url,
    }


class Supervisor:
    """Keeps the web server and the worker alive until it is told to stop. Each is a process of its own."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.stopping = False

    def start(self) -> None:
        """Start the web server, wait until it answers, then start the worker: nobody waits for a page because of it."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        self._spawn("serve")
        await_ready(self.settings, self)
        if not self.stopping:
            self._spawn("worker")

    def alive(self, name: str) -> bool:
        return self.children[name].poll() is None

    def watch(self) -> None:
        """Start again what died, a moment later each time it dies young; return once stopped."""
        pause = 1.0
        while not self.stopping:
            time.sleep(0.3)
            for name, child in list(self.children.items()):
                if child.poll() is not None and not self.stopping:
                    errors.print(f"relief: the {name} process ended ({child.returncode}); starting it again")
                    time.sleep(pause)
                    pause = min(pause * 2, 30)
                    self._spawn(name)
        self._end_children()

    def _spawn(self, name: str) -> None:
        commands = {"serve": server_command(self.settings), "worker": [sys.executable, "-m", "staffing", "worker"]}
        self.children[name] = subprocess.Popen(  # noqa: S603 - our own commands
            commands[name], env=environment_for(self.settings), stdin=subprocess.DEVNULL, start_new_session=True
        )

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def end(self) -> None:
        self.stopping = True
        self._end_children()

    def _end_children(self) -> None:
        for child in self.children.values():
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + STOP_WITHIN_SECONDS
        for child in self.children.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


async def _check(settings: Settings) -> None:
    prepared = provision.locate(settings)
    await provision.refuse_power(prepared.app_dsn)
    async with opened(settings) as database, database.transaction(NOBODY) as tx:
        agency = await queries.agency(tx)
    if agency is not None and agency.demo and not settings.demo:
        raise DemoWithoutDemoMode


def _refuse_taken_port(settings: Settings) -> None:
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as taken:
            raise PortTaken(f"Port {settings.port} is used by another program. Choose one: make run PORT=8123") from taken


def await_ready(settings: Settings, supervisor: Supervisor) -> None:
    """Wait until the web server answers; end everything and raise when it does not."""
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline and not supervisor.stopping:
        if _is_ready(lambda: httpx.get(f"{settings.local_url}/ready", timeout=1)):
            return
        if not supervisor.alive("serve"):
            break
        time.sleep(0.05)
    supervisor.end()
    raise ReliefError("The web server did not start. The lines above say why.")


def _is_ready(ask: Callable[[], httpx.Response]) -> bool:
    try:
        return ask().status_code == 200
    except httpx.HTTPError:
        return False


def _announce(settings: Settings, seconds: float) -> None:
    console.print(f"\n[bold]Relief Desk[/bold] is ready after {seconds:.1f} s: [bold]{settings.public_url}/sign-in[/bold]")
    console.print(f"Payments: {'built-in sandbox, no money moves' if settings.uses_sandbox else settings.stripe_mode}")
    if settings.demo:
        console.print(f"\nDemo logins, password [bold]{logins.PASSWORD}[/bold]:")
        for login in logins.shown_on_sign_in():
            console.print(f"  {login.label:<22} {login.email:<42} {login.place}", soft_wrap=True)
    console.print("\nStop with Ctrl-C. The database keeps running; `make stop` ends it.", style="dim")
    sys.stdout.flush()


def _logging() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    for chatty in ("httpx", "httpcore", "stripe", "pgqueuer"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
