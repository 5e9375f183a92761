"""The command line `relief`. Exit codes: 0 done, 1 refused or failed with a sentence, 2 used wrongly."""

import sys

import click

from staffing.cli import data, doctor, operations, processes, rehearsal
from staffing.errors import ReliefError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def relief() -> None:
    """Relief Desk: healthcare staffing with remote coordinators.

    Configured by environment variables; `relief doctor` prints them all.
    """


for command in (
    processes.up,
    processes.serve,
    processes.worker,
    data.migrate,
    data.demo,
    operations.plan,
    operations.invoice,
    operations.audit,
    rehearsal.rehearse,
    doctor.doctor,
):
    relief.add_command(command)


def main() -> None:
    """Run a command; an expected failure is one sentence, not a trace."""
    try:
        relief(standalone_mode=False)
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
