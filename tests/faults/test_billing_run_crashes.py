"""A worker dies at every point of a billing run, once each; another goes on. `make faults` does this longer and at random."""

import random
from pathlib import Path

import pytest
from support.billing_runs import check_books, usual
from support.closing_a_month import Month
from support.dying_workers import points
from support.world import World

from staffing import settings as settings_module
from staffing.persistence.provision import Prepared
from staffing.persistence.transactions import Database
from staffing.settings import Settings

pytestmark = pytest.mark.usefixtures("standing")
# A refusal needs a draft that changed: it is told apart below.
POINTS = [name for name in points("billing_run", "invoice") if name != "billing_run.after_refused"]


def test_there_are_points_at_every_step() -> None:
    for step in ("billing_run.after_draft", "invoice.after_number", "invoice.after_ledger", "billing_run.after_issued"):
        assert step in POINTS
    assert len(POINTS) >= 12


def test_dying_is_refused_outside_demo_mode(tmp_path: Path) -> None:
    with pytest.raises(settings_module.BadSettings, match="RELIEF_FAILPOINT"):
        settings_module.load({"RELIEF_HOME": str(tmp_path), "RELIEF_FAILPOINT": "invoice.after_number"})


@pytest.mark.parametrize("point", POINTS)
async def test_a_worker_dies_there_and_another_finishes_the_month(
    database: Database, prepared: Prepared, settings: Settings, world: World, point: str
) -> None:
    await usual(database, world, 3)
    month = Month(database, prepared, settings.home, world)
    await month.close(point)
    assert month.deaths == 1
    await check_books(database, issued=3)


async def test_workers_killed_at_random(database: Database, prepared: Prepared, settings: Settings, world: World) -> None:
    await usual(database, world, 8)
    dice, left = random.Random(4), [5]

    def kill() -> float | None:
        left[0] -= 1
        return dice.uniform(0.05, 0.6) if left[0] >= 0 else None

    month = Month(database, prepared, settings.home, world)
    await month.close(kill=kill)
    await check_books(database, issued=8)
