"""Many facilities with work to be invoiced, the jobs of a run without a worker, and what must hold after any of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import Range
from support.world import World, principal

from staffing import clock
from staffing.billing_runs import jobs as billing_run_jobs
from staffing.billing_runs import service
from staffing.billing_runs.models import BillingRun, BillingRunItem
from staffing.billing_runs.periods import Period, month_of
from staffing.facilities.models import Facility, RateCard, ServiceRate
from staffing.invoicing import service as invoicing
from staffing.invoicing.models import BillingAccount, Invoice, InvoiceLine, InvoiceLineEntry, LedgerPosting, LedgerTransaction
from staffing.persistence.base import new_id
from staffing.persistence.jobs import JobContext
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database, Transaction
from staffing.roster.models import Coordinator, PayRate
from staffing.worklog.models import WorkEntry

FEBRUARY = month_of(date(2026, 2, 1))
"""The month that is closed in these tests: the world stands at 4 March."""
JANUARY = month_of(date(2026, 1, 1))
HANDLERS = {kind.name: kind.run for kind in billing_run_jobs.KINDS}


@dataclass(frozen=True, slots=True)
class Clinic:
    """A facility and the one coordinator who works for it."""

    id: UUID
    coordinator_id: UUID
    name: str


async def clinics(database: Database, count: int, *, zone: str = "America/New_York") -> list[Clinic]:
    """Facilities with prices, each with a coordinator whose pay is known. Clinic 1 to Clinic n; at $40.00 an hour."""
    made = []
    async with database.transaction(SYSTEM) as tx:
        for number in range(1, count + 1):
            clinic = Clinic(new_id(), new_id(), f"Clinic {number:03d}")
            tx.add(
                Facility(
                    id=clinic.id, reference=f"F-3{number:03d}", name=clinic.name, initials="CL", city="Columbus", state="OH",
                    time_zone=zone, line="medical", ehr_system="epic", offshore_policy="allowed", colour=1 + number % 8,
                    created_at=datetime(2025, 6, 1, tzinfo=UTC),
                )
            )  # fmt: skip
            tx.add(
                Coordinator(
                    id=clinic.coordinator_id, reference=f"C-3{number:03d}", name=f"Person {number:03d}", work_country="US",
                    time_zone=zone, credential_class="medical_assistant", languages=["en"], ehr_systems=["epic"],
                    licence_states=[], weekly_cap_minutes=2400, weekly_target_minutes=2000, max_facilities=4,
                    joined_on=date(2025, 1, 1),
                )
            )  # fmt: skip
            made.append(clinic)
        await tx.flush()
        for clinic in made:
            _prices(tx, clinic)
    return made


def _prices(tx: Transaction, clinic: Clinic) -> None:
    card = RateCard(id=new_id(), facility_id=clinic.id, valid_from=date(2025, 6, 1), currency="USD")
    tx.add(card)
    tx.add(BillingAccount(facility_id=clinic.id, currency="USD", terms_days=14))
    tx.add(
        ServiceRate(
            rate_card_id=card.id, facility_id=clinic.id, service="patient_care_coordinator", bill_per_hour=Decimal("40.00")
        )
    )
    tx.add(PayRate(coordinator_id=clinic.coordinator_id, valid_from=date(2025, 1, 1), pay_per_hour=Decimal("22.00")))


def worked(
    tx: Transaction,
    clinic: Clinic,
    day: date,
    *,
    hours: float = 3,
    hour: int = 9,
    state: str = "approved",
    service_code: str = "patient_care_coordinator",
    zone: str = "America/New_York",
) -> WorkEntry:
    """An entry of work on that local day."""
    start = datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    entry = WorkEntry(
        id=new_id(), facility_id=clinic.id, coordinator_id=clinic.coordinator_id, service=service_code, activity="follow_up",
        note="", during=Range(start, start + timedelta(hours=hours)), state=state, source="timer", performed_from_country="US",
        dispute_reason="Not agreed." if state == "disputed" else "", created_at=start, submitted_at=start,
    )  # fmt: skip
    tx.add(entry)
    return entry


async def work_in(database: Database, some: Sequence[Clinic], month: Period, *, days: int = 4, hours: float = 3) -> None:
    """The same approved hours at each on the first days of the month."""
    async with database.transaction(SYSTEM) as tx:
        for clinic in some:
            for number in range(days):
                worked(tx, clinic, month.start_on + timedelta(days=1 + number), hours=hours)


async def invoiced(database: Database, world: World, some: Sequence[Clinic], month: Period) -> None:
    """The month's work of each, on a final invoice."""
    bella = principal(world, "bella")
    with clock.standing_at(datetime(2026, month.end_on.month + 1, 3, 15, tzinfo=UTC)):
        for clinic in some:
            async with database.transaction(bella.scope()) as tx:
                drafted = await invoicing.draft_invoice(tx, bella, clinic.id, month.start_on, month.end_on)
                await invoicing.review(tx, bella, drafted.id)
                await invoicing.finalize(tx, bella, drafted.id)


async def usual(database: Database, world: World, count: int) -> list[Clinic]:
    """Clinics with the same work in January, invoiced, and in February, not yet: nothing odd about any."""
    made = await clinics(database, count)
    await work_in(database, made, JANUARY)
    await invoiced(database, world, made, JANUARY)
    await work_in(database, made, FEBRUARY)
    return made


async def start(database: Database, world: World, who: str = "bella", period: Period = FEBRUARY) -> UUID:
    caller = principal(world, who)
    async with database.transaction(caller.scope()) as tx:
        return (await service.start(tx, caller, period)).id


async def proposed(database: Database, world: World, period: Period = FEBRUARY) -> UUID:
    """A run that has proposed."""
    run_id = await start(database, world, period=period)
    await drain(database)
    return run_id


async def issue(database: Database, world: World, run_id: UUID) -> None:
    """Press the button and let the jobs do it."""
    bella = principal(world, "bella")
    async with database.transaction(bella.scope()) as tx:
        await service.issue(tx, bella, run_id)
    await drain(database)


async def drain(database: Database) -> int:
    """Do the run's jobs that wait in the queue, one after the other, as a worker does. How many."""
    done = 0
    while True:
        async with database.transaction(SYSTEM) as tx:
            rows = (
                await tx.execute(
                    text(
                        "delete from queue.pgqueuer where entrypoint like 'billing_runs.%'"
                        " returning id, entrypoint, convert_from(payload, 'UTF8')"
                    )
                )
            ).all()
        if not rows:
            return done
        for _, kind, payload in sorted(rows):
            await HANDLERS[kind](JobContext(database), json.loads(payload))
            done += 1


async def item(database: Database, run_id: UUID, facility_id: UUID) -> BillingRunItem:
    async with database.transaction(SYSTEM) as tx:
        return await tx.get_one(BillingRunItem, (run_id, facility_id))


async def state_of(database: Database, run_id: UUID) -> str:
    async with database.transaction(SYSTEM) as tx:
        return (await tx.get_one(BillingRun, run_id)).state


async def check_books(database: Database, *, issued: int, facilities: int | None = None) -> None:
    """What must hold after any run, however often it was begun, interrupted or repeated.

    Numbers without gaps, one invoice per facility and period, every instant of work on one line, Σ lines = total = what the
    ledger says, Σ ledger = 0, and exactly one sending to Stripe waits for each invoice.
    """
    async with database.transaction(SYSTEM) as tx:
        numbered = (await tx.scalars(select(Invoice).where(Invoice.number.is_not(None)))).all()
        numbers = sorted(str(one.number) for one in numbered)
        assert numbers == [f"RD-2026-{number:04d}" for number in range(1, len(numbers) + 1)]
        of_period = [one for one in numbered if one.period_start_on == FEBRUARY.start_on]
        assert len(of_period) == issued
        assert len({one.facility_id for one in of_period}) == issued
        for invoice in numbered:
            lines = await tx.scalar(select(func.sum(InvoiceLine.amount_minor)).where(InvoiceLine.invoice_id == invoice.id))
            assert (lines or 0) + invoice.tax_minor == invoice.total_minor
            owed = (
                await tx.scalars(
                    select(LedgerPosting.amount_minor)
                    .join(LedgerTransaction, LedgerTransaction.id == LedgerPosting.transaction_id)
                    .where(LedgerTransaction.invoice_id == invoice.id, LedgerPosting.account == "receivable")
                )
            ).all()
            assert list(owed) == [invoice.total_minor]
        assert (await tx.scalar(select(func.sum(LedgerPosting.amount_minor)))) in (0, None)
        assert (await tx.scalar(select(func.count()).select_from(LedgerTransaction))) == len(numbered)
        sends = (await tx.scalars(text("select payload from queue.pgqueuer where entrypoint = 'invoicing.send'"))).all()
        assert sorted(json.loads(bytes(one))["id"] for one in sends) == sorted(str(one.id) for one in numbered)
        invoiced_work = select(func.count()).select_from(WorkEntry).where(WorkEntry.state == "invoiced")
        on_lines = (
            select(func.count(InvoiceLineEntry.entry_id.distinct()))
            .join(InvoiceLine, InvoiceLine.id == InvoiceLineEntry.line_id)
            .join(Invoice, Invoice.id == InvoiceLine.invoice_id)
            .where(Invoice.number.is_not(None))
        )
        assert await tx.scalar(invoiced_work) == await tx.scalar(on_lines)
        if facilities is not None:
            assert (await tx.scalar(select(func.count()).select_from(Facility))) == facilities
