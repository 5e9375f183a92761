"""Who is worth asking when helpers may move: the people among whom the best joint relief is looked for."""

from __future__ import annotations

from collections.abc import Sequence

from matching.relief.board import Board
from matching.relief.moves import NOBODY, Found, Ways

HELPERS = 24
"""How many people the search for the best joint relief with helpers moved (plan B) looks at."""


def promising_people(ways: Ways, ranked: Sequence[Sequence[Found]], known: Sequence[int]) -> list[int]:
    """Up to HELPERS people, those known among them: of each item in turn the movers of its best ways, then those who
    would have to give up more than one piece, with who could take the pieces."""
    groups = [_groups(ways, i, found) for i, found in zip(ways.board.lost, ranked, strict=True)]
    people = dict.fromkeys(known)
    for rank in range(max(map(len, groups), default=0)):
        for item in groups:
            if rank < len(item):
                people.update(dict.fromkeys(item[rank]))
        if len(people) >= HELPERS:
            break
    return sorted(list(people)[: max(HELPERS, len(known))])


def _groups(ways: Ways, i: int, found: Sequence[Found]) -> list[list[int]]:
    """People who could relieve the item together, the most promising first, by the points they gain or seem to gain."""
    person = ways.board.options.person
    weighed = [(-way.effect, [int(person[k]) for k in (way.takes, way.second) if k != NOBODY]) for way in found]
    exact = {people[0] for _, people in weighed}
    weighed += [(-points, people) for points, people in _several(ways, i) if people[0] not in exact]
    return [people for _, people in sorted(weighed)]


def _several(ways: Ways, i: int) -> list[tuple[int, list[int]]]:
    """What people might gain who give up everything that is in the way by time, each piece to whom it suits best. An
    estimate: the pieces are weighed one by one."""
    board, options, state = ways.board, ways.board.options, ways.board.state
    able = board.candidates(i)
    able = able[~state.has[options.person[able], i]]
    if not len(able):
        return []
    gains = state.gain(able).tolist()
    estimates = []
    for option, gain in zip(able.tolist(), gains, strict=True):
        c, points = int(options.person[option]), int(gain)
        clashing = _in_the_way(board, c, i)
        if clashing is None:
            continue
        group = [c]
        for given in clashing:
            second, more = ways.best_successor(int(options.item[given]))
            points += board.release(given) + max(0, more)
            group += [second] if more > 0 else []
        if points > 0:
            estimates.append((points, group))
    return estimates


def _in_the_way(board: Board, c: int, i: int) -> list[int] | None:
    """The person's options at the same time as the item; None when one of them is fixed."""
    options = board.options
    new = options.windows_of(i)
    starts, ends = options.window_start[new], options.window_end[new]
    own = sorted(board.state.taken[c])
    clashing = []
    for option in own:
        windows = options.windows_of(int(options.item[option]))
        overlap = options.window_start[windows][:, None] < ends
        overlap &= options.window_end[windows][:, None] > starts
        if overlap.any():
            clashing.append(option)
    free = set(board.can_give_up(c))
    return clashing if free.issuperset(clashing) else None
