"""The owner's page: six numbers, and the access log."""

from typing import Any

HANDLERS: list[Any] = []
