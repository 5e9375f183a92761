"""The choices of one person at prices, laid out for the search of their best week (compiled).

Values are whole hundredths of a point here and in the modules that build on this one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from matching.options import Points
from matching.rules import Flags, Indices
from matching.solving.compiled import compiled, inlined, tight
from matching.solving.sorting import place_of, sort
from matching.solving.week_tables import (
    END,
    FACILITY,
    FIRST_WINDOW,
    LAST_WINDOW,
    LOW,
    MINUTES,
    MOST_FACILITIES,
    NEW_FACILITY,
    OVER,
    REQUEST,
    SHARED,
    SLOTS,
    START,
    TARGET,
    UNDER,
    Tables,
)

SCALE = 100
"""Prices count hundredths of a point."""

OPTION, NET, LENGTH, MUST, GROUP, BLOCK, MOMENTS = range(7)
"""Columns of `Choices.options`: the option, what it nets, its slots, whether pinned, its group and block, and where its
moments start (up to where the next one's do)."""

FIRST, COST, OPEN, PLACE = range(4)
"""Columns of `Choices.groups` and `Choices.blocks`: where its options (or groups) start, what it costs once, whether it
is in the week in any case, and (of a block) the facility."""

PERSON, MOST_SLOTS, FREE = range(3)
"""Entries of `Choices.about`: the person, how many slots fit, and how many blocks can be used besides the open ones."""


class Choices(NamedTuple):
    """Some options of one person, in groups by request, and the groups in blocks by facility.

    Each of the first three has one row more, for the end of the last. Two options overlap just when they share a
    moment; `hours` is the hour of each moment. `needs` (option, period) are minutes, as in `Options.period_minutes`."""

    options: Points
    groups: Points
    blocks: Points
    moments: Indices
    hours: Indices
    needs: Points
    about: Points


@inlined
def week_penalty(t: Tables, c: int, slots: int) -> int:
    """What a week of so many slots loses for being over target or too short: a number not above zero."""
    over, under = max(0, slots - t.people[c, TARGET]), max(0, t.people[c, LOW] - slots)
    return int(-SCALE * (t.terms[OVER] * over + t.terms[UNDER] * under))


@tight
def facility_cost(t: Tables, c: int, facility: int) -> int:
    """What it costs to send the person to a facility."""
    return 0 if t.knows[c, facility] else SCALE * t.terms[NEW_FACILITY]


@tight
def drop_hopeless(t: Tables, c: int, net: Points, keep: Flags, pair_price: Points) -> None:
    """Clears `keep` for those of the person's options that are in no best week whatever else is: by themselves, with all
    of their request, with all of their facility.

    An option that costs more than it earns can still pay by lessening the penalty for too few hours."""
    low, n = t.first[c], t.first[c + 1] - t.first[c]
    k = 0
    while k < n:
        facility, block_from, block_worth, block_must = t.items[t.item[t.order[low + k]], FACILITY], k, 0, False
        while k < n and t.items[t.item[t.order[low + k]], FACILITY] == facility:
            request, group_from, worth, must = t.items[t.item[t.order[low + k]], REQUEST], k, 0, False
            while k < n and t.items[t.item[t.order[low + k]], REQUEST] == request:
                o = t.order[low + k]
                good = net[k] + SCALE * t.terms[UNDER] * t.items[t.item[o], SLOTS]
                must = must or t.pinned[o]
                if not t.pinned[o] and (good <= 0 or not fits_alone(t, c, o)):
                    keep[k] = False
                elif good > 0:
                    worth += good
                k += 1
            if t.items[t.item[t.order[low + group_from]], SHARED]:
                worth -= pair_price[request]
            if worth <= 0 and not must:
                keep[group_from:k] = False
            block_worth += max(0, worth)
            block_must = block_must or must
        if block_worth <= facility_cost(t, c, facility) and not block_must:
            keep[block_from:k] = False


@tight
def fits_alone(t: Tables, c: int, o: int) -> bool:
    """Whether the option is within every cap by itself."""
    for p in range(t.period_cap.shape[1]):  # noqa: SIM110 - quicker compiled so
        if t.period_minutes[o, p] > t.period_cap[c, p]:
            return False
    return True


@compiled
def lay_out(t: Tables, c: int, net: Points, keep: Flags, pair_price: Points, opened: Indices, free: int) -> Choices:
    """The kept options of a person in groups and blocks. The facilities in `opened` are served and paid for in any case;
    so are those of pins; and at most `free` more can be."""
    count = 0
    for kept in keep:
        count += kept
    options = np.zeros((count + 1, 7), np.int64)
    groups, blocks = np.zeros((count + 1, 4), np.int64), np.zeros((count + 1, 4), np.int64)
    n, g, f = 0, -1, -1
    for k in range(len(keep)):
        if not keep[k]:
            continue
        o = t.order[t.first[c] + k]
        i = t.item[o]
        facility, request = t.items[i, FACILITY], t.items[i, REQUEST]
        if f < 0 or blocks[f, PLACE] != facility:
            f += 1
            blocks[f, FIRST], blocks[f, COST], blocks[f, PLACE] = g + 1, facility_cost(t, c, facility), facility
            for other in opened:
                if other == facility:
                    blocks[f, OPEN] = 1
        if g < 0 or groups[g, PLACE] != request:
            g += 1
            groups[g, FIRST], groups[g, PLACE] = n, request
            groups[g, COST] = pair_price[request] if t.items[i, SHARED] else 0
        options[n, OPTION], options[n, NET], options[n, LENGTH] = o, net[k], t.items[i, SLOTS]
        options[n, GROUP], options[n, BLOCK] = g, f
        if t.pinned[o]:
            options[n, MUST] = groups[g, OPEN] = blocks[f, OPEN] = 1
        n += 1
    groups[g + 1, FIRST], blocks[f + 1, FIRST] = n, g + 1
    used = 0
    for b in range(f + 1):
        used += blocks[b, OPEN]
    about = np.array([c, _most_slots(t, c, options, n), min(free, max(0, t.people[c, MOST_FACILITIES] - used))])
    at = _moments(t, options, n)
    running = _running(t, options, n, at)
    for m in range(len(at)):
        at[m] //= 60
    return Choices(options, groups[: g + 2], blocks[: f + 2], running, at, _needs(t, options, n), about)


@compiled
def _needs(t: Tables, options: Points, n: int) -> Points:
    needs = np.empty((n, t.period_cap.shape[1]), np.int64)
    for k in range(n):
        for p in range(needs.shape[1]):
            needs[k, p] = t.period_minutes[options[k, OPTION], p]
    return needs


@tight
def _most_slots(t: Tables, c: int, options: Points, n: int) -> int:
    """How many slots fit under the person's cap: a multiple of what all the options are multiples of."""
    most, common, total = 0, 0, 0
    for k in range(n):
        i = t.item[options[k, OPTION]]
        a, b = common, t.items[i, SLOTS]
        while b > 0:
            a, b = b, a % b
        common = a
        total += t.items[i, SLOTS]
        most = max(most, t.period_cap[c, 0] * t.items[i, SLOTS] // max(1, t.items[i, MINUTES]))
    most = min(most, total)
    return most // common * common if common > 0 else 0


@compiled
def _moments(t: Tables, options: Points, n: int) -> Indices:
    """Moments such that windows overlap just when one of the moments is in both: the last start before each next end."""
    count = 0
    for k in range(n):
        i = t.item[options[k, OPTION]]
        count += t.items[i, LAST_WINDOW] - t.items[i, FIRST_WINDOW]
    starts, ends = np.empty(count, np.int64), np.empty(count, np.int64)
    count = 0
    for k in range(n):
        i = t.item[options[k, OPTION]]
        for w in range(t.items[i, FIRST_WINDOW], t.items[i, LAST_WINDOW]):
            starts[count], ends[count] = t.windows[w, START], t.windows[w, END]
            count += 1
    sort(starts)
    sort(ends)
    found, e = 0, 0
    for s in range(count):
        while ends[e] <= starts[s]:
            e += 1
        if s + 1 == count or starts[s + 1] >= ends[e]:
            ends[found] = starts[s]  # the ends before e are done with
            found += 1
    return ends[:found].copy()


@compiled
def _running(t: Tables, options: Points, n: int, at: Indices) -> Indices:
    """The moments at which each option is at work, one option after the other; where each one's start is put into its
    row."""
    total = 0
    for turn in range(2):
        moments = np.empty(total, np.int64)
        total = 0
        for k in range(n):
            options[k, MOMENTS] = total
            i = t.item[options[k, OPTION]]
            for w in range(t.items[i, FIRST_WINDOW], t.items[i, LAST_WINDOW]):
                for m in range(place_of(at, t.windows[w, START]), place_of(at, t.windows[w, END])):
                    if turn == 1:
                        moments[total] = m
                    total += 1
        options[n, MOMENTS] = total
    return moments
