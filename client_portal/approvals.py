"""Approving and disputing recorded work."""

from typing import Any

HANDLERS: list[Any] = []
