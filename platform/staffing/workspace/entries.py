"""One work entry: its note and duty, corrected while it is a draft; entries added by hand."""

from typing import Any

HANDLERS: list[Any] = []
