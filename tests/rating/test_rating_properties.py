"""What holds for every rating, whatever the card and the entries."""

import random
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.local_time import pieces_between_borders, zone_of
from billing.money import amount_for
from billing.rates import (
    Night,
    Overtime,
    PremiumRule,
    RateCard,
    Retainer,
    RoundingMode,
    RoundingRule,
    RoundingScope,
    ServiceRate,
    Weekend,
)
from billing.rating import InvalidEntry, Rating, WorkedEntry, rate

ZONES = st.sampled_from(
    ["America/Chicago", "America/New_York", "America/Phoenix", "Pacific/Honolulu", "Australia/Lord_Howe", "UTC"]
)

steady = settings(deadline=None, derandomize=True, max_examples=60)
SERVICES = ("Care Plan Management", "Insurance Verification", "Patient Outreach")
at = datetime.fromisoformat
CLOCKS = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))


@st.composite
def cards(draw: st.DrawFn, *, rounding: RoundingRule | None = None) -> RateCard:
    rates = st.decimals("1", "200", places=3)
    premiums: list[Night | Weekend] = []
    if draw(st.booleans()):
        begins, ends = draw(CLOCKS), draw(CLOCKS)
        if begins != ends:
            premiums.append(Night(begins, ends, draw(st.decimals("1", "2", places=2))))
    if draw(st.booleans()):
        premiums.append(Weekend(draw(st.decimals("1", "2", places=2))))
    rules = st.builds(RoundingRule, st.sampled_from([0, 1, 6, 15]), st.sampled_from(RoundingMode), st.sampled_from(RoundingScope))
    return RateCard(
        {service: ServiceRate(draw(rates)) for service in SERVICES[: draw(st.integers(2, 3))]},
        rounding or draw(rules),
        tuple(premiums),
        draw(st.sampled_from(PremiumRule)),
        draw(st.sampled_from([0, 0, 15, 20])),
    )


@st.composite
def works(draw: st.DrawFn) -> list[WorkedEntry]:
    # Weeks around both changes of the clocks in 2026 come up as often as all others.
    around = st.sampled_from([datetime(2026, 3, 7, tzinfo=UTC), datetime(2026, 10, 31, tzinfo=UTC)])
    anywhere = st.datetimes(at("2026-01-01"), at("2026-12-01")).map(lambda day: day.replace(tzinfo=UTC))
    entries = []
    for number in range(draw(st.integers(0, 6))):
        start = draw(st.one_of(around, anywhere)) + timedelta(seconds=draw(st.integers(0, 3 * 86400)))
        seconds = draw(st.integers(1, 14 * 3600))
        status = draw(st.sampled_from(["approved", "approved", "approved", "disputed", "draft"]))
        person, service = draw(st.sampled_from(["c1", "c2"])), draw(st.sampled_from(SERVICES))
        entries.append(WorkedEntry(f"e{number}", person, service, start, start + timedelta(seconds=seconds), status))
    return entries


@steady
@given(works(), cards(), ZONES)
def test_the_total_is_the_sum_of_the_lines(entries: list[WorkedEntry], card: RateCard, zone: str) -> None:
    rating = rate(entries, card, zone, "USD")
    assert rating.total_minor == sum(line.amount_minor for line in rating.lines)
    for line in rating.lines:
        assert line.amount_minor == amount_for(line.seconds, line.unit_rate, "USD").minor


@steady
@given(works(), cards(), ZONES, st.randoms(use_true_random=False))
def test_the_order_of_the_entries_does_not_matter(
    entries: list[WorkedEntry], card: RateCard, zone: str, chance: random.Random
) -> None:
    shuffled = list(entries)
    chance.shuffle(shuffled)
    assert rate(shuffled, card, zone, "USD") == rate(entries, card, zone, "USD")


@steady
@given(works(), cards(), ZONES)
def test_every_raw_second_stands_on_exactly_one_line_or_is_held(entries: list[WorkedEntry], card: RateCard, zone: str) -> None:
    rating = rate(entries, card, zone, "USD")
    held = {entry.id for entry in rating.held}
    worked = {entry.id: entry.seconds for entry in entries if entry.id not in held}
    found: dict[str, int] = {}
    for line in rating.lines:
        assert len(set(line.entries)) == len(line.entries)
        for share in line.shares:
            found[share.entry_id] = found.get(share.entry_id, 0) + share.worked_seconds
    assert found == worked
    assert held == {entry.id for entry in entries if entry.status != "approved" or entry.service not in card.services}


@steady
@given(works(), cards(), ZONES)
def test_no_entry_is_billed_for_less_than_the_minimum_before_its_line_is_rounded(
    entries: list[WorkedEntry], card: RateCard, zone: str
) -> None:
    billed: dict[str, int] = {}
    for line in rate(entries, card, zone, "USD").lines:
        for share in line.shares:
            billed[share.entry_id] = billed.get(share.entry_id, 0) + share.billed_seconds
    assert all(seconds >= card.minimum_call_minutes * 60 for seconds in billed.values())


@steady
@given(works(), cards(rounding=RoundingRule()), ZONES)
def test_cutting_an_entry_in_two_changes_nothing_when_nothing_is_rounded(
    entries: list[WorkedEntry], card: RateCard, zone: str
) -> None:
    card = replace(card, minimum_call_minutes=0)
    halves = [
        half
        for entry in entries
        for middle in [entry.start + timedelta(seconds=max(1, entry.seconds // 2))]
        for half in (
            [replace(entry, end=middle), replace(entry, id=f"{entry.id}b", start=middle)] if middle < entry.end else [entry]
        )
    ]
    whole, cut = rate(entries, card, zone, "USD"), rate(halves, card, zone, "USD")
    assert [(line.kind, line.seconds, line.amount_minor) for line in whole.lines] == [
        (line.kind, line.seconds, line.amount_minor) for line in cut.lines
    ]


@steady
@given(works(), cards(rounding=RoundingRule(15, RoundingMode.NEAREST, RoundingScope.ENTRY)), ZONES)
def test_premium_borders_never_add_to_what_rounding_by_entry_bills(entries: list[WorkedEntry], card: RateCard, zone: str) -> None:
    without = replace(card, premiums=())
    with_borders = sum(line.seconds for line in rate(entries, card, zone, "USD").lines)
    assert with_borders == sum(line.seconds for line in rate(entries, without, zone, "USD").lines)


@steady
@given(works(), cards(), ZONES)
def test_a_line_has_the_same_key_when_the_same_work_is_billed_again(
    entries: list[WorkedEntry], card: RateCard, zone: str
) -> None:
    keys = [line.key for line in rate(entries, card, zone, "USD").lines]
    assert keys == [line.key for line in rate(entries[::-1], card, zone, "USD").lines]
    assert len(set(keys)) == len(keys)


@steady
@given(
    st.datetimes(at("2020-01-01"), at("2035-01-01")),
    st.integers(1, 72 * 3600),
    ZONES,
    st.lists(CLOCKS, max_size=3),
)
def test_pieces_tile_the_time_and_the_wall_clock_crosses_no_border_inside(
    start: datetime, seconds: int, zone_name: str, borders: list[time]
) -> None:
    begins = start.replace(tzinfo=UTC, microsecond=0)
    ends, zone = begins + timedelta(seconds=seconds), zone_of(zone_name)
    pieces = pieces_between_borders(begins, ends, zone, borders)
    assert pieces[0][0] == begins
    assert pieces[-1][1] == ends
    assert all(one[1] == other[0] for one, other in pairwise(pieces))
    for one, other in pieces:
        first, last = one.astimezone(zone), (other - timedelta(seconds=1)).astimezone(zone)
        assert first.utcoffset() == last.utcoffset()
        for border in borders:
            crossed = first.replace(tzinfo=None) < datetime.combine(last.date(), border) <= last.replace(tzinfo=None)
            assert not crossed


def test_entries_that_cannot_be_are_refused() -> None:
    card = RateCard({"Care Plan Management": ServiceRate(Decimal(48))})
    start = datetime(2026, 11, 3, 9, tzinfo=UTC)
    entry = WorkedEntry("e", "c", "Care Plan Management", start, start + timedelta(hours=1))
    with pytest.raises(InvalidEntry, match="comes twice"):
        rate([entry, entry], card, "UTC", "USD")
    with pytest.raises(InvalidEntry, match="before its start"):
        replace(entry, end=start - timedelta(seconds=1))
    with pytest.raises(InvalidEntry, match="no UTC offset"):
        replace(entry, start=at("2026-11-03T09:00"))
    with pytest.raises(InvalidEntry, match="longer than"):
        replace(entry, end=start + timedelta(days=32))


def test_fractions_of_a_second_are_cut_without_losing_any_at_a_border() -> None:
    start = datetime(2026, 11, 3, 9, 0, 0, 700000, tzinfo=UTC)
    middle, end = start + timedelta(seconds=10.6), start + timedelta(seconds=20.2)
    first, second = WorkedEntry("a", "c", "s", start, middle), WorkedEntry("b", "c", "s", middle, end)
    assert first.seconds + second.seconds == WorkedEntry("c", "c", "s", start, end).seconds


OVERTIMES = st.one_of(
    st.none(),
    st.builds(Overtime, st.just(Decimal("1.5")), st.sampled_from([60, 600, 2400]), week_starts_on=st.integers(0, 6)),
    st.just(Overtime(Decimal("1.5"), 2400, 480, 720, Decimal(2), seventh_day=True)),
)


@st.composite
def weeks(draw: st.DrawFn) -> list[WorkedEntry]:
    """Two coordinators' work, one stretch after the other, around a change of the clocks."""
    entries = []
    for person in ("c1", "c2"):
        begins = datetime(2026, 10, 30, 12, tzinfo=UTC)
        for number in range(draw(st.integers(0, 6))):
            begins += timedelta(seconds=draw(st.integers(0, 12 * 3600)))
            ends = begins + timedelta(seconds=draw(st.integers(1, 14 * 3600)))
            service = draw(st.sampled_from(SERVICES[:2]))
            status = draw(st.sampled_from(["approved", "approved", "approved", "disputed", "invoiced"]))
            entries.append(WorkedEntry(f"{person}{number}", person, service, begins, ends, status))
            begins = ends
    return entries


def plain(rating: Rating) -> list[tuple[object, ...]]:
    return [(line.service, line.coordinator, line.kind, line.unit_rate, line.seconds, line.amount_minor) for line in rating.lines]


@steady
@given(weeks(), cards(rounding=RoundingRule()), OVERTIMES, ZONES, st.data())
def test_with_overtime_too_cutting_an_entry_anywhere_changes_nothing(
    entries: list[WorkedEntry], card: RateCard, overtime: Overtime | None, zone: str, data: st.DataObject
) -> None:
    card = replace(card, minimum_call_minutes=0, overtime=overtime)
    parts = []
    for entry in entries:
        middle = entry.start + timedelta(seconds=data.draw(st.integers(0, entry.seconds)))
        parts += [replace(entry, end=middle), replace(entry, id=f"{entry.id}b", start=middle)]
    assert plain(rate(parts, card, zone, "USD")) == plain(rate(entries, card, zone, "USD"))


@steady
@given(weeks(), cards(), OVERTIMES, ZONES, st.randoms(use_true_random=False))
def test_with_overtime_too_order_changes_nothing_and_no_second_is_lost(
    entries: list[WorkedEntry], card: RateCard, overtime: Overtime | None, zone: str, chance: random.Random
) -> None:
    card = replace(card, overtime=overtime, retainer=Retainer(10000, 300))
    rating = rate(entries, card, zone, "USD")
    shuffled = list(entries)
    chance.shuffle(shuffled)
    assert rate(shuffled, card, zone, "USD") == rating
    found: dict[str, int] = {}
    for line in rating.lines:
        for share in line.shares:
            found[share.entry_id] = found.get(share.entry_id, 0) + share.worked_seconds
    assert found == {entry.id: entry.seconds for entry in entries if entry.is_approved}
    assert sum(line.amount_minor for line in rating.lines) == rating.total_minor


@steady
@given(weeks(), st.sampled_from([60, 600, 2400]), ZONES)
def test_a_week_has_the_same_overtime_in_one_invoice_or_in_two(entries: list[WorkedEntry], limit: int, zone: str) -> None:
    card = RateCard({service: ServiceRate(Decimal(60)) for service in SERVICES}, overtime=Overtime(Decimal(2), limit))
    entries = [replace(entry, status="approved") for entry in entries]
    later = [entry for number, entry in enumerate(entries) if number % 2]
    first = [entry for number, entry in enumerate(entries) if not number % 2]
    again = rate([*(replace(entry, status="invoiced") for entry in first), *later], card, zone, "USD")

    def over(rating: Rating) -> int:
        return sum(line.seconds for line in rating.lines if line.kind == "overtime")

    assert over(rate(first, card, zone, "USD")) + over(again) == over(rate(entries, card, zone, "USD"))


@steady
@given(weeks(), cards(rounding=RoundingRule()), OVERTIMES, ZONES)
def test_premiums_and_overtime_never_lower_what_is_owed(
    entries: list[WorkedEntry], card: RateCard, overtime: Overtime | None, zone: str
) -> None:
    without = rate(entries, replace(card, premiums=()), zone, "USD")
    rating = rate(entries, replace(card, overtime=overtime), zone, "USD")
    # Each line is rounded by at most half a cent.
    assert 2 * (rating.total_minor - without.total_minor) >= -(len(rating.lines) + len(without.lines))


@steady
@given(weeks(), cards(), OVERTIMES, ZONES)
def test_doubled_rates_double_the_invoice_within_rounding(
    entries: list[WorkedEntry], card: RateCard, overtime: Overtime | None, zone: str
) -> None:
    card = replace(card, overtime=overtime)
    twice = replace(card, services={name: ServiceRate(rate.bill_per_hour * 2) for name, rate in card.services.items()})
    once, doubled = rate(entries, card, zone, "USD"), rate(entries, twice, zone, "USD")
    assert [line.seconds for line in once.lines] == [line.seconds for line in doubled.lines]
    assert abs(doubled.total_minor - 2 * once.total_minor) <= len(once.lines)


@steady
@given(weeks(), cards(), st.integers(1, 10**7), ZONES)
def test_a_guaranteed_minimum_is_made_exactly(entries: list[WorkedEntry], card: RateCard, minimum: int, zone: str) -> None:
    without = rate(entries, card, zone, "USD")
    rating = rate(entries, replace(card, guaranteed_minimum_minor=minimum), zone, "USD")
    assert rating.total_minor == max(minimum, without.total_minor)
    assert rating.lines[: len(without.lines)] == without.lines


@steady
@given(weeks(), cards(), ZONES)
def test_pay_counts_each_second_once_and_is_never_rounded(entries: list[WorkedEntry], card: RateCard, zone: str) -> None:
    paid = {name: ServiceRate(rate.bill_per_hour, Decimal(20)) for name, rate in card.services.items()}
    rating = rate(entries, replace(card, services=paid), zone, "USD")
    assert sum(line.seconds for line in rating.pay_lines) == sum(entry.seconds for entry in entries if entry.is_approved)
    for line in rating.pay_lines:
        assert line.amount_minor == amount_for(line.seconds, line.unit_rate, "USD").minor
