"""A deployment on demo data and one Chromium, shared by all journeys of a process."""

from collections.abc import Generator, Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser
from support.browsing import OPEN, chromium
from support.deployments import Deployment, running

MORNING = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
"""Tuesday, 10:00 in New York, in the week before the clocks change."""


LETS_DAYS_PASS = "test_closing_a_month.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The other journeys are about that Tuesday and the days after it, on the same deployment: they come first."""
    items.sort(key=lambda item: item.path.name == LETS_DAYS_PASS)


@pytest.fixture(scope="session")
def site() -> Iterator[Deployment]:
    with running(MORNING) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Closed after its module: while it is open its own event loop runs in this thread, and no asynchronous test could.
    with chromium() as opened:
        yield opened


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" and report.failed:
        for number, person in enumerate(OPEN):
            person.show(f"{item.name}-{number}")
    return report
