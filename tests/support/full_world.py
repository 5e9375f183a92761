"""The world with one of everything at each facility: what an address of any page could name."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.dialects.postgresql import Range
from support import world as worlds
from support.world import NOW, World

from staffing.billing_runs.models import BillingRun, BillingRunItem
from staffing.crediting.models import CreditNote, CreditNoteLine
from staffing.invoicing.models import Charge, Invoice, InvoiceLine, InvoiceLineEntry
from staffing.payments.models import PaymentSetup, SavedMethod
from staffing.persistence.base import new_id
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.scheduling.models import CallOff, Plan
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
    credit_note_id: UUID
    plan_id: UUID
    coordinator_id: UUID
    call_off_id: UUID
    run_id: UUID
    charge_id: UUID
    method_id: str
    setup_id: UUID


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
            call_off = CallOff(
                id=new_id(),
                coordinator_id=coordinator_id,
                during=Range(NOW + timedelta(days=2), NOW + timedelta(days=3)),
                reason="illness",
                recorded_by=world.dora,
                recorded_at=NOW,
            )
            run = BillingRun(
                id=new_id(),
                number=number + 1,
                period_start_on=NOW.date() - timedelta(days=60 + 10 * number),
                period_end_on=NOW.date() - timedelta(days=52 + 10 * number),
                state="proposed",
                started_at=NOW,
                started_by=world.bella,
            )
            tx.add_all([entry, invoice, plan, call_off, run])
            await tx.flush()
            tx.add(
                BillingRunItem(
                    run_id=run.id, facility_id=facility_id, state="flagged", currency="USD", total_minor=4200, flags=[]
                )
            )
            tx.add(line)
            await tx.flush()
            tx.add(InvoiceLineEntry(entry_id=entry.id, facility_id=facility_id, line_id=line.id, during=entry.during))
            await tx.flush()
            charge = Charge(
                id=new_id(),
                facility_id=facility_id,
                kind="late_cancellation",
                reference=f"of-{name}",
                service="patient_care_coordinator",
                coordinator_id=coordinator_id,
                happened_at=NOW,
                amount_minor=2100,
                currency="USD",
                explanation={"lines": []},
            )
            tx.add(charge)
            await tx.flush()
            method = SavedMethod(
                id=f"pm_of{name}0001", facility_id=facility_id, kind="card", label=f"Visa of {name}", saved_at=NOW
            )
            setup = PaymentSetup(id=new_id(), facility_id=facility_id, requested_at=NOW)
            tx.add_all([method, setup])
            await tx.flush()
            note = CreditNote(
                id=new_id(),
                facility_id=facility_id,
                invoice_id=invoice.id,
                number=f"CN-2026-{number + 1:04d}",
                form_id=new_id(),
                reason="goodwill",
                currency="USD",
                subtotal_minor=420,
                tax_minor=0,
                total_minor=420,
                applied_minor=420,
                issued_at=NOW,
            )
            tx.add(note)
            await tx.flush()
            tx.add(
                CreditNoteLine(
                    facility_id=facility_id, credit_note_id=note.id, invoice_line_id=line.id, position=1, amount_minor=420
                )
            )
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
                credit_note_id=note.id,
                plan_id=plan.id,
                coordinator_id=coordinator_id,
                call_off_id=call_off.id,
                run_id=run.id,
                charge_id=charge.id,
                method_id=method.id,
                setup_id=setup.id,
            )
    return made
