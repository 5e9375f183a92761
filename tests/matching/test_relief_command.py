"""`python -m matching relief`: what it prints, writes and answers."""

import json
from pathlib import Path

import pytest
from support.planning import coordinator, problem, request

from matching.commands.cli import Exit, main
from matching.formats import plan_from_json, plan_to_json, problem_from_json, problem_to_json
from matching.problem import Assignment, Problem
from matching.relief import CallOff, relief_options
from matching.solution import Solution, Status
from matching.verify import objective_of, verify_plan


def made() -> tuple[Problem, Solution]:
    """C0 has R0 and R2; C1 could take R0 by giving R1 up to C2; nobody speaks what R2 asks for."""
    speaks = {"languages": frozenset({"en", "es"})}
    week = problem(
        [
            coordinator("C0", **speaks),
            coordinator("C1", services={"prior-auth": 3, "intake": 3}),
            coordinator("C2", services={"intake": 3}),
        ],
        [
            request("R0", priority=5),
            request("R1", ((10, 13),), service="intake", time_zone="America/New_York"),
            request("R2", ((33, 36),), language="es"),
        ],
    )
    assigned = (Assignment("C0", "R0.0"), Assignment("C0", "R2.0"), Assignment("C1", "R1.0"))
    return week, Solution(
        assignments=assigned, objective=objective_of(week, assigned), bound=None, status=Status.FEASIBLE, seconds=0.0
    )


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    week, plan = made()
    (tmp_path / "week.json").write_text(json.dumps(problem_to_json(week)))
    (tmp_path / "plan.json").write_text(json.dumps(plan_to_json(plan)))
    return [str(tmp_path / "week.json"), str(tmp_path / "plan.json")]


def run(*arguments: object) -> int:
    return main(["relief", *(str(argument) for argument in arguments)])


def test_a_table_for_people(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*files, "--call-off", "C0") == Exit.OK
    printed = capsys.readouterr().out
    for words in (
        "C0 calls off: 2 windows lost",
        "That is 6 h. Changing an assignment of somebody else costs 400 points.",
        "B  helpers may move",
        "C1 takes R0.0 and gives up R1.0; 3 h → 3 h",
        "1  R0.0 of R0 at F0, priority 5",
        "nobody: it stays open",
        "2  R2.0 of R2",
        "left who: speaks the language asked for",
        "nearest fix: Let C1 work in es",
    ):
        assert words in printed
    assert "A  nobody disturbed" not in printed


def test_json_for_programs(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*files, "--call-off", "C0", "--from", "2026-03-02T03:00-06:00", "--json") == Exit.OK
    document = json.loads(capsys.readouterr().out)
    assert document["format"] == "relief-options/1"
    assert document["call_off"] == {"coordinator": "C0", "from": "2026-03-02T09:00:00Z", "until": None}
    assert [item["windows"] for item in document["items"]] == [["R0.0"], ["R2.0"]]
    first = document["items"][0]["options"][0]
    assert (first["kind"], first["people"]) == ("chain", ["C1", "C2"])
    assert document["items"][1]["options"] == []
    assert document["items"][1]["unrelieved"][0]["funnel"][0] == ["everybody", 3]
    week, plan = made()
    assert first["effect"] == relief_options(week, plan, CallOff("C0")).items[0].options[0].effect


def test_what_began_stays(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*files, "--call-off", "C0", "--from", "2026-03-02T10:00Z", "--until", "2026-03-03T00:00Z") == Exit.OK
    printed = capsys.readouterr().out
    assert "nothing is lost" in printed
    assert "R0.0 has begun: it stays with C0" in printed


def test_one_window_alone(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*files, "--call-off", "C0", "--window", "R0.0", "--json", "--options", 1) == Exit.OK
    (item,) = json.loads(capsys.readouterr().out)["items"]
    assert item["windows"] == ["R0.0"]
    assert len(item["options"]) == 1
    assert item["possible"] == {"direct": 0, "chain": 1, "trade": 1}


@pytest.mark.parametrize(("name", "people"), [("1.1", {"C1", "C2"}), ("b", {"C1", "C2"}), ("1.2", {"C1"})])
def test_an_option_taken_is_a_plan(files: list[str], tmp_path: Path, name: str, people: set[str]) -> None:
    out, after = tmp_path / "new.json", tmp_path / "after.json"
    assert run(*files, "--call-off", "C0", "--take", name, "--out", out, "--problem-out", after) == Exit.OK
    plan = plan_from_json(json.loads(out.read_text()))
    assert verify_plan(problem_from_json(json.loads(after.read_text())), plan) == ()
    assert {entry.coordinator for entry in plan.assignments} == people
    assert main(["verify", str(after), str(out)]) == Exit.OK


def test_planning_again_near_the_running_plan(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, after = tmp_path / "new.json", tmp_path / "after.json"
    arguments = ("--call-off", "C0", "--replan", 10, "--out", out, "--problem-out", after)
    assert run(*files, *arguments) == Exit.OK
    assert "2 assignments new, 1 given up" in capsys.readouterr().out
    plan = plan_from_json(json.loads(out.read_text()))
    assert plan.status is Status.OPTIMAL
    assert main(["verify", str(after), str(out)]) == Exit.OK


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (("--call-off", "C9"), Exit.BAD_INPUT, "there is no coordinator 'C9'"),
        (("--call-off", "C0", "--from", "2026-03-02T09:00"), Exit.USAGE, "has no time zone: add Z or an offset"),
        (("--call-off", "C0", "--from", "soon"), Exit.USAGE, "--from: 'soon' is not an instant"),
        (("--call-off", "C0", "--from", "2026-03-03T00:00Z", "--until", "2026-03-02T00:00Z"), Exit.BAD_INPUT, "ends before"),
        (("--call-off", "C0", "--window", "R1.0"), Exit.BAD_INPUT, "window 'R1.0' is not lost"),
        (("--call-off", "C0", "--window", "R9"), Exit.BAD_INPUT, "there is no window 'R9'"),
        (("--call-off", "C0", "--take", "A", "--out", "x"), Exit.BAD_INPUT, "there is no option 'A'; there are B, 1.1, 1.2"),
        (("--call-off", "C0", "--take", "B"), Exit.USAGE, "--out goes with"),
        (("--call-off", "C0", "--out", "x"), Exit.USAGE, "--out goes with"),
        (("--call-off", "C0", "--take", "B", "--replan", "1", "--out", "x"), Exit.USAGE, "ask for one"),
        (("--call-off", "C0", "--take", "B", "--out", "/no/such/place/x"), Exit.WRITE_FAILED, "cannot be written"),
    ],
)
def test_what_is_wrong_is_one_line(
    files: list[str], arguments: tuple[str, ...], code: Exit, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*files, *arguments) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert line in captured.err


def test_broken_files_are_told(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "none", files[1], "--call-off", "C0") == Exit.BAD_INPUT
    assert len(capsys.readouterr().err.splitlines()) == 1
    broken = json.loads(Path(files[1]).read_text())
    broken["assignments"].append({"coordinator": "C2", "window": "R0.0"})
    Path(files[1]).write_text(json.dumps(broken))
    assert run(*files, "--call-off", "C0") == Exit.VIOLATIONS
    assert capsys.readouterr().err == "the plan breaks a rule (service): C2 does not offer prior-auth\n"
    Path(files[1]).write_text("{")
    assert run(*files, "--call-off", "C0") == Exit.BAD_INPUT
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert run("-", "-", "--call-off", "C0") == Exit.USAGE
