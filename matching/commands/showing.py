"""How a running search is shown: a live line on a terminal, one JSON object a line for a program, or nothing."""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import suppress
from threading import Lock
from typing import Protocol

from matching.solution import Progress


class Show(Protocol):
    """Where progress goes."""

    def progress(self, event: Progress) -> None:
        """Takes an event, from any thread."""

    def line(self, document: dict[str, object]) -> None:
        """Takes one more thing to tell."""

    def close(self) -> None:
        """No more events follow."""


class Silence:
    """Shows nothing."""

    def progress(self, event: Progress) -> None:
        """Nothing."""

    def line(self, document: dict[str, object]) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class JsonLines(Silence):
    """One JSON object a line on standard output, each at once."""

    def __init__(self) -> None:
        self._lock = Lock()

    def progress(self, event: Progress) -> None:
        """Prints `{"event": "progress", …}`."""
        self.line(
            {
                "event": "progress",
                "phase": event.phase,
                "seconds": event.seconds,
                "objective": event.objective,
                "bound": event.bound,
                "gap": None if event.gap is None else round(event.gap, 6),
            }
        )

    def line(self, document: dict[str, object]) -> None:
        """Prints the document."""
        with self._lock:
            print(json.dumps(document), flush=True)


class LiveLine(Silence):
    """One line on the terminal, written over. Never wider than the terminal: a wrapped line could not be written over."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._width = 0

    def progress(self, event: Progress) -> None:
        """Writes over the line."""
        text = f"{event.seconds:7.1f} s  {event.phase}"
        if event.objective is not None:
            text += f"  {event.objective:,}"
        if event.gap is not None:
            text += f"  at most {event.gap:.2%} better"
        text = text[: shutil.get_terminal_size((80, 24)).columns - 1]
        with self._lock:
            self._write("\r" + text.ljust(self._width))
            self._width = len(text)

    def close(self) -> None:
        """Clears the line."""
        with self._lock:
            self._write("\r" + " " * self._width + "\r")
            self._width = 0

    def _write(self, text: str) -> None:
        """Writes; a terminal that is gone ends the showing, not the search."""
        with suppress(OSError, ValueError):
            sys.stderr.write(text)
            sys.stderr.flush()


def show_for(*, json_lines: bool = False) -> Show:
    """JSON lines where wanted, else a live line where standard error is a terminal, else nothing."""
    return JsonLines() if json_lines else LiveLine() if sys.stderr.isatty() else Silence()
