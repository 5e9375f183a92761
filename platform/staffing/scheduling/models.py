"""Plans, what they propose, and the assignments that applying one makes."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from staffing.persistence.base import Base, Tenancy, new_id, table


class PlanState(StrEnum):
    QUEUED = "queued"
    SOLVING = "solving"
    PROPOSED = "proposed"
    APPLIED = "applied"
    DISCARDED = "discarded"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


class AssignmentState(StrEnum):
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


class Plan(Base):
    """One run of the planner: its input as it was, how far it got, what it proposes, what became of it."""

    __tablename__ = "plans"
    __table_args__ = (table(Tenancy.AGENCY),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[int] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(default=PlanState.QUEUED.value)
    horizon: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    time_limit_seconds: Mapped[int]
    facility_ids: Mapped[list[str]] = mapped_column(default=list, server_default=text("'{}'"))
    """The facilities whose requests it plans; empty for all."""
    requested_by: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    requested_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    """Database time of the solver's last sign of life; a technical time, not the business clock."""
    stop_requested_at: Mapped[datetime | None]
    """Somebody found the plan so far good enough: the solver stops at its next look."""
    snapshot: Mapped[dict[str, Any] | None]
    snapshot_hash: Mapped[str | None]
    progress: Mapped[dict[str, Any] | None]
    """`{phase, objective, bound, gap, seconds, points: [[seconds, objective, bound], …]}`"""
    solution: Mapped[dict[str, Any] | None]
    failure: Mapped[str] = mapped_column(default="")
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    decided_at: Mapped[datetime | None]


class PlanChoice(Base):
    """One proposed (window, coordinator), with the reason for the choice in data that a page can put in words."""

    __tablename__ = "plan_choices"
    __table_args__ = (UniqueConstraint("plan_id", "window_id", "coordinator_id"), table(Tenancy.AGENCY))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plans.id", ondelete="CASCADE"))
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"))
    window_id: Mapped[UUID] = mapped_column(ForeignKey("coverage_windows.id"))
    coordinator_id: Mapped[UUID] = mapped_column(ForeignKey("coordinators.id"))
    why: Mapped[dict[str, Any]]


class PlanGap(Base):
    """A window that a plan leaves (partly) uncovered: how many heads, the funnel of rules, the nearest fix."""

    __tablename__ = "plan_gaps"
    __table_args__ = (UniqueConstraint("plan_id", "window_id"), table(Tenancy.TENANT))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plans.id", ondelete="CASCADE"))
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), index=True)
    window_id: Mapped[UUID] = mapped_column(ForeignKey("coverage_windows.id"))
    missing: Mapped[int]
    why: Mapped[dict[str, Any]]


class Assignment(Base):
    """A coordinator covers a window. The database refuses a second one for the same person at the same time."""

    __tablename__ = "assignments"
    __table_args__ = (
        ExcludeConstraint(
            ("coordinator_id", "="),
            ("during", "&&"),
            name="excl_assignments_no_double_booking",
            using="gist",
            where=text("state = 'confirmed'"),
        ),
        Index(
            "uq_assignments_window_seat",
            "window_id",
            "seat",
            unique=True,
            postgresql_where=text("state = 'confirmed'"),
        ),
        CheckConstraint("seat >= 1", name="seat"),
        Index("ix_assignments_facility_id", "facility_id"),
        table(Tenancy.TENANT),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"))
    request_id: Mapped[UUID] = mapped_column(ForeignKey("staffing_requests.id"), index=True)
    window_id: Mapped[UUID] = mapped_column(ForeignKey("coverage_windows.id"))
    coordinator_id: Mapped[UUID] = mapped_column(ForeignKey("coordinators.id"))
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    seat: Mapped[int]
    """1 to the window's headcount: two live assignments can never share a seat."""
    state: Mapped[str] = mapped_column(default=AssignmentState.CONFIRMED.value)
    plan_id: Mapped[UUID | None] = mapped_column(ForeignKey("plans.id"))
    why: Mapped[dict[str, Any] | None]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_reason: Mapped[str] = mapped_column(default="")
