"""Proposing: one facility's draft of the period, brought up to date and compared with the period before."""

from uuid import UUID

from sqlalchemy import select, update

from staffing.billing_runs import facts as reading
from staffing.billing_runs import rules, turns
from staffing.billing_runs.models import BillingRunItem, ItemState, RunState
from staffing.billing_runs.rules import Facts, Flag, FlagKind
from staffing.billing_runs.turns import Turn
from staffing.errors import ReliefError
from staffing.invoicing.drafting import Drafted, draft_invoice
from staffing.invoicing.errors import AlreadyInvoiced, NothingToInvoice, RateMissing
from staffing.invoicing.lifecycle import OPEN
from staffing.invoicing.models import Invoice, InvoiceState
from staffing.invoicing.rules import period_text
from staffing.persistence.failpoints import failpoint
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database, Transaction


async def propose(database: Database, run_id: UUID, facility_id: UUID, account_id: UUID) -> None:
    """Draft what the facility's invoice of the run's period would say, and note what somebody should look at.

    Only the difference to what exists is drafted, so doing it again changes nothing unless the work changed.
    """
    async with database.transaction(SYSTEM) as tx:
        turn = await turns.take(tx, RunState.PROPOSING, run_id, facility_id, account_id)
        if turn is not None:
            failpoint("billing_run.before_draft")
            await _propose(tx, turn)
            failpoint("billing_run.before_proposed")
    failpoint("billing_run.after_proposed")
    await turns.settle(database, run_id)


async def _propose(tx: Transaction, turn: Turn) -> None:
    period, item = reading.period_of(turn.run), turn.item
    drafted: Drafted | None = None
    refused: Flag | None = None
    item.problem, item.invoice_id = "", None
    try:
        # What a refusal leaves half done is undone with it; the rest of the turn goes on.
        async with tx.begin_nested():
            drafted = await draft_invoice(
                tx, turn.principal, turn.facility.id, period.start_on, period.end_on, run_id=turn.run.id
            )
    except NothingToInvoice as nothing:
        item.problem, item.invoice_id = await _why_nothing(tx, turn, nothing)
    except AlreadyInvoiced as before:
        _write(item, Facts(period=period, currency=item.currency), (), ItemState.NOTHING)
        item.problem, item.invoice_id = before.message, await _of_period(tx, turn)
        return
    except RateMissing as missing:
        refused = Flag(FlagKind.PRICE_MISSING, " ".join((missing.message, *(f"{one}." for one in missing.conflicts))))
    except ReliefError as other:
        refused = Flag(FlagKind.CANNOT_DRAFT, other.message)
    failpoint("billing_run.after_draft")
    if drafted is not None:
        item.invoice_id = drafted.id
    facts = await reading.gather(tx, turn.facility, period, drafted, refused)
    found = rules.flags(facts)
    _write(item, facts, found, rules.state_of(facts, found))


def _write(item: BillingRunItem, facts: Facts, found: tuple[Flag, ...], state: ItemState) -> None:
    stored = [flag.stored() for flag in found]
    same = (item.total_minor, item.currency, item.flags) == (facts.total_minor, facts.currency, stored)
    if same and state is ItemState.FLAGGED and item.decided_at is not None:
        # Somebody accepted exactly this before the run looked again.
        state = ItemState.ACCEPTED if facts.total_minor else ItemState.NOTHING
    else:
        item.decided_at = item.decided_by = None
    item.state = state.value
    item.currency, item.total_minor, item.previous_minor = facts.currency, facts.total_minor, facts.previous_minor
    item.held_count, item.flags = facts.held_count, stored


async def _of_period(tx: Transaction, turn: Turn) -> UUID | None:
    found: UUID | None = await tx.scalar(
        select(Invoice.id).where(
            Invoice.facility_id == turn.facility.id,
            Invoice.period_start_on == turn.run.period_start_on,
            Invoice.period_end_on == turn.run.period_end_on,
            Invoice.state != InvoiceState.VOID.value,
        )
    )
    return found


async def _why_nothing(tx: Transaction, turn: Turn, nothing: NothingToInvoice) -> tuple[str, UUID | None]:
    """Why there is nothing, in words; where the hours are on an open draft of other days, that draft."""
    found = await tx.execute(
        select(Invoice.id, Invoice.period_start_on, Invoice.period_end_on)
        .where(
            Invoice.facility_id == turn.facility.id,
            Invoice.state.in_([state.value for state in OPEN]),
            Invoice.period_start_on <= turn.run.period_end_on,
            Invoice.period_end_on >= turn.run.period_start_on,
        )
        .order_by(Invoice.period_start_on)
        .limit(1)
    )
    draft = found.one_or_none()
    if draft is None:
        return nothing.message, None
    days = period_text(draft.period_start_on, draft.period_end_on)
    return f"Its approved hours are on the draft for {days}. Finalise that one, or withdraw it and look again.", draft.id


async def could_not_propose(database: Database, run_id: UUID, facility_id: UUID, why: str) -> None:
    """The turn failed for good: the facility says so, the others go on."""
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(
            update(BillingRunItem)
            .where(
                BillingRunItem.run_id == run_id,
                BillingRunItem.facility_id == facility_id,
                BillingRunItem.state == ItemState.WAITING.value,
            )
            .values(state=ItemState.FAILED.value, problem=why)
        )
    await turns.settle(database, run_id)
