"""Everything over real sockets: a product that mounts the sandbox under a path, served by granian, and the official client."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar, Request, Response, asgi, post
from litestar.types import Receive, Scope, Send

from billing.sandbox.app import create_app
from billing.stripe.connection import SANDBOX_KEY, StripeConnection
from billing.stripe.events import Event, WebhookRefused, receive
from billing.stripe.failures import StripeOutcomeUnknown, StripeUnreachable
from billing.stripe.gateway import StripeGateway
from billing.stripe.keys import idempotency_key
from billing.stripe.values import DraftLine, FacilityCustomer, InvoiceDraft

SECRET = "whsec_served"
SERVICES = frozenset({"Care Plan Management"})


@dataclass(slots=True)
class Product:
    """A stand-in for the product: the sandbox under a path, and the address where webhooks come in."""

    address: str
    events: dict[str, Event] = field(default_factory=dict)
    refused: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def sandbox(self) -> str:
        return f"{self.address}/sandbox/stripe"

    async def until(self, event_type: str) -> Event:
        async def wait() -> Event:
            while True:
                for event in self.events.values():
                    if event.type == event_type:
                        return event
                self.news.clear()
                await self.news.wait()

        return await asyncio.wait_for(wait(), 20)

    def application(self, database: Path) -> Litestar:
        inner = create_app(
            database=database,
            public_url=self.sandbox,
            webhook_url=f"{self.address}/webhooks/stripe",
            webhook_secret=SECRET,
            return_url_allow="/portal/invoices",
            faults_allowed=True,
            retry_seconds=0.05,
        )

        @asgi("/sandbox/stripe", is_mount=True, copy_scope=True)
        async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
            await inner(scope, receive, send)

        @post("/webhooks/stripe", status_code=200)
        async def webhook(request: Request[Any, Any, Any]) -> Response[None]:
            try:
                event = receive(await request.body(), request.headers.get("stripe-signature"), [SECRET], datetime.now(UTC))
            except WebhookRefused:
                self.refused += 1
                return Response(None, status_code=400)
            self.events[event.id] = event
            self.news.set()
            return Response(None)

        return Litestar([mounted, webhook], lifespan=[lambda app: inner.lifespan()], openapi_config=None, logging_config=None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def product(tmp_path: Path) -> AsyncIterator[Product]:
    port = free_port()
    served = Product(f"http://127.0.0.1:{port}")
    server = Server(
        served.application(tmp_path / "payments.db"),
        address="127.0.0.1",
        port=port,
        interface=Interfaces.ASGI,
        log_enabled=False,
        websockets=False,
    )
    task = asyncio.create_task(server.serve())
    async with httpx.AsyncClient(trust_env=False) as http:
        for _ in range(200):
            try:
                await http.get(f"{served.sandbox}/_assets/sandbox.css")
                break
            except httpx.ConnectError:
                await asyncio.sleep(0.02)
    yield served
    server.stop()  # type: ignore[no-untyped-call]
    await task


async def test_an_invoice_is_paid_through_the_mounted_sandbox(product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    # A proxy of the machine must not stand between the product and its own sandbox.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    gateway = StripeGateway(StripeConnection(SANDBOX_KEY, product.sandbox), SERVICES)
    facility, invoice_id = uuid4(), uuid4()
    customer = await gateway.ensure_customer(
        FacilityCustomer(facility), idempotency_key=idempotency_key("facility", facility, "customer")
    )
    draft = InvoiceDraft(invoice_id, facility, customer.id, "USD", 30, "RD-2026-0007")
    made = await gateway.create_invoice(draft, idempotency_key=idempotency_key("invoice", invoice_id, "create"))
    line = DraftLine("a" * 32, "Care Plan Management", "regular", 5400, Decimal(48), 7200)
    await gateway.add_lines(made.id, [line], "USD", idempotency_key=idempotency_key("invoice", invoice_id, "lines"))
    final = await gateway.finalize_invoice(made.id, idempotency_key=idempotency_key("invoice", invoice_id, "finalize"))
    assert final.hosted_invoice_url is not None
    assert final.hosted_invoice_url.startswith(f"{product.sandbox}/i/")
    async with httpx.AsyncClient(trust_env=False, follow_redirects=True) as browser:
        page = await browser.get(final.hosted_invoice_url)
        style = re.search(r'rel="stylesheet" href="([^"]+)"', page.text)
        assert style
        assert (await browser.get(f"{product.address}{style[1]}")).status_code == 200
        token = re.search(r'form_token" value="([^"]+)"', page.text)
        action = re.search(r'action="([^"]+)"', page.text)
        assert token
        assert action
        form = {"card_number": "4242424242424242", "form_token": token[1]}
        paid = await browser.post(f"{product.address}{action[1]}", data=form)
    assert paid.status_code == 200
    assert str(paid.url) == final.hosted_invoice_url
    assert "Paid on" in paid.text
    assert 'href="/portal/invoices"' in paid.text
    event = await product.until("invoice.paid")
    assert event.object_id == final.id
    now = await gateway.retrieve_invoice(event.object_id)
    assert (now.status, now.amount_paid_minor) == ("paid", 7200)
    assert product.refused == 0
    await gateway.aclose()


async def test_a_time_out_before_or_after_the_work_is_an_unknown_outcome_that_the_same_key_settles(product: Product) -> None:
    patient = httpx.AsyncClient(trust_env=False, timeout=10)
    hasty = httpx.AsyncClient(trust_env=False, timeout=httpx.Timeout(10, read=0.5))
    connection = StripeConnection(SANDBOX_KEY, product.sandbox)
    impatient, gateway = StripeGateway(connection, SERVICES, http=hasty), StripeGateway(connection, SERVICES, http=patient)
    facility = uuid4()
    customer = await gateway.ensure_customer(
        FacilityCustomer(facility), idempotency_key=idempotency_key("facility", facility, "customer")
    )
    for fault, done_already in (("timeout_before", False), ("timeout_after", True)):
        invoice_id = uuid4()
        draft = InvoiceDraft(invoice_id, facility, customer.id, "USD", 30)
        key = idempotency_key("invoice", invoice_id, "create")
        wanted = {"kind": fault, "path": "/v1/invoices", "seconds": 1.5}
        assert (await patient.post(f"{product.sandbox}/_control/faults", json=wanted)).status_code == 201
        with pytest.raises(StripeOutcomeUnknown) as unknown:
            await impatient.create_invoice(draft, idempotency_key=key)
        assert unknown.value.retry_same_key
        found = await gateway.find_invoice(invoice_id, customer.id)
        assert (found is not None) is done_already
        settled = await gateway.create_invoice(draft, idempotency_key=key)
        every = await gateway.list_invoices(customer_id=customer.id)
        assert [invoice.id for invoice in every if invoice.metadata["invoice_id"] == str(invoice_id)] == [settled.id]
    await gateway.aclose()
    await impatient.aclose()


async def test_nobody_there_is_told_apart_from_an_unknown_outcome() -> None:
    connection = StripeConnection(SANDBOX_KEY, f"http://127.0.0.1:{free_port()}/sandbox/stripe")
    gateway = StripeGateway(connection, SERVICES)
    with pytest.raises(StripeUnreachable, match="nothing was charged"):
        await gateway.retrieve_invoice("in_abcdefgh")
    await gateway.aclose()
