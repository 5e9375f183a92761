"""CSV that a spreadsheet opens without harm: UTF-8, one record per line, no cell that is taken for a formula."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from decimal import Decimal

from billing.money import minor_digits

BYTE_ORDER_MARK = "\ufeff"
"""Some spreadsheets take a file for UTF-8 only when it begins with this."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def guarded(text: str) -> str:
    """A text as a cell: one that a spreadsheet would run gets an apostrophe in front."""
    return f"'{text}" if text.lstrip(" \u00a0\ufeff").startswith(_FORMULA) or text.startswith(_FORMULA) else text


def decimal_text(minor: int, currency: str) -> str:
    """Minor units as a plain number: 431250 → 4312.50."""
    return str(Decimal(minor).scaleb(-minor_digits(currency)))


def line(cells: Iterable[str | int | Decimal | None]) -> str:
    """One record. Texts are guarded; numbers are written as they are."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(
        ["" if cell is None else guarded(cell) if isinstance(cell, str) else cell for cell in cells]
    )
    return out.getvalue()


async def lines(
    heads: Sequence[str], rows: AsyncIterator[Sequence[str | int | Decimal | None]], *, with_mark: bool = False
) -> AsyncIterator[str]:
    """The file, record by record."""
    yield (BYTE_ORDER_MARK if with_mark else "") + line(heads)
    async for row in rows:
        yield line(row)


async def each(rows: Iterable[Sequence[str | int | Decimal | None]]) -> AsyncIterator[Sequence[str | int | Decimal | None]]:
    """Rows that are at hand, as `lines` takes them."""
    for row in rows:
        yield row
