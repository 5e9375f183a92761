"""Pytest hooks for tests marked `browser`: skipped with a reason and counted where there is no browser, failed under CI.

Switched on by `pytest_plugins = ["support.browser_gate"]` in `tests/conftest.py`.
"""

import pytest
from support.browsers import MISSING, browser_is_required, chromium_path

_SKIPPED = "NO BROWSER: "


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("browser") is None or chromium_path() is not None:
        return
    if browser_is_required():
        pytest.fail(MISSING, pytrace=False)
    pytest.skip(_SKIPPED + MISSING)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if _SKIPPED in str(report.longrepr)]
    if skipped:
        terminalreporter.section("browser tests")
        terminalreporter.line(f"{len(skipped)} browser tests were skipped. {MISSING}")
