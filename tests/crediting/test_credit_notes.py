"""Credit notes through the real database: numbers, ledger, refunds, disputes, limits."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from support.crediting import balance, ledger_sum, pay_part
from support.world import World, principal

from staffing.crediting.errors import CreditNotPossible, OutcomeChanged, RefundNeedsCreditNote
from staffing.crediting.models import CreditNote, CreditNoteLine, CreditReason
from staffing.crediting.rules import Asked
from staffing.crediting.service import To
from staffing.crediting.standing import creditable, kept_credit, standing
from staffing.errors import Invalid, NotAllowed, NotFound
from staffing.invoicing import service as invoicing
from staffing.invoicing.models import Invoice, InvoiceLine, InvoiceLineEntry
from staffing.payments import corrections, refund_requests
from staffing.payments.models import Payment, PaymentDispute, Refund
from staffing.persistence.base import new_id
from staffing.persistence.models import AccessEvent
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.worklog import service as worklog
from staffing.worklog.models import EntryEvent, WorkEntry

Sent = Callable[..., Awaitable[UUID]]
pytestmark = pytest.mark.usefixtures("standing")


async def credit(
    database: Database,
    world: World,
    invoice_id: UUID,
    *asked: Asked,
    to: To = To.REFUND,
    form_id: UUID | None = None,
    settled: str = "",
    who: str = "bella",
) -> CreditNote:
    by = principal(world, who)
    async with database.transaction(by.scope()) as tx:
        return await corrections.issue_credit_note(
            tx, by, invoice_id, asked, CreditReason.WRONG_RATE, form_id or new_id(), to, settled=settled
        )


async def lines_of(database: Database, invoice_id: UUID) -> list[InvoiceLine]:
    """Joseph's $42.00, Maria's $63.00 and $4.55, by amount."""
    async with database.transaction(SYSTEM) as tx:
        found = await tx.scalars(
            select(InvoiceLine).where(InvoiceLine.invoice_id == invoice_id).order_by(InvoiceLine.amount_minor)
        )
        return list(found)


async def queued(database: Database) -> list[str]:
    async with database.transaction(SYSTEM) as tx:
        rows = await tx.execute(text("select entrypoint from queue.pgqueuer order by id"))
        return [row[0] for row in rows if row[0] != "invoicing.send"]


async def test_what_is_owed_is_lowered_and_nothing_is_refunded(database: Database, world: World, sent: Sent) -> None:
    invoice_id = await sent()
    small, _, large = await lines_of(database, invoice_id)
    note = await credit(database, world, invoice_id, Asked(small.id), Asked(large.id, 1365))
    assert (note.number, note.total_minor, note.applied_minor) == ("CN-2026-0001", 1820, 1820)
    assert (note.refund_minor, note.balance_minor) == (0, 0)
    assert await balance(database, "receivable", invoice_id) == 10955 - 1820
    assert await balance(database, "revenue", invoice_id) == -(10955 - 1820)
    assert await ledger_sum(database) == 0
    assert await queued(database) == ["payments.credit_note"]
    async with database.transaction(SYSTEM) as tx:
        said = (await tx.execute(select(AccessEvent.action, AccessEvent.detail, AccessEvent.facility_id))).all()
        assert ("credit_note.issue", "2 lines", world.north) in said
        assert (await tx.get_one(Invoice, invoice_id)).state == "sent"


async def test_what_was_paid_goes_back_from_the_latest_payment_first(database: Database, world: World, sent: Sent) -> None:
    invoice_id = await sent(taxed=True)  # $117.22 with $7.67 tax
    first = await pay_part(database, invoice_id, 5000)
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(Payment).values(settled_at=Payment.settled_at - func.make_interval(0, 0, 0, 1)))
    second = await pay_part(database, invoice_id, 6722)
    note = await credit(database, world, invoice_id, *(Asked(line.id) for line in await lines_of(database, invoice_id)))
    assert (note.subtotal_minor, note.tax_minor, note.total_minor) == (10955, 767, 11722)
    assert (note.applied_minor, note.refund_minor) == (0, 11722)
    async with database.transaction(SYSTEM) as tx:
        rows = (await tx.execute(select(Refund.payment_id, Refund.amount_minor, Refund.state, Refund.credit_note_id))).all()
    assert sorted(rows, key=lambda row: row[1]) == [(first, 5000, "requested", note.id), (second, 6722, "requested", note.id)]
    # The refund is booked when Stripe has taken it: until then the invoice is overpaid by it.
    assert await balance(database, "receivable", invoice_id) == -11722
    assert await balance(database, "tax_payable", invoice_id) == 0
    assert await ledger_sum(database) == 0
    async with database.transaction(SYSTEM) as tx:
        assert await refund_requests.overpaid(tx, invoice_id) == 0
    assert await queued(database) == ["payments.credit_note"]


async def test_part_owed_part_paid(database: Database, world: World, sent: Sent) -> None:
    invoice_id = await sent(paid=8000)
    *_, large = await lines_of(database, invoice_id)
    note = await credit(database, world, invoice_id, Asked(large.id), to=To.BALANCE)
    assert (note.applied_minor, note.refund_minor, note.balance_minor) == (2955, 0, 3345)
    assert await balance(database, "receivable", invoice_id) == 0
    assert await balance(database, "customer_credit") == -3345
    async with database.transaction(SYSTEM) as tx:
        assert await kept_credit(tx, world.north) == 3345
        assert await kept_credit(tx, world.south) == 0
        now = await standing(tx, invoice_id)
    assert (now.paid_minor, now.credited_minor, now.kept_minor, now.owed_minor) == (8000, 6300, 3345, 0)
    assert await ledger_sum(database) == 0


async def test_parts_by_minutes_and_amounts_end_exactly_at_the_line(database: Database, world: World, sent: Sent) -> None:
    invoice_id = await sent(taxed=True)
    *_, large = await lines_of(database, invoice_id)
    totals = []
    for minutes in ("20", "0.5", "69.5"):
        note = await credit(database, world, invoice_id, Asked(large.id, minutes=Decimal(minutes)))
        totals.append(note.total_minor)
    assert sum(totals) == 6300 + 441
    with pytest.raises(Invalid) as refused:
        await credit(database, world, invoice_id, Asked(large.id, 1))
    assert refused.value.fields == {f"line-{large.id}": "Only $0.00 of this line is left to credit."}
    async with database.transaction(SYSTEM) as tx:
        numbers = list(await tx.scalars(select(CreditNote.number).order_by(CreditNote.number)))
    assert numbers == ["CN-2026-0001", "CN-2026-0002", "CN-2026-0003"]


async def test_the_same_form_credits_once_also_eight_times_in_parallel(database: Database, world: World, sent: Sent) -> None:
    invoice_id, form_id = await sent(paid=10955), new_id()
    small, *_ = await lines_of(database, invoice_id)
    first = await asyncio.gather(*(credit(database, world, invoice_id, Asked(small.id), form_id=form_id) for _ in range(8)))
    again = await credit(database, world, invoice_id, Asked(small.id), form_id=form_id)
    assert {note.id for note in first} | {again.id} == {first[0].id}
    async with database.transaction(SYSTEM) as tx:
        assert await tx.scalar(select(func.count()).select_from(CreditNote)) == 1
        assert await tx.scalar(select(func.count()).select_from(Refund)) == 1
    with pytest.raises(NotFound):
        await credit(database, world, await sent(facility_id=world.south), Asked(small.id), form_id=form_id)


async def test_eight_forms_in_parallel_never_take_more_than_there_is(database: Database, world: World, sent: Sent) -> None:
    invoice_id = await sent()
    small, *_ = await lines_of(database, invoice_id)
    done = await asyncio.gather(
        *(credit(database, world, invoice_id, Asked(small.id, 100)) for _ in range(8)), return_exceptions=True
    )
    issued = [one for one in done if isinstance(one, CreditNote)]
    assert len(issued) == 4
    assert all(isinstance(one, (CreditNote, Invalid)) for one in done)
    assert sorted(note.number for note in issued) == [f"CN-2026-000{n}" for n in range(1, 5)]
    assert await balance(database, "receivable", invoice_id) == 10955 - 400


async def test_an_entry_has_its_share_of_the_line_and_stays_on_it(database: Database, world: World, sent: Sent) -> None:
    invoice_id = await sent()
    *_, large = await lines_of(database, invoice_id)
    async with database.transaction(SYSTEM) as tx:
        entries = list(
            await tx.scalars(
                select(InvoiceLineEntry.entry_id)
                .where(InvoiceLineEntry.line_id == large.id)
                .order_by(func.lower(InvoiceLineEntry.during))
            )
        )
    note = await credit(database, world, invoice_id, Asked(large.id, entry_id=entries[1]))
    assert note.total_minor == 2100
    async with database.transaction(SYSTEM) as tx:
        assert (await tx.get_one(WorkEntry, entries[1])).state == "invoiced"
        found = await creditable(tx, await tx.get_one(Invoice, invoice_id))
        assert found.entries[large.id, entries[1]] == 0
        assert found.lines_of(entries[1]) == []
    with pytest.raises(Invalid):
        await credit(database, world, invoice_id, Asked(large.id, entry_id=entries[1]))
    assert (await credit(database, world, invoice_id, Asked(large.id, entry_id=entries[0]))).total_minor == 4200
    other = (await lines_of(database, invoice_id))[0]
    with pytest.raises(NotFound):
        await credit(database, world, invoice_id, Asked(other.id, entry_id=entries[0]))


async def test_a_disputed_entry_is_settled_by_its_credit_note(database: Database, world: World, sent: Sent) -> None:
    invoice_id = await sent()
    *_, large = await lines_of(database, invoice_id)
    async with database.transaction(SYSTEM) as tx:
        entry_id = (await tx.scalars(select(InvoiceLineEntry.entry_id).where(InvoiceLineEntry.line_id == large.id))).first()
    assert entry_id
    alice, bella = principal(world, "alice"), principal(world, "bella")
    async with database.transaction(alice.scope()) as tx:
        await worklog.dispute(tx, alice, entry_id, "Nobody called.")
    async with database.transaction(SYSTEM) as tx:
        entry = await tx.get_one(WorkEntry, entry_id)
        assert (entry.state, entry.dispute_reason) == ("invoiced", "Nobody called.")
        assert entry.disputed_at
    with pytest.raises(Invalid) as silent:
        await credit(database, world, invoice_id, Asked(large.id, entry_id=entry_id))
    assert "settled" in silent.value.fields
    with pytest.raises(worklog_step_not_possible()):
        async with database.transaction(bella.scope()) as tx:
            await worklog.resolve(tx, bella, entry_id, keep=False, reason="You are right.")
    await credit(database, world, invoice_id, Asked(large.id, entry_id=entry_id), settled="The phone log says so too.")
    async with database.transaction(SYSTEM) as tx:
        entry = await tx.get_one(WorkEntry, entry_id)
        assert (entry.state, entry.disputed_at) == ("invoiced", None)
        steps = (
            await tx.execute(
                select(EntryEvent.step, EntryEvent.reason).where(EntryEvent.entry_id == entry_id).order_by(EntryEvent.id)
            )
        ).all()
    assert ("credited", "The phone log says so too.") in steps


def worklog_step_not_possible() -> type[Exception]:
    from staffing.worklog.errors import StepNotPossible

    return StepNotPossible


async def test_a_dispute_of_an_invoiced_entry_can_be_kept_withdrawn_and_outlives_the_invoice(
    database: Database, world: World, sent: Sent
) -> None:
    invoice_id = await sent()
    *_, large = await lines_of(database, invoice_id)
    alice, bella = principal(world, "alice"), principal(world, "bella")
    async with database.transaction(SYSTEM) as tx:
        ids = list(await tx.scalars(select(InvoiceLineEntry.entry_id).where(InvoiceLineEntry.line_id == large.id)))
    for entry_id in ids:
        async with database.transaction(alice.scope()) as tx:
            await worklog.dispute(tx, alice, entry_id, "Nobody called.")
    with pytest.raises(worklog_step_not_possible()):
        async with database.transaction(alice.scope()) as tx:
            await worklog.dispute(tx, alice, ids[0], "Once more.")
    async with database.transaction(bella.scope()) as tx:
        await worklog.resolve(tx, bella, ids[0], keep=True, reason="The log shows the call.")
    async with database.transaction(SYSTEM) as tx:
        assert (await tx.get_one(WorkEntry, ids[0])).state == "invoiced"
    with pytest.raises(worklog_step_not_possible()):
        async with database.transaction(alice.scope()) as tx:
            await worklog.withdraw_dispute(tx, alice, ids[0])
    async with database.transaction(bella.scope()) as tx:
        await corrections.void_invoice(tx, bella, invoice_id, "Sent to the wrong address.")
    async with database.transaction(SYSTEM) as tx:
        states = [(await tx.get_one(WorkEntry, entry_id)).state for entry_id in ids]
        assert states == ["approved", "disputed"]
        assert (await tx.get_one(Invoice, invoice_id)).voided_because == "Sent to the wrong address."


@pytest.mark.parametrize("state", ["draft", "finalized", "void", "uncollectible"])
async def test_only_an_invoice_that_was_sent_is_credited(database: Database, world: World, sent: Sent, state: str) -> None:
    invoice_id = await sent()
    small, *_ = await lines_of(database, invoice_id)
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(Invoice).where(Invoice.id == invoice_id).values(state=state))
    with pytest.raises(CreditNotPossible):
        await credit(database, world, invoice_id, Asked(small.id))


async def test_nothing_is_corrected_while_a_bank_debit_is_under_way(database: Database, world: World, sent: Sent) -> None:
    invoice_id = await sent()
    await pay_part(database, invoice_id, 10955, state="processing")
    small, *_ = await lines_of(database, invoice_id)
    bella = principal(world, "bella")
    with pytest.raises(CreditNotPossible, match=r"\$109.55 is under way"):
        await credit(database, world, invoice_id, Asked(small.id))
    for correct in (corrections.void_invoice, corrections.write_off):
        with pytest.raises(CreditNotPossible):
            async with database.transaction(bella.scope()) as tx:
                await correct(tx, bella, invoice_id, "Why not.")


async def test_what_cannot_be_sent_back_is_kept(database: Database, world: World, sent: Sent) -> None:
    invoice_id = await sent()
    payment_id = await pay_part(database, invoice_id, 10955)
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(
            insert(PaymentDispute).values(
                id=new_id(), facility_id=world.north, invoice_id=invoice_id, payment_id=payment_id, stripe_dispute_id="du_1",
                amount_minor=10955, currency="USD", reason="fraudulent", state="under_review", opened_at=func.now(),
            )
        )  # fmt: skip
    small, *_ = await lines_of(database, invoice_id)
    with pytest.raises(Invalid) as refused:
        await credit(database, world, invoice_id, Asked(small.id))
    assert "Nothing of it was paid in a way that can be refunded here." in refused.value.fields["to"]
    assert (await credit(database, world, invoice_id, Asked(small.id), to=To.BALANCE)).number == "CN-2026-0001"


async def test_the_outcome_that_was_confirmed_is_what_happens(database: Database, world: World, sent: Sent) -> None:
    invoice_id = await sent()
    small, *_ = await lines_of(database, invoice_id)
    bella = principal(world, "bella")
    async with database.transaction(bella.scope()) as tx:
        seen = await corrections.preview_credit_note(tx, bella, invoice_id, [Asked(small.id)], To.REFUND)
    assert (seen.plan.outcome.applied_minor, seen.plan.left_minor) == (455, 10500)
    await pay_part(database, invoice_id, 10955)
    with pytest.raises(OutcomeChanged):
        async with database.transaction(bella.scope()) as tx:
            await corrections.issue_credit_note(
                tx, bella, invoice_id, [Asked(small.id)], CreditReason.GOODWILL, new_id(), confirmed=seen.plan.seal
            )
    async with database.transaction(SYSTEM) as tx:
        assert await tx.scalar(select(func.count()).select_from(CreditNote)) == 0


@pytest.mark.parametrize("name", ["dora", "alice", "charlie", "maria"])
async def test_who_may_not(database: Database, world: World, sent: Sent, name: str) -> None:
    invoice_id = await sent(paid=10955)
    small, *_ = await lines_of(database, invoice_id)
    by = principal(world, name)
    with pytest.raises(NotAllowed):
        await credit(database, world, invoice_id, Asked(small.id), who=name)
    for correct in (corrections.void_invoice, corrections.write_off):
        with pytest.raises(NotAllowed):
            async with database.transaction(by.scope()) as tx:
                await correct(tx, by, invoice_id, "Because.")
    with pytest.raises(NotAllowed):
        async with database.transaction(by.scope()) as tx:
            await corrections.request_refund(tx, by, invoice_id, new_id(), 1, "duplicate", new_id())


async def test_written_off_can_still_be_paid_and_is_not_credited(database: Database, world: World, sent: Sent) -> None:
    invoice_id = await sent(paid=955)
    bella = principal(world, "bella")
    with pytest.raises(Invalid):
        async with database.transaction(bella.scope()) as tx:
            await corrections.write_off(tx, bella, invoice_id, "  ")
    async with database.transaction(bella.scope()) as tx:
        invoice = await corrections.write_off(tx, bella, invoice_id, "The clinic closed in January.")
        assert invoice.uncollectible_because == "The clinic closed in January."
    assert await balance(database, "bad_debt", invoice_id) == 10000
    assert await balance(database, "receivable", invoice_id) == 0
    assert await ledger_sum(database) == 0
    assert (await queued(database))[-1] == "payments.write_off"
    with pytest.raises(Exception, match="written off"):
        async with database.transaction(bella.scope()) as tx:
            await corrections.write_off(tx, bella, invoice_id, "Once more.")


async def test_nothing_owed_is_nothing_to_write_off(database: Database, world: World, sent: Sent) -> None:
    invoice_id = await sent()
    await credit(database, world, invoice_id, *(Asked(line.id) for line in await lines_of(database, invoice_id)))
    bella = principal(world, "bella")
    with pytest.raises(Exception, match="nothing to write off"):
        async with database.transaction(bella.scope()) as tx:
            await corrections.write_off(tx, bella, invoice_id, "Closed.")


async def test_a_refund_needs_a_credit_note_but_for_what_came_twice(database: Database, world: World, sent: Sent) -> None:
    invoice_id = await sent(paid=10955)
    bella = principal(world, "bella")

    async def refund(payment_id: UUID, amount: int, form_id: UUID | None = None) -> Refund:
        async with database.transaction(bella.scope()) as tx:
            return await corrections.request_refund(tx, bella, invoice_id, payment_id, amount, "duplicate", form_id or new_id())

    async with database.transaction(SYSTEM) as tx:
        (paid,) = await tx.scalars(select(Payment.id))
    for amount in (10955, 100):
        with pytest.raises(RefundNeedsCreditNote, match="Nothing of it is more than is owed"):
            await refund(paid, amount)
    again = await pay_part(database, invoice_id, 10955)
    with pytest.raises(RefundNeedsCreditNote, match=r"\$109.55 of it"):
        await refund(again, 10956)
    form_id = new_id()
    done = await asyncio.gather(*(refund(again, 10955, form_id) for _ in range(4)))
    assert len({one.id for one in done}) == 1
    assert (await queued(database)).count("payments.refund") == 1
    with pytest.raises(RefundNeedsCreditNote):
        await refund(paid, 1)


async def test_the_database_itself_refuses_too_much_and_later_changes(database: Database, world: World, sent: Sent) -> None:
    invoice_id = await sent()
    small, _, large = await lines_of(database, invoice_id)
    note = await credit(database, world, invoice_id, Asked(small.id, 400))

    async def write(total: int, line: UUID, amount: int) -> None:
        async with database.transaction(SYSTEM) as tx:
            note_id = new_id()
            await tx.execute(
                insert(CreditNote).values(
                    id=note_id, facility_id=world.north, invoice_id=invoice_id, number=f"X-{note_id}", form_id=new_id(),
                    reason="goodwill", currency="USD", subtotal_minor=total, tax_minor=0, total_minor=total,
                    applied_minor=total, refund_minor=0, balance_minor=0, issued_at=func.now(), stripe_problem="",
                )
            )  # fmt: skip
            await tx.execute(
                insert(CreditNoteLine).values(
                    id=new_id(), facility_id=world.north, credit_note_id=note_id, invoice_line_id=line, position=1,
                    amount_minor=amount, tax_minor=0,
                )
            )  # fmt: skip

    for total, line, amount, why in (
        (56, small.id, 56, "more is credited on line"),
        (10556, large.id, 10556, "come to more than it"),
        (30, large.id, 31, "do not add up"),
    ):
        with pytest.raises(DBAPIError, match=why):
            await write(total, line, amount)
    for statement in (
        update(CreditNote).values(total_minor=1),
        update(CreditNoteLine).values(amount_minor=1),
    ):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with database.transaction(SYSTEM) as tx:
                await tx.execute(statement)
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(CreditNote).where(CreditNote.id == note.id).values(stripe_credit_note_id="cn_1"))


async def test_an_invoice_of_which_something_is_credited_is_not_withdrawn(database: Database, world: World, sent: Sent) -> None:
    invoice_id = await sent()
    small, *_ = await lines_of(database, invoice_id)
    await credit(database, world, invoice_id, Asked(small.id))
    bella = principal(world, "bella")
    with pytest.raises(Exception, match="paid or credited already"):
        async with database.transaction(bella.scope()) as tx:
            await corrections.void_invoice(tx, bella, invoice_id, "Wrong.")
    async with database.transaction(bella.scope()) as tx:
        assert (await invoicing.ask_stripe(tx, bella, invoice_id)).state == "sent"
