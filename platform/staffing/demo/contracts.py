"""What is agreed with the demo's facilities besides prices: from a plain contract to one with everything in it."""

from datetime import date
from typing import Any

NIGHT = {"kind": "night", "from": "17:00", "to": "07:00", "multiplier": "1.15"}
WEEKEND = {"kind": "weekend", "multiplier": "1.25"}
HALF_WITHIN_A_DAY = {"kind": "percent", "window_minutes": 24 * 60, "percent": "50"}
TWO_HOURS_WITHIN_TWO_DAYS = {"kind": "hours", "window_minutes": 48 * 60, "minutes": 120}
ALL_WITHIN_FOUR_HOURS = {"kind": "full", "window_minutes": 4 * 60}


def terms_of(reference: str, first: date) -> dict[str, Any]:
    """The terms of one facility's contract from `first` on; most facilities have a plain one.

    Northside and Southlake, which visitors bill by hand first, agree on nothing that changes the price of an hour.
    """
    terms: dict[str, dict[str, Any]] = {
        "F-1001": {
            "late_cancellation": [HALF_WITHIN_A_DAY, ALL_WITHIN_FOUR_HOURS],
            "conversion_fee": {"amount_minor": 500_000, "reduced_by": "months", "free_after_months": 12},
        },
        "F-1002": {"late_cancellation": [TWO_HOURS_WITHIN_TWO_DAYS]},
        # Everything that raises the price of an hour, by the hour.
        "F-1004": {
            "premiums": [
                {**NIGHT, "to": "09:00", "multiplier": "1.25"},
                WEEKEND,
                {"kind": "holiday", "region": "US-NE", "multiplier": "1.5"},
            ],
            "overtime": {"multiplier": "1.5", "after_weekly_minutes": 2400},
            "late_cancellation": [HALF_WITHIN_A_DAY],
            "price_rises": [{"on": date(first.year + 2, 1, 1).isoformat(), "percent": "3", "round_to": "0.25"}],
        },
        # A fixed fee with hours that roll over.
        "F-1005": {
            "retainer": {
                "fee_minor": 360_000,
                "included_minutes": 90 * 60,
                "overage_per_hour": "41.00",
                "roll_over": {"limit_minutes": 20 * 60, "expires_after_periods": 2},
            },
            "late_cancellation": [TWO_HOURS_WITHIN_TWO_DAYS],
        },
        # A guaranteed minimum, short calls, holidays of the state, a fee for hiring.
        "F-1007": {
            "guaranteed_minimum_minor": 650_000,
            "minimum_call_minutes": 15,
            "premiums": [NIGHT, WEEKEND, {"kind": "holiday", "region": "US-CA", "multiplier": "1.5"}],
            "late_cancellation": [HALF_WITHIN_A_DAY, ALL_WITHIN_FOUR_HOURS],
            "conversion_fee": {"percent_of_salary": "20", "reduced_by": "hours", "free_after_minutes": 60_000},
        },
        # Sales tax on top.
        "F-1010": {
            "premiums": [{"kind": "holiday", "region": "US-WI", "multiplier": "1.5"}],
            "tax": {"rates": [{"name": "Sales tax", "percent": "5", "jurisdiction": "US-WI"}]},
        },
    }
    return terms.get(reference, {})
