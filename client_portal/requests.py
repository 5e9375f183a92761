"""Asking for relief and following a request."""

from typing import Any

HANDLERS: list[Any] = []
