"""Customers: who pays, and what credit they have."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from billing.stripe.calls.caller import PAGE, Caller, options
from billing.stripe.payload import customer_email
from billing.stripe.readings import read_customer, read_customer_balance_transaction
from billing.stripe.results import StripeCustomer, StripeCustomerBalanceTransaction
from billing.stripe.values import FacilityCustomer, stripe_id


class CustomerCalls(Caller):
    """Calls about customers."""

    async def ensure_customer(
        self, customer: FacilityCustomer, *, idempotency_key: str, known_id: str | None = None
    ) -> StripeCustomer:
        """The facility's customer: the one under `known_id`, else one found by its facility id, else a new one."""
        if known_id is not None:
            return await self.retrieve_customer(known_id)
        if (found := await self.find_customer(customer.facility_id)) is not None:
            return found
        params, key = self._payloads.customer(customer), options(idempotency_key)
        return read_customer(await self._done(lambda: self._client.v1.customers.create_async(params, key)))

    async def retrieve_customer(self, customer_id: str) -> StripeCustomer:
        """The customer as it is now."""
        checked = stripe_id(customer_id, "cus")
        return read_customer(await self._done(lambda: self._client.v1.customers.retrieve_async(checked)))

    async def find_customer(self, facility_id: UUID) -> StripeCustomer | None:
        """The facility's customer by its address, else looked for among all; None when there is none."""
        email = customer_email(FacilityCustomer(facility_id))
        return await self._among(facility_id, {"limit": PAGE, "email": email}) or await self._among(facility_id, {"limit": PAGE})

    async def list_customers(self) -> tuple[StripeCustomer, ...]:
        """All customers, newest first."""
        return await self._all(read_customer, lambda: self._client.v1.customers.list_async({"limit": PAGE}))

    async def set_default_payment_method(
        self, customer_id: str, payment_method_id: str | None, *, idempotency_key: str
    ) -> StripeCustomer:
        """The saved way to pay that automatic collection uses from now on; None: none any more."""
        checked, key = stripe_id(customer_id, "cus"), options(idempotency_key)
        params = self._payloads.default_payment_method(payment_method_id)
        return read_customer(await self._done(lambda: self._client.v1.customers.update_async(checked, params, key)))

    async def list_customer_balance_transactions(self, customer_id: str) -> tuple[StripeCustomerBalanceTransaction, ...]:
        """Every change of the customer's credit, newest first."""
        checked = stripe_id(customer_id, "cus")
        return await self._all(
            read_customer_balance_transaction,
            lambda: self._client.v1.customers.balance_transactions.list_async(checked, {"limit": PAGE}),
        )

    async def _among(self, facility_id: UUID, params: Any) -> StripeCustomer | None:
        wanted = str(facility_id)

        async def search() -> Any:
            page = await self._client.v1.customers.list_async(params)
            async for customer in page.auto_paging_iter():
                if read_customer(customer).metadata.get("facility_id") == wanted:
                    return customer
            return None

        found = await self._done(search)
        return None if found is None else read_customer(found)
