"""The Stripe library's errors turned into ours: what matters is whether the work may have been done."""

from __future__ import annotations

from typing import Any

import httpx
import stripe

from billing.stripe.failures import (
    StripeBusy,
    StripeDeclined,
    StripeFailure,
    StripeOutcomeUnknown,
    StripeRefused,
    StripeUnreachable,
)

# The connection was never made, so the request cannot have arrived.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)


def translated(error: stripe.StripeError) -> StripeFailure:
    """Our failure for the library's `error`; raise it `from` the original."""
    if isinstance(error, stripe.APIConnectionError):
        if isinstance(error.__cause__, _NEVER_SENT):
            return StripeUnreachable()
        return StripeOutcomeUnknown("The payment provider did not answer in time.")
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    failure = _answered(error, replayed=headers.get("idempotent-replayed") == "true")
    failure.retry_after = _seconds(headers.get("retry-after"))
    failure.should_retry = {"true": True, "false": False}.get(headers.get("stripe-should-retry", ""))
    return failure


def _answered(error: stripe.StripeError, *, replayed: bool) -> StripeFailure:
    """The failure for an answer of Stripe's."""
    known: dict[str, Any] = {"code": error.code or _body_code(error), "request_id": error.request_id}
    message = error.user_message or ""
    status = error.http_status or 0
    if isinstance(error, stripe.RateLimitError) or status in (409, 429):
        return StripeBusy(message, **known)
    if isinstance(error, stripe.CardError):
        decline_code = getattr(error.error, "decline_code", None) if error.error else None
        return StripeDeclined(message, **known, decline_code=decline_code)
    if 400 <= status < 500:
        return StripeRefused(message, **known, parameter=getattr(error, "param", None))
    return StripeOutcomeUnknown(message, **known, replayed=replayed, answered=True)


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else max(float(text), 0.0)
    except ValueError:
        return None


def _body_code(error: stripe.StripeError) -> str | None:
    if isinstance(error, stripe.IdempotencyError):
        return "idempotency_error"
    code = getattr(error.error, "code", None) if error.error else None
    return code if isinstance(code, str) else None
