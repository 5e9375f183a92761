"""How requests travel to Stripe: our own time-outs, an allow list of headers, no redirects.

The library would tell Stripe about the machine, the platform and the previous request's timing. None of that leaves.
"""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import stripe

TIMEOUT = httpx.Timeout(connect=3.0, read=20.0, write=10.0, pool=5.0)
_HEADERS_THAT_LEAVE = frozenset({"authorization", "content-type", "idempotency-key", "stripe-version"})
_USER_AGENT = "relief-desk"


class StripeTransport(stripe.HTTPClient):
    """The Stripe library's client interface over one `httpx.AsyncClient`. `to_sandbox` also ignores proxy settings."""

    name = "httpx"

    def __init__(self, client: httpx.AsyncClient | None = None, *, to_sandbox: bool = False) -> None:
        super().__init__()
        self._httpx = client or httpx.AsyncClient(timeout=TIMEOUT, trust_env=not to_sandbox, follow_redirects=False)

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: str | None = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send one request. Raises `stripe.APIConnectionError` with the `httpx` error as its cause."""
        leaving = {name: value for name, value in headers.items() if name.lower() in _HEADERS_THAT_LEAVE}
        leaving["User-Agent"] = _USER_AGENT
        try:
            answer = await self._httpx.request(method, url, headers=leaving, content=post_data)
        except httpx.HTTPError as error:
            raise stripe.APIConnectionError(f"No answer ({type(error).__name__}).") from error  # type: ignore[no-untyped-call]
        return answer.content, answer.status_code, answer.headers

    async def close_async(self) -> None:
        """Close the connections."""
        await self._httpx.aclose()
