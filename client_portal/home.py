"""The facility's first page: am I covered today, what needs me."""

from typing import Any

HANDLERS: list[Any] = []
