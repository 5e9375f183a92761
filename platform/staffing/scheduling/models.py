"""Plans, what they propose, the assignments that applying one makes, call-offs and the search for relief."""

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
    """Only a confirmed assignment covers its window; the other states say how it ended (see `lifecycle`)."""

    CONFIRMED = "confirmed"
    CALLED_OFF = "called_off"
    """The coordinator cannot come."""
    RELEASED = "released"
    """The agency gave the window to somebody else."""
    CANCELLED = "cancelled"
    """The facility took the request back."""


class ReliefState(StrEnum):
    """How far the search for relief after a call-off is."""

    SEARCHING = "searching"
    FOUND = "found"
    """It has an answer, which may be that nobody can."""
    FAILED = "failed"


class Plan(Base):
    """One run of the planner: its input as it was, how far it got, what it proposes, what became of it."""

    __tablename__ = "plans"
    __table_args__ = (table(Tenancy.AGENCY),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[int] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(default=PlanState.QUEUED.value)
    horizon: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    time_limit_seconds: Mapped[int]
    keeps_running: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """It plans everything ahead anew, near what is assigned: what it takes somebody off is in `PlanRelease`."""
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


class PlanRelease(Base):
    """An assignment that a plan near the running one would end, because somebody else takes the window or nobody does."""

    __tablename__ = "plan_releases"
    __table_args__ = (UniqueConstraint("plan_id", "assignment_id"), table(Tenancy.AGENCY))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plans.id", ondelete="CASCADE"))
    assignment_id: Mapped[UUID] = mapped_column(ForeignKey("assignments.id"))


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
        CheckConstraint("(state = 'called_off') = (call_off_id is not null)", name="call_off"),
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
    call_off_id: Mapped[UUID | None] = mapped_column(ForeignKey("call_offs.id"), index=True)
    """The call-off that ended it."""
    relief_for_id: Mapped[UUID | None] = mapped_column(ForeignKey("call_offs.id"), index=True)
    """The call-off for which somebody stepped in here."""
    why: Mapped[dict[str, Any] | None]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    """When it stopped counting. A called-off one that was under way was worked up to here."""
    ended_reason: Mapped[str] = mapped_column(default="")


class CallOff(Base):
    """A coordinator cannot work from an instant on, for a while. Its assignments say which windows that opened."""

    __tablename__ = "call_offs"
    __table_args__ = (
        CheckConstraint("not isempty(during) and not lower_inf(during) and not upper_inf(during)", name="bounded"),
        CheckConstraint("(withdrawn_at is null) = (withdrawn_by is null)", name="withdrawn"),
        Index("ix_call_offs_during", "during", postgresql_using="gist"),
        table(Tenancy.AGENCY),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    coordinator_id: Mapped[UUID] = mapped_column(ForeignKey("coordinators.id"), index=True)
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    reason: Mapped[str]
    """A code of `call_off_rules.CallOffReason`: no free text, in which somebody could be named."""
    recorded_by: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    recorded_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))


class ReliefSearch(Base):
    """One look for relief after a call-off: its input as it was, and the ranked options it found."""

    __tablename__ = "relief_searches"
    __table_args__ = (table(Tenancy.AGENCY),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    call_off_id: Mapped[UUID] = mapped_column(ForeignKey("call_offs.id", ondelete="CASCADE"), index=True)
    state: Mapped[str] = mapped_column(default=ReliefState.SEARCHING.value)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    snapshot: Mapped[dict[str, Any] | None]
    snapshot_hash: Mapped[str | None]
    found: Mapped[dict[str, Any] | None]
    """The options in words and ids, as `relief_words` makes them."""
    failure: Mapped[str] = mapped_column(default="")


class SolverShare(Base):
    """What all pieces of one search start from, signed. It is there only while the plan is worked out."""

    __tablename__ = "solver_shares"
    __table_args__ = (table(Tenancy.AGENCY),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plans.id", ondelete="CASCADE"), index=True)
    data: Mapped[bytes]


class SolverPiece(Base):
    """A piece of a search that any worker may do: the task and its answer, both signed."""

    __tablename__ = "solver_pieces"
    __table_args__ = (table(Tenancy.AGENCY),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    share_id: Mapped[UUID] = mapped_column(ForeignKey("solver_shares.id", ondelete="CASCADE"), index=True)
    task: Mapped[bytes]
    answer: Mapped[bytes | None]
