"""From the desk's credit note to Stripe and back: the same cents in our books, at Stripe, and on the facility's account."""

from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from support.crediting import MARCH_TERMS, balance, ledger_sum
from support.invoices import Died
from support.paying import Till
from support.payment_crashes import dying_at
from support.world import principal

from staffing.crediting.models import CreditNote, CreditReason
from staffing.crediting.rules import Asked
from staffing.crediting.service import To
from staffing.crediting.standing import kept_credit, standing
from staffing.facilities.models import RateCard
from staffing.invoicing.models import InvoiceLine, InvoiceLineEntry
from staffing.payments import corrections, refund_requests
from staffing.payments.models import Refund
from staffing.persistence.base import new_id
from staffing.persistence.tenancy import SYSTEM


async def credit(till: Till, invoice_id: UUID, minor: int | None, to: To = To.REFUND, form_id: UUID | None = None) -> CreditNote:
    bella = principal(till.world, "bella")
    async with till.database.transaction(bella.scope()) as tx:
        line = (await tx.scalars(select(InvoiceLine.id).where(InvoiceLine.invoice_id == invoice_id))).one()
        return await corrections.issue_credit_note(
            tx, bella, invoice_id, [Asked(line, minor)], CreditReason.WRONG_RATE, form_id or new_id(), to
        )


async def notes(till: Till) -> list[CreditNote]:
    async with till.database.transaction(SYSTEM) as tx:
        return list(await tx.scalars(select(CreditNote).order_by(CreditNote.number)))


async def taxed(till: Till) -> None:
    async with till.database.transaction(SYSTEM) as tx:
        await tx.execute(update(RateCard).values(terms=MARCH_TERMS))


async def test_odd_parts_of_a_taxed_line_are_what_stripe_makes_of_them(till: Till) -> None:
    await taxed(till)
    invoice_id = await till.paid(seconds=3607)
    for minor, to in ((333, To.REFUND), (1000, To.BALANCE), (1, To.REFUND), (None, To.REFUND)):
        await credit(till, invoice_id, minor, to)
        await till.work_off()
    found = await notes(till)
    assert [(note.stripe_problem, bool(note.stripe_credit_note_id)) for note in found] == [("", True)] * 4
    theirs = {one["id"]: one["total"] for one in await till.sandbox.objects("credit_notes")}
    assert theirs == {note.stripe_credit_note_id: note.total_minor for note in found}
    invoice = await till.read(invoice_id)
    assert sum(note.total_minor for note in found) == invoice.total_minor
    assert sum(note.tax_minor for note in found) == invoice.tax_minor
    assert invoice.stripe_problem == ""
    async with till.database.transaction(SYSTEM) as tx:
        now = await standing(tx, invoice_id)
        assert await refund_requests.overpaid(tx, invoice_id) == 0
        assert await kept_credit(tx, till.world.north) == found[1].balance_minor == 1070
    assert (now.owed_minor, now.refunded_minor) == (0, invoice.total_minor - 1070)
    assert await ledger_sum(till.database) == 0


async def test_what_was_kept_comes_off_the_next_invoice(till: Till) -> None:
    invoice_id = await till.paid()
    await credit(till, invoice_id, 1500, To.BALANCE)
    await till.work_off()
    following = await till.sent()
    await till.run("invoicing.check", following)
    async with till.database.transaction(SYSTEM) as tx:
        now = await standing(tx, following)
        assert (now.invoiced_minor, now.used_minor, now.owed_minor) == (4200, 1500, 2700)
        assert await kept_credit(tx, till.world.north) == 0
    await till.pay(following)
    await till.run("invoicing.check", following)
    assert (await till.read(following)).state == "paid"
    assert await balance(till.database, "receivable", following) == 0


async def test_a_wholly_credited_invoice_is_settled(till: Till) -> None:
    invoice_id = await till.sent()
    await credit(till, invoice_id, None)
    await till.work_off()
    invoice = await till.read(invoice_id)
    assert (invoice.state, invoice.stripe_problem) == ("paid", "")
    assert await till.charges() == []


async def test_a_credit_for_an_entry_reaches_stripe_without_the_entry(till: Till) -> None:
    invoice_id = await till.sent()
    bella = principal(till.world, "bella")
    async with till.database.transaction(bella.scope()) as tx:
        line, entry = (await tx.execute(select(InvoiceLineEntry.line_id, InvoiceLineEntry.entry_id))).one()
        asked = [Asked(line, entry_id=entry)]
        await corrections.issue_credit_note(tx, bella, invoice_id, asked, CreditReason.DISPUTED_WORK, new_id())
    await till.work_off()
    assert [note.stripe_problem for note in await notes(till)] == [""]
    assert not any(str(entry) in sent for sent in till.sandbox.sent)


async def test_withdrawn_and_written_off_at_stripe_too(till: Till) -> None:
    bella = principal(till.world, "bella")
    withdrawn, given_up = await till.sent(), await till.sent()
    async with till.database.transaction(bella.scope()) as tx:
        await corrections.void_invoice(tx, bella, withdrawn, "Sent to the wrong clinic.")
    async with till.database.transaction(bella.scope()) as tx:
        await corrections.write_off(tx, bella, given_up, "The clinic closed.")
    await till.work_off()
    assert [(await till.read(one)).stripe_status for one in (withdrawn, given_up)] == ["void", "uncollectible"]
    stripe_id = (await till.read(given_up)).stripe_invoice_id
    await till.post(f"/v1/invoices/{stripe_id}/pay", {"paid_out_of_band": "true"})
    await till.run("invoicing.check", given_up)
    assert (await till.read(given_up)).state == "paid"
    assert await balance(till.database, "bad_debt") == 0
    assert await balance(till.database, "receivable") == 0
    assert await ledger_sum(till.database) == 0


@pytest.mark.parametrize("point", ["credit_note.after_number", "credit_note.after_ledger"])
async def test_dying_while_it_is_issued_leaves_nothing_and_no_gap(till: Till, point: str) -> None:
    invoice_id, form_id = await till.paid(), new_id()
    with dying_at(point) as deaths, pytest.raises(Died):
        await credit(till, invoice_id, 500, form_id=form_id)
    assert deaths == [point]
    assert await notes(till) == []
    assert (await credit(till, invoice_id, 500, form_id=form_id)).number == "CN-2026-0001"
    await till.work_off()
    async with till.database.transaction(SYSTEM) as tx:
        assert (await tx.execute(select(func.count(), func.sum(Refund.amount_minor)).select_from(Refund))).one() == (1, 500)
    assert await balance(till.database, "receivable", invoice_id) == 0
