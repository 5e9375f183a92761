"""The sandbox as an application: on its own, or mounted under a path of the product's process."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from litestar import Litestar, MediaType, Request, Response, get, post, route
from litestar.enums import HttpMethod
from litestar.exceptions import HTTPException

from billing.sandbox.context import Addresses, SandboxClock
from billing.sandbox.control import Control
from billing.sandbox.delivery.webhooks import Deliverer
from billing.sandbox.hosted.invoice_pages import InvoicePages
from billing.sandbox.hosted.rendering import stylesheet
from billing.sandbox.hosted.setup_pages import SetupPages
from billing.sandbox.interface.api import BROKEN, Interface
from billing.sandbox.store import Store
from billing.sandbox.wire import Problem, as_answer, respond

_LOG = logging.getLogger(__name__)
_LARGEST_BODY = 1_000_000


def _machine_time() -> datetime:
    return datetime.now(UTC)


def create_app(
    *,
    database: Path,
    public_url: str,
    webhook_url: str,
    webhook_secret: str,
    api_key: str | None = None,
    return_url_allow: str | None = None,
    clock: Callable[[], datetime] = _machine_time,
    faults_allowed: bool = False,
    retry_seconds: float = 2.0,
) -> Litestar:
    """A local Stripe that keeps everything in the SQLite file `database`.

    `public_url` is where it is seen, path prefix included: the base address for the client and the start of the hosted
    pages' addresses. Events go signed with `webhook_secret` to `webhook_url` (empty: nowhere), a failed delivery again
    after `retry_seconds`, doubling. A paid page links to `return_url_allow`. `clock` tells the sandbox's time, so that it
    can follow a moved clock. `api_key` is the one key that opens the interface (None: any test key, for a sandbox that only
    its owner can reach). `faults_allowed` opens `/_control/…`
    (see `billing.sandbox.control`). `webhook_secret` may be two with a comma between them, while it is being changed.

    Mounted in another application, enter `app.lifespan()` in that one's: the webhooks are delivered meanwhile. Without
    it they are delivered from the first request on.
    """
    store = Store(database)
    addresses = Addresses(public_url, webhook_url, webhook_secret, return_url_allow)
    own_clock = SandboxClock(clock)
    deliverer = Deliverer(store, addresses, own_clock, faults_allowed=faults_allowed, retry_seconds=retry_seconds)

    def after_work() -> None:
        deliverer.start()
        deliverer.wake()

    interface = Interface(store, addresses, own_clock, faults_allowed, after_work, api_key)
    invoice_pages = InvoicePages(store, addresses, own_clock, after_work)
    setup_pages = SetupPages(store, addresses, own_clock, after_work)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        deliverer.start()
        try:
            yield
        finally:
            await deliverer.stop()
            store.close()

    handlers = [*_interface_handlers(interface), *_invoice_handlers(invoice_pages), *_setup_handlers(setup_pages)]
    if faults_allowed:
        handlers += Control(store, addresses, own_clock, after_work).handlers()
    return Litestar(
        route_handlers=handlers,
        lifespan=[lifespan],
        exception_handlers={HTTPException: _refused, Exception: _failed},
        openapi_config=None,
        logging_config=None,
        request_max_body_size=_LARGEST_BODY,
    )


def _interface_handlers(interface: Interface) -> list[Any]:
    @route("/v1/{path:path}", http_method=[HttpMethod.GET, HttpMethod.POST, HttpMethod.DELETE])
    async def call(request: Request[Any, Any, Any]) -> Response[str]:
        return await interface.handle(request)

    return [call]


def _invoice_handlers(pages: InvoicePages) -> list[Any]:
    @get("/i/{token:str}")
    async def show_invoice(request: Request[Any, Any, Any]) -> Response[str]:
        return await pages.show(request)

    @post("/i/{token:str}")
    async def pay_invoice(request: Request[Any, Any, Any]) -> Response[Any]:
        return await pages.pay(request)

    @post("/i/{token:str}/settle")
    async def settle_debit(request: Request[Any, Any, Any]) -> Response[Any]:
        return await pages.settle(request)

    @get("/i/{token:str}/receipt")
    async def show_receipt(request: Request[Any, Any, Any]) -> Response[str]:
        return await pages.show(request, receipt=True)

    @get("/_assets/sandbox.css")
    async def show_stylesheet() -> Response[str]:
        return stylesheet()

    return [show_invoice, pay_invoice, settle_debit, show_receipt, show_stylesheet]


def _setup_handlers(pages: SetupPages) -> list[Any]:
    @get("/c/{token:str}")
    async def show_setup(request: Request[Any, Any, Any]) -> Response[str]:
        return await pages.show(request)

    @post("/c/{token:str}")
    async def save_method(request: Request[Any, Any, Any]) -> Response[Any]:
        return await pages.save(request)

    return [show_setup, save_method]


def _refused(request: Request[Any, Any, Any], error: HTTPException) -> Response[str]:
    """What the routing refuses: in Stripe's words for the interface, in plain ones elsewhere."""
    if "/v1/" in request.scope["path"]:
        return respond(as_answer(Problem(error.status_code, error.detail).body(), error.status_code))
    return Response(error.detail, status_code=error.status_code, media_type=MediaType.TEXT)


def _failed(request: Request[Any, Any, Any], error: Exception) -> Response[str]:
    """A mistake in the sandbox itself: logged whole, answered as Stripe does."""
    _LOG.error("the payment sandbox failed at %s", request.scope["path"], exc_info=error)
    return respond(as_answer(BROKEN.body(), 500))
