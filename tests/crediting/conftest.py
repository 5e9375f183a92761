"""Invoices that were sent and partly paid, for crediting them. Stripe is not part of it: its jobs are tested beside payments."""

from collections.abc import Awaitable, Callable
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import update
from support.crediting import MARCH_TERMS, pay_part
from support.invoices import at, work
from support.world import World, principal

from staffing import clock
from staffing.facilities.models import RateCard
from staffing.invoicing import service
from staffing.invoicing.models import Invoice
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database

Sent = Callable[..., Awaitable[UUID]]


@pytest.fixture
def sent(database: Database, world: World, standing: None) -> Sent:
    """`await sent()`: Northside's invoice for March, sent: 1 h + 30 min of coordination by Maria ($63.00), six minutes of prior
    authorization ($4.55) and 1 h of coordination by Joseph ($42.00), $109.55. With `taxed` 7 % on top; `paid` in minor units.
    """

    async def make(*, facility_id: UUID | None = None, taxed: bool = False, paid: int = 0) -> UUID:
        place = facility_id or world.north
        patient = world.rosa if place == world.north else world.tom
        bella = principal(world, "bella")
        # The two facilities' work is on different days: one person cannot be at both.
        day = 2 if place == world.north else 3
        async with database.transaction(SYSTEM) as tx:
            if taxed:
                await tx.execute(update(RateCard).where(RateCard.facility_id == place).values(terms=MARCH_TERMS))
            work(tx, world, at(day, 9), facility_id=place, patient_id=patient)
            work(tx, world, at(day, 10), seconds=1800, facility_id=place, patient_id=patient)
            work(tx, world, at(day, 11), seconds=360, service="prior_authorization", facility_id=place)
            work(tx, world, at(day, 9), coordinator_id=world.joseph, facility_id=place)
        async with database.transaction(bella.scope()) as tx:
            drafted = await service.draft_invoice(tx, bella, place, date(2026, 3, 1), date(2026, 3, 31))
            await service.review(tx, bella, drafted.id)
            await service.finalize(tx, bella, drafted.id)
        async with database.transaction(SYSTEM) as tx:
            invoice = await tx.get_one(Invoice, drafted.id)
            invoice.state, invoice.sent_at, invoice.stripe_invoice_id = "sent", clock.now(), f"in_{drafted.id.hex}"
        if paid:
            await pay_part(database, drafted.id, paid)
        return drafted.id

    return make
