"""A patient as the coordinator needs to see them."""

from typing import Any

HANDLERS: list[Any] = []
