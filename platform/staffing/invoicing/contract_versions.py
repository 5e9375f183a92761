"""Contract versions beside what was billed by them: until when a facility is billed, and agreeing on what comes after."""

from datetime import date
from uuid import UUID

from sqlalchemy import func, select

from staffing.contracts import service
from staffing.contracts.service import NewVersion
from staffing.errors import NotFound
from staffing.facilities.models import Facility, RateCard
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing import accounts
from staffing.invoicing.lifecycle import ISSUED
from staffing.invoicing.models import BillingAccount, Invoice
from staffing.persistence.transactions import Transaction


async def billed_until(tx: Transaction, facility_id: UUID) -> date | None:
    """The last day that is on an issued invoice of the facility."""
    return await tx.scalar(
        select(func.max(Invoice.period_end_on)).where(
            Invoice.facility_id == facility_id, Invoice.state.in_([state.value for state in ISSUED])
        )
    )


async def agree(tx: Transaction, principal: Principal, facility_id: UUID, new: NewVersion) -> RateCard:
    """Write a version of the facility's contract down. Open drafts say by themselves that they have to be brought up to date.

    Raises `Invalid` for a day that is billed already and for terms that contradict each other, `NotFound`.
    """
    principal.require(Permission.DESK_CONTRACTS_WRITE)
    if await tx.get(Facility, facility_id) is None:
        raise NotFound
    # Whoever drafts and finalises takes the same lock: nothing is billed by prices that change meanwhile.
    await accounts.locked(tx, facility_id)
    return await service.agree(tx, principal, facility_id, new, await billed_until(tx, facility_id))


async def account_of(tx: Transaction, principal: Principal, facility_id: UUID) -> BillingAccount:
    """How the facility pays, as it stands or as it would be made."""
    principal.require(Permission.DESK_CONTRACTS_READ)
    found = await tx.get(BillingAccount, facility_id)
    return found or BillingAccount(
        facility_id=facility_id, currency="USD", terms_days=14, collection="send_invoice", reminder_days=[-3, 3, 10, 20]
    )
