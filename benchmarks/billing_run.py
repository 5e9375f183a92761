"""A billing run over many facilities, from the start to the last invoice, against bare transactions.

    .venv/bin/python benchmarks/billing_run.py [--facilities 200] [--entries 60] [--fast]

A scratch database gets facilities with realistic work: two coordinators each, two services, entries on every working day of a
month, one in fifty waiting for approval, and an invoice of the month before. *Product* is the whole run by a real worker
process: every facility drafted, compared and flagged; then every invoice reviewed, numbered, booked and its sending enqueued.
*Floor* is as many bare transactions as the run has turns (two per facility), each writing one row, one after the other on one
asyncpg connection of the same server. Printed: seconds of both halves, the floor, their ratio, and whether the books are right.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import psutil
from sqlalchemy import func, insert, make_url, select, text
from sqlalchemy.dialects.postgresql import Range

from staffing import clock
from staffing import settings as settings_module
from staffing.billing_runs import service
from staffing.billing_runs.models import BillingRun, BillingRunItem
from staffing.billing_runs.periods import Period, month_of
from staffing.facilities.models import Facility, RateCard, ServiceRate
from staffing.identity.models import Account, Agency, Role
from staffing.identity.principals import Principal
from staffing.invoicing.models import BillingAccount, Invoice, LedgerPosting
from staffing.persistence import embedded, migrating, provision
from staffing.persistence.base import new_id
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database, connect
from staffing.roster.models import Coordinator, PayRate
from staffing.worklog.models import WorkEntry

NOW = datetime(2026, 11, 3, 15, 0, tzinfo=UTC)
MONTH = month_of(date(2026, 10, 1))
ZONES = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles")
SERVICES = (("patient_care_coordinator", "42.00"), ("prior_authorization", "45.50"))
WORKER = """
import asyncio, sys
from staffing import settings
from staffing.worker import KINDS, run_worker
kinds = [kind for kind in KINDS if kind.name.startswith("billing_runs.")]
asyncio.run(run_worker(settings.load(), sys.argv[1], kinds=kinds, resources={}))
"""


Worker = subprocess.Popen[bytes]


async def main() -> int:
    options, home = _options(), _home()
    environment = {"RELIEF_HOME": str(home), "RELIEF_DEMO": "1", "RELIEF_CLOCK_FILE": str(home / "clock")}
    if options.fast:
        environment["RELIEF_DATABASE_FAST"] = "1"
    settings = settings_module.load(environment)
    try:
        with clock.standing_at(NOW):
            return await _measure(settings, environment, options)
    finally:
        embedded.remove(home)


async def _measure(settings: settings_module.Settings, environment: dict[str, str], options: argparse.Namespace) -> int:
    prepared = await provision.prepare(settings)
    await asyncio.to_thread(migrating.migrate, prepared)
    await migrating.grant(prepared)
    database = connect(prepared.app_dsn, statement_seconds=120)
    bella = await _people(database)
    entries = await _agency(database, options.facilities, options.entries)
    plain = make_url(prepared.owner_dsn).set(drivername="postgresql").render_as_string(hide_password=False)
    raw = await asyncpg.connect(plain)
    await raw.execute("analyze")
    worker = _worker(prepared.app_dsn, environment)
    try:
        await _run(database, bella, month_of(date(2026, 9, 1)), worker)
        figures = await _run(database, bella, MONTH, worker)
    finally:
        worker.terminate()
        worker.wait(20)
    floor = await _floor(raw, 2 * options.facilities)
    await raw.close()
    right = await _books_are_right(database, options.facilities)
    await database.close()
    _report(options, entries, figures, floor, right)
    return 0 if right else 1


async def _run(database: Database, bella: Principal, month: Period, worker: Worker) -> tuple[float, float, float]:
    """Seconds to propose everything, and to issue everything, from the press of the button to the last facility; and the worker's
    own processor time of both.
    """
    began, processor = time.perf_counter(), _processor_seconds(worker)
    async with database.transaction(bella.scope()) as tx:
        run_id = (await service.start(tx, bella, month)).id
    await _until(database, run_id, "proposed", worker)
    proposed = time.perf_counter()
    async with database.transaction(bella.scope()) as tx:
        await service.accept_all(tx, bella, run_id)
    pressed = time.perf_counter()
    async with database.transaction(bella.scope()) as tx:
        await service.issue(tx, bella, run_id)
    await _until(database, run_id, "done", worker)
    return proposed - began, time.perf_counter() - pressed, _processor_seconds(worker) - processor


def _processor_seconds(worker: Worker) -> float:
    times = psutil.Process(worker.pid).cpu_times()
    return float(times.user + times.system)


async def _until(database: Database, run_id: UUID, state: str, worker: Worker) -> None:
    while worker.poll() is None:
        async with database.transaction(SYSTEM) as tx:
            now = (await tx.get_one(BillingRun, run_id)).state
            failed = await tx.scalar(select(BillingRunItem.problem).where(BillingRunItem.state == "failed").limit(1))
        if failed:
            raise RuntimeError(f"a facility failed: {failed}")
        if now == state:
            return
        await asyncio.sleep(0.05)
    raise RuntimeError("the worker ended")


async def _floor(raw: asyncpg.Connection, turns: int) -> float:
    """As many transactions as the run has turns, each with one row."""
    await raw.execute("create table floor_rows (number integer)")
    began = time.perf_counter()
    for number in range(turns):
        async with raw.transaction():
            await raw.execute("insert into floor_rows values ($1)", number)
    return time.perf_counter() - began


async def _people(database: Database) -> Principal:
    account = Account(
        id=new_id(), email="bella@example.test", name="Bella Quint", role=Role.BILLING.value, time_zone="America/New_York",
        password_hash="", created_at=NOW,
    )  # fmt: skip
    async with database.transaction(SYSTEM) as tx:
        tx.add_all([Agency(id=1, name="Harbor Relief Agency", time_zone="America/New_York", demo=True), account])
    return Principal(
        account_id=account.id, name=account.name, email=account.email, role=Role.BILLING, time_zone=account.time_zone
    )


async def _agency(database: Database, facilities: int, entries_each: int) -> int:
    """Facilities with prices, people with pay, and their work of September and October. How many entries of a month."""
    count = 0
    for number in range(facilities):
        zone = ZONES[number % len(ZONES)]
        async with database.transaction(SYSTEM) as tx:
            facility_id = new_id()
            tx.add(_facility(facility_id, number, zone))
            people = [_coordinator(2 * number + one, zone) for one in range(2)]
            tx.add_all(people)
            await tx.flush()
            card = RateCard(id=new_id(), facility_id=facility_id, valid_from=date(2025, 1, 1), currency="USD")
            tx.add_all([card, BillingAccount(facility_id=facility_id)])
            await tx.flush()
            for code, price in SERVICES:
                rate = ServiceRate(rate_card_id=card.id, facility_id=facility_id, service=code, bill_per_hour=Decimal(price))
                tx.add(rate)
            for person in people:
                tx.add(PayRate(coordinator_id=person.id, valid_from=date(2025, 1, 1), pay_per_hour=Decimal("24.00")))
            await tx.flush()
            rows = _work(facility_id, [person.id for person in people], entries_each)
            await tx.execute(insert(WorkEntry), rows)
            count += len(rows) // 2
    return count


def _facility(facility_id: UUID, number: int, zone: str) -> Facility:
    return Facility(
        id=facility_id, reference=f"F-{10000 + number}", name=f"Clinic {number:03d}", initials="CL", city="Columbus", state="OH",
        time_zone=zone, line="medical", ehr_system="epic", offshore_policy="allowed", colour=1 + number % 8, created_at=NOW,
    )  # fmt: skip


def _coordinator(number: int, zone: str) -> Coordinator:
    return Coordinator(
        id=new_id(), reference=f"C-{10000 + number}", name=f"Person {number:03d}", work_country="US", time_zone=zone,
        credential_class="medical_assistant", languages=["en"], ehr_systems=["epic"], licence_states=[], weekly_cap_minutes=2400,
        weekly_target_minutes=2000, max_facilities=4, joined_on=date(2025, 1, 1),
    )  # fmt: skip


def _work(facility_id: UUID, people: list[UUID], entries_each: int) -> list[dict[str, Any]]:
    rows = []
    for month in (9, 10):
        for number in range(entries_each):
            day, place = 1 + number % 28, number // 28
            start = datetime(2026, month, day, 14, 7, 31, tzinfo=UTC) + timedelta(minutes=100 * (place // 2))
            state = "submitted" if number % 50 == 49 else "approved"
            rows.append({
                "id": new_id(), "facility_id": facility_id, "coordinator_id": people[place % 2],
                "service": SERVICES[number % 3 == 0][0], "activity": "follow_up",
                "during": Range(start, start + timedelta(minutes=35 + number % 50, seconds=number % 60)), "state": state,
                "source": "timer", "performed_from_country": "US", "created_at": start, "submitted_at": start, "version": 1,
                "note": "", "manual_reason": "", "dispute_reason": "",
            })  # fmt: skip
    return rows


async def _books_are_right(database: Database, facilities: int) -> bool:
    async with database.transaction(SYSTEM) as tx:
        numbers = sorted(str(one) for one in await tx.scalars(select(Invoice.number).where(Invoice.number.is_not(None))))
        balance = await tx.scalar(select(func.sum(LedgerPosting.amount_minor)))
        sends = await tx.scalar(text("select count(*) from queue.pgqueuer where entrypoint = 'invoicing.send'"))
    gapless = numbers == [f"RD-2026-{number:04d}" for number in range(1, 2 * facilities + 1)]
    return gapless and balance == 0 and sends == 2 * facilities


def _report(options: argparse.Namespace, entries: int, figures: tuple[float, float, float], floor: float, right: bool) -> None:
    whole = figures[0] + figures[1]
    print(f"billing run over {options.facilities} facilities, {entries} entries of the month")
    print(f"  proposed  {figures[0]:6.1f} s   {1000 * figures[0] / options.facilities:6.1f} ms a facility")
    print(f"  issued    {figures[1]:6.1f} s   {1000 * figures[1] / options.facilities:6.1f} ms a facility")
    print(f"  together  {whole:6.1f} s   {figures[2]:6.1f} s of the worker's processor time")
    print(f"  floor     {floor:6.2f} s   {2 * options.facilities} bare transactions; ratio {whole / floor:.0f}")
    print(f"  books     {'right: no gap in the numbers, ledger 0, each sending once' if right else 'WRONG'}")


def _home() -> Path:
    home = Path(tempfile.mkdtemp(prefix="relief-benchmark-"))
    home.chmod(0o755)
    (home / "clock").write_text(NOW.isoformat())
    return home


def _worker(dsn: str, environment: dict[str, str]) -> Worker:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RELIEF_", "DATABASE_URL", "PORT"))}
    return subprocess.Popen([sys.executable, "-c", WORKER, dsn], env={**kept, **environment})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A billing run over many facilities against bare transactions.")
    parser.add_argument("--facilities", type=int, default=200, help="facilities (default 200)")
    parser.add_argument("--entries", type=int, default=60, help="entries a facility and month (default 60)")
    parser.add_argument("--fast", action="store_true", help="a database without fsync")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
