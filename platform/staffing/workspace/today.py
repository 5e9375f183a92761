"""Today across all facilities, in the coordinator's own zone with the facility's beside it."""

from typing import Any

HANDLERS: list[Any] = []
