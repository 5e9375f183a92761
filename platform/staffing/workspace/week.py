"""The week: what is recorded, what is missing, submitting it."""

from typing import Any

HANDLERS: list[Any] = []
