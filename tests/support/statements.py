"""An account with a history: a taxed invoice, a payment in part, a credit note; and a PDF's text."""

import io
import re
from datetime import date, timedelta
from uuid import UUID

from pypdf import PdfReader
from sqlalchemy import select, update
from support.crediting import MARCH_TERMS, pay_part
from support.invoices import at, work
from support.world import NOW, World, principal

from staffing import clock
from staffing.crediting.models import CreditReason
from staffing.crediting.rules import Asked
from staffing.facilities.models import RateCard
from staffing.invoicing import service
from staffing.invoicing.models import Invoice, InvoiceLine
from staffing.payments.corrections import issue_credit_note
from staffing.persistence.base import new_id
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database

AMOUNT = re.compile(r"-?\$[\d,]+\.\d{2,}")


async def issued(database: Database, world: World, *, taxed: bool = False, day: int = 2, facility_id: UUID | None = None) -> UUID:
    """An invoice over that day of March, sent: 1 h 30 min of coordination ($63.00), six minutes of authorization ($4.55)."""
    place, bella = facility_id or world.north, principal(world, "bella")
    who = world.maria if place == world.north else world.joseph
    async with database.transaction(SYSTEM) as tx:
        if taxed:
            await tx.execute(update(RateCard).where(RateCard.facility_id == place).values(terms=MARCH_TERMS))
        work(tx, world, at(day, 9), seconds=5400, facility_id=place, coordinator_id=who)
        work(tx, world, at(day, 11), seconds=360, service="prior_authorization", facility_id=place, coordinator_id=who)
    async with database.transaction(bella.scope()) as tx:
        drafted = await service.draft_invoice(tx, bella, place, date(2026, 3, day), date(2026, 3, day))
        await service.review(tx, bella, drafted.id)
        await service.finalize(tx, bella, drafted.id)
    async with database.transaction(SYSTEM) as tx:
        invoice = await tx.get_one(Invoice, drafted.id)
        invoice.state, invoice.sent_at, invoice.stripe_invoice_id = "sent", clock.now(), f"in_{drafted.id.hex}"
    return drafted.id


async def credited(database: Database, world: World, invoice_id: UUID, minor: int = 1000) -> UUID:
    """A credit note over so much (before tax) of the invoice's largest line."""
    bella = principal(world, "bella")
    async with database.transaction(bella.scope()) as tx:
        line_id = await tx.scalar(
            select(InvoiceLine.id).where(InvoiceLine.invoice_id == invoice_id).order_by(InvoiceLine.amount_minor.desc()).limit(1)
        )
        assert line_id is not None
        asked = [Asked(line_id=line_id, amount_minor=minor)]
        note = await issue_credit_note(tx, bella, invoice_id, asked, CreditReason.WRONG_RATE, new_id())
        return note.id


async def history(database: Database, world: World) -> tuple[UUID, UUID]:
    """Northside: $67.55 + 7 % = $72.28 on 4 March, $20.00 paid on the 10th, $10.70 credited on the 12th. Invoice, credit note."""
    invoice_id = await issued(database, world, taxed=True)
    with clock.standing_at(NOW + timedelta(days=6)):
        await pay_part(database, invoice_id, 2000)
    with clock.standing_at(NOW + timedelta(days=8)):
        return invoice_id, await credited(database, world, invoice_id)


def text_of_pdf(content: bytes) -> str:
    """All text of a PDF, as somebody who selects it gets it."""
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


def amounts_of_page(html: str) -> set[str]:
    """Every amount that a page shows within its document."""
    text = re.sub(r"<[^>]+>", " ", html)
    return set(AMOUNT.findall(text))
