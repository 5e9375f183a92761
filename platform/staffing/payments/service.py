"""What people do with payments: save, choose and remove a way to pay; decide how a facility pays; release a parked account."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from staffing import clock
from staffing.errors import NotFound
from staffing.facilities.models import Facility
from staffing.identity.models import Role
from staffing.identity.permissions import Permission
from staffing.identity.principals import Principal
from staffing.invoicing import accounts
from staffing.invoicing.models import BillingAccount, Collection, Invoice
from staffing.invoicing.service import CHECK
from staffing.payments import saving
from staffing.payments.errors import MethodInUse, NoSavedMethod, NoSuchChoice, NotParked
from staffing.payments.models import PaymentSetup, SavedMethod, SetupState
from staffing.payments.names import DETACH, RECONCILE, SETUP
from staffing.persistence import audit, jobs
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Transaction


async def ask_for_page(tx: Transaction, principal: Principal, facility_id: UUID, setup_id: UUID) -> None:
    """Have Stripe make a page on which the facility saves a way to pay. The same form sent twice asks once."""
    principal.require(Permission.PORTAL_PAYMENTS_WRITE)
    _own(principal, facility_id)
    await tx.enter(SYSTEM)  # The caller is checked; what follows writes rows that belong to the jobs.
    statement = (
        insert(PaymentSetup)
        .values(
            id=setup_id,
            facility_id=facility_id,
            requested_by=principal.account_id,
            requested_at=clock.now(),
            state=SetupState.REQUESTED.value,
            problem="",
        )
        .on_conflict_do_nothing()
        .returning(PaymentSetup.id)
    )
    if (await tx.execute(statement)).scalar_one_or_none() is not None:
        audit.note(tx, "payment_setup.request", "payment_setup", setup_id, facility_id=facility_id)
        await jobs.enqueue(tx, SETUP, {"id": str(setup_id)}, dedupe=f"{SETUP}:{setup_id}")
    await tx.enter(principal.scope())


async def make_default(tx: Transaction, principal: Principal, method_id: str) -> str:
    """Have this saved way to pay charged from now on. Its label."""
    principal.require(Permission.PORTAL_PAYMENTS_WRITE)
    method = await _saved(tx, principal, method_id)
    await tx.enter(SYSTEM)
    account = await accounts.locked(tx, method.facility_id)
    await tx.refresh(method)
    if method.removed_at is not None:  # While we waited for the account.
        raise NotFound
    saving.use(account, method.id, method.kind, method.label)
    audit.note(tx, "payment_method.choose", "payment_method", method.id, facility_id=method.facility_id)
    await tx.flush()
    await tx.enter(principal.scope())
    return method.label


async def remove(tx: Transaction, principal: Principal, method_id: str) -> str:
    """Use a saved way to pay no more; Stripe forgets it too. Its label. Raises `MethodInUse` while it is charged by itself."""
    principal.require(Permission.PORTAL_PAYMENTS_WRITE)
    facility_id = (await _saved(tx, principal, method_id)).facility_id
    await tx.enter(SYSTEM)
    account = await accounts.locked(tx, facility_id)
    method = await tx.get_one(SavedMethod, method_id, with_for_update=True)
    if account.payment_method is not None and account.payment_method["id"] == method_id:
        if account.collection == Collection.CHARGE_AUTOMATICALLY:
            raise MethodInUse
        account.payment_method = None
    method.removed_at = method.removed_at or clock.now()
    audit.note(tx, "payment_method.remove", "payment_method", method.id, facility_id=facility_id)
    await jobs.enqueue(tx, DETACH, {"id": method.id, "facility": str(facility_id)}, dedupe=f"{DETACH}:{method.id}")
    await tx.enter(principal.scope())
    return method.label


async def choose_collection(tx: Transaction, principal: Principal, facility_id: UUID, wanted: str) -> Collection:
    """Decide who starts a facility's payments from the next invoice on. Automatic needs a saved way to pay: `NoSavedMethod`."""
    principal.require(Permission.DESK_PAYMENTS_WRITE)
    try:
        collection = Collection(wanted)
    except ValueError as error:
        raise NoSuchChoice(collection="Choose one of the ways offered.") from error
    await _existing(tx, facility_id)
    account = await accounts.locked(tx, facility_id)
    if collection is Collection.CHARGE_AUTOMATICALLY and account.payment_method is None:
        raise NoSavedMethod
    if account.collection != collection:
        detail = f"{account.collection} to {collection.value}"
        account.collection = collection.value
        audit.note(tx, "billing_account.collection", "facility", facility_id, facility_id=facility_id, detail=detail)
    await tx.flush()
    return collection


async def unpark(tx: Transaction, principal: Principal, facility_id: UUID) -> int:
    """After a look: book again what Stripe reports for this facility. How many invoices are asked about anew.

    What still differs parks the account again. Raises `NotParked`.
    """
    principal.require(Permission.DESK_PAYMENTS_WRITE)
    await _existing(tx, facility_id)
    account = await accounts.locked(tx, facility_id)
    if not account.parked_because:
        raise NotParked
    account.parked_because = ""
    audit.note(tx, "billing_account.unpark", "facility", facility_id, facility_id=facility_id)
    of_facility = (Invoice.facility_id == facility_id, Invoice.stripe_invoice_id.is_not(None))
    ids = list(await tx.scalars(select(Invoice.id).where(*of_facility, Invoice.stripe_problem != "")))
    for invoice_id in ids:
        await jobs.enqueue(tx, CHECK, {"id": str(invoice_id)}, dedupe=f"{CHECK}:{invoice_id}")
    return len(ids)


async def ask_for_comparison(tx: Transaction, principal: Principal) -> None:
    """Have our books compared with Stripe's now."""
    principal.require(Permission.DESK_PAYMENTS_WRITE)
    payload = {"by": str(principal.account_id)}
    await jobs.enqueue(tx, RECONCILE, payload, dedupe=RECONCILE)


def _own(principal: Principal, facility_id: UUID) -> None:
    if principal.role is not Role.FACILITY or facility_id not in principal.facility_ids:
        raise NotFound


async def _saved(tx: Transaction, principal: Principal, method_id: str) -> SavedMethod:
    """A way to pay of the caller's own facilities that is not removed. Raises `NotFound`."""
    found = await tx.scalar(
        select(SavedMethod).where(
            SavedMethod.id == method_id,
            SavedMethod.facility_id.in_(principal.facility_ids),
            SavedMethod.removed_at.is_(None),
        )
    )
    if found is None or principal.role is not Role.FACILITY:
        raise NotFound
    return found


async def _existing(tx: Transaction, facility_id: UUID) -> None:
    if await tx.scalar(select(Facility.id).where(Facility.id == facility_id)) is None:
        raise NotFound


async def account_of(tx: Transaction, facility_id: UUID) -> BillingAccount | None:
    """The facility's account, where it has one."""
    return await tx.get(BillingAccount, facility_id)
