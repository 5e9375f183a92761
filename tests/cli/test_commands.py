"""The command line: plain errors, exit codes, settings that refuse what is unsafe, and switching an account off."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select
from support.visitors import Visitor, signed_in
from support.world import World

from staffing import settings
from staffing.cli import COMMANDS, relief
from staffing.cli.operations import account
from staffing.identity.models import Account
from staffing.persistence.tenancy import NOBODY
from staffing.persistence.transactions import Database


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    ours = ("RELIEF_", "STRIPE_", "DATABASE_URL", "PORT")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.run(
        [sys.executable, "-m", "staffing", *arguments],
        env={**kept, **environment}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_explains_itself(command: str) -> None:
    from click.testing import CliRunner

    answer = CliRunner().invoke(relief, [*filter(None, [command]), "--help"])
    assert answer.exit_code == 0
    assert "Usage:" in answer.output


def test_a_wrong_command_is_a_usage_error() -> None:
    answer = run("dance")
    assert answer.returncode == 2
    assert "No such command" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_database_that_is_away_is_one_sentence(tmp_path: Path) -> None:
    answer = run("doctor", RELIEF_HOME=str(tmp_path), DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert answer.returncode == 1
    assert "Traceback" not in answer.stdout + answer.stderr


@pytest.mark.parametrize(
    ("environment", "word"),
    [
        ({"PORT": "http"}, "PORT"),
        ({"PORT": "70000"}, "PORT"),
        ({"STRIPE_API_KEY": "sk_test_x"}, "STRIPE_WEBHOOK_SECRET"),
        ({"RELIEF_CLOCK_FILE": "/tmp/clock"}, "RELIEF_CLOCK_FILE"),
        ({"RELIEF_PUBLIC_URL": "https://relief.example"}, "Stripe key"),
        (
            {
                "RELIEF_PUBLIC_URL": "https://relief.example",
                "RELIEF_DEMO": "1",
                "STRIPE_API_KEY": "sk_test_x",
                "STRIPE_WEBHOOK_SECRET": "whsec_x",
            },
            "Demo mode",
        ),
    ],
)
def test_unsafe_settings_are_refused_by_name(tmp_path: Path, environment: dict[str, str], word: str) -> None:
    with pytest.raises(settings.BadSettings, match=word):
        settings.load({"RELIEF_HOME": str(tmp_path), **environment})


def test_secrets_are_never_described(tmp_path: Path) -> None:
    loaded = settings.load({"RELIEF_HOME": str(tmp_path), "STRIPE_API_KEY": "sk_test_x", "STRIPE_WEBHOOK_SECRET": "whsec_y"})
    shown = " ".join(value for _, value, _ in loaded.described())
    assert loaded.secret_key not in shown
    assert "sk_test_x" not in shown
    assert "whsec_y" not in shown


async def test_a_disabled_account_is_out_at_the_next_request(app, database: Database, world: World, monkeypatch) -> None:
    from contextlib import asynccontextmanager

    from staffing.cli import operations

    @asynccontextmanager
    async def opened(_: settings.Settings):
        yield database

    monkeypatch.setattr(operations, "opened", opened)
    alice: Visitor = await signed_in(app, database, world.alice)
    assert (await alice.get("/portal")).status_code == 200
    await operations._account_switch(app.state.settings, "Alice@test.example", True)
    assert (await alice.get("/portal")).headers["location"].startswith("/sign-in")
    await operations._account_switch(app.state.settings, "alice@test.example", False)
    async with database.transaction(NOBODY) as tx:
        assert (await tx.scalar(select(Account.disabled_at).where(Account.id == world.alice))) is None
    assert account.name == "account"
