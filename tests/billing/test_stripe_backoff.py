"""A call keeps trying by itself for a short while, with the same key, and only where that can help."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from billing.stripe.backoff import Backoff
from billing.stripe.connection import SANDBOX_KEY, StripeConnection
from billing.stripe.failures import StripeBusy, StripeFailure, StripeOutcomeUnknown
from billing.stripe.gateway import StripeGateway
from billing.stripe.keys import idempotency_key
from billing.stripe.values import InvoiceDraft

BROKEN = {"error": {"type": "api_error", "message": "Something went wrong"}}
BUSY = {"error": {"type": "invalid_request_error", "code": "rate_limit", "message": "slow"}}
DECLINED = {"error": {"type": "card_error", "code": "card_declined", "message": "no"}}


class Line:
    """Answers in turn; notes the keys that were sent and the waits between."""

    def __init__(self, *answers: httpx.Response | Exception, tries: int = 3) -> None:
        self.answers = list(answers)
        self.keys: list[str | None] = []
        self.waits: list[float] = []
        backoff = Backoff(tries=tries, first=1.0, longest=8.0, sleep=self._wait, chance=lambda: 0.0)
        http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))
        self.gateway = StripeGateway(StripeConnection("sk_test_x"), frozenset(), backoff=backoff, http=http)

    async def _wait(self, seconds: float) -> None:
        self.waits.append(seconds)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.keys.append(request.headers.get("idempotency-key"))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def call(self) -> None:
        key = idempotency_key("invoice", uuid4(), "finalize")
        try:
            await self.gateway.finalize_invoice("in_abcdefgh", idempotency_key=key)
        finally:
            await self.gateway.aclose()
            assert len(set(self.keys)) == 1, "a retry never takes a new key"


def busy(**headers: str) -> httpx.Response:
    return httpx.Response(429, json=BUSY, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("make", "waits"),
    [
        (lambda: Line(busy(), busy(), busy()), [1.0, 2.0]),
        (lambda: Line(httpx.Response(500, json=BROKEN), httpx.Response(503, text="x"), busy()), [1.0, 2.0]),
        (lambda: Line(httpx.Response(409, json=BUSY), busy(), busy()), [1.0, 2.0]),
        (lambda: Line(busy(retry_after="5"), busy(retry_after="0.5"), busy()), [5.0, 2.0]),
        (lambda: Line(busy(retry_after="60")), []),
        (lambda: Line(busy(stripe_should_retry="false")), []),
        (lambda: Line(httpx.Response(500, json=BROKEN, headers={"idempotent-replayed": "true"})), []),
        (lambda: Line(httpx.Response(402, json=DECLINED)), []),
        (lambda: Line(httpx.Response(400, json=BROKEN)), []),
        (lambda: Line(httpx.ReadTimeout("late")), []),
        (lambda: Line(httpx.ConnectError("nobody")), []),
        (lambda: Line(busy(), tries=1), []),
        (lambda: Line(*[busy() for _ in range(6)], tries=6), [1.0, 2.0, 4.0, 8.0, 8.0]),
    ],
)
async def test_how_often_and_how_long(make: Callable[[], Line], waits: list[float]) -> None:
    line = make()
    with pytest.raises(StripeFailure):
        await line.call()
    assert line.waits == waits
    assert line.answers == []


async def test_waits_are_scattered_so_that_not_all_come_again_at_once() -> None:
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    async def call() -> None:
        raise StripeBusy

    for chance in (0.0, 0.5, 1.0):
        with pytest.raises(StripeBusy):
            await Backoff(tries=2, first=4.0, sleep=wait, chance=lambda chance=chance: chance).keep_trying(call)  # type: ignore[misc]
    assert waits == [4.0, 3.0, 2.0]


async def test_a_month_close_gets_through_when_each_third_call_is_refused(sandbox: Any) -> None:
    calls = 0

    async def soon(seconds: float) -> None:
        nonlocal calls
        calls += 1

    gateway = StripeGateway(
        StripeConnection(SANDBOX_KEY, sandbox.url), frozenset(), backoff=Backoff(sleep=soon), http=sandbox.http
    )
    customer = (await sandbox.invoice(final=False)).customer_id
    await sandbox.control("faults", kind="rate_limit", path="/v1/invoices", uses=100, every=3)
    for _ in range(20):
        invoice_id = uuid4()
        draft = InvoiceDraft(invoice_id, uuid4(), customer, "USD", 30)
        await gateway.create_invoice(draft, idempotency_key=idempotency_key("invoice", invoice_id, "create"))
    assert calls == 9, "of 29 calls every third was repeated once"
    await sandbox.http.delete(f"{sandbox.url}/_control/faults")
    assert len(await gateway.list_invoices(customer_id=customer)) == 21


async def test_a_saved_failure_takes_two_calls_and_is_then_left_to_the_caller(sandbox: Any) -> None:
    async def soon(seconds: float) -> None:
        return None

    gateway = StripeGateway(
        StripeConnection(SANDBOX_KEY, sandbox.url), frozenset(), backoff=Backoff(sleep=soon), http=sandbox.http
    )
    draft = await sandbox.invoice(final=False)
    await sandbox.control("faults", kind="error_after", path=f"/v1/invoices/{draft.id}/finalize")
    with pytest.raises(StripeOutcomeUnknown) as unknown:
        await gateway.finalize_invoice(draft.id, idempotency_key=sandbox.key(draft, "finalize"))
    assert unknown.value.replayed
    assert not unknown.value.retry_same_key
    assert (await gateway.retrieve_invoice(draft.id)).status == "open"
