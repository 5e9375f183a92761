"""A visitor of the site without a browser: keeps cookies, finds the form token on the last page, follows our redirects."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import httpx
from litestar import Litestar

from staffing.identity import sessions
from staffing.identity.models import Account
from staffing.persistence.tenancy import NOBODY
from staffing.persistence.transactions import Database

_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"|value="([^"]+)"[^>]*name="csrf_token"')


class Visitor:
    """One person's browser, as far as a test needs it."""

    def __init__(self, app: Litestar) -> None:
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://relief.test")
        self.csrf_token = ""

    async def get(self, path: str, **kwargs: Any) -> httpx.Response:
        return self._remember(await self.http.get(path, **kwargs))

    async def post(
        self, path: str, data: Mapping[str, str | Sequence[str]] | None = None, *, follow: bool = True, **kwargs: Any
    ) -> httpx.Response:
        """Send a form with the token of the last page seen. `follow`: show the page that the answer leads to."""
        sent = {"csrf_token": self.csrf_token, **(data or {})}
        return self._remember(await self.http.post(path, data=sent, follow_redirects=follow, **kwargs))

    def _remember(self, response: httpx.Response) -> httpx.Response:
        if found := _TOKEN.search(response.text):
            self.csrf_token = found[1] or found[2]
        return response


async def signed_in(app: Litestar, database: Database, account_id: UUID) -> Visitor:
    """A visitor who has just signed in as this account."""
    async with database.transaction(NOBODY) as tx:
        account = await tx.get_one(Account, account_id)
        token = await sessions.start(tx, account, address="127.0.0.1", browser="tests")
    visitor = Visitor(app)
    visitor.http.cookies.set("relief_session", token, domain="relief.test")
    # Any page of the account carries the token for its forms.
    await visitor.get("/")
    return visitor
