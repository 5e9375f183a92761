"""Names to choose from in the agency's own forms."""

from sqlalchemy import select

from staffing.facilities.models import Facility
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.roster.models import Coordinator


async def facility_choices(tx: Transaction, principal: Principal) -> list[tuple[str, str]]:
    """(id, name) of every facility, by name."""
    principal.require(Permission.DESK_REQUESTS_READ)
    rows = await tx.execute(select(Facility.id, Facility.name).order_by(Facility.name))
    return [(str(facility_id), name) for facility_id, name in rows]


async def coordinator_choices(tx: Transaction, principal: Principal) -> list[tuple[str, str]]:
    """(id, name with reference) of everybody on the roster, by name."""
    principal.require(Permission.DESK_REQUESTS_READ)
    rows = await tx.execute(
        select(Coordinator.id, Coordinator.name, Coordinator.reference)
        .where(Coordinator.left_on.is_(None))
        .order_by(Coordinator.name)
    )
    return [(str(coordinator_id), f"{name} ({reference})") for coordinator_id, name, reference in rows]
