"""Ending a search early: by an interrupt, or because the process that asked for it is gone."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event
from typing import TypeVar

from matching.commands.exits import Exit

T = TypeVar("T")


def interruptible(search: Callable[[], T], stop: Event) -> T:
    """Runs the search so that an interrupt, or a request to end, finishes it with the best plan so far; a second ends at once.

    Python handles signals in the main thread, between two steps: it must not wait inside the solver.
    """

    def ask(number: int, _frame: object) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    before = {int(number): signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with ThreadPoolExecutor(1) as beside:
            found = beside.submit(search)
            while not wait([found], timeout=0.2).done:
                pass
            return found.result()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_with_stdin() -> None:
    """Ends this process, and with it its solving processes, when standard input does."""
    # The descriptor, not `sys.stdin`: a thread that waits inside the buffered reader keeps the interpreter from ending.
    while os.read(0, 1024):
        pass
    os._exit(Exit.PARENT_GONE)
