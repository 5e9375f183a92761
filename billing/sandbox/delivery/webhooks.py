"""Webhooks: every event goes to the product's address, signed, until it is answered with 2xx or three days have passed.

What waits is kept in the file, so a restart goes on. At least once, in no promised order, as with Stripe.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import logging
import time
from dataclasses import dataclass

import httpx

from billing.sandbox import due
from billing.sandbox.context import Addresses, SandboxClock
from billing.sandbox.delivery import faults
from billing.sandbox.store import Store
from billing.sandbox.wire import Object

_LOG = logging.getLogger(__name__)
_AT_ONCE = 8
_LEASE_SECONDS = 30.0
_POLL_SECONDS = 1.0
_LONGEST_WAIT = 3600.0
_MOST_ATTEMPTS = 80
_TIMEOUT = 10.0
_HELD_BACK = "held back on purpose"


@dataclass(frozen=True, slots=True)
class _Delivery:
    position: int
    attempts: int
    event: Object


class Deliverer:
    """Sends what waits. `start` within a running event loop; `wake` when there is something new."""

    def __init__(
        self,
        store: Store,
        addresses: Addresses,
        clock: SandboxClock,
        *,
        faults_allowed: bool = False,
        retry_seconds: float = 2.0,
    ) -> None:
        self._store = store
        self._addresses = addresses
        self._clock = clock
        self._faults_allowed = faults_allowed
        self._retry_seconds = retry_seconds
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    def start(self) -> None:
        """Begin to deliver, unless this is under way on the running loop."""
        if not self._addresses.webhook_url or (self._task is not None and not self._task.done()):
            return
        with self._store.transaction() as transaction:
            transaction.execute("update deliveries set due_at = ? where state = 'waiting'", (time.time(),))
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._deliver_for_ever(), name="payment sandbox webhooks")

    def wake(self) -> None:
        """There may be something to deliver now."""
        self._news.set()

    async def stop(self) -> None:
        """Stop; what was not confirmed will be sent again."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _deliver_for_ever(self) -> None:
        async with httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False) as client:
            while True:
                self._news.clear()
                self._let_time_pass()
                waiting = self._claim()
                if waiting:
                    await asyncio.gather(*(self._deliver(client, delivery) for delivery in waiting))
                    continue
                # Not `asyncio.wait_for`: up to Python 3.11 it may swallow the cancellation that ends this loop.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._seconds_until_due()):
                        await self._news.wait()

    def _let_time_pass(self) -> None:
        """What happens by itself does so also while nobody asks."""
        with self._store.transaction() as transaction:
            due.run(transaction, self._addresses, self._clock)

    def _seconds_until_due(self) -> float:
        """How long nothing is due; at most a second, because another process may add something."""
        with self._store.transaction() as transaction:
            (due_at,) = transaction.execute("select min(due_at) from deliveries where state = 'waiting'").fetchone()
        return _POLL_SECONDS if due_at is None else min(max(due_at - time.time(), 0.0), _POLL_SECONDS)

    def _claim(self) -> list[_Delivery]:
        """What is due, taken by this process for a while."""
        now = time.time()
        with self._store.transaction() as transaction:
            rows = transaction.execute(
                "select deliveries.position, attempts, body from deliveries join objects on objects.id = event"
                " where state = 'waiting' and due_at <= ? order by deliveries.position limit ?",
                (now, _AT_ONCE),
            ).fetchall()
            for row in rows:
                transaction.execute(
                    "update deliveries set due_at = ?, attempts = attempts + 1 where position = ?",
                    (now + _LEASE_SECONDS, row[0]),
                )
        return [_Delivery(row[0], row[1] + 1, json.loads(row[2])) for row in rows]

    async def _deliver(self, client: httpx.AsyncClient, delivery: _Delivery) -> None:
        fault = self._fault(delivery)
        if fault == "webhook_drop":
            self._finish(delivery, "dropped", "dropped on purpose")
            return
        if fault in ("webhook_delay", "webhook_reorder"):
            return
        if fault:
            await self._send_oddly(client, delivery.event, fault)
        note = await self._send(client, delivery.event)
        if not note:
            self._finish(delivery, "delivered", "")
        elif delivery.attempts >= _MOST_ATTEMPTS:
            self._finish(delivery, "failed", note)
        else:
            self._postpone(delivery, min(self._retry_seconds * 2 ** min(delivery.attempts - 1, 20), _LONGEST_WAIT), note)

    async def _send_oddly(self, client: httpx.AsyncClient, event: Object, fault: str) -> None:
        """What comes before the event as it should be: a second one, a forged one, an old one …"""
        if fault == "webhook_forge":
            await self._send(client, event, secret="forged")  # noqa: S106 - the point is that it is none
        elif fault == "webhook_tamper":
            await self._send(client, event, tampered=True)
        elif fault == "webhook_stale":
            await self._send(client, event, seconds_ago=600)
        elif fault == "webhook_version":
            await self._send(client, {**event, "api_version": "2017-08-15"})
        elif fault == "webhook_unknown":
            thing = {"id": f"thing_{event['id']}", "object": "thing"}
            unknown = {**event, "id": f"{event['id']}unknown", "type": "thing.happened", "data": {"object": thing}}
            await self._send(client, unknown)
        else:
            await self._send(client, event)

    async def _send(
        self, client: httpx.AsyncClient, event: Object, *, secret: str = "", tampered: bool = False, seconds_ago: int = 0
    ) -> str:
        """Send once; what went wrong in words, empty when it arrived."""
        body = json.dumps(event).encode()
        moment = int(self._clock().timestamp()) - seconds_ago
        headers = {
            "content-type": "application/json; charset=utf-8",
            "stripe-signature": signature_header(body, moment, secret or self._addresses.webhook_secret),
            "user-agent": "Payment sandbox",
        }
        if tampered:
            body = body.replace(b'"livemode": false', b'"livemode":  false')
        try:
            answer = await client.post(self._addresses.webhook_url, content=body, headers=headers)
        except httpx.HTTPError as error:
            return type(error).__name__
        return "" if answer.is_success else f"status {answer.status_code}"

    def _fault(self, delivery: _Delivery) -> str:
        if not self._faults_allowed or delivery.attempts > 1:
            return ""
        with self._store.transaction() as transaction:
            fault = faults.take(transaction, tuple(faults.WEBHOOK_FAULTS), delivery.event["type"])
        if fault is None:
            return ""
        if fault.kind == "webhook_delay":
            self._postpone(delivery, fault.seconds, "delayed on purpose")
        if fault.kind == "webhook_reorder":
            self._postpone(delivery, fault.seconds, _HELD_BACK)
        return fault.kind

    def _finish(self, delivery: _Delivery, state: str, note: str) -> None:
        with self._store.transaction() as transaction:
            transaction.execute("update deliveries set state = ?, note = ? where position = ?", (state, note, delivery.position))
            if state == "delivered":
                held = "update deliveries set due_at = ?, note = '' where state = 'waiting' and note = ?"
                transaction.execute(held, (time.time(), _HELD_BACK))
            if state == "delivered" and (event := transaction.get("event", delivery.event["id"])) is not None:
                transaction.put({**event, "pending_webhooks": 0})

    def _postpone(self, delivery: _Delivery, seconds: float, note: str) -> None:
        _LOG.info("webhook %s waits %.0f s: %s", delivery.event["type"], seconds, note)
        with self._store.transaction() as transaction:
            transaction.execute(
                "update deliveries set due_at = ?, note = ? where position = ?",
                (time.time() + seconds, note, delivery.position),
            )


def signature_header(body: bytes, timestamp: int, secret: str) -> str:
    """Stripe's signature: `t=<timestamp>,v1=<HMAC-SHA256 over "<timestamp>.<body>">`.

    While a secret is being changed there are two, with a comma between them, and a `v1` of each.
    """
    content = b"%d.%b" % (timestamp, body)
    secrets = [one.strip() for one in secret.split(",")]
    signatures = [hmac.new(one.encode(), content, hashlib.sha256).hexdigest() for one in secrets]
    return ",".join([f"t={timestamp}", *(f"v1={one}" for one in signatures)])
