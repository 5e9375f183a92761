"""A week made better in small steps: an option, or all that a facility has to offer, is put in for whatever stands in its way,
as long as that pays (compiled)."""

from __future__ import annotations

import numpy as np

from matching.rules import Indices
from matching.solving.compiled import compiled, tight
from matching.solving.week_bound import NEVER, Worth
from matching.solving.week_layout import BLOCK, COST, FIRST, MOMENTS, MUST, NET, OPEN, OPTION, Choices
from matching.solving.week_search import (
    EFFORT,
    LEFT,
    SIZE,
    TAKEN,
    Draft,
    Found,
    begin,
    change,
    has_room,
    note,
    week_net,
    within_rules,
)
from matching.solving.week_tables import Tables

_MOST_SWEEPS = 8


@compiled
def improve_best(t: Tables, choices: Choices, worth: Worth, found: Found) -> None:
    """Improves the best week found so far, as far as it is made of these choices."""
    draft = begin(t, choices, worth.options, 0)
    for k in range(len(worth.options)):
        for q in range(found.total[SIZE]):
            if found.week[q] == choices.options[k, OPTION] and _fits(t, choices, draft, k):
                change(choices, draft, k, 0, 1)
    improve(t, choices, draft, found)


@compiled
def improve(t: Tables, choices: Choices, draft: Draft, found: Found) -> None:
    """Improves a week in the making, and notes it."""
    n = len(choices.options) - 1
    holder, log = np.full(len(choices.hours), -1, np.int64), np.zeros(64 + 8 * n, np.int64)
    for q in range(draft.total[TAKEN]):
        _hold(choices, holder, draft.taken[q], draft.taken[q])
    for _ in range(_MOST_SWEEPS):
        found.total[EFFORT] += 2 * n
        better = _try_options(t, choices, draft, holder, log)
        if not _try_blocks(t, choices, draft, holder, log) and not better:
            break
    note(t, choices, draft, found)


@tight
def _fits(t: Tables, choices: Choices, draft: Draft, k: int) -> bool:
    return has_room(choices.options, choices.moments, choices.needs, draft.busy, draft.room, k) and within_rules(
        t, choices, draft, k
    )


@tight
def _try_options(t: Tables, choices: Choices, draft: Draft, holder: Indices, log: Indices) -> bool:
    """Tries every option once; whether any was put in."""
    better, before = False, week_net(t, choices, draft)
    for k in range(len(choices.options) - 1):
        if choices.options[k, NET] <= 0 or _held(choices, holder, k):
            continue
        log[0] = 0
        _force(t, choices, draft, holder, log, k)
        after = _settled(t, choices, draft, holder, log, before)
        better = better or after > before
        before = after
    return better


@tight
def _try_blocks(t: Tables, choices: Choices, draft: Draft, holder: Indices, log: Indices) -> bool:
    """Tries every facility that is not in the week once; whether any was put in."""
    better, before = False, week_net(t, choices, draft)
    options, groups, blocks = choices.options, choices.groups, choices.blocks
    for f in range(len(blocks) - 1):
        if draft.blocks[f] > 0:
            continue
        low, high = groups[blocks[f, FIRST], FIRST], groups[blocks[f + 1, FIRST], FIRST]
        most = -blocks[f, COST]
        for k in range(low, high):
            most += max(0, options[k, NET])
        log[0] = 0
        if draft.total[LEFT] <= 0:
            least = _least_block(choices, draft)
            if least < 0 or most <= _block_worth(choices, draft, least):
                continue
            _drop_block(choices, draft, holder, log, least)
        elif most <= 0:
            continue
        for k in range(low, high):
            mark = log[0]
            if options[k, NET] > 0 and not _force(t, choices, draft, holder, log, k):
                _undo_to(choices, draft, holder, log, mark)
        for b in range(len(blocks) - 1):
            if draft.blocks[b] > 0:
                for k in range(groups[blocks[b, FIRST], FIRST], groups[blocks[b + 1, FIRST], FIRST]):
                    if options[k, NET] > 0 and _fits(t, choices, draft, k):
                        _put_in(choices, draft, holder, log, k)
        after = _settled(t, choices, draft, holder, log, before)
        better = better or after > before
        before = after
    return better


@tight
def _settled(t: Tables, choices: Choices, draft: Draft, holder: Indices, log: Indices, before: int) -> int:
    """Keeps what is logged if the week nets more than before, else takes it back. Answers what the week nets now."""
    after = week_net(t, choices, draft)
    if after > before:
        return after
    _undo_to(choices, draft, holder, log, 0)
    return before


@tight
def _force(t: Tables, choices: Choices, draft: Draft, holder: Indices, log: Indices, k: int) -> bool:
    """Puts an option in for what stands in its way, where that nets less; whether it did."""
    options, left = choices.options, choices.options[k, NET]
    for m in range(options[k, MOMENTS], options[k + 1, MOMENTS]):
        other = holder[choices.moments[m]]
        if other >= 0:
            left -= options[other, NET]
            if options[other, MUST] or left <= 0:
                return False
            _drop(choices, draft, holder, log, other)
    f = options[k, BLOCK]
    if draft.blocks[f] == 0 and draft.total[LEFT] <= 0:
        block = _least_block(choices, draft)
        if block < 0 or _block_worth(choices, draft, block) >= left:
            return False
        _drop_block(choices, draft, holder, log, block)
    for p in range(len(draft.room)):
        while draft.room[p] < choices.needs[k, p]:
            least, rate = -1, np.inf
            for q in range(draft.total[TAKEN]):
                other = draft.taken[q]
                if choices.needs[other, p] > 0 and not options[other, MUST]:
                    lost = options[other, NET] / min(choices.needs[other, p], choices.needs[k, p] - draft.room[p])
                    if lost < rate:
                        least, rate = other, lost
            if least < 0:
                return False
            left -= options[least, NET]
            if left <= 0:
                return False
            _drop(choices, draft, holder, log, least)
    if not _fits(t, choices, draft, k):
        return False
    _put_in(choices, draft, holder, log, k)
    return True


@tight
def _least_block(choices: Choices, draft: Draft) -> int:
    """The facility in the week that is worth least and can be given up; −1: none."""
    least, worth = -1, -NEVER
    for q in range(draft.total[TAKEN]):
        f = choices.options[draft.taken[q], BLOCK]
        one = _block_worth(choices, draft, f)
        if one < worth:
            least, worth = f, one
    return int(least)


@tight
def _block_worth(choices: Choices, draft: Draft, f: int) -> int:
    """What a facility in the week nets in it; without end where it cannot be given up."""
    if choices.blocks[f, OPEN]:
        return -NEVER
    worth = -choices.blocks[f, COST]
    for q in range(draft.total[TAKEN]):
        k = draft.taken[q]
        if choices.options[k, BLOCK] == f:
            if choices.options[k, MUST]:
                return -NEVER
            worth += choices.options[k, NET]
    return int(worth)


@tight
def _drop_block(choices: Choices, draft: Draft, holder: Indices, log: Indices, f: int) -> None:
    for q in range(draft.total[TAKEN] - 1, -1, -1):
        if choices.options[draft.taken[q], BLOCK] == f:
            _drop(choices, draft, holder, log, draft.taken[q])


@tight
def _held(choices: Choices, holder: Indices, k: int) -> bool:
    return bool(holder[choices.moments[choices.options[k, MOMENTS]]] == k)


@tight
def _hold(choices: Choices, holder: Indices, k: int, by: int) -> None:
    for m in range(choices.options[k, MOMENTS], choices.options[k + 1, MOMENTS]):
        holder[choices.moments[m]] = by


@tight
def _put_in(choices: Choices, draft: Draft, holder: Indices, log: Indices, k: int) -> None:
    change(choices, draft, k, 0, 1)
    _hold(choices, holder, k, k)
    log[0] += 1
    log[log[0]] = k + 1


@tight
def _drop(choices: Choices, draft: Draft, holder: Indices, log: Indices, k: int) -> None:
    last = draft.total[TAKEN] - 1
    for q in range(last):
        if draft.taken[q] == k:
            draft.taken[q] = draft.taken[last]
    change(choices, draft, k, 0, -1)
    _hold(choices, holder, k, -1)
    log[0] += 1
    log[log[0]] = -k - 1


@tight
def _undo_to(choices: Choices, draft: Draft, holder: Indices, log: Indices, mark: int) -> None:
    """Takes back what was logged after the mark."""
    for q in range(log[0], mark, -1):
        entry = log[q]
        if entry > 0:
            _drop(choices, draft, holder, log, entry - 1)
        else:
            change(choices, draft, -entry - 1, 0, 1)
            _hold(choices, holder, -entry - 1, -entry - 1)
    log[0] = mark
