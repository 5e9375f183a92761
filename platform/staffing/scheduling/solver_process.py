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
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Any

from matching.formats import InputErrors, plan_from_json, plan_to_json, problem_to_json
from matching.problem import Assignment, Problem
from matching.relief import CallOff
from matching.solution import Progress, Solution, Status
from matching.verify import objective_of
from staffing.scheduling.errors import SearchFailed

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 0.5
RELIEF_SECONDS = 60
"""A search for relief takes about a second; after this long it is ended."""
OVERTIME_SECONDS = 20
"""A solver that is still busy this long after its time limit is killed."""
LONGEST_LINE = 1 << 26
"""The child's last line is the whole plan."""
_PASSED_ON = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TMPDIR", "HOME", "VIRTUAL_ENV", "SYSTEMROOT")
"""The child needs no secrets, so it gets none."""


class Stopping(asyncio.Event):
    """Set when the worker is told to end: a search under way ends at its next look."""


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
Hear = Callable[[Mapping[str, Any]], None]
ALONE, TOGETHER = "matching", "staffing.scheduling.solving_together"


async def solve(
    problem: Problem, *, seconds: float, folder: Path, look: Look, helpers: int = 0, hear: Hear | None = None
) -> Solution:
    """The best plan found within `seconds`. `look` is told the latest progress twice a second and decides what happens.
    With `helpers` the solver offers pieces to others; `hear` is told about them (see `pieces`).

    Raises `SearchFailed` when the solver ends without a plan, `Abandoned` when `look` says so.
    """
    problem_file, plan_file = folder / "problem.json", folder / "plan.json"
    problem_file.write_text(json.dumps(problem_to_json(problem)))
    plan_file.unlink(missing_ok=True)
    files, limit = (str(problem_file), "--out", str(plan_file)), ("--time-limit", str(max(1, round(seconds))))
    if helpers:
        child = await _start(folder, TOGETHER, *files, *limit, f"--helpers={helpers}")
    else:
        child = await _start(folder, ALONE, "solve", *files, *limit, "--progress-jsonl", "--follow-stdin")
    try:
        complaint = await _watch(child, seconds, look, hear)
    finally:
        await _end(child)
    if child.returncode != 0 or not plan_file.exists():
        raise SearchFailed(f"the solver ended with {child.returncode}: {complaint}")
    try:
        return plan_from_json(json.loads(plan_file.read_text()))
    except (InputErrors, ValueError) as fault:
        raise SearchFailed(f"the solver wrote no plan: {fault}") from fault


async def relieve(
    problem: Problem, running: Collection[Assignment], away: CallOff, *, folder: Path, stopping: asyncio.Event
) -> dict[str, Any]:
    """What can be done after a call-off, as a document of the format `relief-options/1`.

    Raises `SearchFailed` when there is no answer in `RELIEF_SECONDS`, `Abandoned` when `stopping` is set first.
    """
    problem_file, plan_file = folder / "problem.json", folder / "running.json"
    plan = Solution(
        assignments=tuple(sorted(running)),
        objective=objective_of(problem, running),
        bound=None,
        status=Status.FEASIBLE,
        seconds=0.0,
    )
    problem_file.write_text(json.dumps(problem_to_json(problem)))
    plan_file.write_text(json.dumps(plan_to_json(plan)))
    span = [f"--from={away.from_instant.isoformat()}"] if away.from_instant else []
    span += [f"--until={away.until_instant.isoformat()}"] if away.until_instant else []
    who = f"--call-off={away.coordinator}"
    child = await _start(folder, ALONE, "relief", str(problem_file), str(plan_file), who, *span, "--options=8", "--json")
    answer, told = asyncio.create_task(child.communicate()), asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({answer, told}, timeout=RELIEF_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise Abandoned if told.done() else SearchFailed(f"no relief was found in {RELIEF_SECONDS} seconds")
        said, complaint = answer.result()
    finally:
        told.cancel()
        answer.cancel()
        await _end(child)
    if child.returncode != 0:
        raise SearchFailed(f"the search for relief ended with {child.returncode}: {complaint.decode(errors='replace')[-500:]}")
    document: dict[str, Any] = json.loads(said)
    return document


async def _start(folder: Path, module: str, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
        cwd=folder,
        env=environment(),
    )


def environment() -> dict[str, str]:
    """What a solving process is given of our own environment."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


async def _watch(child: asyncio.subprocess.Process, seconds: float, look: Look, hear: Hear | None) -> str:
    """Follow the child to its end. Returns what it complained about."""
    latest = _Latest(hear)
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

    def __init__(self, hear: Hear | None) -> None:
        self.progress: Progress | None = None
        self._hear = hear

    async def follow(self, child: asyncio.subprocess.Process) -> None:
        assert child.stdout is not None
        async for line in child.stdout:
            with suppress(ValueError, TypeError, KeyError):
                said = json.loads(line)
                if said["event"] in ("share", "piece"):
                    if self._hear is not None:
                        self._hear(said)
                    continue
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
