"""Which reminder of which invoice went out when, and which pause was lifted by whom."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from staffing.persistence.base import Base, Tenancy, table


class Reminder(Base):
    """One stage of the schedule, sent once: the stage is part of the key."""

    __tablename__ = "reminders"
    __table_args__ = (table(Tenancy.TENANT),)

    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"), primary_key=True)
    stage: Mapped[str] = mapped_column(primary_key=True)
    """`due_soon_<days>`, `due_today`, `overdue_<days>`, `pause_warning`, `paused`, `by_hand_<day>`; `pause_lifted` is no
    reminder: since then this invoice pauses nothing any more."""
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), index=True)
    sent_at: Mapped[datetime]
    sent_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    reason: Mapped[str] = mapped_column(default="", server_default=text("''"))
    """Why a person lifted the pause."""
