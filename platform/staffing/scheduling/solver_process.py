"""The solver at work in a process of its own: started, watched, stopped, killed.

The child reads a problem file and writes a plan file; its progress comes line by line on its standard output. Our end of
its standard input stays open for as long as we live: when this process dies, even by `kill -9`, the child sees the end of
that pipe and ends as well.
"""

import asyncio
import json
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import Enum
from pathlib import Path

from matching.formats import InputErrors, plan_from_json, problem_to_json
from matching.problem import Problem
from matching.solution import Progress, Solution
from staffing.scheduling.errors import SearchFailed

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 0.5
OVERTIME_SECONDS = 20
"""A solver that is still busy this long after its time limit is killed."""
LONGEST_LINE = 1 << 26
"""The child's last line is the whole plan."""
_PASSED_ON = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TMPDIR", "HOME", "VIRTUAL_ENV", "SYSTEMROOT")
"""The child needs no secrets, so it gets none."""


class Verdict(Enum):
    """What to do next, asked twice a second."""

    GO_ON = "go on"
    STOP = "stop"
    """The best plan so far is good enough."""
    ABANDON = "abandon"
    """Nobody wants the plan any more."""


class Abandoned(Exception):
    """The search was ended before its plan was wanted."""


Look = Callable[[Progress | None], Awaitable[Verdict]]


async def solve(problem: Problem, *, seconds: float, folder: Path, look: Look) -> Solution:
    """The best plan found within `seconds`. `look` is told the latest progress twice a second and decides what happens.

    Raises `SearchFailed` when the solver ends without a plan, `Abandoned` when `look` says so.
    """
    problem_file, plan_file = folder / "problem.json", folder / "plan.json"
    problem_file.write_text(json.dumps(problem_to_json(problem)))
    plan_file.unlink(missing_ok=True)
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "matching", "solve", str(problem_file), "--out", str(plan_file)),
        *("--time-limit", str(max(1, round(seconds))), "--progress-jsonl", "--follow-stdin"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
        cwd=folder,
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
    )
    try:
        complaint = await _watch(child, seconds, look)
    finally:
        await _end(child)
    if child.returncode != 0 or not plan_file.exists():
        raise SearchFailed(f"the solver ended with {child.returncode}: {complaint}")
    try:
        return plan_from_json(json.loads(plan_file.read_text()))
    except (InputErrors, ValueError) as fault:
        raise SearchFailed(f"the solver wrote no plan: {fault}") from fault


async def _watch(child: asyncio.subprocess.Process, seconds: float, look: Look) -> str:
    """Follow the child to its end. Returns what it complained about."""
    latest = _Latest()
    readers = [asyncio.create_task(latest.follow(child)), asyncio.create_task(_complaint(child))]
    deadline = asyncio.get_running_loop().time() + seconds + OVERTIME_SECONDS
    ended = asyncio.create_task(child.wait())
    stopping = False
    try:
        while not ended.done():
            verdict = await look(latest.progress)
            if verdict is Verdict.ABANDON:
                raise Abandoned
            # Before its first word the child would not know what the signal means.
            if verdict is Verdict.STOP and not stopping and latest.progress is not None:
                stopping = True
                _ask_to_stop(child)
            if asyncio.get_running_loop().time() > deadline:
                raise SearchFailed(f"the solver overran its {seconds:.0f} seconds and was ended")
            await asyncio.wait({ended}, timeout=LOOK_EVERY_SECONDS)
        _, complaint = await asyncio.gather(*readers)
        await look(latest.progress)
        return str(complaint)
    finally:
        for task in (ended, *readers):
            task.cancel()


class _Latest:
    """The last progress that the child reported."""

    def __init__(self) -> None:
        self.progress: Progress | None = None

    async def follow(self, child: asyncio.subprocess.Process) -> None:
        assert child.stdout is not None
        async for line in child.stdout:
            with suppress(ValueError, TypeError, KeyError):
                said = json.loads(line)
                self.progress = Progress(
                    phase=str(said["phase"]),
                    seconds=float(said["seconds"]),
                    objective=None if said.get("objective") is None else int(said["objective"]),
                    bound=None if said.get("bound") is None else int(said["bound"]),
                )


async def _complaint(child: asyncio.subprocess.Process) -> str:
    assert child.stderr is not None
    return (await child.stderr.read()).decode(errors="replace").strip()[-500:]


def _ask_to_stop(child: asyncio.subprocess.Process) -> None:
    """The child writes down the best plan so far and ends."""
    with suppress(ProcessLookupError):
        child.terminate()


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        with suppress(ProcessLookupError):
            child.kill()
    with suppress(ConnectionError):
        await child.communicate()
