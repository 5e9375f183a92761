"""Webhooks: only genuine and fresh ones are read. The library's own signer and checker are the judges."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe

from billing.stripe.events import WebhookEndpointOff, WebhookRefused, read_event, receive, signature, subject_of

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


def about(thing: dict[str, Any], event_type: str, **more: Any) -> Any:
    return read_event({**PAYLOAD, "type": event_type, "data": {"object": thing}, "api_version": stripe.api_version, **more})


@pytest.mark.parametrize(
    ("event_type", "thing", "expected"),
    [
        ("invoice.paid", {"id": "in_abcdefgh", "object": "invoice", "customer": "cus_abcdefgh"},
         ("invoice", "in_abcdefgh", None, None)),
        ("payment_intent.processing", {"id": "pi_abcdefgh", "object": "payment_intent", "latest_charge": "py_abcdefgh"},
         ("payment", None, "pi_abcdefgh", "py_abcdefgh")),
        ("charge.refunded", {"id": "ch_abcdefgh", "object": "charge", "payment_intent": "pi_abcdefgh"},
         ("charge", None, "pi_abcdefgh", "ch_abcdefgh")),
        ("refund.failed", {"id": "re_abcdefgh", "object": "refund", "charge": "ch_abcdefgh", "payment_intent": "pi_abcdefgh"},
         ("refund", None, "pi_abcdefgh", "ch_abcdefgh")),
        ("charge.dispute.created", {"id": "du_abcdefgh", "object": "dispute", "charge": {"id": "ch_abcdefgh"}},
         ("dispute", None, None, "ch_abcdefgh")),
        ("credit_note.created", {"id": "cn_abcdefgh", "object": "credit_note", "invoice": "in_abcdefgh"},
         ("credit_note", "in_abcdefgh", None, None)),
        ("invoice_payment.paid", {"id": "inpay_abcdefgh", "object": "invoice_payment", "invoice": "in_abcdefgh",
                                  "payment": {"payment_intent": "pi_abcdefgh"}},
         ("invoice", "in_abcdefgh", "pi_abcdefgh", None)),
        ("checkout.session.completed", {"id": "cs_test_abcdefgh", "object": "checkout.session", "invoice": None},
         ("setup", None, None, None)),
        ("payment_method.detached", {"id": "pm_abcdefgh", "object": "payment_method", "customer": "nonsense/../"},
         ("payment_method", None, None, None)),
    ],
)  # fmt: skip
def test_an_event_says_what_to_fetch(event_type: str, thing: dict[str, Any], expected: tuple[str | None, ...]) -> None:
    subject = subject_of(about(thing, event_type))
    assert subject is not None
    assert subject.id == (thing["invoice"] if thing["object"] == "invoice_payment" else thing["id"])
    assert (subject.kind, subject.invoice_id, subject.payment_intent_id, subject.charge_id) == expected
    assert subject.customer_id in (None, "cus_abcdefgh")


@pytest.mark.parametrize(
    ("event_type", "thing"),
    [
        ("thing.happened", {"id": "thing_1", "object": "thing"}),
        ("invoice.happened", {"id": "in_abcdefgh", "object": "invoice"}),
        ("invoice.paid", {"id": "in_abcdefgh", "object": "thing"}),
        ("invoice.paid", {"id": "../customers", "object": "invoice"}),
        ("invoice.paid", {"object": "invoice"}),
        ("invoice_payment.paid", {"id": "inpay_abcdefgh", "object": "invoice_payment"}),
    ],
)
def test_what_is_not_understood_is_nothing_to_fetch(event_type: str, thing: dict[str, Any]) -> None:
    assert subject_of(about(thing, event_type)) is None


def test_another_version_of_the_interface_is_noticed_and_its_ids_still_serve() -> None:
    thing = {"id": "in_abcdefgh", "object": "invoice"}
    for version, other in ((stripe.api_version, False), ("2017-08-15", True), (None, True)):
        event = about(thing, "invoice.paid", api_version=version)
        assert event.other_version is other
        assert subject_of(event) is not None
