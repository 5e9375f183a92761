"""Billing runs and what each proposes for each facility."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from staffing.persistence.base import Base, Minor, Tenancy, new_id, table


class RunState(StrEnum):
    """`proposing → proposed → issuing → done`; `cancelled` before anything is issued.

    What could not be issued, or still waits for a decision, leads back to `proposed`; looking again to `proposing`.
    """

    PROPOSING = "proposing"
    PROPOSED = "proposed"
    ISSUING = "issuing"
    DONE = "done"
    CANCELLED = "cancelled"


class BillingRun(Base):
    """Invoicing of a period for all facilities. Only one run of a period is live at a time."""

    __tablename__ = "billing_runs"
    __table_args__ = (
        Index(
            "uq_billing_runs_live_period",
            "period_start_on",
            "period_end_on",
            unique=True,
            postgresql_where=text("state in ('proposing', 'proposed', 'issuing')"),
        ),
        CheckConstraint("period_end_on >= period_start_on", name="order"),
        table(Tenancy.AGENCY),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[int] = mapped_column(unique=True)
    period_start_on: Mapped[date]
    period_end_on: Mapped[date]
    state: Mapped[str] = mapped_column(default=RunState.PROPOSING.value)
    started_at: Mapped[datetime]
    started_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    issued_at: Mapped[datetime | None]
    issued_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    finished_at: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(default="")


class ItemState(StrEnum):
    """`flagged` waits for somebody to accept or leave out; `failed` says why in `problem`.

    `nothing`: the facility has nothing to invoice, or has its invoice of the period already (`problem` says which).
    """

    WAITING = "waiting"
    NOTHING = "nothing"
    READY = "ready"
    FLAGGED = "flagged"
    ACCEPTED = "accepted"
    LEFT_OUT = "left_out"
    ISSUED = "issued"
    FAILED = "failed"


class BillingRunItem(Base):
    """One facility in a run: its draft, the month before, and what looks odd about the difference."""

    __tablename__ = "billing_run_items"
    __table_args__ = (table(Tenancy.AGENCY),)

    run_id: Mapped[UUID] = mapped_column(ForeignKey("billing_runs.id"), primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), primary_key=True)
    state: Mapped[str] = mapped_column(default=ItemState.WAITING.value)
    invoice_id: Mapped[UUID | None] = mapped_column(ForeignKey("invoices.id"))
    currency: Mapped[str]
    total_minor: Mapped[int] = mapped_column(Minor, default=0)
    previous_minor: Mapped[int | None] = mapped_column(Minor)
    held_count: Mapped[int] = mapped_column(default=0)
    flags: Mapped[list[Any]]
    """`[{"kind", "sentence"}, …]`: what somebody should look at before this is issued."""
    problem: Mapped[str] = mapped_column(default="")
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    decided_at: Mapped[datetime | None]
