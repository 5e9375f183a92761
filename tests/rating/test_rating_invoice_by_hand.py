"""One month's invoice, worked out by hand: three services, two coordinators, premiums, a minimum, a disputed entry.

Facility in Denver (UTC−7 in November 2026; the 7th and 8th are a weekend). Rounding: 6 minutes, nearest, per line. Minimum
call 15 minutes. Night 22:00 to 06:00 × 1.25, weekend × 1.5, the highest wins.

    entry  who  service       from             to               worked            billed before the line
    e1     c1   Care plans    Tue 3rd 09:00    11:10            130 min regular   130 regular
    e2     c1   Care plans    Tue 3rd 21:30    23:05            30 reg, 65 night  30 regular, 65 night
    e3     c1   Care plans    Sat 7th 10:00    10:47            47 min weekend    47 weekend
    e4     c1   Insurance     Wed 4th 08:00    08:04             4 min regular    15 regular (minimum)
    e5     c1   Insurance     Wed 4th 09:00    09:31            31 min regular    31 regular
    e6     c2   Insurance     Fri 6th 23:30    Sat 00:20        30 night, 20 wkd  30 night, 20 weekend
    e7     c2   Outreach      Mon 9th 13:00    13:33:30         33.5 min regular  33.5 regular
    e8     c2   Outreach      Tue 10th 13:00   14:00            disputed          held
    e9     c2   Care plans    Wed 11th 05:50   06:02            10 night, 2 reg   10 night, 5 regular (minimum)

    line                         minutes  to 6 min   rate              amount
    Care plans  c1 night           65        66      48.00 × 1.25      66/60 × 60.00   =  66.00
    Care plans  c1 regular        160       162      48.00            162/60 × 48.00   = 129.60
    Care plans  c1 weekend         47        48      48.00 × 1.5       48/60 × 72.00   =  57.60
    Care plans  c2 night           10        12      48.00 × 1.25      12/60 × 60.00   =  12.00
    Care plans  c2 regular          5         6      48.00              6/60 × 48.00   =   4.80
    Insurance   c1 regular         46        48      31.625            48/60 × 31.625  =  25.30
    Insurance   c2 night           30        30      31.625 × 1.25     30/60 × 39.53125 = 19.765625 → 19.77
    Insurance   c2 weekend         20        18      31.625 × 1.5      18/60 × 47.4375  = 14.23125  → 14.23
    Outreach    c2 regular         33.5      36      27.50             36/60 × 27.50   =  16.50
                                                                                 total = 345.80

With a guaranteed minimum of 400.00 the true-up is 54.20. The disputed hour, kept later, is 27.50 and comes out of it: the second
invoice gives 27.50 back, and both together are 400.00.
"""

from dataclasses import replace
from datetime import datetime, time
from decimal import Decimal

from billing.rates import Night, RateCard, RoundingMode, RoundingRule, RoundingScope, ServiceRate, Weekend
from billing.rating import Before, WorkedEntry, rate

CARE, INSURANCE, OUTREACH = "Care plans", "Insurance", "Outreach"
CARD = RateCard(
    services={
        CARE: ServiceRate(Decimal("48.00"), Decimal("21.00")),
        INSURANCE: ServiceRate(Decimal("31.625"), Decimal("14.50")),
        OUTREACH: ServiceRate(Decimal("27.50"), Decimal("12.00")),
    },
    rounding=RoundingRule(6, RoundingMode.NEAREST, RoundingScope.LINE),
    premiums=(Night(time(22), time(6), Decimal("1.25")), Weekend(Decimal("1.5"))),
    minimum_call_minutes=15,
)


def worked(entry: str, person: str, service: str, start: str, end: str, status: str = "approved") -> WorkedEntry:
    start_at, end_at = (datetime.fromisoformat(f"2026-11-{moment}-07:00") for moment in (start, end))
    return WorkedEntry(entry, person, service, start_at, end_at, status)


ENTRIES = [
    worked("e1", "c1", CARE, "03T09:00:00", "03T11:10:00"),
    worked("e2", "c1", CARE, "03T21:30:00", "03T23:05:00"),
    worked("e3", "c1", CARE, "07T10:00:00", "07T10:47:00"),
    worked("e4", "c1", INSURANCE, "04T08:00:00", "04T08:04:00"),
    worked("e5", "c1", INSURANCE, "04T09:00:00", "04T09:31:00"),
    worked("e6", "c2", INSURANCE, "06T23:30:00", "07T00:20:00"),
    worked("e7", "c2", OUTREACH, "09T13:00:00", "09T13:33:30"),
    worked("e8", "c2", OUTREACH, "10T13:00:00", "10T14:00:00", "disputed"),
    worked("e9", "c2", CARE, "11T05:50:00", "11T06:02:00"),
]
LINES = [
    (CARE, "c1", "night", 66, "60.00", 6600, ("e2",)),
    (CARE, "c1", "regular", 162, "48.00", 12960, ("e1", "e2")),
    (CARE, "c1", "weekend", 48, "72.00", 5760, ("e3",)),
    (CARE, "c2", "night", 12, "60.00", 1200, ("e9",)),
    (CARE, "c2", "regular", 6, "48.00", 480, ("e9",)),
    (INSURANCE, "c1", "regular", 48, "31.625", 2530, ("e4", "e5")),
    (INSURANCE, "c2", "night", 30, "39.53125", 1977, ("e6",)),
    (INSURANCE, "c2", "weekend", 18, "47.4375", 1423, ("e6",)),
    (OUTREACH, "c2", "regular", 36, "27.50", 1650, ("e7",)),
]


def test_the_invoice_is_what_the_table_says() -> None:
    rating = rate(ENTRIES, CARD, "America/Denver", "USD")
    found: list[object] = [
        (line.service, line.coordinator, line.kind, line.minutes, line.unit_rate, line.amount_minor, line.entries)
        for line in rating.lines
    ]
    assert found == [(*line[:4], Decimal(line[4]), *line[5:]) for line in LINES]
    assert rating.total_minor == 34580
    assert [(held.id, held.reason) for held in rating.held] == [("e8", "The facility disputes it.")]


def test_a_line_shows_worked_and_billed_time_of_each_entry() -> None:
    rating = rate(ENTRIES, CARD, "America/Denver", "USD")
    short = next(line for line in rating.lines if "e4" in line.entries)
    assert [(share.entry_id, share.worked_seconds, share.billed_seconds) for share in short.shares] == [
        ("e4", 240, 900),
        ("e5", 1860, 1860),
    ]
    assert short.worked_seconds == 2100
    assert short.seconds == 2880


def test_the_minimum_is_made_exactly_and_a_dispute_that_ends_later_comes_out_of_it() -> None:
    card = replace(CARD, guaranteed_minimum_minor=40000)
    first = rate(ENTRIES, card, "America/Denver", "USD")
    assert (first.lines[-1].kind, first.lines[-1].amount_minor, first.total_minor) == ("true_up", 5420, 40000)
    kept = [replace(ENTRIES[7], status="approved")]
    second = rate(kept, card, "America/Denver", "USD", before=Before(work_minor=34580, true_up_minor=5420))
    assert [(line.kind, line.amount_minor) for line in second.lines] == [("regular", 2750), ("true_up", -2750)]
    assert first.total_minor + second.total_minor == 40000
