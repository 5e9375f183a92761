"""The web application, composed: surfaces, the base they stand on, and the payment sandbox beside them."""

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from litestar import Litestar, Router
from litestar.datastructures import CacheControlHeader, State
from litestar.di import Provide
from litestar.static_files import create_static_files_router
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

import client_portal.routes
import staffing.desk.routes
import staffing.hooks.routes
import staffing.website.routes
import staffing.workspace.routes
from staffing import clock
from staffing.demo import logins
from staffing.identity.permissions import Permission
from staffing.payments.gateway import sandbox_key
from staffing.persistence.transactions import Database
from staffing.settings import Settings
from staffing.web import errors, formatting
from staffing.web.authentication import provide_principal
from staffing.web.bodies import LARGEST_BODY
from staffing.web.guard import check_routes, guard
from staffing.web.headers import add_headers, with_headers
from staffing.web.http import Request
from staffing.web.pages import NavItem
from staffing.web.unit_of_work import UnitOfWork, keep, provide_tx
from staffing.website.views import DemoLogin

SANDBOX_PATH = "/sandbox/stripe"
STATIC = Path(formatting.STATIC)

NAVIGATION: dict[str, Sequence[NavItem]] = {
    "portal": client_portal.routes.NAVIGATION,
    "desk": staffing.desk.routes.NAVIGATION,
    "workspace": staffing.workspace.routes.NAVIGATION,
}


def create_app(settings: Settings, database: Database) -> Litestar:
    """The product's own application. Refuses to start when a route names no permission."""
    clock.follow_file(settings.clock_file)
    app = Litestar(
        route_handlers=[
            *staffing.website.routes.HANDLERS,
            *client_portal.routes.HANDLERS,
            *staffing.desk.routes.HANDLERS,
            *staffing.workspace.routes.HANDLERS,
            *staffing.hooks.routes.HANDLERS,
            _assets(),
        ],
        dependencies={
            "tx": Provide(provide_tx, sync_to_thread=False),
            "principal": Provide(provide_principal, sync_to_thread=False),
        },
        guards=[guard],
        middleware=[UnitOfWork()],
        after_request=keep,
        before_send=[add_headers],
        exception_handlers=errors.HANDLERS,  # type: ignore[arg-type]
        request_class=Request,
        state=State(
            {"settings": settings, "database": database, "navigation": NAVIGATION, "demo_logins": _demo_logins(settings)}
        ),
        openapi_config=None,
        logging_config=None,
        request_max_body_size=LARGEST_BODY,
        lifespan=[_connected],
    )
    check_routes(app)
    return app


def with_sandbox(app: Litestar, settings: Settings) -> ASGIApp:
    """The application with the payment sandbox beside it, when no Stripe key is configured."""
    if not settings.uses_sandbox:
        return app
    from billing.sandbox.app import create_app as create_sandbox

    logging.getLogger(__name__).info("payments run in the sandbox")
    sandbox = create_sandbox(
        database=settings.home / "stripe-sandbox.sqlite3",
        public_url=settings.public_url + SANDBOX_PATH,
        webhook_url=settings.local_url + "/hooks/stripe",
        webhook_secret=settings.stripe_webhook_secret,
        api_key=sandbox_key(settings),
        return_url_allow=settings.public_url + "/portal/invoices",
        clock=clock.now,
    )

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        kind: str = scope["type"]
        if kind == "lifespan":
            async with sandbox.lifespan():
                await app(scope, receive, send)
        elif scope["path"].startswith(SANDBOX_PATH + "/"):
            path = scope["path"].removeprefix(SANDBOX_PATH)
            inner = cast(HTTPScope, {**scope, "path": path, "raw_path": path.encode(), "root_path": ""})
            await sandbox(inner, receive, with_headers(send, secure=settings.secure))
        else:
            await app(scope, receive, send)

    return dispatch


@asynccontextmanager
async def _connected(app: Litestar) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        database: Database = app.state.database
        await database.close()


def _demo_logins(settings: Settings) -> tuple[DemoLogin, ...]:
    if not settings.demo:
        return ()
    return tuple(DemoLogin(one.label, one.email, one.password, one.place) for one in logins.shown_on_sign_in())


def _assets() -> Router:
    """Self-hosted assets. Their address carries a hash of the content, so they never go stale."""
    return create_static_files_router(
        path="/static",
        directories=[STATIC],
        cache_control=CacheControlHeader(max_age=31_536_000, public=True, immutable=True),
        opt={"permission": Permission.PUBLIC, "without_transaction": True},
    )
