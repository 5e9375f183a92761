"""The product's main job, once through, by people at real browsers on demo data: ask, plan, work, decide, bill, pay."""

import re
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from playwright.sync_api import Browser, Page, expect
from support.browsing import Somebody
from support.deployments import Deployment

pytestmark = pytest.mark.browser

FIRST_MINUTES, SECOND_MINUTES = 42, 18
NORTHSIDE_RATE = Decimal("40.50")
"""Northside's price of an hour of patient care coordination on its demo rate card."""


def login(logins: list[dict[str, str]], start: str) -> dict[str, str]:
    return next(one for one in logins if one["email"].startswith(start))


def test_from_a_request_to_a_paid_invoice(browser: Browser, site: Deployment) -> None:
    logins = site.logins()
    facility = Somebody(browser, site).sign_in(login(logins, "dana@"))
    second_facility = Somebody(browser, site).sign_in(login(logins, "ruben@"))
    agency = Somebody(browser, site).sign_in(login(logins, "robin."))
    coordinator = Somebody(browser, site).sign_in(login(logins, "ana."))

    reference = ask_for_relief(facility)
    plan_and_apply(agency, reference)
    see_cover(facility, reference)
    record_work(coordinator, site)
    approve(facility)
    dispute(second_facility)
    billing = Somebody(browser, site).sign_in(login(logins, "morgan."))
    number, amount = bill(billing)
    pay(facility, number, amount)
    see_it_paid(billing, number, amount)

    for person in (facility, second_facility, agency, coordinator, billing):
        person.close()


def ask_for_relief(facility: Somebody) -> str:
    page = facility.page
    page.goto("/portal")
    page.get_by_role("link", name="Ask for relief").click()
    page.get_by_label("Service").select_option(label="Patient Care Coordinator")
    page.get_by_label("Why").select_option(label="Surge")
    page.get_by_label("First day").fill("2026-03-05")
    page.get_by_label("Last day").fill("2026-03-06")
    page.get_by_label("Type it").fill("Thu–Fri 9–12")
    page.get_by_label("Type it").press("Enter")
    page.get_by_label("Note to the agency").fill("Two clinicians are away.")
    page.get_by_role("button", name="Ask for relief").click()
    page.wait_for_url(re.compile(r"/portal/requests/[0-9a-f-]{36}"))
    found = re.search(r"R-\d+", page.locator("main").inner_text())
    assert found
    expect(page.locator("main")).to_contain_text("09:00–12:00")
    return found[0]


def plan_and_apply(agency: Somebody, reference: str) -> None:
    page = agency.page
    page.goto("/desk")
    expect(page.locator("main")).to_contain_text(reference)
    page.get_by_role("button", name="Plan what is open").click()
    page.wait_for_url(re.compile(r"/desk/plans/[0-9a-f-]{36}"))
    apply = page.get_by_role("button", name=re.compile("Apply plan"))
    apply.wait_for(timeout=60_000)
    expect(page.get_by_role("heading", name="Nobody covers")).to_be_visible()
    expect(page.get_by_role("heading", name="Who covers what")).to_be_visible()
    expect(page.locator("main")).to_contain_text(reference)
    apply.click()
    page.wait_for_url(re.compile("/desk$"))
    expect(page.locator("body")).to_contain_text(re.compile(r"plan \d+ is applied", re.IGNORECASE))


def see_cover(facility: Somebody, reference: str) -> None:
    page = facility.page
    page.goto("/portal/requests")
    page.locator("tr, article, li").filter(has_text=reference).get_by_role("link").first.click()
    expect(page.locator("main")).to_contain_text("Covered")


def one_press(page: Page, facility: str, verb: str) -> None:
    """Start or switch to the first recent patient of a facility."""
    button = page.get_by_role("button", name=re.compile(f"^{verb}"))
    places = page.locator(".cards > .stack").filter(has_text=facility).filter(has=button)
    places.first.get_by_role("button", name=re.compile(f"^{verb}")).first.click()


def record_work(coordinator: Somebody, site: Deployment) -> None:
    page = coordinator.page
    page.goto("/workspace")
    expect(page.locator("main")).to_contain_text("Northside Family Medicine")
    expect(page.locator("main")).to_contain_text("Southlake Heart Clinic")
    one_press(page, "Northside Family Medicine", "Start")
    expect(page.locator(".timer-bar")).to_contain_text("Northside Family Medicine")
    site.advance(minutes=FIRST_MINUTES)
    page.goto("/workspace")
    one_press(page, "Southlake Heart Clinic", "Switch")
    expect(page.locator(".timer-bar")).to_contain_text("Southlake Heart Clinic")
    site.advance(minutes=SECOND_MINUTES)
    page.goto("/workspace")
    page.locator(".timer-bar").get_by_role("button", name=re.compile("Stop")).click()
    expect(page.locator(".timer-bar")).to_have_count(0)
    page.goto("/workspace")
    expect(page.locator("main")).to_contain_text("0:42:00")
    expect(page.locator("main")).to_contain_text("0:18:00")
    while page.locator("#finish form").count():
        form = page.locator("#finish form").first
        form.get_by_label(re.compile("What it was|Activity|Duty")).select_option(label="Follow-up")
        form.get_by_label(re.compile("What you did|Note")).fill("Asked how the week went; no new symptoms.")
        form.get_by_role("button", name="Save what you did").click()
        page.goto("/workspace")
    page.goto("/workspace/week")
    page.get_by_role("button", name=re.compile("Submit")).click()
    expect(page.get_by_role("button", name=re.compile("Submit"))).to_have_count(0)


def open_today(page: Page) -> None:
    """Many entries are folded by day."""
    day = page.locator("details:not([open]) > summary", has_text="Tue 3 Mar")
    if day.count():
        day.first.click()


def approve(facility: Somebody) -> None:
    """Only the entry of today's forty-two minutes: the demo's other work waits on."""
    page = facility.page
    page.goto("/portal/approvals")
    row = page.locator("tr, .card").filter(has_text="0:42:00").filter(has_text="10:00")
    expect(row).to_have_count(1)
    open_today(page)
    row.get_by_role("link").first.click()
    page.get_by_role("button", name=re.compile("^Approve")).click()
    expect(page.locator("main")).to_contain_text(re.compile("approved", re.IGNORECASE))


def dispute(facility: Somebody) -> None:
    page = facility.page
    page.goto("/portal/approvals")
    row = page.locator("tr, .card").filter(has_text="0:18:00").filter(has_text="09:42")
    expect(row).to_have_count(1)
    open_today(page)
    row.get_by_role("link").first.click()
    page.locator("summary", has_text="Dispute").click()
    page.locator("details[open] textarea").fill("We had no appointment with this patient today.")
    page.get_by_role("button", name=re.compile("Dispute this entry")).click()
    expect(page.locator("main")).to_contain_text("Disputed")


def bill(billing: Somebody) -> tuple[str, str]:
    by_hand = (NORTHSIDE_RATE * FIRST_MINUTES / 60).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert by_hand == Decimal("28.35")
    amount = f"${by_hand}"
    page = billing.page
    page.goto("/desk/invoices?start_on=2026-03-03&end_on=2026-03-03")
    page.get_by_role("button", name="Draft the invoice for Northside Family Medicine").click()
    page.wait_for_url(re.compile(r"/desk/invoices/[0-9a-f-]{36}"))
    expect(page.locator("main")).to_contain_text(amount)
    page.get_by_role("link", name=re.compile("Patient Care Coordinator by Ana Delfin")).click()
    expect(page.locator("main")).to_contain_text("10:00–10:42")
    page.go_back()
    page.get_by_role("button", name="Mark as reviewed").click()
    page.locator("summary", has_text="Finalise and send").click()
    page.get_by_role("button", name=f"Finalise and send {amount}").click()
    expect(page.locator("main")).to_contain_text(re.compile(r"RD-2026-\d{4}"))
    found = re.search(r"RD-2026-\d{4}", page.locator("main").inner_text())
    assert found
    expect(page.locator("main")).to_contain_text("Stripe's page", timeout=30_000)
    return found[0], amount


def pay(facility: Somebody, number: str, amount: str) -> None:
    page = facility.page
    page.goto("/portal/invoices")
    page.get_by_role("link", name=re.compile(number)).first.click()
    expect(page.locator("main")).to_contain_text(amount)
    page.get_by_role("link", name=f"Pay {amount}").click()
    page.wait_for_url(re.compile("/sandbox/stripe/"))
    page.get_by_label("Card number").fill("4000 0000 0000 0002")
    page.get_by_role("button", name=f"Pay {amount}").click()
    expect(page.locator("#problem")).to_be_visible()
    page.get_by_label("Card number").fill("4242 4242 4242 4242")
    page.get_by_role("button", name=f"Pay {amount}").click()
    expect(page.locator("body")).to_contain_text("Paid on")
    page.goto("/portal/invoices")
    page.get_by_role("link", name=re.compile(number)).first.click()
    for _ in range(60):
        if "Paid" in page.locator("main").inner_text() and not page.get_by_role("link", name=re.compile("^Pay")).count():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(page.get_by_role("link", name=re.compile("^Pay"))).to_have_count(0)
    expect(page.locator("main")).to_contain_text("Paid")


def see_it_paid(billing: Somebody, number: str, amount: str) -> None:
    page = billing.page
    page.goto("/desk/invoices")
    page.get_by_role("link", name=number, exact=True).first.click()
    expect(page.locator("main")).to_contain_text("Paid")
    expect(page.locator("main")).to_contain_text(amount)
    expect(page.locator("body")).to_contain_text("Stripe beside the ledger")
    assert "differs" not in page.locator("body").inner_text()


def test_time_moves_for_everybody(site: Deployment) -> None:
    """The journeys rely on it: a moved clock is the clock of every process."""
    before = site.now()
    site.advance(minutes=1)
    assert site.now() - before == timedelta(minutes=1)
