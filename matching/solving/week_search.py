"""Weeks of one person in the making, and the search through what the bound leaves (compiled)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from matching.options import Points
from matching.rules import Indices
from matching.solving.compiled import compiled, inlined, tight
from matching.solving.sorting import sort_by
from matching.solving.week_bound import NEVER, Worth
from matching.solving.week_layout import (
    BLOCK,
    COST,
    FIRST,
    FREE,
    GROUP,
    LENGTH,
    MOMENTS,
    MUST,
    NET,
    OPEN,
    OPTION,
    PERSON,
    Choices,
    week_penalty,
)
from matching.solving.week_tables import END, FIRST_WINDOW, LAST_WINDOW, REST, SPAN, START, ZONE, Tables

TAKEN, WEEK_SLOTS, LEFT, IN_BOUND, WEEK_NET = range(5)
"""Entries of `Draft.total`: options taken, slots, blocks still free, what it comes to in the bound, and what it nets
without the penalties for its length."""

BEST_NET, SIZE, EFFORT, UNSEARCHED = range(4)
"""Entries of `Found.total`: what the best week nets, its number of options (−1: none), how many options were looked at,
and the most that a part left unsearched can net."""


class Draft(NamedTuple):
    """A week in the making: how often each moment, group and block is used, minutes left by period, options
    as taken."""

    busy: Points
    groups: Points
    blocks: Points
    room: Points
    taken: Indices
    total: Points


class Found(NamedTuple):
    """The best week found so far: its options, and counts."""

    week: Indices
    total: Points


@compiled
def begin(t: Tables, choices: Choices, worth: Points, time: int) -> Draft:
    """A week with what must be in it. `time` is what the prices of time add to the bound."""
    n = len(choices.options)
    draft = Draft(
        np.zeros(len(choices.hours), np.int64),
        np.zeros(len(choices.groups), np.int64),
        np.zeros(len(choices.blocks), np.int64),
        t.period_cap[choices.about[PERSON]].copy(),
        np.zeros(n, np.int64),
        np.zeros(5, np.int64),
    )
    draft.total[LEFT], draft.total[IN_BOUND] = choices.about[FREE], time
    for f in range(len(choices.blocks) - 1):
        if choices.blocks[f, OPEN]:
            draft.blocks[f] = 1
            draft.total[IN_BOUND] -= choices.blocks[f, COST]
            draft.total[WEEK_NET] -= choices.blocks[f, COST]
    for k in range(n - 1):
        if choices.options[k, MUST]:
            change(choices, draft, k, worth[k], 1)
    return draft


@tight
def change(choices: Choices, draft: Draft, k: int, worth: int, by: int) -> None:
    """Takes an option (by 1) or gives back the last one taken (by −1)."""
    options, total = choices.options, draft.total
    g, f = options[k, GROUP], options[k, BLOCK]
    for m in range(options[k, MOMENTS], options[k + 1, MOMENTS]):
        draft.busy[choices.moments[m]] += by
    for p in range(len(draft.room)):
        draft.room[p] -= by * choices.needs[k, p]
    if by > 0:
        draft.taken[total[TAKEN]] = k
    else:
        draft.groups[g] -= 1
        draft.blocks[f] -= 1
    cost = 0
    if draft.groups[g] == 0:
        cost += choices.groups[g, COST]
    if draft.blocks[f] == 0:
        cost += choices.blocks[f, COST]
        total[LEFT] -= by
    if by > 0:
        draft.groups[g] += 1
        draft.blocks[f] += 1
    total[TAKEN] += by
    total[WEEK_SLOTS] += by * options[k, LENGTH]
    total[IN_BOUND] += by * (worth - cost)
    total[WEEK_NET] += by * (options[k, NET] - cost)


@inlined
def week_net(t: Tables, choices: Choices, draft: Draft) -> int:
    """What the week nets as it stands."""
    return int(draft.total[WEEK_NET] + week_penalty(t, choices.about[PERSON], draft.total[WEEK_SLOTS]))


@tight
def note(t: Tables, choices: Choices, draft: Draft, found: Found) -> None:
    """Remembers the week if it is the best so far."""
    net = week_net(t, choices, draft)
    if net > found.total[BEST_NET]:
        found.total[BEST_NET], found.total[SIZE] = net, draft.total[TAKEN]
        for q in range(draft.total[TAKEN]):
            found.week[q] = choices.options[draft.taken[q], OPTION]


@inlined
def has_room(options: Points, moments: Indices, needs: Points, busy: Points, room: Points, k: int) -> bool:
    """Whether a week has the time and the minutes for an option. Arrays of `Choices` and `Draft` one by one: this is what is
    called most, and counting references to them would take most of the time."""
    for m in range(options[k, MOMENTS], options[k + 1, MOMENTS]):
        if busy[moments[m]] > 0:
            return False
    for p in range(len(room)):  # noqa: SIM110 - quicker compiled so
        if needs[k, p] > room[p]:
            return False
    return True


@tight
def within_rules(t: Tables, choices: Choices, draft: Draft, k: int) -> bool:
    """Whether an option that there is room for can be added by the other rules: facilities limit, rest, span."""
    if draft.total[LEFT] <= 0 and draft.blocks[choices.options[k, BLOCK]] == 0:
        return False
    if t.terms[REST] >= 0 or t.terms[SPAN] >= 0:
        i = t.item[choices.options[k, OPTION]]
        for q in range(draft.total[TAKEN]):
            if _days_clash(t, choices.about[PERSON], i, t.item[choices.options[draft.taken[q], OPTION]]):
                return False
    return True


@tight
def _days_clash(t: Tables, c: int, a: int, b: int) -> bool:
    """Whether two items cannot both be in a week of the person for lack of rest, or for too long a day."""
    zone, windows = t.people[c, ZONE], t.windows
    for v in range(t.items[a, FIRST_WINDOW], t.items[a, LAST_WINDOW]):
        for w in range(t.items[b, FIRST_WINDOW], t.items[b, LAST_WINDOW]):
            if t.days[zone, v] == t.days[zone, w]:
                length = max(windows[v, END], windows[w, END]) - min(windows[v, START], windows[w, START])
                if t.terms[SPAN] >= 0 and length > t.terms[SPAN]:
                    return True
            elif max(windows[w, START] - windows[v, END], windows[v, START] - windows[w, END]) < t.terms[REST]:
                return True
    return False


@compiled
def fill(t: Tables, choices: Choices, worth: Worth, order: Indices, found: Found) -> None:
    """Puts a week together at once: blocks and options as the bound values them, then whatever else earns."""
    draft = begin(t, choices, worth.options, 0)
    _fill_in(t, choices, worth, order, draft, False)
    _fill_in(t, choices, worth, order, draft, True)
    note(t, choices, draft, found)


@tight
def _fill_in(t: Tables, choices: Choices, worth: Worth, order: Indices, draft: Draft, anything: bool) -> None:
    options, groups, blocks = choices.options, choices.groups, choices.blocks
    for f in order:
        if not anything and worth.blocks[f] <= 0 and not blocks[f, OPEN]:
            continue
        for g in range(blocks[f, FIRST], blocks[f + 1, FIRST]):
            if not anything and worth.groups[g] <= 0 and not groups[g, OPEN]:
                continue
            for k in range(groups[g, FIRST], groups[g + 1, FIRST]):
                if options[k, MUST] or not (anything or worth.options[k] > 0):
                    continue
                if has_room(options, choices.moments, choices.needs, draft.busy, draft.room, k) and within_rules(
                    t, choices, draft, k
                ):
                    _take(t, choices, draft, k, anything)


@tight
def _take(t: Tables, choices: Choices, draft: Draft, k: int, if_better: bool) -> None:
    before = week_net(t, choices, draft)
    change(choices, draft, k, 0, 1)
    if if_better and week_net(t, choices, draft) <= before:
        change(choices, draft, k, 0, -1)


@compiled
def best_first(choices: Choices, worth: Worth, order: Indices) -> int:
    """Writes the blocks, open ones first, then the most valuable, and answers how many are open."""
    key = np.empty(len(worth.blocks), np.int64)
    opened = 0
    for f in range(len(key)):
        key[f] = NEVER if choices.blocks[f, OPEN] else -worth.blocks[f]
        opened += choices.blocks[f, OPEN]
    sort_by(key, order)
    return opened


class Path(NamedTuple):
    """The order in which the search decides on options (none that must be taken), block after block: the option at each
    place, the rank of its block, and where each rank starts."""

    option: Indices
    rank: Indices
    start: Indices
    order: Indices


@compiled
def path(choices: Choices, worth: Worth) -> Path:
    """The order of a search: most promising block first."""
    n = len(worth.options)
    option, rank = np.empty(n, np.int64), np.empty(n, np.int64)
    order, start = np.empty(len(worth.blocks), np.int64), np.zeros(len(worth.blocks) + 1, np.int64)
    best_first(choices, worth, order)
    p = 0
    for b in range(len(order)):
        start[b] = p
        low, high = choices.blocks[order[b], FIRST], choices.blocks[order[b] + 1, FIRST]
        for k in range(choices.groups[low, FIRST], choices.groups[high, FIRST]):
            if not choices.options[k, MUST]:
                option[p], rank[p] = k, b
                p += 1
    start[len(order)] = p
    return Path(option[:p], rank[:p], start, order)


class Outlook(NamedTuple):
    """What is at most to be had from each place of a path on, (view, depth, …): in the rest of its group, in the later
    groups of its block; and (…, block rank, count) in the best few blocks from a rank on."""

    rest: Points
    later: Points
    blocks: Points


@tight
def look_ahead(choices: Choices, way: Path, draft: Draft, worth: Points, p: int, views: Outlook, v: int, d: int) -> None:
    """Fills in what the options from place p on could add to the week as it stands, each of those that fit by itself."""
    options, moments, needs, busy, room = choices.options, choices.moments, choices.needs, draft.busy, draft.room
    groups, option, rest, later, best = draft.groups, way.option, views.rest, views.later, views.blocks
    best[v, d, len(way.order)] = 0
    last = -1 if p >= len(option) else way.rank[p]
    for b in range(len(way.order) - 1, last - 1, -1):
        f, q = way.order[b], way.start[b + 1]
        after, lowest = 0, max(p, way.start[b])
        while q > lowest:
            g, inside = options[option[q - 1], GROUP], 0
            while q > lowest and options[option[q - 1], GROUP] == g:
                q -= 1
                k = option[q]
                if worth[k] > 0 and has_room(options, moments, needs, busy, room, k):
                    inside += worth[k]
                rest[v, d, q], later[v, d, q] = inside, after
            after += inside if groups[g] > 0 else max(0, inside - choices.groups[g, COST])
        if draft.blocks[f] > 0:
            for e in range(best.shape[3]):
                best[v, d, b, e] = best[v, d, b + 1, e] + after
        else:
            after -= choices.blocks[f, COST]
            best[v, d, b, 0] = best[v, d, b + 1, 0]
            for e in range(1, best.shape[3]):
                best[v, d, b, e] = max(best[v, d, b + 1, e], best[v, d, b + 1, e - 1] + after)


@tight
def to_be_had(choices: Choices, way: Path, draft: Draft, p: int, views: Outlook, v: int, d: int) -> int:
    """At most what the options from place p on can add."""
    left = min(draft.total[LEFT], views.blocks.shape[3] - 1)
    k, b = way.option[p], way.rank[p]
    g, f = choices.options[k, GROUP], choices.options[k, BLOCK]
    here = views.rest[v, d, p]
    if draft.groups[g] == 0:
        here = max(0, here - choices.groups[g, COST])
    here += views.later[v, d, p]
    if draft.blocks[f] > 0:
        return int(here + views.blocks[v, d, b + 1, left])
    if left <= 0:
        return int(views.blocks[v, d, b + 1, 0])
    return int(max(here - choices.blocks[f, COST] + views.blocks[v, d, b + 1, left - 1], views.blocks[v, d, b + 1, left]))
