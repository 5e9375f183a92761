"""The body of a request is read whole before anything is held for it: who sends it slowly keeps nobody else waiting."""

import asyncio

from litestar.exceptions import ClientException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.types import HTTPReceiveMessage, Receive, Scope

LARGEST_BODY = 1_000_000
"""Bytes. The largest form of ours, a week of entries to approve, has a fiftieth of it."""
SECONDS_TO_SEND = 30


class TooSlow(ClientException):
    """The body did not come in time."""

    status_code = 408


async def read_whole(scope: Scope, receive: Receive) -> Receive:
    """`receive` as if the body had come at once. Raises `RequestEntityTooLarge`, and `TooSlow` after `SECONDS_TO_SEND`."""
    if _announced(scope) > LARGEST_BODY:
        raise RequestEntityTooLarge
    try:
        async with asyncio.timeout(SECONDS_TO_SEND):
            messages = await _messages(receive)
    except TimeoutError:
        raise TooSlow from None

    waiting = iter(messages)

    async def replay() -> HTTPReceiveMessage:
        message = next(waiting, None)
        return message if message is not None else await receive()  # type: ignore[return-value]

    return replay


async def _messages(receive: Receive) -> list[HTTPReceiveMessage]:
    messages: list[HTTPReceiveMessage] = []
    size = 0
    while True:
        message: HTTPReceiveMessage = await receive()  # type: ignore[assignment]
        messages.append(message)
        if message["type"] != "http.request":
            return messages
        size += len(message.get("body", b""))
        if size > LARGEST_BODY:
            raise RequestEntityTooLarge
        if not message.get("more_body", False):
            return messages


def _announced(scope: Scope) -> int:
    """The length that the sender announces; 0 where it announces none."""
    text = dict(scope["headers"]).get(b"content-length", b"")
    return int(text) if text.isdigit() and len(text) < 20 else 0
