"""People at real browsers: each has a context of their own in one Chromium."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


OPEN: list["Somebody"] = []
"""Everybody at a browser right now: a failing journey shows what each of them saw."""


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
        OPEN.append(self)
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

    def show(self, name: str) -> None:
        """Keep what this person sees, for whoever reads the failure."""
        folder = Path("test-artifacts")
        folder.mkdir(exist_ok=True)
        self.page.screenshot(path=folder / f"{name}.png", full_page=True)
        (folder / f"{name}.txt").write_text(f"{self.page.url}\n\n{self.page.locator('body').inner_text()}")

    def close(self) -> None:
        OPEN.remove(self)
        self.context.close()
        assert self.errors == []
