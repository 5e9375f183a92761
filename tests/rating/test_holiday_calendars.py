"""Public holidays by state, the days on which they are observed, and the contract's own days."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from billing.rates import Holiday, InvalidRateCard, RateCard, ServiceRate
from billing.rating import WorkedEntry, rate

NONE: frozenset[date] = frozenset()
DOUBLE = Decimal(2)


@pytest.mark.parametrize(
    ("region", "day", "name"),
    [
        ("US", "2026-12-25", "Christmas Day (US)"),
        ("US", "2026-11-26", "Thanksgiving Day (US)"),
        ("US", "2026-10-12", "Columbus Day (US)"),
        ("US-CA", "2026-10-12", ""),
        ("US-CA", "2026-03-31", "Cesar Chavez Day (US-CA)"),
        ("US", "2026-03-31", ""),
        ("US-TX", "2026-03-02", "Texas Independence Day (US-TX)"),
        ("US-MA", "2026-04-20", "Patriots' Day (US-MA)"),
        ("US", "2026-07-04", "Independence Day (US)"),
        ("US", "2026-07-03", "Independence Day (observed) (US)"),
        ("US", "2027-12-31", "New Year's Day (observed) (US)"),
        ("US", "2026-12-24", ""),
    ],
)
def test_the_calendar_of_each_state(region: str, day: str, name: str) -> None:
    holiday = Holiday(NONE, DOUBLE, region)
    noon = datetime.fromisoformat(f"{day}T12:00")
    assert holiday.name_of(noon) == name
    assert holiday.covers(noon) is bool(name)


def test_without_observed_only_the_day_itself_counts() -> None:
    holiday = Holiday(NONE, DOUBLE, "US", observed=False)
    assert not holiday.covers(datetime.fromisoformat("2026-07-03T12:00"))
    assert holiday.covers(datetime.fromisoformat("2026-07-04T12:00"))


def test_days_of_the_contract_come_on_top_of_a_region() -> None:
    holiday = Holiday(frozenset([date(2026, 12, 24)]), DOUBLE, "US")
    assert holiday.name_of(datetime.fromisoformat("2026-12-24T12:00")) == "2026-12-24"
    assert holiday.covers(datetime.fromisoformat("2026-12-25T12:00"))


@pytest.mark.parametrize("region", ["DE", "US-", "US-XX", "us-ca", "US-CA-LA", "California", ""])
def test_other_regions_are_refused(region: str) -> None:
    with pytest.raises(InvalidRateCard, match="holiday"):
        Holiday(NONE, DOUBLE, region)


def test_a_line_names_its_holidays_and_the_facilitys_clock_decides() -> None:
    """New Year in Honolulu is ten hours behind UTC: 09:30 to 10:30 UTC is half an hour of 2026 and half an hour of 2027."""
    begins = datetime.fromisoformat("2027-01-01T09:30:00+00:00")
    card = RateCard({"care": ServiceRate(Decimal(40))}, premiums=(Holiday(NONE, DOUBLE, "US-HI"),))
    rating = rate([WorkedEntry("e", "c", "care", begins, begins + timedelta(hours=1))], card, "Pacific/Honolulu", "USD")
    assert [(line.kind, line.amount_minor) for line in rating.lines] == [("holiday", 4000), ("regular", 2000)]
    assert rating.lines[0].shares[0].because == ("New Year's Day (US-HI)",)
