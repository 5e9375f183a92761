"""From reviewed to final: numbers without gaps, nothing changed silently, one of two wins, the ledger balances."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from support.invoices import at, work
from support.world import World, principal

from staffing import clock
from staffing.errors import Conflict, NotAllowed, NotFound
from staffing.facilities.models import ServiceRate
from staffing.invoicing import service
from staffing.invoicing.errors import ChangedSinceDrafted, ChangedSinceSeen, NothingToInvoice, StepNotPossible
from staffing.invoicing.models import Invoice, InvoiceLineEntry, LedgerPosting, LedgerTransaction, NumberSeries
from staffing.persistence.base import new_id
from staffing.persistence.models import AccessEvent
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.worklog.models import EntryState, WorkEntry

FROM, TO = date(2026, 3, 1), date(2026, 3, 31)
pytestmark = pytest.mark.usefixtures("standing")


async def reviewed(database: Database, world: World, *, start: date = FROM, end: date = TO) -> UUID:
    bella = principal(world, "bella")
    async with database.transaction(bella.scope()) as tx:
        drafted = await service.draft_invoice(tx, bella, world.north, start, end)
        await service.review(tx, bella, drafted.id)
    return drafted.id


async def finalize(database: Database, world: World, invoice_id: UUID, who: str = "bella") -> Invoice:
    caller = principal(world, who)
    async with database.transaction(caller.scope()) as tx:
        return await service.finalize(tx, caller, invoice_id)


async def test_a_final_invoice_has_number_due_date_booking_and_job(
    database: Database, world: World, finalized: Callable[..., Awaitable[UUID]]
) -> None:
    invoice_id = await finalized()
    async with database.transaction(SYSTEM) as tx:
        invoice = await tx.get_one(Invoice, invoice_id)
        assert (invoice.state, invoice.number, invoice.total_minor) == ("finalized", "RD-2026-0001", 4655)
        # 4 March 2026 in Columbus, net 14.
        assert invoice.due_on == date(2026, 3, 18)
        assert invoice.finalized_by == world.bella
        assert set(await tx.scalars(select(WorkEntry.state))) == {"invoiced"}
        booked = (await tx.execute(select(LedgerTransaction.kind, LedgerTransaction.source))).one()
        assert booked == ("invoice_finalised", str(invoice_id))
        postings = dict((await tx.execute(select(LedgerPosting.account, LedgerPosting.amount_minor))).all())
        assert postings == {"receivable": 4655, "revenue": -4655}
        waiting = (await tx.execute(text("select entrypoint, convert_from(payload, 'UTF8') from queue.pgqueuer"))).all()
        assert waiting == [("invoicing.send", f'{{"id": "{invoice_id}"}}')]
        steps = list(await tx.scalars(select(AccessEvent.action).where(AccessEvent.object_type == "invoice")))
        assert steps == ["invoice.created", "invoice.review", "invoice.finalize"]


async def test_a_draft_has_to_be_reviewed_first(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(2, 9))
    bella = principal(world, "bella")
    async with database.transaction(bella.scope()) as tx:
        drafted = await service.draft_invoice(tx, bella, world.north, FROM, TO)
    with pytest.raises(StepNotPossible, match="reviewed first"):
        await finalize(database, world, drafted.id)
    async with database.transaction(SYSTEM) as tx:
        assert await tx.get(NumberSeries, "invoice-2026") is None


async def test_two_people_finalise_at_once_and_one_wins(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(2, 9))
    invoice_id = await reviewed(database, world)
    outcomes = await asyncio.gather(
        finalize(database, world, invoice_id, "bella"), finalize(database, world, invoice_id, "olga"), return_exceptions=True
    )
    refused = [one for one in outcomes if isinstance(one, StepNotPossible)]
    assert len(refused) == 1
    assert "as RD-2026-0001" in refused[0].message
    async with database.transaction(SYSTEM) as tx:
        assert len(list(await tx.scalars(select(LedgerTransaction.id)))) == 1
        assert (await tx.get_one(NumberSeries, "invoice-2026")).last == 1


async def test_numbers_have_no_gaps_when_many_finalise_and_some_fail(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        for day in range(1, 9):
            work(tx, world, at(day, 9, month=2))
    invoices = [await reviewed(database, world, start=date(2026, 2, day), end=date(2026, 2, day)) for day in range(1, 9)]
    bella = principal(world, "bella")

    async def undone(invoice_id: UUID) -> None:
        async with database.transaction(bella.scope()) as tx:
            await service.finalize(tx, bella, invoice_id)
            raise RuntimeError("the machine stops here")

    await asyncio.gather(
        *(undone(one) if place % 3 == 0 else finalize(database, world, one) for place, one in enumerate(invoices)),
        return_exceptions=True,
    )
    for one in invoices[::3]:
        await finalize(database, world, one)
    async with database.transaction(SYSTEM) as tx:
        numbers = sorted(filter(None, await tx.scalars(select(Invoice.number))))
    assert numbers == [f"RD-2026-{number:04d}" for number in range(1, 9)]


async def test_the_number_belongs_to_the_agencys_year(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(31, 9, month=1))
    bella = principal(world, "bella")
    # Half past eleven at night on 31 December in New York is the next year in UTC.
    with clock.standing_at(at(31, 23, 30, month=12)):
        async with database.transaction(bella.scope()) as tx:
            drafted = await service.draft_invoice(tx, bella, world.north, date(2026, 1, 1), date(2026, 1, 31))
            await service.review(tx, bella, drafted.id)
            invoice = await service.finalize(tx, bella, drafted.id)
    assert (invoice.number, invoice.due_on) == ("RD-2026-0001", date(2027, 1, 14))


async def test_an_entry_disputed_after_the_review_stops_the_finalising_in_words(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(2, 9))
        lost = work(tx, world, at(3, 9))
    invoice_id = await reviewed(database, world)
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(WorkEntry).where(WorkEntry.id == lost.id).values(state="disputed", dispute_reason="No."))
    with pytest.raises(ChangedSinceDrafted, match="1 entry on it is no longer approved"):
        await finalize(database, world, invoice_id)
    # The way on: update, review, finalise. The rest goes out, the disputed entry waits.
    assert await reviewed(database, world) == invoice_id
    invoice = await finalize(database, world, invoice_id)
    assert (invoice.total_minor, invoice.held_count) == (4200, 1)


async def test_a_price_changed_after_the_review_stops_the_finalising(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(2, 9))
    invoice_id = await reviewed(database, world)
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(ServiceRate).values(bill_per_hour=Decimal("43.00")))
    with pytest.raises(ChangedSinceDrafted, match="The prices, the hours"):
        await finalize(database, world, invoice_id)


async def test_hours_changed_after_the_review_stop_the_finalising(database: Database, world: World) -> None:
    """Withdrawn, corrected and approved again: the entry is the same, its time is not."""
    async with database.transaction(SYSTEM) as tx:
        entry = work(tx, world, at(2, 9))
    invoice_id = await reviewed(database, world)
    async with database.transaction(SYSTEM) as tx:
        shorter = work(tx, world, at(2, 9), seconds=1800).during
        tx.expunge_all()
        await tx.execute(update(WorkEntry).where(WorkEntry.id == entry.id).values(during=shorter))
    with pytest.raises(ChangedSinceDrafted):
        await finalize(database, world, invoice_id)


async def test_what_was_seen_has_to_be_what_is_there(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(2, 9))
    invoice_id = await reviewed(database, world)
    bella = principal(world, "bella")
    async with database.transaction(SYSTEM) as tx:
        seen = (await tx.get_one(Invoice, invoice_id)).version
        work(tx, world, at(3, 9))
    assert await reviewed(database, world) == invoice_id
    for use_case in (service.review, service.finalize, service.void):
        with pytest.raises(ChangedSinceSeen):
            async with database.transaction(bella.scope()) as tx:
                await use_case(tx, bella, invoice_id, seen_version=seen)


async def test_an_invoice_of_nothing_is_not_finalised(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(2, 9))
    await reviewed(database, world)
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(WorkEntry).values(state="disputed", dispute_reason="No."))
    with pytest.raises(NothingToInvoice):
        await finalize(database, world, await reviewed(database, world))


async def test_a_final_invoice_is_never_touched_again(
    database: Database, world: World, finalized: Callable[..., Awaitable[UUID]]
) -> None:
    invoice_id = await finalized()
    bella = principal(world, "bella")
    for use_case in (service.review, service.finalize):
        with pytest.raises(StepNotPossible):
            async with database.transaction(bella.scope()) as tx:
                await use_case(tx, bella, invoice_id)


async def test_a_withdrawn_draft_frees_its_entries(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(2, 9))
    bella = principal(world, "bella")
    invoice_id = await reviewed(database, world)
    async with database.transaction(bella.scope()) as tx:
        invoice = await service.void(tx, bella, invoice_id)
    assert (invoice.state, invoice.number) == ("void", None)
    async with database.transaction(SYSTEM) as tx:
        assert list(await tx.scalars(select(InvoiceLineEntry.entry_id))) == []
    second = await reviewed(database, world)
    assert second != invoice_id
    assert (await finalize(database, world, second)).number == "RD-2026-0001"


async def test_who_may_finalise_and_what_there_is(database: Database, world: World) -> None:
    async with database.transaction(SYSTEM) as tx:
        work(tx, world, at(2, 9))
    invoice_id = await reviewed(database, world)
    for name in ("alice", "charlie", "dora", "maria"):
        caller = principal(world, name)
        for use_case in (service.review, service.finalize, service.void, service.send_again, service.ask_stripe):
            with pytest.raises(NotAllowed):
                async with database.transaction(caller.scope()) as tx:
                    await use_case(tx, caller, invoice_id)
    with pytest.raises(NotFound):
        await finalize(database, world, new_id())


async def test_a_dispute_holds_whether_it_comes_before_the_invoice_is_final_or_after(database: Database, world: World) -> None:
    from staffing.worklog import service as worklog

    async with database.transaction(SYSTEM) as tx:
        entry = work(tx, world, at(2, 9))
        work(tx, world, at(3, 9))
    invoice_id = await reviewed(database, world)
    alice = principal(world, "alice")

    async def dispute() -> None:
        async with database.transaction(alice.scope()) as tx:
            await worklog.dispute(tx, alice, entry.id, "Nobody called us that day.")

    outcomes = await asyncio.gather(finalize(database, world, invoice_id), dispute(), return_exceptions=True)
    assert outcomes[1] is None
    async with database.transaction(SYSTEM) as tx:
        disputed = await tx.get_one(WorkEntry, entry.id)
        invoice = await tx.get_one(Invoice, invoice_id)
    found = (disputed.state, disputed.disputed_at is not None, invoice.state)
    if isinstance(outcomes[0], Conflict):
        assert found == (EntryState.DISPUTED, False, "reviewed")
    else:
        assert found == (EntryState.INVOICED, True, "finalized")


async def test_the_ledger_is_append_only_and_balanced(
    database: Database, world: World, finalized: Callable[..., Awaitable[UUID]]
) -> None:
    invoice_id = await finalized()
    for statement in ("update ledger_postings set amount_minor = 1", "delete from ledger_transactions"):
        with pytest.raises(DBAPIError):
            async with database.transaction(SYSTEM) as tx:
                await tx.execute(text(statement))
    with pytest.raises(DBAPIError, match="out of balance"):
        await _post_one_side(database, world, invoice_id)


async def _post_one_side(database: Database, world: World, invoice_id: UUID) -> None:
    async with database.transaction(SYSTEM) as tx:
        odd = LedgerTransaction(
            id=new_id(), facility_id=world.north, invoice_id=invoice_id, kind="x", source="x", booked_at=clock.now()
        )
        tx.add(odd)
        await tx.flush()
        tx.add(LedgerPosting(transaction_id=odd.id, account="cash", facility_id=world.north, amount_minor=1, currency="USD"))
