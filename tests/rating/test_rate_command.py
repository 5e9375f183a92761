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
    assert run(GOOD, tmp_path, "--table") == 0
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
    (put("card.rounding.scope", "day"), "card.rounding.scope: entry or line was expected"),
    (put("card.premiums.0.kind", "full moon"), "full moon"),
    (put("card.premiums.0.from", "22.00"), "time of day"),
    (put("card.premiums.0.to", "22:00"), "no length"),
    (put("card.premiums.0.multiplier", "0.5"), "multiplier"),
    (put("card.premiums.0", {"kind": "holiday", "region": "US-XX", "multiplier": "1.5"}), "US-CA"),
    (put("card.premiums.0", {"kind": "holiday", "region": "DE", "multiplier": "1.5"}), "'DE' is not a holiday region"),
    (put("card.premiums.0", {"kind": "holiday", "multiplier": "1.5"}), "at least one day, or a region"),
    (put("card.premiums.0", {"kind": "holiday", "days": ["12/25"], "multiplier": "1.5"}), "days"),
    (put("card.premium_rule", "lowest"), "highest or stack"),
    (put("card.minimum_call_minutes", "15"), "whole number"),
    (put("card.overtime", {"multiplier": "1.5"}), "card.overtime: Overtime needs a limit"),
    (put("card.overtime", {"after_weekly_minutes": 0, "multiplier": "1.5"}), "weekly limit"),
    (put("card.overtime", {"after_weekly_minutes": 2400, "multiplier": "0.9"}), "multiplier of overtime"),
    (
        put("card.overtime", {"after_weekly_minutes": 2400, "multiplier": "1.5", "pass_through": "negotiated"}),
        "needs an overtime",
    ),
    (put("card.overtime", {"after_weekly_minutes": 2400, "multiplier": "2", "double_multiplier": "1.5"}), "at least as much"),
    (put("card.overtime", {"after_weekly_minutes": 2400, "multiplier": "1", "double_after_daily_minutes": 9}), "its multiplier"),
    (put("card.overtime", {"after_weekly_minutes": 9, "multiplier": "1", "double_multiplier": "2"}), "its limit"),
    (put("card.overtime", {"after_weekly_minutes": 9, "multiplier": "1", "week_starts_on": "mon"}), "monday or tuesday"),
    (put("card.guaranteed_minimum_minor", -1), "guaranteed minimum"),
    (put("card.guaranteed_minimum_minor", "10000"), "card.guaranteed_minimum_minor: a whole number"),
    (put("card.guaranteed_hours", [{"service": "Cooking", "minutes": 60}]), "'Cooking', which has no rate"),
    (put("card.commitment", {"minimum_minor": 1, "from": "2026-01-01", "to": "2026-12-31"}), "needs a period"),
    (put("card.commitment", {"minimum_minor": 1, "from": "2026-12-01", "to": "2026-01-31"}), "end before it begins"),
    (put("card.retainer", {"fee_minor": 1, "included_minutes": -1}), "included minutes"),
    (put("card.retainer", {"fee_minor": 1, "included_minutes": 1, "services": ["Cooking"]}), "'Cooking'"),
    (put("card.conversion_fee", {"amount_minor": 1, "percent_of_salary": "25"}), "either amount_minor or percent"),
    (put("card.conversion_fee", {"amount_minor": 1, "reduced_by": "months"}), "free_after_months"),
    (put("card.price_rises", [{"on": "2027-01-01", "percent": "-3"}]), "decimal number"),
    (put("card.price_rises", [{"on": "2027-01-01", "percent": "3"}] * 2), "on the same day"),
    (put("card.price_rises", [{"on": "2027-13-01", "percent": "3"}]), "card.price_rises[0].on: a day"),
    (put("card.services.Care Plan Management.levels", {"9": {"bill_per_hour": "50"}}), "is 1 to 5, not 9"),
    (put("card.services.Care Plan Management.overtime_bill_per_hour", "50"), "needs overtime with negotiated"),
    (put("card.services.Care Plan Management.bil_per_hour", "50"), "did you mean bill_per_hour?"),
    (put("card.late_cancellation", {"kind": "hours", "window_minutes": 60}), "needs minutes"),
    (put("card.late_cancellation", {"kind": "full", "window_minutes": 60, "percent": "5"}), "has no percent"),
    (put("card.late_cancellation", [{"kind": "full", "window_minutes": 60}] * 2), "the same window"),
    (put("cards", [{"valid_from": "2026-01-01"}]), "not both"),
    (put("period", {"from": "2026-11-30", "to": "2026-11-01"}), "period: A period must not end before"),
    (put("tax", {"rates": [{"name": "Sales tax", "percent": "101"}]}), "0 to 100"),
    (put("tax", {"rates": [{"name": "Sales tax", "percent": "8.12345"}]}), "at most 4 decimals"),
    (put("before", {"carried": [{"seconds": 5, "periods_left": 0}]}), "before.carried[0]"),
    (put("hires", [{"id": "h", "coordinator": "c1", "hired_on": "soon"}]), "hires[0].hired_on"),
    (put("entries.0.note", "x"), "entries[0].note: this key is not known"),
    (put("entries.0.level", 6), "entries[0].level: a level is 0 to 5"),
    (put("card.late_cancellation", {"kind": "flat", "amount_minor": 5}), "card.late_cancellation.window_minutes"),
    (put("discount", "10"), "discount"),
    (put("entries", {}), "a list was expected"),
    (put("entries.0", 5), "entries[0]: an object was expected, not 5"),
    (put("entries.0.id", 7), "entries[0].id"),
    (put("entries.0.start", "2026-11-03T21:00:00"), "no offset"),
    (put("entries.0.start", "yesterday"), "entries[0].start"),
    (put("entries.0.start", "0001-01-01T00:00:00+00:00"), "years"),
    (put("entries.0.end", None), "entries[0].end"),
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


def test_all_problems_are_named_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = put("card.premiums", [{"kind": "night", "from": "22:00", "multiplier": "0.5"}, {"kind": "weekend"}])
    content |= {"currency": "dollars", "discount": 3}
    content["entries"][0] |= {"start": "now", "status": None}
    content["entries"].append(dict(content["entries"][1]))
    assert run(content, tmp_path) == 1
    assert [line.removeprefix("python -m billing: ") for line in capsys.readouterr().err.splitlines()] == [
        "discount: this key is not known; it was not ignored, because it may cost money.",
        "currency: 'dollars' is not a currency: write the three capital letters of ISO 4217, such as USD.",
        "card.premiums[0].to: a text was expected, not nothing.",
        'card.premiums[1].multiplier: a decimal number such as "48.00" was expected, not nothing.',
        "entries[0].status: a text was expected, not nothing.",
        'entries[0].start: an instant such as "2026-11-02T09:00:00-06:00" was expected, not "now".',
        'entries: "e2" comes twice, at [1] and [2].',
    ]


def test_what_only_shows_when_rated_is_refused_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = put("card.conversion_fee", {"percent_of_salary": "25"})
    content["hires"] = [{"id": "h1", "coordinator": "c1", "hired_on": "2026-12-01"}]
    assert run(content, tmp_path) == 1
    assert "Hire h1: the conversion fee needs its salary_minor" in capsys.readouterr().err


def test_work_at_two_places_at_once_is_said_aloud(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = put("entries.1.status", "approved")
    content["entries"][1]["end"] = "2026-11-03T21:30:00-06:00"
    assert run(content, tmp_path) == 0
    output = capsys.readouterr()
    assert json.loads(output.out)["total_minor"] == 10200
    assert "entries e1 and e2" in output.err


def test_an_explained_line_has_everything_behind_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(GOOD, tmp_path, "--explain") == 0
    output = json.loads(capsys.readouterr().out)
    assert output["lines"][0]["explanation"] == {
        "rules": [{"rule": "night", "multiplier": "1.25"}],
        "worked_seconds": 1800,
        "seconds_before_rounding": 1800,
        "billed_seconds": 1800,
        "base_rate": "48.00",
        "rounding": {"unit_minutes": 6, "mode": "nearest", "scope": "line"},
        "entries": [{"id": "e1", "worked_seconds": 1800, "billed_seconds": 1800, "because": []}],
    }
    assert output["pay"]["total_minor"] == 2100 + 1313  # 21.00, and half an hour at 26.25
    assert output["pay"]["margin_minor"] == 7800 - 3413


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
    " premiums premiums.0 premiums.0.from premiums.0.multiplier minimum_call_minutes overtime guaranteed_hours commitment"
    " retainer late_cancellation conversion_fee price_rises guaranteed_minimum_minor valid_from"
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
        "cards",
        "period",
        "before",
        "cancellations",
        "hires",
        "tax",
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
