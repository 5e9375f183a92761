"""The request as handlers see it."""

from typing import Any
from urllib.parse import parse_qsl

import litestar
from litestar.datastructures import FormMultiDict, State
from litestar.enums import RequestEncodingType
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

from staffing.identity.principals import Principal
from staffing.persistence.transactions import Database, Transaction
from staffing.settings import Settings

MOST_FIELDS = 1000
"""Fields of one form. The largest of ours, a week in half hours, has less than half of them."""


class Request(litestar.Request[Any, Any, State]):
    """A request that knows the deployment it reached and who is asking."""

    @property
    def settings(self) -> Settings:
        settings: Settings = self.app.state.settings
        return settings

    @property
    def database(self) -> Database:
        database: Database = self.app.state.database
        return database

    @property
    def tx(self) -> Transaction:
        """The request's one transaction."""
        tx: Transaction = self.scope["state"]["tx"]
        return tx

    @property
    def caller(self) -> Principal | None:
        """Who is signed in, if anybody."""
        caller: Principal | None = self.scope.get("user")
        return caller

    async def form(self) -> FormMultiDict:
        """The form that was sent; empty for anything but an ordinary form: no page of ours sends a file.

        Litestar's own reading remembers the last thousand bodies of the process: passwords, notes, and as much memory as
        somebody cares to send. This one forgets them with the request.
        """
        state = self.scope["state"]
        if "form" not in state:
            state["form"] = FormMultiDict(await self._fields())
        form: FormMultiDict = state["form"]
        return form

    async def _fields(self) -> list[tuple[str, str]]:
        if self.content_type[0] != RequestEncodingType.URL_ENCODED:
            return []
        try:
            return parse_qsl((await self.body()).decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError:
            raise RequestEntityTooLarge from None

    @property
    def request_id(self) -> str:
        return str(self.scope["state"].get("request_id", ""))
