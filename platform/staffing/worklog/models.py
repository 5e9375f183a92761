"""Work entries: a minute is stored once, raw, to the second."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from staffing.persistence.base import Base, Tenancy, new_id, table


class EntryState(StrEnum):
    """`running → draft → submitted → approved → invoiced`; `submitted|approved → disputed → approved | written_off`.

    The steps between them are in `lifecycle`. `void` is a draft that its author took back: the time is free again.
    """

    RUNNING = "running"
    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    DISPUTED = "disputed"
    WRITTEN_OFF = "written_off"
    INVOICED = "invoiced"
    VOID = "void"


class EntrySource(StrEnum):
    TIMER = "timer"
    MANUAL = "manual"


class WorkEntry(Base):
    """Work of one coordinator for one facility, `[start, end)` in UTC; a running timer has no end yet.

    The database refuses overlapping time for one person, across facilities, running timers included.
    """

    __tablename__ = "work_entries"
    __table_args__ = (
        ExcludeConstraint(
            ("coordinator_id", "="),
            ("during", "&&"),
            name="excl_work_entries_no_minute_twice",
            using="gist",
            where=text("state <> 'void'"),
        ),
        CheckConstraint("not lower_inf(during) and not isempty(during)", name="has_start"),
        CheckConstraint("(state = 'running') = upper_inf(during)", name="running_is_open"),
        CheckConstraint("upper_inf(during) or upper(during) - lower(during) <= interval '12 hours'", name="at_most_12_hours"),
        CheckConstraint("state <> 'disputed' or dispute_reason <> ''", name="dispute_has_reason"),
        CheckConstraint("disputed_at is null or (state = 'invoiced' and dispute_reason <> '')", name="disputed_on_invoice"),
        Index("ix_work_entries_facility_state", "facility_id", "state"),
        Index("ix_work_entries_coordinator_state", "coordinator_id", "state"),
        table(Tenancy.TENANT),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"))
    coordinator_id: Mapped[UUID] = mapped_column(ForeignKey("coordinators.id"))
    patient_id: Mapped[UUID | None] = mapped_column(ForeignKey("patients.id"))
    service: Mapped[str]
    activity: Mapped[str | None]
    note: Mapped[str] = mapped_column(default="")
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    state: Mapped[str]
    source: Mapped[str]
    manual_reason: Mapped[str] = mapped_column(default="")
    performed_from_country: Mapped[str]
    dispute_reason: Mapped[str] = mapped_column(default="")
    disputed_at: Mapped[datetime | None]
    """Since when the facility disputes it although it is on a final invoice: there it stays, a credit note takes it back."""
    created_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}


class EntryEvent(Base):
    """One step in the story of a work entry: who did what, when, with which reason."""

    __tablename__ = "entry_events"
    __table_args__ = (Index("ix_entry_events_entry_at", "entry_id", "happened_at"), table(Tenancy.TENANT))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), index=True)
    coordinator_id: Mapped[UUID] = mapped_column(ForeignKey("coordinators.id"))
    entry_id: Mapped[UUID] = mapped_column(ForeignKey("work_entries.id", ondelete="CASCADE"))
    happened_at: Mapped[datetime]
    actor: Mapped[str]
    step: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")


class Pin(Base):
    """A patient that a coordinator keeps at hand, to start a timer with one press."""

    __tablename__ = "pinned_patients"
    __table_args__ = (table(Tenancy.TENANT),)

    coordinator_id: Mapped[UUID] = mapped_column(ForeignKey("coordinators.id", ondelete="CASCADE"), primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.id", ondelete="CASCADE"), primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), index=True)
    pinned_at: Mapped[datetime]
