"""Gapless invoice numbers: the next one is taken in the transaction that issues the invoice, and given back when that fails."""

from sqlalchemy.dialects.postgresql import insert

from staffing.invoicing.models import NumberSeries
from staffing.persistence.transactions import Transaction


async def next_number(tx: Transaction, year: int) -> str:
    """`RD-2026-0001`. The series stays locked until the transaction ends, so ask for it last."""
    statement = insert(NumberSeries).values(name=f"invoice-{year}", last=1)
    statement = statement.on_conflict_do_update(index_elements=[NumberSeries.name], set_={"last": NumberSeries.last + 1})
    last = (await tx.execute(statement.returning(NumberSeries.last))).scalar_one()
    return f"RD-{year}-{last:04d}"
