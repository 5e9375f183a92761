"""Gapless numbers: the next one is taken in the transaction that issues the document, and given back when that fails."""

from sqlalchemy.dialects.postgresql import insert

from staffing.invoicing.models import NumberSeries
from staffing.persistence.transactions import Transaction


async def next_number(tx: Transaction, year: int) -> str:
    """`RD-2026-0001`, for an invoice. The series stays locked until the transaction ends, so ask for it last."""
    return f"RD-{year}-{await _next(tx, f'invoice-{year}'):04d}"


async def next_credit_number(tx: Transaction, year: int) -> str:
    """`CN-2026-0001`, for a credit note, in a series of its own."""
    return f"CN-{year}-{await _next(tx, f'credit-note-{year}'):04d}"


async def _next(tx: Transaction, series: str) -> int:
    statement = insert(NumberSeries).values(name=series, last=1)
    statement = statement.on_conflict_do_update(index_elements=[NumberSeries.name], set_={"last": NumberSeries.last + 1})
    return (await tx.execute(statement.returning(NumberSeries.last))).scalar_one()
