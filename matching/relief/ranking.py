"""What to do after a call-off: ranked options for every lost item and for all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from matching.problem import Problem
from matching.relief.after import after_call_off
from matching.relief.board import Board
from matching.relief.describing import option_of, window_ids
from matching.relief.joint import Joint, helpers_move, of_way, undisturbed
from matching.relief.moves import Found, Ways
from matching.relief.values import CallOff, Counts, LostItem, OptionKind, Relief, ReliefOption
from matching.solution import Solution, Status, Uncovered
from matching.verify import objective_of


def relief_options(
    problem: Problem,
    plan: Solution,
    call_off: CallOff,
    *,
    price: int | None = None,
    most: int = 10,
    window: str | None = None,
    combined: bool = True,
) -> Relief:
    """What the call-off of somebody costs a plan that keeps every rule, and how it can be relieved.

    Each lost item has its options, best first, at most `most`: one person takes it (direct), or one takes it and gives
    up a piece of work, which a second person takes (chain) or which stays open (trade). All direct ways and chains are
    tried. With `combined` the whole call-off is relieved at once too, with nobody else moved and with helpers moved.
    `price` are the points that an assignment of somebody else costs that changes; None: `weights.change`, or
    CHANGE_PRICE where that is 0. With `window` only the lost item with that window is listed.

    Work that began before the call-off, and pinned work, is never touched. Raises ValueError with a sentence for an
    unknown coordinator, an instant without a time zone, a window that is not lost, and a plan with unknown ids or that
    breaks a rule about persons."""
    after = after_call_off(problem, plan, call_off, price)
    board = Board(after, call_off.coordinator)
    listed = board.lost if window is None else _item_with(board, window)
    ways = Ways(board)
    found = {i: ways.of(i) for i in (board.lost if combined else listed)}
    items = tuple(_lost_item(board, call_off, i, *found[i], most) for i in listed)
    a, b = _combined(ways, call_off, [found[i][0] for i in board.lost]) if combined and board.lost else (None, None)
    return Relief(
        call_off=call_off,
        problem=after.problem,
        plan=after.plan,
        price=after.price,
        loss=after.loss,
        lost=after.lost,
        underway=after.underway,
        items=items,
        undisturbed=a,
        helpers_move=b,
    )


def _item_with(board: Board, window: str) -> list[int]:
    if window not in board.facts.window_index:
        raise ValueError(f"there is no window {window!r}")
    i = int(board.options.window_item[board.facts.window_index[window]])
    if i not in board.lost:
        raise ValueError(f"window {window!r} is not lost by this call-off")
    return [i]


def _lost_item(board: Board, call_off: CallOff, i: int, found: Sequence[Found], possible: Counts, most: int) -> LostItem:
    facts, options = board.facts, board.options
    request = facts.requests[options.item_request[i]]
    windows = [facts.windows[w] for w in options.windows_of(i)]
    return LostItem(
        request=board.after.original.get(request.id, request.id),
        facility=request.facility,
        windows=window_ids(board, [i]),
        start=min(window.start for window in windows),
        end=max(window.end for window in windows),
        time_zone=request.time_zone,
        minutes=int(options.item_minutes[i]),
        priority=request.priority,
        whole=request.is_whole,
        worth=board.after.worth[windows[0].id],
        options=tuple(option_of(board, way.kind, call_off, of_way(board, way), [i]) for way in found[:most]),
        possible=possible,
        near_misses=board.near_misses(i),
        unrelieved=() if found else _unrelieved(board, i),
    )


def _unrelieved(board: Board, i: int) -> tuple[Uncovered, ...]:
    entries = [board.window(name) for name in window_ids(board, [i])]
    original = board.after.original
    return tuple(replace(entry, request=original.get(entry.request, entry.request)) for entry in entries if entry is not None)


def _combined(
    ways: Ways, call_off: CallOff, ranked: Sequence[Sequence[Found]]
) -> tuple[ReliefOption | None, ReliefOption | None]:
    """A and B; none where nothing is gained, no B where moving helpers gains nothing over A."""
    board = ways.board
    a = undisturbed(ways)
    singles = [of_way(board, best[0]) for best in ranked if best]
    known = max([a, *singles], key=lambda joint: joint.effect)
    b = helpers_move(ways, ranked, known)

    def told(kind: OptionKind, joint: Joint) -> ReliefOption:
        return option_of(board, kind, call_off, joint, board.lost)

    return (
        told(OptionKind.UNDISTURBED, a) if a.weeks else None,
        told(OptionKind.HELPERS_MOVE, b) if b.effect > a.effect else None,
    )


def apply_option(problem: Problem, plan: Solution, option: ReliefOption) -> Solution:
    """The plan with an option taken, of the same problem and plan that the option was found for, or of those that
    `Relief` holds. It keeps every rule of `Relief.problem` and is worth `option.effect` more than `Relief.plan`.

    Raises ValueError when the plan has changed so that the option does not fit it any more."""
    after = after_call_off(problem, plan, option.call_off, option.price)
    running = set(after.plan.assignments)
    if not running.issuperset(option.removes) or running.intersection(option.adds):
        raise ValueError("the plan has changed since this option was found: look for options again")
    taken = tuple(sorted((running - set(option.removes)) | set(option.adds)))
    return Solution(
        assignments=taken,
        objective=objective_of(after.problem, taken),
        bound=None,
        status=Status.FEASIBLE,
        seconds=0.0,
    )
