"""What an attacker, or somebody in haste, tries with money and with the desk's forms. Each test is an attack that once worked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from litestar import Litestar
from sqlalchemy import func, select
from support import world as worlds
from support.full_world import Things, furnish
from support.invoices import Sandbox, running_sandbox
from support.paying import Till
from support.visitors import Visitor
from support.world import World

from staffing.billing_runs.models import BillingRun
from staffing.errors import NotFound
from staffing.facilities.models import RateCard
from staffing.invoicing.models import InvoiceLine
from staffing.payments import corrections, service
from staffing.payments.saving import follow_customer
from staffing.persistence import audit
from staffing.persistence.models import AccessEvent
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.settings import Settings

pytestmark = pytest.mark.usefixtures("standing", "world")
SignIn = Callable[[str], Awaitable[Visitor]]


@pytest.fixture
async def sandbox(settings: Settings, tmp_path: Path, standing: None) -> AsyncIterator[Sandbox]:
    async with running_sandbox(settings, tmp_path) as running:
        yield running


@pytest.fixture
def till(database: Database, sandbox: Sandbox, settings: Settings, world: World) -> Till:
    return Till(database, sandbox, settings, world)


@pytest.fixture
async def things(database: Database, world: World) -> dict[str, Things]:
    return await furnish(database, world)


class TestRemovedWaysToPay:
    """What a facility removed is not charged, whatever Stripe still says of it."""

    async def test_news_of_it_before_stripe_has_forgotten_it_does_not_bring_it_back(self, till: Till, sign_in: SignIn) -> None:
        alice, bella = await sign_in("alice"), await sign_in("bella")
        method = await till.save_method()
        customer = (await till.account()).stripe_customer_id
        assert (await alice.post(f"/portal/payment-methods/{method}/remove")).status_code == 200
        await follow_customer(till.database, till.sandbox.gateway, customer)
        assert (await till.account()).payment_method is None
        await till.hear()
        assert (await till.account()).payment_method is None
        address = f"/desk/payments/{till.world.north}/collection"
        assert (await bella.post(address, {"collection": "charge_automatically"})).status_code == 409

    async def test_the_next_one_saved_is_the_one_that_is_charged(self, till: Till, sign_in: SignIn) -> None:
        alice = await sign_in("alice")
        first = await till.save_method()
        await alice.post(f"/portal/payment-methods/{first}/remove")
        second = await till.save_method("pm_card_mastercard")
        assert ((await till.account()).payment_method or {})["id"] == second

    async def test_choosing_it_while_it_is_removed_does_not_choose_it(self, till: Till) -> None:
        alice = worlds.principal(till.world, "alice")
        await till.save_method()
        method = await till.save_method("pm_card_mastercard")
        async with till.database.transaction(alice.scope()) as tx:
            await service.remove(tx, alice, method)

            async def choose() -> None:
                async with till.database.transaction(alice.scope()) as other:
                    await service.make_default(other, alice, method)

            choosing = asyncio.create_task(choose())
            await asyncio.sleep(0.5)  # It has seen the method and waits for the account.
        with pytest.raises(NotFound):
            await choosing
        assert ((await till.account()).payment_method or {}).get("id") != method


class TestLookingWithoutATrace:
    """A form that is refused comes back with the page around it, and that was read as well."""

    async def looks(self, database: Database) -> list[tuple[str, str]]:
        async with database.transaction(SYSTEM) as tx:
            rows = await tx.execute(
                select(AccessEvent.action, AccessEvent.object_id).where(AccessEvent.action.not_in(["sign_in"]))
            )
            return [(action, object_id) for action, object_id in rows]

    async def test_a_dispute_without_a_reason_shows_the_patient_and_says_so(
        self, sign_in: SignIn, database: Database, things: dict[str, Things]
    ) -> None:
        alice, entry = await sign_in("alice"), things["north"].entry_id
        answer = await alice.post(f"/portal/entries/{entry}/dispute", {"reason": ""})
        assert (answer.status_code, "Rosa" in answer.text) == (422, True)
        assert await self.looks(database) == [("entry.read", str(entry))]
        async with database.transaction(SYSTEM) as tx:
            assert [report.why for report in await audit.verify(tx) if report.broken_at] == []

    async def test_a_statement_of_a_day_that_is_none_is_the_usual_one_and_says_so(
        self, sign_in: SignIn, database: Database, world: World
    ) -> None:
        bella = await sign_in("bella")
        assert (await bella.get(f"/desk/receivables/{world.north}/statement?start_on=x")).status_code == 422
        assert await self.looks(database) == [("read", str(world.north))]

    async def test_what_was_refused_and_changed_nothing_is_not_in_the_log_as_a_change(
        self, till: Till, sign_in: SignIn, database: Database
    ) -> None:
        bella = await sign_in("bella")
        invoice_id = await till.sent()
        before = set(await self.looks(database))
        form = {"form_id": str(uuid4()), "reason": "goodwill", "step": "issue", "seal": "another"}
        (line,) = await till.rows(InvoiceLine)
        answer = await bella.post(f"/desk/invoices/{invoice_id}/credit-notes", {**form, f"whole-{line.id}": "1"})
        assert answer.status_code == 409
        assert set(await self.looks(database)) == before


class TestWhatTheAgencyGaveUp:
    """The portal says nothing of it on the invoice, which can still be paid; the statement must not say it either."""

    async def test_a_facilitys_statement_still_has_it_as_owed(self, till: Till, sign_in: SignIn) -> None:
        alice, bella = await sign_in("alice"), await sign_in("bella")
        invoice_id = await till.sent()
        async with till.database.transaction(worlds.principal(till.world, "bella").scope()) as tx:
            await corrections.write_off(tx, worlds.principal(till.world, "bella"), invoice_id, "They will never pay.")
        days = "start_on=2026-01-01&end_on=2027-12-31"
        ours = (await bella.get(f"/desk/receivables/{till.world.north}/statement/csv?{days}")).text
        assert "Written off" in ours
        theirs = (await alice.get(f"/portal/statements/{till.world.north}/csv?{days}")).text
        assert "off" not in theirs
        assert theirs.splitlines()[-1].split(",")[-2] == "42.00"
        # Neither does a statement that begins later: it starts with what is owed.
        later = (await alice.get(f"/portal/statements/{till.world.north}/csv?start_on=2027-12-30&end_on=2027-12-31")).text
        assert later.splitlines()[-1].split(",")[-2] == "42.00"


class TestDaysThatNoClockShows:
    @pytest.mark.parametrize(("first", "last"), [("0001-01-01", "0001-01-31"), ("1999-01-01", "1999-01-31")])
    async def test_no_billing_run_is_begun_that_nobody_can_open(
        self, sign_in: SignIn, database: Database, first: str, last: str
    ) -> None:
        bella = await sign_in("bella")
        answer = await bella.post("/desk/billing-runs", {"start_on": first, "end_on": last})
        assert (answer.status_code, str(answer.url.path)) == (200, "/desk/billing-runs")
        assert "2000-01-01 or more" in answer.text
        async with database.transaction(SYSTEM) as tx:
            assert await tx.scalar(select(func.count()).select_from(BillingRun)) == 0

    @pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
    async def test_no_contract_begins_then(self, sign_in: SignIn, world: World, day: str) -> None:
        bella = await sign_in("bella")
        form = {"valid_from": day, "price_patient_care_coordinator": "42.00", "try": "1"}
        answer = await bella.post(f"/desk/facilities/{world.north}/contract", form)
        assert answer.status_code == 422
        assert "Please give a date like" in answer.text


class TestTextThatReadsBackwards:
    async def test_no_sentence_that_ends_a_dispute_has_it(self, sign_in: SignIn, things: dict[str, Things]) -> None:
        alice, dora = await sign_in("alice"), await sign_in("dora")
        entry = things["north"].entry_id
        await alice.get("/portal/approvals")
        await alice.post(f"/portal/entries/{entry}/dispute", {"reason": "Not here."})
        answer = await dora.post(f"/desk/disputes/{entry}", {"outcome": "keep", "reason": "We agreed \u202e000,1$"})
        assert (answer.status_code, "cannot be stored" in answer.text) == (422, True)


class TestNumbersThatFillTheMemory:
    @pytest.mark.parametrize("number", ["1e-3000000", "1E-999999999999", "0e999999999", "1_000", "٣"])
    async def test_few_characters_do_not_become_millions(
        self, sign_in: SignIn, world: World, database: Database, number: str
    ) -> None:
        """`1e-3000000`, written out, is three million digits; a few more in the exponent and the process is out of memory."""
        bella = await sign_in("bella")
        async with database.transaction(SYSTEM) as tx:
            before = await tx.scalar(select(func.count()).select_from(RateCard))
        for name in ("price_patient_care_coordinator", "weekend_multiplier", "guaranteed_minimum", "minimum_call"):
            form = {"valid_from": "2027-01-01", "price_patient_care_coordinator": "42.00", name: number}
            answer = await bella.post(f"/desk/facilities/{world.north}/contract", form)
            assert (answer.status_code, "Please type a" in answer.text) == (422, True), name
        async with database.transaction(SYSTEM) as tx:
            assert await tx.scalar(select(func.count()).select_from(RateCard)) == before


class TestSlowReaders:
    async def test_files_that_nobody_takes_keep_nobody_waiting(self, app: Litestar, sign_in: SignIn, visitor: Visitor) -> None:
        """Twice as many as the pool has connections, each of whom stops reading after the first bytes."""
        bella = await sign_in("bella")
        cookie = f"relief_session={bella.http.cookies['relief_session']}".encode()
        all_wait, waiting = asyncio.Event(), 0

        async def receive() -> Any:
            await asyncio.Event().wait()

        async def send(message: Any) -> None:
            nonlocal waiting
            if message["type"] == "http.response.body":
                waiting += 1
                if waiting == 20:
                    all_wait.set()
                await asyncio.Event().wait()

        scope: Any = {
            "type": "http", "method": "GET", "path": "/desk/exports/journal", "raw_path": b"/desk/exports/journal",
            "query_string": b"", "scheme": "http", "headers": [(b"cookie", cookie)], "client": ("203.0.113.1", 1),
            "server": ("relief.test", 80), "http_version": "1.1", "root_path": "", "asgi": {"version": "3.0"},
        }  # fmt: skip
        slow = [asyncio.create_task(app({**scope, "state": {}}, receive, send)) for _ in range(20)]
        await asyncio.wait_for(all_wait.wait(), 40)
        assert (await visitor.get("/")).status_code == 200
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
