"""Saved ways to pay: the page at Stripe on which one is saved, what was saved there, and forgetting it again.

Card and account numbers never reach us. Which saved method is charged is our account's business: every charge names it.
"""

from calendar import monthrange
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from billing.stripe.failures import StripeRefused
from billing.stripe.results import StripePaymentMethod, StripeSetup
from billing.stripe.values import SetupDraft
from staffing import clock
from staffing.invoicing import accounts
from staffing.invoicing.models import BillingAccount, Collection
from staffing.payments.customers import customer_of
from staffing.payments.models import PaymentSetup, SavedMethod, SetupState
from staffing.payments.payment_rows import method_label
from staffing.payments.stripe_calls import StripeStep, once
from staffing.persistence import audit
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database, Transaction

if TYPE_CHECKING:
    from billing.stripe.gateway import StripeGateway


async def open_page(database: Database, gateway: "StripeGateway", setup_id: UUID, return_url: str) -> None:
    """Have Stripe make the page on which a way to pay is saved. Raises the `StripeFailure` of a call."""
    async with database.transaction(SYSTEM) as tx:
        setup = await tx.get(PaymentSetup, setup_id)
        if setup is None or setup.state != SetupState.REQUESTED:
            return
        await accounts.locked(tx, setup.facility_id)
    customer = await customer_of(database, gateway, setup.facility_id)
    draft = SetupDraft(setup.id, setup.facility_id, customer, return_url)

    async def keep(tx: Transaction, made: StripeSetup) -> None:
        ours = await tx.get_one(PaymentSetup, setup_id, with_for_update=True)
        ours.stripe_setup_id, ours.url, ours.problem = made.id, made.url, ""
        if ours.state == SetupState.REQUESTED:
            ours.state = SetupState.OPEN.value

    await once(
        database,
        StripeStep("create", setup.facility_id, about=("setup", setup.id)),
        look=lambda: gateway.find_setup(setup.id, customer),
        do=lambda key: gateway.create_setup(draft, idempotency_key=key),
        keep=keep,
    )


async def follow_setup(database: Database, gateway: "StripeGateway", stripe_setup_id: str) -> str:
    """Take in what became of a page for saving. What came of it."""
    said = await gateway.retrieve_setup(stripe_setup_id)
    async with database.transaction(SYSTEM) as tx:
        ours = await tx.scalar(select(PaymentSetup).where(PaymentSetup.id == _uuid(said.metadata.get("setup_id", ""))))
    if ours is None:
        return "ignored: not a page of ours"
    if said.status == "complete":
        await follow_customer(database, gateway, said.customer_id)
    async with database.transaction(SYSTEM) as tx:
        setup = await tx.get_one(PaymentSetup, ours.id, with_for_update=True)
        setup.stripe_setup_id, setup.url = said.id, said.url
        if said.status in (SetupState.COMPLETE, SetupState.EXPIRED) and setup.closed_at is None:
            setup.state, setup.closed_at, setup.problem = said.status, clock.now(), ""
    return f"noted: {said.status}"


async def follow_customer(database: Database, gateway: "StripeGateway", customer_id: str | None) -> str:
    """Take in which ways to pay a customer has saved."""
    async with database.transaction(SYSTEM) as tx:
        of_customer = select(BillingAccount.facility_id).where(BillingAccount.stripe_customer_id == customer_id)
        facility_id = await tx.scalar(of_customer) if customer_id else None
    if facility_id is None or customer_id is None:
        return "ignored: not a customer of ours"
    found = await gateway.list_payment_methods(customer_id)
    async with database.transaction(SYSTEM) as tx:
        account = await accounts.locked(tx, facility_id)
        rows = {row.id: row for row in await tx.scalars(select(SavedMethod).where(SavedMethod.facility_id == facility_id))}
        for method in found:
            if method.id not in rows:
                await _keep_method(tx, facility_id, method)
                audit.note(tx, "payment_method.save", "payment_method", method.id, facility_id=facility_id, detail=method.kind)
            else:
                rows[method.id].expires_on = _last_day(method)
        gone = [row for key, row in rows.items() if key not in {method.id for method in found} and row.removed_at is None]
        for row in gone:
            row.removed_at = clock.now()
        # What was removed here stays so, although Stripe still has it for a moment.
        removed = {row.id for row in rows.values() if row.removed_at is not None}
        _keep_default_usable(account, removed)
        new = [method for method in found if method.id not in removed]
        if account.payment_method is None and new and not any(row.removed_at is None for row in rows.values()):
            use(account, new[0].id, new[0].kind, _label(new[0]))
    return "noted: saved ways to pay"


async def forget(database: Database, gateway: "StripeGateway", facility_id: UUID, method_id: str) -> None:
    """Have Stripe forget a way to pay that was removed here. Raises the `StripeFailure` of the call."""
    async with database.transaction(SYSTEM) as tx:
        row = await tx.get(SavedMethod, method_id)
        if row is None or row.facility_id != facility_id or row.removed_at is None:
            return

    async def look() -> StripePaymentMethod | None:
        try:
            found = await gateway.retrieve_payment_method(method_id)
        except StripeRefused as refused:
            if refused.code != "resource_missing":
                raise
            return None
        return found if found.customer_id is None else None

    async def keep(tx: Transaction, done: StripePaymentMethod) -> None:
        """It is gone here already."""

    await once(
        database,
        StripeStep("detach", facility_id, detail=f"payment_method:{method_id}"),
        look=look,
        do=lambda key: gateway.detach_payment_method(method_id, idempotency_key=key),
        keep=keep,
    )


def use(account: BillingAccount, method_id: str, kind: str, label: str) -> None:
    """Have `method_id` charged from now on, where the account is charged automatically."""
    account.payment_method = {"id": method_id, "kind": kind, "label": label}


def _keep_default_usable(account: BillingAccount, gone: set[str]) -> None:
    """An account is charged automatically only while it has a saved way to pay."""
    if account.payment_method is not None and account.payment_method["id"] in gone:
        account.payment_method = None
        account.collection = Collection.SEND_INVOICE.value


async def _keep_method(tx: Transaction, facility_id: UUID, method: StripePaymentMethod) -> None:
    statement = insert(SavedMethod).values(
        id=method.id,
        facility_id=facility_id,
        kind=method.kind,
        label=_label(method),
        expires_on=_last_day(method),
        saved_at=method.created_at,
    )
    await tx.execute(statement.on_conflict_do_nothing())


def _label(method: StripePaymentMethod) -> str:
    return method_label(method.kind, method.brand, method.last4)


def _last_day(method: StripePaymentMethod) -> date | None:
    if method.expires is None:
        return None
    year, month = method.expires
    return date(year, month, monthrange(year, month)[1])


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
