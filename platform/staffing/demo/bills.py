"""Invoices of the demo in several states, made by the use cases that billing uses itself.

What can only be true at the payment provider (sent, paid) is left to the worker: it sends the finalised ones to the sandbox,
and a job pays most of the older ones there, as their facilities would have.
"""

from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from staffing import clock
from staffing.demo.jobs import PAY
from staffing.demo.logins import LOGINS
from staffing.demo.people import AGENCY_ZONE
from staffing.demo.places import PLACES
from staffing.demo.stage import Stage
from staffing.identity.models import Role
from staffing.identity.principals import Principal
from staffing.invoicing import drafting, service
from staffing.persistence import jobs
from staffing.persistence.transactions import Transaction

PAID = 8
"""So many facilities have paid their older invoice; the others have it open."""
FINALIZED, REVIEWED, DRAFTED = 2, 4, 8
"""Of the newer period: the first two are final, the next two reviewed, four more drafted, the last four not begun."""


async def add_bills(tx: Transaction, stage: Stage) -> int:
    """Two periods of two weeks. Returns how many invoices there are."""
    billing = _billing_person(stage)
    tx.info["actor"] = billing.actor("demo")
    older = stage.monday - timedelta(weeks=4)
    newer = stage.monday - timedelta(weeks=2)
    made = 0
    with clock.standing_at(_morning(newer)):
        for number, place in enumerate(PLACES):
            invoice_id = await _final(tx, billing, stage.facilities[place.reference], older)
            if number < PAID:
                await jobs.enqueue(tx, PAY, {"id": str(invoice_id)}, run_after=timedelta(seconds=4))
            made += 1
    with clock.standing_at(min(_morning(stage.monday), stage.now)):
        for number, place in enumerate(PLACES[:DRAFTED]):
            facility_id = stage.facilities[place.reference]
            if number < FINALIZED:
                await _final(tx, billing, facility_id, newer)
            else:
                draft = await drafting.draft_invoice(tx, billing, facility_id, newer, newer + timedelta(days=13))
                if number < REVIEWED:
                    await service.review(tx, billing, draft.id)
            made += 1
    return made


async def _final(tx: Transaction, billing: Principal, facility_id: UUID, first: date) -> UUID:
    draft = await drafting.draft_invoice(tx, billing, facility_id, first, first + timedelta(days=13))
    await service.review(tx, billing, draft.id)
    await service.finalize(tx, billing, draft.id)
    return draft.id


def _billing_person(stage: Stage) -> Principal:
    login = next(login for login in LOGINS if login.role is Role.BILLING)
    return Principal(
        account_id=stage.accounts[login.email],
        name=login.name,
        email=login.email,
        role=login.role,
        time_zone=login.time_zone,
    )


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(9), ZoneInfo(AGENCY_ZONE))
