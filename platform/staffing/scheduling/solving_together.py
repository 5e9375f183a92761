"""The solver's child process when workers on other machines help: `python -m staffing.scheduling.solving_together`.

It solves as the command `solve` does. What its own processes have no hands free for it offers as pieces: a file with the task,
and a line about it on its standard output; the answer comes as a file beside. Whoever started it carries pieces and answers
(see `pieces`). A piece that is not answered in time is done here, and one helper less is counted on.
"""

import argparse
import json
import pickle
import sys
import time
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Any, NamedTuple

from matching.commands.files import read_problem, write_plan
from matching.commands.interrupting import end_with_stdin, interruptible
from matching.solution import Progress, Solution, Status
from matching.solving.solver import solve
from matching.solving.workers import Done, Task, WorkerDied, Workers

PATIENCE_SECONDS = 5.0
"""A piece takes two seconds at most; a helper that needs longer than this has died or is far too busy."""
WAKING_SECONDS = 40.0
"""A helper's first answer may take this long: a process is started, and what it starts from is sent."""
LOOK_EVERY_SECONDS = 0.02


class _Offer(NamedTuple):
    """A piece that is out. `trial`: it is done here as well, and only shows that somebody answers."""

    task: Task
    patience: float
    trial: bool


class Together:
    """An executor: processes here first, then pieces for others, at most `helpers` at once.

    The search waits for all of its lanes, so nobody is counted on before they have answered once: to whoever may be there a
    copy of a task is offered now and then that is done here anyway.
    """

    def __init__(self, count: int, shared: object, *, folder: Path, helpers: int) -> None:
        self._own = Workers(count, shared)
        self._folder, self._helpers = folder, helpers
        self._awake = 0
        self._out: dict[int, _Offer] = {}
        self._number = 0
        _write(folder / "share", pickle.dumps(shared, protocol=pickle.HIGHEST_PROTOCOL))
        _say({"event": "share"})

    def __enter__(self) -> "Together":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        self._own.__exit__(kind, error, where)

    @property
    def count(self) -> int:
        """How many tasks are done at the same time."""
        return self._own.count + self._awake

    @property
    def waiting(self) -> int:
        """How many tasks are under way."""
        return self._own.waiting + self._under_way(trial=False)

    def _under_way(self, *, trial: bool) -> int:
        return sum(offer.trial is trial for offer in self._out.values())

    def start(self, task: Task) -> None:
        """Take a task on: here while there are hands free, else with somebody who has answered before."""
        if self._own.waiting >= self._own.count and self._under_way(trial=False) < self._awake:
            self._offer(task, PATIENCE_SECONDS, trial=False)
            return
        self._own.start(task)
        if self._awake + self._under_way(trial=True) < self._helpers:
            self._offer(task, WAKING_SECONDS, trial=True)

    def _offer(self, task: Task, seconds: float, *, trial: bool) -> None:
        self._number += 1
        _write(self._folder / f"piece-{self._number}", pickle.dumps(task, protocol=pickle.HIGHEST_PROTOCOL))
        self._out[self._number] = _Offer(task, time.monotonic() + seconds, trial)
        _say({"event": "piece", "number": self._number})

    def finished(self, seconds: float) -> Done | None:
        """The next finished task, waiting for it at most about so long. Raises `WorkerDied` for one that failed."""
        until = time.monotonic() + seconds
        while True:
            if (answered := self._answered()) is not None:
                return answered
            left = max(0.0, until - time.monotonic())
            pause = min(LOOK_EVERY_SECONDS, left) if self._out else left
            if self._own.waiting:
                if (found := self._own.finished(pause)) is not None:
                    return found
            else:
                time.sleep(pause)
            if not left:
                return None

    def _answered(self) -> Done | None:
        for number, offer in list(self._out.items()):
            place = self._folder / f"answer-{number}"
            if place.exists():
                del self._out[number]
                worked, result = pickle.loads(place.read_bytes())  # noqa: S301 - signed by a worker of ours, and checked
                place.unlink()
                if offer.trial:
                    self._awake += worked
                elif not worked:
                    raise WorkerDied(str(result), offer.task.key)
                else:
                    return Done(offer.task.key, result)
            elif time.monotonic() > offer.patience:
                del self._out[number]
                if not offer.trial:
                    self._awake = max(0, self._awake - 1)
                    self._own.start(offer.task)
        return None


def _write(place: Path, data: bytes) -> None:
    """Whole or not at all."""
    draft = place.with_suffix(".draft")
    draft.write_bytes(data)
    draft.rename(place)


def _say(event: dict[str, Any]) -> None:
    print(json.dumps(event), flush=True)


def _told(progress: Progress) -> None:
    said = {"phase": progress.phase, "seconds": progress.seconds, "objective": progress.objective, "bound": progress.bound}
    _say({"event": "progress", **said})


def main() -> int:
    """Solve one problem file with the help of others. Exit codes are those of the command `solve`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("problem")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--time-limit", type=float, required=True)
    parser.add_argument("--helpers", type=int, required=True)
    options = parser.parse_args()
    Thread(target=end_with_stdin, daemon=True).start()
    problem, stop = read_problem(options.problem), Event()

    def together(count: int, shared: object) -> Together:
        return Together(count, shared, folder=options.out.parent, helpers=options.helpers)

    def search() -> Solution:
        # Two workers: one process here for the pieces, one for the bound.
        return solve(problem, time_limit=options.time_limit, workers=2, progress=_told, stop=stop, executor=together)

    plan = interruptible(search, stop)
    if not write_plan(options.out, plan):
        return 6
    return 4 if plan.status in (Status.INFEASIBLE, Status.STOPPED) else 0


if __name__ == "__main__":
    sys.exit(main())
