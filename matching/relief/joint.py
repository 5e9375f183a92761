"""The whole call-off at once: the best joint assignment of the lost items, by one small exact model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from matching.objective import week_worth
from matching.relief.board import Board
from matching.relief.helpers import promising_people
from matching.relief.moves import NOBODY, Found, Ways
from matching.rules import Indices
from matching.solving.model import Model, Rows, joint_model, person_model

MOST_MOVED = 3
"""How many of them may give up own work, whatever it gains: each is somebody to be called."""

_EFFORT = 0.5
"""CP-SAT's own units; the same on every machine, some tenths of a second on a common one."""


@dataclass(frozen=True, slots=True)
class Joint:
    """People's weeks after: for each one who changes, the options they then hold. `effect` in points."""

    weeks: Mapping[int, frozenset[int]]
    effect: int
    proven: bool


def undisturbed(ways: Ways) -> Joint:
    """The best assignment of all lost items together with nobody else moved. Exact."""
    board = ways.board
    offered: dict[int, set[int]] = {}
    for i in board.lost:
        for option in _worth_offering(ways, i).tolist():
            offered.setdefault(int(board.options.person[option]), set()).add(option)
    if not offered:
        return Joint({}, 0, proven=True)
    columns = {c: np.array(sorted(mine | board.state.taken[c]), dtype=np.int64) for c, mine in offered.items()}
    fixed = [option for c in columns for option in board.state.taken[c]]
    return _solved(board, columns, _model(board, columns, np.array(sorted(fixed), dtype=np.int64)))


def helpers_move(ways: Ways, ranked: Sequence[Sequence[Found]], known: Joint) -> Joint:
    """The best relief of all lost items when up to MOST_MOVED of the most promising people may give up own work at the
    price of a change: those of the relief known and of the best ways of each item. At least as good as the relief
    known, which is proven the best among these people or said not to be."""
    board, options = ways.board, ways.board.options
    people = promising_people(ways, ranked, list(known.weeks))
    own = {option for c in people for option in board.can_give_up(c)}
    allowed = np.zeros(len(options.item_request), dtype=bool)
    allowed[board.lost] = True
    allowed[options.item[sorted(own)]] = True
    columns = {}
    for c in people:
        mine = options.of_person(c)
        reach = set(mine[allowed[options.item[mine]]].tolist())
        columns[c] = np.array(sorted(reach | board.state.taken[c]), dtype=np.int64)
    if not columns:
        return known
    kept = [option for c in people for option in board.state.taken[c] - own]
    model = _with_few_moved(board, _model(board, columns, np.array(sorted(kept), dtype=np.int64)), sorted(own))
    found = _solved(board, columns, model)
    if found.effect > known.effect:
        return found
    return replace(known, proven=found.proven and found.effect == known.effect)


def of_way(board: Board, found: Found) -> Joint:
    """A way to relieve one item, as people's weeks."""
    person = board.options.person
    weeks = {int(person[found.takes]): (board.state.taken[int(person[found.takes])] | {found.takes}) - {found.gives}}
    if found.second != NOBODY:
        weeks[int(person[found.second])] = board.state.taken[int(person[found.second])] | {found.second}
    return Joint({c: frozenset(week) for c, week in weeks.items()}, found.effect, proven=True)


def _worth_offering(ways: Ways, i: int) -> Indices:
    """The free options of an item that some best joint assignment can need.

    An option adds at most its gain and the prices that another item may have paid already. With n items, n − 1 people
    at most are busy with others; so where n people each gain more by the item alone, one of them is idle and better.
    Where only few may share the request that argument fails, and all are kept."""
    board, options = ways.board, ways.board.options
    free = ways.free(i)
    if not len(free):
        return free
    gains = board.state.gain(free)
    at_most = gains + options.facility_price + options.pair_price
    n, shared = len(board.lost), int(options.shared_request[i])
    if len(free) <= n or (shared >= 0 and board.room(shared) < n):
        return free[at_most > 0]
    ranked = np.argsort(-gains, kind="stable")
    keep = at_most > max(0, int(gains[ranked[n - 1]]))
    keep[ranked[:n]] |= at_most[ranked[:n]] > 0
    return free[keep]


def _solved(board: Board, columns: Mapping[int, Indices], model: Model) -> Joint:
    """The best weeks of the people, each made of their columns."""
    from matching.solving.engines import solve_cpsat

    answer = solve_cpsat(model, effort=_EFFORT)
    if answer.columns is None:
        return Joint({}, 0, proven=False)
    chosen = model.taken(answer.columns)
    person = board.options.person[chosen]
    weeks = {}
    effect = 0
    for c in columns:
        before, after = np.array(sorted(board.state.taken[c]), dtype=np.int64), chosen[person == c]
        if not np.array_equal(before, after):
            effect += week_worth(board.options, c, after) - week_worth(board.options, c, before)
            weeks[c] = frozenset(after.tolist())
    proven = math.isfinite(answer.bound) and answer.bound <= float(model.worth @ answer.columns) + 0.5
    if effect <= 0:
        return Joint({}, 0, proven)
    return Joint(weeks, effect, proven)


def _model(board: Board, columns: Mapping[int, Indices], fixed: Indices) -> Model:
    options, state = board.options, board.state
    people = sorted(columns)
    heads = np.zeros(len(options.item_request), dtype=np.int64)
    sharers = np.maximum(0, options.request_sharers - state.sharers)
    for c in people:
        held = np.array(sorted(state.taken[c]), dtype=np.int64)
        heads[options.item[held]] += 1
        shared = options.shared_request[options.item[held]]
        sharers[np.unique(shared[shared >= 0])] += 1
    heads[board.lost] += 1
    model = joint_model(options, [person_model(options, c, columns[c]) for c in people], heads, sharers)
    low = model.low.copy()
    low[model.option_column[np.isin(model.options, fixed)]] = 1
    return replace(model, low=low)


def _with_few_moved(board: Board, model: Model, own: Sequence[int]) -> Model:
    """The model with a column for each helper that is 1 when they give up any of their `own` options, and at most
    MOST_MOVED of those."""
    person = board.options.person[np.array(own, dtype=np.int64)]
    people, number = np.unique(person, return_inverse=True)
    if len(people) <= MOST_MOVED:
        return model
    column_of = dict(zip(model.options.tolist(), model.option_column.tolist(), strict=True))
    first = len(model.worth)
    rows = [
        (np.array([column_of[option], first + k]), np.array([-1, -1], dtype=np.int64), -1)
        for option, k in zip(own, number.tolist(), strict=True)
    ]
    ones = np.ones(len(people), dtype=np.int64)
    rows.append((first + np.arange(len(people)), ones, MOST_MOVED))
    return replace(
        model,
        worth=np.concatenate([model.worth, 0 * ones]),
        low=np.concatenate([model.low, 0 * ones]),
        high=np.concatenate([model.high, ones]),
        rows=Rows.stacked([(model.rows, 0), (Rows.of(rows), 0)]),
    )
