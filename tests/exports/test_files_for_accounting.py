"""Exports: complete, balanced, harmless in a spreadsheet, for billing and the owner only."""

import csv
import io
from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update
from support.statements import history, issued
from support.visitors import Visitor
from support.world import World, principal

from staffing.facilities.models import Facility
from staffing.invoicing.models import LedgerPosting
from staffing.persistence.models import AccessEvent
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.reporting import exports
from staffing.reporting.csv_files import guarded, line
from staffing.reporting.exports import Period
from staffing.reporting.receivables import age_of

SignIn = Callable[[str], Awaitable[Visitor]]
pytestmark = pytest.mark.usefixtures("standing")


def read(content: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content)))


async def export(database: Database, world: World, kind: str, period: Period | None = None) -> list[dict[str, str]]:
    bella = principal(world, "bella")
    return read("".join([part async for part in exports.export(database, bella, kind, period or Period())]))


async def test_the_journal_has_every_posting_and_balances(database: Database, world: World) -> None:
    await history(database, world)
    await issued(database, world, facility_id=world.south)
    *rows, total = await export(database, world, "journal")
    async with database.transaction(SYSTEM) as tx:
        postings = int(await tx.scalar(select(func.count()).select_from(LedgerPosting)) or 0)
    assert len(rows) == postings
    debits, credits_ = (sum(Decimal(row[side] or 0) for row in rows) for side in ("debit", "credit"))
    assert debits == credits_ == Decimal(total["debit"]) == Decimal(total["credit"])
    assert total["date"] == "total"
    for one in {row["transaction"] for row in rows}:
        of = [row for row in rows if row["transaction"] == one]
        assert sum(Decimal(row["debit"] or 0) - Decimal(row["credit"] or 0) for row in of) == 0
    first = [row for row in rows if row["happening"] == "invoice_finalised" and row["facility"] == "F-1001"]
    assert [(row["date"], row["account"], row["debit"], row["credit"], row["invoice"]) for row in first] == [
        ("2026-03-04", "receivable", "72.28", "", "RD-2026-0001"),
        ("2026-03-04", "tax_payable", "", "4.73", "RD-2026-0001"),
        ("2026-03-04", "revenue", "", "67.55", "RD-2026-0001"),
    ]
    assert {row["credit_note"] for row in rows if row["happening"] == "credit_issued"} == {"CN-2026-0001"}


async def test_a_journal_out_of_balance_is_refused(database: Database, world: World, prepared: object) -> None:
    import asyncpg
    from support.databases import plain

    await history(database, world)
    owner = await asyncpg.connect(plain(prepared.owner_dsn))  # type: ignore[attr-defined]
    await owner.execute("alter table ledger_postings disable trigger user, disable row level security")
    await owner.execute("update ledger_postings set amount_minor = amount_minor + 1 where account = 'revenue'")
    await owner.close()
    with pytest.raises(exports.Unbalanced):
        await export(database, world, "journal")


async def test_invoices_and_lines_add_up(database: Database, world: World) -> None:
    await history(database, world)
    await issued(database, world, facility_id=world.south)
    invoices, lines = await export(database, world, "invoices"), await export(database, world, "lines")
    assert [row["invoice"] for row in invoices] == ["RD-2026-0001", "RD-2026-0002"]
    for invoice in invoices:
        of = [row for row in lines if row["invoice"] == invoice["invoice"]]
        assert sum(Decimal(row["amount"]) for row in of) == Decimal(invoice["subtotal"])
        assert Decimal(invoice["subtotal"]) + Decimal(invoice["tax"]) == Decimal(invoice["total"])
    small = next(row for row in lines if row["amount"] == "4.55")
    assert (small["what"], small["coordinator"], small["seconds_worked"], small["hours_billed"]) == (
        "Prior-Authorization",
        "C-2001",
        "360",
        "0.1",
    )


async def test_a_period_is_of_the_agencys_days(database: Database, world: World) -> None:
    await history(database, world)
    rows = await export(database, world, "journal", Period(start_on=date(2026, 3, 10), end_on=date(2026, 3, 10)))
    assert [row["happening"] for row in rows[:-1]] == ["payment_received", "payment_received"]
    assert await export(database, world, "invoices", Period(end_on=date(2026, 3, 3))) == []


async def test_a_formula_in_a_name_is_only_text(database: Database, world: World) -> None:
    await history(database, world)
    evil = '=HYPERLINK("http://example.org","x")'
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(Facility).where(Facility.id == world.north).values(name=evil))
    (row,) = await export(database, world, "invoices")
    assert row["facility_name"] == f"'{evil}"


@given(st.text(max_size=40))
def test_no_cell_of_text_is_run(value: str) -> None:
    (cells,) = list(csv.reader(io.StringIO(line([value, 1]), newline=""))) or [[]]
    assert cells[0] == guarded(value)
    assert not cells[0].lstrip(" \u00a0\ufeff").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_amounts_are_not_guarded() -> None:
    assert line([Decimal("-12.00"), "a,b", None, 3]) == '-12.00,"a,b",,3\r\n'


@pytest.mark.parametrize("name", ["bella", "olga"])
async def test_billing_and_the_owner_download(database: Database, world: World, sign_in: SignIn, name: str) -> None:
    await history(database, world)
    visitor = await sign_in(name)
    assert (await visitor.get("/desk/exports")).status_code == 200
    for kind in exports.KINDS:
        answer = await visitor.get(f"/desk/exports/{kind}?start_on=2026-03-01&mark=1")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.content.startswith(b"\xef\xbb\xbf")
        assert "RD-2026-0001" in answer.text
    async with database.transaction(SYSTEM) as tx:
        noted = int(await tx.scalar(select(func.count()).select_from(AccessEvent).where(AccessEvent.action == "export")) or 0)
    assert noted == 3


@pytest.mark.parametrize("name", ["alice", "charlie", "maria", "dora"])
async def test_nobody_else_does(database: Database, world: World, sign_in: SignIn, name: str) -> None:
    await history(database, world)
    visitor = await sign_in(name)
    for address in (
        "/desk/exports",
        *(f"/desk/exports/{kind}" for kind in exports.KINDS),
        "/desk/receivables",
        "/desk/receivables/csv",
    ):
        assert (await visitor.get(address)).status_code in (403, 404), address


async def test_a_period_that_cannot_be_is_named(world: World, sign_in: SignIn) -> None:
    bella = await sign_in("bella")
    answer = await bella.get("/desk/exports?start_on=2026-03-31&end_on=2026-03-01")
    assert answer.status_code == 422
    assert "The last day must not be before the first." in answer.text
    assert (await bella.get("/desk/exports/journal?start_on=2026-03-31&end_on=2026-03-01")).status_code == 422


@pytest.mark.parametrize(
    ("late", "age"), [(-10, 0), (0, 0), (1, 1), (30, 1), (31, 2), (60, 2), (61, 3), (90, 3), (91, 4), (900, 4)]
)
def test_ages(late: int, age: int) -> None:
    from datetime import timedelta

    assert age_of(date(2026, 3, 18), date(2026, 3, 18) + timedelta(days=late)) == age


def test_the_command_refuses_a_period_that_cannot_be() -> None:
    from staffing.cli.exports import export as command

    found = CliRunner().invoke(command, ["journal", "--from", "2026-03-31", "--to", "2026-03-01"])
    assert found.exit_code == 2
    assert "must not be before" in found.output


@pytest.mark.parametrize("kind", exports.KINDS)
async def test_the_command_writes_the_same_file_as_the_desk(
    database: Database, world: World, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    from collections.abc import AsyncIterator
    from contextlib import asynccontextmanager

    from staffing.cli import exports as command

    @asynccontextmanager
    async def opened(_: object) -> AsyncIterator[Database]:
        yield database

    monkeypatch.setattr(command, "opened", opened)
    await history(database, world)
    file = io.StringIO(newline="")
    count = await command._export(None, "", kind, Period(), True, file)  # type: ignore[arg-type]
    assert file.getvalue().startswith("\ufeff")
    rows = read(file.getvalue().removeprefix("\ufeff"))
    assert len(rows) == count > 0
    assert rows == await export(database, world, kind)
