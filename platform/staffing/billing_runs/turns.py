"""One facility's turn in a run: who may take it, and what happens when the last one is over.

Order of locks: the run (shared), the item, then those of invoicing. Only what a turn finds undone is done, so a turn may be taken
again at any time, by any worker, after any death.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

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
    run = await tx.scalar(select(BillingRun).where(BillingRun.id == run_id).with_for_update(read=True))
    if run is None or run.state != state:
        return None
    item = await tx.scalar(
        select(BillingRunItem)
        .where(BillingRunItem.run_id == run_id, BillingRunItem.facility_id == facility_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if item is None or item.state not in PENDING[state]:
        return None
    principal = await _principal(tx, account_id)
    tx.info["actor"] = principal.actor(f"billing run {run.number}")
    return Turn(run, item, await tx.get_one(Facility, facility_id), principal)


async def settle(database: Database, run_id: UUID) -> None:
    """Lead the run on when nothing of it is pending. Looks before it locks: two hundred turns do not queue up here."""
    async with database.transaction(SYSTEM) as tx:
        run = await tx.get(BillingRun, run_id)
        if run is None or run.state not in PENDING or await _pending(tx, run):
            return
        run = await tx.scalar(
            select(BillingRun).where(BillingRun.id == run_id).with_for_update().execution_options(populate_existing=True)
        )
        if run is None or run.state not in PENDING or await _pending(tx, run):
            return
        states = await tx.scalars(select(BillingRunItem.state).where(BillingRunItem.run_id == run_id).distinct())
        before, run.state = run.state, after_the_jobs(set(states)).value
        if run.state == RunState.DONE:
            run.finished_at = clock.now()
        audit.note(tx, f"billing_run.{run.state}", "billing_run", run_id, detail=f"{before} to {run.state}")
        await tx.flush()
        failpoint("billing_run.before_settled")
    failpoint("billing_run.after_settled")


async def _pending(tx: Transaction, run: BillingRun) -> int:
    wanted = [state.value for state in PENDING[RunState(run.state)]]
    of_run = select(func.count()).where(BillingRunItem.run_id == run.id, BillingRunItem.state.in_(wanted))
    return await tx.scalar(of_run) or 0


async def _principal(tx: Transaction, account_id: UUID) -> Principal:
    account = await tx.get(Account, account_id)
    if account is None or account.disabled_at is not None:
        raise NotAllowed("The account that asked for this may no longer sign in. Somebody else has to look again.")
    return Principal(
        account_id=account.id,
        name=account.name,
        email=account.email,
        role=Role(account.role),
        time_zone=account.time_zone,
    )
