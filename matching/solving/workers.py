"""Solving processes: each is started fresh, does one task at a time, and dies with the process that started it.

A task is the name of a function, `package.module:function`, and picklable values; the function gets what was shared
with the process first, then the task's own values. CP-SAT and HiGHS cannot be loaded into one process, so a pool serves
one of them."""

from __future__ import annotations

import pickle
import struct
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, Any, NamedTuple, Protocol

_LENGTH = struct.Struct(">Q")


class WorkerDied(RuntimeError):
    """A solving process ended by itself, or a task in it failed. `key` is the task's, None when no process is left for it."""

    def __init__(self, message: str, key: object = None) -> None:
        super().__init__(message)
        self.key = key


class Task(NamedTuple):
    """A function by name and its own values; `key` comes back with the result."""

    key: object
    function: str
    values: tuple[Any, ...]


class Done(NamedTuple):
    """The result of a task."""

    key: object
    result: Any


class Executor(Protocol):
    """Where tasks are done: in processes here, in this process, or by job workers on other machines.

    Every task is a plain function of what was shared with the executor and of the task's own values, all of them
    picklable, and may be done anywhere, in any order, also twice. `count` tasks are worth starting at once; `waiting` are
    started and not yet answered."""

    @property
    def count(self) -> int:
        """How many tasks are done at the same time; 0 when nobody is left to do one."""

    @property
    def waiting(self) -> int:
        """How many tasks are under way."""

    def start(self, task: Task) -> None:
        """Takes a task on."""

    def finished(self, seconds: float) -> Done | None:
        """The next finished task, waiting for it at most about so long. Raises WorkerDied when a task will not be
        answered."""


OpenExecutor = Callable[[int, object], AbstractContextManager[Executor]]
"""Makes an executor for so many tasks at once that share a value."""


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
        self.alive = True
        self._thread = Thread(target=self._feed, daemon=True)
        self._thread.start()

    def _feed(self) -> None:
        child = self.child
        assert child.stdin is not None
        assert child.stdout is not None
        task: Task | None = None
        try:
            child.stdin.write(_LENGTH.pack(len(self._shared)))
            child.stdin.write(self._shared)
            child.stdin.flush()
            while (task := self._tasks.get()) is not None:
                send(child.stdin, task)
                ok, result = receive(child.stdout)
                self._results.put(Done(task.key, result) if ok else WorkerDied(result, task.key))
                task = None
        except (EOFError, OSError, ValueError):
            self.alive = False
            self._results.put(WorkerDied("a solving process ended unexpectedly", None if task is None else task.key))

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
    """The usual executor: a pool of solving processes. Use as a context manager: leaving it ends them."""

    def __init__(self, count: int, shared: object) -> None:
        self.waiting = 0
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._results: SimpleQueue[Done | WorkerDied] = SimpleQueue()
        self._shared = pickle.dumps(shared, protocol=pickle.HIGHEST_PROTOCOL)
        self._processes: list[_Process] = []
        self.grow(count)

    def grow(self, count: int) -> None:
        """Starts further processes."""
        self._processes += [_Process(self._shared, self._tasks, self._results) for _ in range(count)]

    @property
    def count(self) -> int:
        """How many processes there are."""
        return sum(process.alive for process in self._processes)

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

    def finished(self, seconds: float) -> Done | None:
        """The next finished task, waiting for it at most so long. Raises WorkerDied."""
        if not self.count and self._results.empty():
            raise WorkerDied("every solving process ended unexpectedly")
        try:
            done = self._results.get(timeout=max(0.001, seconds))
        except Empty:
            return None
        if isinstance(done, WorkerDied):
            self.waiting -= done.key is not None
            raise done
        self.waiting -= 1
        return done


class Here:
    """An executor that does its tasks in this process, each when its result is asked for."""

    count = 1

    def __init__(self, _count: int, shared: object) -> None:
        self._shared = shared
        self._tasks: deque[Task] = deque()

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._tasks.clear()

    @property
    def waiting(self) -> int:
        """How many tasks have not been done."""
        return len(self._tasks)

    def start(self, task: Task) -> None:
        """Queues a task."""
        self._tasks.append(task)

    def finished(self, _seconds: float) -> Done | None:
        """Does the next task. Raises WorkerDied when it fails."""
        if not self._tasks:
            return None
        task = self._tasks.popleft()
        try:
            return Done(task.key, resolve(task.function)(self._shared, *task.values))
        except Exception as error:
            raise WorkerDied(f"{type(error).__name__}: {error}", task.key) from error


def resolve(name: str) -> Any:
    """The function behind `package.module:function`; only this package's."""
    from importlib import import_module

    module, _, function = name.partition(":")
    if not module.startswith("matching."):
        raise ValueError(f"not a function of this package: {name}")
    return getattr(import_module(module), function)
