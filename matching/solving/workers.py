"""Solving processes: each is started fresh, does one task at a time, and dies with the process that started it.
 A task is the name of a function, `package.module:function`, and picklable values; the function gets what was shared
with the process first, then the task's own values. CP-SAT and HiGHS cannot be loaded into one process, so a pool serves
one of them."""

from __future__ import annotations

import pickle
import struct
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, Any, NamedTuple

_LENGTH = struct.Struct(">Q")


class WorkerDied(RuntimeError):
    """A solving process ended by itself, or a task in it failed."""


class Task(NamedTuple):
    """A function by name and its own values; `key` comes back with the result."""

    key: object
    function: str
    values: tuple[Any, ...]


class Done(NamedTuple):
    """The result of a task."""

    key: object
    result: Any


def send(stream: IO[bytes], message: object) -> None:
    """Writes one message."""
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Reads one message. Raises EOFError when the other side is gone."""
    header = stream.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(header)
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return pickle.loads(data)  # noqa: S301 - from our own process


class _Process:
    """One solving process with the thread that feeds it."""

    def __init__(self, shared: bytes, tasks: SimpleQueue[Task | None], results: SimpleQueue[Done | WorkerDied]) -> None:
        self.child = subprocess.Popen(
            [sys.executable, "-m", "matching.solving.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._shared, self._tasks, self._results = shared, tasks, results
        self._thread = Thread(target=self._feed, daemon=True)
        self._thread.start()

    def _feed(self) -> None:
        child = self.child
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(_LENGTH.pack(len(self._shared)))
            child.stdin.write(self._shared)
            child.stdin.flush()
            while (task := self._tasks.get()) is not None:
                send(child.stdin, task)
                ok, result = receive(child.stdout)
                self._results.put(Done(task.key, result) if ok else WorkerDied(result))
        except (EOFError, OSError, ValueError):
            self._results.put(WorkerDied("a solving process ended unexpectedly"))

    def end(self) -> None:
        """Ends the process at once."""
        self.child.kill()
        self.child.wait()
        self._thread.join(timeout=5)
        for stream in (self.child.stdin, self.child.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()


class Workers:
    """A pool of solving processes. Use as a context manager: leaving it ends them."""

    def __init__(self, count: int, shared: object) -> None:
        self.count = count
        self.waiting = 0
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._results: SimpleQueue[Done | WorkerDied] = SimpleQueue()
        data = pickle.dumps(shared, protocol=pickle.HIGHEST_PROTOCOL)
        self._processes = [_Process(data, self._tasks, self._results) for _ in range(count)]

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_exc: object) -> None:
        for _ in self._processes:
            self._tasks.put(None)
        for process in self._processes:
            process.end()

    def start(self, task: Task) -> None:
        """Queues a task."""
        self.waiting += 1
        self._tasks.put(task)

    def finished(self, seconds: float | None) -> Done | None:
        """The next finished task, waiting for it at most so long. Raises WorkerDied."""
        try:
            done = self._results.get(timeout=None if seconds is None else max(0.001, seconds))
        except Empty:
            return None
        self.waiting -= 1
        if isinstance(done, WorkerDied):
            raise done
        return done


def run_here(shared: object, tasks: Iterable[Task]) -> Iterator[Done]:
    """Runs the tasks in this process, one after the other."""
    for task in tasks:
        yield Done(task.key, resolve(task.function)(shared, *task.values))


def resolve(name: str) -> Any:
    """The function behind `package.module:function`; only this package's."""
    from importlib import import_module

    module, _, function = name.partition(":")
    if not module.startswith("matching."):
        raise ValueError(f"not a function of this package: {name}")
    return getattr(import_module(module), function)
