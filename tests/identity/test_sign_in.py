"""Signing in, staying in, signing out."""

from datetime import timedelta

import pytest
from support.visitors import Visitor
from support.world import NOW, PASSWORD, World

from staffing import clock
from staffing.persistence.transactions import Database

pytestmark = pytest.mark.usefixtures("world")


async def enter(visitor: Visitor, email: str, password: str = PASSWORD) -> str:
    await visitor.get("/sign-in")
    answer = await visitor.post("/sign-in", {"email": email, "password": password}, follow=False)
    return answer.headers.get("location", str(answer.status_code))


async def test_each_role_lands_where_its_day_starts(visitor: Visitor) -> None:
    assert await enter(visitor, "alice@test.example") == "/portal"


async def test_the_e_mail_may_be_typed_in_any_case(visitor: Visitor) -> None:
    assert await enter(visitor, " ALICE@test.example ") == "/portal"


async def test_a_wrong_password_and_an_unknown_name_read_the_same(visitor: Visitor) -> None:
    await visitor.get("/sign-in")
    wrong = await visitor.post("/sign-in", {"email": "alice@test.example", "password": "no"})
    unknown = await visitor.post("/sign-in", {"email": "nobody@test.example", "password": "no"})
    assert wrong.status_code == unknown.status_code == 422
    assert "do not fit together" in wrong.text
    assert "do not fit together" in unknown.text


async def test_the_eleventh_wrong_password_waits_even_when_right(visitor: Visitor) -> None:
    for _ in range(10):
        assert await enter(visitor, "alice@test.example", "wrong") == "422"
    assert await enter(visitor, "alice@test.example") == "429"
    with clock.standing_at(clock.now() + timedelta(hours=1, minutes=1)):
        assert await enter(visitor, "alice@test.example") == "/portal"


async def test_a_planted_session_id_is_replaced(visitor: Visitor) -> None:
    visitor.http.cookies.set("relief_session", "planted-by-somebody-else", domain="relief.test")
    await enter(visitor, "alice@test.example")
    assert visitor.http.cookies.get("relief_session", domain="relief.test") != "planted-by-somebody-else"
    assert "relief_session" in visitor.http.cookies


async def test_signing_out_ends_the_session_for_every_copy_of_the_cookie(visitor: Visitor) -> None:
    await enter(visitor, "alice@test.example")
    cookie = visitor.http.cookies["relief_session"]
    await visitor.get("/")
    await visitor.post("/sign-out")
    visitor.http.cookies.set("relief_session", cookie, domain="relief.test")
    answer = await visitor.post("/session/keep", follow=False)
    assert answer.headers["location"] == "/sign-in"


async def test_a_session_ends_after_a_quiet_quarter_of_an_hour(visitor: Visitor) -> None:
    with clock.standing_at(NOW):
        await enter(visitor, "alice@test.example")
        await visitor.get("/")
    with clock.standing_at(NOW + timedelta(minutes=14)):
        assert (await visitor.post("/session/keep")).status_code == 204
    with clock.standing_at(NOW + timedelta(minutes=28)):
        assert (await visitor.post("/session/keep")).status_code == 204
    with clock.standing_at(NOW + timedelta(minutes=44)):
        assert (await visitor.post("/session/keep")).status_code != 204


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "https://evil.example", "https:evil", "/\t//evil.example", "javascript:alert(1)"],
)
async def test_signing_in_leads_nowhere_else(visitor: Visitor, target: str) -> None:
    await visitor.get("/sign-in")
    answer = await visitor.post("/sign-in", {"email": "alice@test.example", "password": PASSWORD, "next": target}, follow=False)
    assert answer.headers["location"] == "/portal"


async def test_a_form_without_its_token_is_refused(visitor: Visitor) -> None:
    answer = await visitor.post("/sign-in", {"email": "alice@test.example", "password": PASSWORD, "csrf_token": ""})
    assert answer.status_code == 403


async def test_a_form_from_another_site_is_refused(visitor: Visitor) -> None:
    await visitor.get("/sign-in")
    answer = await visitor.post(
        "/sign-in",
        {"email": "alice@test.example", "password": PASSWORD},
        headers={"origin": "https://evil.example"},
    )
    assert answer.status_code == 403


async def test_the_token_of_another_visitor_is_of_no_use(visitor: Visitor, app, world: World, database: Database) -> None:
    other = Visitor(app)
    await other.get("/sign-in")
    await visitor.get("/sign-in")
    visitor.csrf_token = other.csrf_token
    answer = await visitor.post("/sign-in", {"email": "alice@test.example", "password": PASSWORD})
    assert answer.status_code == 403
