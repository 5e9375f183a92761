"""Premium borders on the nights when clocks change, in zones that differ."""

from datetime import datetime, time
from decimal import Decimal

import pytest

from billing.rates import Night, RateCard, ServiceRate, Weekend
from billing.rating import WorkedEntry, rate


def minutes_by_kind(start: str, end: str, zone: str, *premiums: Night | Weekend) -> dict[str, int]:
    entry = WorkedEntry("e", "c", "s", datetime.fromisoformat(start), datetime.fromisoformat(end))
    card = RateCard({"s": ServiceRate(Decimal(60))}, premiums=premiums)
    return {line.kind: int(line.minutes) for line in rate([entry], card, zone, "USD").lines}


def night(begins: str, ends: str) -> Night:
    return Night(time.fromisoformat(begins), time.fromisoformat(ends), Decimal("1.5"))


@pytest.mark.parametrize(
    ("name", "start", "end", "zone", "premium", "expected"),
    [
        (
            "an hour that comes twice is night twice: 22:00 EDT to 07:00 EST is 10 h, 9 of them night",
            "2026-10-31T22:00:00-04:00", "2026-11-01T07:00:00-05:00", "America/New_York", night("22:00", "06:00"),
            {"night": 9 * 60, "regular": 60},
        ),
        (
            "an hour that is left out is not billed: 22:00 EST to 07:00 EDT is 8 h, 7 of them night",
            "2026-03-07T22:00:00-05:00", "2026-03-08T07:00:00-04:00", "America/New_York", night("22:00", "06:00"),
            {"night": 7 * 60, "regular": 60},
        ),
        (
            "a border inside the hour that comes twice is crossed each time: night until 01:30",
            "2026-11-01T01:00:00-04:00", "2026-11-01T02:00:00-05:00", "America/New_York", night("22:00", "01:30"),
            {"night": 60, "regular": 60},
        ),
        (
            "a border inside the hour that is left out is crossed at the jump: night from 02:30",
            "2026-03-08T01:30:00-05:00", "2026-03-08T03:30:00-04:00", "America/New_York", night("02:30", "06:00"),
            {"regular": 30, "night": 30},
        ),
        (
            "a zone that never changes its clocks",
            "2026-10-31T22:00:00-07:00", "2026-11-01T07:00:00-07:00", "America/Phoenix", night("22:00", "06:00"),
            {"night": 8 * 60, "regular": 60},
        ),
        (
            "a change by half an hour: 22:00 to 06:00 on Lord Howe is 7 h 30 when clocks go forward",
            "2026-10-03T22:00:00+10:30", "2026-10-04T06:00:00+11:00", "Australia/Lord_Howe", night("22:00", "06:00"),
            {"night": 7 * 60 + 30},
        ),
        (
            "a midnight that does not exist: the weekend begins at the jump (Cairo, 24 April 2026 00:00 is 01:00)",
            "2026-04-23T23:00:00+02:00", "2026-04-24T02:00:00+03:00", "Africa/Cairo", night("00:00", "06:00"),
            {"regular": 60, "night": 60},
        ),
        (
            "the weekend is the facility's, not the coordinator's: Monday morning in Manila is Sunday in Honolulu",
            "2026-11-09T08:00:00+08:00", "2026-11-09T09:00:00+08:00", "Pacific/Honolulu", Weekend(Decimal("1.5")),
            {"weekend": 60},
        ),
    ],
)  # fmt: skip
def test_the_wall_clock_decides(
    name: str, start: str, end: str, zone: str, premium: Night | Weekend, expected: dict[str, int]
) -> None:
    assert minutes_by_kind(start, end, zone, premium) == expected, name
