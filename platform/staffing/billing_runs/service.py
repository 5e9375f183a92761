"""What people do with billing runs: start one, accept or leave out what is flagged, look again, issue, finish.

Order of locks: the run, its items. The jobs hold the run shared, so whatever is done here waits for turns under way.
"""

from collections.abc import Iterable
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from staffing import clock
from staffing.billing_runs import periods, queries
from staffing.billing_runs.errors import CannotAccept, RunHasMovedOn, RunInProgress
from staffing.billing_runs.lifecycle import LIVE, TO_ISSUE
from staffing.billing_runs.models import BillingRun, BillingRunItem, ItemState, RunState
from staffing.billing_runs.periods import Period
from staffing.billing_runs.rules import BLOCKING
from staffing.errors import Invalid, NotFound
from staffing.facilities.models import Facility
from staffing.identity import queries as identity
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing.models import BillingAccount
from staffing.persistence import audit, jobs
from staffing.persistence.base import new_id
from staffing.persistence.transactions import Transaction

PROPOSE = "billing_runs.propose"
ISSUE = "billing_runs.issue"
_NUMBERING = 7_402
"""Key of the advisory lock under which runs are numbered and begun."""


async def default_period(tx: Transaction) -> Period:
    """The last calendar month of the agency."""
    agency = await identity.agency(tx)
    zone = ZoneInfo(agency.time_zone if agency else "UTC")
    return periods.last_month(clock.now().astimezone(zone).date())


async def start(tx: Transaction, principal: Principal, period: Period) -> BillingRun:
    """Have every facility's invoice of the period proposed. Nothing is issued.

    Raises `RunInProgress`, naming the run of these days that is not over, and `Invalid` for a period that is not.
    """
    principal.require(Permission.DESK_INVOICES_RUN)
    agency = await identity.agency(tx)
    today = clock.now().astimezone(ZoneInfo(agency.time_zone if agency else "UTC")).date()
    periods.check(period, today)
    await tx.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _NUMBERING})
    await _refuse_second(tx, period)
    run = BillingRun(
        id=new_id(),
        number=int(await tx.scalar(select(func.coalesce(func.max(BillingRun.number), 0))) or 0) + 1,
        period_start_on=period.start_on,
        period_end_on=period.end_on,
        state=RunState.PROPOSING.value,
        started_at=clock.now(),
        started_by=principal.account_id,
    )
    try:
        async with tx.begin_nested():
            tx.add(run)
            await tx.flush()
    except IntegrityError as taken:
        # Begun by somebody who does not take the lock above: the index is what holds.
        raise RunInProgress from taken
    facilities = await _facilities(tx)
    if not facilities:
        raise Invalid("There is no facility to invoice yet.")
    tx.add_all(
        BillingRunItem(run_id=run.id, facility_id=facility_id, currency=currency, flags=[])
        for facility_id, currency in facilities
    )
    await tx.flush()
    await _enqueue(tx, PROPOSE, principal, run.id, (facility_id for facility_id, _ in facilities))
    audit.note(tx, "billing_run.started", "billing_run", run.id, detail=f"run {run.number}, {len(facilities)} facilities")
    return run


async def accept(
    tx: Transaction, principal: Principal, run_id: UUID, facility_id: UUID, *, seen_minor: int | None = None
) -> None:
    """What is flagged is as it should be: it goes out with the rest. `seen_minor`: the amount that was looked at."""
    run = await _open(tx, principal, run_id)
    item = await _item(tx, run, facility_id)
    if item.state == ItemState.ACCEPTED:
        return
    if item.state != ItemState.FLAGGED or seen_minor not in (None, item.total_minor):
        raise RunHasMovedOn(run_id=run.id)
    if _blocked(item):
        raise CannotAccept("There is no draft to accept: mend what is missing and look again, or leave it out.", run_id=run.id)
    _accept(tx, principal, item)
    await tx.flush()


async def accept_all(tx: Transaction, principal: Principal, run_id: UUID) -> int:
    """Accept everything flagged that can be. How many."""
    run = await _open(tx, principal, run_id)
    found = [item for item in await _items(tx, run, {ItemState.FLAGGED}) if not _blocked(item)]
    for item in found:
        _accept(tx, principal, item)
    await tx.flush()
    return len(found)


async def leave_out(tx: Transaction, principal: Principal, run_id: UUID, facility_id: UUID) -> None:
    """Not in this run: its draft stays a draft, its work waits."""
    run = await _open(tx, principal, run_id)
    item = await _item(tx, run, facility_id)
    if item.state == ItemState.LEFT_OUT:
        return
    if item.state not in (*TO_ISSUE, ItemState.FLAGGED, ItemState.FAILED):
        raise RunHasMovedOn(run_id=run.id)
    item.state, item.decided_by, item.decided_at = ItemState.LEFT_OUT.value, principal.account_id, clock.now()
    audit.note(tx, "billing_run.left_out", "billing_run", run.id, facility_id=facility_id)
    await tx.flush()


async def look_again(tx: Transaction, principal: Principal, run_id: UUID, facility_id: UUID | None = None) -> BillingRun:
    """Propose this facility anew, or all that are neither issued nor left out. What was accepted stays so if it is the same."""
    run = await _open(tx, principal, run_id)
    if facility_id is None:
        items = await _items(tx, run, set(ItemState) - {ItemState.ISSUED, ItemState.LEFT_OUT})
    else:
        items = [await _item(tx, run, facility_id)]
        if items[0].state == ItemState.ISSUED:
            raise RunHasMovedOn("This invoice is issued already.", run_id=run.id)
    if not items:
        return run
    for item in items:
        if item.state != ItemState.ACCEPTED:
            item.decided_at = item.decided_by = None
        item.state = ItemState.WAITING.value
    run.state = RunState.PROPOSING.value
    await _enqueue(tx, PROPOSE, principal, run.id, (item.facility_id for item in items))
    audit.note(tx, "billing_run.looked_again", "billing_run", run.id, detail=f"{len(items)} facilities")
    return run


async def issue(tx: Transaction, principal: Principal, run_id: UUID, *, seen: str | None = None) -> int:
    """Have everything issued that is ready or accepted; what is flagged or failed waits. How many invoices that is.

    `seen`: what the button said (`queries.Sum.sighting`), so that nobody issues what they have not seen.
    """
    principal.require(Permission.DESK_INVOICES_FINALIZE)
    run = await _open(tx, principal, run_id)
    going = await queries.to_issue(tx, run.id)
    if not going.count:
        raise RunHasMovedOn("There is nothing to issue in this run.", run_id=run.id)
    if seen is not None and seen != going.sighting:
        raise RunHasMovedOn(
            f"This run changed since you opened the page: it is {going.words} now. Nothing was issued.", run_id=run.id
        )
    run.state = RunState.ISSUING.value
    run.issued_at, run.issued_by = clock.now(), principal.account_id
    items = await _items(tx, run, TO_ISSUE)
    await _enqueue(tx, ISSUE, principal, run.id, (item.facility_id for item in items))
    audit.note(tx, "billing_run.issuing", "billing_run", run.id, detail=f"{going.count} invoices")
    return going.count


async def finish(tx: Transaction, principal: Principal, run_id: UUID) -> BillingRun:
    """End the run: what is not issued is left out. A run that issued nothing is cancelled. Drafts stay drafts."""
    principal.require(Permission.DESK_INVOICES_RUN)
    run = await _locked(tx, run_id)
    if run.state in (RunState.DONE, RunState.CANCELLED):
        return run
    if run.state == RunState.ISSUING:
        raise RunHasMovedOn(f"Run {run.number} is issuing its invoices. Wait for it to end.", run_id=run.id)
    items = await _items(tx, run, set(ItemState))
    issued = any(item.state == ItemState.ISSUED for item in items)
    for item in items:
        if item.state not in (ItemState.ISSUED, ItemState.NOTHING):
            item.state = ItemState.LEFT_OUT.value
    run.state = (RunState.DONE if issued else RunState.CANCELLED).value
    run.finished_at = clock.now()
    audit.note(tx, f"billing_run.{run.state}", "billing_run", run.id, detail=f"run {run.number}")
    await tx.flush()
    return run


async def _refuse_second(tx: Transaction, period: Period) -> None:
    live = await tx.scalar(
        select(BillingRun)
        .where(
            BillingRun.state.in_([state.value for state in LIVE]),
            BillingRun.period_start_on <= period.end_on,
            BillingRun.period_end_on >= period.start_on,
        )
        .order_by(BillingRun.number)
        .limit(1)
    )
    if live is not None:
        words = Period(live.period_start_on, live.period_end_on).words
        raise RunInProgress(f"Run {live.number} is in progress, for {words}.", run_id=live.id, label=f"See run {live.number}")


async def _facilities(tx: Transaction) -> list[tuple[UUID, str]]:
    """All facilities by name, each with the currency it pays in."""
    rows = await tx.execute(
        select(Facility.id, func.coalesce(BillingAccount.currency, "USD"))
        .outerjoin(BillingAccount, BillingAccount.facility_id == Facility.id)
        .order_by(Facility.name, Facility.id)
    )
    return [(row[0], row[1]) for row in rows]


async def _enqueue(tx: Transaction, kind: str, principal: Principal, run_id: UUID, facility_ids: Iterable[UUID]) -> None:
    # No deduplication: a turn that finds nothing to do is cheap, one that is missing would keep the run open for ever.
    for facility_id in facility_ids:
        payload = {"run": str(run_id), "facility": str(facility_id), "account": str(principal.account_id)}
        await jobs.enqueue(tx, kind, payload)


async def _locked(tx: Transaction, run_id: UUID) -> BillingRun:
    run = await tx.scalar(
        select(BillingRun).where(BillingRun.id == run_id).with_for_update().execution_options(populate_existing=True)
    )
    if run is None:
        raise NotFound
    return run


async def _open(tx: Transaction, principal: Principal, run_id: UUID) -> BillingRun:
    """The run, locked, at the point where people decide. Raises `RunHasMovedOn`."""
    principal.require(Permission.DESK_INVOICES_RUN)
    run = await _locked(tx, run_id)
    if run.state != RunState.PROPOSED:
        said = {
            RunState.PROPOSING: "is still being proposed",
            RunState.ISSUING: "is issuing its invoices",
            RunState.DONE: "is done",
            RunState.CANCELLED: "was cancelled",
        }
        raise RunHasMovedOn(f"Run {run.number} {said[RunState(run.state)]}. Nothing was changed now.", run_id=run.id)
    return run


async def _items(tx: Transaction, run: BillingRun, states: Iterable[ItemState]) -> list[BillingRunItem]:
    found = await tx.scalars(
        select(BillingRunItem)
        .join(Facility, Facility.id == BillingRunItem.facility_id)
        .where(BillingRunItem.run_id == run.id, BillingRunItem.state.in_([state.value for state in states]))
        .order_by(Facility.name, Facility.id)
        .with_for_update(of=BillingRunItem)
        .execution_options(populate_existing=True)
    )
    return list(found)


async def _item(tx: Transaction, run: BillingRun, facility_id: UUID) -> BillingRunItem:
    item = await tx.get(BillingRunItem, (run.id, facility_id), with_for_update=True, populate_existing=True)
    if item is None:
        raise NotFound
    return item


def _blocked(item: BillingRunItem) -> bool:
    return any(flag["kind"] in BLOCKING for flag in item.flags)


def _accept(tx: Transaction, principal: Principal, item: BillingRunItem) -> None:
    """With nothing to invoice there is nothing to issue either: it was seen, and that is all."""
    item.state = (ItemState.ACCEPTED if item.total_minor else ItemState.NOTHING).value
    item.decided_by, item.decided_at = principal.account_id, clock.now()
    audit.note(tx, "billing_run.accepted", "billing_run", item.run_id, facility_id=item.facility_id)
