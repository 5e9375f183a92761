"""`relief bill` is the same run as on the desk: dry run, decisions, issuing, what it prints, its exit codes."""

import json
from datetime import date

import click
import pytest
from click.testing import CliRunner
from support.billing_runs import FEBRUARY, check_books, item, proposed, state_of, usual, worked
from support.world import World, principal

from staffing.cli import billing, main, relief
from staffing.cli.billing import WAITS, Wishes, bill_with
from staffing.errors import Invalid
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database

pytestmark = pytest.mark.usefixtures("standing")


async def bill(database: Database, world: World, **wishes: object) -> int:
    """The command with these options; no worker is running."""
    given = {"period": None, "issue": False, "accept": (), "accept_all": False, "leave_out": (), "as_json": False, **wishes}
    return await bill_with(database, principal(world, "bella"), Wishes(**given), "http://relief.test")


async def odd_month(database: Database, world: World) -> None:
    """Clinic 001 as ever, 002 with much more, 003 with work that waits."""
    made = await usual(database, world, 3)
    async with database.transaction(SYSTEM) as tx:
        worked(tx, made[1], date(2026, 2, 20), hours=8)
        worked(tx, made[2], date(2026, 2, 20), hours=2, state="submitted")


async def test_a_dry_run_prints_the_table_and_issues_nothing(
    database: Database, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await odd_month(database, world)
    assert await bill(database, world) == WAITS
    said = capsys.readouterr().out
    assert "Run 1, February 2026: proposed" in said
    lines = [" ".join(line.split()) for line in said.splitlines()]
    assert "Clinic 001 $480.00 $480.00 +0 % ready" in lines
    assert "Clinic 002 $480.00 $800.00 +67 % look at it" in lines
    assert "Much more: $320.00 (67 %) more than January 2026, which came to $480.00." in lines
    assert "+8 h Patient Care Coordinator" in lines
    assert any("Nothing is issued. Ready to issue: 1 invoice, $480.00." in line for line in lines)
    await check_books(database, issued=0)
    # Once more is the same run, brought up to date.
    assert await bill(database, world, period=FEBRUARY) == WAITS
    again = capsys.readouterr()
    assert "Run 1 is in progress, for February 2026." in again.err
    assert again.out == said


async def test_issuing_leaves_what_is_flagged(database: Database, world: World) -> None:
    await odd_month(database, world)
    assert await bill(database, world, issue=True) == WAITS
    await check_books(database, issued=1)
    assert await bill(database, world, issue=True, accept=("F-3002",), leave_out=("F-3003",)) == 0
    await check_books(database, issued=2)
    # Nothing is left of the month but what was left out: the next run finds it.
    assert await bill(database, world, issue=True, accept_all=True) == 0
    await check_books(database, issued=3)
    assert await bill(database, world, issue=True) == 0
    await check_books(database, issued=3)


async def test_it_takes_up_the_run_of_the_desk(database: Database, world: World) -> None:
    made = await usual(database, world, 2)
    run_id = await proposed(database, world)
    assert await bill(database, world, issue=True) == 0
    assert await state_of(database, run_id) == "done"
    assert (await item(database, run_id, made[0].id)).state == "issued"


async def test_as_json(database: Database, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    await odd_month(database, world)
    await bill(database, world, as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert (said["period"], said["state"]) == (["2026-02-01", "2026-02-28"], "proposed")
    clinic = next(one for one in said["facilities"] if one["reference"] == "F-3002")
    assert (clinic["previous_minor"], clinic["total_minor"], clinic["flags"][0]["kind"]) == (48000, 80000, "much_more")


async def test_a_facility_that_is_not_there(database: Database, world: World) -> None:
    await usual(database, world, 1)
    with pytest.raises(Invalid, match="F-9999"):
        await bill(database, world, accept=("F-9999",), issue=True)
    await check_books(database, issued=0)


def test_the_code_of_a_command_is_that_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    async def waits(*arguments: object) -> int:
        return WAITS

    monkeypatch.setattr(billing, "_bill", waits)
    monkeypatch.setattr(billing, "configured", lambda: None)
    monkeypatch.setattr("sys.argv", ["relief", "bill"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == WAITS == 3


@pytest.mark.parametrize(
    "wrong",
    [["--period", "2026-13"], ["--dry-run", "--issue"], ["--from", "2026-02-01"], ["--period", "2026-02", "--to", "2026-02-28"]],
)
def test_used_wrongly(wrong: list[str]) -> None:
    answer = CliRunner().invoke(relief, ["bill", *wrong])
    assert answer.exit_code == click.UsageError.exit_code == 2
    assert "Usage:" in answer.output
