"""What the tests of billing share: a sandbox in this process, a gateway to it, and a check against the SDK's types."""

import asyncio
import sys
import types
import typing
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import stripe
from litestar import Litestar

from billing.sandbox.app import create_app
from billing.sandbox.store import Store
from billing.stripe.connection import SANDBOX_KEY, StripeConnection
from billing.stripe.gateway import StripeGateway
from billing.stripe.keys import idempotency_key
from billing.stripe.results import StripeInvoice
from billing.stripe.values import DraftLine, FacilityCustomer, InvoiceDraft

SERVICES = frozenset({"Care Plan Management", "Insurance Verification", "Patient Outreach"})
SANDBOX_URL = "http://payments.test"
RETURN_URL = "https://portal.test/portal/payment-methods"


@dataclass(slots=True)
class Sandbox:
    """A sandbox in this process and ways to talk to it."""

    app: Litestar
    http: httpx.AsyncClient
    gateway: StripeGateway
    database: Path
    url: str = SANDBOX_URL

    def store(self) -> Store:
        """The sandbox's memory, opened a second time; close it."""
        return Store(self.database)

    @staticmethod
    def line(amount: int = 45000, number: int = 0) -> DraftLine:
        """A line of seven and a half hours."""
        return DraftLine(f"{number:032x}", "Care Plan Management", "regular", 27000, Decimal("60.00"), amount)

    @staticmethod
    def key(invoice: StripeInvoice, step: str, attempt: int = 1) -> str:
        """An idempotency key for one step of an invoice."""
        return idempotency_key("invoice", UUID(invoice.metadata["invoice_id"]), step, attempt)

    async def call(self, method: str, path: str, data: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        """A raw call, as the client would send it."""
        every = {"authorization": f"Bearer {SANDBOX_KEY}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        return await self.http.request(method, f"{self.url}{path}", data=data, headers=every)

    async def control(self, path: str, /, **wanted: Any) -> Any:
        """One of the things that only tests may do; its answer."""
        answer = await self.http.post(f"{self.url}/_control/{path}", json=wanted)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def days_pass(self, days: int) -> None:
        """The sandbox's clock goes on, and what is due by then happens."""
        await self.control("clock", advance_seconds=days * 24 * 3600)

    async def saved(self, customer_id: str, token: str = "pm_card_visa") -> str:
        """A way to pay from one of Stripe's test ids, saved for a customer."""
        answer = await self.call("POST", f"/v1/payment_methods/{token}/attach", {"customer": customer_id})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    async def paid(self, *amounts: int, token: str = "pm_card_visa") -> StripeInvoice:
        """An invoice that was paid (or is being debited) with one of Stripe's test ids."""
        final = await self.invoice(amounts or (45000,))
        answer = await self.call("POST", f"/v1/invoices/{final.id}/pay", {"payment_method": token})
        assert answer.status_code == 200, answer.text
        return await self.gateway.retrieve_invoice(final.id)

    async def types(self) -> list[str]:
        """The types of all events so far, oldest first."""
        content = (await self.call("GET", "/v1/events?limit=100")).json()
        return [event["type"] for event in reversed(content["data"])]

    async def invoice(self, amounts: tuple[int, ...] = (45000,), *, final: bool = True) -> StripeInvoice:
        """An invoice of a new facility with lines of these amounts."""
        facility, invoice = uuid4(), uuid4()
        customer = await self.gateway.ensure_customer(
            FacilityCustomer(facility), idempotency_key=idempotency_key("facility", facility, "customer")
        )
        made = await self.gateway.create_invoice(
            InvoiceDraft(invoice, facility, customer.id, "USD", 30),
            idempotency_key=idempotency_key("invoice", invoice, "create"),
        )
        made = await self.gateway.add_lines(
            made.id,
            [self.line(amount, number) for number, amount in enumerate(amounts)],
            "USD",
            idempotency_key=idempotency_key("invoice", invoice, "lines"),
        )
        if not final:
            return made
        return await self.gateway.finalize_invoice(made.id, idempotency_key=idempotency_key("invoice", invoice, "finalize"))


@pytest.fixture(scope="session")
def in_process() -> Callable[[Litestar], httpx.ASGITransport]:
    """Requests reach an application without a socket."""
    return lambda app: httpx.ASGITransport(app=typing.cast(Any, app))


@pytest.fixture(scope="session")
def keep_alive() -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    """Run an application's lifespan within a block."""
    return _alive


@asynccontextmanager
async def _alive(app: Litestar) -> AsyncIterator[None]:
    """`app` with its lifespan, entered and left by one task as its task groups ask."""
    started, over = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            started.set()
            await over.wait()

    task = asyncio.create_task(live())
    await started.wait()
    try:
        yield
    finally:
        over.set()
        await task


@pytest.fixture
async def sandbox(tmp_path: Path, in_process: Any, keep_alive: Any) -> AsyncIterator[Sandbox]:
    """A sandbox that may be told to fail and tells nobody what happened."""
    database = tmp_path / "payments.db"
    app = create_app(
        database=database,
        public_url=SANDBOX_URL,
        webhook_url="",
        webhook_secret="",
        return_url_allow="https://portal.test/invoices",
        faults_allowed=True,
    )
    async with keep_alive(app), httpx.AsyncClient(transport=in_process(app), base_url=SANDBOX_URL) as http:
        connection = StripeConnection(SANDBOX_KEY, SANDBOX_URL)
        gateway = StripeGateway(connection, SERVICES, return_urls=frozenset({RETURN_URL}), http=http)
        yield Sandbox(app, http, gateway, database)


@pytest.fixture(scope="session")
def conform() -> Callable[[Any, type], list[str]]:
    """What is missing, unknown or of a wrong type in an object, by the SDK's annotations of its class."""
    return differences


def differences(value: Any, kind: type, path: str = "") -> list[str]:
    """Compare a JSON object with the annotations of a resource of the SDK."""
    fields = typing.get_type_hints(kind, {}, _names(kind))
    found: list[str] = []
    for name, annotation in fields.items():
        if name.startswith("_") or name in ("OBJECT_NAME", "deleted"):
            continue
        if name in value:
            found += _unlike(value[name], annotation, f"{path}.{name}")
        elif not _optional(annotation):
            found.append(f"{path}.{name}: missing")
    known = {name for name in fields if not name.startswith("_")}
    return found + [f"{path}.{name}: not in the SDK's {kind.__name__}" for name in value if name not in known]


class _Names(dict[str, Any]):
    def __missing__(self, name: str) -> Any:
        if name in vars(__builtins__ if isinstance(__builtins__, types.ModuleType) else sys.modules["builtins"]):
            raise KeyError(name)
        return getattr(stripe, name, Any)


def _names(kind: type) -> _Names:
    return _Names(vars(sys.modules[kind.__module__]))


def _optional(annotation: Any) -> bool:
    return type(None) in typing.get_args(annotation)


def _unlike(value: Any, annotation: Any, path: str) -> list[str]:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is Any:
        return []
    if origin in (typing.Union, types.UnionType):
        # `Literal[...] | str` in an answer of ours means one of the literals.
        literals = [option for option in arguments if typing.get_origin(option) is typing.Literal]
        options = [option for option in arguments if not (option is str and literals)]
        found = [_unlike(value, option, path) for option in options]
        return [] if not all(found) else min(found, key=len)
    if origin is typing.Literal:
        return [] if value in arguments else [f"{path}: {value!r} is none of {arguments[:5]}"]
    if annotation is type(None):
        return [] if value is None else [f"{path}: not null"]
    if origin is list:
        if not isinstance(value, list):
            return [f"{path}: no list"]
        return [problem for item in value for problem in _unlike(item, arguments[0], f"{path}[]")]
    if origin is stripe.ListObject:
        return [problem for item in value["data"] for problem in _unlike(item, arguments[0], f"{path}[]")]
    if isinstance(origin or annotation, type) and issubclass(origin or annotation, stripe.StripeObject):
        if not isinstance(value, dict):
            return [f"{path}: no object"]
        return [] if origin else differences(value, annotation, path)
    if annotation is Decimal:
        return [] if isinstance(value, str) else [f"{path}: a decimal travels as text"]
    if annotation in (int, str, bool):
        fits = isinstance(value, annotation) and not (annotation is int and isinstance(value, bool))
        return [] if fits else [f"{path}: {value!r} is no {annotation.__name__}"]
    return []
