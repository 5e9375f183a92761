"""Invoices and the double-entry ledger."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB, TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from staffing.persistence.base import Base, Minor, Tenancy, new_id, table


class InvoiceState(StrEnum):
    """`draft → reviewed → finalized → sent → paid`; `void` before anything of it was paid, `uncollectible` when nobody will pay.

    Its lines never change once it is finalised."""

    DRAFT = "draft"
    REVIEWED = "reviewed"
    FINALIZED = "finalized"
    SENT = "sent"
    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


class Collection(StrEnum):
    """Who starts a payment: the facility, from the page it was sent, or the agency, from the facility's saved method."""

    SEND_INVOICE = "send_invoice"
    CHARGE_AUTOMATICALLY = "charge_automatically"


class BillingAccount(Base):
    """How a facility pays: terms, currency and its opaque customer at Stripe."""

    __tablename__ = "billing_accounts"
    __table_args__ = (table(Tenancy.TENANT),)

    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), primary_key=True)
    currency: Mapped[str] = mapped_column(default="USD")
    terms_days: Mapped[int] = mapped_column(default=14)
    stripe_customer_id: Mapped[str | None]
    collection: Mapped[str] = mapped_column(default=Collection.SEND_INVOICE.value, server_default=text("'send_invoice'"))
    payment_method: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """The saved method that is charged: `{"id", "kind", "label"}`, nothing else of it."""
    reminder_days: Mapped[list[Any]] = mapped_column(default=lambda: [-3, 3, 10, 20], server_default=text("'[-3, 3, 10, 20]'"))
    """Days after the due date (before it where negative) on which a reminder goes out."""
    pause_after_days: Mapped[int | None]
    """Days overdue after which new work stops being planned; None: never."""
    paused_at: Mapped[datetime | None]
    parked_because: Mapped[str] = mapped_column(default="", server_default=text("''"))
    """Not empty: our books and Stripe's differ, and nothing is booked by itself until somebody has looked."""


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
        CheckConstraint(
            "(state in ('finalized', 'sent', 'paid', 'uncollectible')) <= (number is not null)", name="finalized_has_number"
        ),
        CheckConstraint("total_minor >= 0 and tax_minor >= 0 and tax_minor <= total_minor", name="total"),
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
    """What the facility owes, tax included."""
    tax_minor: Mapped[int] = mapped_column(Minor, default=0, server_default=text("0"))
    tax_rates: Mapped[list[Any]] = mapped_column(default=list, server_default=text("'[]'"))
    """`[{"name", "percent", "jurisdiction", "inclusive", "taxable_minor", "tax_minor"}, …]` as they were when it was drafted."""
    collection: Mapped[str] = mapped_column(default=Collection.SEND_INVOICE.value, server_default=text("'send_invoice'"))
    run_id: Mapped[UUID | None]
    """The billing run that drafted it."""
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
    voided_because: Mapped[str] = mapped_column(default="", server_default=text("''"))
    uncollectible_at: Mapped[datetime | None]
    uncollectible_because: Mapped[str] = mapped_column(default="", server_default=text("''"))
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
    """One service by one coordinator in one kind of time, or an amount that is no work (a retainer, a true-up, a charge).

    `seconds` is the raw time; `billed_minutes` what the contract's rounding makes of it."""

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
    unit_rate: Mapped[Decimal] = mapped_column(Numeric)
    """Premiums that stack multiply exactly, so it has as many decimals as they make."""
    amount_minor: Mapped[int] = mapped_column(Minor)
    explanation: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    """What made the amount: multiplier, rule, raw seconds and the like, as the rating said it."""


class InvoiceLineEntry(Base):
    """A piece of a work entry on a line. An entry cut at a premium's border has several; no instant of it is on two lines."""

    __tablename__ = "invoice_line_entries"
    __table_args__ = (
        ExcludeConstraint(("entry_id", "="), ("during", "&&"), name="excl_invoice_line_entries_once", using="gist"),
        table(Tenancy.TENANT),
    )

    line_id: Mapped[UUID] = mapped_column(ForeignKey("invoice_lines.id", ondelete="CASCADE"), primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(ForeignKey("work_entries.id"), primary_key=True, index=True)
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE, primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), index=True)


class Charge(Base):
    """A one-off amount agreed in the contract: a late cancellation, a conversion fee. Goes on the facility's next invoice."""

    __tablename__ = "charges"
    __table_args__ = (UniqueConstraint("kind", "reference"), table(Tenancy.TENANT))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), index=True)
    kind: Mapped[str]
    """`late_cancellation` or `conversion`"""
    reference: Mapped[str]
    """What it is for, opaque: the cancelled assignment or the hired coordinator. The same happening is charged once."""
    service: Mapped[str] = mapped_column(default="")
    coordinator_id: Mapped[UUID | None] = mapped_column(ForeignKey("coordinators.id"))
    happened_at: Mapped[datetime]
    amount_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str]
    explanation: Mapped[dict[str, Any]]
    """`{"lines": […]}`: the lines it gives, as rated when it happened (see `invoicing.proposals`)."""
    line_id: Mapped[UUID | None] = mapped_column(ForeignKey("invoice_lines.id", ondelete="SET NULL"), index=True)
    """The first of its lines on the invoice that bills it."""
    waived_at: Mapped[datetime | None]
    waived_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    waived_because: Mapped[str] = mapped_column(default="", server_default=text("''"))


class RetainerPeriod(Base):
    """How much of a retainer's included time a period used, and what rolls over into the next."""

    __tablename__ = "retainer_periods"
    __table_args__ = (table(Tenancy.TENANT),)

    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id", ondelete="CASCADE"), primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), index=True)
    period_end_on: Mapped[date]
    included_minutes: Mapped[Decimal]
    carried_in_minutes: Mapped[Decimal]
    used_minutes: Mapped[Decimal]
    carried_out_minutes: Mapped[Decimal]
    carried_out: Mapped[list[Any]]
    """The same by age: `[{"seconds", "periods_left"}, …]`, which the next period begins with."""


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
