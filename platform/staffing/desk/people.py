"""Who can sign in, and inviting more."""

from typing import Any

HANDLERS: list[Any] = []
