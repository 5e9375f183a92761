"""The desk's pages of billing runs through the real door: a month in three clicks, flags, refusals, who may see them."""

import re
from collections.abc import Awaitable, Callable
from datetime import date
from html import unescape

import httpx
import pytest
from sqlalchemy import event, func, select
from support.billing_runs import FEBRUARY, check_books, clinics, drain, item, proposed, start, usual, work_in, worked
from support.visitors import Visitor
from support.world import World

from staffing.billing_runs.models import BillingRun
from staffing.persistence.tenancy import SYSTEM
from staffing.persistence.transactions import Database

SignIn = Callable[[str], Awaitable[Visitor]]
pytestmark = pytest.mark.usefixtures("standing")


def text_of(answer: httpx.Response) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.text)))


def press(answer: httpx.Response, button: str) -> tuple[str, dict[str, str]]:
    """The form behind a button of this page: where it goes, and what it sends besides the token."""
    for form in re.findall(r"<form[^>]*>.*?</form>", answer.text, re.DOTALL):
        labels = re.findall(r"<button[^>]*>(.*?)</button>", form, re.DOTALL)
        names = [re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", label))).strip() for label in labels]
        names += re.findall(r'aria-label="([^"]+)"', form)
        if button in names:
            fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form))
            fields.pop("csrf_token")
            return re.findall(r'action="([^"]+)"', form)[0], {name: unescape(value) for name, value in fields.items()}
    raise AssertionError(f"No button {button!r} on {answer.url}")


async def test_a_month_without_flags_is_closed_in_two_clicks(database: Database, world: World, sign_in: SignIn) -> None:
    await usual(database, world, 3)
    bella = await sign_in("bella")
    page = await bella.get("/desk/invoices")
    clicks = 0

    page = await bella.post(*press(page, "Propose the invoices of February 2026"))
    clicks += 1
    assert "0 of 5 facilities looked at." in text_of(page)
    assert 'hx-trigger="every 1s"' in page.text
    assert 'http-equiv="refresh"' in page.text
    await drain(database)

    # The page looks again by itself: no click.
    page = await bella.get(page.url.path)
    assert "Nothing odd was found." in text_of(page)
    # The page is the question: what goes out stands on it, and what the button does.
    assert "Each gets its number and goes to its facility." in text_of(page)
    page = await bella.post(*press(page, "Issue 3 invoices, $1,440.00"))
    clicks += 1
    assert clicks == 2
    assert "0 of 3 facilities issued." in text_of(page)
    await drain(database)

    said = text_of(await bella.get(page.url.path))
    assert "Issued: 3 invoices, $1,440.00." in said
    for number in ("RD-2026-0004", "RD-2026-0005", "RD-2026-0006"):
        assert number in said
    await check_books(database, issued=3)


async def test_flags_are_said_in_words_and_decided_one_by_one(database: Database, world: World, sign_in: SignIn) -> None:
    made = await usual(database, world, 3)
    async with database.transaction(SYSTEM) as tx:
        worked(tx, made[0], date(2026, 2, 20), hours=8)
        worked(tx, made[1], date(2026, 2, 20), hours=2, state="disputed")
    run_id = await proposed(database, world)
    bella = await sign_in("bella")
    page = await bella.get(f"/desk/billing-runs/{run_id}")
    said = text_of(page)
    assert "2 facilities wait for your decision." in said
    assert "$320.00 (67 %) more than January 2026, which came to $480.00." in said
    assert "+8 h Patient Care Coordinator" in said
    assert "+$320.00 (+67 %)" in said
    assert "1 entry (2 h) waits for approval or is disputed and goes on the next invoice." in said

    page = await bella.post(*press(page, "Accept Clinic 001"))
    assert "Accepted: it goes out with the rest." in text_of(page)
    page = await bella.post(*press(page, "Leave out Clinic 002"))
    page = await bella.post(*press(page, "Issue 2 invoices, $1,280.00"))
    await drain(database)
    said = text_of(await bella.get(page.url.path))
    assert "Left out by Bella Quint." in said
    assert "Accepted by Bella Quint." in said
    await check_books(database, issued=2)


async def test_hours_on_another_draft_are_named_with_it(database: Database, world: World, sign_in: SignIn) -> None:
    """Nothing to invoice is no riddle: the draft that has the hours is said and one click away, and accepting issues nothing."""
    (clinic,) = await usual(database, world, 1)
    bella = await sign_in("bella")
    await bella.get("/desk/invoices")
    other = {"facility_id": str(clinic.id), "start_on": "2026-02-01", "end_on": "2026-02-20"}
    draft = await bella.post("/desk/invoices", other)
    run_id = await proposed(database, world)
    page = await bella.get(f"/desk/billing-runs/{run_id}")
    assert "Its approved hours are on the draft for 1–20 Feb 2026." in text_of(page)
    assert f'href="{draft.url.path}"' in page.text
    page = await bella.post(*press(page, "Accept Clinic 001"))
    assert (await item(database, run_id, clinic.id)).state == "nothing"
    assert "Issue 1 invoice" not in text_of(page)


async def test_a_failure_says_why_and_offers_to_look_again(database: Database, world: World, sign_in: SignIn) -> None:
    (clinic,) = await usual(database, world, 1)
    run_id = await proposed(database, world)
    bella = await sign_in("bella")
    page = await bella.get(f"/desk/billing-runs/{run_id}")
    draft = re.search(r'href="(/desk/invoices/[0-9a-f-]{36})"', page.text)
    assert draft
    invoice = await bella.get(draft[1])
    await bella.post(*press(invoice, "Withdraw the draft"))
    page = await bella.post(*press(page, "Issue 1 invoice, $480.00"))
    await drain(database)
    page = await bella.get(page.url.path)
    assert "Not issued The draft was withdrawn after the run looked at it. Look again." in text_of(page)
    await bella.post(*press(page, "Look again at Clinic 001"))
    await drain(database)
    assert (await item(database, run_id, clinic.id)).state == "ready"


async def test_an_old_page_issues_nothing(database: Database, world: World, sign_in: SignIn) -> None:
    await usual(database, world, 2)
    run_id = await proposed(database, world)
    bella = await sign_in("bella")
    old = await bella.get(f"/desk/billing-runs/{run_id}")
    await bella.post(*press(old, "Leave out Clinic 001"))
    answer = await bella.post(*press(old, "Issue 2 invoices, $960.00"))
    assert answer.status_code == 409
    assert "it is 1 invoice, $480.00 now. Nothing was issued." in text_of(answer)
    assert f'href="/desk/billing-runs/{run_id}"' in answer.text


async def test_a_second_start_leads_to_the_run_that_is_in_progress(database: Database, world: World, sign_in: SignIn) -> None:
    await usual(database, world, 1)
    bella, olga = await sign_in("bella"), await sign_in("olga")
    page, same = await bella.get("/desk/invoices"), await olga.get("/desk/invoices")
    first = await bella.post(*press(page, "Propose the invoices of February 2026"))
    second = await olga.post(*press(same, "Propose the invoices of February 2026"))
    assert second.url.path == first.url.path
    assert "Run 1 is in progress, for February 2026." in text_of(second)
    async with database.transaction(SYSTEM) as tx:
        assert await tx.scalar(select(func.count()).select_from(BillingRun)) == 1
    page = await bella.get("/desk/invoices")
    assert f'href="{first.url.path}"' in page.text
    assert "Run 1, February 2026 is being proposed." in text_of(page)
    assert "Propose the invoices" not in page.text


async def test_the_progress_shows_itself_until_the_run_moves_on(database: Database, world: World, sign_in: SignIn) -> None:
    await usual(database, world, 1)
    run_id = await start(database, world)
    bella = await sign_in("bella")
    here = f"/desk/billing-runs/{run_id}/progress?seen=proposing"
    answer = await bella.get(here)
    assert "0 of 3 facilities looked at." in text_of(answer)
    assert "HX-Refresh" not in answer.headers
    await drain(database)
    assert (await bella.get(here)).headers["HX-Refresh"] == "true"


async def test_a_period_that_is_not_over_is_refused_in_words(database: Database, world: World, sign_in: SignIn) -> None:
    bella = await sign_in("bella")
    for sent in (
        {"start_on": "2026-03-01", "end_on": "2026-03-31"},
        {"start_on": "never", "end_on": ""},
        {"start_on": "2026-02-10", "end_on": "2026-02-01"},
    ):
        answer = await bella.post("/desk/billing-runs", sent)
        assert answer.status_code == 200
        assert answer.url.path == "/desk/billing-runs"
        assert 'class="notice warn"' in answer.text


async def test_who_sees_runs(database: Database, world: World, sign_in: SignIn) -> None:
    await usual(database, world, 1)
    run_id = await proposed(database, world)
    here = f"/desk/billing-runs/{run_id}"
    for name in ("alice", "bob", "charlie", "maria"):
        visitor = await sign_in(name)
        for path in ("/desk/billing-runs", here, f"{here}/progress"):
            assert (await visitor.get(path)).status_code == 404, (name, path)
        for path in ("/desk/billing-runs", f"{here}/issue", f"{here}/accept", f"{here}/finish", f"{here}/look"):
            assert (await visitor.post(path)).status_code == 404, (name, path)
    dora = await sign_in("dora")
    assert (await dora.get(here)).status_code == 403
    assert (await dora.post(f"{here}/issue")).status_code == 403
    olga = await sign_in("olga")
    assert "Issue 1 invoice, $480.00" in (await olga.get(here)).text


async def test_the_page_asks_as_often_for_forty_facilities_as_for_two(database: Database, world: World, sign_in: SignIn) -> None:
    asked: list[str] = []
    event.listen(
        database.engine.sync_engine, "before_cursor_execute",
        lambda *arguments: asked.append(arguments[2]) if arguments[2].lstrip().lower().startswith("select") else None,
    )  # fmt: skip
    made = await clinics(database, 40)
    await work_in(database, made[:2], FEBRUARY)
    bella, counts = await sign_in("bella"), []
    run_id = await proposed(database, world)
    for more in (made[2:], []):
        asked.clear()
        page = await bella.get(f"/desk/billing-runs/{run_id}")
        counts.append(len([one for one in asked if "set_config" not in one]))
        await work_in(database, more, FEBRUARY)
        await bella.post(*press(page, "Look at everything again"))
        await drain(database)
    assert "40 facilities wait for your decision." in text_of(await bella.get(f"/desk/billing-runs/{run_id}"))
    # Three reads belong to every request: session, account, reach.
    assert counts[0] == counts[1] <= 3 + 8
