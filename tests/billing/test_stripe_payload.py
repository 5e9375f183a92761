"""Nothing but allow-listed fields leaves for Stripe."""

import contextlib
import dataclasses
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.rates import REGULAR, Holiday, Night, Weekend
from billing.stripe_connection import StripeConnection
from billing.stripe_gateway import StripeGateway
from billing.stripe_payload import (
    KINDS,
    DraftLine,
    FacilityCustomer,
    InvoiceDraft,
    NotAllowedToLeave,
    PayloadBuilder,
    checked_key,
    describe,
    idempotency_key,
    stripe_id,
)
from billing.stripe_results import StripeFailure

steady = settings(deadline=None, derandomize=True, max_examples=80)
CATALOGUE = frozenset({"Care Plan Management", "Insurance Verification"})
NAMES = st.one_of(
    st.sampled_from(["Ada Lovelace", "O'Brien", "Null", "李小龍", "مريم", "jenny", "Jenny Rosen <j@example.com>", "555-0100"]),
    st.text(min_size=1, max_size=30),
)
UUIDS = st.uuids()
GOOD_DRAFT: dict[str, Any] = {
    "invoice_id": UUID(int=1), "facility_id": UUID(int=2), "customer_id": "cus_abcdefgh", "currency": "USD",
    "days_until_due": 30, "number": "RD-2026-0001",
}  # fmt: skip
GOOD_LINE: dict[str, Any] = {
    "line_key": "0" * 32, "service": "Care Plan Management", "kind": "night", "seconds": 5400,
    "unit_rate": Decimal(60), "amount_minor": 9000,
}  # fmt: skip


@steady
@given(NAMES, st.sampled_from(sorted(GOOD_DRAFT)))
def test_no_name_fits_into_any_field_of_an_invoice(name: str, field: str) -> None:
    with pytest.raises(NotAllowedToLeave) as refused:
        InvoiceDraft(**{**GOOD_DRAFT, field: name})
    assert name not in str(refused.value) or len(name) < 3


@steady
@given(NAMES, st.sampled_from(sorted(GOOD_LINE)))
def test_no_name_fits_into_any_field_of_a_line(name: str, field: str) -> None:
    with pytest.raises(NotAllowedToLeave) as refused:
        PayloadBuilder(CATALOGUE).lines([DraftLine(**{**GOOD_LINE, field: name})], "USD")
    assert name not in str(refused.value) or len(name) < 3


@steady
@given(NAMES)
def test_no_name_passes_as_an_id_or_a_key(name: str) -> None:
    for made in (lambda: FacilityCustomer(name), lambda: stripe_id(name), lambda: checked_key(name)):  # type: ignore[arg-type]
        with pytest.raises(NotAllowedToLeave):
            made()
    with pytest.raises(NotAllowedToLeave):
        idempotency_key(name, UUID(int=1), "create")
    with pytest.raises(NotAllowedToLeave):
        idempotency_key("invoice", UUID(int=1), name)


def test_values_cannot_be_changed_after_they_were_checked() -> None:
    for value in (FacilityCustomer(uuid4()), InvoiceDraft(**GOOD_DRAFT), DraftLine(**GOOD_LINE)):
        field = dataclasses.fields(value)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field, "Ada Lovelace")


ALLOWED_PARAMETERS = re.compile(
    r"(name|email|metadata\[(facility_id|invoice_id)\]|customer|currency|auto_advance|collection_method|days_until_due"
    r"|pending_invoice_items_behavior|number|lines\[\d+\]\[(amount|description|metadata\]\[(line_key|kind))\]"
    r"|expand\[\d+\]|limit|created\[gte\]|delivery_success)"
)
_ID, _SERVICE = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "|".join(sorted(CATALOGUE))
ALLOWED_VALUES = re.compile(
    rf"{_ID}|[0-9a-f]{{32}}|Facility [0-9a-f]{{8}}|facility-[0-9a-f]{{32}}@example\.com|cus_[A-Za-z0-9]+|-?\d+|usd|eur|jpy"
    r"|true|false|send_invoice|exclude|payments|(regular|night|weekend|holiday)(\+(night|weekend|holiday))*|RD-2026-\d{4}"
    rf"|({_SERVICE})(, (night|weekend|holiday)( and (night|weekend|holiday))*)?: (\d+ (h|min|s) ?)+ at [\d.]+ [A-Z]{{3}}/h"
)
ALLOWED_HEADERS = {
    "authorization", "content-type", "idempotency-key", "stripe-version", "user-agent",
    "host", "accept", "accept-encoding", "connection", "content-length",
}  # fmt: skip
LINES = st.lists(
    st.builds(
        DraftLine,
        st.binary(min_size=16, max_size=16).map(bytes.hex),
        st.sampled_from(sorted(CATALOGUE)),
        st.sampled_from(["regular", "night", "weekend", "night+weekend", "holiday"]),
        st.integers(0, 10**6),
        st.decimals("0", "500", places=4),
        st.integers(0, 10**7),
    ),
    min_size=1,
    max_size=5,
)


@steady
@given(UUIDS, UUIDS, st.sampled_from(["USD", "EUR", "JPY"]), st.integers(0, 90), LINES)
async def test_every_byte_that_leaves_is_on_the_list(
    facility: UUID, invoice: UUID, currency: str, days: int, lines: list[DraftLine]
) -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={"object": "list", "data": [], "has_more": False, "url": "/v1/x"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        gateway = StripeGateway(StripeConnection("sk_test_abc"), CATALOGUE, http=http)
        draft = InvoiceDraft(invoice, facility, "cus_abcdefgh", currency, days, "RD-2026-0001")
        key = idempotency_key("invoice", invoice, "create")
        calls = (
            lambda: gateway.ensure_customer(FacilityCustomer(facility), idempotency_key=key),
            lambda: gateway.create_invoice(draft, idempotency_key=key),
            lambda: gateway.add_lines("in_abcdefgh", lines, currency, idempotency_key=key),
            lambda: gateway.finalize_invoice("in_abcdefgh", idempotency_key=key),
            lambda: gateway.void_invoice("in_abcdefgh", idempotency_key=key),
            lambda: gateway.retrieve_invoice("in_abcdefgh"),
            lambda: gateway.find_invoice(invoice, "cus_abcdefgh"),
            lambda: gateway.list_events(datetime(2026, 11, 1, tzinfo=UTC), undelivered_only=True),
        )
        for call in calls:
            # The empty answer is not what was asked for; what was sent is what matters here.
            with contextlib.suppress(StripeFailure):
                await call()
    assert len(sent) == len(calls) + 1
    for request in sent:
        assert set(request.headers) <= ALLOWED_HEADERS
        assert request.headers["user-agent"] == "relief-desk"
        assert re.fullmatch(r"/v1/(customers|invoices|events)(/in_abcdefgh(/[a-z_]+)?)?", request.url.path)
        for name, value in [*parse_qsl(request.content.decode()), *request.url.params.multi_items()]:
            assert ALLOWED_PARAMETERS.fullmatch(name), name
            assert ALLOWED_VALUES.fullmatch(value), value


@pytest.mark.parametrize(
    ("seconds", "kind", "rate", "text"),
    [
        (5400, "regular", "48", "Care Plan Management: 1 h 30 min at 48.00 USD/h"),
        (27000, "night", "60.000", "Care Plan Management, night: 7 h 30 min at 60.00 USD/h"),
        (61, "night+weekend", "39.53125", "Care Plan Management, night and weekend: 1 min 1 s at 39.53125 USD/h"),
        (0, "regular", "48", "Care Plan Management: 0 min at 48.00 USD/h"),
    ],
)
def test_what_the_payer_reads(seconds: int, kind: str, rate: str, text: str) -> None:
    line = DraftLine("0" * 32, "Care Plan Management", kind, seconds, Decimal(rate), 1)
    assert describe(line, "USD") == text


def test_every_kind_of_time_that_rating_makes_may_stand_on_a_line() -> None:
    assert {REGULAR, Night.kind, Weekend.kind, Holiday.kind} == KINDS


def test_a_call_takes_1_to_250_lines() -> None:
    builder, line = PayloadBuilder(CATALOGUE), DraftLine(**GOOD_LINE)
    for count in (0, 251):
        with pytest.raises(ValueError, match="1 to 250"):
            builder.lines([line] * count, "USD")
    assert len(builder.lines([line] * 250, "USD")["lines"]) == 250


def test_idempotency_keys_name_object_step_attempt_and_part() -> None:
    object_id = UUID(int=7)
    assert idempotency_key("invoice", object_id, "finalize") == f"invoice:{object_id}:finalize:1"
    assert idempotency_key("invoice", object_id, "lines", 2, 3) == f"invoice:{object_id}:lines:2:3"
