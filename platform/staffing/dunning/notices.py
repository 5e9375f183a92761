"""What a facility reads on its pages about invoices that it was reminded of, and about the pause of its service."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from staffing import clock
from staffing.contracts.amounts import day_text, listed, money_text
from staffing.dunning import rules
from staffing.dunning.models import Reminder
from staffing.dunning.owing import ORDER, Owed, columns, gathered, is_unpaid
from staffing.facilities.models import Facility
from staffing.identity.models import Agency, Role
from staffing.identity.principals import Principal
from staffing.invoicing.models import BillingAccount, Invoice
from staffing.persistence.transactions import Transaction
from staffing.wall_clock import local_day


@dataclass(frozen=True, slots=True)
class OwingNotice:
    """One notice of a facility: how serious (`info`, `warn`, `bad`), the sentences, and where to pay."""

    facility_id: UUID
    kind: str
    text: str
    pay_href: str
    pay_label: str


async def notices(tx: Transaction, principal: Principal) -> tuple[OwingNotice, ...]:
    """What the caller's facilities were reminded of and still owe, one notice per facility, and whether they are paused."""
    if principal.role is not Role.FACILITY:
        return ()
    rows = (await tx.execute(_of_accounts(principal))).all()
    zone = next((row.agency_zone for row in rows if row.agency_zone), "UTC")
    accounts = {row.of_facility: (row.paused_at is not None, row.pause_after_days) for row in rows}
    found = gathered([row for row in rows if row.id is not None], zone)
    shown = [one for one in found if one.sent and not one.paying]
    today = local_day(clock.now(), zone)
    by_facility: dict[UUID, list[Owed]] = {}
    for one in shown:
        by_facility.setdefault(one.facility_id, []).append(one)
    several = len(principal.facility_ids) > 1
    said = [
        notice_of(owing, today, *accounts.get(facility_id, (False, None)), named=several)
        for facility_id, owing in by_facility.items()
    ]
    paused = [facility_id for facility_id, (is_paused, _) in accounts.items() if is_paused and facility_id not in by_facility]
    paying = {one.facility_id for one in found if one.paying}
    return (*said, *(_paused_notice(facility_id, facility_id in paying) for facility_id in paused))


def _of_accounts(principal: Principal) -> Select[*tuple[Any, ...]]:
    """One statement for a page that many see: each account with what is unpaid on it, if anything, and the agency's zone."""
    return (
        select(
            BillingAccount.facility_id.label("of_facility"),
            BillingAccount.paused_at,
            BillingAccount.pause_after_days,
            select(Agency.time_zone).limit(1).scalar_subquery().label("agency_zone"),
            *columns(),
        )
        .join(Facility, Facility.id == BillingAccount.facility_id)
        .outerjoin(Invoice, (Invoice.facility_id == BillingAccount.facility_id) & is_unpaid())
        .outerjoin(Reminder, Reminder.invoice_id == Invoice.id)
        .where(BillingAccount.facility_id.in_(principal.facility_ids))
        .order_by(*ORDER)
    )


def notice_of(owing: Sequence[Owed], today: date, paused: bool, pause_after_days: int | None, *, named: bool) -> OwingNotice:
    """The notice of one facility about what it owes, the longest due first. `named`: say which facility it is."""
    first = owing[0]
    late = first.late(today)
    said = [_owed_words(owing, late)]
    if paused:
        said.append(
            "Until this is paid, your requests are not planned; what is assigned stays. Paying it resumes planning at once."
        )
    elif (warned := _warned(owing)) is not None and pause_after_days is not None:
        day = max(rules.pause_on(warned.due_on, pause_after_days, _warned_on(warned)), today + timedelta(days=1))
        said.append(f"If it is not paid by {day_text(day - timedelta(days=1))}, your requests are not planned any more.")
    where = f"{first.facility_name}: " if named else ""
    kind = "bad" if paused else "warn" if late > 0 else "info"
    amount = money_text(first.owed_minor, first.currency)
    label = f"Pay {amount}" if len(owing) == 1 else f"Pay {first.number}, {amount}"
    return OwingNotice(first.facility_id, kind, where + " ".join(said), f"/portal/invoices/{first.invoice_id}/pay", label)


def _paused_notice(facility_id: UUID, paying: bool) -> OwingNotice:
    """Of a facility that is paused and has nothing to pay at this moment."""
    why = (
        "Your payment is under way; planning goes on when it has arrived."
        if paying
        else "Please talk to us about what is unpaid."
    )
    return OwingNotice(
        facility_id,
        "info" if paying else "bad",
        f"Your requests are not planned; what is assigned stays. {why}",
        "/portal/invoices",
        "See your invoices",
    )


def _owed_words(owing: Sequence[Owed], late: int) -> str:
    first = owing[0]
    if len(owing) == 1:
        amount = money_text(first.owed_minor, first.currency)
        if late < 0:
            return f"{first.number} over {amount} is due on {day_text(first.due_on)}."
        return f"{first.number} over {amount} is {_days_words(late)}."
    sums: dict[str, int] = {}
    for one in owing:
        sums[one.currency] = sums.get(one.currency, 0) + one.owed_minor
    together = listed([money_text(minor, currency) for currency, minor in sorted(sums.items())])
    when = _days_words(late) if late >= 0 else f"due on {day_text(first.due_on)}"
    return f"{len(owing)} invoices over {together} together are unpaid; the first, {first.number}, is {when}."


def _days_words(late: int) -> str:
    return "due today" if late == 0 else "1 day overdue" if late == 1 else f"{late} days overdue"


def _warned(owing: Sequence[Owed]) -> Owed | None:
    """The invoice for which a pause was announced and not lifted."""
    for one in owing:
        stages = {sent.stage for sent in one.sent}
        if rules.PAUSE_WARNING in stages and not stages & {rules.PAUSED, rules.PAUSE_LIFTED}:
            return one
    return None


def _warned_on(one: Owed) -> date:
    return next(sent.on for sent in one.sent if sent.stage == rules.PAUSE_WARNING)
