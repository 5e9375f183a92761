"""Worked time by kind: entries cut where a premium begins or ends, and where overtime does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from billing.local_time import pieces_between_borders
from billing.rates import Overtime, OvertimeStep, Premium, RateCard
from billing.rating.entries import Cancellation, WorkedEntry

_DAYS_OF_A_WEEK = 7


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of an entry with one price: within it no premium, no overtime and no local day begins or ends."""

    entry: WorkedEntry
    start: datetime
    seconds: int
    premiums: tuple[Premium, ...]
    because: tuple[str, ...] = ()
    overtime: OvertimeStep | None = None


def cut(entry: WorkedEntry | Cancellation, card: RateCard, zone: ZoneInfo) -> list[Piece]:
    """`entry` cut at the premium borders of `card` on the wall clock of `zone`, in the order in which it was worked."""
    worked = entry if isinstance(entry, WorkedEntry) else _as_worked(entry)
    pieces = []
    for start, end in pieces_between_borders(worked.start, worked.end, zone, card.borders):
        local = (start + (end - start) / 2).astimezone(zone)
        premiums = card.premiums_at(local)
        because = tuple(name for premium in premiums if (name := premium.name_of(local)))
        pieces.append(Piece(worked, start, int((end - start).total_seconds()), premiums, because))
    return pieces


def _as_worked(booking: Cancellation) -> WorkedEntry:
    return WorkedEntry(
        booking.id, booking.coordinator, booking.service, booking.start, booking.end, status="cancelled", level=booking.level
    )


def with_overtime(pieces: Iterable[tuple[Piece, Overtime | None]], zone: ZoneInfo) -> list[Piece]:
    """Cut the pieces further where a coordinator goes over a limit, and mark what is over it.

    Pieces must come in the order in which they count: work that is on an invoice before work that is not, then by time. So
    what was billed stays as it was billed, and late work is charged the overtime that it adds to its week.
    """
    ordered = list(pieces)
    week_starts = {rule.week_starts_on for _, rule in ordered if rule}
    counters: dict[str, _Counter] = {}
    result: list[Piece] = []
    for piece, rule in ordered:
        counter = counters.setdefault(piece.entry.coordinator, _Counter(week_starts))
        result += counter.count(piece, rule, piece.start.astimezone(zone).date())
    return result


class _Counter:
    """What one coordinator has worked so far: by local day, and by week without overtime."""

    def __init__(self, week_starts: set[int]) -> None:
        self._week_starts = week_starts
        self._by_day: dict[date, int] = defaultdict(int)
        self._by_week: dict[tuple[int, date], int] = defaultdict(int)

    def count(self, piece: Piece, rule: Overtime | None, day: date) -> list[Piece]:
        if rule is None:
            self._add(day, piece.seconds, is_overtime=False)
            return [piece]
        cuts: list[Piece] = []
        done = 0
        while done < piece.seconds:
            step, room = self._step(rule, day)
            taken = min(room, piece.seconds - done)
            self._add(day, taken, is_overtime=step is not None)
            cuts.append(replace(piece, start=piece.start + timedelta(seconds=done), seconds=taken, overtime=step))
            done += taken
        return cuts

    def _step(self, rule: Overtime, day: date) -> tuple[OvertimeStep | None, int]:
        begins = _week_of(day, rule.week_starts_on)
        is_seventh = rule.seventh_day and (day - begins).days == _DAYS_OF_A_WEEK - 1
        in_a_row = is_seventh and all(self._by_day[begins + timedelta(days=number)] for number in range(_DAYS_OF_A_WEEK - 1))
        return rule.step(self._by_day[day], self._by_week[rule.week_starts_on, begins], in_a_row)

    def _add(self, day: date, seconds: int, *, is_overtime: bool) -> None:
        self._by_day[day] += seconds
        if not is_overtime:
            for starts_on in self._week_starts:
                self._by_week[starts_on, _week_of(day, starts_on)] += seconds


def _week_of(day: date, starts_on: int) -> date:
    return day - timedelta(days=(day.weekday() - starts_on) % _DAYS_OF_A_WEEK)
