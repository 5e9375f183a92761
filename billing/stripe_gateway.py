"""The one way to Stripe: asynchronous, pinned to one version of its interface, fed by the payload builder alone.

Callers store the idempotency key, commit, call, and store the outcome; the gateway never retries by itself. With a
sandbox address the same code reaches the local sandbox instead.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import httpx
import stripe

from billing.stripe_connection import StripeConnection
from billing.stripe_events import Event, read_event
from billing.stripe_failures import translated
from billing.stripe_payload import (
    DraftLine,
    FacilityCustomer,
    InvoiceDraft,
    PayloadBuilder,
    checked_key,
    stripe_id,
)
from billing.stripe_readings import counts_all_lines, read_customer, read_invoice
from billing.stripe_results import StripeCustomer, StripeInvoice
from billing.stripe_transport import StripeTransport

API_VERSION = "2026-10-28.endive"
"""The version of Stripe's interface that this code was written against; raised by hand, with the tests."""

_PAGE = 100

stripe.enable_telemetry = False

T = TypeVar("T")


class StripeGateway:
    """Calls Stripe for one agency. `services` is the catalogue of service names that may stand on an invoice.

    Every method may raise the `StripeFailure` classes of `billing.stripe_results`. Every method that changes something
    takes an idempotency key made by `billing.stripe_payload.idempotency_key`.
    """

    def __init__(self, connection: StripeConnection, services: frozenset[str], *, http: httpx.AsyncClient | None = None) -> None:
        self.connection = connection
        self._payloads = PayloadBuilder(services)
        self._transport = StripeTransport(http, to_sandbox=connection.is_sandbox)
        self._client = stripe.StripeClient(
            connection.api_key,
            stripe_version=API_VERSION,
            base_addresses={"api": connection.sandbox_address.rstrip("/")} if connection.sandbox_address else None,
            max_network_retries=0,
            http_client=self._transport,
        )

    async def aclose(self) -> None:
        """Close the connections to Stripe."""
        await self._transport.close_async()

    async def ensure_customer(
        self, customer: FacilityCustomer, *, idempotency_key: str, known_id: str | None = None
    ) -> StripeCustomer:
        """The facility's customer: the one under `known_id`, else one found by its facility id, else a new one."""
        if known_id is not None:
            return await self.retrieve_customer(known_id)
        if (found := await self.find_customer(customer.facility_id)) is not None:
            return found
        params = self._payloads.customer(customer)
        options = _options(idempotency_key)
        return read_customer(await _done(lambda: self._client.v1.customers.create_async(params, options)))

    async def retrieve_customer(self, customer_id: str) -> StripeCustomer:
        """The customer as it is now."""
        checked = stripe_id(customer_id)
        return read_customer(await _done(lambda: self._client.v1.customers.retrieve_async(checked)))

    async def find_customer(self, facility_id: UUID) -> StripeCustomer | None:
        """The facility's customer, looked for among all; None when there is none."""
        wanted = str(facility_id)

        async def search() -> Any:
            page = await self._client.v1.customers.list_async({"limit": _PAGE})
            async for customer in page.auto_paging_iter():
                if read_customer(customer).metadata.get("facility_id") == wanted:
                    return customer
            return None

        found = await _done(search)
        return None if found is None else read_customer(found)

    async def create_invoice(self, draft: InvoiceDraft, *, idempotency_key: str) -> StripeInvoice:
        """A new, empty draft invoice that does nothing on its own."""
        params = self._payloads.invoice(draft)
        options = _options(idempotency_key)
        return await self._invoice(lambda: self._client.v1.invoices.create_async(params, options))

    async def add_lines(
        self, invoice_id: str, lines: Sequence[DraftLine], currency: str, *, idempotency_key: str
    ) -> StripeInvoice:
        """Add 1 to 250 lines to a draft invoice."""
        checked = stripe_id(invoice_id)
        params = self._payloads.lines(lines, currency)
        options = _options(idempotency_key)
        return await self._invoice(lambda: self._client.v1.invoices.add_lines_async(checked, params, options))

    async def finalize_invoice(self, invoice_id: str, *, idempotency_key: str) -> StripeInvoice:
        """Make a draft final: it gets its number and its page for paying, and can no longer be changed."""
        checked = stripe_id(invoice_id)
        options = _options(idempotency_key)
        return await self._invoice(
            lambda: self._client.v1.invoices.finalize_invoice_async(checked, {"auto_advance": False}, options)
        )

    async def void_invoice(self, invoice_id: str, *, idempotency_key: str) -> StripeInvoice:
        """Withdraw a final, unpaid invoice."""
        checked = stripe_id(invoice_id)
        options = _options(idempotency_key)
        return await self._invoice(lambda: self._client.v1.invoices.void_invoice_async(checked, {}, options))

    async def retrieve_invoice(self, invoice_id: str) -> StripeInvoice:
        """The invoice as it is now, with the payment intent that paid it or will."""
        checked = stripe_id(invoice_id)
        return await self._invoice(lambda: self._client.v1.invoices.retrieve_async(checked, {"expand": ["payments"]}))

    async def _invoice(self, call: Callable[[], Awaitable[stripe.Invoice]]) -> StripeInvoice:
        """The invoice that `call` answers, with its lines counted where the answer does not show or count them all."""
        answer = await _done(call)
        invoice = read_invoice(answer)
        if counts_all_lines(answer):
            return invoice

        async def count() -> int:
            page = await self._client.v1.invoices.line_items.list_async(invoice.id, {"limit": _PAGE})
            return len([line async for line in page.auto_paging_iter()])

        return replace(invoice, line_count=await _done(count))

    async def find_invoice(self, invoice_id: UUID, customer_id: str) -> StripeInvoice | None:
        """The invoice that carries our `invoice_id`, among all of the customer's; None when there is none."""
        wanted = str(invoice_id)
        found = await self.list_invoices(customer_id=customer_id)
        return next((invoice for invoice in found if invoice.metadata.get("invoice_id") == wanted), None)

    async def list_invoices(self, *, customer_id: str | None = None, since: datetime | None = None) -> tuple[StripeInvoice, ...]:
        """All invoices, newest first: of one customer, or created at or after `since`, or both."""
        params: stripe.params.InvoiceListParams = {"limit": _PAGE}
        if customer_id is not None:
            params["customer"] = stripe_id(customer_id)
        if since is not None:
            params["created"] = {"gte": int(since.timestamp())}

        async def every() -> list[Any]:
            page = await self._client.v1.invoices.list_async(params)
            return [invoice async for invoice in page.auto_paging_iter()]

        return tuple(read_invoice(invoice) for invoice in await _done(every))

    async def list_events(self, since: datetime, *, undelivered_only: bool = False) -> tuple[Event, ...]:
        """Events created at or after `since`, oldest first. Stripe keeps them for 30 days."""
        params: stripe.params.EventListParams = {"limit": _PAGE, "created": {"gte": int(since.timestamp())}}
        if undelivered_only:
            params["delivery_success"] = False

        async def every() -> list[Any]:
            page = await self._client.v1.events.list_async(params)
            return [event async for event in page.auto_paging_iter()]

        events = await _done(every)
        return tuple(read_event(event.to_dict(for_json=True)) for event in reversed(events))


def _options(idempotency_key: str) -> stripe.RequestOptions:
    return {"idempotency_key": checked_key(idempotency_key)}


async def _done(call: Callable[[], Awaitable[T]]) -> T:
    """The outcome of `call`, with the library's errors turned into ours."""
    try:
        return await call()
    except stripe.StripeError as error:
        raise translated(error) from error
