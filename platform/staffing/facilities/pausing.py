"""Facilities for which nothing new is planned until they have paid.

Their billing accounts belong to a feature above this one, and planning needs to know: so the table is named here, not imported.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Select, Uuid, column, select, table

from staffing.facilities.models import Facility
from staffing.facilities.queries import visible_to
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction

_ACCOUNTS = table("billing_accounts", column("facility_id", Uuid), column("paused_at", DateTime(timezone=True)))


@dataclass(frozen=True, slots=True)
class PausedFacility:
    id: UUID
    name: str
    colour: int
    time_zone: str
    paused_at: datetime


def paused_ids() -> Select[tuple[UUID]]:
    """SQL: the facilities whose requests are not planned."""
    return select(_ACCOUNTS.c.facility_id).where(_ACCOUNTS.c.paused_at.is_not(None))


async def paused_facilities(tx: Transaction, principal: Principal) -> list[PausedFacility]:
    """Those of the caller's facilities whose service is paused, by name."""
    rows = await tx.execute(
        select(Facility.id, Facility.name, Facility.colour, Facility.time_zone, _ACCOUNTS.c.paused_at)
        .join(_ACCOUNTS, _ACCOUNTS.c.facility_id == Facility.id)
        .where(_ACCOUNTS.c.paused_at.is_not(None), visible_to(principal, Facility.id.expression))
        .order_by(Facility.name)
    )
    return [PausedFacility(*row) for row in rows]
