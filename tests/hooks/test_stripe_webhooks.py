"""Webhooks through the real door: only genuine ones, each once, in any order, whatever they claim."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from litestar import Litestar
from sqlalchemy import func, select, text, update
from support.invoices import Sandbox, at, running_sandbox, webhook, work
from support.visitors import Visitor
from support.world import World, principal

from staffing import clock
from staffing.app import create_app
from staffing.invoicing import service
from staffing.invoicing.models import Invoice, LedgerPosting, LedgerTransaction
from staffing.payments import jobs as payments_jobs
from staffing.payments.models import StripeEvent
from staffing.persistence.jobs import TryAgain
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.settings import Settings

pytestmark = pytest.mark.usefixtures("standing")
Sent = Callable[[], Awaitable[UUID]]


@pytest.fixture
async def sandbox(settings: Settings, tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with running_sandbox(settings, tmp_path) as running:
        yield running


@pytest.fixture
def sent(database: Database, world: World, sandbox: Sandbox) -> Sent:
    """`await sent()`: an invoice over $42.00, sent to Stripe and not paid."""

    async def make() -> UUID:
        async with database.transaction(SYSTEM) as tx:
            work(tx, world, at(2, 9))
        bella = principal(world, "bella")
        async with database.transaction(bella.scope()) as tx:
            drafted = await service.draft_invoice(tx, bella, world.north, date(2026, 3, 1), date(2026, 3, 31))
            await service.review(tx, bella, drafted.id)
            await service.finalize(tx, bella, drafted.id)
        await payments_jobs.send(sandbox.context(database), {"id": str(drafted.id)})
        return drafted.id

    return make


async def read(database: Database, invoice_id: UUID) -> Invoice:
    async with database.transaction(SYSTEM) as tx:
        return await tx.get_one(Invoice, invoice_id)


async def post(visitor: Visitor, settings: Settings, event: Mapping[str, Any], **kwargs: Any) -> httpx.Response:
    body, headers = webhook(event, settings.stripe_webhook_secret.split(",")[0], **kwargs)
    return await visitor.http.post("/hooks/stripe", content=body, headers=headers)


async def work_off(database: Database, sandbox: Sandbox) -> None:
    """Every event job that waits, as the worker does it, then once more: a job may run twice."""
    async with database.transaction(SYSTEM) as tx:
        waiting = await tx.scalars(
            text("select convert_from(payload, 'UTF8') from queue.pgqueuer where entrypoint = 'invoicing.process_event'")
        )
        payloads = [json.loads(one) for one in waiting]
    for payload in payloads * 2:
        await payments_jobs.process_event(sandbox.context(database), payload)


async def booked(database: Database) -> list[tuple[str, int]]:
    async with database.transaction(SYSTEM) as tx:
        assert (await tx.scalar(select(func.coalesce(func.sum(LedgerPosting.amount_minor), 0)))) == 0
        rows = await tx.execute(
            select(LedgerTransaction.kind, LedgerPosting.amount_minor)
            .join(LedgerPosting, LedgerPosting.transaction_id == LedgerTransaction.id)
            .where(LedgerPosting.amount_minor > 0)
            .order_by(LedgerTransaction.kind)
        )
        return [tuple(row) for row in rows]


async def stored(database: Database) -> list[tuple[str, str]]:
    async with database.transaction(SYSTEM) as tx:
        rows = await tx.execute(select(StripeEvent.type, StripeEvent.outcome).order_by(StripeEvent.created_at, StripeEvent.id))
        return [tuple(row) for row in rows]


async def test_paying_at_stripe_books_the_money_once(
    visitor: Visitor, settings: Settings, database: Database, sandbox: Sandbox, sent: Sent
) -> None:
    invoice_id = await sent()
    hosted = (await read(database, invoice_id)).hosted_url
    assert hosted is not None
    assert (await sandbox.pay(hosted)).status_code == 303
    # Paid at Stripe, but nothing came to us yet: the redirect of the hosted page means nothing.
    assert (await read(database, invoice_id)).state == "sent"
    for event in await sandbox.events():
        assert (await post(visitor, settings, event)).status_code == 200
    await work_off(database, sandbox)
    invoice = await read(database, invoice_id)
    assert (invoice.state, invoice.stripe_status, invoice.stripe_problem) == ("paid", "paid", "")
    assert (invoice.stripe_paid_minor, invoice.paid_at) == (4200, clock.now())
    assert await booked(database) == [("fee_charged", 152), ("invoice_finalised", 4200), ("payment_received", 4200)]
    outcomes = dict(await stored(database))
    assert outcomes["customer.created"] == "noted: saved ways to pay"
    assert outcomes["invoice.payment_succeeded"] in ("booked", "noted: paid")


async def test_the_same_event_ten_times_at_once_has_one_effect(
    app: Litestar, settings: Settings, database: Database, sandbox: Sandbox, sent: Sent
) -> None:
    invoice_id = await sent()
    hosted = (await read(database, invoice_id)).hosted_url
    assert hosted is not None
    await sandbox.pay(hosted)
    (paid,) = [event for event in await sandbox.events() if event["type"] == "invoice.paid"]
    answers = await asyncio.gather(*(post(Visitor(app), settings, paid) for _ in range(10)))
    assert [answer.status_code for answer in answers] == [200] * 10
    assert [kind for kind, _ in await stored(database)] == ["invoice.paid"]
    payload = {"id": paid["id"]}
    await asyncio.gather(*(payments_jobs.process_event(sandbox.context(database), payload) for _ in range(8)))
    assert await booked(database) == [("fee_charged", 152), ("invoice_finalised", 4200), ("payment_received", 4200)]
    assert (await read(database, invoice_id)).state == "paid"


async def test_every_order_of_events_leads_to_the_same_state(
    visitor: Visitor, settings: Settings, database: Database, sandbox: Sandbox, world: World, sent: Sent
) -> None:
    """Each order on an invoice of its own: created, finalized, paid and payment_succeeded, 24 orders."""
    await sent()
    kinds = ("invoice.created", "invoice.finalized", "invoice.paid", "invoice.payment_succeeded")
    ends = set()
    bella = principal(world, "bella")
    for number, order in enumerate(itertools.permutations(kinds)):
        day = date(2026, 2, 1) + timedelta(days=number)
        async with database.transaction(SYSTEM) as tx:
            work(tx, world, at(1, 9, month=2) + timedelta(days=number), seconds=3600)
        async with database.transaction(bella.scope()) as tx:
            drafted = await service.draft_invoice(tx, bella, world.north, day, day)
            await service.review(tx, bella, drafted.id)
            await service.finalize(tx, bella, drafted.id)
        await payments_jobs.send(sandbox.context(database), {"id": str(drafted.id)})
        invoice = await read(database, drafted.id)
        assert invoice.hosted_url is not None
        await sandbox.pay(invoice.hosted_url)
        about = [one for one in await sandbox.events() if one["data"]["object"]["id"] == invoice.stripe_invoice_id]
        for kind in order:
            (event,) = [one for one in about if one["type"] == kind]
            assert (await post(visitor, settings, event)).status_code == 200
            await payments_jobs.process_event(sandbox.context(database), {"id": event["id"]})
        invoice = await read(database, drafted.id)
        ends.add((invoice.state, invoice.stripe_status, invoice.stripe_paid_minor, invoice.stripe_problem, invoice.paid_at))
    assert ends == {("paid", "paid", 4200, "", clock.now())}
    assert len([kind for kind, _ in await booked(database) if kind == "payment_received"]) == 24


async def test_a_webhook_before_our_outcome_row_books_all_the_same(
    visitor: Visitor, settings: Settings, database: Database, sandbox: Sandbox, sent: Sent
) -> None:
    """We died after Stripe finalised; the facility paid; the webhook comes before the job runs again."""
    invoice_id = await sent()
    invoice = await read(database, invoice_id)
    assert invoice.hosted_url is not None
    async with database.transaction(SYSTEM) as tx:
        forgotten = {"state": "finalized", "sent_at": None, "hosted_url": None, "stripe_status": None, "stripe_invoice_id": None}
        await tx.execute(update(Invoice).values(**forgotten))
        await tx.execute(text("update stripe_calls set state = 'intended' where purpose = 'finalize'"))
    await sandbox.pay(invoice.hosted_url)
    for event in await sandbox.events():
        await post(visitor, settings, event)
    await work_off(database, sandbox)
    await payments_jobs.send(sandbox.context(database), {"id": str(invoice_id)})
    now = await read(database, invoice_id)
    assert (now.state, now.stripe_invoice_id, now.hosted_url) == ("paid", invoice.stripe_invoice_id, invoice.hosted_url)
    assert now.sent_at is not None
    assert len(await sandbox.objects("invoices")) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"total_minor": 4300}, "Stripe's invoice is for 42.00 USD, ours for 43.00 USD."),
        ({"currency": "EUR"}, "Stripe's invoice is for 42.00 USD, ours for 42.00 EUR."),
    ],
)
async def test_an_amount_that_is_not_ours_is_never_booked(
    visitor: Visitor,
    settings: Settings,
    database: Database,
    sandbox: Sandbox,
    sent: Sent,
    change: dict[str, Any],
    said: str,
) -> None:
    invoice_id = await sent()
    invoice = await read(database, invoice_id)
    assert invoice.hosted_url is not None
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(Invoice).values(**change))
    await sandbox.pay(invoice.hosted_url)
    for event in await sandbox.events():
        await post(visitor, settings, event)
    await work_off(database, sandbox)
    now = await read(database, invoice_id)
    assert (now.state, now.paid_at, now.stripe_status) == ("sent", None, "paid")
    assert said in now.stripe_problem
    assert [kind for kind, _ in await booked(database)] == ["invoice_finalised"]


def _re_encoded(body: bytes) -> bytes:
    return json.dumps(json.loads(body), indent=1).encode()


FORGED: dict[str, Callable[[bytes, dict[str, str]], tuple[bytes, dict[str, str]]]] = {
    "no signature": lambda body, headers: (body, {}),
    "empty signature": lambda body, headers: (body, {"Stripe-Signature": ""}),
    "signature of nothing": lambda body, headers: (body, {"Stripe-Signature": "t=,v1="}),
    "only a time": lambda body, headers: (body, {"Stripe-Signature": headers["Stripe-Signature"].split(",")[0]}),
    "another body": lambda body, headers: (body.replace(b"invoice.paid", b"invoice.void"), headers),
    "re-encoded body": lambda body, headers: (_re_encoded(body), headers),
    "another time": lambda body, headers: (body, {"Stripe-Signature": headers["Stripe-Signature"].replace("t=1", "t=2")}),
    "unknown scheme": lambda body, headers: (body, {"Stripe-Signature": headers["Stripe-Signature"].replace("v1=", "v0=")}),
    "not ASCII": lambda body, headers: (body, {"Stripe-Signature": "t=1772636400,v1=\u00e9".encode("latin-1").decode("latin-1")}),
    "empty body": lambda body, headers: (b"", headers),
    "a byte more": lambda body, headers: (body + b"\n", headers),
    "a byte less": lambda body, headers: (body[:-1], headers),
    "a byte order mark": lambda body, headers: (b"\xef\xbb\xbf" + body, headers),
    "keys in another order": lambda body, headers: (json.dumps(json.loads(body), sort_keys=True, indent=0).encode(), headers),
    "without spaces": lambda body, headers: (json.dumps(json.loads(body), separators=(",", ":")).encode(), headers),
    "UTF-16": lambda body, headers: (body.decode().encode("utf-16"), headers),
    "half a signature": lambda body, headers: (body, {"Stripe-Signature": headers["Stripe-Signature"][:-32]}),
    "signature in capitals": lambda body, headers: (
        body, {"Stripe-Signature": headers["Stripe-Signature"].upper().replace("T=", "t=").replace("V1=", "v1=")},
    ),
    "no time": lambda body, headers: (body, {"Stripe-Signature": headers["Stripe-Signature"].split(",")[1]}),
    "a negative time": lambda body, headers: (body, {"Stripe-Signature": headers["Stripe-Signature"].replace("t=", "t=-")}),
    "other digits": lambda body, headers: (body, {"Stripe-Signature": "t=\u0661\u0662,v1=00".encode().decode("latin-1")}),
    "another's signature": lambda body, headers: (body, webhook(event_of("invoice.paid", "evt_other"), "whsec_other")[1]),
}  # fmt: skip


@pytest.mark.parametrize("kind", FORGED)
async def test_what_is_forged_is_refused_and_leaves_nothing(
    visitor: Visitor, settings: Settings, database: Database, kind: str
) -> None:
    body, headers = FORGED[kind](*webhook(event_of("invoice.paid"), settings.stripe_webhook_secret))
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    answer = await visitor.http.post("/hooks/stripe", content=body, headers=raw)
    assert (answer.status_code, answer.text) == (400, "")
    assert await stored(database) == []


@pytest.mark.parametrize("secret", ["whsec_other", "whsec_test ", ""])
async def test_a_wrong_secret_is_refused(visitor: Visitor, database: Database, secret: str) -> None:
    body, headers = webhook(event_of("invoice.paid"), secret)
    assert (await visitor.http.post("/hooks/stripe", content=body, headers=headers)).status_code == 400
    assert await stored(database) == []


@pytest.mark.parametrize(("seconds_ago", "status"), [(120, 200), (-120, 200), (299, 200), (301, 400), (-301, 400), (4000, 400)])
async def test_old_and_early_webhooks_are_refused(
    visitor: Visitor, settings: Settings, database: Database, seconds_ago: int, status: int
) -> None:
    answer = await post(visitor, settings, event_of("invoice.paid"), seconds_ago=seconds_ago)
    assert answer.status_code == status
    assert len(await stored(database)) == (1 if status == 200 else 0)


async def test_two_secrets_are_good_while_they_are_changed(settings: Settings, database: Database) -> None:
    visitor = Visitor(create_app(replace(settings, stripe_webhook_secret="whsec_new, whsec_old"), database))
    for number, secret in enumerate(("whsec_old", "whsec_new")):
        body, headers = webhook(event_of("invoice.paid", f"evt_{number}"), secret)
        assert (await visitor.http.post("/hooks/stripe", content=body, headers=headers)).status_code == 200
    assert len(await stored(database)) == 2


async def test_without_a_secret_the_endpoint_is_off(settings: Settings, database: Database) -> None:
    visitor = Visitor(create_app(replace(settings, stripe_webhook_secret=""), database))
    body, headers = webhook(event_of("invoice.paid"), "")
    assert (await visitor.http.post("/hooks/stripe", content=body, headers=headers)).status_code == 400
    assert await stored(database) == []


@pytest.mark.parametrize("kind", ["charge.refunded", "invoice.paid", "invoice.something_new", "v3.from.the.future"])
async def test_unknown_types_and_objects_are_kept_and_ignored(
    visitor: Visitor, settings: Settings, database: Database, sandbox: Sandbox, kind: str
) -> None:
    event = event_of(kind) | {"api_version": "2031-01-01.unknown", "new_field": {"a": "b\x00c"}}
    assert (await post(visitor, settings, event)).status_code == 200
    await work_off(database, sandbox)
    ((found, outcome),) = await stored(database)
    assert (found, outcome.split(":")[0]) == (kind, "ignored")


async def test_a_signed_body_that_is_no_event_is_refused(visitor: Visitor, settings: Settings, database: Database) -> None:
    for content in ({}, {"id": "evt_1"}, {"id": 5, "type": "x", "created": "now", "data": {"object": {}}, "livemode": False}):
        assert (await post(visitor, settings, content)).status_code == 400
    assert await stored(database) == []


async def test_while_stripe_cannot_be_asked_the_event_waits(
    visitor: Visitor, settings: Settings, database: Database, sandbox: Sandbox, sent: Sent
) -> None:
    invoice_id = await sent()
    hosted = (await read(database, invoice_id)).hosted_url
    assert hosted is not None
    await sandbox.pay(hosted)
    (paid,) = [event for event in await sandbox.events() if event["type"] == "invoice.paid"]
    await post(visitor, settings, paid)
    await sandbox.fault("rate_limit", "/v1/invoices")
    with pytest.raises(TryAgain):
        await payments_jobs.process_event(sandbox.context(database), {"id": paid["id"]})
    assert (await read(database, invoice_id)).state == "sent"
    await payments_jobs.process_event(sandbox.context(database), {"id": paid["id"]})
    assert (await read(database, invoice_id)).state == "paid"


async def test_asking_stripe_finds_a_payment_whose_webhook_was_lost(
    database: Database, sandbox: Sandbox, world: World, sent: Sent
) -> None:
    invoice_id = await sent()
    hosted = (await read(database, invoice_id)).hosted_url
    assert hosted is not None
    await sandbox.pay(hosted)
    bella = principal(world, "bella")
    async with database.transaction(bella.scope()) as tx:
        await service.ask_stripe(tx, bella, invoice_id)
    await payments_jobs.check(sandbox.context(database), {"id": str(invoice_id)})
    assert (await read(database, invoice_id)).state == "paid"
    assert await booked(database) == [("fee_charged", 152), ("invoice_finalised", 4200), ("payment_received", 4200)]


async def test_a_declined_card_changes_nothing_here(
    visitor: Visitor, settings: Settings, database: Database, sandbox: Sandbox, sent: Sent
) -> None:
    invoice_id = await sent()
    hosted = (await read(database, invoice_id)).hosted_url
    assert hosted is not None
    assert (await sandbox.pay(hosted, "4000 0000 0000 0002")).status_code == 422
    for event in await sandbox.events():
        await post(visitor, settings, event)
    await work_off(database, sandbox)
    assert (await read(database, invoice_id)).state == "sent"
    assert [kind for kind, _ in await booked(database)] == ["invoice_finalised"]


def event_of(kind: str, event_id: str = "evt_test") -> dict[str, Any]:
    """A well-formed event about an invoice that Stripe does not have."""
    about = {"id": "in_unknown00000", "object": "invoice", "total": 1}
    return {
        "id": event_id, "object": "event", "type": kind, "created": int(clock.now().timestamp()), "livemode": False,
        "api_version": "2026-10-28.endive", "data": {"object": about},
    }  # fmt: skip
