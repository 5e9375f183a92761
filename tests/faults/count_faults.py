"""Faults counted: what `make faults` runs. Not a test of a second but a measure of some minutes; exits with 1 when one count is
wrong.

    PYTHONPATH=tests python tests/faults/count_faults.py [--each 3] [--kills 40] [--facilities 40] [--only R1]

A scenario is a function that takes the `Bench` and returns a `Count`; it stands in `SCENARIOS` under the number of its row in the
reliability table. Each has a database of its own.
"""

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from support import databases
from support import world as worlds
from support.billing_runs import check_books, usual
from support.closing_a_month import Month
from support.dying_workers import points
from support.invoices import running_sandbox
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

from staffing import clock
from staffing.persistence import embedded
from staffing.persistence.provision import Prepared
from staffing.persistence.transactions import Database
from staffing.settings import Settings


@dataclass(frozen=True, slots=True)
class Count:
    """What a scenario counted. `wrong`: what should not have happened; empty when all is well."""

    what: str
    runs: int
    deaths: int
    wrong: tuple[str, ...] = ()
    longest_seconds: float = 0


@dataclass(frozen=True, slots=True)
class Bench:
    """What scenarios are given: settings, the migrated template, how much they should do."""

    settings: Settings
    template: Prepared
    options: argparse.Namespace

    @asynccontextmanager
    async def database(self) -> AsyncIterator[tuple[Prepared, Database, World]]:
        """A database with the world in it, for one run."""
        async with databases.copy_of_template(self.settings, self.template, "faults") as prepared:
            database = databases.open_database(prepared)
            try:
                yield prepared, database, await worlds.build(database)
            finally:
                await database.close()


async def month_dies_at_every_point(bench: Bench) -> Count:
    """R1, every crash point, several times each at another facility."""
    runs, deaths, longest, wrong = 0, 0, 0.0, []
    names = [name for name in points("billing_run", "invoice") if name != "billing_run.after_refused"]
    for name in names:
        for which in range(1, bench.options.each + 1):
            point = name if "settled" in name else f"{name}:{which}"
            async with bench.database() as (prepared, database, world):
                await usual(database, world, 4)
                month, began = Month(database, prepared, bench.settings.home, world), time.monotonic()
                wrong += await _closed(month, database, 4, f"{point}: ", failpoint=point)
                runs, deaths, longest = runs + 1, deaths + month.deaths, max(longest, time.monotonic() - began)
    return Count(f"month closed, death at each of {len(names)} points", runs, deaths, tuple(wrong), longest)


async def month_killed_at_random(bench: Bench) -> Count:
    """R1, kill -9 at random instants while many facilities are billed."""
    dice, left = random.Random(bench.options.seed), [bench.options.kills]

    def kill() -> float | None:
        left[0] -= 1
        return dice.uniform(0.05, 1.5) if left[0] >= 0 else None

    runs, deaths, longest, wrong = 0, 0, 0.0, []
    while left[0] > 0:
        async with bench.database() as (prepared, database, world):
            await usual(database, world, bench.options.facilities)
            month, began = Month(database, prepared, bench.settings.home, world), time.monotonic()
            wrong += await _closed(month, database, bench.options.facilities, f"run {runs + 1}: ", kill=kill)
            runs, deaths, longest = runs + 1, deaths + month.deaths, max(longest, time.monotonic() - began)
    return Count(f"month of {bench.options.facilities} facilities, killed at random", runs, deaths, tuple(wrong), longest)


async def payment_dies_at_every_point(bench: Bench) -> Count:
    """R2, between Stripe's success and our books: charged once, refunded once, booked by the janitor."""
    return await _payments(bench, "payments, death at points in turn", None)


async def payment_answers_time_out(bench: Bench) -> Count:
    """R9, time-outs before and after the work."""
    return await _payments(bench, "payments, answers that never come", TIMEOUTS)


async def payment_failures_are_saved(bench: Bench) -> Count:
    """R10, failures saved for the key: at most three calls with one key."""
    return await _payments(bench, "payments, saved failures", SAVED_FAILURES)


async def _payments(bench: Bench, what: str, faults: tuple[str, ...] | None) -> Count:
    """`--payments` invoices, each charged and refunded in part, at most 50 of them in one database."""
    dice, deaths, longest, wrong, left = random.Random(bench.options.seed), 0, 0.0, [], bench.options.payments
    while left > 0:
        with tempfile.TemporaryDirectory() as folder:
            async with bench.database() as (_, database, world), running_sandbox(bench.settings, Path(folder)) as sandbox:
                till, invoices = Till(database, sandbox, bench.settings, world, day=date(2026, 1, 1)), []
                await till.automatic()
                for _ in range(min(left, 50)):
                    began = time.monotonic()
                    if faults is None:
                        with dying_at(f"{dice.choice(POINTS)}:{dice.randint(1, 6)}") as died:
                            invoices.append(await paid_and_refunded(till))
                        deaths += len(died)
                    else:
                        invoices.append(await with_random_faults(till, dice, faults))
                    longest = max(longest, time.monotonic() - began)
                wrong += await wrong_with(till, invoices)
                if faults == SAVED_FAILURES and (most := most_calls_of_one_attempt(till)) > 3:
                    wrong.append(f"one key was sent {most} times")
                left -= len(invoices)
    return Count(what, bench.options.payments, deaths, tuple(wrong), longest)


async def _closed(month: Month, database: Database, issued: int, where: str, **how: object) -> list[str]:
    try:
        await month.close(**how)
        await check_books(database, issued=issued)
    except (AssertionError, TimeoutError) as failed:
        return [where + (str(failed).splitlines() or [type(failed).__name__])[0]]
    return []


SCENARIOS: list[tuple[str, Callable[[Bench], Awaitable[Count]]]] = [
    ("R1", month_dies_at_every_point),
    ("R1", month_killed_at_random),
    ("R2", payment_dies_at_every_point),
    ("R9", payment_answers_time_out),
    ("R10", payment_failures_are_saved),
]


async def main(bench: Bench) -> int:
    bad = 0
    for row, scenario in SCENARIOS:
        if bench.options.only and row != bench.options.only:
            continue
        with clock.standing_at(worlds.NOW):
            count = await scenario(bench)
        bad += len(count.wrong)
        print(
            f"{row:<4} {count.what}: {count.runs} runs, {count.deaths} deaths, {len(count.wrong)} wrong;"
            f" the longest took {count.longest_seconds:.1f} s"
        )
        for line in count.wrong:
            print(f"     {line}")
    return 1 if bad else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Faults counted.")
    parser.add_argument("--each", type=int, default=3, help="deaths at each point (default 3)")
    parser.add_argument("--kills", type=int, default=40, help="kills at random (default 40)")
    parser.add_argument("--facilities", type=int, default=40, help="facilities of a month killed at random (default 40)")
    parser.add_argument("--payments", type=int, default=100, help="payments of each scenario about them (default 100)")
    parser.add_argument("--seed", type=int, default=1, help="of the random instants (default 1)")
    parser.add_argument("--only", default="", help="one row of the table, for example R1")
    return parser.parse_args()


if __name__ == "__main__":
    home = Path(tempfile.mkdtemp(prefix="relief-faults-"))
    home.chmod(0o755)
    try:
        given = databases.test_settings(home)
        sys.exit(asyncio.run(main(Bench(given, databases.make_template(given), _options()))))
    finally:
        embedded.remove(home)
        shutil.rmtree(home, ignore_errors=True)
