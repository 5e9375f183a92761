"""How a facility pays: days to pay, reminders, the pause of service, who starts a payment."""

from dataclasses import dataclass
from uuid import UUID

from staffing.errors import Invalid
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing import accounts, pausing
from staffing.invoicing.models import BillingAccount
from staffing.payments import service as payments
from staffing.persistence import audit
from staffing.persistence.transactions import Transaction

MOST_REMINDERS = 8
SHORTEST_PAUSE = 5
LONGEST_DAYS = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is agreed. `pause_after_days` None: never."""

    terms_days: int
    reminder_days: tuple[int, ...]
    pause_after_days: int | None
    collection: str


def read_days(text: str) -> tuple[int, ...]:
    """`-3, 3, 10` as days in order. Raises `Invalid` (`reminder_days`) with what is wrong."""
    parts = [part for part in text.replace(";", ",").replace(" ", ",").split(",") if part]
    try:
        days = sorted({int(part.replace("−", "-")) for part in parts})
    except ValueError as wrong:
        raise Invalid(reminder_days="Please type days like −3, 3, 10, 20.") from wrong
    if len(days) > MOST_REMINDERS:
        raise Invalid(reminder_days=f"At most {MOST_REMINDERS} reminders, please.")
    if any(not -LONGEST_DAYS <= day <= LONGEST_DAYS for day in days):
        raise Invalid(reminder_days=f"At most {LONGEST_DAYS} days before or after the due date, please.")
    return tuple(days)


async def account_of(tx: Transaction, principal: Principal, facility_id: UUID) -> BillingAccount:
    """The facility's account, with the usual terms where it has none yet."""
    principal.require(Permission.DESK_RECEIVABLES_READ)
    found = await tx.get(BillingAccount, facility_id)
    if found is not None:
        return found
    return BillingAccount(
        facility_id=facility_id, currency="USD", terms_days=14, reminder_days=[-3, 3, 10, 20], collection="send_invoice",
        payment_method=None, pause_after_days=None, paused_at=None, parked_because="", stripe_customer_id=None,
    )  # fmt: skip


async def change_terms(tx: Transaction, principal: Principal, facility_id: UUID, wanted: Terms) -> tuple[str, ...]:
    """Agree other terms; they hold from the next invoice and the next morning on. What changed, as field names.

    An invoice keeps the due date it was issued with. Raises `Invalid`, `NoSavedMethod`.
    """
    principal.require(Permission.DESK_RECEIVABLES_WRITE)
    _check(wanted)
    account = await accounts.locked(tx, facility_id)
    before = (account.terms_days, tuple(account.reminder_days), account.pause_after_days, account.collection)
    if wanted.collection != account.collection:
        await payments.choose_collection(tx, principal, facility_id, wanted.collection)
    account.terms_days = wanted.terms_days
    if list(wanted.reminder_days) != account.reminder_days:
        account.reminder_days = list(wanted.reminder_days)
    account.pause_after_days = wanted.pause_after_days
    after = (account.terms_days, tuple(account.reminder_days), account.pause_after_days, account.collection)
    names = ("terms_days", "reminder_days", "pause_after_days", "collection")
    changed = tuple(name for name, old, new in zip(names, before, after, strict=True) if old != new)
    if changed:
        detail = ", ".join(changed)
        audit.note(tx, "billing_account.terms", "facility", facility_id, facility_id=facility_id, detail=detail)
        await pausing.resume_when_settled(tx, facility_id)
    await tx.flush()
    return changed


def _check(wanted: Terms) -> None:
    if not 0 <= wanted.terms_days <= LONGEST_DAYS:
        raise Invalid(terms_days=f"Between 0 and {LONGEST_DAYS} days, please.")
    pause = wanted.pause_after_days
    if pause is not None and not SHORTEST_PAUSE <= pause <= LONGEST_DAYS:
        raise Invalid(
            pause_after_days=f"Between {SHORTEST_PAUSE} and {LONGEST_DAYS} days, please: it is announced 5 days before."
        )
