"""One request is one transaction: opened here, finished after the page is rendered and before it is sent.

Returning an answer below 400 keeps what was done; raising, or answering 4xx or 5xx, undoes it. A page that is answered with
4xx, a form with its mistakes say, may show patients: that it was looked at stays in the access log. The order is: begin,
handler, render, commit, send. A failing commit therefore reaches the exception handlers like any other error, before a byte
has left.
"""

import secrets
from contextvars import ContextVar
from typing import Any

from litestar import Response
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from staffing.persistence import audit
from staffing.persistence.transactions import Transaction, finish, give_up
from staffing.web.authentication import authenticate
from staffing.web.bodies import read_whole
from staffing.web.csrf import SAFE_METHODS
from staffing.web.http import Request

_current: ContextVar[Transaction | None] = ContextVar("current_transaction", default=None)


class UnitOfWork(ASGIMiddleware):
    """Opens the request's transaction and finds out who is asking."""

    scopes = (ScopeType.HTTP,)
    exclude_opt_key = "without_transaction"

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        request = Request(scope)
        if request.method not in SAFE_METHODS:
            receive = await read_whole(scope, receive)
        tx = request.database.open()
        mark = _current.set(tx)
        try:
            scope["state"]["request_id"] = secrets.token_hex(8)
            scope["state"]["tx"] = tx
            scope["user"] = await authenticate(request, tx)
            await next_app(scope, receive, send)
        finally:
            _current.reset(mark)
            await give_up(tx)


async def keep(response: Response[Any]) -> Response[Any]:
    """Runs after the handler has answered and before anything is sent: the commit of the request."""
    tx = _current.get()
    if tx is None or not tx.is_active:
        return response
    if (response.status_code or 200) < 400:
        await finish(tx)
    else:
        await audit.keep_looks(tx)
    return response


def provide_tx(request: Request) -> Transaction:
    """The request's transaction, for handlers."""
    return request.tx
