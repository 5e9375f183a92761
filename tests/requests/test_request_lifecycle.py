"""How far a request is, from its windows, who covers them, and the time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staffing.requests.lifecycle import OVER, STILL_MISSING, Cover, Progress, sentence, stand
from staffing.requests.models import RequestState

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
OPEN = RequestState.OPEN.value


def cover(hours: float, assigned: int = 0, headcount: int = 1, *, length: float = 4, cancelled: bool = False) -> Cover:
    start = NOW + timedelta(hours=hours)
    return Cover(start, start + timedelta(hours=length), headcount, assigned, cancelled)


@pytest.mark.parametrize(
    ("windows", "progress", "words"),
    [
        ([cover(20)], Progress.OPEN, "Nobody covers Thu 5 Mar, 06:00–10:00 EST yet."),
        ([cover(20), cover(44)], Progress.OPEN, "Nobody covers any of 2 windows yet. The first is Thu 5 Mar, 06:00–10:00 EST."),
        ([cover(-1)], Progress.OPEN, "Nobody covers Wed 4 Mar, 09:00–13:00 EST yet. It has begun."),
        (
            [cover(20, 1), cover(44)],
            Progress.PARTIALLY_FILLED,
            "1 of 2 windows ahead is covered. Still missing first: Fri 6 Mar, 06:00–10:00 EST.",
        ),
        (
            [cover(20, 1, 2)],
            Progress.PARTIALLY_FILLED,
            "1 of 2 places ahead is covered. Still missing first: Thu 5 Mar, 06:00–10:00 EST.",
        ),
        ([cover(20, 1)], Progress.FILLED, "Covered. It begins on Thu 5 Mar, 06:00 EST."),
        ([cover(-1, 1)], Progress.IN_SERVICE, "Under way: somebody is there, everything is covered."),
        ([cover(-9, 1), cover(20, 1)], Progress.IN_SERVICE, "Under way: 1 of 2 windows are over, everything ahead is covered."),
        ([cover(-9, 1)], Progress.COMPLETED, "Done: its one window was covered."),
        ([cover(-33, 1), cover(-9)], Progress.COMPLETED, "Done: 1 of 2 windows were covered."),
        ([cover(-9)], Progress.UNFILLED, "Nobody was found for it."),
        ([cover(-33), cover(-9)], Progress.UNFILLED, "Nobody was found for any of 2 windows."),
        # What is over does not make a request open again, nor does a surplus cover another window.
        ([cover(-9), cover(20, 1)], Progress.FILLED, "Everything ahead is covered."),
        ([cover(20, 2), cover(44)], Progress.PARTIALLY_FILLED, None),
        ([cover(20, 1), cover(44, cancelled=True)], Progress.FILLED, None),
        ([], Progress.UNFILLED, None),
    ],
)
def test_state_and_sentence(windows: list[Cover], progress: Progress, words: str | None) -> None:
    standing = stand(OPEN, windows, NOW)
    assert standing.progress is progress
    if words is not None:
        assert sentence(standing, NEW_YORK, NOW) == words


@pytest.mark.parametrize(
    ("windows", "words"),
    [
        ([cover(20, cancelled=True)], "Cancelled."),
        ([cover(-9, 1), cover(20, cancelled=True)], "Cancelled. What was over before stays as it was."),
        ([cover(-1, 1), cover(20, cancelled=True)], "Cancelled. What was under way runs to its end."),
    ],
)
def test_a_cancelled_request_says_what_stays(windows: list[Cover], words: str) -> None:
    standing = stand(RequestState.CANCELLED.value, windows, NOW)
    assert standing.progress is Progress.CANCELLED
    assert sentence(standing, NEW_YORK, NOW) == words


def test_midnight_is_24_00() -> None:
    late = Cover(datetime(2026, 3, 5, 3, tzinfo=UTC), datetime(2026, 3, 5, 5, tzinfo=UTC), 1, 0)
    assert "22:00–24:00 EST" in sentence(stand(OPEN, [late], NOW), NEW_YORK, NOW)


covers = st.builds(cover, st.integers(-60, 60), st.integers(0, 3), st.integers(1, 3), cancelled=st.booleans())


@settings(deadline=None)
@given(st.sampled_from(list(RequestState)), st.lists(covers, max_size=6))
def test_every_standing_has_a_state_and_a_sentence(stored: RequestState, windows: list[Cover]) -> None:
    standing = stand(stored.value, windows, NOW)
    assert sentence(standing, NEW_YORK, NOW).endswith(".")
    assert 0 <= standing.heads_ahead_covered <= standing.heads_ahead <= standing.heads
    missing_ahead = standing.heads_ahead - standing.heads_ahead_covered
    assert (missing_ahead > 0) == (standing.next_missing is not None)
    assert 0 <= standing.percent <= 100
    if standing.progress in STILL_MISSING:
        assert missing_ahead > 0
    if standing.progress in (Progress.FILLED, Progress.IN_SERVICE):
        assert missing_ahead == 0
    if standing.progress in OVER and stored is RequestState.OPEN:
        assert standing.heads_ahead == 0


@settings(deadline=None)
@given(st.lists(covers, min_size=1, max_size=6))
def test_one_more_person_never_makes_it_worse(windows: list[Cover]) -> None:
    better = [Cover(one.start, one.end, one.headcount, one.assigned + 1, one.cancelled) for one in windows]
    order = [
        Progress.UNFILLED,
        Progress.OPEN,
        Progress.PARTIALLY_FILLED,
        Progress.FILLED,
        Progress.IN_SERVICE,
        Progress.COMPLETED,
    ]
    assert order.index(stand(OPEN, better, NOW).progress) >= order.index(stand(OPEN, windows, NOW).progress)
