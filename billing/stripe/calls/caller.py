"""What every call to Stripe shares: the pinned client, the payload builder, failures in our words, pages read to the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar

import stripe

from billing.stripe.backoff import Backoff
from billing.stripe.connection import StripeConnection
from billing.stripe.keys import checked_key
from billing.stripe.payload import PayloadBuilder
from billing.stripe.translation import translated

PAGE = 100

T = TypeVar("T")


class Caller:
    """One agency's way to Stripe. `client` does not retry by itself; `backoff` decides about that."""

    def __init__(
        self, connection: StripeConnection, payloads: PayloadBuilder, client: stripe.StripeClient, backoff: Backoff
    ) -> None:
        self.connection = connection
        self._payloads = payloads
        self._client = client
        self._backoff = backoff

    async def _done(self, call: Callable[[], Awaitable[T]]) -> T:
        """The outcome of `call`, with the library's errors turned into ours."""

        async def translating() -> T:
            try:
                return await call()
            except stripe.StripeError as error:
                raise translated(error) from error

        return await self._backoff.keep_trying(translating)

    async def _all(self, read: Callable[[stripe.StripeObject], T], first_page: Callable[[], Awaitable[Any]]) -> tuple[T, ...]:
        """Everything of a list, all pages of it."""

        async def every() -> list[Any]:
            page = await first_page()
            return [found async for found in page.auto_paging_iter()]

        return tuple(read(found) for found in await self._done(every))


def options(idempotency_key: str) -> stripe.RequestOptions:
    """The request's options with the caller's key."""
    return {"idempotency_key": checked_key(idempotency_key)}


def seconds(moment: datetime) -> int:
    """An instant as Stripe takes it: whole seconds since 1970."""
    return int(moment.timestamp())
