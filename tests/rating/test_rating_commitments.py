"""What a period owes besides its hours: minimums, retainers, roll-over, parts of periods."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.rates import (
    Commitment,
    Contract,
    DatedCard,
    GuaranteedHours,
    InvalidRateCard,
    Night,
    PriceRise,
    RateCard,
    Retainer,
    RollOver,
    ServiceRate,
)
from billing.rating import Before, Carried, Period, Rating, WorkedEntry, rate, true_up

steady = settings(deadline=None, derandomize=True, max_examples=60)
RATES = {"care": ServiceRate(Decimal(40)), "calls": ServiceRate(Decimal(30))}
NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))


def work(day: int, hours: float, service: str = "care", begins: int = 8) -> WorkedEntry:
    start = datetime.fromisoformat(f"2026-11-{day:02}T{begins:02}:00:00-06:00")
    return WorkedEntry(f"{day} {service}", "c1", service, start, start + timedelta(hours=hours))


def rated(
    card: RateCard | Contract, *entries: WorkedEntry, period: Period | None = NOVEMBER, before: Before | None = None
) -> Rating:
    return rate(entries, card, "America/Chicago", "USD", period=period, before=before or Before())


def amounts(rating: Rating) -> list[tuple[str, int]]:
    return [(line.kind, line.amount_minor) for line in rating.lines]


@steady
@given(st.integers(1, 10**9), st.lists(st.integers(0, 10**9), min_size=1, max_size=5))
def test_true_ups_make_exactly_the_minimum_however_often_the_period_is_billed(minimum: int, batches: list[int]) -> None:
    work_so_far, trued_up, billed = 0, 0, 0
    for batch in batches:
        work_so_far += batch
        line = true_up(minimum, work_so_far, trued_up)
        trued_up += line
        billed += batch + line
        assert billed == max(minimum, work_so_far)
        assert trued_up >= 0


def test_a_minimum_is_owed_when_nothing_was_worked() -> None:
    assert amounts(rated(RateCard(RATES, guaranteed_minimum_minor=10000))) == [("true_up", 10000)]


def test_a_minimum_holds_for_the_days_of_its_card() -> None:
    old, new = RateCard(RATES, guaranteed_minimum_minor=30000), RateCard(RATES, guaranteed_minimum_minor=60000)
    contract = Contract((DatedCard(old, date(2026, 1, 1)), DatedCard(new, date(2026, 11, 21), date(2026, 11, 25))))
    # 20 of 30 days at 300.00 and 5 at 600.00: 200.00 + 100.00.
    assert amounts(rated(contract)) == [("true_up", 30000)]
    assert [(figure.name, figure.value) for figure in rated(contract).lines[0].figures] == [
        ("guaranteed_minimum_minor", 30000),
        ("billed_minor", 0),
    ]
    with pytest.raises(InvalidRateCard, match="need a period"):
        rated(contract, period=None)


def test_guaranteed_hours_cost_the_regular_rate_of_the_periods_last_day() -> None:
    rise = PriceRise(date(2026, 11, 15), Decimal(5))
    card = RateCard(RATES, guaranteed_hours=(GuaranteedHours("calls", 300),), price_rises=(rise,))
    # 2 h at 30.00, 3 h missing at 31.50; care does not fill the hours of calls.
    assert amounts(rated(card, work(3, 2, "calls"), work(4, 9))) == [
        ("regular", 6000),
        ("regular", 36000),
        ("guaranteed_hours", 9450),
    ]


@pytest.mark.parametrize(("last", "kinds"), [(date(2026, 11, 30), ["commitment"]), (date(2026, 12, 31), [])])
def test_a_commitment_is_trued_up_when_its_term_ends(last: date, kinds: list[str]) -> None:
    card = RateCard(RATES, commitment=Commitment(100000, date(2026, 9, 1), last))
    rating = rated(card, work(3, 5), before=Before(term_minor=50000))
    assert [line.kind for line in rating.lines if line.kind != "regular"] == kinds
    assert rating.total_minor == (50000 if kinds else 20000)


def test_included_time_is_used_once_in_the_order_of_the_work() -> None:
    night = Night(
        datetime.fromisoformat("2026-01-01T22:00").time(), datetime.fromisoformat("2026-01-01T06:00").time(), Decimal(2)
    )
    card = RateCard(RATES, premiums=(night,), retainer=Retainer(30000, 180, Decimal(35), frozenset(["care"])))
    rating = rated(card, work(3, 2), work(4, 1, "calls"), work(5, 4, begins=20))
    # 3 h included: 2 on the 3rd, 1 on the 5th until 21:00; then 1 h overage by day, 2 h by night at 70.00; calls are apart.
    assert amounts(rating) == [
        ("regular", 3000),
        ("included", 0),
        ("overage", 3500),
        ("overage+night", 14000),
        ("retainer", 30000),
    ]
    assert sum(line.worked_seconds for line in rating.lines) == 7 * 3600


def test_overage_without_a_rate_of_its_own_costs_the_services_rate() -> None:
    rating = rated(RateCard(RATES, retainer=Retainer(30000, 60)), work(3, 2, "calls"))
    assert amounts(rating) == [("included", 0), ("overage", 3000), ("retainer", 30000)]


def test_minutes_of_a_minimum_call_use_included_time() -> None:
    card = RateCard(RATES, minimum_call_minutes=30, retainer=Retainer(30000, 60))
    rating = rated(card, *(work(day, 0.25) for day in (3, 4, 5)))
    assert amounts(rating) == [("included", 0), ("overage", 2000), ("retainer", 30000)]
    assert rating.retainer is not None
    assert rating.retainer.used_seconds == 3600


def test_what_is_carried_over_several_periods() -> None:
    card = RateCard(RATES, retainer=Retainer(30000, 600, roll_over=RollOver(expires_after_periods=2)))
    carried: tuple[Carried, ...] = ()
    left: list[list[tuple[float, int | None]]] = []
    for hours in (4, 9, 12, 0):
        use = rated(card, *([work(3, hours)] if hours else []), before=Before(carried=carried)).retainer
        assert use is not None
        carried = use.carried_out
        left.append([(lot.seconds / 3600, lot.periods_left) for lot in carried])
        assert use.forfeited_seconds == 0
    # 6 are left of the first ten; the second uses 6 of those and 3 of its own, the third those 7 and 5 of its own.
    assert left == [[(6, 2)], [(7, 2)], [(5, 2)], [(5, 1), (10, 2)]]
    last = rated(card, before=Before(carried=carried)).retainer
    assert last is not None
    assert ([lot.seconds for lot in last.carried_out], last.forfeited_seconds) == ([36000, 36000], 5 * 3600)


@steady
@given(
    st.integers(0, 40),
    st.lists(st.builds(Carried, st.integers(0, 10**5), st.none() | st.integers(1, 4)), max_size=4),
    st.none() | st.builds(RollOver, st.none() | st.integers(0, 2000), st.none() | st.integers(1, 3)),
)
def test_no_included_second_is_lost_or_made(hours: int, carried: list[Carried], roll_over: RollOver | None) -> None:
    card = RateCard(RATES, retainer=Retainer(0, 600, roll_over=roll_over))
    rating = rated(card, work(3, hours or 0.5), before=Before(carried=tuple(carried)))
    use = rating.retainer
    assert use is not None
    available = 36000 + sum(lot.seconds for lot in carried)
    assert use.used_seconds == min(available, (hours or 0.5) * 3600)
    assert use.forfeited_seconds >= 0
    if roll_over is not None and roll_over.limit_minutes is not None:
        assert sum(lot.seconds for lot in use.carried_out) <= roll_over.limit_minutes * 60
    included = sum(line.seconds for line in rating.lines if line.kind == "included")
    assert included == use.used_seconds


def test_a_retainer_holds_for_the_days_of_its_card() -> None:
    contract = Contract((DatedCard(RateCard(RATES, retainer=Retainer(30000, 600)), date(2026, 11, 11), date(2026, 11, 20)),))
    rating = rated(contract, work(12, 5))
    # 10 of 30 days: 100.00 and 200 minutes; 100 minutes overage at 40.00.
    assert amounts(rating) == [("included", 0), ("overage", 6667), ("retainer", 10000)]
    assert [(figure.name, figure.value) for figure in rating.lines[-1].figures] == [
        ("fee_minor", 30000), ("included_minutes", 200), ("days", 10), ("of_days", 30),
    ]  # fmt: skip
    december = Period(date(2026, 12, 1), date(2026, 12, 31))
    assert rated(contract, period=december).lines == ()


def test_a_retainer_and_guaranteed_hours_contradict_each_other() -> None:
    with pytest.raises(InvalidRateCard, match="not both"):
        RateCard(RATES, retainer=Retainer(1, 1), guaranteed_hours=(GuaranteedHours("care", 60),))


def test_a_minimum_call_on_the_border_of_the_included_time_keeps_its_worked_seconds() -> None:
    card = RateCard(RATES, minimum_call_minutes=30, retainer=Retainer(0, 20))
    rating = rated(card, work(3, 0.25))
    shares = {line.kind: (line.shares[0].worked_seconds, line.shares[0].billed_seconds) for line in rating.lines if line.shares}
    assert shares == {"included": (900, 1200), "overage": (0, 600)}


def test_included_time_is_used_up_as_the_hours_were_worked_not_entry_by_entry() -> None:
    card = RateCard(RATES, premiums=(Night(time(22), time(6), Decimal(2)),), retainer=Retainer(0, 180))
    rating = rated(card, work(3, 4, begins=20), work(3, 1, "calls", begins=21))
    # 20:00 to 22:00 and the call from 21:00 are the three hours; the night is overage.
    assert [(line.service, line.kind, line.seconds // 3600) for line in rating.lines[:3]] == [
        ("calls", "included", 1),
        ("care", "included", 2),
        ("care", "overage+night", 2),
    ]
