"""The requests board: what is open, what is covered, what blocks."""

from typing import Any

HANDLERS: list[Any] = []
