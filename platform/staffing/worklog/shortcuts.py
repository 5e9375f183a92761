"""What a coordinator starts a timer for with one press: pinned patients and the latest work."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from staffing import clock
from staffing.care.models import Patient
from staffing.errors import NotFound
from staffing.facilities.models import Facility
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.worklog.models import EntryState, Pin, WorkEntry
from staffing.worklog.rows import own, patient_name, visible_patient


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A facility and a patient (None: work without one), at a facility under the coordinator's care now."""

    facility_id: UUID
    facility_name: str
    facility_colour: int
    patient_id: UUID | None
    patient_name: str
    pinned: bool


async def shortcuts(tx: Transaction, principal: Principal, since: datetime, most: int = 6) -> list[Shortcut]:
    """Pinned patients by name, then what the coordinator worked on since `since`, latest first; `most` of these."""
    pinned = await _pinned(tx, principal)
    recent = await _recent(tx, principal, since, most + len(pinned))
    at_hand = {(one.facility_id, one.patient_id) for one in pinned}
    fresh = [one for one in recent if (one.facility_id, one.patient_id) not in at_hand]
    return [*pinned, *fresh[:most]]


async def pin(tx: Transaction, principal: Principal, patient_id: UUID) -> None:
    """Keep a patient at hand; pinning twice changes nothing. Raises `NotFound` for one that is not under their care now."""
    pinned = insert(Pin).values(
        coordinator_id=principal.own_coordinator_id(),
        patient_id=patient_id,
        facility_id=await _facility_of(tx, principal, patient_id),
        pinned_at=clock.now(),
    )
    await tx.execute(pinned.on_conflict_do_nothing())


async def unpin(tx: Transaction, principal: Principal, patient_id: UUID) -> None:
    """Let go of a pinned patient; one that is not pinned stays so. Raises `NotFound` like `pin`."""
    await _facility_of(tx, principal, patient_id)
    await tx.execute(delete(Pin).where(Pin.coordinator_id == principal.own_coordinator_id(), Pin.patient_id == patient_id))


async def is_pinned(tx: Transaction, principal: Principal, patient_id: UUID) -> bool:
    """Whether the coordinator keeps this patient at hand."""
    mine = (Pin.coordinator_id == principal.own_coordinator_id(), Pin.patient_id == patient_id)
    return await tx.scalar(select(Pin.patient_id).where(*mine)) is not None


async def _facility_of(tx: Transaction, principal: Principal, patient_id: UUID) -> UUID:
    """The facility of a patient under the coordinator's care now."""
    facility_id: UUID | None = await tx.scalar(
        select(Patient.facility_id).where(Patient.id == patient_id, Patient.facility_id.in_(principal.care_facility_ids))
    )
    if facility_id is None:
        raise NotFound
    return facility_id


async def _pinned(tx: Transaction, principal: Principal) -> list[Shortcut]:
    rows = await tx.execute(
        select(Pin.facility_id, Facility.name, Facility.colour, Pin.patient_id, patient_name())
        .join(Facility, Facility.id == Pin.facility_id)
        .join(Patient, Patient.id == Pin.patient_id)
        .where(
            Pin.coordinator_id == principal.own_coordinator_id(),
            Patient.facility_id.in_(principal.care_facility_ids),
        )
        .order_by(Patient.family_name, Patient.given_name)
    )
    return [Shortcut(*row, True) for row in rows]


async def _recent(tx: Transaction, principal: Principal, since: datetime, limit: int) -> Sequence[Shortcut]:
    last = func.max(func.lower(WorkEntry.during))
    rows = await tx.execute(
        select(WorkEntry.facility_id, Facility.name, Facility.colour, WorkEntry.patient_id, patient_name())
        .join(Facility, Facility.id == WorkEntry.facility_id)
        .outerjoin(Patient, visible_patient(principal))
        .where(
            own(principal),
            WorkEntry.facility_id.in_(principal.care_facility_ids),
            WorkEntry.state != EntryState.VOID,
            func.lower(WorkEntry.during) >= since,
        )
        .group_by(WorkEntry.facility_id, Facility.name, Facility.colour, WorkEntry.patient_id, Patient.id)
        .order_by(last.desc())
        .limit(limit)
    )
    return [Shortcut(*row, False) for row in rows]
