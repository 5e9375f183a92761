"""Work to be invoiced, and the payment sandbox that tests send invoices to."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
from litestar import Litestar
from sqlalchemy.dialects.postgresql import Range
from support.world import World

from billing.sandbox.app import create_app as create_sandbox
from billing.sandbox.delivery.webhooks import signature_header
from billing.stripe.backoff import ONE_TRY
from billing.stripe.events import SIGNATURE_HEADER
from billing.stripe.gateway import StripeGateway
from staffing import clock
from staffing.payments.gateway import gateway_for
from staffing.persistence.base import new_id
from staffing.persistence.jobs import JobContext
from staffing.persistence.transactions import Database, Transaction
from staffing.settings import Settings
from staffing.worklog.models import EntryState, WorkEntry


def work(
    tx: Transaction,
    world: World,
    start: datetime,
    *,
    seconds: int = 3600,
    coordinator_id: UUID | None = None,
    facility_id: UUID | None = None,
    service: str = "patient_care_coordinator",
    state: EntryState = EntryState.APPROVED,
    reason: str = "",
    patient_id: UUID | None = None,
    note: str = "Called the payer about the pending approval.",
) -> WorkEntry:
    """A finished entry of work, approved unless said otherwise."""
    entry = WorkEntry(
        id=new_id(),
        facility_id=facility_id or world.north,
        coordinator_id=coordinator_id or world.maria,
        patient_id=patient_id,
        service=service,
        activity="insurance_approval",
        note=note,
        during=Range(start, start + timedelta(seconds=seconds)),
        state=state.value,
        source="timer",
        performed_from_country="US",
        dispute_reason=reason or ("That was not agreed." if state is EntryState.DISPUTED else ""),
        created_at=start + timedelta(seconds=seconds),
        submitted_at=clock.now(),
        decided_at=clock.now() if state is EntryState.APPROVED else None,
        decided_by=world.alice if state is EntryState.APPROVED else None,
    )
    tx.add(entry)
    return entry


def at(day: int, hour: int, minute: int = 0, *, month: int = 3) -> datetime:
    """An instant of 2026 on the clock of New York, which is Northside's."""
    return datetime(2026, month, day, hour, minute, tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)


@dataclass(slots=True)
class Sandbox:
    """The real sandbox application, reached without a network; it remembers everything that was sent to it."""

    app: Litestar
    base: str
    gateway: StripeGateway
    sent: list[str] = field(default_factory=list)
    """Method, path, headers and body of every request of the gateway, as text."""
    die_after: int = -1
    """The process dies when this many more changes have been answered (0: with the next answer); -1: it lives."""
    lose: int = -1
    """As `die_after`, but the connection breaks: the answer never comes, once."""

    def context(self, database: Database) -> JobContext:
        return JobContext(database, {StripeGateway: self.gateway})

    async def fault(self, kind: str, path: str = "", uses: int = 1) -> None:
        async with self.client() as http:
            answer = await http.post("/_control/faults", json={"kind": kind, "path": path, "uses": uses, "seconds": 0})
            assert answer.status_code == 201, answer.text

    async def pay(self, hosted_url: str, card: str = "4242 4242 4242 4242") -> httpx.Response:
        """Pay on the hosted page as a person does."""
        path = hosted_url.removeprefix(self.base)
        async with self.client() as http:
            page = await http.get(path)
            token = page.text.split('name="form_token"')[1].split('value="')[1].split('"')[0]
            return await http.post(path, data={"form_token": token, "card_number": card})

    async def events(self) -> list[Mapping[str, Any]]:
        """All events, oldest first."""
        async with self.client() as http:
            answer = await http.get("/v1/events", params={"limit": 100}, headers={"authorization": "Bearer sk_test_x"})
        return list(reversed(answer.json()["data"]))

    async def objects(self, kind: str) -> list[Mapping[str, Any]]:
        async with self.client() as http:
            answer = await http.get(f"/v1/{kind}", params={"limit": 100}, headers={"authorization": "Bearer sk_test_x"})
        return list(answer.json()["data"])

    def answered(self, request: httpx.Request) -> None:
        """A change was made and its answer is on the way."""
        if self.die_after == 0:
            raise Died
        if self.lose == 0:
            self.lose = -1
            raise httpx.ReadTimeout("no answer", request=request)
        self.die_after, self.lose = max(self.die_after - 1, -1), max(self.lose - 1, -1)

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://127.0.0.1")


class Died(BaseException):
    """The process was killed at this point: no handler of the product gets to see it."""


def webhook(event: Mapping[str, Any], secret: str, *, seconds_ago: int = 0) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a webhook about `event`, signed by the sandbox's own code, not by the product's."""
    body = json.dumps(event).encode()
    sent = int(clock.now().timestamp()) - seconds_ago
    return body, {SIGNATURE_HEADER: signature_header(body, sent, secret), "content-type": "application/json"}


class _Recorder(httpx.AsyncBaseTransport):
    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.inner = httpx.ASGITransport(sandbox.app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = (await request.aread()).decode()
        headers = json.dumps({name: value for name, value in request.headers.items() if name != "authorization"})
        self.sandbox.sent.append(f"{request.method} {request.url} {headers} {body}")
        # The sandbox is mounted under a path, as in the product.
        answer = await self.inner.handle_async_request(
            httpx.Request(request.method, str(request.url).replace("/sandbox/stripe", ""), headers=request.headers, content=body)
        )
        if request.method == "POST":
            self.sandbox.answered(request)
        return answer


@asynccontextmanager
async def running_sandbox(settings: Settings, folder: Path) -> AsyncIterator[Sandbox]:
    """A sandbox on a file of its own. Its webhooks are not delivered: tests post its events where and as they like."""
    base = settings.sandbox_url
    app = create_sandbox(
        database=folder / "stripe.sqlite3",
        public_url=base,
        webhook_url="",
        webhook_secret=settings.stripe_webhook_secret,
        return_url_allow=settings.public_url + "/portal/invoices",
        clock=clock.now,
        faults_allowed=True,
    )
    sandbox = Sandbox(app, base, gateway=None)  # type: ignore[arg-type]
    http = httpx.AsyncClient(transport=_Recorder(sandbox))
    # A failure is to be seen by the product at once: jobs come again by themselves.
    sandbox.gateway = gateway_for(settings, http=http, backoff=ONE_TRY)
    try:
        yield sandbox
    finally:
        await sandbox.gateway.aclose()
