"""Somebody cannot come: they say so on their phone, the dispatcher sees it at once and confirms who steps in."""

import re

import pytest
from playwright.sync_api import Browser, expect
from support.browsing import Somebody
from support.deployments import Deployment

pytestmark = pytest.mark.browser


def login(logins: list[dict[str, str]], start: str) -> dict[str, str]:
    return next(one for one in logins if one["email"].startswith(start))


def test_from_a_call_off_to_who_steps_in(browser: Browser, site: Deployment) -> None:
    logins = site.logins()
    coordinator = Somebody(browser, site, width=375).sign_in(login(logins, "mira."))
    page = coordinator.page
    page.goto("/workspace/schedule")
    page.get_by_role("link", name=re.compile("I cannot come to .*Wed 4 Mar")).first.click()
    page.get_by_label("Illness").check()
    page.get_by_role("button", name="Call off").click()
    expect(page.locator("body")).to_contain_text("Your agency knows that you cannot come")
    expect(page.locator("main")).to_contain_text("Called off")
    coordinator.close()

    agency = Somebody(browser, site).sign_in(login(logins, "robin."))
    page = agency.page
    page.goto("/desk")
    said = page.locator(".notice", has_text="Mira Kowalczyk called off")
    expect(said).to_contain_text("one window lacks somebody")
    said.get_by_role("link", name="Find relief").click()  # one press
    confirm = page.get_by_role("button", name=re.compile("^Confirm ")).first
    confirm.wait_for(timeout=60_000)
    expect(page.locator("main")).to_contain_text("Nobody else moves")
    name = confirm.inner_text().strip().removeprefix("Confirm ")
    confirm.click()  # and a second: it is done
    page.wait_for_url(re.compile("/desk$"))
    expect(page.locator("body")).to_contain_text(f"{name} covers one window now. Nothing is left open by this call-off.")
    expect(page.locator(".notice", has_text="Mira Kowalczyk called off")).to_have_count(0)
    page.goto("/desk/call-offs")
    row = page.get_by_role("row").filter(has_text="Mira Kowalczyk")
    expect(row).to_contain_text("Relieved")
    agency.close()


def test_it_all_works_without_javascript(browser: Browser, site: Deployment) -> None:
    """The page reloads itself until relief is found; recording is a form, taking it back is one."""
    agency = Somebody(browser, site, javascript=False).sign_in(login(site.logins(), "robin."))
    page = agency.page
    page.goto("/desk")
    page.get_by_role("link", name="Record a call-off").click()
    who = page.get_by_label("First assignment that they miss")
    value = who.locator("option", has_text="Rafael Goldfinch").first.get_attribute("value")
    assert value
    who.select_option(value)
    page.get_by_role("button", name="Record the call-off").click()
    page.wait_for_url(re.compile(r"/desk/call-offs/[0-9a-f-]{36}"))
    for _ in range(30):
        if "Looking who can step in" not in page.locator("main").inner_text():
            break
        page.wait_for_timeout(1000)
        page.reload()
    expect(page.locator("main")).to_contain_text(re.compile("Nobody else moves|Nobody can step in|Helpers move"))
    page.locator("summary", has_text="Take the call-off back").click()
    page.get_by_role("button", name="Take it back").click()
    expect(page.locator("body")).to_contain_text("The call-off is taken back: one window given back.")
    agency.close()
