"""Security headers on every answer, the error pages included: set just before sending."""

from litestar.types import Message, Scope

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
    present = {name.lower() for name, _ in message["headers"]}
    extra = [(name, value) for name, value in HEADERS.items() if name not in present]
    if b"cache-control" not in present:
        # Pages carry patients' data: no browser or proxy keeps them.
        extra.append((b"cache-control", b"no-store"))
    if scope["litestar_app"].state.settings.secure:
        extra.append(STRICT_TRANSPORT)
    message["headers"] = [*message["headers"], *extra]
