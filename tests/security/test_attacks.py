"""What an attacker tries at the door, and what they get. Each test is an attack that once worked or that nothing else tries."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Litestar
from litestar._parsers import parse_url_encoded_form_data
from sqlalchemy import func, select, update
from support import world as worlds
from support.full_world import Things, furnish
from support.visitors import Visitor
from support.world import NOW, PASSWORD, World

from billing.stripe.connection import SANDBOX_KEY
from staffing.app import SANDBOX_PATH, create_app, with_sandbox
from staffing.identity import invitations, sessions
from staffing.identity.models import Account, AccountFacility, Role, SignInAttempt
from staffing.payments.gateway import connection_for, sandbox_key
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.requests.models import StaffingRequest
from staffing.settings import Settings
from staffing.web import bodies
from staffing.worklog.models import EntryState, WorkEntry

pytestmark = pytest.mark.usefixtures("standing", "world")
SignIn = Callable[[str], Awaitable[Visitor]]
FORM = {"content-type": "application/x-www-form-urlencoded"}
MARKUP = '"><img src=x onerror=alert(1)>\' hx-get="/x {{7*7}}'


@pytest.fixture
async def things(database: Database, world: World) -> dict[str, Things]:
    return await furnish(database, world)


async def states(database: Database) -> dict[UUID, str]:
    async with database.transaction(SYSTEM) as tx:
        return {row.id: row.state for row in await tx.execute(select(WorkEntry.id, WorkEntry.state))}


async def sent_to(app: Litestar, receive: Callable[[], Awaitable[Any]]) -> int:
    """The status that a sign-in gets whose body comes from `receive`, with a session cookie that is none."""
    status = 0

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    scope: Any = {
        "type": "http", "method": "POST", "path": "/sign-in", "raw_path": b"/sign-in", "query_string": b"", "scheme": "http",
        "headers": [(b"cookie", b"relief_session=junk"), (b"content-type", FORM["content-type"].encode())],
        "client": ("203.0.113.1", 1), "server": ("relief.test", 80), "http_version": "1.1", "root_path": "",
        "asgi": {"version": "3.0"},
    }  # fmt: skip
    await app(scope, receive, send)
    return status


class TestPaymentSandbox:
    """It is reached under the product's own address, by everybody who reaches the product."""

    @pytest.fixture
    def http(self, settings: Settings, app: Litestar, tmp_path: Path) -> httpx.AsyncClient:
        both = with_sandbox(app, replace(settings, home=tmp_path))
        return httpx.AsyncClient(transport=httpx.ASGITransport(both), base_url="http://relief.test")  # type: ignore[arg-type]

    @pytest.mark.parametrize("key", [SANDBOX_KEY, "sk_test_anything", "rk_test_x", "sk_test_"])
    async def test_no_guessed_key_reads_invoices_or_calls_them_paid(self, http: httpx.AsyncClient, key: str) -> None:
        headers = {"authorization": f"Bearer {key}"}
        assert (await http.get(f"{SANDBOX_PATH}/v1/invoices", headers=headers)).status_code == 401
        paid = await http.post(f"{SANDBOX_PATH}/v1/invoices/in_1/pay", data={"paid_out_of_band": "true"}, headers=headers)
        assert paid.status_code == 401

    async def test_the_products_own_key_opens_it(self, http: httpx.AsyncClient, settings: Settings) -> None:
        key = connection_for(settings).api_key
        answer = await http.get(f"{SANDBOX_PATH}/v1/invoices", headers={"authorization": f"Bearer {key}"})
        assert answer.status_code == 200

    def test_two_deployments_have_two_keys(self, settings: Settings) -> None:
        other = replace(settings, secret_key="another")
        assert sandbox_key(settings) != sandbox_key(other)
        assert settings.secret_key not in sandbox_key(settings)

    async def test_faults_cannot_be_set_from_outside(self, http: httpx.AsyncClient) -> None:
        assert (await http.post(f"{SANDBOX_PATH}/_control/faults", json={"kind": "error_before"})).status_code == 404

    @pytest.mark.parametrize("path", ["/v1/invoices", "/nowhere", "/i/none", "/_assets/sandbox.css"])
    async def test_its_answers_carry_the_headers_of_the_origin(self, http: httpx.AsyncClient, path: str) -> None:
        answer = await http.get(SANDBOX_PATH + path)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"

    def test_with_a_real_key_it_is_not_there(self, settings: Settings, app: Litestar) -> None:
        assert with_sandbox(app, replace(settings, stripe_api_key="sk_test_of_stripe")) is app


class TestGuessingPasswords:
    async def test_many_guesses_at_once_are_not_one_more_each_and_leave_the_pages_a_connection(
        self, app: Litestar, visitor: Visitor
    ) -> None:
        await visitor.get("/sign-in")

        async def guess(number: int) -> int:
            answer = await visitor.http.post(
                "/sign-in",
                data={"csrf_token": visitor.csrf_token, "email": "alice@test.example", "password": f"wrong {number}"},
            )
            return answer.status_code

        # More than the pool has connections: each once held one while it waited for a second.
        answers = await asyncio.gather(*(guess(number) for number in range(16)))
        assert sorted(answers) == [422] * sessions.FAILURES_PER_EMAIL + [429] * 6

    async def test_an_invented_forwarding_header_gives_no_further_tries(self, visitor: Visitor, database: Database) -> None:
        await visitor.get("/sign-in")
        for number in range(2):
            await visitor.post(
                "/sign-in",
                {"email": "alice@test.example", "password": "x"},
                headers={"x-forwarded-for": f"203.0.113.{number}", "forwarded": "for=203.0.113.9", "x-real-ip": "203.0.113.8"},
            )
        async with database.transaction(SYSTEM) as tx:
            assert set(await tx.scalars(select(SignInAttempt.address))) == {"127.0.0.1"}

    async def test_behind_a_proxy_only_what_the_proxy_added_is_believed(self, settings: Settings, database: Database) -> None:
        visitor = Visitor(create_app(replace(settings, proxies=1), database))
        await visitor.get("/sign-in")
        await visitor.post(
            "/sign-in", {"email": "alice@test.example", "password": "x"}, headers={"x-forwarded-for": "198.51.100.1, 203.0.113.7"}
        )
        async with database.transaction(SYSTEM) as tx:
            assert await tx.scalar(select(SignInAttempt.address)) == "203.0.113.7"

    async def test_a_right_password_takes_its_own_count_back(self, visitor: Visitor, database: Database) -> None:
        await visitor.get("/sign-in")
        await visitor.post("/sign-in", {"email": "alice@test.example", "password": PASSWORD})
        async with database.transaction(SYSTEM) as tx:
            assert await tx.scalar(select(func.count()).select_from(SignInAttempt)) == 0


class TestStolenSessions:
    async def test_signing_in_again_ends_the_session_that_the_browser_had(self, visitor: Visitor) -> None:
        await visitor.get("/sign-in")
        await visitor.post("/sign-in", {"email": "alice@test.example", "password": PASSWORD})
        stolen = visitor.http.cookies["relief_session"]
        await visitor.get("/sign-in")
        await visitor.post("/sign-in", {"email": "bob@test.example", "password": PASSWORD})
        visitor.http.cookies.set("relief_session", stolen, domain="relief.test")
        assert (await visitor.get("/portal", follow_redirects=False)).headers["location"].startswith("/sign-in")

    async def test_a_disabled_account_is_out_at_its_next_request(
        self, sign_in: SignIn, world: World, database: Database, visitor: Visitor
    ) -> None:
        alice = await sign_in("alice")
        assert (await alice.get("/portal")).status_code == 200
        async with database.transaction(SYSTEM) as tx:
            await tx.execute(update(Account).where(Account.id == world.alice).values(disabled_at=NOW))
        assert (await alice.get("/portal", follow_redirects=False)).status_code == 303
        await visitor.get("/sign-in")
        refused = await visitor.post("/sign-in", {"email": "alice@test.example", "password": PASSWORD})
        assert (refused.status_code, "do not fit together" in refused.text) == (422, True)


class TestBodies:
    async def test_slow_senders_keep_nobody_waiting(self, app: Litestar, visitor: Visitor) -> None:
        """Twice as many as the pool has connections, with a session cookie so that each would take one."""
        all_wait = asyncio.Event()
        waiting = 0

        async def never() -> Any:
            nonlocal waiting
            waiting += 1
            if waiting == 10:
                all_wait.set()
            await asyncio.Event().wait()

        slow = [asyncio.create_task(sent_to(app, never)) for _ in range(10)]
        await asyncio.wait_for(all_wait.wait(), 20)
        assert (await visitor.get("/")).status_code == 200
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)

    async def test_a_body_that_never_ends_is_given_up(self, app: Litestar, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bodies, "SECONDS_TO_SEND", 0.05)

        async def never() -> Any:
            await asyncio.Event().wait()

        assert await sent_to(app, never) == 408

    @pytest.mark.parametrize("chunked", [True, False])
    async def test_a_huge_body_is_refused(self, visitor: Visitor, chunked: bool) -> None:
        async def chunks() -> Any:
            for _ in range(12):
                yield b"x" * 100_000

        content = chunks() if chunked else b"x" * 1_200_000
        for path in ("/sign-in", "/hooks/stripe"):
            assert (await visitor.http.post(path, content=content, headers=FORM)).status_code == 413
            content = chunks() if chunked else content

    async def test_a_thousand_fields_are_enough(self, visitor: Visitor) -> None:
        await visitor.get("/sign-in")
        many = "&".join([f"csrf_token={visitor.csrf_token}", *("a=1" for _ in range(1000))])
        assert (await visitor.http.post("/sign-in", content=many, headers=FORM)).status_code == 413

    async def test_forms_with_passwords_are_not_remembered_by_the_process(self, visitor: Visitor) -> None:
        before = parse_url_encoded_form_data.cache_info().currsize
        await visitor.get("/sign-in")
        await visitor.post("/sign-in", {"email": "alice@test.example", "password": "a secret of Alice's"})
        assert parse_url_encoded_form_data.cache_info().currsize == before

    @pytest.mark.parametrize(
        ("content_type", "body"),
        [
            ("multipart/form-data", b"x"),
            ("multipart/form-data; boundary=x", b"--x\r\nbroken"),
            ("application/json", b"[" * 100_000),
            ("application/x-www-form-urlencoded; charset=none-such", b"a=1"),
            (FORM["content-type"], b"\xff\xfe=%ff&%00=%ED%A0%80&csrf_token=%ED%A0%80"),
            (";;;", b"x"),
        ],
    )
    async def test_odd_bodies_are_refused_not_stumbled_over(self, visitor: Visitor, content_type: str, body: bytes) -> None:
        await visitor.get("/sign-in")
        for path, expected in (("/sign-in", 403), ("/hooks/stripe", 400)):
            answer = await visitor.http.post(path, content=body, headers={"content-type": content_type})
            assert answer.status_code == expected


class TestOddText:
    @pytest.mark.parametrize("text", ["a\x00b", "\u202eabc"])
    async def test_characters_that_cannot_be_kept_are_named_at_their_field(
        self, sign_in: SignIn, visitor: Visitor, things: dict[str, Things], text: str
    ) -> None:
        alice, maria = await sign_in("alice"), await sign_in("maria")
        entry = things["north"].entry_id
        await visitor.get("/sign-in")
        answers = [
            await alice.post("/portal/patients/find", {"find": text}),
            await alice.post(f"/portal/entries/{entry}/dispute", {"reason": text}),
            await maria.post("/workspace/patients/find", {"find": text}),
            await maria.post(f"/workspace/entries/{entry}", {"activity": "follow_up", "note": text}),
            await visitor.post("/sign-in", {"email": text, "password": "x"}),
        ]
        assert [answer.status_code for answer in answers] == [422] * 5

    @pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
    async def test_days_at_the_ends_of_the_calendar(self, sign_in: SignIn, world: World, database: Database, day: str) -> None:
        async with database.transaction(SYSTEM) as tx:
            await worlds.assign(tx, world, world.maria, world.north)
            await worlds.assign(tx, world, world.joseph, world.north)
        for name in ("maria", "joseph"):
            person = await sign_in(name)
            for start, end in (("23:00", "01:00"), ("00:00", "00:30")):
                sent = {"who": f"{world.north}:", "day": day, "start": start, "end": end, "reason": "x"}
                assert (await person.post("/workspace/entries/new", sent)).status_code == 422
            await person.post("/workspace/timer/start", {"facility_id": str(world.north)})
            assert (await person.post("/workspace/timer/stop", {"day": day, "end": "00:00"})).status_code == 422

    @pytest.mark.parametrize(
        "path", ["/static/%00", "/static/css/" + "a" * 300, "/static/..%2f..%2fguard.py", "/static/%2e%2e/csrf.py"]
    )
    async def test_assets_by_names_that_no_asset_has(self, visitor: Visitor, path: str) -> None:
        assert (await visitor.get(path)).status_code == 404

    @pytest.mark.parametrize("origin", ["http://[bad", "null", "nonsense", "https://relief.test.evil.example"])
    async def test_an_origin_that_is_not_ours(self, sign_in: SignIn, origin: str) -> None:
        alice = await sign_in("alice")
        assert (await alice.post("/session/keep", headers={"origin": origin})).status_code == 403

    @pytest.mark.parametrize("path", ["/portal", "/sign-out", "/sign-in"])
    async def test_methods_that_no_route_has(self, sign_in: SignIn, path: str) -> None:
        alice = await sign_in("alice")
        for method in ("OPTIONS", "PUT", "DELETE", "TRACE", "HEAD"):
            assert (await alice.http.request(method, path)).status_code == 404, method

    async def test_no_line_break_gets_into_a_header(self, sign_in: SignIn, things: dict[str, Things], database: Database) -> None:
        async with database.transaction(SYSTEM) as tx:
            await tx.execute(
                update(WorkEntry).where(WorkEntry.id == things["north"].entry_id).values(state=EntryState.DRAFT.value)
            )
        maria = await sign_in("maria")
        back = "/workspace/week?start=\r\nSet-Cookie: a=b\u2028"
        for headers in ({}, {"hx-request": "true"}):
            answer = await maria.post(
                f"/workspace/entries/{things['north'].entry_id}",
                {"activity": "follow_up", "note": "Called.", "back": back},
                follow=False,
                headers=headers,
            )
            assert answer.status_code in (200, 303)
            assert not any("\r" in value or "\n" in value for value in answer.headers.values())


class TestIdsInForms:
    """Ids in an address are tried by `tests/web`; these stand in hidden fields."""

    async def test_a_list_of_entries_with_one_of_another_facility_decides_nothing(
        self, sign_in: SignIn, things: dict[str, Things], database: Database
    ) -> None:
        seen = re.compile(r'name="seen" value="([^"]+)"')
        charlie, alice = await sign_in("charlie"), await sign_in("alice")
        theirs = " ".join(seen.findall((await charlie.get("/portal/approvals")).text))
        own = " ".join(seen.findall((await alice.get("/portal/approvals")).text))
        before = await states(database)
        for sent in (
            f"{things['south'].entry_id}:x",
            f"{things['north'].entry_id}:x {things['south'].entry_id}:x",
            f"{own} {theirs}",
        ):
            assert (await alice.post("/portal/approvals/approve", {"seen": sent})).status_code == 404
        assert await states(database) == before

    async def test_relief_cannot_be_asked_for_in_another_facilitys_name(
        self, sign_in: SignIn, world: World, database: Database
    ) -> None:
        alice = await sign_in("alice")
        answer = await alice.post("/portal/requests", {"facility_id": str(world.south), "form_id": str(uuid4())})
        assert answer.status_code == 404
        assert (await alice.get(f"/portal/requests/new?facility={world.south}")).status_code == 404
        async with database.transaction(SYSTEM) as tx:
            assert await tx.scalar(select(func.count()).select_from(StaffingRequest)) == 0

    async def test_facility_and_patient_that_do_not_belong_together(
        self, sign_in: SignIn, world: World, database: Database
    ) -> None:
        async with database.transaction(SYSTEM) as tx:
            await worlds.assign(tx, world, world.maria, world.north)
        maria = await sign_in("maria")
        for facility, patient in ((world.north, world.tom), (world.south, world.tom), (world.south, world.rosa)):
            started = await maria.post("/workspace/timer/start", {"facility_id": str(facility), "patient_id": str(patient)})
            sent = {"who": f"{facility}:{patient}", "minutes": "5", "activity": "follow_up", "note": "n", "reason": "r"}
            added = await maria.post("/workspace/entries/new", sent)
            assert (started.status_code, added.status_code) == (404, 404)
        assert await states(database) == {}

    async def test_a_colleagues_entry_cannot_be_replaced(
        self, sign_in: SignIn, world: World, things: dict[str, Things], database: Database
    ) -> None:
        maria = await sign_in("maria")
        before = await states(database)
        sent = {
            "who": f"{world.north}:", "day": "2026-03-04", "start": "09:10", "end": "09:20", "activity": "follow_up", "note": "n",
            "reason": "r", "instead_of": str(things["south"].entry_id),
        }  # fmt: skip
        assert (await maria.post("/workspace/entries/new", sent)).status_code == 404
        assert await states(database) == before


class TestInvitations:
    async def invited(self, desk: Visitor, world: World, **headers: str) -> str:
        sent = {
            "name": "Nina New", "email": "nina@test.example", "role": "facility", "time_zone": "America/New_York",
            "facility_id": str(world.north),
        }  # fmt: skip
        page = await desk.post("/desk/people", sent, headers=headers)
        found = re.search(r"(https?://[^\"<\s]*)/invitations/([\w-]+)", page.text)
        assert found, page.text
        assert found[1] == "http://127.0.0.1:8123"
        return found[2]

    async def test_the_link_comes_from_the_configuration_and_is_used_once(
        self, app: Litestar, sign_in: SignIn, world: World, database: Database
    ) -> None:
        token = await self.invited(
            await sign_in("dora"),
            world,
            **{"host": "evil.example", "x-forwarded-host": "evil.example", "forwarded": "host=evil.example"},
        )
        visitors = [Visitor(app) for _ in range(4)]
        for one in visitors:
            await one.get(f"/invitations/{token}")
        # What the form does not have is not taken: neither another role nor another facility.
        sent = {
            "name": "N",
            "password": "a sentence of mine",
            "role": "owner",
            "facility_id": str(world.south),
            "email": "x@y.example",
        }
        answers = await asyncio.gather(*(one.post(f"/invitations/{token}", sent, follow=False) for one in visitors))
        assert sorted(answer.status_code for answer in answers) == [303, 404, 404, 404]
        async with database.transaction(SYSTEM) as tx:
            account = (await tx.scalars(select(Account).where(Account.email == "nina@test.example"))).one()
            places = (await tx.scalars(select(AccountFacility.facility_id).where(AccountFacility.account_id == account.id))).all()
            assert (account.role, list(places)) == (Role.FACILITY.value, [world.north])
            assert await tx.scalar(select(func.count()).select_from(Account).where(Account.email == "x@y.example")) == 0


class TestWhatOthersRead:
    async def test_markup_in_a_name_and_a_reason_stays_text_on_other_peoples_pages(
        self, sign_in: SignIn, world: World, things: dict[str, Things], database: Database
    ) -> None:
        async with database.transaction(SYSTEM) as tx:
            await tx.execute(update(Account).where(Account.id == world.alice).values(name=MARKUP))
        alice = await sign_in("alice")
        entry = things["north"].entry_id
        assert (await alice.post(f"/portal/entries/{entry}/dispute", {"reason": MARKUP})).status_code == 200
        shown = 0
        for name, path in (
            ("bob", f"/portal/entries/{entry}"), ("bob", "/portal/approvals?show=disputed"),
            ("maria", f"/workspace/entries/{entry}"), ("maria", "/workspace/week"),
            ("olga", "/desk/people"), ("olga", "/desk/audit"),
        ):  # fmt: skip
            page = (await (await sign_in(name)).get(path)).text
            assert "<img src=x" not in page, path
            assert 'hx-get="/x' not in page, path
            # A template that read it would have put 49 there.
            shown += page.count("&lt;img src=x") == page.count("{{7*7}}") > 0
        assert shown >= 4

    async def test_a_fault_of_ours_tells_neither_how_it_is_built_nor_the_token_in_the_address(
        self, visitor: Visitor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def broken(*_: object) -> None:
            raise RuntimeError("select * from accounts")

        monkeypatch.setattr(invitations, "open_invitation", broken)
        with caplog.at_level(logging.ERROR):
            answer = await visitor.get("/invitations/the-secret-token%0aINJECTED")
        assert answer.status_code == 500
        assert not re.search(r"Traceback|RuntimeError|select \*|accounts|site-packages|\.py", answer.text)
        messages = [record.getMessage() for record in caplog.records]
        assert messages
        assert not any("the-secret-token" in message or "\n" in message for message in messages)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
