"""Stripe's answers, changed on their way to us."""

import json
from collections.abc import Callable
from typing import Any

import httpx
from support.paying import Till


class Tampering(httpx.AsyncBaseTransport):
    """Stripe's answers, changed on the way to us."""

    def __init__(self, till: Till, change: Callable[[dict[str, Any]], None]) -> None:
        self.inner, self.change = httpx.ASGITransport(till.sandbox.app), change

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = str(request.url).replace("/sandbox/stripe", "")
        answer = await self.inner.handle_async_request(
            httpx.Request(request.method, url, headers=request.headers, content=await request.aread())
        )
        content = json.loads(await answer.aread())
        self.change(content)
        return httpx.Response(answer.status_code, json=content)
