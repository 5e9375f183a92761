"""Payments, refunds and disputes as Stripe reports them, what was said to Stripe and heard from it, and what comparing found."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from staffing.persistence.base import Base, Minor, Tenancy, new_id, table


class PaymentState(StrEnum):
    """`processing` is a bank debit under way: it may still fail days later. `failed` never took money."""

    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Payment(Base):
    """One attempt to pay an invoice. What was refunded or is disputed stands in `Refund` and `PaymentDispute`."""

    __tablename__ = "payments"
    __table_args__ = (CheckConstraint("amount_minor > 0", name="positive"), table(Tenancy.TENANT))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), index=True)
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"), index=True)
    stripe_payment_intent_id: Mapped[str] = mapped_column(unique=True)
    method: Mapped[str]
    """`card`, `us_bank_account`, or what else Stripe names."""
    method_label: Mapped[str] = mapped_column(default="")
    """For people: "Visa ending in 4242"."""
    amount_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str]
    state: Mapped[str]
    failure: Mapped[str] = mapped_column(default="")
    started_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class RefundState(StrEnum):
    """`requested` here, `pending` at Stripe, then settled either way."""

    REQUESTED = "requested"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Refund(Base):
    """Money sent back from a payment, wholly or in part; with a credit note when it settles one."""

    __tablename__ = "refunds"
    __table_args__ = (CheckConstraint("amount_minor > 0", name="positive"), table(Tenancy.TENANT))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), index=True)
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"), index=True)
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"), index=True)
    credit_note_id: Mapped[UUID | None] = mapped_column(ForeignKey("credit_notes.id"), index=True)
    form_id: Mapped[UUID | None] = mapped_column(unique=True)
    """Made with the blank form; the same form sent twice refunds once. None for a refund first seen at Stripe."""
    amount_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str]
    reason: Mapped[str]
    state: Mapped[str] = mapped_column(default=RefundState.REQUESTED.value)
    failure: Mapped[str] = mapped_column(default="")
    stripe_refund_id: Mapped[str | None] = mapped_column(unique=True)
    requested_at: Mapped[datetime]
    requested_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    settled_at: Mapped[datetime | None]


class PaymentDispute(Base):
    """A payer's bank took a payment back and asks for evidence by a day. `state` in Stripe's words."""

    __tablename__ = "payment_disputes"
    __table_args__ = (table(Tenancy.TENANT),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), index=True)
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("invoices.id"), index=True)
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"), index=True)
    stripe_dispute_id: Mapped[str] = mapped_column(unique=True)
    amount_minor: Mapped[int] = mapped_column(Minor)
    currency: Mapped[str]
    reason: Mapped[str]
    state: Mapped[str]
    evidence_due_at: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class SavedMethod(Base):
    """A card or bank account that a facility saved at Stripe: what a person needs to recognise it, and no more."""

    __tablename__ = "saved_payment_methods"
    __table_args__ = (table(Tenancy.TENANT),)

    id: Mapped[str] = mapped_column(primary_key=True)
    """Stripe's id."""
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), index=True)
    kind: Mapped[str]
    label: Mapped[str]
    """For people: "Visa ending in 4242"."""
    expires_on: Mapped[date | None]
    """The last day of a card's last month."""
    saved_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    """Since when it is not used any more; Stripe forgets it a moment later."""


class SetupState(StrEnum):
    """A page at Stripe for saving a way to pay: asked for, open to the person, then done with."""

    REQUESTED = "requested"
    OPEN = "open"
    COMPLETE = "complete"
    EXPIRED = "expired"
    FAILED = "failed"


class PaymentSetup(Base):
    """Somebody of a facility wants to save a way to pay on Stripe's page."""

    __tablename__ = "payment_setups"
    __table_args__ = (table(Tenancy.TENANT),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """Made with the blank form; the same form sent twice opens one page."""
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"), index=True)
    requested_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    requested_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default=SetupState.REQUESTED.value)
    stripe_setup_id: Mapped[str | None] = mapped_column(unique=True)
    url: Mapped[str | None]
    problem: Mapped[str] = mapped_column(default="")
    closed_at: Mapped[datetime | None]


class Reconciliation(Base):
    """One comparison of our books with Stripe, object by object. `differences` is empty when well."""

    __tablename__ = "reconciliations"
    __table_args__ = (table(Tenancy.AGENCY),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    started_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"))
    compared: Mapped[int] = mapped_column(default=0)
    differences: Mapped[list[Any]]
    """`[{"kind", "id", "reference", "what", "ours_minor", "theirs_minor", "currency"}, …]`"""
    problem: Mapped[str] = mapped_column(default="")


class StripeCall(Base):
    """An intention to call Stripe, stored with its idempotency key before the call, and what came of it."""

    __tablename__ = "stripe_calls"
    __table_args__ = (table(Tenancy.AGENCY),)

    idempotency_key: Mapped[str] = mapped_column(primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities.id"))
    invoice_id: Mapped[UUID | None] = mapped_column(ForeignKey("invoices.id"), index=True)
    subject: Mapped[str] = mapped_column(default="", server_default=text("''"))
    """What else the call is about, for example `credit_note:<id>`; empty for the invoice or the customer itself."""
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
