"""`relief reconcile` and `relief backfill`: what they say and how they end."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from staffing.cli import payments
from staffing.payments.models import Reconciliation

DIFFERS = {
    "kind": "invoice", "id": "in_1", "reference": "RD-2026-0007", "what": "The amount paid differs.",
    "ours_minor": 42000, "theirs_minor": None, "currency": "USD",
}  # fmt: skip


def with_differences(monkeypatch: pytest.MonkeyPatch, *found: dict[str, Any]) -> None:
    async def reconcile(settings: object) -> Reconciliation:
        return Reconciliation(compared=7, differences=list(found))

    monkeypatch.setattr(payments, "_reconcile", reconcile)
    monkeypatch.setattr(payments, "configured", lambda: None)


def test_no_difference_ends_well(monkeypatch: pytest.MonkeyPatch) -> None:
    with_differences(monkeypatch)
    done = CliRunner().invoke(payments.reconcile, [])
    assert (done.exit_code, done.output) == (0, "7 objects compared, 0 differences.\n")


def test_a_difference_is_named_and_ends_with_1(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    with_differences(monkeypatch, DIFFERS)
    done = CliRunner().invoke(payments.reconcile, [])
    assert done.exit_code == 1
    said = "invoice RD-2026-0007: The amount paid differs. Ours 420.00 USD, Stripe's nothing."
    assert done.output.splitlines() == [said, "7 objects compared, 1 difference."]


def test_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    with_differences(monkeypatch, DIFFERS)
    done = CliRunner().invoke(payments.reconcile, ["--json"])
    assert done.exit_code == 1
    assert json.loads(done.output) == {"compared": 7, "differences": [DIFFERS]}


@pytest.mark.parametrize("days", ["0", "31", "soon"])
def test_stripe_keeps_thirty_days(days: str) -> None:
    assert CliRunner().invoke(payments.backfill, ["--days", days]).exit_code == 2
