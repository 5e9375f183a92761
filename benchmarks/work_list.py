"""The work list page against the same page from one hand-written SQL query, as a ratio, in one run.

    .venv/bin/python benchmarks/work_list.py [--blocks 12] [--pages 15]

The page is the facility's approvals list on demo data. *Product* is the whole request through the application: session,
tenancy settings, all its queries through SQLAlchemy, access log, rendering, commit. *Floor* is one hand-written statement on
a bare asyncpg connection and the same template with the same view; no session, no tenancy, no log. Blocks alternate in one
process; each pair gives one ratio. Printed: the median of the paired ratios with a bootstrap interval of 95 %, and the
processor time of a page.

Both pages must be equal to the byte (but for the token of their forms), or the run fails: else the ratio would mean nothing.
"""

import argparse
import asyncio
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
from litestar import Litestar
from sqlalchemy import make_url

from client_portal.approval_views import arranged
from client_portal.routes import NAVIGATION
from staffing import clock
from staffing import settings as settings_module
from staffing.app import create_app
from staffing.demo import loading
from staffing.identity import sessions
from staffing.identity.models import Account, Role
from staffing.identity.permissions import ROLE_NAMES
from staffing.persistence import embedded, migrating, provision
from staffing.persistence.tenancy import NOBODY
from staffing.persistence.transactions import Database, connect
from staffing.web import formatting
from staffing.web.pages import Frame, Page, Person
from staffing.web.rendering import templates
from staffing.worklog.models import EntryState
from staffing.worklog.rows import EntryRow

NOW = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
PATH = "/portal/approvals"
EMAIL = "dana@northsidefamilymedicine.example"

ONE_QUERY = """
with mine as (
  select f.id, f.name, f.initials, f.colour, f.time_zone from facilities f
  join account_facilities af on af.facility_id = f.id join accounts a on a.id = af.account_id where a.email = $1)
select w.id, w.facility_id, m.name as facility_name, m.initials as facility_initials, m.colour as facility_colour,
  m.time_zone as facility_zone, w.coordinator_id, c.name as coordinator_name, c.time_zone as coordinator_zone, w.patient_id,
  coalesce(coalesce(nullif(p.preferred_name, ''), p.given_name) || ' ' || p.family_name, '') as patient_name, w.service,
  w.activity, w.note, lower(w.during) as start, upper(w.during) as "end", w.state, w.source, w.manual_reason,
  w.performed_from_country, w.dispute_reason, w.created_at, w.submitted_at, w.decided_at,
  (select count(*) from work_entries d where d.facility_id = w.facility_id and d.state = 'disputed') as disputed
from work_entries w join mine m on m.id = w.facility_id join coordinators c on c.id = w.coordinator_id
left join patients p on p.id = w.patient_id and p.facility_id = w.facility_id
where w.state = 'submitted' order by lower(w.during)
"""


async def main() -> int:
    options = _options()
    home = _home()
    settings = settings_module.load({"RELIEF_HOME": str(home), "RELIEF_DEMO": "1", "RELIEF_DATABASE_FAST": "1"})
    try:
        with clock.standing_at(NOW):
            return await _measure(settings, options)
    finally:
        embedded.remove(home)


async def _measure(settings: settings_module.Settings, options: argparse.Namespace) -> int:
    prepared = await provision.prepare(settings)
    await asyncio.to_thread(migrating.migrate, prepared)
    await migrating.grant(prepared)
    database = connect(prepared.app_dsn)
    await loading.load(database, advance=lambda step: None)
    app = create_app(settings, database)
    raw = await asyncpg.connect(make_url(prepared.app_dsn).set(drivername="postgresql").render_as_string(hide_password=False))
    await raw.execute("set app.scope = 'system'")
    await raw.execute("analyze")
    product = await _product(app, database)
    floor = _floor(raw, await product())
    same = _comparable(await product()) == _comparable(await floor())
    if not same:
        print("The two pages differ, so their times cannot be compared.", file=sys.stderr)
        return 1
    pairs = await _alternate(product, floor, options)
    _report(pairs, len(await product()))
    await raw.close()
    await database.close()
    return 0


async def _product(app: Litestar, database: Database) -> Callable[[], Awaitable[bytes]]:
    """The page through the whole application, asked for by somebody who is signed in."""
    from sqlalchemy import select

    async with database.transaction(NOBODY) as tx:
        account = await tx.scalar(select(Account).where(Account.email == EMAIL))
        assert account is not None
        token = await sessions.start(tx, account, address="127.0.0.1", browser="benchmark")
    headers = [(b"host", b"127.0.0.1:8000"), (b"cookie", f"relief_session={token}".encode())]
    scope = {
        "type": "http", "method": "GET", "path": PATH, "raw_path": PATH.encode(), "query_string": b"", "headers": headers,
        "http_version": "1.1", "scheme": "http", "server": ("127.0.0.1", 8000), "client": ("127.0.0.1", 1), "root_path": "",
        "extensions": {}, "asgi": {"version": "3.0", "spec_version": "2.3"},
    }  # fmt: skip

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def page() -> bytes:
        parts: list[bytes] = []

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                assert message["status"] == 200, message["status"]
            parts.append(message.get("body", b""))

        await app({**scope, "headers": list(headers)}, receive, send)  # type: ignore[arg-type]
        return b"".join(parts)

    return page


def _floor(raw: asyncpg.Connection, example: bytes) -> Callable[[], Awaitable[bytes]]:
    """The same page from one statement."""
    frame = _frame(example)
    template = templates.get_template("portal/approvals.html")

    async def page() -> bytes:
        records = await raw.fetch(ONE_QUERY, EMAIL)
        rows = []
        for record in records:
            values = dict(record)
            disputed = values.pop("disputed")
            rows.append(EntryRow(**{**values, "state": EntryState(values["state"])}))
        view: Page = arranged(
            place=rows[0].facility_name, several=False, show="", shown=rows, waiting=len(rows), disputed=disputed,
            corrected={}, undo=None, problem="",
        )  # fmt: skip
        return template.render(page=replace(view, frame=frame)).encode()

    return page


def _frame(example: bytes) -> Frame:
    token = re.search(rb'name="csrf_token" value="([0-9a-f]+)"', example)
    assert token is not None
    return Frame(
        title="Approvals",
        surface="portal",
        person=Person("Dana Fairweather", ROLE_NAMES[Role.FACILITY], EMAIL),
        place="Northside Family Medicine",
        nav=tuple(replace(item, current=item.href == PATH) for item in NAVIGATION),
        csrf_token=token[1].decode(),
        notices=(),
        stripe_mode="sandbox",
        demo=True,
        here=PATH,
        refresh_seconds=0,
        zone_label=formatting.zone_label("America/New_York", NOW),
        timer=None,
        idle_seconds=15 * 60,
    )


def _comparable(page: bytes) -> bytes:
    """The page without the numbers in the rail, which come from other queries."""
    return re.sub(rb'<span class="count".*?</span>', b"", page, flags=re.DOTALL)


Block = tuple[float, float]


async def _alternate(
    product: Callable[[], Awaitable[bytes]], floor: Callable[[], Awaitable[bytes]], options: argparse.Namespace
) -> list[tuple[Block, Block]]:
    for _ in range(5):
        await product()
        await floor()
    pairs = []
    for number in range(options.blocks):
        first, second = (product, floor) if random.random() < 0.5 else (floor, product)
        one, two = await _block(first, options.pages), await _block(second, options.pages)
        pairs.append((one, two) if first is product else (two, one))
        if sys.stderr.isatty():
            print(f"\rblock {number + 1} of {options.blocks}", end="", file=sys.stderr)
    return pairs


async def _block(page: Callable[[], Awaitable[bytes]], pages: int) -> Block:
    """(wall, processor) milliseconds of one page, the mean over a block."""
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(pages):
        await page()
    return 1000 * (time.perf_counter() - wall) / pages, 1000 * (time.process_time() - processor) / pages


def _report(pairs: list[tuple[Block, Block]], size: int) -> None:
    ratios = [floor[0] / product[0] for product, floor in pairs]
    low, high = _interval(ratios)
    print(f"\nwork list page ({PATH}, {size / 1000:.0f} kB of HTML), {len(pairs)} paired blocks")
    for name, index in (("product", 0), ("floor", 1)):
        wall = statistics.median(pair[index][0] for pair in pairs)
        processor = statistics.median(pair[index][1] for pair in pairs)
        print(f"  {name:<8} {wall:7.1f} ms a page, {processor:7.1f} ms of our processor time")
    print(f"  ratio to the floor: {statistics.median(ratios):.2f}  (95 %: {low:.2f} to {high:.2f}; 1.00: equal)")


def _interval(ratios: list[float], rounds: int = 2000) -> tuple[float, float]:
    dice = random.Random(1)
    medians = sorted(statistics.median(dice.choices(ratios, k=len(ratios))) for _ in range(rounds))
    return medians[int(rounds * 0.025)], medians[int(rounds * 0.975)]


def _home() -> Path:
    home = Path(tempfile.mkdtemp(prefix="relief-benchmark-"))
    home.chmod(0o755)
    return home


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The work list page against one hand-written query.")
    parser.add_argument("--blocks", type=int, default=12, help="paired blocks (default 12)")
    parser.add_argument("--pages", type=int, default=15, help="pages a block (default 15)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
