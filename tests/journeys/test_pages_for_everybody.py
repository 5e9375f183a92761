"""Every page of the rail: no accessibility violation, nothing to scroll sideways, on a phone and on a desk, in light and dark.

And the first two steps of the loop without any JavaScript.
"""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect
from support.browsing import Somebody
from support.deployments import Deployment

from staffing.app import NAVIGATION

pytestmark = pytest.mark.browser

LOGINS = {"portal": "dana@", "workspace": "ana.", "desk": "eleanor."}
STANDARDS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


def addresses(surface: str) -> list[str]:
    extra = {
        "portal": ["/portal/requests/new", "/portal/statements", "/portal/credit-notes", "/portal/payment-methods"],
        "workspace": ["/workspace/entries/new"],
        "desk": ["/desk/billing-runs", "/desk/credit-notes", "/desk/exports", "/desk/payments"],
    }
    return [*(item.href for item in NAVIGATION[surface]), *extra[surface]]


@pytest.fixture(scope="module")
def logins(site: Deployment) -> list[dict[str, str]]:
    return site.logins()


@pytest.fixture(params=[(1280, False), (375, True)], ids=["desk-light", "phone-dark"])
def screen(request: pytest.FixtureRequest) -> tuple[int, bool]:
    size: tuple[int, bool] = request.param
    return size


@pytest.mark.parametrize("surface", sorted(LOGINS))
def test_pages_are_for_everybody(
    browser: Browser, site: Deployment, logins: list[dict[str, str]], surface: str, screen: tuple[int, bool]
) -> None:
    login = next(one for one in logins if one["email"].startswith(LOGINS[surface]))
    person = Somebody(browser, site, width=screen[0], dark=screen[1]).sign_in(login)
    for address in addresses(surface):
        check(person, address)
    person.close()


def test_public_pages_are_for_everybody(browser: Browser, site: Deployment, screen: tuple[int, bool]) -> None:
    person = Somebody(browser, site, width=screen[0], dark=screen[1])
    for address in ("/", "/sign-in", "/nowhere"):
        check(person, address)
    person.close()


def check(person: Somebody, address: str) -> None:
    page = person.page
    page.goto(address)
    found = Axe().run(page, options=STANDARDS).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:160]) for one in found] == [], address
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{address} scrolls sideways"


@pytest.fixture
def plain(browser: Browser, site: Deployment, logins: list[dict[str, str]]) -> Iterator[tuple[Somebody, Somebody]]:
    """A practice manager and a dispatcher whose browsers run no script."""
    pair = tuple(
        Somebody(browser, site, javascript=False).sign_in(next(one for one in logins if one["email"].startswith(start)))
        for start in ("ruben@", "sasha.")
    )
    yield pair[0], pair[1]
    for person in pair:
        person.close()


def test_asking_and_planning_without_javascript(plain: tuple[Somebody, Somebody]) -> None:
    manager, dispatcher = plain[0].page, plain[1].page
    manager.goto("/portal/requests/new")
    manager.get_by_label("First day").fill("2026-03-11")
    manager.get_by_label("Last day").fill("2026-03-10")
    manager.get_by_role("button", name="Ask for relief").click()
    # The form comes back with the mistake beside the field and the rest as it was typed.
    expect(manager.locator(".error-summary")).to_be_visible()
    expect(manager.get_by_label("First day")).to_have_value("2026-03-11")
    manager.get_by_label("Last day").fill("2026-03-11")
    for box in manager.locator("input[type=checkbox][value^='3-']").all():
        box.set_checked(box.get_attribute("value") in ("3-09:00", "3-10:00"))
    manager.get_by_role("button", name="Ask for relief").click()
    manager.wait_for_url(re.compile(r"/portal/requests/[0-9a-f-]{36}"))
    dispatcher.goto("/desk")
    dispatcher.get_by_role("button", name="Plan what is open").click()
    apply = dispatcher.get_by_role("button", name=re.compile("Apply plan"))
    for _ in range(60):
        if apply.count():
            break
        assert "http-equiv" in dispatcher.content(), "without scripts the page reloads itself"
        dispatcher.wait_for_timeout(500)
        dispatcher.reload()
    expect(apply).to_be_visible()
