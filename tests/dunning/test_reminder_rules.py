"""Which stage is due on a day: never two at once, never one twice, however irregularly anybody looked."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staffing.dunning.rules import (
    PAUSE_LIFTED,
    PAUSE_WARNING,
    PAUSED,
    WARNING_DAYS,
    Schedule,
    Sent,
    by_hand,
    stage_of,
    stage_today,
)

DUE = date(2026, 3, 18)
USUAL = Schedule([-3, 3, 10, 20])


def day(number: int) -> date:
    return DUE + timedelta(days=number)


def looked_at(days: list[int], agreed: Schedule = USUAL) -> list[tuple[int, str]]:
    """What goes out when the job runs on these days after the due date."""
    sent: list[Sent] = []
    for number in days:
        if stage := stage_today(DUE, day(number), agreed, sent):
            sent.append(Sent(stage, day(number)))
    return [((one.on - DUE).days, one.stage) for one in sent]


def test_every_day_looked_at_gives_each_stage_on_its_day() -> None:
    assert looked_at(list(range(-10, 40))) == [(-3, "due_soon_3"), (3, "overdue_3"), (10, "overdue_10"), (20, "overdue_20")]


def test_after_a_week_down_only_the_newest_stage_comes() -> None:
    assert looked_at([11, 12, 13]) == [(11, "overdue_10")]
    assert looked_at([25, 26]) == [(25, "overdue_20")]


def test_somebody_late_is_not_told_that_it_will_soon_be_due() -> None:
    assert looked_at([1, 2]) == []
    assert looked_at([0]) == [(0, "due_soon_3")]


def test_a_changed_schedule_repeats_nothing() -> None:
    sent = [Sent("overdue_10", day(10))]
    assert stage_today(DUE, day(12), Schedule([5, 30]), sent) is None
    assert stage_today(DUE, day(30), Schedule([5, 30]), sent) == "overdue_30"


def test_a_reminder_by_hand_stands_for_the_stages_before_it() -> None:
    assert stage_today(DUE, day(4), USUAL, [Sent(by_hand(day(3)), day(3))]) is None
    assert stage_today(DUE, day(10), USUAL, [Sent(by_hand(day(9)), day(9))]) == "overdue_10"


def test_a_pause_is_announced_five_days_before() -> None:
    found = looked_at(list(range(-5, 40)), Schedule([3, 10, 20], pause_after_days=15))
    assert found == [(3, "overdue_3"), (10, PAUSE_WARNING), (15, PAUSED), (20, "overdue_20")]


def test_a_late_announcement_puts_the_pause_off() -> None:
    assert looked_at([40, 41, 44, 45, 46], Schedule([], pause_after_days=15)) == [(40, PAUSE_WARNING), (45, PAUSED)]


def test_a_lifted_pause_does_not_come_back() -> None:
    sent = [Sent(PAUSE_WARNING, day(10)), Sent(PAUSED, day(15)), Sent(PAUSE_LIFTED, day(16))]
    agreed = Schedule([], pause_after_days=15)
    assert {stage_today(DUE, day(number), agreed, sent) for number in range(15, 60)} == {None}


@pytest.mark.parametrize(("number", "name"), [(-3, "due_soon_3"), (0, "due_today"), (7, "overdue_7")])
def test_stages_are_named_for_their_day(number: int, name: str) -> None:
    assert stage_of(number) == name


@given(
    st.lists(st.integers(-40, 120), max_size=60),
    st.lists(st.integers(-30, 90), max_size=8, unique=True),
    st.none() | st.integers(5, 60),
)
def test_no_storm_and_no_surprise(days: list[int], reminder_days: list[int], pause: int | None) -> None:
    found = looked_at(sorted(set(days)), Schedule(reminder_days, pause))
    stages = [stage for _, stage in found]
    assert len(set(stages)) == len(stages), "a stage comes once"
    assert len({on for on, _ in found}) == len(found), "one a day at most"
    for on, stage in found:
        if stage.startswith("overdue_"):
            assert on >= int(stage.rpartition("_")[2]) > 0
        if stage.startswith("due_soon_"):
            assert on <= 0
    by_stage = {stage: on for on, stage in found}
    if PAUSED in by_stage:
        assert pause is not None
        assert by_stage[PAUSED] >= pause
        assert by_stage[PAUSED] - by_stage[PAUSE_WARNING] >= WARNING_DAYS
