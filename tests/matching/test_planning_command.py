"""`python -m matching`: what it prints, writes and answers."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.planning import coordinator, problem, request, week
from support.public_files import smptsp_file

from matching.commands.cli import Exit, main
from matching.formats import plan_from_json, problem_to_json
from matching.public.smptsp import Tasks, read_smptsp, verify_tasks
from matching.verify import verify_plan


@pytest.fixture
def week_file(tmp_path: Path) -> Path:
    path = tmp_path / "week.json"
    path.write_text(json.dumps(problem_to_json(week(11, people=5, requests=9))))
    return path


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_solve_verify_explain(week_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "plan.json"
    assert run("solve", week_file, "--time-limit", 10, "--out", out) == Exit.OK
    printed = capsys.readouterr().out
    for word in ("status     optimal", "objective", "bound", "gap        0.000%", "seconds", str(out)):
        assert word in printed
    plan = plan_from_json(json.loads(out.read_text()))
    assert verify_plan(week(11, people=5, requests=9), plan) == ()
    assert plan.uncovered
    assert run("verify", week_file, out) == Exit.OK
    assert "the plan keeps every rule" in capsys.readouterr().out
    assert run("explain", week_file, out) == Exit.OK
    assert f"window {plan.uncovered[0].window} of request" in capsys.readouterr().out
    assert run("explain", week_file, out, plan.assignments[0].window) == Exit.OK
    assert f"covered by {plan.assignments[0].coordinator}" in capsys.readouterr().out
    assert run("explain", week_file, out, "no-such-window") == Exit.BAD_INPUT
    assert run("explain", week_file, out, plan.uncovered[0].window, "--json") == Exit.OK
    capsys.readouterr()


def test_a_spoiled_plan_is_found(week_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "plan.json"
    run("solve", week_file, "--time-limit", 10, "--out", out)
    spoiled = json.loads(out.read_text())
    spoiled["objective"] += 1
    spoiled["assignments"].append(spoiled["assignments"][0])
    out.write_text(json.dumps(spoiled))
    capsys.readouterr()
    assert run("verify", week_file, out, "--json") == Exit.VIOLATIONS
    found = json.loads(capsys.readouterr().out)["violations"]
    assert "duplicate" in {entry["rule"] for entry in found}
    assert run("explain", week_file, out) == Exit.VIOLATIONS


def test_json_is_the_plan_alone(week_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("solve", week_file, "--time-limit", 10, "--json") == Exit.OK
    assert plan_from_json(json.loads(capsys.readouterr().out)).status.value == "optimal"


def test_reproducible_files_are_the_same_byte_for_byte(week_file: Path, tmp_path: Path) -> None:
    for name, workers in (("a", 1), ("b", 2)):
        run("solve", week_file, "--deterministic", "--seed", 3, "--workers", workers, "--out", tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


BROKEN = {
    "empty": "",
    "half": '{"format": "relief-week/1", "horizon": [',
    "list": "[]",
    "number": "7",
    "other": '{"format": "something-else"}',
    "deep": "[" * 50_000,
    "nul": "\x00\x01",
}


@pytest.mark.parametrize("name", sorted(BROKEN))
@pytest.mark.parametrize("kind", ["relief-week", "smptsp"])
def test_a_broken_file_is_said_to_be(name: str, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "broken"
    path.write_text(BROKEN[name])
    assert run("solve", path, "--format", kind) == Exit.BAD_INPUT
    caught = capsys.readouterr()
    assert caught.err.strip()
    assert "Traceback" not in caught.err


def test_missing_binary_and_directory_are_said(week_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00\x9c")
    assert run("solve", tmp_path / "missing") == Exit.BAD_INPUT
    assert run("solve", tmp_path) == Exit.BAD_INPUT
    assert run("solve", binary) == Exit.BAD_INPUT
    assert run("verify", week_file, tmp_path / "missing") == Exit.BAD_INPUT
    assert run("solve", week_file, "--time-limit", 5, "--out", tmp_path / "no" / "where") == Exit.WRITE_FAILED
    said = capsys.readouterr().err
    assert said.count("cannot be read") == 3
    assert "not a text in UTF-8" in said
    assert "cannot be written" in said


def test_the_mark_that_some_editors_put_before_a_text_is_no_fault(week_file: Path) -> None:
    week_file.write_bytes(b"\xef\xbb\xbf" + week_file.read_bytes())
    assert run("solve", week_file, "--time-limit", 5) == Exit.OK


def test_a_fault_says_which_of_two_files_it_is_in(week_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text('{"format": "relief-week/1", "assignments": [{"window": 1}]}')
    assert run("verify", week_file, plan) == Exit.BAD_INPUT
    said = capsys.readouterr().err.splitlines()
    assert f"{plan}: format: must be 'relief-plan/1', is 'relief-week/1'" in said
    assert f"{plan}: assignments[0].coordinator: is missing" in said
    assert f"{plan}: assignments[0].window: expected a text, found a whole number" in said
    assert all(line.startswith(f"{plan}: ") for line in said)


@pytest.mark.parametrize("command", ["verify", "explain"])
def test_standard_input_holds_one_file(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command, "-", "-") == Exit.USAGE
    assert "not both" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--workers", "two", "must be a whole number from 1 to 256, is 'two'"),
        ("--time-limit", "soon", "must be from 0 to 10000000 seconds, is 'soon'"),
        ("--time-limit", "nan", "must be from 0 to 10000000 seconds, is 'nan'"),
    ],
)
def test_a_wrong_number_is_answered_with_what_may_stand_there(
    option: str, value: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["solve", "x", option, value])
    assert message in capsys.readouterr().err


def test_pins_that_cannot_be_kept_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = problem_to_json(problem([coordinator(languages=frozenset())], [request()]))
    document["pins"] = [{"coordinator": "C0", "window": "R0.0"}]
    path = tmp_path / "pinned.json"
    path.write_text(json.dumps(document))
    assert run("solve", path, "--out", tmp_path / "plan.json") == Exit.NO_PLAN
    assert "C0 does not speak en" in capsys.readouterr().out
    assert json.loads((tmp_path / "plan.json").read_text())["status"] == "infeasible"


@pytest.mark.parametrize(
    "arguments", [["solve"], ["solve", "x", "--workers", "0"], ["solve", "x", "--time-limit", "-1"], ["nonsense"], []]
)
def test_wrong_usage_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == Exit.USAGE
    assert "usage" in capsys.readouterr().err


def start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "matching", *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def long_file(tmp_path: Path) -> Path:
    """A task problem that takes far longer than the tests wait."""
    spans = tuple((k % 40, k % 40 + 3 + k % 5) for k in range(400))
    able = tuple(frozenset(t for t in range(400) if (t * 7 + p * 13) % 3 == 0) for p in range(90))
    path = tmp_path / "long.dat"
    path.write_text(smptsp_file(Tasks(spans, able)))
    return path


def test_progress_lines_end_with_the_plan(week_file: Path) -> None:
    child = start("solve", week_file, "--progress-jsonl", "--follow-stdin", "--time-limit", 10)
    assert child.stdout is not None
    lines = [json.loads(line) for line in child.stdout]
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait(30) == Exit.OK
    child.stdout.close()
    assert child.stderr is not None
    assert child.stderr.read() == ""
    child.stderr.close()
    assert [line["event"] for line in lines[:-1]] == ["progress"] * (len(lines) - 1)
    assert {"phase", "seconds", "objective", "bound", "gap"} <= set(lines[0])
    assert lines[-1]["event"] == "done"
    assert plan_from_json(lines[-1]["solution"]).status.value == "optimal"


def test_it_dies_with_the_one_who_started_it(long_file: Path) -> None:
    child = start("solve", long_file, "--format", "smptsp", "--progress-jsonl", "--follow-stdin", "--time-limit", 600)
    assert child.stdout is not None
    assert child.stdin is not None
    assert json.loads(child.stdout.readline())["event"] == "progress"
    child.stdin.close()
    assert child.wait(30) == Exit.PARENT_GONE
    child.stdout.close()
    assert child.stderr is not None
    child.stderr.close()


def test_an_interrupt_ends_with_the_best_plan(long_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "plan.json"
    child = start("solve", long_file, "--format", "smptsp", "--progress-jsonl", "--time-limit", 600, "--out", out)
    assert child.stdout is not None
    while json.loads(child.stdout.readline())["objective"] is None:
        pass
    child.send_signal(signal.SIGINT)
    _printed, errors = child.communicate(timeout=60)
    assert child.returncode == Exit.OK, errors
    tasks = read_smptsp(long_file.read_text())
    assert verify_tasks(tasks, plan_from_json(json.loads(out.read_text()))) == ()


def test_following_standard_input_needs_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("solve", "-", "--follow-stdin") == Exit.USAGE
    assert "--follow-stdin" in capsys.readouterr().err
