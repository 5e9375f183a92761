"""Webhooks from Stripe: is this one genuine and fresh, and what does it say?

Signature scheme: HMAC-SHA256 over `<timestamp>.<raw body>`, in the header as `t=<timestamp>,v1=<hex>`; the header may
hold several `v1`. The raw bytes are checked, before anything is parsed. Nothing here imports the Stripe library.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

TOLERANCE = timedelta(seconds=300)
SIGNATURE_HEADER = "Stripe-Signature"


class WebhookRefused(ValueError):
    """A webhook that is not accepted; the message says why, for the security log. Nothing of it may be stored."""


class WebhookEndpointOff(WebhookRefused):
    """No signing secret is configured, so no webhook can be genuine."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened at Stripe. `payload` is the whole event as sent.

    What its object says may be old by the time it is read: fetch the object afresh.
    """

    id: str
    type: str
    created: datetime
    object_id: str
    object_type: str
    livemode: bool
    payload: Mapping[str, Any]


def receive(body: bytes, signature_header: str | None, secrets: Sequence[str], now: datetime) -> Event:
    """The event in `body`, when one of `secrets` (two while they are being changed) signed it within 300 s of `now`.

    Raises `WebhookEndpointOff` when there is no secret, `WebhookRefused` for anything else that is wrong.
    """
    usable = [secret for secret in secrets if secret.strip()]
    if not usable:
        raise WebhookEndpointOff("The webhook endpoint is off: no signing secret is configured.")
    timestamp, signatures = _parse_header(signature_header)
    if not any(hmac.compare_digest(signature(body, timestamp, secret), given) for secret in usable for given in signatures):
        raise WebhookRefused("No signature matches: the webhook is forged, or signed with a secret that is not ours.")
    if abs(now - datetime.fromtimestamp(timestamp, UTC)) > TOLERANCE:
        raise WebhookRefused(f"The webhook's timestamp lies more than {TOLERANCE.total_seconds():.0f} s from now.")
    return read_event(_parse_json(body))


def signature(body: bytes, timestamp: int, secret: str) -> str:
    """The `v1` signature of `body` at `timestamp` (seconds since 1970), in hexadecimal."""
    return hmac.new(secret.encode(), b"%d.%b" % (timestamp, body), hashlib.sha256).hexdigest()


def read_event(payload: Mapping[str, Any]) -> Event:
    """The event in a parsed `payload`, from a webhook or from Stripe's event list. Raises `WebhookRefused`."""
    try:
        thing = payload["data"]["object"]
        event = Event(
            id=payload["id"],
            type=payload["type"],
            created=datetime.fromtimestamp(payload["created"], UTC),
            object_id=thing.get("id") or "",
            object_type=thing.get("object") or "",
            livemode=payload["livemode"],
            payload=payload,
        )
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError, OSError) as error:
        raise WebhookRefused("The webhook is signed but is not an event.") from error
    texts = (event.id, event.type, event.object_id, event.object_type)
    if not all(isinstance(text, str) for text in texts) or not event.id or not isinstance(event.livemode, bool):
        raise WebhookRefused("The webhook is signed but is not an event.")
    return event


def _parse_header(header: str | None) -> tuple[int, list[str]]:
    timestamp = 0
    signatures: list[str] = []
    for part in (header or "").split(","):
        name, _, value = part.strip().partition("=")
        if name == "t" and value.isascii() and value.isdigit() and len(value) <= 10:
            timestamp = int(value)
        elif name == "v1" and value.isascii():
            signatures.append(value)
    if not timestamp or not signatures:
        raise WebhookRefused("The webhook carries no signature.")
    return timestamp, signatures


def _parse_json(body: bytes) -> Mapping[str, Any]:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WebhookRefused("The webhook is signed but is not JSON.") from error
    if not isinstance(payload, dict):
        raise WebhookRefused("The webhook is signed but is not an event.")
    return payload
