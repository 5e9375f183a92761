"""A statement, and the list of receivables, as CSV."""

from collections.abc import AsyncIterator, Iterator, Sequence
from decimal import Decimal

from staffing.reporting import csv_files
from staffing.reporting.csv_files import decimal_text
from staffing.reporting.exports import Cells
from staffing.reporting.receivables import AGES, AgedRow, totals
from staffing.reporting.statements import Statement

STATEMENT_HEADS = ("date", "what", "document", "charged", "credited", "balance", "currency")
AGED_HEADS = ("facility", "name", "currency", *AGES, "total", "credit_kept", "paused")


def statement_lines(found: Statement) -> AsyncIterator[str]:
    """The file of a statement: opening balance, what happened, closing balance, per currency."""
    return csv_files.lines(STATEMENT_HEADS, csv_files.each(_statement(found)))


def aged_lines(rows: Sequence[AgedRow]) -> AsyncIterator[str]:
    """The file of what is owed by age, with a total per currency."""
    return csv_files.lines(AGED_HEADS, csv_files.each(_aged(rows)))


def _statement(found: Statement) -> Iterator[Cells]:
    for account in found.accounts:
        currency = account.currency
        opening, closing = _number(account.opening_minor, currency), _number(account.closing_minor, currency)
        yield found.start_on.isoformat(), "Balance at the start", "", None, None, opening, currency
        for row in account.rows:
            charged = _number(row.charged_minor, currency) if row.charged_minor else None
            credited = _number(row.credited_minor, currency) if row.credited_minor else None
            yield row.on.isoformat(), row.what, row.reference, charged, credited, _number(row.balance_minor, currency), currency
        sums = _number(account.charged_minor, currency), _number(account.credited_minor, currency)
        yield found.end_on.isoformat(), "Balance at the end", "", *sums, closing, currency


def _aged(rows: Sequence[AgedRow]) -> Iterator[Cells]:
    for row in rows:
        owed = [_number(minor, row.currency) for minor in (*row.owed, row.total_minor, row.credit_minor)]
        yield row.reference, row.name, row.currency, *owed, row.paused_at.isoformat() if row.paused_at else ""
    for currency, owed_minor, total_minor, credit_minor in totals(rows):
        yield "total", "", currency, *(_number(minor, currency) for minor in (*owed_minor, total_minor, credit_minor)), ""


def _number(minor: int, currency: str) -> Decimal:
    return Decimal(decimal_text(minor, currency))
