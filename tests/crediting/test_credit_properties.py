"""Whatever is paid, credited, kept and sent back in whatever order: never more than the invoice, and the books hold."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from sqlalchemy import func, select
from support.crediting import balance, ledger_sum, pay_part
from support.world import World, principal

from staffing.crediting.models import CreditNote, CreditNoteLine, CreditReason
from staffing.crediting.rules import Asked
from staffing.crediting.service import To
from staffing.crediting.standing import creditable, standing
from staffing.errors import Conflict, Invalid
from staffing.invoicing.models import Invoice, InvoiceLine
from staffing.payments import corrections, refund_requests
from staffing.payments.models import Refund
from staffing.persistence.base import new_id
from staffing.persistence.models import AccessEvent
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database

Sent = Callable[..., Awaitable[UUID]]
ways = st.sampled_from(("amount", "minutes", "rest", "entry"))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("credit"), st.integers(0, 2), ways, st.integers(1, 4000), st.sampled_from(To)),
        st.tuples(st.just("pay"), st.integers(0, 2), ways, st.integers(1, 9000), st.just(To.REFUND)),
        st.tuples(st.just("refund"), st.integers(0, 2), ways, st.integers(1, 4000), st.just(To.REFUND)),
    ),
    min_size=6,
    max_size=14,
)


@given(steps=steps)
@effort(max_examples=15, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.usefixtures("standing")
async def test_the_books_hold_after_any_order_of_corrections(
    database: Database, world: World, sent: Sent, steps: list[tuple[str, int, str, int, To]]
) -> None:
    """All examples go on with one invoice; when it is wholly credited, everything more is refused in words."""
    async with database.transaction(SYSTEM) as tx:
        invoice_id = await tx.scalar(select(Invoice.id))
    invoice_id = invoice_id or await sent(taxed=True)
    for step in steps:
        with suppress(Conflict, Invalid):
            await _do(database, world, invoice_id, *step)
        await _check(database, invoice_id)


async def _do(database: Database, world: World, invoice_id: UUID, what: str, number: int, way: str, size: int, to: To) -> None:
    bella = principal(world, "bella")
    if what == "pay":
        await pay_part(database, invoice_id, size)
        return
    async with database.transaction(bella.scope()) as tx:
        if what == "refund":
            found = await refund_requests.refundable(tx, invoice_id)
            if found:
                payment = found[number % len(found)].payment_id
                await corrections.request_refund(tx, bella, invoice_id, payment, size, "duplicate", new_id())
            return
        invoice = await tx.get_one(Invoice, invoice_id)
        left = await creditable(tx, invoice)
        line_id = list(left.lines)[number]
        entry = next((entry for line, entry in left.entries if line == line_id), None)
        asked = {
            "amount": Asked(line_id, size),
            "minutes": Asked(line_id, minutes=Decimal(size) / 100),
            "rest": Asked(line_id),
            "entry": Asked(line_id, entry_id=entry),
        }[way]
        await corrections.issue_credit_note(tx, bella, invoice_id, [asked], CreditReason.GOODWILL, new_id(), to)


async def _check(database: Database, invoice_id: UUID) -> None:
    assert await ledger_sum(database) == 0
    async with database.transaction(SYSTEM) as tx:
        invoice = await tx.get_one(Invoice, invoice_id)
        notes = list(await tx.scalars(select(CreditNote).order_by(CreditNote.number)))
        assert [note.number for note in notes] == [f"CN-2026-{n:04d}" for n in range(1, len(notes) + 1)]
        assert sum(note.total_minor for note in notes) <= invoice.total_minor
        per_line = dict(
            (
                await tx.execute(
                    select(CreditNoteLine.invoice_line_id, func.sum(CreditNoteLine.amount_minor)).group_by(
                        CreditNoteLine.invoice_line_id
                    )
                )
            ).all()
        )
        lines = list(await tx.scalars(select(InvoiceLine)))
        assert all(per_line.get(line.id, 0) <= line.amount_minor for line in lines)
        if all(per_line.get(line.id, 0) == line.amount_minor for line in lines):
            assert sum(note.total_minor for note in notes) == invoice.total_minor
            assert sum(note.tax_minor for note in notes) == invoice.tax_minor
        now = await standing(tx, invoice_id)
        back = int(await tx.scalar(select(func.sum(Refund.amount_minor))) or 0)
        assert back <= now.paid_minor
        assert back <= max(-now.owed_minor, 0)
        noted = await tx.scalar(select(func.count()).where(AccessEvent.action == "credit_note.issue"))
        assert noted == len(notes)
    assert await balance(database, "customer_credit") == -sum(note.balance_minor for note in notes)
    assert await balance(database, "receivable") == now.owed_minor
