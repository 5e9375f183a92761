"""Invoices, the double-entry ledger, and what was said to Stripe and heard from it."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from staffing.persistence.base import Base, Minor, Tenancy, new_id, table


class InvoiceState(StrEnum):
    """`draft → reviewed → finalized → sent → paid`; `void` (withdrawn) before it is finalised. From then on it never changes."""

    DRAFT = "draft"
    REVIEWED = "reviewed"
    FINALIZED = "finalized"
    SENT = "sent"
    PAID = "paid"
    VOID = "void"


class BillingAccount(Base):
    """How a facility pays: terms, currency and its opaque customer at Stripe."""

    __tablename__ = "billing_accounts"
    __table_args__ = (table(Tenancy.TENANT),)

    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), primary_key=True)
    currency: Mapped[str] = mapped_column(default="USD")
    terms_days: Mapped[int] = mapped_column(default=14)
    stripe_customer_id: Mapped[str | None]


class Invoice(Base):
    """One facility's bill for a period of its own local days, both ends included."""

    __tablename__ = "invoices"
    __table_args__ = (
        Index(
            "uq_invoices_facility_period",
            "facility_id",
            "period_start_on",
            "period_end_on",
            unique=True,
            postgresql_where=text("state <> 'void'"),
        ),
        CheckConstraint("period_end_on >= period_start_on", name="order"),
        CheckConstraint("(state in ('finalized', 'sent', 'paid')) <= (number is not null)", name="finalized_has_number"),
        CheckConstraint("total_minor >= 0", name="total"),
        table(Tenancy.TENANT),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"))
    number: Mapped[str | None] = mapped_column(unique=True)
    period_start_on: Mapped[date]
    period_end_on: Mapped[date]
    state: Mapped[str] = mapped_column(default=InvoiceState.DRAFT.value)
    currency: Mapped[str]
    total_minor: Mapped[int] = mapped_column(Minor)
    held_count: Mapped[int] = mapped_column(default=0)
    held_seconds: Mapped[int] = mapped_column(default=0)
    drafted_at: Mapped[datetime]
    drafted_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    reviewed_at: Mapped[datetime | None]
    reviewed_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    finalized_at: Mapped[datetime | None]
    finalized_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    sent_at: Mapped[datetime | None]
    due_on: Mapped[date | None]
    paid_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]
    stripe_invoice_id: Mapped[str | None] = mapped_column(unique=True)
    stripe_status: Mapped[str | None]
    stripe_total_minor: Mapped[int | None] = mapped_column(Minor)
    stripe_paid_minor: Mapped[int | None] = mapped_column(Minor)
    stripe_seen_at: Mapped[datetime | None]
    """When Stripe was last asked: `stripe_status` and the two amounts are its answer of that moment."""
    stripe_problem: Mapped[str] = mapped_column(default="")
    hosted_url: Mapped[str | None]
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}


class InvoiceLine(Base):
    """One service by one coordinator. `seconds` is the raw time; `billed_minutes` what the contract's rounding makes of it."""

    __tablename__ = "invoice_lines"
    __table_args__ = (
        UniqueConstraint("invoice_id", "position"),
        table(Tenancy.TENANT),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), index=True)
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id", ondelete="CASCADE"))
    position: Mapped[int]
    service: Mapped[str]
    coordinator_id: Mapped[UUID | None] = mapped_column(ForeignKey("coordinators.id"))
    kind: Mapped[str]
    seconds: Mapped[int]
    billed_minutes: Mapped[Decimal]
    unit_rate: Mapped[Decimal]
    amount_minor: Mapped[int] = mapped_column(Minor)


class InvoiceLineEntry(Base):
    """A work entry stands on at most one live line: the entry is the key."""

    __tablename__ = "invoice_line_entries"
    __table_args__ = (table(Tenancy.TENANT),)

    entry_id: Mapped[UUID] = mapped_column(ForeignKey("work_entries.id"), primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), index=True)
    line_id: Mapped[UUID] = mapped_column(ForeignKey("invoice_lines.id", ondelete="CASCADE"), index=True)


class NumberSeries(Base):
    """The last number given out in a gapless series; the row is locked while a transaction takes the next."""

    __tablename__ = "number_series"
    __table_args__ = (table(Tenancy.AGENCY),)

    name: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(default=0)


class LedgerTransaction(Base):
    """One booking. Its postings sum to zero: a trigger refuses anything else at commit. Append-only."""

    __tablename__ = "ledger_transactions"
    __table_args__ = (UniqueConstraint("kind", "source"), table(Tenancy.TENANT))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), index=True)
    invoice_id: Mapped[UUID | None] = mapped_column(ForeignKey("invoices.id"), index=True)
    kind: Mapped[str]
    source: Mapped[str]
    """What caused it, for example a Stripe payment id: the same cause books once."""
    booked_at: Mapped[datetime]


class LedgerPosting(Base):
    """A debit (positive) or credit (negative) on an account, in minor units."""

    __tablename__ = "ledger_postings"
    __table_args__ = (table(Tenancy.TENANT),)

    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transactions.id"), primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), index=True)
    amount_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str]


class StripeCall(Base):
    """An intention to call Stripe, stored with its idempotency key before the call, and what came of it."""

    __tablename__ = "stripe_calls"
    __table_args__ = (table(Tenancy.AGENCY),)

    idempotency_key: Mapped[str] = mapped_column(primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"))
    invoice_id: Mapped[UUID | None] = mapped_column(ForeignKey("invoices.id"), index=True)
    purpose: Mapped[str]
    state: Mapped[str]
    """`intended`, `done`, `refused`, `unknown`"""
    object_id: Mapped[str | None]
    problem: Mapped[str] = mapped_column(default="")
    tries: Mapped[int] = mapped_column(default=0)
    intended_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class StripeEvent(Base):
    """A webhook as it came, under Stripe's own unique id; worked off by a job."""

    __tablename__ = "stripe_events"
    __table_args__ = (table(Tenancy.AGENCY),)

    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    object_id: Mapped[str]
    created_at: Mapped[datetime]
    received_at: Mapped[datetime]
    payload: Mapped[dict[str, Any]]
    processed_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(default="")
