"""The product's main job, once, without a browser: the same use cases, the same database, the same worker and sandbox.

Each stage is one or more transactions of the person who would press the button; between them the worker does its part.
A stage returns one line of figures or raises.
"""

import asyncio
import time as machine_time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from staffing import clock
from staffing.catalogue import RequestReason
from staffing.demo.cast import RATE, SERVICE, SKILL, Cast, gather
from staffing.demo.payer import pay
from staffing.errors import ReliefError
from staffing.identity.principals import Principal
from staffing.invoicing import drafting
from staffing.invoicing import service as invoices
from staffing.invoicing.models import Invoice, InvoiceLineEntry, InvoiceState, LedgerPosting
from staffing.persistence import audit
from staffing.persistence.base import new_id
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database, Transaction
from staffing.requests import service as requests
from staffing.requests.weekly import WeeklyInterval
from staffing.scheduling import applying, reach
from staffing.scheduling import service as plans
from staffing.scheduling.models import Plan, PlanState
from staffing.worklog import service as worklog
from staffing.worklog.models import EntryState, WorkEntry
from staffing.worklog.sightings import sighting
from staffing.worklog.steps import content_of

T = TypeVar("T")

FIRST_MINUTES = 42
SECOND_MINUTES = 18
WAIT_SECONDS = 60


class RehearsalFailed(ReliefError):
    """A stage did not do what it should."""


@dataclass(slots=True)
class Rehearsal:
    """What the stages hand to each other."""

    database: Database
    solver_seconds: int
    cast: Cast | None = None
    request_ids: list[UUID] = field(default_factory=list)
    entry_ids: list[UUID] = field(default_factory=list)
    invoice_id: UUID | None = None

    @property
    def people(self) -> Cast:
        assert self.cast is not None
        return self.cast

    @asynccontextmanager
    async def acting(self, principal: Principal) -> AsyncIterator[Transaction]:
        """A transaction as the web would open it for this person."""
        async with self.database.transaction(principal.scope()) as tx:
            tx.info["actor"] = principal.actor("rehearsal")
            yield tx


async def assemble(stage: Rehearsal) -> str:
    async with stage.database.transaction(SYSTEM) as tx:
        stage.cast = await gather(tx, clock.now())
    return f"{stage.people.first.name} and {stage.people.second.name}, {stage.people.first.time_zone}"


async def ask(stage: Rehearsal) -> str:
    """Both managers ask for relief that begins within the hour."""
    people = stage.people
    zone = ZoneInfo(people.first.time_zone)
    local = clock.now().astimezone(zone)
    start = local.hour * 60 + (local.minute // 30 + 1) * 30
    for manager, facility, offset in ((people.first_manager, people.first, 0), (people.second_manager, people.second, 60)):
        new = requests.NewRequest(
            form_id=new_id(),
            facility_id=facility.id,
            service=SERVICE,
            reason=RequestReason.CALL_OFF,
            starts_on=local.date(),
            ends_on=local.date(),
            pattern=(WeeklyInterval(local.weekday(), start + offset, start + offset + 60),),
            headcount=1,
            skills=(SKILL,),
            ehr_system="epic",
        )
        async with stage.acting(manager) as tx:
            stage.request_ids.append((await requests.submit_request(tx, manager, new)).id)
    return "2 requests, 2 windows, 2 h"


async def plan(stage: Rehearsal) -> str:
    """The dispatcher plans both facilities; the worker solves; the dispatcher applies."""
    people, dispatcher = stage.people, stage.people.dispatcher
    async with stage.acting(dispatcher) as tx:
        plan_id = await plans.request_plan(
            tx,
            dispatcher,
            time_limit_seconds=stage.solver_seconds,
            facility_ids=(people.first.id, people.second.id),
        )

    async def settled() -> Plan | None:
        async with stage.acting(dispatcher) as tx:
            found = await tx.get_one(Plan, plan_id)
        return None if found.state in (PlanState.QUEUED, PlanState.SOLVING) else found

    solved = await _wait_for(settled, "the plan")
    if solved.state != PlanState.PROPOSED:
        raise RehearsalFailed(f"The plan is {solved.state}: {solved.failure}")
    async with stage.acting(dispatcher) as tx:
        applied = await applying.apply_plan(tx, dispatcher, plan_id)
    progress = solved.progress or {}
    if applied.assignments != 2:
        raise RehearsalFailed(f"{applied.assignments} of 2 windows were covered.")
    return (
        f"2 assignments, objective {progress.get('objective')}, bound {progress.get('bound')}, {progress.get('seconds', 0):.1f} s"
    )


async def work(stage: Rehearsal) -> str:
    """The coordinator works for both facilities and submits the week. The clock is set back to when the hour began."""
    people = stage.people
    began = clock.now().replace(second=0, microsecond=0) - timedelta(minutes=FIRST_MINUTES + SECOND_MINUTES + 5)
    async with stage.acting(people.coordinator) as tx:
        coordinator = await reach.with_facilities(tx, people.coordinator, clock.now())
    switched, stopped = began + timedelta(minutes=FIRST_MINUTES), began + timedelta(minutes=FIRST_MINUTES + SECOND_MINUTES)
    with clock.standing_at(began):
        async with stage.acting(coordinator) as tx:
            await worklog.start_timer(tx, coordinator, people.first.id, people.first_patient)
    with clock.standing_at(switched):
        async with stage.acting(coordinator) as tx:
            await worklog.switch_timer(tx, coordinator, people.second.id, people.second_patient)
    with clock.standing_at(stopped):
        async with stage.acting(coordinator) as tx:
            await worklog.stop_timer(tx, coordinator)
    async with stage.acting(coordinator) as tx:
        entries = (
            await tx.scalars(
                select(WorkEntry.id)
                .where(WorkEntry.coordinator_id == coordinator.own_coordinator_id())
                .order_by(func.lower(WorkEntry.during))
            )
        ).all()
        for entry_id in entries:
            await worklog.describe(tx, coordinator, entry_id, activity="follow_up", note="Rehearsed.")
        stage.entry_ids = list(entries)
    monday = began.astimezone(ZoneInfo(coordinator.time_zone)).date()
    monday -= timedelta(days=monday.weekday())
    async with stage.acting(coordinator) as tx:
        await worklog.submit_week(tx, coordinator, monday)
    return f"{FIRST_MINUTES} min and {SECOND_MINUTES} min recorded, {len(entries)} entries submitted"


async def decide(stage: Rehearsal) -> str:
    """One manager approves, the other disputes."""
    people = stage.people
    first_entry, second_entry = stage.entry_ids
    async with stage.acting(people.first_manager) as tx:
        entry = await tx.get_one(WorkEntry, first_entry)
        approval = await worklog.approve(tx, people.first_manager, [(first_entry, sighting(content_of(entry)))])
    async with stage.acting(people.second_manager) as tx:
        await worklog.dispute(tx, people.second_manager, second_entry, "Rehearsed dispute.")
    if approval.seconds != FIRST_MINUTES * 60:
        raise RehearsalFailed(f"{approval.seconds} s were approved instead of {FIRST_MINUTES * 60}.")
    return f"{approval.approved} approved ({approval.seconds} s), 1 disputed"


async def invoice(stage: Rehearsal) -> str:
    """Billing drafts, reviews and finalises the first facility's invoice."""
    people, billing = stage.people, stage.people.billing
    day = clock.now().astimezone(ZoneInfo(people.first.time_zone)).date()
    async with stage.acting(billing) as tx:
        drafted = await drafting.draft_invoice(tx, billing, people.first.id, day, day)
    stage.invoice_id = drafted.id
    async with stage.acting(billing) as tx:
        await invoices.review(tx, billing, drafted.id)
    async with stage.acting(billing) as tx:
        final = await invoices.finalize(tx, billing, drafted.id)
        number, total = final.number, final.total_minor
    by_hand = int((Decimal(FIRST_MINUTES) / 60 * RATE * 100).quantize(Decimal(1), ROUND_HALF_UP))
    if total != by_hand:
        raise RehearsalFailed(f"The invoice says {total}, by hand it is {by_hand}.")
    return f"{number}: {FIRST_MINUTES} min x {RATE} an hour = {total} cents"


async def send(stage: Rehearsal) -> str:
    """The worker brings it to the payment provider."""
    sent = await _wait_for(lambda: _invoice_in(stage, InvoiceState.SENT), "the invoice to be sent")
    return f"{sent.stripe_invoice_id}, {sent.stripe_status}"


async def settle(stage: Rehearsal) -> str:
    """The facility pays on the hosted page; the webhook comes back; our ledger says paid."""
    sent = await _invoice_in(stage, InvoiceState.SENT)
    assert sent is not None
    assert sent.hosted_url is not None
    await pay(sent.hosted_url)
    paid = await _wait_for(lambda: _invoice_in(stage, InvoiceState.PAID), "the payment to come back")
    return f"{paid.total_minor} cents paid"


async def balance(stage: Rehearsal) -> str:
    """Ledger, lines and access log agree."""
    assert stage.invoice_id is not None
    async with stage.database.transaction(SYSTEM) as tx:
        total = await tx.scalar(select(func.coalesce(func.sum(LedgerPosting.amount_minor), 0)))
        on_lines = await tx.scalars(select(InvoiceLineEntry.entry_id).where(InvoiceLineEntry.entry_id.in_(stage.entry_ids)))
        states = {entry.id: entry.state for entry in await tx.scalars(select(WorkEntry).where(WorkEntry.id.in_(stage.entry_ids)))}
        chains = await audit.verify(tx)
    broken = [report.chain for report in chains if report.broken_at is not None]
    if total or broken or list(on_lines) != stage.entry_ids[:1]:
        raise RehearsalFailed(f"Ledger off by {total}, broken chains {broken}.")
    if states != {stage.entry_ids[0]: EntryState.INVOICED, stage.entry_ids[1]: EntryState.DISPUTED}:
        raise RehearsalFailed(f"The entries ended as {sorted(states.values())}.")
    return f"ledger 0, {len(chains)} access-log chains hold, the disputed entry waits"


STAGES: tuple[tuple[str, Callable[[Rehearsal], Awaitable[str]]], ...] = (
    ("assemble", assemble),
    ("ask", ask),
    ("plan", plan),
    ("work", work),
    ("decide", decide),
    ("invoice", invoice),
    ("send", send),
    ("pay", settle),
    ("balance", balance),
)


async def _invoice_in(stage: Rehearsal, state: InvoiceState) -> Invoice | None:
    async with stage.database.transaction(SYSTEM) as tx:
        found = await tx.get_one(Invoice, stage.invoice_id)
    return found if found.state == state else None


async def _wait_for(look: Callable[[], Awaitable[T | None]], what: str) -> T:
    deadline = machine_time.monotonic() + WAIT_SECONDS
    while machine_time.monotonic() < deadline:
        if (found := await look()) is not None:
            return found
        await asyncio.sleep(0.2)
    raise RehearsalFailed(f"Waited {WAIT_SECONDS} s for {what} in vain. Is the worker running?")
