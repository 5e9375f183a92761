"""Webhooks arrive signed, again until they are accepted, and after a restart; and the sandbox's faults do what they say."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe
from litestar import Litestar

from billing.sandbox.app import create_app
from billing.stripe.events import WebhookRefused, receive
from billing.stripe.failures import StripeBusy, StripeOutcomeUnknown

SECRET = "whsec_webhook_test"
KEY = {"authorization": "Bearer sk_test_x"}


@dataclass(slots=True)
class Receiver:
    """A listener on loopback that notes what arrives and answers the next of `answers` (200 when there is none)."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    arrived: list[tuple[bytes, str]] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
        body = await reader.readexactly(int(headers["content-length"]))
        self.arrived.append((body, headers["stripe-signature"]))
        status = self.answers.pop(0) if self.answers else 200
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        async with self.changed:
            self.changed.notify_all()

    async def until(self, enough: Callable[[], bool]) -> None:
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(enough), 20)

    def types(self) -> list[str]:
        return [json.loads(body)["type"] for body, _ in self.arrived]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    listening = Receiver()
    server = await asyncio.start_server(listening.handle, "127.0.0.1", 0)
    listening.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/webhooks/stripe"
    yield listening
    server.close()
    await server.wait_closed()


Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def running(tmp_path: Path, receiver: Receiver, keep_alive: Any, in_process: Any) -> Open:
    """Open a sandbox on the same file as often as wanted."""

    @asynccontextmanager
    async def opened(
        *, lifespan: bool = True, webhook_url: str = "", webhook_secret: str = SECRET
    ) -> AsyncIterator[httpx.AsyncClient]:
        app: Litestar = create_app(
            database=tmp_path / "payments.db",
            public_url="http://payments.test",
            webhook_url=webhook_url or receiver.url,
            webhook_secret=webhook_secret,
            faults_allowed=True,
            retry_seconds=0.01,
        )
        async with httpx.AsyncClient(transport=in_process(app), base_url="http://payments.test", headers=KEY) as http:
            if lifespan:
                async with keep_alive(app):
                    yield http
            else:
                yield http

    return opened


async def test_an_event_arrives_signed_for_us_and_for_the_library(running: Open, receiver: Receiver) -> None:
    async with running() as http:
        made = (await http.post("/v1/customers", data={"name": "x"}, headers={"idempotency-key": "k1"})).json()
        await receiver.until(lambda: len(receiver.arrived) == 1)
        await delivered(http)
    body, header = receiver.arrived[0]
    event = receive(body, header, [SECRET], datetime.now(UTC))
    assert (event.type, event.object_id) == ("customer.created", made["id"])
    assert event.payload["request"]["idempotency_key"] == "k1"
    assert event.payload["api_version"] == stripe.api_version
    assert stripe.Webhook.construct_event(body, header, SECRET).id == event.id
    with pytest.raises(WebhookRefused):
        receive(body, header, ["whsec_other"], datetime.now(UTC))


async def delivered(http: httpx.AsyncClient, *, but: int = 0) -> None:
    """Wait until the sandbox knows that all events arrived."""
    for _ in range(400):
        waiting = (await http.get("/v1/events?delivery_success=false&limit=100")).json()["data"]
        if len(waiting) == but:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{len(waiting)} events were not delivered")


async def test_paying_tells_everything_that_the_loop_needs(running: Open, receiver: Receiver) -> None:
    async with running() as http:
        customer = (await http.post("/v1/customers", data={"email": "f@example.com"})).json()["id"]
        term = {"customer": customer, "collection_method": "send_invoice", "days_until_due": "30"}
        path = f"/v1/invoices/{(await http.post('/v1/invoices', data=term)).json()['id']}"
        await http.post(f"{path}/add_lines", data={"lines[0][amount]": "100"})
        for step in ("finalize", "send"):
            await http.post(f"{path}/{step}")
        for method in ("pm_card_chargeDeclined", "pm_card_visa"):
            await http.post(f"{path}/pay", data={"payment_method": method})
        await receiver.until(lambda: "invoice.payment_succeeded" in receiver.types())
        await delivered(http)
    needed = {"customer.created", "invoice.created", "invoice.finalized", "invoice.sent", "invoice.paid"}
    needed |= {"invoice.payment_succeeded", "invoice.payment_failed", "payment_intent.succeeded", "charge.succeeded"}
    assert needed <= set(receiver.types())
    for body, header in receiver.arrived:
        assert receive(body, header, [SECRET], datetime.now(UTC)).livemode is False


async def test_a_refused_webhook_is_sent_again_until_it_is_accepted(running: Open, receiver: Receiver) -> None:
    receiver.answers = [500, 404, 302]
    async with running() as http:
        await http.post("/v1/customers", data={"name": "x"})
        await receiver.until(lambda: len(receiver.arrived) == 4)
        await delivered(http)
    assert len({json.loads(body)["id"] for body, _ in receiver.arrived}) == 1


async def test_what_waits_survives_a_restart(running: Open, receiver: Receiver) -> None:
    async with running(webhook_url="http://127.0.0.1:9/nobody") as http:
        await http.post("/v1/customers", data={"name": "x"})
        assert len((await http.get("/v1/events?delivery_success=false")).json()["data"]) == 1
    assert receiver.arrived == []
    async with running() as http:
        await receiver.until(lambda: receiver.types() == ["customer.created"])
        await delivered(http)


async def test_without_a_lifespan_delivery_begins_with_the_first_request(running: Open, receiver: Receiver) -> None:
    async with running(lifespan=False) as http:
        await http.post("/v1/customers", data={"name": "x"})
        await receiver.until(lambda: receiver.types() == ["customer.created"])
        await delivered(http)
        for task in asyncio.all_tasks():
            if task.get_name() == "payment sandbox webhooks":
                task.cancel()


async def set_fault(http: httpx.AsyncClient, **fault: Any) -> None:
    assert (await http.post("/_control/faults", json=fault)).status_code == 201


async def test_webhooks_can_be_dropped_doubled_delayed_and_forged(running: Open, receiver: Receiver) -> None:
    async with running() as http:
        await set_fault(http, kind="webhook_drop")
        await http.post("/v1/customers", data={"name": "dropped"})
        await set_fault(http, kind="webhook_duplicate")
        await http.post("/v1/customers", data={"name": "doubled"})
        await receiver.until(lambda: len(receiver.arrived) == 2)
        await set_fault(http, kind="webhook_forge")
        await http.post("/v1/customers", data={"name": "forged"})
        await receiver.until(lambda: len(receiver.arrived) == 4)
        await set_fault(http, kind="webhook_delay", seconds=0.2)
        await http.post("/v1/customers", data={"name": "delayed"})
        await http.post("/v1/customers", data={"name": "later"})
        await receiver.until(lambda: len(receiver.arrived) == 6)
        await delivered(http, but=1)
        undelivered = (await http.get("/v1/events?delivery_success=false")).json()["data"]
    names = [json.loads(body)["data"]["object"]["name"] for body, _ in receiver.arrived]
    assert names == ["doubled", "doubled", "forged", "forged", "later", "delayed"]
    assert [event["data"]["object"]["name"] for event in undelivered] == ["dropped"]
    accepted = []
    for body, header in receiver.arrived:
        try:
            accepted.append(receive(body, header, [SECRET], datetime.now(UTC)).payload["data"]["object"]["name"])
        except WebhookRefused:
            assert "forged" in body.decode()
    assert accepted == ["doubled", "doubled", "forged", "later", "delayed"]


async def test_webhooks_can_be_reordered_tampered_with_old_foreign_and_unknown(running: Open, receiver: Receiver) -> None:
    async with running() as http:
        await set_fault(http, kind="webhook_reorder")
        for name in ("first", "second"):
            await http.post("/v1/customers", data={"name": name})
        await receiver.until(lambda: len(receiver.arrived) == 2)
        await delivered(http)
        for kind in ("webhook_tamper", "webhook_stale", "webhook_version", "webhook_unknown"):
            await set_fault(http, kind=kind)
            before = len(receiver.arrived)
            await http.post("/v1/customers", data={"name": kind})
            await receiver.until(lambda before=before: len(receiver.arrived) == before + 2)  # type: ignore[misc]
            await delivered(http)
    names, said = [], []
    for body, header in receiver.arrived:
        name = json.loads(body)["data"]["object"].get("name", "")
        names.append(name)
        try:
            event = receive(body, header, [SECRET], datetime.now(UTC))
            said.append("foreign" if event.other_version else "understood" if event.understood else "unknown")
        except WebhookRefused as refused:
            said.append("refused: " + ("stale" if "timestamp" in str(refused) else "forged"))
    assert names[:2] == ["second", "first"]
    good = "understood"
    assert said == [good, good, "refused: forged", good, "refused: stale", good, "foreign", good, "unknown", good]


async def test_an_event_can_be_sent_again(running: Open, receiver: Receiver) -> None:
    async with running() as http:
        await http.post("/v1/customers", data={"name": "x"})
        await receiver.until(lambda: len(receiver.arrived) == 1)
        event = json.loads(receiver.arrived[0][0])["id"]
        assert (await http.post(f"/_control/events/{event}/resend")).status_code == 201
        await receiver.until(lambda: len(receiver.arrived) == 2)
        await delivered(http)
    assert {json.loads(body)["id"] for body, _ in receiver.arrived} == {event}


async def test_while_the_secret_is_changed_both_are_signed_with(running: Open, receiver: Receiver) -> None:
    async with running(webhook_secret=f"whsec_new, {SECRET}") as http:
        await http.post("/v1/customers", data={"name": "x"})
        await receiver.until(lambda: len(receiver.arrived) == 1)
        await delivered(http)
    body, header = receiver.arrived[0]
    for accepted in ([SECRET], ["whsec_new"], ["whsec_other", SECRET]):
        assert receive(body, header, accepted, datetime.now(UTC)).type == "customer.created"
    with pytest.raises(WebhookRefused):
        receive(body, header, [f"whsec_new, {SECRET}"], datetime.now(UTC))


async def test_what_is_planned_and_a_moved_clock_survive_a_restart(running: Open, receiver: Receiver) -> None:
    async with running() as http:
        customer = (await http.post("/v1/customers", data={"email": "f@example.com"})).json()["id"]
        term = {"customer": customer, "collection_method": "send_invoice", "days_until_due": "30"}
        path = f"/v1/invoices/{(await http.post('/v1/invoices', data=term)).json()['id']}"
        await http.post(f"{path}/add_lines", data={"lines[0][amount]": "100"})
        await http.post(f"{path}/finalize")
        await http.post(f"{path}/pay", data={"payment_method": "pm_usBankAccount_success"})
        await delivered(http)
    async with running() as http:
        now = (await http.post("/_control/clock", json={"advance_seconds": 3600})).json()["now"]
    async with running() as http:
        # The clock stays where it was moved to.
        assert (await http.post("/_control/clock", json={"advance_seconds": 0})).json()["now"] >= now
        assert (await http.get(path)).json()["status"] == "open"
        for odd in (-1, "x", True, None):
            assert (await http.post("/_control/clock", json={"advance_seconds": odd})).status_code == 400
        await http.post("/_control/clock", json={"advance_seconds": 6 * 24 * 3600})
        await receiver.until(lambda: "invoice.paid" in receiver.types())
        await delivered(http)
        assert (await http.get(path)).json()["status"] == "paid"


async def test_calls_can_fail_before_and_after_the_work(sandbox: Any) -> None:
    made = await sandbox.invoice(final=False)
    path = f"/v1/invoices/{made.id}/finalize"

    async def finalize(attempt: int) -> Any:
        return await sandbox.gateway.finalize_invoice(made.id, idempotency_key=sandbox.key(made, "finalize", attempt))

    await set_fault(sandbox.http, kind="rate_limit", path=path)
    with pytest.raises(StripeBusy):
        await finalize(1)
    await set_fault(sandbox.http, kind="lock", path=path)
    with pytest.raises(StripeBusy):
        await finalize(1)
    await set_fault(sandbox.http, kind="error_before", path=path)
    with pytest.raises(StripeOutcomeUnknown) as first:
        await finalize(1)
    assert (first.value.replayed, first.value.retry_same_key) == (False, True)
    with pytest.raises(StripeOutcomeUnknown) as again:
        await finalize(1)
    assert (again.value.replayed, again.value.retry_same_key) == (True, False)
    assert (await sandbox.gateway.retrieve_invoice(made.id)).status == "draft"
    await set_fault(sandbox.http, kind="error_after", path=path)
    with pytest.raises(StripeOutcomeUnknown):
        await finalize(2)
    # The work was done: looking the object up tells, and a new attempt is not needed.
    assert (await sandbox.gateway.retrieve_invoice(made.id)).status == "open"


async def test_faults_are_off_unless_they_are_allowed(tmp_path: Path, in_process: Any) -> None:
    app = create_app(database=tmp_path / "p.db", public_url="http://p.test", webhook_url="", webhook_secret="")
    async with httpx.AsyncClient(transport=in_process(app)) as http:
        assert (await http.post("http://p.test/_control/faults", json={"kind": "lock"})).status_code == 404


async def test_faults_are_named_used_up_and_cleared(sandbox: Any) -> None:
    control = f"{sandbox.url}/_control/faults"
    for odd in ("[]", "{", '{"kind": "earthquake"}', '{"kind": "lock", "uses": "many"}'):
        assert (await sandbox.http.post(control, content=odd)).status_code == 400
    await sandbox.http.post(control, json={"kind": "lock", "uses": 2})
    codes = [(await sandbox.call("GET", "/v1/customers")).status_code for _ in range(3)]
    assert codes == [409, 409, 200]
    await sandbox.http.post(control, json={"kind": "lock", "uses": 9})
    assert (await sandbox.http.delete(control)).status_code == 200
    assert (await sandbox.call("GET", "/v1/customers")).status_code == 200
