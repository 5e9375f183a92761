"""`python -m billing rate FILE`: what it prints, how it refuses, and that a broken file never shows a traceback."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.__main__ import main

GOOD: dict[str, Any] = {
    "currency": "USD",
    "time_zone": "America/Chicago",
    "card": {
        "services": {"Care Plan Management": {"bill_per_hour": "48.00", "pay_per_hour": "21.00"}},
        "rounding": {"unit_minutes": 6, "mode": "nearest", "scope": "line"},
        "premiums": [{"kind": "night", "from": "22:00", "to": "24:00", "multiplier": "1.25"}],
        "premium_rule": "highest",
        "minimum_call_minutes": 0,
        "overtime": None,
        "guaranteed_minimum_minor": 0,
    },
    "entries": [
        {
            "id": "e1",
            "coordinator": "c1",
            "service": "Care Plan Management",
            "start": "2026-11-03T21:00:00-06:00",
            "end": "2026-11-03T22:30:00-06:00",
            "status": "approved",
        },
        {
            "id": "e2",
            "coordinator": "c1",
            "service": "Care Plan Management",
            "start": "2026-11-03T21:00:00-06:00",
            "end": None,
            "status": "running",
        },
    ],
}


def put(path: str, value: object) -> dict[str, Any]:
    """The good file with one value replaced."""
    content = json.loads(json.dumps(GOOD))
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    inside = content
    for step in steps:
        inside = inside[step]
    inside[last] = value
    return content  # type: ignore[no-any-return]


def run(content: object, tmp_path: Path, *options: str) -> int:
    file = tmp_path / "rate.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return main(["rate", str(file), *options])


def test_json_is_in_the_agreed_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(GOOD, tmp_path, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "lines": [
            {
                "service": "Care Plan Management",
                "coordinator": "c1",
                "kind": "night",
                "minutes": 30,
                "unit_rate": "60.00",
                "amount_minor": 3000,
                "entries": ["e1"],
            },
            {
                "service": "Care Plan Management",
                "coordinator": "c1",
                "kind": "regular",
                "minutes": 60,
                "unit_rate": "48.00",
                "amount_minor": 4800,
                "entries": ["e1"],
            },
        ],
        "total_minor": 7800,
        "held": [{"id": "e2", "reason": "The timer is still running."}],
    }


def test_the_table_shows_the_same_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(GOOD, tmp_path) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[1].split() == ["Care", "Plan", "Management", "c1", "night", "0:30:00", "60.00", "30.00", "e1"]
    assert table[3:] == ["total  78.00 USD", "held  e2: The timer is still running."]


REFUSED = [
    (put("currency", "usd"), "currency"),
    (put("time_zone", "Chicago"), "time zone"),
    (put("card", None), "card"),
    (put("card.services", {}), "at least one service"),
    (put("card.services.Care Plan Management.bill_per_hour", "-1"), "bill_per_hour"),
    (put("card.services.Care Plan Management.bill_per_hour", "4,50"), "bill_per_hour"),
    (put("card.services.Care Plan Management.bill_per_hour", True), "bill_per_hour"),
    (put("card.services.Care Plan Management.bill_per_hour", "NaN"), "bill_per_hour"),
    (put("card.services.Care Plan Management.weekly", "1"), "weekly"),
    (put("card.rounding.unit_minutes", 5), "0, 1, 6 or 15"),
    (put("card.rounding.mode", "down"), "nearest or up"),
    (put("card.rounding.scope", None), "entry or line"),
    (put("card.premiums.0.kind", "full moon"), "full moon"),
    (put("card.premiums.0.from", "22.00"), "time of day"),
    (put("card.premiums.0.to", "22:00"), "no length"),
    (put("card.premiums.0.multiplier", "0.5"), "multiplier"),
    (put("card.premiums.0", {"kind": "holiday", "region": "US-IL", "multiplier": "1.5"}), "not supported yet"),
    (put("card.premiums.0", {"kind": "holiday", "days": ["12/25"], "multiplier": "1.5"}), "days"),
    (put("card.premium_rule", "lowest"), "highest or stack"),
    (put("card.minimum_call_minutes", "15"), "whole number"),
    (put("card.overtime", {"after_weekly_minutes": 2400, "multiplier": "1.5"}), "overtime is not supported yet"),
    (put("card.guaranteed_minimum_minor", 10000), "guaranteed minimum is not supported yet"),
    (put("card.late_cancellation", {"kind": "flat"}), "late_cancellation"),
    (put("discount", "10"), "discount"),
    (put("entries", {}), "a list was expected"),
    (put("entries.0", 5), "entries[0]"),
    (put("entries.0.id", 7), "entries[0], id"),
    (put("entries.0.start", "2026-11-03T21:00:00"), "no offset"),
    (put("entries.0.start", "yesterday"), "entries[0], start"),
    (put("entries.0.start", "0001-01-01T00:00:00+00:00"), "years"),
    (put("entries.0.end", None), "entries[0], end"),
    (put("entries.0.end", "2026-11-03T20:00:00-06:00"), "before its start"),
    (put("entries.1.id", "e1"), "comes twice"),
    ("", "not JSON"),
    ("[1, 2", "not JSON"),
    ("[1, 2]", "an object was expected"),
    ("[" * 100_000, "not JSON"),
    ('{"currency": NaN}', "NaN"),
    ('{"currency": "USD", "currency": "EUR"}', "stands twice"),
    ('{"currency": ' + "1" * 5000 + "}", "not JSON"),
]


@pytest.mark.parametrize(("content", "said"), REFUSED)
def test_what_cannot_be_rated_is_refused_with_the_place_and_the_reason(
    content: object, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(content, tmp_path) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert said in output.err
    assert len(output.err.splitlines()) == 1


def test_files_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x9e")
    for path in (tmp_path / "missing", tmp_path, tmp_path / "binary", "nul\0byte"):
        assert main(["rate", str(path)]) == 2
        assert "cannot read" in capsys.readouterr().err


def test_wrong_usage_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["rate"], ["rate", "a", "b"], ["guess"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["rate", "--help"])
    assert ended.value.code == 0
    assert "exit codes" in capsys.readouterr().out


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
CARD_PLACES = (
    "services services.Care_Plan_Management services.Care_Plan_Management.bill_per_hour rounding rounding.unit_minutes"
    " premiums premiums.0 premiums.0.from premiums.0.multiplier minimum_call_minutes"
)
PLACES = st.sampled_from(
    [
        "currency",
        "time_zone",
        "card",
        "entries",
        "entries.0",
        "entries.0.id",
        "entries.0.start",
        "entries.0.end",
        "entries.0.service",
    ]
    + [f"card.{place.replace('_Plan_', ' Plan ')}" for place in CARD_PLACES.split()]
)


@settings(deadline=None, derandomize=True, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PLACES, VALUES)
def test_whatever_stands_in_the_file_is_rated_or_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str, value: object
) -> None:
    assert run(put(place, value), tmp_path, "--json") in (0, 1)
    capsys.readouterr()


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_as_a_process_from_standard_input(option: list[str]) -> None:
    odd = put("entries.0.coordinator", "c\x1b[31m\ud800é")
    done = subprocess.run(
        [sys.executable, "-m", "billing", "rate", "-", *option],
        input=json.dumps(odd), capture_output=True, text=True, check=False, env={"PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "78" in done.stdout


def test_a_reader_that_goes_away_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Gone(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Gone())
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert run(GOOD, tmp_path) == 0
