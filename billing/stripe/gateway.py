"""The one way to Stripe: asynchronous, pinned to one version of its interface, fed by the payload builder alone.

Callers store the idempotency key, commit, call, and store the outcome. With a sandbox address the same code reaches the
local sandbox instead.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import stripe

from billing.stripe.backoff import ONE_TRY, Backoff
from billing.stripe.calls.catalogue import CatalogueCalls
from billing.stripe.calls.corrections import CorrectionCalls
from billing.stripe.calls.customers import CustomerCalls
from billing.stripe.calls.invoices import InvoiceCalls
from billing.stripe.calls.payments import PaymentCalls
from billing.stripe.connection import API_VERSION, StripeConnection
from billing.stripe.events import Subject
from billing.stripe.payload import PayloadBuilder
from billing.stripe.results import (
    StripeCharge,
    StripeCreditNote,
    StripeCustomer,
    StripeDispute,
    StripeInvoice,
    StripePayment,
    StripePaymentMethod,
    StripeRefund,
    StripeSetup,
)
from billing.stripe.transport import StripeTransport

stripe.enable_telemetry = False

Fetched = (
    StripeInvoice
    | StripePayment
    | StripeCharge
    | StripeRefund
    | StripeDispute
    | StripeCreditNote
    | StripeSetup
    | StripePaymentMethod
    | StripeCustomer
)


class StripeGateway(CustomerCalls, InvoiceCalls, PaymentCalls, CorrectionCalls, CatalogueCalls):
    """Calls Stripe for one agency.

    `services` is the catalogue of service names that may stand on an invoice, `return_urls` the pages of ours to which
    Stripe's may lead back. `backoff` says how long one call keeps trying by itself; without it, not at all.

    Every method may raise the `StripeFailure` classes of `billing.stripe.failures`, and `NotAllowedToLeave` before anything
    is sent. Every method that changes something takes an idempotency key made by `billing.stripe.keys.idempotency_key`.
    After an unknown outcome the `find_…` methods tell whether it was done: they read lists, which know at once what was
    made, where Stripe's search may lag by a minute.
    """

    def __init__(
        self,
        connection: StripeConnection,
        services: frozenset[str],
        *,
        return_urls: frozenset[str] = frozenset(),
        backoff: Backoff = ONE_TRY,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._transport = StripeTransport(http, to_sandbox=connection.is_sandbox)
        client = stripe.StripeClient(
            connection.api_key,
            stripe_version=API_VERSION,
            base_addresses={"api": connection.sandbox_address.rstrip("/")} if connection.sandbox_address else None,
            max_network_retries=0,
            http_client=self._transport,
        )
        super().__init__(connection, PayloadBuilder(services, return_urls), client, backoff)

    async def fetch(self, subject: Subject) -> Fetched:
        """What an event is about, as it is now: the event itself may be old, or out of order."""
        retrievers: dict[str, Callable[[str], Awaitable[Fetched]]] = {
            "invoice": self.retrieve_invoice,
            "payment": self.retrieve_payment,
            "charge": self.retrieve_charge,
            "refund": self.retrieve_refund,
            "dispute": self.retrieve_dispute,
            "credit_note": self.retrieve_credit_note,
            "setup": self.retrieve_setup,
            "payment_method": self.retrieve_payment_method,
            "customer": self.retrieve_customer,
        }
        return await retrievers[subject.kind](subject.id)

    async def aclose(self) -> None:
        """Close the connections to Stripe."""
        await self._transport.close_async()
