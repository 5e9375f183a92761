"""`relief rehearse`: the loop through the real processes, from the command line."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from staffing.demo.cast import RATE
from staffing.demo.rehearsal import FIRST_MINUTES, STAGES
from staffing.persistence import embedded


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="relief-rehearsal-"))
    folder.chmod(0o755)
    yield folder
    embedded.remove(folder)
    shutil.rmtree(folder, ignore_errors=True)


def rehearse(home: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("RELIEF_", "STRIPE_", "DATABASE_URL", "PORT"))
    }
    return subprocess.run(
        [sys.executable, "-m", "staffing", "rehearse", "--solver-seconds", "3"],
        env={**kept, "RELIEF_HOME": str(home), "RELIEF_DEMO": "1", "RELIEF_DATABASE_FAST": "1", **extra},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


def test_it_ends_with_a_paid_invoice_of_minutes_times_rate(home: Path) -> None:
    answer = rehearse(home)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert [line.split()[1] for line in answer.stdout.splitlines() if line.startswith("✓")] == [name for name, _ in STAGES]
    # 42 minutes at 58.40 an hour are 40.88.
    by_hand = int((Decimal(42) * Decimal("58.40") / 60 * 100).quantize(Decimal(1), ROUND_HALF_UP))
    assert (FIRST_MINUTES, RATE, by_hand) == (42, Decimal("58.40"), 4088)
    assert re.search(rf"✓ pay +{by_hand} cents paid", answer.stdout)


def test_it_fails_loudly_with_a_real_stripe_key(home: Path) -> None:
    answer = rehearse(home, STRIPE_API_KEY="sk_test_something", STRIPE_WEBHOOK_SECRET="whsec_something")
    assert answer.returncode == 1
    assert "demo agency only" in answer.stderr
