"""Names to choose from in the agency's own forms."""

from sqlalchemy import exists, select

from staffing.facilities.models import Facility
from staffing.identity.models import Account, AccountFacility
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
    """(id, name with reference) of everybody on the roster who cannot sign in yet, by name."""
    principal.require(Permission.DESK_REQUESTS_READ)
    rows = await tx.execute(
        select(Coordinator.id, Coordinator.name, Coordinator.reference)
        .where(
            Coordinator.left_on.is_(None),
            ~exists().where(Account.coordinator_id == Coordinator.id, Account.disabled_at.is_(None)),
        )
        .order_by(Coordinator.name)
    )
    return [(str(coordinator_id), f"{name} ({reference})") for coordinator_id, name, reference in rows]


async def facilities_of_accounts(tx: Transaction, principal: Principal) -> dict[str, list[str]]:
    """The facilities that each practice manager acts for, by the manager's e-mail."""
    principal.require(Permission.DESK_PEOPLE_INVITE)
    rows = await tx.execute(
        select(Account.email, Facility.name)
        .join(AccountFacility, AccountFacility.account_id == Account.id)
        .join(Facility, Facility.id == AccountFacility.facility_id)
        .order_by(Facility.name)
    )
    found: dict[str, list[str]] = {}
    for email, facility in rows:
        found.setdefault(email, []).append(facility)
    return found
