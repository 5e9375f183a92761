"""Planning: run the solver, watch it, read its proposal, apply it."""

from typing import Any

HANDLERS: list[Any] = []
