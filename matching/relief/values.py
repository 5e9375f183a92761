"""A call-off, and what can be done about it: frozen values, ids and points as in the problem."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from matching.problem import Assignment, Problem
from matching.solution import NearMiss, Solution, Uncovered


@dataclass(frozen=True, slots=True)
class CallOff:
    """A coordinator who cannot work. Lost are their windows that start at `from_instant` or later and before
    `until_instant`; None: from the first, to the last. Instants are aware."""

    coordinator: str
    from_instant: datetime | None = None
    until_instant: datetime | None = None


class OptionKind(StrEnum):
    """How much an option disturbs."""

    DIRECT = "direct"  # one person takes the lost work, nobody else moves
    CHAIN = "chain"  # the taker gives up one piece of work, which a second person takes
    TRADE = "trade"  # the taker gives up one piece of work, worth less, which stays open
    UNDISTURBED = "undisturbed"  # A: all lost work together, nobody else moves
    HELPERS_MOVE = "helpers_move"  # B: all lost work together, helpers may give up own work at a price


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What an option asks of one person. `takes` and `gives_up` are window ids. `over_target_minutes` counts what they
    have above their target afterwards. Facilities are those of what they take; `sentences` say why they pass."""

    coordinator: str
    takes: tuple[str, ...]
    gives_up: tuple[str, ...]
    minutes_before: int
    minutes_after: int
    target_minutes: int
    over_target_minutes: int
    known_facilities: tuple[str, ...]
    new_facilities: tuple[str, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliefOption:
    """One way to relieve: the running plan without the lost work, less `removes`, plus `adds`.

    `effect` are the points by which that plan becomes worth more, on `Relief.problem`; `change_cost` of them are paid
    already for other people's assignments that change. `covers` are the lost windows covered, `leaves_open` those that
    stay open (of the one lost item, or of the whole call-off for a combined option), `opens` windows that a mover gives
    up and nobody takes. `proven`: no option of its kind is worth more."""

    kind: OptionKind
    call_off: CallOff
    price: int
    moves: tuple[Move, ...]
    adds: tuple[Assignment, ...]
    removes: tuple[Assignment, ...]
    effect: int
    change_cost: int
    covers: tuple[str, ...]
    leaves_open: tuple[str, ...]
    opens: tuple[str, ...]
    minutes_covered: int
    minutes_open: int
    minutes_opened: int
    proven: bool = True

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody who is asked for something, who takes lost work first."""
        return tuple(move.coordinator for move in self.moves)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many ways there are to relieve one lost item that make the plan worth more."""

    direct: int
    chain: int
    trade: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LostItem:
    """Work that one person has to take in one go: one lost window, or all the remaining windows of a whole request.

    `time_zone` is the request's, and `worth` are the points that went with it. `options` are ranked, best first;
    `possible` counts all there are. `near_misses` are people whom exactly one rule keeps from taking it; `unrelieved`
    explains each window when there is no option at all."""

    request: str
    facility: str
    windows: tuple[str, ...]
    start: datetime
    end: datetime
    time_zone: str
    minutes: int
    priority: int
    whole: bool
    worth: int
    options: tuple[ReliefOption, ...]
    possible: Counts
    near_misses: tuple[NearMiss, ...]
    unrelieved: tuple[Uncovered, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Relief:
    """What a call-off costs and how it can be relieved.

    `problem` is the week after the call-off: the person away, begun work pinned, the running plan as the previous one
    with `price` points for each assignment that changes. Every option applied keeps its rules. `plan` is the running
    plan without the `lost` work, `loss` the points that went with it. `underway` are windows of the person that had begun:
    they stay with them, and what remains of them is not relieved here. `undisturbed` and `helpers_move` relieve the whole
    call-off at once (None: nothing gained; helpers who move gain nothing over leaving them in peace)."""

    call_off: CallOff
    problem: Problem
    plan: Solution
    price: int
    loss: int
    lost: tuple[Assignment, ...]
    underway: tuple[str, ...]
    items: tuple[LostItem, ...]
    undisturbed: ReliefOption | None = None
    helpers_move: ReliefOption | None = None
