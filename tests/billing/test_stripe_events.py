"""Webhooks: only genuine and fresh ones are read. The library's own signer and checker are the judges."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe

from billing.stripe_events import WebhookEndpointOff, WebhookRefused, read_event, receive, signature

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECRET = "whsec_test"
PAYLOAD: dict[str, Any] = {
    "id": "evt_1", "object": "event", "type": "invoice.paid", "created": int(NOW.timestamp()), "livemode": False,
    "data": {"object": {"id": "in_1", "object": "invoice", "status": "paid"}},
}  # fmt: skip
BODY = json.dumps(PAYLOAD).encode()


def header(body: bytes = BODY, secret: str = SECRET, at: datetime = NOW) -> str:
    """As the official library signs."""
    signed: str = stripe.WebhookSignature.generate_signature_header(body.decode(), secret, int(at.timestamp()))
    return signed


def test_a_genuine_event_is_read() -> None:
    event = receive(BODY, header(), [SECRET], NOW)
    assert (event.id, event.type, event.object_id, event.object_type) == ("evt_1", "invoice.paid", "in_1", "invoice")
    assert event.created == NOW
    assert event.livemode is False
    assert event.payload == PAYLOAD


def test_our_signature_is_accepted_by_the_library() -> None:
    at = int(datetime.now(UTC).timestamp())
    ours = f"t={at},v1={signature(BODY, at, SECRET)}"
    assert stripe.Webhook.construct_event(BODY, ours, SECRET).id == "evt_1"


@pytest.mark.parametrize("seconds", [-300, -120, 0, 120, 300])
def test_five_minutes_of_skew_are_tolerated(seconds: int) -> None:
    assert receive(BODY, header(at=NOW + timedelta(seconds=seconds)), [SECRET], NOW).id == "evt_1"


@pytest.mark.parametrize("seconds", [-86400, -301, 301, 86400])
def test_older_and_newer_ones_are_refused(seconds: int) -> None:
    with pytest.raises(WebhookRefused, match="300 s"):
        receive(BODY, header(at=NOW + timedelta(seconds=seconds)), [SECRET], NOW)


def test_two_secrets_are_good_while_they_are_changed() -> None:
    for secret in ("whsec_old", "whsec_new"):
        assert receive(BODY, header(secret=secret), ["whsec_new", "whsec_old"], NOW).id == "evt_1"
    both = f"{header(secret='whsec_other')},v1={signature(BODY, int(NOW.timestamp()), SECRET)}"
    assert receive(BODY, both, [SECRET], NOW).id == "evt_1"


@pytest.mark.parametrize("secrets", [[], [""], ["  "], ["", " "]])
def test_without_a_secret_the_endpoint_is_off(secrets: list[str]) -> None:
    with pytest.raises(WebhookEndpointOff):
        receive(BODY, header(secret=""), secrets, NOW)


T = int(NOW.timestamp())
GOOD = signature(BODY, T, SECRET)
FORGED = {
    "no header": (BODY, None),
    "empty header": (BODY, ""),
    "another secret": (BODY, header(secret="whsec_other")),
    "an empty secret": (BODY, header(secret="")),
    "another body": (BODY.replace(b"paid", b"void"), header()),
    "re-encoded body": (json.dumps(PAYLOAD, indent=1).encode(), header()),
    "a space more": (BODY + b" ", header()),
    "timestamp moved": (BODY, f"t={T + 1},v1={GOOD}"),
    "timestamp missing": (BODY, f"v1={GOOD}"),
    "timestamp no number": (BODY, f"t=now,v1={GOOD}"),
    "timestamp in other digits": (BODY, f"t=\u0661\u0662,v1={GOOD}"),
    "timestamp negative": (BODY, f"t=-5,v1={GOOD}"),
    "timestamp endless": (BODY, f"t={'9' * 40},v1={GOOD}"),
    "signature missing": (BODY, f"t={T}"),
    "signature of v0 only": (BODY, f"t={T},v0={GOOD}"),
    "signature cut": (BODY, f"t={T},v1={GOOD[:-1]}"),
    "signature in capitals": (BODY, f"t={T},v1={GOOD.upper()}"),
    "signature not ASCII": (BODY, f"t={T},v1=\u00e9"),
    "words": (BODY, "let me in"),
    "only commas": (BODY, ",,,="),
}


@pytest.mark.parametrize(("body", "given"), FORGED.values(), ids=FORGED)
def test_forged_ones_are_refused(body: bytes, given: str | None) -> None:
    with pytest.raises(WebhookRefused):
        receive(body, given, [SECRET], NOW)


NO_EVENTS: list[Any] = [
    [], 5, "x", {}, {**PAYLOAD, "id": ""}, {**PAYLOAD, "id": 7}, {**PAYLOAD, "type": None}, {**PAYLOAD, "created": "x"},
    {**PAYLOAD, "created": 10**30}, {**PAYLOAD, "livemode": "no"}, {**PAYLOAD, "data": {}}, {**PAYLOAD, "data": {"object": 5}},
]  # fmt: skip


@pytest.mark.parametrize("content", NO_EVENTS)
def test_signed_but_no_event(content: object) -> None:
    body = json.dumps(content).encode()
    with pytest.raises(WebhookRefused, match="not an event"):
        receive(body, header(body), [SECRET], NOW)


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b"\xff\xfe{}"])
def test_signed_but_no_json(body: bytes) -> None:
    signed = f"t={T},v1={signature(body, T, SECRET)}"
    with pytest.raises(WebhookRefused):
        receive(body, signed, [SECRET], NOW)


def test_events_of_types_nobody_knows_are_read_too() -> None:
    odd = {**PAYLOAD, "type": "galaxy.collapsed", "data": {"object": {"object": "galaxy"}}, "api_version": "2031-01-01.x"}
    event = read_event(odd)
    assert (event.type, event.object_type, event.object_id) == ("galaxy.collapsed", "galaxy", "")
