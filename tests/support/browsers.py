"""The browser that the browser tests drive: finding one, and getting one where that is easy. Standard library only.

`chromium_path()` finds a Chromium or Chrome that runs. `python tests/support/browsers.py` (called by `make test`) installs one
first where there is none and the system is Debian or a relative and we are root; elsewhere it says what to install.
"""

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

MISSING = (
    "No browser was found, so the browser tests cannot run. Install Chromium or Chrome (Debian and Ubuntu: apt-get install "
    "chromium; anywhere: playwright install chromium), or set CHROMIUM to the path of one that runs."
)

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
_APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
_PLAYWRIGHT_CACHES = ("~/.cache/ms-playwright", "~/Library/Caches/ms-playwright")
_PLAYWRIGHT_PROGRAMS = (
    "chromium-*/chrome-linux*/chrome",
    "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
    "chromium_headless_shell-*/chrome-*/*headless*shell",
)


@functools.cache
def chromium_path() -> str | None:
    """The path of a Chromium or Chrome that runs here, or None. `CHROMIUM`, where set, is the only one tried."""
    return next((candidate for candidate in _candidates() if _runs(candidate)), None)


def browser_is_required() -> bool:
    """Whether a missing browser is a failure (`CI=true`) or a reason to skip."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def provide() -> str | None:
    """`chromium_path()`, after installing one where root on a Debian-like system has none."""
    if chromium_path() is None and _can_install():
        print("browser: none found; installing chromium with apt-get", flush=True)
        _install()
        chromium_path.cache_clear()
    return chromium_path()


def _candidates() -> Iterator[str]:
    if chosen := os.environ.get("CHROMIUM"):
        yield chosen
        return
    for name in _NAMES:
        if found := shutil.which(name):
            yield found
    yield from _APPLICATIONS
    for cache in filter(None, (os.environ.get("PLAYWRIGHT_BROWSERS_PATH"), *_PLAYWRIGHT_CACHES)):
        for pattern in _PLAYWRIGHT_PROGRAMS:
            yield from sorted(map(str, Path(cache).expanduser().glob(pattern)), reverse=True)


def _runs(program: str) -> bool:
    # Some systems put a script under the browser's name that only explains how to install it.
    try:
        answer = subprocess.run([program, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and b"Chrom" in answer.stdout + answer.stderr


def _can_install() -> bool:
    return "CHROMIUM" not in os.environ and os.geteuid() == 0 and shutil.which("apt-get") is not None


def _install() -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    wait = ("-o", "DPkg::Lock::Timeout=300")
    for command in (
        ("apt-get", *wait, "-qq", "update"),
        ("apt-get", *wait, "-qq", "install", "-y", "--no-install-recommends", "chromium", "fonts-liberation"),
    ):
        answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, check=False)
        if answer.returncode != 0:
            print(answer.stdout + answer.stderr, file=sys.stderr)


if __name__ == "__main__":
    if provide() is None:
        print(f"browser: {MISSING}", file=sys.stderr)
        sys.exit(1 if browser_is_required() else 0)
    print(f"browser: {chromium_path()}")
