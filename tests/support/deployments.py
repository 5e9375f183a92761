"""A whole deployment for a test: database, web server, worker and payment sandbox as real processes, on a clock the test sets."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from staffing.persistence import embedded

STARTS_WITHIN_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Deployment:
    """A running product: where it answers, its home, the file its clock follows, its environment."""

    url: str
    home: Path
    clock_file: Path
    environment: dict[str, str]

    def now(self) -> datetime:
        return datetime.fromisoformat(self.clock_file.read_text())

    def set_clock(self, instant: datetime) -> None:
        # Written aside and moved: a process that reads at this moment gets the old instant or the new one, never half.
        draft = self.clock_file.with_suffix(".next")
        draft.write_text(instant.astimezone(UTC).isoformat())
        draft.rename(self.clock_file)

    def advance(self, **amount: float) -> None:
        """Let time pass for every process of the deployment."""
        self.set_clock(self.now() + timedelta(**amount))

    def relief(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command of the product against this deployment."""
        return subprocess.run(
            [sys.executable, "-m", "staffing", *arguments],
            env=self.environment, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip

    def logins(self) -> list[dict[str, Any]]:
        answer = self.relief("demo", "--json")
        assert answer.returncode == 0, answer.stderr
        found: list[dict[str, Any]] = json.loads(answer.stdout)
        return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(now: datetime, **extra: str) -> Iterator[Deployment]:
    """`relief up` on demo data in a home of its own; everything it started is ended afterwards."""
    home = Path(tempfile.mkdtemp(prefix="relief-site-"))
    home.chmod(0o755)
    port = free_port()
    clock_file = home / "clock"
    clock_file.write_text(now.isoformat())
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("RELIEF_", "STRIPE_", "DATABASE_URL", "PORT"))
    }
    environment = {
        **kept,
        "RELIEF_HOME": str(home),
        "PORT": str(port),
        "RELIEF_DEMO": "1",
        "RELIEF_DATABASE_FAST": "1",
        "RELIEF_CLOCK_FILE": str(clock_file),
        "RELIEF_SOLVER_SECONDS": "4",
        # The tests let an hour pass between two clicks; that a session ends by itself is tested elsewhere.
        "RELIEF_IDLE_MINUTES": "240",
        **extra,
    }
    deployment = Deployment(f"http://127.0.0.1:{port}", home, clock_file, environment)
    log = (home / "up.log").open("w")
    process = subprocess.Popen([sys.executable, "-m", "staffing", "up"], env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        _await(deployment, process)
        yield deployment
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        if process.poll() is None:
            process.kill()
            process.wait()
        log.close()
        # What the processes said is what a failing journey is understood from.
        kept_log = Path("test-artifacts") / "deployment.log"
        kept_log.parent.mkdir(exist_ok=True)
        shutil.copyfile(home / "up.log", kept_log)
        embedded.remove(home)
        shutil.rmtree(home, ignore_errors=True)


def _await(deployment: Deployment, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(httpx.HTTPError):
            if httpx.get(f"{deployment.url}/ready", timeout=1).status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError("The deployment did not start:\n" + (deployment.home / "up.log").read_text()[-4000:])
