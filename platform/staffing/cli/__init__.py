"""The command line `relief`. Exit codes: 0 done, 1 refused or failed with a sentence, 2 used wrongly; 3 something waits."""

import importlib
import sys

import click

from staffing.errors import ReliefError

COMMANDS = {
    "up": "processes",
    "serve": "processes",
    "worker": "processes",
    "migrate": "data",
    "demo": "data",
    "plan": "operations",
    "invoice": "operations",
    "bill": "billing",
    "export": "exports",
    "reconcile": "payments",
    "backfill": "payments",
    "account": "operations",
    "audit": "operations",
    "rehearse": "rehearsal",
    "doctor": "doctor",
}
"""Command → the module that holds it. A module is loaded when its command is used: a start takes no longer than it must."""


class Commands(click.Group):
    """The commands, each loaded when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found = getattr(importlib.import_module(f"staffing.cli.{COMMANDS[cmd_name]}"), cmd_name)
        assert isinstance(found, click.Command)
        return found


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def relief() -> None:
    """Relief Desk: healthcare staffing with remote coordinators.

    Configured by environment variables; `relief doctor` prints them all.
    """


def main() -> None:
    """Run a command; an expected failure is one sentence, not a trace."""
    try:
        code = relief(standalone_mode=False)
        if isinstance(code, int) and code:
            # Outside its standalone mode click hands the code of `context.exit` back instead of raising it.
            sys.exit(code)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(1)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(wrong.exit_code)
    except ReliefError as refused:
        click.echo(f"relief: {refused.message}", err=True)
        sys.exit(1)
