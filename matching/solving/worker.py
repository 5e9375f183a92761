"""A solving process: `python -m matching.solving.worker`, started by `matching.solving.workers` and spoken to over its standard
streams."""

from __future__ import annotations

import os
import signal
import sys
from queue import SimpleQueue
from threading import Thread
from typing import IO, Any

from matching.solving.workers import Task, receive, resolve, send


def main() -> None:
    """Does tasks until the other side is gone; then ends at once, even in the middle of a task."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one decides what an interrupt means
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a solver prints must not get between the messages
    inbox: SimpleQueue[Any] = SimpleQueue()
    Thread(target=_listen, args=(sys.stdin.buffer, inbox), daemon=True).start()
    shared = inbox.get()
    while True:
        task: Task = inbox.get()
        try:
            reply = (True, resolve(task.function)(shared, *task.values))
        except Exception as error:  # noqa: BLE001 - whatever went wrong is reported to the other side
            reply = (False, f"{type(error).__name__}: {error}")
        try:
            send(replies, reply)
        except OSError:
            os._exit(0)


def _listen(stream: IO[bytes], inbox: SimpleQueue[Any]) -> None:
    try:
        while True:
            inbox.put(receive(stream))
    except (EOFError, OSError):
        os._exit(0)


if __name__ == "__main__":
    main()
