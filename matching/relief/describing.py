"""An option in words and figures: who takes and gives up what, and what the plan gains by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from matching.relief.board import Board
from matching.relief.joint import Joint
from matching.relief.values import CallOff, Move, OptionKind, ReliefOption


def option_of(board: Board, kind: OptionKind, call_off: CallOff, joint: Joint, scope: Sequence[int]) -> ReliefOption:
    """The option that gives people these weeks, seen from the lost items in `scope`."""
    facts, options = board.facts, board.options
    takes = {c: sorted(week - board.state.taken[c]) for c, week in joint.weeks.items()}
    gives = {c: sorted(board.state.taken[c] - week) for c, week in joint.weeks.items()}
    adds = options.assignments(facts, [option for mine in takes.values() for option in mine])
    removes = options.assignments(facts, [option for mine in gives.values() for option in mine])
    heads = Counter(options.item[[option for mine in takes.values() for option in mine]].tolist())
    heads.subtract(options.item[[option for mine in gives.values() for option in mine]].tolist())
    covered = [i for i in scope if heads[i] > 0]
    still = [i for i in scope if heads[i] <= 0]
    opened = [i for i in sorted(heads) if heads[i] < 0]
    people = sorted(joint.weeks, key=lambda c: (_first_lost(board, takes[c], covered), not takes[c], c))
    return ReliefOption(
        kind=kind,
        call_off=call_off,
        price=board.after.price,
        moves=tuple(_move(board, c, takes[c], gives[c]) for c in people),
        adds=adds,
        removes=removes,
        effect=joint.effect,
        change_cost=board.after.price * len(removes),
        covers=window_ids(board, covered),
        leaves_open=window_ids(board, still),
        opens=window_ids(board, opened),
        minutes_covered=int(options.item_minutes[covered].sum()),
        minutes_open=int(options.item_minutes[still].sum()),
        minutes_opened=sum(int(options.item_minutes[i]) * -heads[i] for i in opened),
        proven=joint.proven,
    )


def window_ids(board: Board, items: Iterable[int]) -> tuple[str, ...]:
    """The ids of all windows of the items."""
    return tuple(board.facts.windows[w].id for i in items for w in board.options.windows_of(i).tolist())


def _first_lost(board: Board, takes: Sequence[int], covered: Sequence[int]) -> int:
    """The place of the first lost item that is taken; behind all of them when none is."""
    items = set(board.options.item[list(takes)].tolist()) if takes else set()
    return next((place for place, i in enumerate(covered) if i in items), len(covered))


def _move(board: Board, c: int, takes: Sequence[int], gives: Sequence[int]) -> Move:
    options, person = board.options, board.facts.coordinators[c]
    taken = [int(i) for i in options.item[list(takes)]] if takes else []
    given = [int(i) for i in options.item[list(gives)]] if gives else []
    before = int(board.state.minutes[c])
    after = before + int(options.item_minutes[taken].sum()) - int(options.item_minutes[given].sum())
    facilities = sorted({int(f) for f in options.item_facility[taken]})
    names = board.facts.facility_names
    known = [names[f] for f in facilities if options.knows[c, f]]
    new = [names[f] for f in facilities if not options.knows[c, f]]
    return Move(
        coordinator=person.id,
        takes=window_ids(board, taken),
        gives_up=window_ids(board, given),
        minutes_before=before,
        minutes_after=after,
        target_minutes=person.target_minutes,
        over_target_minutes=max(0, after - person.target_minutes),
        known_facilities=tuple(known),
        new_facilities=tuple(new),
        sentences=_sentences(board, c, taken, window_ids(board, given), after) if taken else (),
    )


def _sentences(board: Board, c: int, taken: Sequence[int], gives_up: Sequence[str], after: int) -> tuple[str, ...]:
    facts, options = board.facts, board.options
    person = facts.coordinators[c]
    requests = [facts.requests[r] for r in dict.fromkeys(options.item_request[list(taken)].tolist())]
    said: list[str] = []
    for request in requests:
        fit = f"Offers {request.service} at level {person.services[request.service]} ({request.level} is asked for)"
        said.append(f"{fit}, speaks {request.language} and knows {request.system}")
    served = sorted({request.facility for request in requests})
    said += [f"{'Knows' if facility in person.known_facilities else 'Is new to'} {facility}" for facility in served]
    pieces = ", ".join(window_ids(board, taken))
    said.append(f"Is free for {pieces} once {', '.join(gives_up)} is given up" if gives_up else f"Is free for {pieces}")
    said.append(f"Comes to {hours(after)} of at most {hours(person.cap_minutes)}")
    margins = sorted({request.bill_per_hour - person.pay_per_hour for request in requests})
    between = " to ".join(str(margin) for margin in dict.fromkeys((margins[0], margins[-1])))
    said.append(f"Leaves {between} an hour between bill and pay")
    return tuple(said)


def hours(minutes: int) -> str:
    """Minutes as people say them: 31 h 30 min."""
    whole, rest = divmod(minutes, 60)
    return f"{whole} h {rest} min" if rest else f"{whole} h"
