"""How long one call keeps trying by itself when Stripe is busy (429, 409) or broken (5xx): briefly, with the same key.

Everything longer is the caller's: a job that comes again later. The Stripe library's own retries are switched off, because
it does not repeat a 429 unless Stripe says so, and never waits for more than five seconds.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from billing.stripe.failures import StripeBusy, StripeFailure, StripeOutcomeUnknown

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Backoff:
    """Up to `tries` calls; waits double from `first` to `longest` seconds, each shortened at random by up to a half.

    A wait that Stripe asks for (`Retry-After`) is kept when it is not longer than `longest`; else the call fails at once.
    """

    tries: int = 3
    first: float = 0.5
    longest: float = 8.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random

    async def keep_trying(self, call: Callable[[], Awaitable[T]]) -> T:
        """The outcome of `call`, or its last `StripeFailure`."""
        for tried in range(1, self.tries):
            try:
                return await call()
            except StripeFailure as failure:
                wait = self._wait(failure, tried)
                if wait is None:
                    raise
            await self.sleep(wait)
        return await call()

    def _wait(self, failure: StripeFailure, tried: int) -> float | None:
        """How many seconds to wait before the next try; None when there is none."""
        if not _worth_repeating(failure):
            return None
        own = min(self.first * 2.0 ** (tried - 1), self.longest)
        wait = own * (1 - self.chance() / 2)
        if failure.retry_after is None:
            return wait
        return None if failure.retry_after > self.longest else max(wait, failure.retry_after)


ONE_TRY = Backoff(tries=1)
"""Never try again; for callers that come again by themselves."""


def _worth_repeating(failure: StripeFailure) -> bool:
    """Busy or broken, and the same key may bring another answer. A time-out is not repeated: it has taken long enough."""
    if failure.should_retry is False or not failure.retry_same_key:
        return False
    return isinstance(failure, StripeBusy) or (isinstance(failure, StripeOutcomeUnknown) and failure.answered)
