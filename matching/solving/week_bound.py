"""A fast upper bound on what any week of a person nets (compiled).

Every moment of the person's time and every slot of the week get a price of their own (Lagrange): then each facility is
valued by itself and the best few are taken. Any such prices give a bound; good ones a tight one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from matching.options import Points
from matching.rules import Flags, Indices
from matching.solving.compiled import compiled, tight
from matching.solving.week_layout import (
    BLOCK,
    COST,
    FIRST,
    FREE,
    GROUP,
    LENGTH,
    MOMENTS,
    MOST_SLOTS,
    MUST,
    NET,
    OPEN,
    PERSON,
    Choices,
    week_penalty,
)
from matching.solving.week_tables import LOW, TARGET, Tables

NEVER = -(1 << 60)
"""Less than anything nets."""


class Worth(NamedTuple):
    """What is left of each option, group and block after the prices of time."""

    options: Points
    groups: Points
    blocks: Points


@compiled
def nothing_worth(choices: Choices) -> Worth:
    """To be filled in by `bound_at`."""
    options, groups, blocks = len(choices.options) - 1, len(choices.groups) - 1, len(choices.blocks) - 1
    return Worth(np.zeros(options, np.int64), np.zeros(groups, np.int64), np.zeros(blocks, np.int64))


@tight
def best_length(t: Tables, choices: Choices, price: int) -> int:
    """The number of slots at which penalties and the price of a slot come to most."""
    c, longest = choices.about[PERSON], choices.about[MOST_SLOTS]
    best = 0
    for slots in (t.people[c, LOW], t.people[c, TARGET], longest):
        length = min(slots, longest)
        if week_penalty(t, c, length) + price * length > week_penalty(t, c, best) + price * best:
            best = length
    return best


@tight
def time_worth(t: Tables, choices: Choices, prices: Points) -> int:
    """What the prices of time alone add to the bound. `prices` holds that of each moment, and of a slot at the end."""
    price = prices[len(prices) - 1]
    length = best_length(t, choices, price)
    total = week_penalty(t, choices.about[PERSON], length) + price * length
    for m in range(len(prices) - 1):
        total += prices[m]
    return int(total)


@tight
def bound_at(t: Tables, choices: Choices, prices: Points, worth: Worth) -> int:
    """The upper bound at prices of time. Fills in `worth`."""
    total, slot = time_worth(t, choices, prices), prices[len(prices) - 1]
    options, groups, blocks = choices.options, choices.groups, choices.blocks
    for f in range(len(worth.blocks)):
        block = -blocks[f, COST]
        for g in range(blocks[f, FIRST], blocks[f + 1, FIRST]):
            group = -groups[g, COST]
            for k in range(groups[g, FIRST], groups[g + 1, FIRST]):
                one = options[k, NET] - slot * options[k, LENGTH]
                for m in range(options[k, MOMENTS], options[k + 1, MOMENTS]):
                    one -= prices[choices.moments[m]]
                worth.options[k] = one
                if one > 0 or options[k, MUST]:
                    group += one
            worth.groups[g] = group
            if group > 0 or groups[g, OPEN]:
                block += group
        worth.blocks[f] = block
        if blocks[f, OPEN]:
            total += block
    least = last_in(choices, worth)
    used = 0
    for f in range(len(worth.blocks)):
        if not blocks[f, OPEN] and worth.blocks[f] > least:
            total += worth.blocks[f]
            used += 1
    return total + least * (choices.about[FREE] - used) if used < choices.about[FREE] else total


@tight
def last_in(choices: Choices, worth: Worth) -> int:
    """What the last block is worth that the facilities limit leaves room for; 0 when there is room for all that earn."""
    free, least = choices.about[FREE], -NEVER
    while free > 0:
        best, count = 0, 0
        for f in range(len(worth.blocks)):
            one = worth.blocks[f]
            if best <= one < least and one > 0 and not choices.blocks[f, OPEN]:
                count = count + 1 if one == best else 1
                best = one
        if count == 0:
            return 0
        least = best
        free -= count
    return int(least)


@tight
def usage(choices: Choices, worth: Worth, used: Points) -> None:
    """What the bound's own choice uses: how often each moment, and how many slots in all (at the end)."""
    used[:] = 0
    least, left = last_in(choices, worth), choices.about[FREE]
    for f in range(len(worth.blocks)):
        if not choices.blocks[f, OPEN] and worth.blocks[f] > least:
            left -= 1
    for f in range(len(worth.blocks)):
        if not choices.blocks[f, OPEN] and worth.blocks[f] <= least:
            if worth.blocks[f] < least or worth.blocks[f] <= 0 or left <= 0:
                continue
            left -= 1
        for g in range(choices.blocks[f, FIRST], choices.blocks[f + 1, FIRST]):
            if worth.groups[g] <= 0 and not choices.groups[g, OPEN]:
                continue
            for k in range(choices.groups[g, FIRST], choices.groups[g + 1, FIRST]):
                if worth.options[k] > 0 or choices.options[k, MUST]:
                    used[len(used) - 1] += choices.options[k, LENGTH]
                    for m in range(choices.options[k, MOMENTS], choices.options[k + 1, MOMENTS]):
                        used[choices.moments[m]] += 1


@tight
def bound_with(choices: Choices, bound: int, worth: Worth, least: int, k: int) -> int:
    """What the bound would be for weeks that hold option k, given what it is for all and what `last_in` says."""
    g, f = choices.options[k, GROUP], choices.options[k, BLOCK]
    lost = min(0, worth.options[k])
    if not choices.groups[g, OPEN]:
        lost += min(0, worth.groups[g])
    if choices.blocks[f, OPEN]:
        return int(bound + lost)
    return int(bound + lost + min(0, worth.blocks[f] - least))


@compiled
def still_open(choices: Choices, bound: int, floor: int, worth: Worth) -> Flags:
    """Which options a week that nets more than `floor` can still hold."""
    keep = np.ones(len(worth.options), np.bool_)
    least = last_in(choices, worth)
    for k in range(len(keep)):
        if not choices.options[k, MUST]:
            keep[k] = bound_with(choices, bound, worth, least, k) > floor
    return keep


@tight
def move(t: Tables, choices: Choices, prices: Points, used: Points, over: float, width: float) -> bool:
    """Moves the prices of time by what is used too much and too little, so far that the bound would fall by `over` were it
    straight. Whether there is any way to go."""
    last = len(prices) - 1
    missing = (best_length(t, choices, prices[last]) - used[last]) / width
    norm = missing * missing
    for m in range(last):
        if prices[m] > 0 or used[m] > 1:
            norm += (used[m] - 1) ** 2
    if norm == 0.0:
        return False
    step = over / norm
    prices[last] -= int(np.rint(step * missing / width))
    for m in range(last):
        prices[m] = max(0, prices[m] + int(np.rint(step * (used[m] - 1))))
    return True


@compiled
def hour_prices(choices: Choices, hours: Indices) -> Points:
    """The prices of time that start from those of each hour, and of a slot at the end."""
    prices = np.empty(len(choices.hours) + 1, np.int64)
    for m in range(len(choices.hours)):
        prices[m] = hours[choices.hours[m]]
    prices[len(choices.hours)] = hours[len(hours) - 1]
    return prices


@tight
def keep_hours(choices: Choices, prices: Points, hours: Indices) -> None:
    """Writes the prices of time back to the hours."""
    for m in range(len(choices.hours)):
        hours[choices.hours[m]] = prices[m]
    hours[len(hours) - 1] = prices[len(choices.hours)]
