"""Patients of a facility and the background that coordinators need."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from staffing.persistence.base import Base, Tenancy, new_id, table


class HistoryKind(StrEnum):
    CONDITION = "condition"
    MEDICATION = "medication"
    ALLERGY = "allergy"
    TREATMENT = "treatment"


class Patient(Base):
    """A patient belongs to exactly one facility. Every read and change is recorded (`persistence.audit`)."""

    __tablename__ = "patients"
    __table_args__ = (
        UniqueConstraint("facility_id", "record_number"),
        Index("ix_patients_facility_name", "facility_id", "family_name", "given_name"),
        table(Tenancy.TENANT),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"))
    record_number: Mapped[str]
    given_name: Mapped[str]
    family_name: Mapped[str]
    preferred_name: Mapped[str] = mapped_column(default="")
    birth_date: Mapped[date]
    language: Mapped[str]
    payer: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]


class HistoryItem(Base):
    """One fact of a patient's health history, with the day it was last reconciled."""

    __tablename__ = "history_items"
    __table_args__ = (Index("ix_history_items_patient_kind", "patient_id", "kind"), table(Tenancy.TENANT))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), index=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"))
    kind: Mapped[str]
    text: Mapped[str]
    since_on: Mapped[date]
    ended_on: Mapped[date | None]
    reconciled_on: Mapped[date]
