"""Reads for the pages of payments. A facility sees what is its own, the agency all; nobody else sees any."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, false, func, select

from billing.ledger import Account as LedgerAccount
from staffing.errors import NotFound
from staffing.facilities.models import Facility
from staffing.identity.models import Role
from staffing.identity.principals import Principal
from staffing.invoicing.models import BillingAccount, Collection, Invoice, LedgerPosting, LedgerTransaction
from staffing.payments.models import (
    Payment,
    PaymentDispute,
    PaymentSetup,
    Reconciliation,
    Refund,
    SavedMethod,
    SetupState,
    StripeCall,
    StripeEvent,
)
from staffing.payments.stripe_calls import CallState
from staffing.persistence.transactions import Transaction

ENDED = ("won", "lost", "warning_closed", "prevented")
"""States of a dispute after which nothing more comes."""


@dataclass(frozen=True, slots=True)
class MethodRow:
    """A saved way to pay."""

    id: str
    kind: str
    label: str
    expires_on: date | None
    saved_at: datetime

    @property
    def expires(self) -> str:
        """The last month of a card, as it is printed on it; nothing for a bank account."""
        return f"{self.expires_on:%b %Y}" if self.expires_on else ""

    def expired(self, today: date) -> bool:
        return self.expires_on is not None and self.expires_on < today


@dataclass(frozen=True, slots=True)
class AccountRow:
    """How a facility pays."""

    facility_id: UUID
    facility_name: str
    facility_colour: int
    facility_zone: str
    collection: str
    method: dict[str, Any] | None
    parked_because: str
    methods: tuple[MethodRow, ...] = ()

    @property
    def automatic(self) -> bool:
        return self.collection == Collection.CHARGE_AUTOMATICALLY

    def charges(self, method_id: str) -> bool:
        """Whether this is the saved way to pay that is charged."""
        return self.method is not None and self.method["id"] == method_id


@dataclass(frozen=True, slots=True)
class RefundRow:
    id: UUID
    amount_minor: int
    currency: str
    state: str
    failure: str
    requested_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class DisputeRow:
    """A dispute at the payer's bank."""

    id: UUID
    invoice_id: UUID
    invoice_number: str
    facility_id: UUID
    facility_name: str
    facility_colour: int
    amount_minor: int
    currency: str
    reason: str
    state: str
    evidence_due_at: datetime | None
    opened_at: datetime
    closed_at: datetime | None

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def needs_answer(self) -> bool:
        return self.state in ("needs_response", "warning_needs_response", "appeal_needs_response")


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """A payment with what went back of it and what a bank disputes."""

    id: UUID
    method: str
    method_label: str
    amount_minor: int
    currency: str
    state: str
    failure: str
    started_at: datetime
    settled_at: datetime | None
    refunds: tuple[RefundRow, ...] = ()
    disputes: tuple[DisputeRow, ...] = ()


@dataclass(frozen=True, slots=True)
class FeeRow:
    """What Stripe kept, in minor units; negative where it gave it back."""

    amount_minor: int
    currency: str
    booked_at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is under way between us and Stripe."""

    calls: int
    events: int


def own(principal: Principal, column: Any) -> list[ColumnElement[bool]]:
    """The predicate of every query here: all for the agency, a facility's own for its people."""
    if principal.of_agency:
        return []
    return [column.in_(principal.facility_ids)] if principal.role is Role.FACILITY else [false()]


async def accounts(tx: Transaction, principal: Principal) -> Sequence[AccountRow]:
    """How each facility pays, with its saved ways to pay, by name."""
    rows: Iterable[Any] = await tx.execute(
        select(
            Facility.id, Facility.name, Facility.colour, Facility.time_zone,
            func.coalesce(BillingAccount.collection, Collection.SEND_INVOICE.value),
            BillingAccount.payment_method, func.coalesce(BillingAccount.parked_because, ""),
        )
        .outerjoin(BillingAccount, BillingAccount.facility_id == Facility.id)
        .where(*own(principal, Facility.id))
        .order_by(Facility.name, Facility.id)
    )  # fmt: skip
    found: list[Any] = list(rows)
    kept = await tx.execute(
        select(
            SavedMethod.facility_id, SavedMethod.id, SavedMethod.kind, SavedMethod.label,
            SavedMethod.expires_on, SavedMethod.saved_at,
        )
        .where(SavedMethod.removed_at.is_(None), *own(principal, SavedMethod.facility_id))
        .order_by(SavedMethod.saved_at.desc(), SavedMethod.id)
    )  # fmt: skip
    methods: dict[UUID, list[MethodRow]] = {}
    for facility_id, method_id, kind, label, expires_on, saved_at in kept:
        methods.setdefault(facility_id, []).append(MethodRow(method_id, kind, label, expires_on, saved_at))
    return [replace(AccountRow(*row), methods=tuple(methods.get(row[0], ()))) for row in found]


async def setup(tx: Transaction, principal: Principal, setup_id: UUID) -> PaymentSetup:
    """A page for saving a way to pay that somebody of the caller's facilities asked for. Raises `NotFound`."""
    found = await tx.scalar(select(PaymentSetup).where(PaymentSetup.id == setup_id, *own(principal, PaymentSetup.facility_id)))
    if found is None:
        raise NotFound
    return found


async def saving_under_way(tx: Transaction, principal: Principal, since: datetime) -> bool:
    """Whether somebody was sent to Stripe's page since then and no answer has come."""
    under_way = select(func.count()).where(
        PaymentSetup.state == SetupState.OPEN.value,
        PaymentSetup.requested_at > since,
        *own(principal, PaymentSetup.facility_id),
    )
    return bool(await tx.scalar(under_way))


async def payments(tx: Transaction, principal: Principal, invoice_id: UUID) -> Sequence[PaymentRow]:
    """The payments of an invoice, first to last, with refunds and disputes."""
    rows = list(
        await tx.scalars(
            select(Payment)
            .where(Payment.invoice_id == invoice_id, *own(principal, Payment.facility_id))
            .order_by(Payment.started_at, Payment.id)
        )
    )
    if not rows:
        return []
    ids = [row.id for row in rows]
    refunds: dict[UUID, list[RefundRow]] = {}
    for one in await tx.scalars(select(Refund).where(Refund.payment_id.in_(ids)).order_by(Refund.requested_at, Refund.id)):
        refunds.setdefault(one.payment_id, []).append(
            RefundRow(one.id, one.amount_minor, one.currency, one.state, one.failure, one.requested_at, one.settled_at)
        )
    held: dict[UUID, list[DisputeRow]] = {}
    for payment_id, dispute in await _disputes(tx, PaymentDispute.payment_id.in_(ids)):
        held.setdefault(payment_id, []).append(dispute)
    return [
        PaymentRow(
            row.id, row.method, row.method_label, row.amount_minor, row.currency, row.state, row.failure, row.started_at,
            row.settled_at, tuple(refunds.get(row.id, ())), tuple(held.get(row.id, ())),
        )
        for row in rows
    ]  # fmt: skip


async def fees(tx: Transaction, principal: Principal, invoice_id: UUID) -> Sequence[FeeRow]:
    """What Stripe kept of an invoice's payments and for disputes about them, by our ledger; none for anybody but the agency."""
    if not principal.of_agency:
        return []
    rows = await tx.execute(
        select(LedgerPosting.amount_minor, LedgerPosting.currency, LedgerTransaction.booked_at)
        .join(LedgerTransaction, LedgerTransaction.id == LedgerPosting.transaction_id)
        .where(LedgerTransaction.invoice_id == invoice_id, LedgerPosting.account == LedgerAccount.FEES.value)
        .order_by(LedgerTransaction.booked_at, LedgerTransaction.id)
    )
    return [FeeRow(*row) for row in rows]


async def open_disputes(tx: Transaction, principal: Principal) -> Sequence[DisputeRow]:
    """What banks dispute now, the next day to answer first."""
    found = await _disputes(tx, PaymentDispute.closed_at.is_(None), *own(principal, PaymentDispute.facility_id))
    rows = [dispute for _, dispute in found if not dispute.ended]
    return sorted(rows, key=lambda row: (row.evidence_due_at is None, row.evidence_due_at or row.opened_at))


async def last_comparisons(tx: Transaction, principal: Principal, most: int = 10) -> Sequence[Reconciliation]:
    """The latest comparisons with Stripe, newest first; none for anybody but the agency."""
    if not principal.of_agency:
        return []
    newest = select(Reconciliation).order_by(Reconciliation.started_at.desc(), Reconciliation.id.desc()).limit(most)
    return list(await tx.scalars(newest))


async def waiting(tx: Transaction) -> Waiting:
    """How many calls have no outcome, and how many events wait to be worked off."""
    calls = select(func.count()).where(StripeCall.state.in_([CallState.INTENDED.value, CallState.UNKNOWN.value]))
    events = select(func.count()).where(StripeEvent.processed_at.is_(None))
    return Waiting(int(await tx.scalar(calls) or 0), int(await tx.scalar(events) or 0))


async def _disputes(tx: Transaction, *which: ColumnElement[bool]) -> list[tuple[UUID, DisputeRow]]:
    found: list[Any] = list(await tx.execute(
        select(
            PaymentDispute.payment_id, PaymentDispute.id, PaymentDispute.invoice_id, func.coalesce(Invoice.number, ""),
            Facility.id, Facility.name, Facility.colour, PaymentDispute.amount_minor, PaymentDispute.currency,
            PaymentDispute.reason, PaymentDispute.state, PaymentDispute.evidence_due_at, PaymentDispute.opened_at,
            PaymentDispute.closed_at,
        )
        .join(Invoice, Invoice.id == PaymentDispute.invoice_id)
        .join(Facility, Facility.id == PaymentDispute.facility_id)
        .where(*which)
        .order_by(PaymentDispute.opened_at, PaymentDispute.id)
    ))  # fmt: skip
    return [(row[0], DisputeRow(*row[1:])) for row in found]
