"""Credit notes and their lines."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from staffing.persistence.base import Base, Minor, Tenancy, new_id, table


class CreditReason(StrEnum):
    """Why something is taken back. A closed list: no free text reaches Stripe."""

    DISPUTED_WORK = "disputed_work"
    WRONG_RATE = "wrong_rate"
    DUPLICATE = "duplicate"
    SERVICE_ISSUE = "service_issue"
    GOODWILL = "goodwill"


class CreditNote(Base):
    """Takes back part of an issued invoice. Like the invoice it never changes once it has its number.

    What is still owed on the invoice is lowered first; the rest, already paid, is refunded or kept as credit for the next
    invoices: `total = applied + refund + balance`.
    """

    __tablename__ = "credit_notes"
    __table_args__ = (
        CheckConstraint("total_minor > 0 and total_minor = subtotal_minor + tax_minor", name="total"),
        CheckConstraint("total_minor = applied_minor + refund_minor + balance_minor", name="settled"),
        table(Tenancy.TENANT),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), index=True)
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"), index=True)
    number: Mapped[str] = mapped_column(unique=True)
    form_id: Mapped[UUID] = mapped_column(unique=True)
    """Made with the blank form; the same form sent twice credits once."""
    reason: Mapped[str]
    currency: Mapped[str]
    subtotal_minor: Mapped[int] = mapped_column(Minor)
    tax_minor: Mapped[int] = mapped_column(Minor, default=0)
    total_minor: Mapped[int] = mapped_column(Minor)
    applied_minor: Mapped[int] = mapped_column(Minor, default=0)
    refund_minor: Mapped[int] = mapped_column(Minor, default=0)
    balance_minor: Mapped[int] = mapped_column(Minor, default=0)
    issued_at: Mapped[datetime]
    issued_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    stripe_credit_note_id: Mapped[str | None] = mapped_column(unique=True)
    stripe_problem: Mapped[str] = mapped_column(default="")


class CreditNoteLine(Base):
    """How much of one invoice line is taken back. `entry_id` where it is for one disputed entry."""

    __tablename__ = "credit_note_lines"
    __table_args__ = (
        UniqueConstraint("credit_note_id", "position"),
        CheckConstraint("amount_minor > 0", name="positive"),
        table(Tenancy.TENANT),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), index=True)
    credit_note_id: Mapped[UUID] = mapped_column(ForeignKey("credit_notes.id"))
    invoice_line_id: Mapped[UUID] = mapped_column(ForeignKey("invoice_lines.id"), index=True)
    entry_id: Mapped[UUID | None] = mapped_column(ForeignKey("work_entries.id"))
    position: Mapped[int]
    minutes: Mapped[Decimal | None]
    amount_minor: Mapped[int] = mapped_column(Minor)
    tax_minor: Mapped[int] = mapped_column(Minor, default=0)
