"""Naming the facility's clock beside its times."""

from collections.abc import Iterable
from datetime import datetime

from staffing.web.formatting import zone_label


def zone_words(zone: str, instants: Iterable[datetime]) -> str:
    """What a zone is called at these instants: `EST`, or `EST, EDT` where the clocks change between them."""
    return ", ".join(dict.fromkeys(zone_label(zone, instant) for instant in instants))
