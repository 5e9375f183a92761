"""Public holidays of the United States and of each state, by the day.

A holiday that falls on a weekend is often kept on the Friday before or the Monday after. Both days count, the day itself
and the day on which it is observed, unless the contract says that only the day itself does.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache

from billing.rates.checks import InvalidRateCard

_COUNTRY = "US"


@lru_cache(maxsize=256)
def holidays_of(region: str, year: int, observed: bool) -> Mapping[date, str]:
    """The public holidays of `region` (`US`, `US-CA`) in `year` with their names.

    `observed` adds the days on which holidays of a weekend are kept. Raises `InvalidRateCard` for an unknown region.
    """
    # The calendars take a third of a second to load; most contracts name no region.
    import holidays

    check_region(region)
    state = region.partition("-")[2] or None
    found = holidays.country_holidays(_COUNTRY, subdiv=state, years=year, observed=observed, language="en_US")
    return {day: name for day, name in found.items() if day.year == year}


def check_region(region: str) -> None:
    """Raise `InvalidRateCard` unless `region` is `US` or `US-` and a state or territory, such as `US-CA`."""
    import holidays

    country, dash, state = region.partition("-")
    if country != _COUNTRY or (dash and state not in holidays.list_supported_countries()[_COUNTRY]):
        raise InvalidRateCard(f"{region!r} is not a holiday region: write US, or US- and a state, such as US-CA.")
