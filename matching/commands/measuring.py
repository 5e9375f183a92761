"""A search in a process of its own, measured from outside: when its first plan came, when it was within 1 % of its last,
and the most memory it and its processes held at once."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from matching.formats import InputErrors, plan_from_json
from matching.solution import Solution

_LOOK_EVERY = 0.05
NEAR = 0.01
"""Within this share of the last objective a plan counts as near it."""


@dataclass(slots=True)
class Measured:
    """What one search did. Seconds are wall time since its process was started, imports included; `moments` are
    (seconds, objective) of every better plan. `fault` says why there is no plan."""

    plan: Solution | None = None
    seconds: float = 0.0
    peak_bytes: int = 0
    moments: list[tuple[float, int]] = field(default_factory=list)
    fault: str = ""

    @property
    def first_plan(self) -> float | None:
        """Seconds to the first plan."""
        return self.moments[0][0] if self.moments else None

    def near(self, objective: int) -> float | None:
        """Seconds until the plan was within 1 % of the given objective."""
        room = NEAR * max(1, abs(objective))
        return next((seconds for seconds, found in self.moments if abs(found - objective) <= room), None)


def solve_measured(file: Path, options: Sequence[str], limit: float) -> Measured:
    """Runs `python -m matching solve` on a file with further options; see `run_measured`."""
    return run_measured([sys.executable, "-m", "matching", "solve", str(file), "--progress-jsonl", *options], limit)


def run_measured(command: Sequence[str], limit: float) -> Measured:
    """Runs a command that prints one JSON object a line, `{"event": "progress", "objective": …}` and at the end
    `{"event": "done", "solution": …}`. It is killed, with all its processes, when it takes longer than `limit` seconds."""
    measured = Measured()
    started = time.monotonic()
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, stdin=nothing, stdout=pipe, stderr=pipe, text=True) as child:  # noqa: S603 - our own command
        over = threading.Event()
        watcher = threading.Thread(target=_watch, args=(child.pid, started + limit, over, measured), daemon=True)
        watcher.start()
        errors: list[str] = []
        assert child.stderr is not None
        reader = threading.Thread(target=lambda: errors.extend(child.stderr or ()), daemon=True)
        reader.start()
        try:
            assert child.stdout is not None
            for line in child.stdout:
                _take(line, time.monotonic() - started, measured)
            child.wait()
        finally:
            over.set()
            watcher.join()
            if child.poll() is None:  # not waited for yet, so the number is still its own
                _end(child.pid)
        reader.join()
    measured.seconds = time.monotonic() - started
    if measured.plan is None and not measured.fault:
        measured.fault = errors[-1].strip() if errors else f"ended with {child.returncode}"
    return measured


def _take(line: str, seconds: float, measured: Measured) -> None:
    try:
        entry: dict[str, Any] = json.loads(line)
        if entry["event"] == "done":
            plan = plan_from_json(entry["solution"])
            measured.plan = plan
            objective: int | None = plan.objective if plan.assignments else None
        else:
            objective = entry["objective"]
    except (ValueError, KeyError, TypeError, InputErrors):
        return
    if objective is not None and (not measured.moments or measured.moments[-1][1] != objective):
        measured.moments.append((seconds, objective))


def _watch(pid: int, until: float, over: threading.Event, measured: Measured) -> None:
    """Adds up the memory of the process and all below it until it is over, and ends them when it takes too long."""
    while not over.wait(_LOOK_EVERY):
        total = 0
        for process in _family(pid):
            with suppress(psutil.Error):
                total += process.memory_info().rss
        measured.peak_bytes = max(measured.peak_bytes, total)
        if time.monotonic() > until:
            measured.fault = "took too long and was ended"
            _end(pid)
            return


def _family(pid: int) -> list[Any]:
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def _end(pid: int) -> None:
    for process in reversed(_family(pid)):
        with suppress(psutil.Error):
            process.kill()
