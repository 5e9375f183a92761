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

from billing.stripe.connection import API_VERSION
from billing.stripe.values import NotAllowedToLeave, stripe_id

TOLERANCE = timedelta(seconds=300)
SIGNATURE_HEADER = "Stripe-Signature"

_TYPES = {
    "invoice": "created updated finalized sent paid payment_succeeded payment_failed payment_action_required overdue overpaid"
    " voided marked_uncollectible deleted finalization_failed",
    "invoice_payment": "paid",
    "payment_intent": "created processing requires_action partially_funded succeeded payment_failed canceled",
    "charge": "pending succeeded failed expired updated refunded refund.updated",
    "charge.dispute": "created updated closed funds_withdrawn funds_reinstated",
    "refund": "created updated failed",
    "credit_note": "created updated voided",
    "checkout.session": "completed expired",
    "payment_method": "attached detached updated automatically_updated",
    "customer": "created updated deleted",
}
KNOWN_TYPES = frozenset(f"{thing}.{what}" for thing, every in _TYPES.items() for what in every.split())
"""Types that mean something to a billing desk; everything else is kept and ignored."""

_KINDS = {
    "invoice": "invoice",
    "invoice_payment": "invoice",
    "payment_intent": "payment",
    "charge": "charge",
    "refund": "refund",
    "dispute": "dispute",
    "credit_note": "credit_note",
    "checkout.session": "setup",
    "payment_method": "payment_method",
    "customer": "customer",
}


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
    api_version: str | None = None

    @property
    def other_version(self) -> bool:
        """Whether the event has the shape of another version of Stripe's interface: trust its ids, and nothing else of it."""
        return self.api_version != API_VERSION

    @property
    def understood(self) -> bool:
        """Whether it is of a type and about an object that mean something to a billing desk."""
        return self.type in KNOWN_TYPES and self.object_type in _KINDS


@dataclass(frozen=True, slots=True)
class Subject:
    """What an event is about: what to fetch afresh. Ids are Stripe's; None where the event does not say, or says nonsense.

    `kind` is invoice, payment, charge, refund, dispute, credit_note, setup, payment_method or customer: what
    `StripeGateway.fetch` knows.
    """

    kind: str
    id: str
    invoice_id: str | None
    payment_intent_id: str | None
    charge_id: str | None
    customer_id: str | None


def subject_of(event: Event) -> Subject | None:
    """What to fetch because of `event`; None for what is not understood."""
    if not event.understood or _id_or_none(event.object_id) is None:
        return None
    thing = event.payload["data"]["object"]
    payment = thing.get("payment") if isinstance(thing.get("payment"), dict) else {}
    own = {event.object_type: event.object_id}
    invoice_id = _id_or_none(own.get("invoice") or thing.get("invoice"))
    # What ties a payment to an invoice says nothing that the invoice does not.
    subject_id = invoice_id if event.object_type == "invoice_payment" else event.object_id
    if subject_id is None:
        return None
    return Subject(
        kind=_KINDS[event.object_type],
        id=subject_id,
        invoice_id=invoice_id,
        payment_intent_id=_id_or_none(own.get("payment_intent") or thing.get("payment_intent") or payment.get("payment_intent")),
        charge_id=_id_or_none(own.get("charge") or thing.get("charge") or thing.get("latest_charge")),
        customer_id=_id_or_none(own.get("customer") or thing.get("customer")),
    )


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
            api_version=str(payload.get("api_version") or "") or None,
        )
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError, OSError) as error:
        raise WebhookRefused("The webhook is signed but is not an event.") from error
    texts = (event.id, event.type, event.object_id, event.object_type)
    if not all(isinstance(text, str) for text in texts) or not event.id or not isinstance(event.livemode, bool):
        raise WebhookRefused("The webhook is signed but is not an event.")
    return event


def _id_or_none(value: Any) -> str | None:
    """An id of Stripe's, alone or in an object; None for anything else."""
    found = value.get("id") if isinstance(value, dict) else value
    try:
        return stripe_id(found) if found else None
    except NotAllowedToLeave:
        return None


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
