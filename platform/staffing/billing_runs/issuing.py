"""Issuing: one facility's draft reviewed and finalised, with number, booking and its way to Stripe, all or nothing."""

from uuid import UUID

from sqlalchemy import update

from staffing.billing_runs import turns
from staffing.billing_runs.errors import ChangedSinceProposed
from staffing.billing_runs.lifecycle import TO_ISSUE
from staffing.billing_runs.models import BillingRunItem, ItemState, RunState
from staffing.billing_runs.rules import money_text
from staffing.billing_runs.turns import Turn
from staffing.errors import ReliefError
from staffing.invoicing import service
from staffing.invoicing.lifecycle import ISSUED
from staffing.invoicing.models import Invoice, InvoiceState
from staffing.persistence.failpoints import failpoint
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database, Transaction


async def issue(database: Database, run_id: UUID, facility_id: UUID, account_id: UUID) -> None:
    """Issue the facility's invoice of the run. The item says so in the same transaction: it is never issued twice.

    A refusal undoes everything of it, gives the number back, and is written down; the others go on.
    """
    try:
        async with database.transaction(SYSTEM) as tx:
            turn = await turns.take(tx, RunState.ISSUING, run_id, facility_id, account_id)
            if turn is not None:
                failpoint("billing_run.before_issue")
                await _issue(tx, turn)
                failpoint("billing_run.before_issued")
    except ReliefError as refused:
        failpoint("billing_run.after_refused")
        await could_not_issue(database, run_id, facility_id, refused.message)
        return
    failpoint("billing_run.after_issued")
    await turns.settle(database, run_id)


async def _issue(tx: Transaction, turn: Turn) -> None:
    item = turn.item
    held = await service.hold(tx, item.invoice_id) if item.invoice_id else None
    if held is None or held.invoice.state == InvoiceState.VOID:
        raise ChangedSinceProposed("The draft was withdrawn after the run looked at it. Look again.")
    invoice = held.invoice
    if invoice.state not in ISSUED:
        _check_same(invoice, item)
        if invoice.state == InvoiceState.DRAFT:
            await service.review_held(tx, turn.principal, held)
            failpoint("billing_run.after_review")
        await service.finalize_held(tx, turn.principal, held)
    else:
        item.problem = "Somebody issued it before the run came to it."
    item.state = ItemState.ISSUED.value
    item.total_minor = invoice.total_minor
    await tx.flush()


def _check_same(invoice: Invoice, item: BillingRunItem) -> None:
    if (invoice.total_minor, invoice.currency) != (item.total_minor, item.currency):
        then, now = money_text(item.total_minor, item.currency), money_text(invoice.total_minor, invoice.currency)
        raise ChangedSinceProposed(f"It came to {then} when the run looked at it, and comes to {now} now. Look again.")


async def could_not_issue(database: Database, run_id: UUID, facility_id: UUID, why: str) -> None:
    """The turn failed for good: the facility says why, and waits for somebody to look again or leave it out."""
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(
            update(BillingRunItem)
            .where(
                BillingRunItem.run_id == run_id,
                BillingRunItem.facility_id == facility_id,
                BillingRunItem.state.in_([state.value for state in TO_ISSUE]),
            )
            .values(state=ItemState.FAILED.value, problem=why)
        )
    await turns.settle(database, run_id)
