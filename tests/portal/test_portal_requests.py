"""Asking for relief and following a request, through the door: Alice and Bob may, Charlie must not."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update
from support.visitors import Visitor
from support.world import NOW, World, ask, assign

from staffing import clock
from staffing.facilities.models import Facility
from staffing.identity.models import AccountFacility
from staffing.persistence.base import new_id
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database
from staffing.requests.models import CoverageWindow, StaffingRequest
from staffing.scheduling.models import Plan, PlanGap

pytestmark = pytest.mark.usefixtures("standing")
SignIn = Callable[[str], Awaitable[Visitor]]
Fields = dict[str, str | list[str]]
MORNINGS = [f"{day}-{hour:02d}:00" for day in range(1, 6) for hour in (8, 9)]


def filled(page: str, **changes: str | list[str]) -> Fields:
    """The form on this page as Alice fills it in: mornings of next week."""
    return {
        "form_id": hidden(page, "form_id"),
        "facility_id": hidden(page, "facility_id"),
        "step": hidden(page, "step"),
        "service": "prior_authorization",
        "reason": "leave",
        "starts_on": "2026-03-09",
        "ends_on": "2026-03-13",
        "windows": MORNINGS,
        "headcount": "1",
        "max_coordinators": "1",
        "language": "es",
        "ehr_system": "epic",
        "note": "Ana is away",
        **changes,
    }


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return found[1]


def ticked(page: str) -> set[str]:
    return set(re.findall(r'name="windows" value="([^"]+)"[^>]*checked', page))


async def form(visitor: Visitor, query: str = "") -> str:
    return (await visitor.get(f"/portal/requests/new{query}")).text


async def all_requests(database: Database) -> list[StaffingRequest]:
    async with database.transaction(SYSTEM) as tx:
        return list(await tx.scalars(select(StaffingRequest).order_by(StaffingRequest.reference)))


async def test_alice_asks_bob_sees_it_charlie_does_not(sign_in: SignIn, world: World, database: Database) -> None:
    alice, bob, charlie = [await sign_in(name) for name in ("alice", "bob", "charlie")]
    answer = await alice.post("/portal/requests", filled(await form(alice)))
    assert answer.status_code == 200
    assert "R-1001 is with the agency." in answer.text
    (request,) = await all_requests(database)
    address = f"/portal/requests/{request.id}"
    assert answer.url.path == address
    assert "Nobody covers any of 5 windows yet. The first is Mon 9 Mar, 08:00–10:00 EDT." in answer.text
    for text in ("Mon–Fri 08:00–10:00", "Mon 9 – Fri 13 Mar 2026", "Spanish", "Ana is away", "Alice Newton"):
        assert text in answer.text
    assert "R-1001" in (await bob.get("/portal/requests")).text
    assert (await bob.get(address)).status_code == 200
    assert "R-1001" not in (await charlie.get("/portal/requests")).text
    for path, send in ((address, charlie.get), (f"{address}/cancel", charlie.post)):
        assert (await send(path)).status_code == 404  # type: ignore[operator]


async def test_the_same_form_sent_twice_and_at_once_is_one_request(sign_in: SignIn, database: Database) -> None:
    alice = await sign_in("alice")
    fields = filled(await form(alice))
    answers = await asyncio.gather(*(alice.post("/portal/requests", fields, follow=False) for _ in range(4)))
    answers.append(await alice.post("/portal/requests", fields, follow=False))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(await all_requests(database)) == 1


async def test_a_form_sent_again_with_other_content_keeps_what_was_typed(sign_in: SignIn, database: Database) -> None:
    alice = await sign_in("alice")
    page = await form(alice)
    await alice.post("/portal/requests", filled(page))
    again = await alice.post("/portal/requests", filled(page, headcount="2", note="And another one"))
    assert again.status_code == 422
    assert "it made R-1001" in again.text
    assert "And another one" in again.text
    assert hidden(again.text, "form_id") != hidden(page, "form_id")
    assert "R-1002 is with the agency" in (await alice.post("/portal/requests", filled(again.text, headcount="2"))).text


async def test_every_mistake_is_beside_its_field_and_nothing_typed_is_lost(sign_in: SignIn, database: Database) -> None:
    alice = await sign_in("alice")
    sent = filled(
        await form(alice),
        starts_on="2026-03-09",
        ends_on="2026-03-05",
        service="dental_scribe",
        language="tlh",
        skills=["nursing_licence"],
        note='He said "<soon>" & left',
    )
    answer = await alice.post("/portal/requests", sent)
    assert answer.status_code == 422
    for name in ("ends_on", "service", "language"):
        assert f'id="f-{name}-error"' in answer.text
        assert f'href="#f-{name}"' in answer.text
    assert 'value="2026-03-05"' in answer.text
    assert "He said &#34;&lt;soon&gt;&#34; &amp; left" in answer.text
    assert re.search(r'value="nursing_licence"\s+checked', answer.text)
    assert ticked(answer.text) == set(MORNINGS)
    assert hidden(answer.text, "form_id") == sent["form_id"]
    assert await all_requests(database) == []


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"note": "a\x00b"}, "note"),
        ({"note": "a\u202eb"}, "note"),
        ({"note": "x" * 2001}, "note"),
        ({"headcount": "-1"}, "headcount"),
        ({"headcount": "0"}, "headcount"),
        ({"headcount": "21"}, "headcount"),
        ({"headcount": "two"}, "headcount"),
        ({"headcount": ""}, "headcount"),
        ({"headcount": "9" * 400}, "headcount"),
        ({"starts_on": "soon"}, "starts_on"),
        ({"starts_on": ""}, "starts_on"),
        ({"starts_on": "2026-03-01"}, "starts_on"),
        ({"ends_on": "9999-12-31"}, "ends_on"),
        ({"windows": []}, "windows"),
        ({"windows": ["1-09:30"]}, "windows"),
        ({"windows": ["1-09:00\x00"]}, "windows"),
        ({"windows": ["9-99:99"]}, "windows"),
        ({"windows": ["7-08:00"]}, "windows"),
        ({"reason": "holiday"}, "reason"),
        ({"service": ""}, "service"),
        ({"service": "x" * 5000}, "service"),
        ({"max_coordinators": "9"}, "max_coordinators"),
        ({"skills": ["hipaa_training"]}, "skills"),
        ({"skills": ["nursing_licence"] * 40}, "skills"),
        ({"ehr_system": "paper"}, "ehr_system"),
    ],
)
async def test_what_cannot_be_is_refused_at_its_field(
    sign_in: SignIn, database: Database, changes: dict[str, Any], where: str
) -> None:
    alice = await sign_in("alice")
    answer = await alice.post("/portal/requests", filled(await form(alice), **changes))
    assert answer.status_code == 422
    assert f'id="f-{where}-error"' in answer.text
    assert await all_requests(database) == []


async def test_a_form_without_its_number_is_said_above_the_form(sign_in: SignIn) -> None:
    alice = await sign_in("alice")
    answer = await alice.post("/portal/requests", filled(await form(alice), form_id="none"))
    assert answer.status_code == 422
    assert "Please send it once more." in answer.text
    assert "R-1001 is with the agency" in (await alice.post("/portal/requests", filled(answer.text))).text


async def test_the_night_without_two_o_clock_is_asked_about(sign_in: SignIn, database: Database) -> None:
    alice = await sign_in("alice")
    sent = filled(await form(alice), starts_on="2026-03-08", ends_on="2026-03-15", windows=["7-02:00"])
    asked = await alice.post("/portal/requests", sent)
    assert asked.status_code == 422
    assert "On Sun 8 Mar 2026 the clocks go forward and there is no 02:00" in asked.text
    assert "01:00 EST" in asked.text
    assert "03:00 EDT" in asked.text
    assert ticked(asked.text) == {"7-02:00"}
    assert await all_requests(database) == []
    # An answer beside another mistake is kept.
    wrong = await alice.post("/portal/requests", {**sent, "clock-2026-03-08-02:00": "earlier", "headcount": "99"})
    assert hidden(wrong.text, "clock-2026-03-08-02:00") == "earlier"
    made = await alice.post("/portal/requests", {**sent, "clock-2026-03-08-02:00": "earlier"})
    assert "is with the agency" in made.text
    async with database.transaction(SYSTEM) as tx:
        starts = list(await tx.scalars(select(func.lower(CoverageWindow.during)).order_by(CoverageWindow.during)))
    assert starts == [datetime(2026, 3, 8, 6, tzinfo=UTC), datetime(2026, 3, 15, 6, tzinfo=UTC)]


@pytest.mark.parametrize(("show", "cells"), [("half", {"1-08:00", "1-08:30"}), ("all", {"1-08:00"})])
async def test_another_grid_loses_nothing(sign_in: SignIn, database: Database, show: str, cells: set[str]) -> None:
    alice = await sign_in("alice")
    answer = await alice.post("/portal/requests", filled(await form(alice), windows=["1-08:00"], note="Half typed", show=show))
    assert answer.status_code == 200
    assert ticked(answer.text) == cells
    assert "Half typed" in answer.text
    assert ('value="1-23:00"' in answer.text) == (show == "all")
    assert await all_requests(database) == []
    sent = filled(answer.text, windows=sorted(cells))
    assert "is with the agency" in (await alice.post("/portal/requests", sent)).text


async def test_hours_outside_the_working_day_widen_the_grid(sign_in: SignIn) -> None:
    alice = await sign_in("alice")
    answer = await alice.post("/portal/requests", filled(await form(alice), windows=["1-05:00", "1-21:00"], headcount=""))
    assert ticked(answer.text) == {"1-05:00", "1-21:00"}


async def test_a_new_form_is_filled_in_as_the_last_one_for_the_week_after_it(sign_in: SignIn) -> None:
    alice = await sign_in("alice")
    first = await form(alice)
    assert ticked(first) == set()
    assert "America/New York (EST)" in first
    assert re.search(r'<option value="epic"\s+selected', first)
    await alice.post("/portal/requests", filled(first, windows=["1-08:00"], headcount="3", skills=["nursing_licence"]))
    second = await form(alice)
    assert "Filled in as in R-1001, from Mon 16 Mar 2026." in second
    assert ticked(second) == {"1-08:00"}
    for text in ('value="2026-03-16"', 'value="2026-03-20"', 'value="3"'):
        assert text in second
    for option in ("prior_authorization", "leave", "es"):
        assert re.search(rf'<option value="{option}"\s+selected', second)
    assert "Ana is away" not in second


async def test_a_cancelled_request_leaves_its_week_free_for_the_next_form(sign_in: SignIn, database: Database) -> None:
    alice = await sign_in("alice")
    await alice.post("/portal/requests", filled(await form(alice)))
    (request,) = await all_requests(database)
    await alice.post(f"/portal/requests/{request.id}/cancel", {"reason": "Ana is back"})
    assert 'value="2026-03-09"' in await form(alice)


async def test_going_back_and_sending_again_asks_for_nothing_twice(sign_in: SignIn, database: Database) -> None:
    alice = await sign_in("alice")
    await alice.post("/portal/requests", filled(await form(alice)))
    again = await alice.post("/portal/requests", filled(await form(alice)))
    assert again.status_code == 422
    assert "R-1001 asks for exactly this already." in again.text
    assert len(await all_requests(database)) == 1
    besides = await alice.post("/portal/requests", filled(again.text, note="A second person besides"))
    assert "R-1002 is with the agency." in besides.text


async def test_missing_hours_are_named_with_the_other_mistakes(sign_in: SignIn) -> None:
    alice = await sign_in("alice")
    answer = await alice.post("/portal/requests", filled(await form(alice), windows=[], headcount=""))
    for name in ("windows", "headcount"):
        assert f'href="#f-{name}"' in answer.text


async def test_a_request_that_no_plan_has_seen_says_so(sign_in: SignIn, world: World, database: Database) -> None:
    async with database.transaction(SYSTEM) as tx:
        waiting, _ = await ask(tx, world, world.north)
        covered = await assign(tx, world, world.maria, world.north, start=NOW + timedelta(hours=20))
    alice = await sign_in("alice")
    assert "has not planned it yet" in (await alice.get(f"/portal/requests/{waiting.id}")).text
    assert "has not planned it yet" not in (await alice.get(f"/portal/requests/{covered.request_id}")).text


async def test_half_hours_come_back_as_half_hours(sign_in: SignIn) -> None:
    alice = await sign_in("alice")
    await alice.post("/portal/requests", filled(await form(alice), windows=["1-08:30"], step="30"))
    page = await form(alice)
    assert hidden(page, "step") == "30"
    assert ticked(page) == {"1-08:30"}


async def test_a_facility_is_chosen_only_where_there_are_several(sign_in: SignIn, world: World, database: Database) -> None:
    alice = await sign_in("alice")
    assert "Southlake" not in await form(alice)
    assert (await alice.get(f"/portal/requests/new?facility={world.south}")).status_code == 404
    async with database.transaction(SYSTEM) as tx:
        tx.add(AccountFacility(account_id=world.alice, facility_id=world.south))
    page = await form(alice, f"?facility={world.south}")
    assert "America/Chicago (CST)" in page
    await alice.post("/portal/requests", filled(page, windows=["1-08:00"]))
    async with database.transaction(SYSTEM) as tx:
        start = await tx.scalar(select(func.lower(CoverageWindow.during)).where(CoverageWindow.facility_id == world.south))
    assert start == datetime(2026, 3, 9, 13, tzinfo=UTC)
    shown = (await alice.get("/portal/requests")).text
    assert "Southlake Heart Clinic" in shown


async def test_a_foreign_facility_in_the_form_is_not_there(sign_in: SignIn, world: World, database: Database) -> None:
    charlie = await sign_in("charlie")
    sent = filled(await form(charlie), facility_id=str(world.north))
    assert (await charlie.post("/portal/requests", sent)).status_code == 404
    assert await all_requests(database) == []


async def test_without_the_agreement_the_form_says_what_to_do(sign_in: SignIn, world: World, database: Database) -> None:
    async with database.transaction(SYSTEM) as tx:
        await tx.execute(update(Facility).where(Facility.id == world.north).values(baa_signed_on=None))
    alice = await sign_in("alice")
    answer = await alice.post("/portal/requests", filled(await form(alice)))
    assert answer.status_code == 422
    assert "ask your agency for it" in answer.text
    assert "Ana is away" in answer.text


async def test_a_request_says_who_comes_and_why_nobody_does(sign_in: SignIn, world: World, database: Database) -> None:
    async with database.transaction(SYSTEM) as tx:
        covered = await assign(tx, world, world.maria, world.north, start=NOW + timedelta(hours=20))
        missing, window = await ask(tx, world, world.north)
        plan = new_id()
        tx.add(
            Plan(
                id=plan, number=1, state="applied", horizon=window.during, time_limit_seconds=5, requested_by=world.dora,
                requested_at=NOW,
            )
        )  # fmt: skip
        await tx.flush()
        why = {"sentence": "Three know Epic, all at their cap."}
        tx.add(PlanGap(plan_id=plan, facility_id=world.north, window_id=window.id, missing=1, why=why))
    alice = await sign_in("alice")
    assert "Maria Sandoval" in (await alice.get(f"/portal/requests/{covered.request_id}")).text
    assert "Three know Epic, all at their cap." in (await alice.get(f"/portal/requests/{missing.id}")).text


async def test_cancelling_asks_for_a_reason_and_says_what_happened(sign_in: SignIn, world: World, database: Database) -> None:
    async with database.transaction(SYSTEM) as tx:
        request, _ = await ask(tx, world, world.north)
    alice, bob = await sign_in("alice"), await sign_in("bob")
    address = f"/portal/requests/{request.id}"
    await alice.get(address)
    for text in ("", "x" * 501, "a\x00b"):
        refused = await alice.post(f"{address}/cancel", {"reason": text})
        assert refused.status_code == 422
        assert 'id="f-reason-error"' in refused.text
    done = await alice.post(f"{address}/cancel", {"reason": "Ana is back"})
    assert f"{request.reference} is cancelled." in done.text
    assert "Ana is back" in done.text
    assert "Cancel this request" not in done.text
    await bob.get(address)
    again = await bob.post(f"{address}/cancel", {"reason": "too"})
    assert again.status_code == 409
    assert "no longer open" in again.text
    assert request.reference in (await bob.get("/portal/requests?show=past")).text


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "page=99999999999", "page=²", "show=x", "show=past&page=2"])
async def test_an_odd_address_of_the_list_is_no_error(sign_in: SignIn, query: str) -> None:
    assert (await (await sign_in("alice")).get(f"/portal/requests?{query}")).status_code == 200


@pytest.mark.parametrize("query", ["facility=x", "facility=%00", "facility=" + "9" * 3000])
async def test_an_odd_facility_is_not_there(sign_in: SignIn, query: str) -> None:
    assert (await (await sign_in("alice")).get(f"/portal/requests/new?{query}")).status_code == 404


@pytest.mark.parametrize("path", ["/portal/requests/{}", "/portal/requests/x", "/portal/requests/{}/cancel"])
async def test_an_unknown_request_is_not_there(sign_in: SignIn, path: str) -> None:
    alice = await sign_in("alice")
    address = path.format(uuid4())
    send: Callable[..., Awaitable[Any]] = alice.post if address.endswith("cancel") else alice.get
    assert (await send(address)).status_code == 404


@pytest.mark.parametrize("who", ["maria", "dora", "bella"])
async def test_nobody_else_finds_the_portal(sign_in: SignIn, who: str) -> None:
    visitor = await sign_in(who)
    for path in ("/portal", "/portal/requests", "/portal/requests/new", "/portal/cover"):
        assert (await visitor.get(path)).status_code == 404


async def test_a_long_list_has_pages(sign_in: SignIn, world: World, database: Database) -> None:
    async with database.transaction(SYSTEM) as tx:
        made = [(await ask(tx, world, world.north))[0].id for _ in range(27)]
    alice = await sign_in("alice")
    pages = [(await alice.get(f"/portal/requests?page={page}")).text for page in (1, 2)]
    shown = [set(map(UUID, re.findall(r'href="/portal/requests/([0-9a-f-]{36})"', page))) for page in pages]
    assert [len(one) for one in shown] == [25, 2]
    assert shown[0] | shown[1] == set(made)
    assert "1–25 of 27" in pages[0]


async def test_the_first_day_offered_is_the_facility_s_next_monday(sign_in: SignIn) -> None:
    # Sunday 23:30 in New York is Monday already in UTC: next Monday is still tomorrow there.
    with clock.standing_at(datetime(2026, 3, 9, 3, 30, tzinfo=UTC)):
        page = await form(await sign_in("alice"))
    assert f'value="{date(2026, 3, 9)}"' in page
