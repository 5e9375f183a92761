"""One facility's turn in a run: who may take it, and what happens when the last one is over.

Order of locks: the run (shared), the item, then those of invoicing. Only what a turn finds undone is done, so a turn may be taken
again at any time, by any worker, after any death.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select

from staffing import clock
from staffing.billing_runs.lifecycle import PENDING, after_the_jobs
from staffing.billing_runs.models import BillingRun, BillingRunItem, RunState
from staffing.errors import NotAllowed
from staffing.facilities.models import Facility
from staffing.identity.models import Account, Role
from staffing.identity.principals import Principal
from staffing.persistence import audit
from staffing.persistence.failpoints import failpoint
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database, Transaction


@dataclass(frozen=True, slots=True)
class Turn:
    """A facility that is to be proposed or issued now, held until the transaction ends, and on whose behalf."""

    run: BillingRun
    item: BillingRunItem
    facility: Facility
    principal: Principal


async def take(tx: Transaction, state: RunState, run_id: UUID, facility_id: UUID, account_id: UUID) -> Turn | None:
    """The facility's turn, unless it was taken before or the run has moved on. Raises `NotAllowed` when the person who asked
    for it may not do so any more.
    """
    held = (
        select(BillingRun, Facility, Account)
        .select_from(BillingRun)
        .outerjoin(Facility, Facility.id == facility_id)
        .outerjoin(Account, Account.id == account_id)
        .where(BillingRun.id == run_id)
        .with_for_update(read=True, of=BillingRun)
    )
    found = (await tx.execute(held)).one_or_none()
    if found is None or found[0].state != state:
        return None
    run, facility, account = found
    item = await tx.scalar(
        select(BillingRunItem)
        .where(BillingRunItem.run_id == run_id, BillingRunItem.facility_id == facility_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if item is None or item.state not in PENDING[state]:
        return None
    principal = _principal(account)
    tx.info["actor"] = principal.actor(f"billing run {run.number}")
    return Turn(run, item, facility, principal)


async def settle(database: Database, run_id: UUID) -> None:
    """Lead the run on when nothing of it is pending. Looks before it locks: two hundred turns do not queue up here."""
    async with database.transaction(SYSTEM) as tx:
        if not await tx.scalar(select(_over(run_id))):
            return
        run = await tx.scalar(
            select(BillingRun).where(BillingRun.id == run_id).with_for_update().execution_options(populate_existing=True)
        )
        if run is None or not await tx.scalar(select(_over(run_id))):
            return
        states = await tx.scalars(select(BillingRunItem.state).where(BillingRunItem.run_id == run_id).distinct())
        before, run.state = run.state, after_the_jobs(set(states)).value
        if run.state == RunState.DONE:
            run.finished_at = clock.now()
        audit.note(tx, f"billing_run.{run.state}", "billing_run", run_id, detail=f"{before} to {run.state}")
        await tx.flush()
        failpoint("billing_run.before_settled")
    failpoint("billing_run.after_settled")


def _over(run_id: UUID) -> ColumnElement[bool]:
    """Whether the run is at work and no facility of it waits for its turn."""
    at_work = or_(
        *(
            and_(
                BillingRun.state == state.value,
                ~exists().where(BillingRunItem.run_id == run_id, BillingRunItem.state.in_([one.value for one in pending])),
            )
            for state, pending in PENDING.items()
        )
    )
    return exists().where(BillingRun.id == run_id, at_work)


def _principal(account: Account | None) -> Principal:
    if account is None or account.disabled_at is not None:
        raise NotAllowed("The account that asked for this may no longer sign in. Somebody else has to look again.")
    return Principal(
        account_id=account.id,
        name=account.name,
        email=account.email,
        role=Role(account.role),
        time_zone=account.time_zone,
    )
