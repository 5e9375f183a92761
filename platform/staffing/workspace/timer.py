"""The timer: start, switch, stop."""

from typing import Any

HANDLERS: list[Any] = []
