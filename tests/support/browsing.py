"""People at real browsers: each has a context of their own in one Chromium."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright
from support.browsers import chromium_path
from support.deployments import Deployment

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        yield browser
        browser.close()


class Somebody:
    """One person at one browser. Errors in the browser's console are kept and must be none at the end."""

    def __init__(
        self, browser: Browser, site: Deployment, *, javascript: bool = True, width: int = 1280, dark: bool = False
    ) -> None:
        self.site = site
        self.context: BrowserContext = browser.new_context(
            base_url=site.url,
            viewport={"width": width, "height": 900},
            java_script_enabled=javascript,
            color_scheme="dark" if dark else "light",
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.errors: list[str] = []
        self.page.on("console", self._keep)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _keep(self, message: ConsoleMessage) -> None:
        # A refused form answers 4xx, which the browser reports as an error of the network: that is what it should do.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.errors.append(message.text)

    def sign_in(self, login: dict[str, str]) -> "Somebody":
        self.page.goto("/sign-in")
        self.page.get_by_label("E-mail").fill(login["email"])
        self.page.get_by_label("Password").fill(login["password"])
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.page.wait_for_url(lambda address: "/sign-in" not in address)
        return self

    def close(self) -> None:
        self.context.close()
        assert self.errors == []
