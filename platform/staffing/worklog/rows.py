"""The row that pages read of an entry, and the one select that makes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, select

from staffing.care.models import Patient
from staffing.catalogue import ACTIVITY_NAMES, SERVICE_BY_CODE, Activity
from staffing.errors import NotFound
from staffing.facilities.models import Facility
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction
from staffing.roster.models import Coordinator
from staffing.worklog.models import EntryState, WorkEntry
from staffing.worklog.rules import Span
from staffing.worklog.sightings import Content


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRow:
    """An entry as pages show it. `patient_name` is empty without a patient, or where the reader may not see patients now."""

    id: UUID
    facility_id: UUID
    facility_name: str
    facility_initials: str
    facility_colour: int
    facility_zone: str
    coordinator_id: UUID
    coordinator_name: str
    coordinator_zone: str
    patient_id: UUID | None
    patient_name: str
    service: str
    activity: str | None
    note: str
    start: datetime
    end: datetime | None
    state: EntryState
    source: str
    manual_reason: str
    performed_from_country: str
    dispute_reason: str
    created_at: datetime
    submitted_at: datetime | None
    decided_at: datetime | None
    disputed_at: datetime | None = None
    """Since when it is disputed although it is on a final invoice."""

    @property
    def in_dispute(self) -> bool:
        """Whether the agency still has to settle it."""
        return self.state is EntryState.DISPUTED or self.disputed_at is not None

    @property
    def span(self) -> Span:
        """The time of a finished entry."""
        assert self.end is not None
        return Span(self.start, self.end)

    @property
    def seconds(self) -> int:
        return 0 if self.end is None else self.span.seconds

    @property
    def minutes(self) -> int:
        """Whole minutes, for reading only: nothing is computed from them."""
        return self.seconds // 60

    @property
    def service_name(self) -> str:
        return SERVICE_BY_CODE[self.service].name

    @property
    def activity_name(self) -> str:
        return ACTIVITY_NAMES[Activity(self.activity)] if self.activity else ""

    @property
    def missing(self) -> tuple[str, ...]:
        """What must still be written before this can be submitted."""
        return tuple(word for word, there in (("activity", self.activity), ("note", self.note)) if not there)

    @property
    def content(self) -> Content:
        return Content(
            start=self.start, end=self.end, patient_id=self.patient_id,
            service=self.service, activity=self.activity, note=self.note,
        )  # fmt: skip


def patient_name() -> ColumnElement[str]:
    """How the patient is called on pages; empty where there is none to see."""
    given = func.coalesce(func.nullif(Patient.preferred_name, ""), Patient.given_name)
    return func.coalesce(given + " " + Patient.family_name, "")


def own(principal: Principal) -> ColumnElement[bool]:
    """The entries of the coordinator who asks."""
    return WorkEntry.coordinator_id == principal.own_coordinator_id()


def visible_patient(principal: Principal) -> ColumnElement[bool]:
    """The patient of an entry, as far as the caller may see patients now: a coordinator where they care at this moment."""
    mine = Patient.id == WorkEntry.patient_id
    if principal.of_agency:
        return mine
    places = principal.facility_ids if principal.coordinator_id is None else principal.care_facility_ids
    return and_(mine, Patient.facility_id.in_(places))


def entry_rows(principal: Principal) -> Select[*tuple[Any, ...]]:
    """Entries with what stands around them. The caller adds the predicate of whose they are."""
    return (
        select(
            WorkEntry.id, WorkEntry.facility_id,
            Facility.name.label("facility_name"), Facility.initials.label("facility_initials"),
            Facility.colour.label("facility_colour"), Facility.time_zone.label("facility_zone"),
            WorkEntry.coordinator_id, Coordinator.name.label("coordinator_name"),
            Coordinator.time_zone.label("coordinator_zone"),
            WorkEntry.patient_id, patient_name().label("patient_name"),
            WorkEntry.service, WorkEntry.activity, WorkEntry.note,
            func.lower(WorkEntry.during).label("start"), func.upper(WorkEntry.during).label("end"),
            WorkEntry.state, WorkEntry.source, WorkEntry.manual_reason, WorkEntry.performed_from_country,
            WorkEntry.dispute_reason, WorkEntry.created_at, WorkEntry.submitted_at, WorkEntry.decided_at,
            WorkEntry.disputed_at,
        )
        .join(Facility, Facility.id == WorkEntry.facility_id)
        .join(Coordinator, Coordinator.id == WorkEntry.coordinator_id)
        .outerjoin(Patient, visible_patient(principal))
    )  # fmt: skip


async def read(tx: Transaction, statement: Select[*tuple[Any, ...]]) -> Sequence[EntryRow]:
    rows = (await tx.execute(statement)).mappings()
    return [EntryRow(**{**row, "state": EntryState(row["state"])}) for row in rows]


async def read_one(tx: Transaction, statement: Select[*tuple[Any, ...]]) -> EntryRow:
    """The one row. Raises `NotFound`."""
    rows = await read(tx, statement)
    if not rows:
        raise NotFound
    return rows[0]
