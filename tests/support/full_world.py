"""The world with one of everything at each facility: what an address of any page could name."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.dialects.postgresql import Range
from support import world as worlds
from support.world import NOW, World

from staffing.invoicing.models import Invoice, InvoiceLine, InvoiceLineEntry
from staffing.persistence.base import new_id
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.scheduling.models import Plan
from staffing.worklog.models import WorkEntry


@dataclass(frozen=True, slots=True)
class Things:
    """Ids at one facility, by the name that routes give their parameter."""

    facility_id: UUID
    patient_id: UUID
    request_id: UUID
    window_id: UUID
    assignment_id: UUID
    entry_id: UUID
    invoice_id: UUID
    line_id: UUID
    plan_id: UUID
    coordinator_id: UUID


async def furnish(database: Database, world: World) -> dict[str, Things]:
    """One of everything at Northside (done by Maria) and at Southlake (done by Joseph)."""
    made = {}
    async with database.transaction(SYSTEM) as tx:
        for number, (name, facility_id, coordinator_id, patient_id) in enumerate(
            (("north", world.north, world.maria, world.rosa), ("south", world.south, world.joseph, world.tom))
        ):
            assignment = await worlds.assign(tx, world, coordinator_id, facility_id)
            entry = WorkEntry(
                id=new_id(),
                facility_id=facility_id,
                coordinator_id=coordinator_id,
                patient_id=patient_id,
                service="patient_care_coordinator",
                activity="follow_up",
                note=f"note-of-{name}",
                during=Range(NOW - timedelta(hours=2), NOW - timedelta(hours=1)),
                state="submitted",
                source="timer",
                performed_from_country="US",
                created_at=NOW - timedelta(hours=2),
                submitted_at=NOW,
            )
            invoice = Invoice(
                id=new_id(),
                facility_id=facility_id,
                number=f"RD-2026-{number + 1:04d}",
                period_start_on=NOW.date() - timedelta(days=30),
                period_end_on=NOW.date() - timedelta(days=1),
                state="sent",
                currency="USD",
                total_minor=4200,
                drafted_at=NOW,
                finalized_at=NOW,
                sent_at=NOW,
                due_on=NOW.date() + timedelta(days=14),
                hosted_url="http://127.0.0.1:1/sandbox/stripe/i/none",
                stripe_invoice_id=f"in_{name}",
                stripe_status="open",
            )
            line = InvoiceLine(
                id=new_id(),
                facility_id=facility_id,
                invoice_id=invoice.id,
                position=1,
                service="patient_care_coordinator",
                coordinator_id=coordinator_id,
                kind="regular",
                seconds=3600,
                billed_minutes=60,
                unit_rate=42,
                amount_minor=4200,
            )
            plan = Plan(
                id=new_id(),
                number=number + 1,
                state="discarded",
                horizon=Range(NOW, NOW + timedelta(days=7)),
                time_limit_seconds=5,
                requested_by=world.dora,
                requested_at=NOW,
            )
            tx.add_all([entry, invoice, plan])
            await tx.flush()
            tx.add(line)
            await tx.flush()
            tx.add(InvoiceLineEntry(entry_id=entry.id, facility_id=facility_id, line_id=line.id))
            await tx.flush()
            made[name] = Things(
                facility_id=facility_id,
                patient_id=patient_id,
                request_id=assignment.request_id,
                window_id=assignment.window_id,
                assignment_id=assignment.id,
                entry_id=entry.id,
                invoice_id=invoice.id,
                line_id=line.id,
                plan_id=plan.id,
                coordinator_id=coordinator_id,
            )
    return made
