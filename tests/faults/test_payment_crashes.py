"""A process dies at every point between Stripe and our books, and answers get lost: nobody is charged or paid back twice.

`make faults` counts the same over hundreds of runs (R2, R9, R10).
"""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.invoices import Sandbox, running_sandbox
from support.paying import Till
from support.payment_crashes import (
    POINTS,
    SAVED_FAILURES,
    TIMEOUTS,
    dying_at,
    most_calls_of_one_attempt,
    paid_and_refunded,
    with_random_faults,
    wrong_with,
)
from support.world import World

from staffing.persistence.transactions import Database
from staffing.settings import Settings


@pytest.fixture
async def sandbox(settings: Settings, tmp_path: Path, standing: None) -> AsyncIterator[Sandbox]:
    async with running_sandbox(settings, tmp_path) as running:
        yield running


@pytest.fixture
def till(database: Database, sandbox: Sandbox, settings: Settings, world: World) -> Till:
    return Till(database, sandbox, settings, world)


def test_there_are_points_between_stripe_and_our_books() -> None:
    for point in (
        "stripe_call.after_intention",
        "stripe_call.after_answer",
        "stripe_call.before_outcome",
        "payment.after_booked",
    ):
        assert point in POINTS


@pytest.mark.parametrize("point", POINTS)
async def test_dying_there_charges_once_and_refunds_once(till: Till, point: str) -> None:
    """Death comes at the first passage, then on later invoices at each later one of the same point."""
    await till.automatic()
    invoices, deaths = [], 0
    for which in range(1, 7):
        with dying_at(f"{point}:{which}") as died:
            invoices.append(await paid_and_refunded(till))
        deaths += len(died)
    assert deaths >= 2
    assert await wrong_with(till, invoices) == []


@pytest.mark.parametrize("kinds", [TIMEOUTS, SAVED_FAILURES], ids=["timeouts", "saved failures"])
async def test_lost_answers_charge_once_and_refund_once(till: Till, kinds: tuple[str, ...]) -> None:
    dice = random.Random(7)
    await till.automatic()
    invoices = [await with_random_faults(till, dice, kinds) for _ in range(8)]
    assert await wrong_with(till, invoices) == []
    if kinds == SAVED_FAILURES:
        assert most_calls_of_one_attempt(till) <= 3
