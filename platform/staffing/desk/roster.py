"""The coordinators, their credentials and their week."""

from typing import Any

HANDLERS: list[Any] = []
