"""What other systems send us."""

from typing import Any

HANDLERS: list[Any] = []
