"""The compiled step of shift minimisation: give out what is left over, putting back what is in the way, with no more
people than allowed.
 Every task has a weight, which grows while it is left over and nothing improves; so the search leaves every place where it
is stuck. A task does not return at once to the person it was taken from. `Board` arrays: `owner[t]` (−1: left over),
`held[p, :counts[p]]` the tasks of person p, `left[:totals[LEFT]]` the tasks left over with `place` their places there;
`totals` also counts the people in use."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.solving.compiled import compiled

Numbers = NDArray[np.int64]

LEFT, USED = 0, 1
_FAR = 1 << 60
_TENURE = 10


class Given(NamedTuple):
    """The problem: spans of the tasks, who can do task t (`person[first[t]:first[t + 1]]`), and the same as a table
    `able[p, t]`."""

    starts: Numbers
    ends: Numbers
    first: Numbers
    person: Numbers
    able: NDArray[np.bool_]


class Board(NamedTuple):
    """Where a search stands; see the module."""

    owner: Numbers
    held: Numbers
    counts: Numbers
    left: Numbers
    place: Numbers
    totals: Numbers
    weights: Numbers
    barred: Numbers


def new_board(given: Given, owner: Numbers, width: int) -> Board:
    """A board with the given owners; nobody can hold more than `width` tasks."""
    people, tasks = given.able.shape
    board = Board(
        np.full(tasks, -1, dtype=np.int64),
        np.full((people, width + 1), -1, dtype=np.int64),
        np.zeros(people, dtype=np.int64),
        np.arange(tasks, dtype=np.int64),
        np.arange(tasks, dtype=np.int64),
        np.array([tasks, 0], dtype=np.int64),
        np.ones(tasks, dtype=np.int64),
        np.zeros((tasks, people), dtype=np.int64),
    )
    for t in np.nonzero(owner >= 0)[0].tolist():
        put(board, t, int(owner[t]))
    return board


@compiled
def put(board: Board, t: int, p: int) -> None:
    """Gives a task that is left over to a person."""
    if board.counts[p] == 0:
        board.totals[USED] += 1
    board.held[p, board.counts[p]] = t
    board.counts[p] += 1
    board.owner[t] = p
    board.totals[LEFT] -= 1
    last = board.left[board.totals[LEFT]]
    board.left[board.place[t]] = last
    board.place[last] = board.place[t]


@compiled
def take_back(board: Board, p: int, k: int, until: int) -> None:
    """Takes the k-th task of a person back; it does not return to them before the step `until`."""
    t = board.held[p, k]
    board.counts[p] -= 1
    board.held[p, k] = board.held[p, board.counts[p]]
    if board.counts[p] == 0:
        board.totals[USED] -= 1
    board.owner[t] = -1
    board.left[board.totals[LEFT]] = t
    board.place[t] = board.totals[LEFT]
    board.totals[LEFT] += 1
    board.barred[t, p] = until


@compiled
def weight_of(board: Board, p: int) -> int:
    """The weight of all tasks of a person."""
    total = 0
    for k in range(board.counts[p]):
        total += board.weights[board.held[p, k]]
    return total


@compiled
def _lightest(board: Board) -> int:
    """The person in use whose tasks weigh least."""
    found, least = -1, _FAR
    for p in range(len(board.counts)):
        if board.counts[p] > 0:
            weight = weight_of(board, p)
            if weight < least:
                found, least = p, weight
    return found


@compiled
def _in_the_way(given: Given, board: Board, t: int, p: int, enough: int) -> int:
    """The weight of what person p does at the time of task t; more than `enough` need not be counted to the end."""
    total = 0
    for k in range(board.counts[p]):
        other = board.held[p, k]
        if given.starts[other] < given.ends[t] and given.ends[other] > given.starts[t]:
            total += board.weights[other]
            if total > enough:
                break
    return total


@compiled
def _best_gift(given: Given, board: Board, lightest_weight: int, step: int) -> tuple[int, int, int, int]:
    """The task left over and the person for whom least must be put back: (what is lost, task, person, work done).
    Somebody new costs `lightest_weight`, the tasks of whoever has to make room for them."""
    least, best_t, best_p, ties, work = _FAR, -1, -1, 0, 0
    for i in range(board.totals[LEFT]):
        t = board.left[i]
        work += given.first[t + 1] - given.first[t]
        for j in range(given.first[t], given.first[t + 1]):
            p = given.person[j]
            if board.counts[p] == 0:
                lost = lightest_weight - board.weights[t]
            else:
                lost = _in_the_way(given, board, t, p, least + board.weights[t]) - board.weights[t]
            if lost > least or board.barred[t, p] > step:
                continue
            ties = 1 if lost < least else ties + 1
            if lost < least or np.random.randint(ties) == 0:
                least, best_t, best_p = lost, t, p
    return least, best_t, best_p, work


@compiled
def _best_stand_in(given: Given, board: Board, t: int, idle: int) -> tuple[int, int]:
    """Who had best make room for somebody idle, who takes task t and whatever of theirs they can do: (what is lost, who)."""
    least, best = _FAR, -1
    for q in range(len(board.counts)):
        if board.counts[q] == 0:
            continue
        lost = -board.weights[t]
        for k in range(board.counts[q]):
            other = board.held[q, k]
            clash = given.starts[other] < given.ends[t] and given.ends[other] > given.starts[t]
            if clash or not given.able[idle, other]:
                lost += board.weights[other]
                if lost >= least:
                    break
        if lost < least:
            least, best = lost, q
    return least, best


@compiled
def _idle_for(given: Given, board: Board, t: int) -> int:
    """Somebody idle, by chance, who can do task t; −1 when there is nobody."""
    found, seen = -1, 0
    for j in range(given.first[t], given.first[t + 1]):
        p = given.person[j]
        if board.counts[p] == 0:
            seen += 1
            if np.random.randint(seen) == 0:
                found = p
    return found


@compiled
def _give(given: Given, board: Board, t: int, p: int, until: int) -> None:
    """Gives task t to person p and puts back what is in the way."""
    k = 0
    while k < board.counts[p]:
        other = board.held[p, k]
        if given.starts[other] < given.ends[t] and given.ends[other] > given.starts[t]:
            take_back(board, p, k, until)
        else:
            k += 1
    put(board, t, p)


@compiled
def _replace(given: Given, board: Board, t: int, idle: int, q: int, until: int) -> None:
    """Somebody idle takes task t and what they can of the tasks of q, who is then idle."""
    while board.counts[q] > 0:
        other = board.held[q, 0]
        take_back(board, q, 0, until)
        clash = given.starts[other] < given.ends[t] and given.ends[other] > given.starts[t]
        if given.able[idle, other] and not clash:
            put(board, other, idle)
    put(board, t, idle)


@compiled
def dismiss(board: Board, most: int) -> None:
    """Puts back the tasks of those with least until no more than `most` people are in use."""
    while board.totals[USED] > most:
        p = _lightest(board)
        while board.counts[p] > 0:
            take_back(board, p, 0, 0)


@compiled
def repair(given: Given, board: Board, most: int, amount: int, seed: int, step: int) -> tuple[int, int]:
    """Searches until nothing is left over or the `amount` of work is done, with at most `most` people in use; goes on
    from `step`. Answers the work done and the step reached."""
    np.random.seed(seed)
    dismiss(board, most)
    work = 0
    while board.totals[LEFT] > 0 and work < amount:
        step += 1
        full = board.totals[USED] >= most
        lightest = _lightest(board) if full else -1
        least, t, p, seen = _best_gift(given, board, weight_of(board, lightest) if full and lightest >= 0 else 0, step)
        work += seen + len(board.counts)
        until = step + _TENURE + board.totals[LEFT] + np.random.randint(_TENURE)
        if least >= 0 and full:
            other_t = board.left[np.random.randint(board.totals[LEFT])]
            idle = _idle_for(given, board, other_t)
            if idle >= 0 and board.barred[other_t, idle] <= step:
                lost, q = _best_stand_in(given, board, other_t, idle)
                work += len(board.counts)
                if q >= 0 and lost <= least:
                    _grow(board, lost)
                    _replace(given, board, other_t, idle, q, until)
                    continue
        if t < 0:
            continue
        _grow(board, least)
        if full and board.counts[p] == 0 and lightest >= 0:
            while board.counts[lightest] > 0:
                take_back(board, lightest, 0, until)
        _give(given, board, t, p, until)
    return work, step


@compiled
def _grow(board: Board, lost: int) -> None:
    """What is left over weighs more from now on, where the next move does not improve anything."""
    if lost >= 0:
        for i in range(board.totals[LEFT]):
            board.weights[board.left[i]] += 1
