"""Reads of patients. Whoever calls these for a page writes the access log's note (see `care.service`)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, true

from staffing.care.models import HistoryItem, HistoryKind, Patient
from staffing.catalogue import LANGUAGES
from staffing.errors import NotFound
from staffing.facilities.models import Facility
from staffing.identity.principals import Principal
from staffing.persistence.transactions import Transaction

HISTORY_NAMES: dict[HistoryKind, str] = {
    HistoryKind.CONDITION: "Conditions",
    HistoryKind.MEDICATION: "Medications",
    HistoryKind.ALLERGY: "Allergies",
    HistoryKind.TREATMENT: "Treatments",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientRow:
    """A patient in a list, with the facility beside the name."""

    id: UUID
    facility_id: UUID
    facility_name: str
    facility_colour: int
    facility_zone: str
    record_number: str
    given_name: str
    family_name: str
    preferred_name: str
    birth_date: date
    language: str
    payer: str

    @property
    def name(self) -> str:
        """How to address them."""
        return f"{self.preferred_name or self.given_name} {self.family_name}"

    @property
    def born(self) -> str:
        """The day of birth, without the weekday that dates of the calendar carry."""
        return f"{self.birth_date:%-d %b %Y}"

    @property
    def language_name(self) -> str:
        return LANGUAGES.get(self.language, self.language)


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One fact of the health history."""

    kind: HistoryKind
    text: str
    since_on: date
    ended_on: date | None
    reconciled_on: date


@dataclass(frozen=True, slots=True)
class HistoryGroup:
    """All facts of one kind, those that still hold first."""

    kind: HistoryKind
    name: str
    items: tuple[HistoryRow, ...]
    reconciled_on: date | None = None
    """The latest day on which one of them was checked."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A patient with the background that coordinators need."""

    patient: PatientRow
    history: tuple[HistoryGroup, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Patients:
    """One page of patients and how many there are in all."""

    rows: tuple[PatientRow, ...]
    total: int


async def patients(
    tx: Transaction,
    principal: Principal,
    *,
    search: str = "",
    facility_id: UUID | None = None,
    limit: int = 50,
    offset: int = 0,
) -> Patients:
    """Patients that the caller may see now, by family name. `search`: parts of names or a record number, all must fit."""
    wanted = [_may_see(principal), *_fits(search)]
    if facility_id is not None:
        wanted.append(Patient.facility_id == facility_id)
    rows = await tx.execute(
        select(*_COLUMNS, func.count().over().label("total"))
        .join(Facility, Facility.id == Patient.facility_id)
        .where(*wanted)
        .order_by(func.lower(Patient.family_name), func.lower(Patient.given_name), Patient.id)
        .limit(limit)
        .offset(offset)
    )
    found = rows.mappings().all()
    return Patients(tuple(_row(row) for row in found), found[0]["total"] if found else 0)


async def chart(tx: Transaction, principal: Principal, patient_id: UUID) -> Chart:
    """One patient with the history grouped by kind. Raises `NotFound` for one that the caller may not see now."""
    rows = await tx.execute(
        select(*_COLUMNS).join(Facility, Facility.id == Patient.facility_id).where(Patient.id == patient_id, _may_see(principal))
    )
    row = rows.mappings().one_or_none()
    if row is None:
        raise NotFound
    patient = _row(row)
    history = await tx.execute(
        select(
            HistoryItem.kind, HistoryItem.text, HistoryItem.since_on, HistoryItem.ended_on, HistoryItem.reconciled_on
        )
        .where(HistoryItem.patient_id == patient_id, HistoryItem.facility_id == patient.facility_id)
        .order_by(HistoryItem.ended_on.is_not(None), HistoryItem.since_on.desc(), HistoryItem.id)
    )  # fmt: skip
    items = [HistoryRow(HistoryKind(kind), words, since, ended, checked) for kind, words, since, ended, checked in history]
    return Chart(patient, _grouped(items))


def _grouped(rows: Collection[HistoryRow]) -> tuple[HistoryGroup, ...]:
    groups = []
    for kind in HistoryKind:
        items = tuple(row for row in rows if row.kind is kind)
        checked = max((row.reconciled_on for row in items), default=None)
        groups.append(HistoryGroup(kind, HISTORY_NAMES[kind], items, checked))
    return tuple(groups)


def _may_see(principal: Principal) -> ColumnElement[bool]:
    if principal.of_agency:
        return true()
    places = principal.facility_ids if principal.coordinator_id is None else principal.care_facility_ids
    return Patient.facility_id.in_(places)


def _fits(search: str) -> list[ColumnElement[bool]]:
    words = [word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for word in search.split()[:5]]
    names = (Patient.given_name, Patient.family_name, Patient.preferred_name, Patient.record_number)
    return [or_(*(name.ilike(f"%{word}%") for name in names)) for word in words]


_COLUMNS = (
    Patient.id, Patient.facility_id, Facility.name.label("facility_name"), Facility.colour.label("facility_colour"),
    Facility.time_zone.label("facility_zone"), Patient.record_number, Patient.given_name, Patient.family_name,
    Patient.preferred_name, Patient.birth_date, Patient.language, Patient.payer,
)  # fmt: skip


def _row(row: Mapping[Any, Any]) -> PatientRow:
    return PatientRow(**{name: row[name] for name in PatientRow.__dataclass_fields__})
