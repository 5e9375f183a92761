"""`python -m matching` as a process: public formats, invented weeks, benches, and what does not go as it should."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.planning import week

from matching.commands.cli import main
from matching.commands.exits import Exit
from matching.commands.kinds import kind_of
from matching.commands.measuring import run_measured
from matching.formats import check_problem, plan_from_json, problem_from_json, problem_to_json

GAP = "2 3\n 5 1 4\n 2 6 3\n 2 2 2\n 3 1 2\n 4 3\n"
TASKS = "# comment\nType = 1\nJobs = 3\n 0 5\n 3 8\n 5 9\nQualifications = 2\n 2: 0 2\n 3: 0 1 2\n"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "matching", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_public_formats_are_told_by_their_content_and_verified(tmp_path: Path) -> None:
    for name, text, unit, best in (("gap", GAP, "cost", 7), ("smptsp", TASKS, "people", 2)):
        problem, plan = tmp_path / name, tmp_path / f"{name}.json"
        problem.write_text(text)
        solved = run("solve", problem, "--time-limit", 20, "--out", plan)
        assert (solved.returncode, solved.stderr) == (Exit.OK, "")
        assert f"objective  {best} {unit}" in solved.stdout
        assert "status     optimal" in solved.stdout
        assert run("verify", problem, plan).returncode == Exit.OK
        assert run("verify", problem, plan, "--format", name).returncode == Exit.OK
        spoiled = json.loads(plan.read_text())
        spoiled["assignments"].pop()
        plan.write_text(json.dumps(spoiled))
        assert run("verify", problem, plan).returncode == Exit.VIOLATIONS


def test_a_problem_of_several_is_chosen(tmp_path: Path) -> None:
    both = tmp_path / "both"
    both.write_text("2\n" + GAP + GAP.replace("5 1 4", "0 0 0"))
    asked = run("solve", both)
    assert asked.returncode == Exit.BAD_INPUT
    assert "holds 2 problems; choose one with --instance" in asked.stderr
    assert "there is none of number 3" in run("solve", both, "--instance", 3).stderr
    assert "objective  2 cost" in run("solve", both, "--instance", 2, "--time-limit", 20).stdout


def test_no_plan_is_said(tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.write_text("1 2\n1 1\n5 5\n9\n")
    answer = run("solve", full, "--time-limit", 20)
    assert answer.returncode == Exit.NO_PLAN
    assert "no room for all jobs" in answer.stdout


def test_kinds_are_told_apart() -> None:
    assert kind_of(GAP).name == "gap"
    assert kind_of(TASKS).name == "smptsp"
    for text in ("", "{}", "word", "[1, 2]"):
        assert kind_of(text).name == "relief-week"


def test_an_invented_week_is_the_same_again_and_can_be_solved(tmp_path: Path) -> None:
    made = tmp_path / "week.json"
    arguments = ("generate", "--coordinators", 8, "--requests", 12, "--seed", 5, "--weeks", 2)
    assert run(*arguments, "--out", made).returncode == Exit.OK
    assert run(*arguments).stdout == made.read_text()
    assert check_problem(problem_from_json(json.loads(made.read_text()))) == ()
    assert run("solve", made, "--time-limit", 5).returncode == Exit.OK
    assert (
        run("generate", "--coordinators", 1, "--requests", 1, "--out", tmp_path / "no" / "where").returncode == Exit.WRITE_FAILED
    )
    for wrong in (("--requests", 1), ("--coordinators", -1, "--requests", 1), ("--coordinators", 1, "--requests", "many")):
        assert run("generate", *wrong).returncode == Exit.USAGE


def test_bench_compares_with_the_best_known(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "gap").write_text(GAP)
    (folder / "tasks.dat").write_text(TASKS)
    (folder / "week.json").write_text(json.dumps(problem_to_json(week(3, people=3, requests=4))))
    (folder / "best_known.csv").write_text("file,best_lower,best_upper\nset/gap,7,7\nset/tasks.dat,1,1\n")
    printed = run("bench", folder, "--time-limit", 20, "--json")
    assert printed.returncode == Exit.OK, printed.stderr
    rows = {row["file"]: row for row in map(json.loads, printed.stdout.splitlines())}
    assert rows["gap"]["note"] == "best known"
    assert rows["tasks.dat"]["note"] == "100.000% worse than the best known"
    assert (rows["week.json"]["least"], rows["week.json"]["note"]) == (None, "")
    for row in rows.values():
        assert row["objective"] == row["bound"]
        assert 0 < row["first_plan_seconds"] <= row["near_final_seconds"] <= row["seconds"]
        assert row["peak_bytes"] > 10 * 2**20
    table = run("bench", folder, "--time-limit", 20).stdout.splitlines()
    assert table[0].split()[:4] == ["file", "objective", "bound", "gap"]
    assert len(table) == 4


def test_bench_goes_on_past_a_broken_file(tmp_path: Path) -> None:
    (tmp_path / "broken").write_text("{")
    (tmp_path / "gap").write_text(GAP)
    printed = run("bench", tmp_path, "--time-limit", 20)
    assert printed.returncode == Exit.BAD_INPUT
    assert "is not JSON" in printed.stdout
    assert "the best known" not in printed.stdout
    assert "Traceback" not in printed.stderr
    for place in (tmp_path / "missing", tmp_path / "gap"):
        answer = run("bench", place)
        assert (answer.returncode, "Traceback" in answer.stderr) == (Exit.BAD_INPUT, False)
    assert run("bench", tmp_path, "--best-known", tmp_path / "none.csv").returncode == Exit.BAD_INPUT


def test_a_search_that_takes_too_long_is_ended_and_measured() -> None:
    code = (
        "import json, time; print(json.dumps({'event': 'progress', 'objective': 7}), flush=True); "
        "print('noise', flush=True); time.sleep(60)"
    )
    measured = run_measured([sys.executable, "-c", code], 1.0)
    assert measured.fault == "took too long and was ended"
    assert [objective for _, objective in measured.moments] == [7]
    assert measured.plan is None
    assert measured.peak_bytes > 2**20


def test_a_live_line_on_a_terminal_is_written_over_and_cleared(tmp_path: Path) -> None:
    path = tmp_path / "gap"
    path.write_text(GAP)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "matching", "solve", str(path), "--time-limit", "20", "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, timeout=60, check=True)
    os.close(theirs)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert "\r" in shown
    assert "pricing room" in shown
    assert shown.endswith("\r")
    assert all(len(line) < 80 for line in shown.split("\r"))
    assert plan_from_json(json.loads(done.stdout)).objective == 7


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    command = f"{sys.executable} -m matching generate --coordinators 300 --requests 300 | head -c 10"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["gap", "smptsp"])
def test_an_interrupt_keeps_the_best_plan_of_public_problems(name: str, tmp_path: Path) -> None:
    path, out = tmp_path / name, tmp_path / "plan.json"
    if name == "gap":
        rows = [[5, 60], *([(a * 31 + j * 17) % 97 + 5 for j in range(60)] for a in range(10)), [640] * 5]
        path.write_text("\n".join(" ".join(map(str, row)) for row in rows))
    else:
        spans = [f"{k % 40} {k % 40 + 3 + k % 5}" for k in range(400)]
        able = [[t for t in range(400) if (t * 7 + p * 13) % 3 == 0] for p in range(90)]
        lines = [f"{len(tasks)}: {' '.join(map(str, tasks))}" for tasks in able]
        path.write_text("\n".join(["Type = 1", "Jobs = 400", *spans, "Qualifications = 90", *lines]))
    command = [sys.executable, "-m", "matching", "solve", str(path), "--progress-jsonl", "--time-limit", "600", "--out", str(out)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for line in child.stdout:
        event = json.loads(line)
        if event["event"] == "done" or event["objective"] is not None:
            break
    child.send_signal(signal.SIGINT)
    _printed, errors = child.communicate(timeout=60)
    assert child.returncode == Exit.OK, errors
    assert run("verify", path, out).returncode == Exit.OK


def test_help_names_the_exit_codes_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], *([name] for name in ("solve", "verify", "explain", "relief", "generate", "bench"))):
        with pytest.raises(SystemExit):
            main([*arguments, "--help"])
        assert "6 the result cannot be written" in " ".join(capsys.readouterr().out.split())
