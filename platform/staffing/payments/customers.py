"""A facility's customer at Stripe: made once, when it is first needed."""

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import update

from billing.stripe.results import StripeCustomer
from billing.stripe.values import FacilityCustomer
from staffing.invoicing.models import BillingAccount
from staffing.payments.stripe_calls import StripeStep, once
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database, Transaction

if TYPE_CHECKING:
    from billing.stripe.gateway import StripeGateway


async def customer_of(database: Database, gateway: "StripeGateway", facility_id: UUID) -> str:
    """Stripe's id of the facility. Raises the `StripeFailure` of a failed call, or `AttemptOver`."""
    async with database.transaction(SYSTEM) as tx:
        account = await tx.get_one(BillingAccount, facility_id)
    if account.stripe_customer_id is not None:
        return account.stripe_customer_id

    async def keep(tx: Transaction, found: StripeCustomer) -> None:
        account = update(BillingAccount).where(BillingAccount.facility_id == facility_id)
        await tx.execute(account.values(stripe_customer_id=found.id))

    return await once(
        database,
        StripeStep("customer", facility_id),
        look=lambda: gateway.find_customer(facility_id),
        do=lambda key: gateway.ensure_customer(FacilityCustomer(facility_id), idempotency_key=key),
        keep=keep,
    )
