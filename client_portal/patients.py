"""The facility's patients and what was done for them."""

from typing import Any

HANDLERS: list[Any] = []
