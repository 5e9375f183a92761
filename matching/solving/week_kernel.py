"""The best week of a person at prices, by branch and bound (compiled): over which facility comes first, each time with the
bound made tight again, and option by option where little is left."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from matching.options import Points
from matching.rules import Flags, Indices
from matching.solving.compiled import compiled, tight
from matching.solving.week_bound import (
    NEVER,
    Worth,
    bound_at,
    bound_with,
    hour_prices,
    keep_hours,
    last_in,
    move,
    nothing_worth,
    still_open,
    time_worth,
    usage,
)
from matching.solving.week_layout import (
    FREE,
    LENGTH,
    NET,
    OPTION,
    PLACE,
    SCALE,
    Choices,
    drop_hopeless,
    facility_cost,
    fits_alone,
    lay_out,
    week_penalty,
)
from matching.solving.week_screen import screen
from matching.solving.week_search import (
    BEST_NET,
    EFFORT,
    IN_BOUND,
    SIZE,
    TAKEN,
    UNSEARCHED,
    WEEK_NET,
    Draft,
    Found,
    Outlook,
    Path,
    begin,
    best_first,
    change,
    fill,
    has_room,
    look_ahead,
    note,
    path,
    to_be_had,
    within_rules,
)
from matching.solving.week_swaps import improve_best
from matching.solving.week_tables import FACILITY, MOST_FACILITIES, REQUEST, SHARED, SLOTS, Tables

_DEEP = 24
"""How many options deep the search looks ahead anew; deeper it uses the last view, which is still true."""

_NODES = 20
"""Options that a first search of a part may take before the part is split."""

_MOST_ROUNDS, _ROUNDS, _FILL_EVERY = 40, 20, 4
"""Rounds for the price of time: at first where there is much effort to spend, and else; and after how many a week is put
together."""

_MUCH_EFFORT = 100_000

_PART_EFFORT = 100
"""What laying out a part counts, besides four for each option."""


_PATIENCE, _LEAST_PACE = 4, 0.1
"""Rounds without a better bound until the pace is lessened, and the pace at which to stop."""


class Parts(NamedTuple):
    """The parts of the search from the whole down to the one in hand: the options kept, the prices of time, the
    facilities to go on with and what each way can net, how many there are, the next one, and the one gone into."""

    keep: Flags
    hours: Points
    facility: Indices
    most: Points
    ways: Indices
    next: Indices
    opened: Indices


@compiled
def tighten(t: Tables, choices: Choices, prices: Points, rounds: int, slack: int, worth: Worth, found: Found) -> int:
    """Improves the prices of time; the best bound, with `prices` and `worth` as they are for it. Notes weeks on the way."""
    n = len(worth.options)
    best, best_prices = -NEVER, prices.copy()
    used, order = np.zeros(len(prices), np.int64), np.empty(len(worth.blocks), np.int64)
    pace, since, width = 1.0, 0, 1.0
    for k in range(n):
        width += choices.options[k, LENGTH] / n
    for turn in range(rounds):
        total = bound_at(t, choices, prices, worth)
        found.total[EFFORT] += n
        since += 1
        if total < best:
            best, since = total, 0
            best_prices[:] = prices
        elif since >= _PATIENCE:
            pace, since = pace * 0.6, 0
        if turn % _FILL_EVERY == 0 and best > found.total[BEST_NET] + slack:
            best_first(choices, worth, order)
            fill(t, choices, worth, order, found)
        if best <= found.total[BEST_NET] + slack or pace < _LEAST_PACE:
            break
        usage(choices, worth, used)
        if not move(t, choices, prices, used, pace * (total - found.total[BEST_NET]), width):
            break
    prices[:] = best_prices
    bound_at(t, choices, prices, worth)
    return best


@tight
def _most_from(choices: Choices, way: Path, draft: Draft, p: int, views: Outlook, d: int, floor: int) -> int:
    """What any week can net that goes on from place p: by the prices of time, and where that is above the floor also by none
    (the penalties for the length are not above zero)."""
    if p >= len(way.option):
        return NEVER
    most = draft.total[IN_BOUND] + to_be_had(choices, way, draft, p, views, 0, d)
    if most <= floor:
        return int(most)
    return int(min(most, draft.total[WEEK_NET] + to_be_had(choices, way, draft, p, views, 1, d)))


@compiled
def search(t: Tables, choices: Choices, worth: Worth, time: int, slack: int, limit: int, found: Found) -> int:
    """Looks option by option for weeks that net more than the best found + `slack`. Answers what any week can net at most
    (NEVER: not more than that); above it where so many options were taken before the end."""
    way, draft, net = path(choices, worth), begin(t, choices, worth.options, time), choices.options[:, NET].copy()
    n = len(way.option)
    deep, few = min(_DEEP, n + 1), min(choices.about[FREE], len(way.order)) + 1
    shape = (2, deep, n + 1)
    views = Outlook(np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros((2, deep, len(way.order) + 1, few), np.int64))
    note(t, choices, draft, found)
    return _walk(t, choices, way, draft, worth.options, net, views, np.zeros(n + 1, np.int64), slack, limit, found)


@tight
def _walk(
    t: Tables, choices: Choices, way: Path, draft: Draft, worth: Points, net: Points, views: Outlook, where: Indices,
    slack: int, limit: int, found: Found,
) -> int:  # fmt: skip
    must, n, p, nodes, open_most, fresh = draft.total[TAKEN], len(way.option), 0, 0, NEVER, True
    while True:
        taken = draft.total[TAKEN] - must
        d = min(views.rest.shape[1] - 1, taken)
        if fresh and d == taken:
            look_ahead(choices, way, draft, worth, p, views, 0, d)
            look_ahead(choices, way, draft, net, p, views, 1, d)
            found.total[EFFORT] += 2 * (n - p)
        fresh, floor = False, found.total[BEST_NET] + slack
        most = _most_from(choices, way, draft, p, views, d, floor)
        if most > floor and nodes < limit:
            k = way.option[p]
            room = has_room(choices.options, choices.moments, choices.needs, draft.busy, draft.room, k)
            fresh = room and within_rules(t, choices, draft, k)
            if fresh:
                nodes += 1
                where[taken + 1] = p
                change(choices, draft, k, worth[k], 1)
                note(t, choices, draft, found)
            p += 1
            continue
        if most > floor:
            open_most = max(open_most, most)
        if taken == 0:
            return int(open_most)
        p = where[taken] + 1
        change(choices, draft, way.option[p - 1], worth[way.option[p - 1]], -1)


@compiled
def _split(choices: Choices, bound: int, worth: Worth, facility: Indices, most: Points) -> int:
    """The ways to go on: with one facility and none of those before it, at the end with none more (−1). Writes each and
    what weeks that go so can net at most; answers how many."""
    order = np.empty(len(worth.blocks), np.int64)
    opened = best_first(choices, worth, order)
    n, free = len(order) - opened, choices.about[FREE]
    base = bound
    for j in range(min(n, free)):
        base -= max(0, worth.blocks[order[opened + j]])
    for j in range(n):
        facility[j] = choices.blocks[order[opened + j], PLACE]
        most[j] = base + worth.blocks[order[opened + j]]
        for q in range(j + 1, min(n, j + free)):
            most[j] += max(0, worth.blocks[order[opened + q]])
    facility[n], most[n] = -1, base
    return n + 1


@compiled
def _look_into(
    t: Tables, c: int, net: Points, pair_price: Points, parts: Parts, d: int, free: int, slack: int, limit: int, found: Found
) -> int:
    """Bounds and searches the part at depth d, and splits it where that is not enough. Answers its bound."""
    keep, hours = parts.keep[d], parts.hours[d]
    parts.ways[d] = parts.next[d] = 0
    choices = lay_out(t, c, net, keep, pair_price, parts.opened[:d], free)
    prices, worth = hour_prices(choices, hours), nothing_worth(choices)
    rounds = _MOST_ROUNDS if d == 0 and limit >= _MUCH_EFFORT else _ROUNDS
    found.total[EFFORT] += _PART_EFFORT + 4 * len(worth.options)
    bound = tighten(t, choices, prices, rounds, slack, worth, found)
    if d == 0:
        improve_best(t, choices, worth, found)
    keep_hours(choices, prices, hours)
    if bound <= found.total[BEST_NET] + slack:
        return bound
    last = choices.about[FREE] == 0
    nodes = _NODES
    if last:
        nodes = max(_NODES, (limit - found.total[EFFORT]) // (4 * len(worth.options)))
    most = min(bound, search(t, choices, worth, time_worth(t, choices, prices), slack, nodes, found))
    if most <= found.total[BEST_NET] + slack:
        return bound
    if last:
        found.total[UNSEARCHED] = max(found.total[UNSEARCHED], most)
        return bound
    can_be = still_open(choices, bound, found.total[BEST_NET] + slack, worth)
    k = 0
    for q in range(len(keep)):
        if keep[q]:
            keep[q] = can_be[k]
            k += 1
    parts.ways[d] = _split(choices, bound, worth, parts.facility[d], parts.most[d])
    return bound


@compiled
def _go_into(t: Tables, c: int, parts: Parts, d: int) -> bool:
    """Prepares the next way of the part at depth d as the part at depth d + 1; whether it is the one without another
    facility."""
    j = parts.next[d]
    parts.next[d] += 1
    parts.hours[d + 1] = parts.hours[d]
    for k in range(parts.keep.shape[1]):
        kept = parts.keep[d, k]
        if kept:
            facility = t.items[t.item[t.order[t.first[c] + k]], FACILITY]
            for q in range(j):
                kept = kept and parts.facility[d, q] != facility
        parts.keep[d + 1, k] = kept
    parts.opened[d] = parts.facility[d, j]
    return bool(parts.opened[d] < 0)


@compiled
def best_week(
    t: Tables, c: int, item_price: Points, pair_price: Points, hours: Indices, slack: int, limit: int, most: int, found: Found
) -> int:
    """What any week of the person nets at most at the prices, if they have `most` options at most; of more, only those that
    look best are searched, and nothing is proven. `found` holds a week to start from, and gets the best. The
    answer is within `slack` of it unless so much effort was spent before. `hours` are prices of time to start from,
    and get the better ones: they never change what is proven."""
    n = t.first[c + 1] - t.first[c]
    net = np.empty(n, np.int64)
    for k in range(n):
        o = t.order[t.first[c] + k]
        net[k] = SCALE * t.value[o] - item_price[t.item[o]]
    deep = min(t.people[c, MOST_FACILITIES], n) + 2
    parts = Parts(
        np.ones((deep, n), np.bool_), np.zeros((deep, len(hours)), np.int64),
        np.zeros((deep, n + 1), np.int64), np.zeros((deep, n + 1), np.int64),
        np.zeros(deep, np.int64), np.zeros(deep, np.int64), np.zeros(deep, np.int64),
    )  # fmt: skip
    drop_hopeless(t, c, net, parts.keep[0], pair_price)
    parts.hours[0] = hours
    found.total[UNSEARCHED] = NEVER
    screened = found.total[BEST_NET] + slack
    found.total[EFFORT] += screen(t, c, net, pair_price, parts.keep[0], parts.hours[0], screened, most)
    bound = _look_into(t, c, net, pair_price, parts, 0, n, slack, limit, found)
    hours[:] = parts.hours[0]
    free = deep - 2
    d = 0
    while d >= 0:
        j = parts.next[d]
        if j >= parts.ways[d] or parts.most[d, j] <= found.total[BEST_NET] + slack:
            d -= 1
        elif found.total[EFFORT] >= limit:
            found.total[UNSEARCHED] = max(found.total[UNSEARCHED], parts.most[d, j])
            d -= 1
        else:
            no_more = _go_into(t, c, parts, d)
            d += 1
            _look_into(t, c, net, pair_price, parts, d, 0 if no_more else free - d, slack, limit, found)
    return int(max(screened, min(bound, max(found.total[UNSEARCHED], found.total[BEST_NET] + slack))))


@compiled
def remembered(t: Tables, c: int, weeks: Indices, item_price: Points, pair_price: Points, found: Found) -> None:
    """Starts `found` from the best of some weeks (a row of options each, −1 after the last), or the empty one."""
    found.total[BEST_NET], found.total[SIZE], found.total[EFFORT] = week_penalty(t, c, 0), 0, 0
    for k in range(t.first[c], t.first[c + 1]):
        if t.pinned[t.order[k]]:
            found.total[BEST_NET], found.total[SIZE] = NEVER // 4, -1
    for q in range(len(weeks)):
        net, slots, size = 0, 0, 0
        while size < weeks.shape[1] and weeks[q, size] >= 0:
            o = weeks[q, size]
            i = t.item[o]
            net += SCALE * t.value[o] - item_price[i]
            slots += t.items[i, SLOTS]
            new, again = True, False
            for e in range(size):
                j = t.item[weeks[q, e]]
                new = new and t.items[j, FACILITY] != t.items[i, FACILITY]
                again = again or t.items[j, REQUEST] == t.items[i, REQUEST]
            net -= facility_cost(t, c, t.items[i, FACILITY]) if new else 0
            net -= 0 if again or not t.items[i, SHARED] else pair_price[t.items[i, REQUEST]]
            size += 1
        net += week_penalty(t, c, slots)
        if size > 0 and net > found.total[BEST_NET]:
            found.total[BEST_NET], found.total[SIZE] = net, size
            found.week[:size] = weeks[q, :size]


@compiled
def price_people(
    t: Tables, people: Indices, item_price: Points, pair_price: Points, hours: Points, known: Indices,
    slack: int, limit: int, most: int, bounds: Points, nets: Points, weeks: Indices,
) -> int:  # fmt: skip
    """Everybody's best week into the rows of `bounds`, `nets` and `weeks` (−1 after the last option); the effort. `hours` and
    `known` (weeks) are by person."""
    effort = 0
    longest = 1
    for c in people:
        longest = max(longest, t.first[c + 1] - t.first[c])
    found = Found(np.zeros(max(longest, weeks.shape[1]), np.int64), np.zeros(4, np.int64))
    for row in range(len(people)):
        c = people[row]
        remembered(t, c, known[c], item_price, pair_price, found)
        bounds[row] = best_week(t, c, item_price, pair_price, hours[c], slack, limit, most, found)
        nets[row] = found.total[BEST_NET]
        effort += found.total[EFFORT]
        weeks[row] = -1
        for q in range(min(found.total[SIZE], weeks.shape[1])):
            weeks[row, q] = found.week[q]
    return effort


@compiled
def bound_options(
    t: Tables, people: Indices, item_price: Points, pair_price: Points, hours: Points, known: Indices, most: Points
) -> None:
    """For each option of the people: what any week of its person nets at most that holds it, into `most` (by option)."""
    found = Found(np.zeros(known.shape[2] + len(t.order), np.int64), np.zeros(4, np.int64))
    nowhere = np.zeros(0, np.int64)
    for c in people:
        n = t.first[c + 1] - t.first[c]
        net, keep = np.empty(n, np.int64), np.ones(n, np.bool_)
        for k in range(n):
            o = t.order[t.first[c] + k]
            net[k], most[o] = SCALE * t.value[o] - item_price[t.item[o]], NEVER
            keep[k] = t.pinned[o] or fits_alone(t, c, o)
        remembered(t, c, known[c], item_price, pair_price, found)
        choices = lay_out(t, c, net, keep, pair_price, nowhere, n)
        prices, worth = hour_prices(choices, hours[c]), nothing_worth(choices)
        bound = tighten(t, choices, prices, _ROUNDS, 0, worth, found)
        least = last_in(choices, worth)
        for k in range(len(worth.options)):
            most[choices.options[k, OPTION]] = bound_with(choices, bound, worth, least, k)
