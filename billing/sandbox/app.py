"""The sandbox as an application: on its own, or mounted under a path of the product's process."""

import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from litestar import Litestar, MediaType, Request, Response, delete, get, post, route
from litestar.enums import HttpMethod
from litestar.exceptions import HTTPException

from billing.sandbox import faults
from billing.sandbox.api import BROKEN, Interface
from billing.sandbox.context import Addresses
from billing.sandbox.pages import HostedPages, stylesheet
from billing.sandbox.store import Store
from billing.sandbox.webhooks import Deliverer
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
    its owner can reach). `faults_allowed` opens `/_control/faults`.

    Mounted in another application, enter `app.lifespan()` in that one's: the webhooks are delivered meanwhile. Without
    it they are delivered from the first request on.
    """
    store = Store(database)
    addresses = Addresses(public_url, webhook_url, webhook_secret, return_url_allow)
    deliverer = Deliverer(store, addresses, clock, faults_allowed=faults_allowed, retry_seconds=retry_seconds)

    def after_work() -> None:
        deliverer.start()
        deliverer.wake()

    interface = Interface(store, addresses, clock, faults_allowed, after_work, api_key)
    pages = HostedPages(store, addresses, clock, after_work)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        deliverer.start()
        try:
            yield
        finally:
            await deliverer.stop()
            store.close()

    handlers = [*_interface_handlers(interface), *_page_handlers(pages)]
    if faults_allowed:
        handlers += _control_handlers(store)
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


def _page_handlers(pages: HostedPages) -> list[Any]:
    @get("/i/{token:str}")
    async def show_invoice(request: Request[Any, Any, Any]) -> Response[str]:
        return await pages.show(request)

    @post("/i/{token:str}")
    async def pay_invoice(request: Request[Any, Any, Any]) -> Response[Any]:
        return await pages.pay(request)

    @get("/i/{token:str}/receipt")
    async def show_receipt(request: Request[Any, Any, Any]) -> Response[str]:
        return await pages.show(request, receipt=True)

    @get("/_assets/sandbox.css")
    async def show_stylesheet() -> Response[str]:
        return stylesheet()

    return [show_invoice, pay_invoice, show_receipt, show_stylesheet]


def _control_handlers(store: Store) -> list[Any]:
    @post("/_control/faults")
    async def set_fault(request: Request[Any, Any, Any]) -> Response[str]:
        try:
            wanted = json.loads(await request.body())
            if not isinstance(wanted, dict):
                raise Problem(400, "A fault is a JSON object.")
            with store.transaction() as transaction:
                faults.add(transaction, wanted)
        except ValueError:
            return respond(as_answer(Problem(400, "A fault is a JSON object.").body(), 400))
        except Problem as problem:
            return respond(as_answer(problem.body(), problem.status))
        return respond(as_answer({"set": wanted}, 201))

    @delete("/_control/faults", status_code=200)
    async def clear_faults() -> Response[str]:
        with store.transaction() as transaction:
            faults.clear(transaction)
        return respond(as_answer({"set": None}))

    return [set_fault, clear_faults]


def _refused(request: Request[Any, Any, Any], error: HTTPException) -> Response[str]:
    """What the routing refuses: in Stripe's words for the interface, in plain ones elsewhere."""
    if "/v1/" in request.scope["path"]:
        return respond(as_answer(Problem(error.status_code, error.detail).body(), error.status_code))
    return Response(error.detail, status_code=error.status_code, media_type=MediaType.TEXT)


def _failed(request: Request[Any, Any, Any], error: Exception) -> Response[str]:
    """A mistake in the sandbox itself: logged whole, answered as Stripe does."""
    _LOG.error("the payment sandbox failed at %s", request.scope["path"], exc_info=error)
    return respond(as_answer(BROKEN.body(), 500))
