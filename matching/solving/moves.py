"""Compiled steps on a `Table`: what could be taken, taking it and giving it back, with the change of the plan's worth."""

from __future__ import annotations

import numpy as np

from matching.solving.board import Board, Table
from matching.solving.compiled import tight

NO = -(1 << 60)
"""Instead of a gain: a rule forbids it."""


@tight
def clash(board: Board, zone: int, i: int, j: int) -> bool:
    """Whether one person of that zone cannot work both items, by overlap, rest or span."""
    for a in range(board.first_window[i], board.first_window[i + 1]):
        for b in range(board.first_window[j], board.first_window[j + 1]):
            if board.start[a] < board.end[b] and board.start[b] < board.end[a]:
                return True
            if board.rest < 0 and board.span < 0:
                continue
            if board.day[zone, a] == board.day[zone, b]:
                if board.span >= 0:
                    whole = max(board.end[a], board.end[b]) - min(board.start[a], board.start[b])
                    if whole > board.span:
                        return True
            elif board.rest >= 0 and max(board.start[b] - board.end[a], board.start[a] - board.end[b]) < board.rest:
                return True
    return False


@tight
def busy_then(board: Board, table: Table, c: int, i: int) -> bool:
    """Whether the person works at any time of the item."""
    for m in range(board.first_mask[i], board.first_mask[i + 1]):
        if table.busy[c, board.mask_word[m]] & board.mask_bits[m]:
            return True
    return False


@tight
def balance(board: Board, c: int, before: int, after: int) -> int:
    """What going from so many slots to so many changes in the penalties for too many and too few."""
    target, low = board.target[c], board.low[c]
    change = board.prices[0] * (max(0, before - target) - max(0, after - target))
    return change + board.prices[1] * (max(0, low - before) - max(0, low - after))


@tight
def gain_of(board: Board, table: Table, o: int) -> int:
    """What taking an option would add to the plan; NO where a rule forbids it or the item has no room."""
    c, i = board.person[o], board.item[o]
    if table.heads_left[i] <= 0:
        return NO
    for k in range(board.cap.shape[1]):
        if table.minutes[c, k] + board.period[o, k] > board.cap[c, k]:
            return NO
    if busy_then(board, table, c, i):
        return NO
    facility, request = board.facility[i], board.request[i]
    known, shares = False, False
    days = board.rest >= 0 or board.span >= 0
    for k in range(table.count[c]):
        j = board.item[table.held[c, k]]
        known |= board.facility[j] == facility
        shares |= board.request[j] == request
        if days and clash(board, board.zone[c], i, j):
            return NO
    if not known and table.served[c] >= board.facilities[c]:
        return NO
    gain = board.value[o] + balance(board, c, table.slots[c], table.slots[c] + board.slots[i])
    if not known and board.strange[o]:
        gain -= board.prices[2]
    if request >= 0 and not shares:
        if table.sharers_left[request] <= 0:
            return NO
        gain -= board.prices[3]
    return gain


@tight
def loss_of(board: Board, table: Table, o: int) -> int:
    """What giving back an option would take from the plan."""
    c, i = board.person[o], board.item[o]
    facility, request = board.facility[i], board.request[i]
    known, shares = False, False
    for k in range(table.count[c]):
        if k != table.place[o]:
            j = board.item[table.held[c, k]]
            known |= board.facility[j] == facility
            shares |= board.request[j] == request
    loss = board.value[o] - balance(board, c, table.slots[c], table.slots[c] - board.slots[i])
    if not known and board.strange[o]:
        loss -= board.prices[2]
    if request >= 0 and not shares:
        loss -= board.prices[3]
    return loss


@tight
def count_in(board: Board, table: Table, o: int, step: int) -> None:
    """Counts an option in (step 1, before it is listed) or out (−1, after it was taken off the list)."""
    c, i = board.person[o], board.item[o]
    facility, request = board.facility[i], board.request[i]
    known, shares = False, False
    for k in range(table.count[c]):
        j = board.item[table.held[c, k]]
        known |= board.facility[j] == facility
        shares |= board.request[j] == request
    if not known:
        table.served[c] += step
    if request >= 0 and not shares:
        table.sharers_left[request] -= step
    for k in range(board.cap.shape[1]):
        table.minutes[c, k] += step * board.period[o, k]
    table.slots[c] += step * board.slots[i]
    table.heads_left[i] -= step
    for m in range(board.first_mask[i], board.first_mask[i + 1]):
        table.busy[c, board.mask_word[m]] ^= board.mask_bits[m]


@tight
def put(board: Board, table: Table, o: int) -> None:
    """Takes an option that may be taken."""
    c, i = board.person[o], board.item[o]
    count_in(board, table, o, 1)
    table.place[o] = table.count[c]
    table.held[c, table.count[c]] = o
    table.count[c] += 1
    table.holder[board.first_head[i] + table.holders[i]] = o
    table.holders[i] += 1


@tight
def lift(board: Board, table: Table, o: int) -> None:
    """Gives back an option that is taken."""
    c, i = board.person[o], board.item[o]
    k = table.place[o]
    last = table.count[c] - 1
    moved = table.held[c, last]
    table.held[c, k] = moved
    table.place[moved] = k
    table.place[o] = -1
    table.count[c] = last
    count_in(board, table, o, -1)
    h = board.first_head[i]
    while table.holder[h] != o:
        h += 1
    table.holders[i] -= 1
    table.holder[h] = table.holder[board.first_head[i] + table.holders[i]]


@tight
def add(board: Board, table: Table, o: int, gain: int) -> None:
    """Takes an option, known to gain so much, and logs it."""
    put(board, table, o)
    table.log[table.figures[0]] = o + 1
    table.figures[0] += 1
    table.figures[1] += gain


@tight
def drop(board: Board, table: Table, o: int) -> None:
    """Gives back an option and logs it."""
    table.figures[1] -= loss_of(board, table, o)
    lift(board, table, o)
    table.log[table.figures[0]] = -o - 1
    table.figures[0] += 1


@tight
def undo(board: Board, table: Table, worth: int) -> None:
    """Takes back all that is logged; the plan was worth so much before."""
    for k in range(table.figures[0] - 1, -1, -1):
        entry = table.log[k]
        if entry > 0:
            lift(board, table, entry - 1)
        else:
            put(board, table, -entry - 1)
    table.figures[0] = 0
    table.figures[1] = worth


@tight
def start_from(board: Board, table: Table, chosen: np.ndarray) -> None:
    """Takes the options of a plan that keeps the rules; the worth counts from 0 for the empty table."""
    for o in chosen:
        table.figures[1] += gain_of(board, table, o)
        put(board, table, o)
