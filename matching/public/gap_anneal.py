"""The compiled search of generalised assignment: annealing over chains of two moves.
 A step takes a job by chance and looks for its best new place, alone or together with one job from there that moves on
(back to where the first came from: a swap). Agents may be overfull at a price; the cheapest plan in which none is, is
kept. Jobs only go to agents that are priced well for them, so that what is looked at stays small."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.solving.compiled import compiled

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]

NO_PLAN = 1 << 60
_COOL_EVERY = 1000


class Offers(NamedTuple):
    """The problem, and the agents worth looking at for job j: `agent[first[j]:first[j + 1]]`. `price[a]` is what a unit
    too much costs with agent a."""

    cost: Numbers
    takes: Numbers
    room: Numbers
    first: Numbers
    agent: Numbers
    price: Floats


class _Board(NamedTuple):
    owner: Numbers
    members: Numbers
    counts: Numbers
    place: Numbers
    load: Numbers
    fine: Floats


@compiled
def _fine(offers: Offers, a: int, load: int) -> float:
    """What it costs that an agent has so much to do."""
    over = load - offers.room[a]
    return offers.price[a] * over if over > 0 else 0.0


@compiled
def _board(offers: Offers, owner: Numbers) -> _Board:
    """Everything that follows from who has what."""
    agents, jobs = offers.cost.shape
    members = np.zeros((agents, jobs), np.int64)
    counts, load = np.zeros(agents, np.int64), np.zeros(agents, np.int64)
    place, fine = np.zeros(jobs, np.int64), np.zeros(agents, np.float64)
    for j in range(jobs):
        a = owner[j]
        members[a, counts[a]] = j
        place[j] = counts[a]
        counts[a] += 1
        load[a] += offers.takes[a, j]
    for a in range(agents):
        fine[a] = _fine(offers, a, load[a])
    return _Board(owner, members, counts, place, load, fine)


@compiled
def _move(offers: Offers, board: _Board, j: int, b: int) -> int:
    """Gives job j to agent b; answers the change of the cost."""
    a = board.owner[j]
    board.counts[a] -= 1
    last = board.members[a, board.counts[a]]
    board.members[a, board.place[j]] = last
    board.place[last] = board.place[j]
    board.members[b, board.counts[b]] = j
    board.place[j] = board.counts[b]
    board.counts[b] += 1
    board.owner[j] = b
    board.load[a] -= offers.takes[a, j]
    board.load[b] += offers.takes[b, j]
    board.fine[a] = _fine(offers, a, board.load[a])
    board.fine[b] = _fine(offers, b, board.load[b])
    return int(offers.cost[b, j] - offers.cost[a, j])


@compiled
def _best_chain(offers: Offers, board: _Board, j: int) -> tuple[float, int, int, int]:
    """The best new agent b for job j, and what moves on from there: (change, b, that job or −1, its new agent)."""
    a = board.owner[j]
    left = board.load[a] - offers.takes[a, j]
    relief = _fine(offers, a, left)
    best, best_b, best_k, best_c = np.inf, -1, -1, -1
    for x in range(offers.first[j], offers.first[j + 1]):
        b = offers.agent[x]
        if b == a:
            continue
        gone = offers.cost[b, j] - offers.cost[a, j] - board.fine[a] - board.fine[b]
        filled = board.load[b] + offers.takes[b, j]
        change = gone + relief + _fine(offers, b, filled)
        if change < best:
            best, best_b, best_k = change, b, -1
        for y in range(board.counts[b]):
            k = board.members[b, y]
            so_far = gone - offers.cost[b, k] + _fine(offers, b, filled - offers.takes[b, k])
            for z in range(offers.first[k], offers.first[k + 1]):
                c = offers.agent[z]
                if c == b:
                    continue
                if c == a:
                    change = so_far + offers.cost[a, k] + _fine(offers, a, left + offers.takes[a, k])
                else:
                    more = _fine(offers, c, board.load[c] + offers.takes[c, k]) - board.fine[c]
                    change = so_far + relief + offers.cost[c, k] + more
                if change < best:
                    best, best_b, best_k, best_c = change, b, k, c
    return best, best_b, best_k, best_c


@compiled
def anneal(offers: Offers, owner: Numbers, hot: float, cold: float, steps: int, seed: int) -> tuple[int, Numbers]:
    """So many steps from the temperature `hot` down to `cold` (in units of cost), from `owner`, which is changed. Answers
    the least cost of a plan in which nobody is overfull, and that plan; NO_PLAN where none was met."""
    np.random.seed(seed)
    board = _board(offers, owner)
    jobs = len(owner)
    total = 0
    for j in range(jobs):
        total += offers.cost[owner[j], j]
    best, best_owner = NO_PLAN, owner.copy()
    if board.fine.sum() == 0.0:
        best = total
    heat = hot
    cooling = (cold / hot) ** (_COOL_EVERY / max(_COOL_EVERY, steps))
    for step in range(steps):
        if step % _COOL_EVERY == 0:
            heat *= cooling
        j = np.random.randint(jobs)
        change, b, k, c = _best_chain(offers, board, j)
        if b < 0 or (change > 0 and change > -heat * np.log(1.0 - np.random.random())):
            continue
        total += _move(offers, board, j, b)
        if k >= 0:
            total += _move(offers, board, k, c)
        if total < best and not board.fine.any():
            best = total
            best_owner[:] = board.owner
    return best, best_owner
