"""A facility's billing account, and the lock that keeps two people from invoicing the same facility at the same instant."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from staffing.invoicing.models import BillingAccount
from staffing.persistence.transactions import Transaction


async def locked(tx: Transaction, facility_id: UUID) -> BillingAccount:
    """The facility's account, made with the usual terms where there is none yet, and kept until the transaction ends.

    Whoever drafts, finalises or withdraws takes this lock first, so they come one after the other per facility.
    """
    there = (
        select(BillingAccount)
        .where(BillingAccount.facility_id == facility_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    account = await tx.scalar(there)
    if account is None:
        await tx.execute(insert(BillingAccount).values(facility_id=facility_id).on_conflict_do_nothing())
        account = (await tx.scalars(there)).one()
    return account
