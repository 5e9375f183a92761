"""Reminding facilities of what they owe, pausing their service, and what people decide about both.

Per facility and day one reminder at most, whatever happens: the daily job and "Remind now" share the rule, under the lock of
the facility's billing account.
"""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from staffing import clock
from staffing.dunning import rules
from staffing.dunning.errors import NothingToRemindOf, NotPaused, RemindedToday
from staffing.dunning.models import Reminder
from staffing.dunning.owing import Owed, is_unpaid, owed
from staffing.dunning.rules import Schedule, Sent
from staffing.errors import Invalid, NotFound
from staffing.identity import queries as identity
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing import accounts, pausing
from staffing.invoicing.models import BillingAccount, Collection, Invoice
from staffing.payments.names import CHARGE
from staffing.persistence import audit, jobs
from staffing.persistence.transactions import Transaction
from staffing.wall_clock import local_day

SEND_REMINDER = "payments.send_reminder"
FIRST_HOUR = 8
"""Nobody is reminded in the middle of the night of the agency's zone."""
LONGEST_REASON = 500


async def zone_of_agency(tx: Transaction) -> str:
    agency = await identity.agency(tx)
    return agency.time_zone if agency else "UTC"


async def facilities_to_look_at(tx: Transaction) -> Sequence[UUID]:
    """Facilities with something unpaid, or whose service is paused."""
    unpaid = set(await tx.scalars(select(Invoice.facility_id).where(is_unpaid(), Invoice.due_on.is_not(None)).distinct()))
    paused = set(await tx.scalars(select(BillingAccount.facility_id).where(BillingAccount.paused_at.is_not(None))))
    return sorted(unpaid | paused)


async def remind_facility(tx: Transaction, facility_id: UUID) -> dict[UUID, str]:
    """Have out whatever is due today for a facility: the stage per invoice. Nothing when it was reminded today already.

    Nobody is reminded while a payment is under way, or while the books of the facility are in doubt.
    """
    zone, at = await zone_of_agency(tx), clock.now()
    today = local_day(at, zone)
    account = await accounts.locked(tx, facility_id)
    await pausing.resume_when_settled(tx, facility_id)
    if account.parked_because or today in await _days_reminded(tx, facility_id, zone):
        return {}
    found = [one for one in await _unpaid(tx, facility_id, zone) if not one.paying]
    agreed = Schedule(account.reminder_days, account.pause_after_days)
    due = {one.invoice_id: stage for one in found if (stage := rules.stage_today(one.due_on, today, agreed, one.sent))}
    going = {one.invoice_id: due[one.invoice_id] for one in found if one.invoice_id in due}
    if rules.PAUSED in going.values():
        _pause(tx, account, at)
    kept = [invoice_id for invoice_id, stage in going.items() if await _keep(tx, facility_id, invoice_id, stage, at)]
    await _deliver(tx, account, [one for one in found if one.invoice_id in kept], going, today)
    return {invoice_id: going[invoice_id] for invoice_id in kept}


async def remind_now(tx: Transaction, principal: Principal, invoice_id: UUID) -> Owed:
    """Remind of one invoice because a person wants to. Raises `RemindedToday`, `NothingToRemindOf`."""
    principal.require(Permission.DESK_RECEIVABLES_WRITE)
    facility_id = await tx.scalar(select(Invoice.facility_id).where(Invoice.id == invoice_id))
    if facility_id is None:
        raise NotFound
    zone, at = await zone_of_agency(tx), clock.now()
    today = local_day(at, zone)
    account = await accounts.locked(tx, facility_id)
    found = [one for one in await _unpaid(tx, facility_id, zone) if one.invoice_id == invoice_id and not one.paying]
    if not found:
        raise NothingToRemindOf
    if today in await _days_reminded(tx, facility_id, zone):
        raise RemindedToday(way_on_href=f"/desk/receivables/{facility_id}")
    stage = rules.by_hand(today)
    await _keep(tx, facility_id, invoice_id, stage, at, by=principal.account_id)
    await _deliver(tx, account, found, {invoice_id: stage}, today)
    return found[0]


async def lift_pause(tx: Transaction, principal: Principal, facility_id: UUID, reason: str) -> None:
    """Go on planning for a facility although it has not paid. What it owes now pauses nothing any more.

    Raises `Invalid` (`reason`) without a reason, `NotPaused`.
    """
    principal.require(Permission.DESK_RECEIVABLES_WRITE)
    if not reason.strip():
        raise Invalid(reason="Please say why planning goes on.")
    if len(reason) > LONGEST_REASON:
        raise Invalid(reason=f"Please shorten this to {LONGEST_REASON} characters.")
    if await tx.get(BillingAccount, facility_id) is None:
        raise NotFound
    account = await accounts.locked(tx, facility_id)
    if account.paused_at is None:
        raise NotPaused
    account.paused_at = None
    at, zone = clock.now(), await zone_of_agency(tx)
    today = local_day(at, zone)
    for one in await _unpaid(tx, facility_id, zone):
        if one.late(today) > 0:
            await _keep(tx, facility_id, one.invoice_id, rules.PAUSE_LIFTED, at, by=principal.account_id, reason=reason.strip())
    audit.note(
        tx, "billing_account.lift_pause", "facility", facility_id, facility_id=facility_id, detail="by hand, with a reason"
    )
    await tx.flush()


def _pause(tx: Transaction, account: BillingAccount, at: datetime) -> None:
    if account.paused_at is None:
        account.paused_at = at
        audit.note(tx, "billing_account.pause", "facility", account.facility_id, facility_id=account.facility_id, detail="unpaid")


async def _unpaid(tx: Transaction, facility_id: UUID, zone: str) -> Sequence[Owed]:
    return await owed(tx, Invoice.facility_id == facility_id, Invoice.due_on.is_not(None), zone=zone)


async def _days_reminded(tx: Transaction, facility_id: UUID, zone: str) -> frozenset[date]:
    """The days on which this facility was reminded of anything, as far as they may be today."""
    rows = await tx.scalars(
        select(Reminder.sent_at)
        .where(Reminder.facility_id == facility_id, Reminder.stage != rules.PAUSE_LIFTED)
        .order_by(Reminder.sent_at.desc())
        .limit(1)
    )
    return frozenset(local_day(sent_at, zone) for sent_at in rows)


async def _keep(
    tx: Transaction,
    facility_id: UUID,
    invoice_id: UUID,
    stage: str,
    at: datetime,
    *,
    by: UUID | None = None,
    reason: str = "",
) -> bool:
    """Write a stage down. False when it was there."""
    statement = (
        insert(Reminder)
        .values(invoice_id=invoice_id, stage=stage, facility_id=facility_id, sent_at=at, sent_by=by, reason=reason)
        .on_conflict_do_nothing()
        .returning(Reminder.stage)
    )
    if (await tx.execute(statement)).scalar_one_or_none() is None:
        return False
    if stage != rules.PAUSE_LIFTED:
        audit.note(tx, "invoice.remind", "invoice", invoice_id, facility_id=facility_id, detail=stage)
    return True


async def _deliver(tx: Transaction, account: BillingAccount, found: Sequence[Owed], stages: dict[UUID, str], today: date) -> None:
    """The portal shows what is written down. Besides, one e-mail for all: that of the invoice which is due the longest.

    Where the facility is charged automatically, its saved way to pay is tried once more in place of the e-mail.
    """
    if not found:
        return
    if account.collection == Collection.CHARGE_AUTOMATICALLY and account.payment_method is not None:
        for one in found:
            if one.late(today) >= 0:
                await jobs.enqueue(tx, CHARGE, {"id": str(one.invoice_id)}, dedupe=f"{CHARGE}:{one.invoice_id}")
        return
    first = min(found, key=lambda one: (one.due_on, one.number))
    payload = {"invoice_id": str(first.invoice_id), "stage": stages[first.invoice_id]}
    await jobs.enqueue(tx, SEND_REMINDER, payload, dedupe=f"{SEND_REMINDER}:{first.invoice_id}:{stages[first.invoice_id]}")


def sent_words(sent: Sent) -> str:
    """A stage in words."""
    kind, _, number = sent.stage.rpartition("_")
    if sent.stage.startswith(rules.BY_HAND):
        return "Reminded by hand"
    return {
        rules.PAUSE_WARNING: "Pause announced",
        rules.PAUSED: "Service paused",
        rules.PAUSE_LIFTED: "Pause lifted",
        "due_today": "Reminded on the due date",
    }.get(sent.stage, f"Reminded {number} days {'before' if kind == 'due_soon' else 'after'} it was due")
