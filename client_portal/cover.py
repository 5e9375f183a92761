"""Who covers what, this week and next."""

from typing import Any

HANDLERS: list[Any] = []
