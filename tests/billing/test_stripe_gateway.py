"""The gateway: what it makes of answers and failures, and that it never does a thing twice."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import pytest
import stripe

from billing.sandbox.wire import API_VERSION as SANDBOX_VERSION
from billing.stripe.connection import API_VERSION, SANDBOX_KEY, StripeConnection
from billing.stripe.failures import (
    StripeBusy,
    StripeDeclined,
    StripeFailure,
    StripeMisconfigured,
    StripeOutcomeUnknown,
    StripeRefused,
    StripeUnreachable,
)
from billing.stripe.gateway import StripeGateway
from billing.stripe.keys import idempotency_key
from billing.stripe.values import DraftLine, FacilityCustomer, InvoiceDraft, NotAllowedToLeave


def test_one_version_of_the_interface_is_pinned_everywhere() -> None:
    assert API_VERSION == SANDBOX_VERSION == stripe.api_version


@pytest.mark.parametrize(
    ("key", "address", "said"),
    [
        ("sk_live_x", "http://127.0.0.1:8000/sandbox/stripe", "live"),
        ("rk_live_x", "http://127.0.0.1:8000/sandbox/stripe", "live"),
        (SANDBOX_KEY, None, "opens nothing"),
        ("pk_test_x", None, "secret key"),
        ("", None, "secret key"),
    ],
)
def test_keys_and_addresses_that_do_not_fit_stop_the_start(key: str, address: str | None, said: str) -> None:
    with pytest.raises(StripeMisconfigured, match=said):
        StripeConnection(key, address)


def test_the_key_is_not_shown_and_the_mode_is_known() -> None:
    live = StripeConnection("sk_live_secret")
    assert "secret" not in repr(live)
    assert (live.livemode, live.is_sandbox) == (True, False)
    assert StripeConnection(SANDBOX_KEY, "http://x").is_sandbox


def test_naming_our_types_does_not_load_the_library() -> None:
    light = "billing.stripe.payload, billing.stripe.events, billing.stripe.results, billing.stripe.connection, billing.rating"
    code = f"import sys, {light}; sys.exit(any(name.split('.')[0] in ('stripe', 'httpx', 'litestar') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_the_whole_way_of_an_invoice(sandbox: Any) -> None:
    facility, invoice_id = uuid4(), uuid4()
    gateway: StripeGateway = sandbox.gateway
    customer = await gateway.ensure_customer(
        FacilityCustomer(facility), idempotency_key=idempotency_key("facility", facility, "customer")
    )
    draft = InvoiceDraft(invoice_id, facility, customer.id, "USD", 14, "RD-2026-0042")
    made = await gateway.create_invoice(draft, idempotency_key=idempotency_key("invoice", invoice_id, "create"))
    assert (made.status, made.total_minor, made.line_count) == ("draft", 0, 0)
    assert made.metadata == {"invoice_id": str(invoice_id), "facility_id": str(facility)}
    lines = [
        DraftLine("0" * 32, "Care Plan Management", "night", 5400, Decimal(60), 9000),
        DraftLine("1" * 32, "Insurance Verification", "regular", 2880, Decimal("31.625"), 2530),
    ]
    await gateway.add_lines(made.id, lines, "USD", idempotency_key=idempotency_key("invoice", invoice_id, "lines"))
    final = await gateway.finalize_invoice(made.id, idempotency_key=idempotency_key("invoice", invoice_id, "finalize"))
    assert (final.status, final.number, final.currency, final.line_count) == ("open", "RD-2026-0042", "USD", 2)
    assert (final.total_minor, final.amount_due_minor, final.amount_paid_minor) == (11530, 11530, 0)
    assert final.finalized_at is not None
    assert final.due_at == final.finalized_at + timedelta(days=14)
    assert final.hosted_invoice_url is not None
    again = await gateway.retrieve_invoice(made.id)
    assert again.payment_intent_id is not None
    assert await gateway.find_invoice(invoice_id, customer.id) == final
    assert await gateway.find_invoice(uuid4(), customer.id) is None


async def test_a_customer_is_never_made_twice(sandbox: Any) -> None:
    facility = uuid4()

    async def ensure(attempt: int, known: str | None = None) -> str:
        key = idempotency_key("facility", facility, "customer", attempt)
        customer = await sandbox.gateway.ensure_customer(FacilityCustomer(facility), idempotency_key=key, known_id=known)
        return str(customer.id)

    first = await ensure(1)
    assert {await ensure(1), await ensure(2), await ensure(3, first)} == {first}
    assert await sandbox.gateway.find_customer(uuid4()) is None


async def test_a_customer_is_found_among_many(sandbox: Any) -> None:
    facilities = [uuid4() for _ in range(103)]
    for facility in facilities:
        await sandbox.call("POST", "/v1/customers", {"metadata[facility_id]": str(facility)})
    found = await sandbox.gateway.find_customer(facilities[0])
    assert found.metadata["facility_id"] == str(facilities[0])


async def test_the_same_key_gives_the_same_invoice_and_other_content_is_refused(sandbox: Any) -> None:
    made = await sandbox.invoice(final=False)
    key = sandbox.key(made, "lines", 2)
    once = await sandbox.gateway.add_lines(made.id, [sandbox.line(100, 7)], "USD", idempotency_key=key)
    twice = await sandbox.gateway.add_lines(made.id, [sandbox.line(100, 7)], "USD", idempotency_key=key)
    assert once == twice
    assert (await sandbox.gateway.retrieve_invoice(made.id)).total_minor == 45100
    with pytest.raises(StripeRefused) as refused:
        await sandbox.gateway.add_lines(made.id, [sandbox.line(200, 8)], "USD", idempotency_key=key)
    assert refused.value.code == "idempotency_error"
    assert not refused.value.retry_same_key


async def test_a_final_invoice_is_not_changed(sandbox: Any) -> None:
    final = await sandbox.invoice()
    with pytest.raises(StripeRefused) as refused:
        await sandbox.gateway.add_lines(final.id, [sandbox.line(1, 9)], "USD", idempotency_key=sandbox.key(final, "lines", 2))
    assert refused.value.code == "invoice_not_editable"


async def test_voiding_takes_an_unpaid_invoice_back(sandbox: Any) -> None:
    final = await sandbox.invoice()
    voided = await sandbox.gateway.void_invoice(final.id, idempotency_key=sandbox.key(final, "void"))
    assert voided.status == "void"
    assert voided.voided_at is not None


async def test_what_is_not_there_is_refused_with_its_code(sandbox: Any) -> None:
    with pytest.raises(StripeRefused) as refused:
        await sandbox.gateway.retrieve_invoice("in_doesnotexist")
    assert (refused.value.code, refused.value.parameter) == ("resource_missing", "id")
    assert refused.value.request_id


async def test_nothing_but_stripes_ids_gets_into_an_address(sandbox: Any) -> None:
    for odd in ("in_x/../../v1/customers", "in_?a=b", "Ada Lovelace", ""):
        with pytest.raises(NotAllowedToLeave):
            await sandbox.gateway.retrieve_invoice(odd)


async def test_events_come_oldest_first_and_since_an_instant(sandbox: Any) -> None:
    await sandbox.invoice()
    events = await sandbox.gateway.list_events(datetime(2020, 1, 1, tzinfo=UTC))
    types = [event.type for event in events]
    assert types.index("customer.created") < types.index("invoice.created") < types.index("invoice.finalized")
    assert await sandbox.gateway.list_events(datetime.now(UTC) + timedelta(hours=1)) == ()


async def test_lists_go_on_over_pages(sandbox: Any) -> None:
    made = await sandbox.invoice()
    for number in range(104):
        await sandbox.call("POST", "/v1/invoices", {"customer": made.customer_id, "metadata[n]": str(number)})
    every = await sandbox.gateway.list_invoices(customer_id=made.customer_id)
    assert len(every) == 105
    assert every[-1].id == made.id
    assert await sandbox.gateway.find_invoice(uuid4(), made.customer_id) is None


def failing(answer: Callable[[httpx.Request], httpx.Response]) -> StripeGateway:
    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return StripeGateway(StripeConnection("sk_test_x"), frozenset(), http=http)


def raising(error: type[httpx.HTTPError]) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error("no", request=request) if issubclass(error, httpx.RequestError) else error("no")

    return answer


def answering(status: int, error: dict[str, Any] | None, **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if error is None:
            return httpx.Response(status, text="<html>Bad gateway</html>", headers=named)
        return httpx.Response(status, json={"error": error}, headers={"request-id": "req_7", **named})

    return answer


BROKEN = {"type": "api_error", "message": "Something went wrong"}
FAILURES: list[tuple[Callable[[httpx.Request], httpx.Response], type[StripeFailure], bool]] = [
    (raising(httpx.ConnectError), StripeUnreachable, True),
    (raising(httpx.ConnectTimeout), StripeUnreachable, True),
    (raising(httpx.ReadTimeout), StripeOutcomeUnknown, True),
    (raising(httpx.ReadError), StripeOutcomeUnknown, True),
    (raising(httpx.WriteTimeout), StripeOutcomeUnknown, True),
    (raising(httpx.RemoteProtocolError), StripeOutcomeUnknown, True),
    (answering(500, BROKEN), StripeOutcomeUnknown, True),
    (answering(503, BROKEN), StripeOutcomeUnknown, True),
    (answering(500, BROKEN, idempotent_replayed="true"), StripeOutcomeUnknown, False),
    (answering(502, None), StripeOutcomeUnknown, True),
    (answering(200, None), StripeOutcomeUnknown, True),
    (answering(429, {"type": "invalid_request_error", "code": "rate_limit", "message": "slow"}), StripeBusy, True),
    (answering(409, {"type": "idempotency_error", "code": "idempotency_key_in_use", "message": "x"}), StripeBusy, True),
    (answering(400, {"type": "invalid_request_error", "code": "parameter_unknown", "message": "x"}), StripeRefused, False),
    (answering(400, {"type": "idempotency_error", "message": "x"}), StripeRefused, False),
    (answering(401, {"type": "invalid_request_error", "message": "Invalid API Key"}), StripeRefused, False),
    (answering(403, {"type": "invalid_request_error", "message": "no"}), StripeRefused, False),
    (answering(404, {"type": "invalid_request_error", "code": "resource_missing", "message": "x"}), StripeRefused, False),
    (answering(402, {"type": "card_error", "code": "card_declined", "decline_code": "fraudulent", "message": "x"}),
     StripeDeclined, False),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "expected", "retry"), FAILURES)
async def test_each_failure_says_whether_the_same_key_may_be_sent_again(
    answer: Callable[[httpx.Request], httpx.Response], expected: type[StripeFailure], retry: bool
) -> None:
    calls = 0

    def counted(request: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        return answer(request)

    gateway = failing(counted)
    with pytest.raises(StripeFailure) as failed:
        await gateway.finalize_invoice("in_abcdefgh", idempotency_key=idempotency_key("invoice", uuid4(), "finalize"))
    await gateway.aclose()
    assert type(failed.value) is expected
    assert failed.value.retry_same_key is retry
    assert failed.value.message
    assert calls == 1, "the library must not retry by itself"


async def test_a_decline_says_why() -> None:
    gateway = failing(FAILURES[-1][0])
    with pytest.raises(StripeDeclined) as declined:
        await gateway.retrieve_invoice("in_abcdefgh")
    await gateway.aclose()
    assert (declined.value.code, declined.value.decline_code, declined.value.request_id) == (
        "card_declined",
        "fraudulent",
        "req_7",
    )


async def test_an_answer_of_another_kind_is_an_unknown_outcome() -> None:
    gateway = failing(lambda request: httpx.Response(200, json={"object": "customer", "id": "cus_1"}))
    with pytest.raises(StripeOutcomeUnknown):
        await gateway.retrieve_invoice("in_abcdefgh")
    await gateway.aclose()


async def test_lines_are_counted_when_the_answer_does_not(sandbox: Any) -> None:
    """Should Stripe leave `total_count` away, a look-up must not take the first ten lines for all."""
    long = await sandbox.invoice(tuple(range(1, 13)))
    asked: list[str] = []

    async def forward(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        answer = await sandbox.http.get(str(request.url), headers=request.headers)
        content = answer.json()
        content.get("lines", {}).pop("total_count", None)
        return httpx.Response(answer.status_code, json=content)

    http = httpx.AsyncClient(transport=httpx.MockTransport(forward))
    gateway = StripeGateway(StripeConnection(SANDBOX_KEY, sandbox.url), frozenset(), http=http)
    assert (await gateway.retrieve_invoice(long.id)).line_count == 12
    assert asked == [f"/v1/invoices/{long.id}", f"/v1/invoices/{long.id}/lines"]
    await gateway.aclose()
