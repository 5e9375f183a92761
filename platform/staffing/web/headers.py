"""Security headers on every answer, the error pages included: set just before sending."""

from collections.abc import Iterable

from litestar.types import Message, Scope, Send

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS = {
    b"content-security-policy": CONTENT_SECURITY_POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"x-frame-options": b"DENY",
    b"permissions-policy": b"camera=(), microphone=(), geolocation=()",
}
STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


async def add_headers(message: Message, scope: Scope) -> None:
    """Litestar's `before_send` hook: it covers answers to unknown addresses too, which middleware does not."""
    if message["type"] != "http.response.start":
        return
    message["headers"] = _completed(message["headers"], secure=scope["litestar_app"].state.settings.secure)


def with_headers(send: Send, *, secure: bool) -> Send:
    """`send` for an application beside ours on the same origin: what it leaves out, every answer of this origin has."""

    async def completing(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = _completed(message["headers"], secure=secure)
        await send(message)

    return completing


def _completed(headers: Iterable[tuple[bytes, bytes]], *, secure: bool) -> list[tuple[bytes, bytes]]:
    given = list(headers)
    present = {name.lower() for name, _ in given}
    extra = [(name, value) for name, value in HEADERS.items() if name not in present]
    if b"cache-control" not in present:
        # Pages carry patients' data: no browser or proxy keeps them.
        extra.append((b"cache-control", b"no-store"))
    if secure:
        extra.append(STRICT_TRANSPORT)
    return [*given, *extra]
