"""The compiled improvement of generalised assignment: some agents are emptied and filled again, one after the other, each
as full of the right jobs as an exact knapsack can make it.
 What a job is worth to the agent being filled is what it would cost with the best of those still to come, their room at its
price, less what it costs here; a little chance makes every try different. The last two share what is left: the price of the
last one's room is halved in until it just fits. Among a few agents or among all, so a try looks at exponentially many plans;
what it finds is kept when it is no dearer."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.public.gap_anneal import NO_PLAN
from matching.solving.compiled import compiled

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]

_HALVINGS = 10
_NOISES = (0.02, 0.05, 0.1, 0.2)


class Priced(NamedTuple):
    """The problem and the price of a unit of every agent's room."""

    cost: Numbers
    takes: Numbers
    room: Numbers
    price: Floats


class Scratch(NamedTuple):
    """Room to work in: `order` begins with the agents being filled, `left` holds the jobs without an agent."""

    order: Numbers
    chosen: NDArray[np.bool_]
    left: Numbers
    later: Numbers
    value: Floats
    weight: Numbers
    table: Floats
    taken: NDArray[np.bool_]
    owner: Numbers
    last: Numbers


def scratch_for(given: Priced) -> Scratch:
    """Room to work in for one search."""
    agents, jobs = given.cost.shape
    room = int(given.room.max()) + 1
    numbers = [np.zeros(jobs, dtype=np.int64) for _ in range(5)]
    return Scratch(
        order=np.arange(agents, dtype=np.int64),
        chosen=np.zeros(agents, dtype=np.bool_),
        left=numbers[0],
        later=numbers[1],
        value=np.zeros(jobs),
        weight=numbers[2],
        table=np.zeros(room),
        taken=np.zeros((jobs, room), dtype=np.bool_),
        owner=numbers[3],
        last=numbers[4],
    )


@compiled
def _knapsack(scratch: Scratch, count: int, room: int) -> None:
    """The most valuable of the first `count` jobs that fit; `taken[i, r]` says whether job i is among those for room r."""
    table, taken = scratch.table, scratch.taken
    table[: room + 1] = 0.0
    for i in range(count):
        weight, value = scratch.weight[i], scratch.value[i]
        taken[i, : room + 1] = False
        if value <= 0.0:
            continue
        for r in range(room, weight - 1, -1):
            with_it = table[r - weight] + value
            if with_it > table[r]:
                table[r] = with_it
                taken[i, r] = True


@compiled
def _empty(given: Priced, scratch: Scratch, owner: Numbers, size: int) -> tuple[int, int]:
    """Chooses agents by chance and takes their jobs: (how many jobs, what they cost)."""
    order = scratch.order
    scratch.chosen[:] = False
    for x in range(size):
        y = x + np.random.randint(len(order) - x)
        order[x], order[y] = order[y], order[x]
        scratch.chosen[order[x]] = True
    count, cost = 0, 0
    for j in range(len(owner)):
        if scratch.chosen[owner[j]]:
            scratch.left[count] = j
            count += 1
            cost += given.cost[owner[j], j]
    return count, cost


@compiled
def _elsewhere(given: Priced, scratch: Scratch, j: int, first: int, size: int) -> float:
    """What a job costs with the best of the agents still to come, room at its price."""
    least = np.inf
    for x in range(first, size):
        a = scratch.order[x]
        least = min(least, given.cost[a, j] + given.price[a] * given.takes[a, j])
    return least


@compiled
def _fill(given: Priced, scratch: Scratch, x: int, size: int, count: int, noise: float) -> tuple[int, int]:
    """Fills the agent at place x of the order: (how many jobs are left, what its jobs cost)."""
    a = scratch.order[x]
    for i in range(count):
        j = scratch.left[i]
        chance = noise * (np.random.random() - 0.5)
        scratch.value[i] = _elsewhere(given, scratch, j, x + 1, size) - given.cost[a, j] + chance
        scratch.weight[i] = given.takes[a, j]
    _knapsack(scratch, count, given.room[a])
    room, kept, cost = given.room[a], 0, 0
    for i in range(count - 1, -1, -1):
        j = scratch.left[i]
        if scratch.taken[i, room]:
            room -= scratch.weight[i]
            scratch.owner[j] = a
            cost += given.cost[a, j]
        else:
            scratch.later[kept] = j
            kept += 1
    scratch.left[:kept] = scratch.later[:kept]
    return kept, cost


@compiled
def _share(given: Priced, scratch: Scratch, size: int, count: int, most: int) -> int:
    """Shares what is left between the last two: the least cost found, NO_PLAN when it is above `most`."""
    a, b = scratch.order[size - 2], scratch.order[size - 1]
    low, high, price, best = 0.0, 4 * given.price[b] + 1.0, given.price[b], NO_PLAN
    for _ in range(_HALVINGS):
        for i in range(count):
            j = scratch.left[i]
            scratch.value[i] = given.cost[b, j] + price * given.takes[b, j] - given.cost[a, j]
            scratch.weight[i] = given.takes[a, j]
        _knapsack(scratch, count, given.room[a])
        room, load, cost = given.room[a], 0, 0
        for i in range(count - 1, -1, -1):
            j = scratch.left[i]
            if scratch.taken[i, room]:
                room -= scratch.weight[i]
                scratch.last[i] = a
                cost += given.cost[a, j]
            else:
                scratch.last[i] = b
                load += given.takes[b, j]
                cost += given.cost[b, j]
        if load > given.room[b]:
            low = price
        else:
            high = price
            if cost <= most:
                best, most = cost, cost - 1
                for i in range(count):
                    scratch.owner[scratch.left[i]] = scratch.last[i]
        price = 0.5 * (low + high)
    return best


@compiled
def repack(given: Priced, scratch: Scratch, owner: Numbers, tries: int, seed: int, complete: bool) -> tuple[int, int]:
    """So many tries from `owner`, which is changed and, where `complete`, keeps everybody within their room. Answers by how
    much the cost went down and the cells of tables filled. Where the plan is not `complete`, all agents are filled anew until
    it is."""
    np.random.seed(seed)
    agents = len(given.room)
    unit = given.price.mean() + 1e-9
    saved, work = 0, 0
    for _ in range(tries):
        size = min(agents, 3 + np.random.randint(max(1, agents - 2))) if complete else agents
        count, before = _empty(given, scratch, owner, size)
        noise = unit * _NOISES[np.random.randint(len(_NOISES))]
        cost = 0
        for x in range(size - 2):
            work += count * given.room[scratch.order[x]]
            count, more = _fill(given, scratch, x, size, count, noise)
            cost += more
        work += _HALVINGS * count * given.room[scratch.order[max(0, size - 2)]]
        most = before - cost if complete else NO_PLAN - 1
        rest = _share(given, scratch, size, count, most) if most >= 0 else NO_PLAN
        if rest == NO_PLAN:
            continue
        saved += before - cost - rest
        complete = True
        for j in range(len(owner)):
            if scratch.chosen[owner[j]]:
                owner[j] = scratch.owner[j]
    return saved, work
