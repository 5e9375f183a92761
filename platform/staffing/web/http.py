"""The request as handlers see it."""

from typing import Any

import litestar
from litestar.datastructures import State

from staffing.identity.principals import Principal
from staffing.persistence.transactions import Database, Transaction
from staffing.settings import Settings


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

    @property
    def request_id(self) -> str:
        return str(self.scope["state"].get("request_id", ""))
