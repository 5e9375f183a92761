"""What the desk reads about reminders and pauses of a facility."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import aliased

from staffing.dunning import rules
from staffing.dunning.models import Reminder
from staffing.dunning.owing import is_unpaid
from staffing.dunning.rules import Sent
from staffing.dunning.service import sent_words
from staffing.facilities.models import Facility
from staffing.identity.models import Account
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing.models import Invoice
from staffing.persistence.transactions import Transaction
from staffing.wall_clock import local_day

MOST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRow:
    """A stage that went out: in words, when, by whom (empty: by itself), and why where somebody had to say."""

    invoice_id: UUID
    words: str
    at: datetime
    by: str
    reason: str
    is_reminder: bool


async def sent_to(tx: Transaction, principal: Principal, facility_id: UUID) -> Sequence[SentRow]:
    """What went out to a facility, latest first."""
    principal.require(Permission.DESK_RECEIVABLES_READ)
    rows = await tx.execute(
        select(Reminder.invoice_id, Reminder.stage, Reminder.sent_at, Account.name, Reminder.reason)
        .outerjoin(Account, Account.id == Reminder.sent_by)
        .where(Reminder.facility_id == facility_id)
        .order_by(Reminder.sent_at.desc(), Reminder.stage)
        .limit(MOST)
    )
    return [
        SentRow(
            invoice_id=row.invoice_id,
            words=sent_words(Sent(row.stage, row.sent_at.date())),
            at=row.sent_at,
            by=row.name or "",
            reason=row.reason,
            is_reminder=row.stage != rules.PAUSE_LIFTED,
        )
        for row in rows
    ]


async def pauses_announced(tx: Transaction, principal: Principal) -> Sequence[str]:
    """The names of facilities whose pause was announced for something still unpaid, and has not come or been lifted."""
    principal.require(Permission.DESK_RECEIVABLES_READ)
    over = aliased(Reminder)
    ended = exists(
        select(over.stage).where(over.invoice_id == Reminder.invoice_id, over.stage.in_([rules.PAUSED, rules.PAUSE_LIFTED]))
    )
    names = await tx.scalars(
        select(Facility.name)
        .join(Reminder, Reminder.facility_id == Facility.id)
        .join(Invoice, Invoice.id == Reminder.invoice_id)
        .where(Reminder.stage == rules.PAUSE_WARNING, is_unpaid(), ~ended)
        .order_by(Facility.name)
        .distinct()
    )
    return list(names)


async def numbers(tx: Transaction, invoice_ids: set[UUID]) -> Mapping[UUID, str]:
    """The numbers of invoices that the caller has read."""
    rows = await tx.execute(select(Invoice.id, Invoice.number).where(Invoice.id.in_(invoice_ids)))
    return {invoice_id: number or "" for invoice_id, number in rows}


def latest_by_invoice(rows: Sequence[SentRow]) -> Mapping[UUID, SentRow]:
    """The latest of each invoice."""
    found: dict[UUID, SentRow] = {}
    for row in rows:
        found.setdefault(row.invoice_id, row)
    return found


def reminded_today(rows: Sequence[SentRow], now: datetime, zone: str) -> bool:
    """Whether the facility was reminded of anything today, on the agency's calendar."""
    today = local_day(now, zone)
    return any(row.is_reminder and local_day(row.at, zone) == today for row in rows)
