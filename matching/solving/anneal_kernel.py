"""The compiled search: force an option into the plan, mend what that broke, keep the result by chance.

A move takes an option by throwing out whatever stands in its way (another holder of the item, work at the same time or
above a cap, a whole facility), then gives the displaced items to whoever gains most by them and fills the free hours of
everybody touched. It is kept if the plan is worth more, or by chance if it is worth a little less (annealing)."""

from __future__ import annotations

import math

import numpy as np

from matching.solving.board import Board, Table
from matching.solving.compiled import tight
from matching.solving.moves import NO, add, busy_then, clash, drop, gain_of, loss_of, undo


@tight
def draw(dice: np.ndarray) -> float:
    """A random number from 0 up to 1 (xorshift)."""
    x = dice[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    dice[0] = x
    return float(x >> np.uint64(11)) / 9007199254740992.0


@tight
def below(dice: np.ndarray, n: int) -> int:
    """A random whole number from 0 up to n."""
    return int(draw(dice) * n)


@tight
def free_head(board: Board, table: Table, o: int, dice: np.ndarray) -> bool:
    """Makes room for one more person in the option's item and among its request's sharers."""
    i = board.item[o]
    if table.heads_left[i] <= 0:
        if table.holders[i] == 0:
            return False
        other = table.holder[board.first_head[i] + below(dice, table.holders[i])]
        if board.fixed[other]:
            return False
        drop(board, table, other)
    request = board.request[i]
    if request < 0 or table.sharers_left[request] > 0:
        return True
    c = board.person[o]
    low, high = board.first_asked[request], board.first_asked[request + 1]
    start = below(dice, high - low)
    sharer = -1
    for n in range(high - low):
        j = board.asked[low + (start + n) % (high - low)]
        for h in range(board.first_head[j], board.first_head[j] + table.holders[j]):
            d = board.person[table.holder[h]]
            if d == c:
                return True
            sharer = d
    return sharer >= 0 and drop_request(board, table, sharer, request)


@tight
def drop_request(board: Board, table: Table, c: int, request: int) -> bool:
    """Takes a person off a request; False where a pin forbids it."""
    for k in range(table.count[c] - 1, -1, -1):
        o = table.held[c, k]
        if board.request[board.item[o]] == request:
            if board.fixed[o]:
                return False
            drop(board, table, o)
    return True


@tight
def free_time(board: Board, table: Table, o: int) -> bool:
    """Drops what the person cannot work beside the option."""
    c, i = board.person[o], board.item[o]
    for k in range(table.count[c] - 1, -1, -1):
        other = table.held[c, k]
        if clash(board, board.zone[c], i, board.item[other]):
            if board.fixed[other]:
                return False
            drop(board, table, other)
    return True


@tight
def free_minutes(board: Board, table: Table, o: int, dice: np.ndarray) -> bool:
    """Drops what is worth least, by chance, until the option fits under every cap of the person."""
    c = board.person[o]
    for p in range(board.cap.shape[1]):
        while True:
            over = table.minutes[c, p] + board.period[o, p] - board.cap[c, p]
            if over <= 0:
                break
            best, least = -1, math.inf
            for k in range(table.count[c]):
                other = table.held[c, k]
                minutes = board.period[other, p]
                if minutes > 0 and not board.fixed[other]:
                    cost = loss_of(board, table, other) / min(minutes, over) * (0.6 + 0.8 * draw(dice))
                    if cost < least:
                        best, least = other, cost
            if best < 0:
                return False
            drop(board, table, best)
    return True


@tight
def free_facility(board: Board, table: Table, o: int, dice: np.ndarray) -> bool:
    """Drops the work of the facility that is worth least, by chance, where the person may serve no further one."""
    c, facility = board.person[o], board.facility[board.item[o]]
    if table.served[c] < board.facilities[c]:
        return True
    chosen, least = -1, math.inf
    for k in range(table.count[c]):
        f = board.facility[board.item[table.held[c, k]]]
        if f == facility:
            return True
        cost, movable = 0.0, True
        for n in range(table.count[c]):
            other = table.held[c, n]
            if board.facility[board.item[other]] == f:
                cost += board.value[other]
                movable = movable and not board.fixed[other]
        cost *= 0.6 + 0.8 * draw(dice)
        if movable and cost < least:
            chosen, least = f, cost
    if chosen < 0:
        return False
    for k in range(table.count[c] - 1, -1, -1):
        if board.facility[board.item[table.held[c, k]]] == chosen:
            drop(board, table, table.held[c, k])
    return True


@tight
def promise(board: Board, table: Table, net: np.ndarray, o: int) -> float:
    """A guess at what forcing an option would gain: what it nets less what those net that would have to go."""
    c, i = board.person[o], board.item[o]
    guess = float(net[o])
    over = table.minutes[c, 0] + board.period[o, 0] - board.cap[c, 0]
    crowded = busy_then(board, table, c, i)
    if not crowded and over <= 0:
        return guess
    kept, minutes = 0.0, 0
    for k in range(table.count[c]):
        other = table.held[c, k]
        if crowded and clash(board, board.zone[c], i, board.item[other]):
            guess -= net[other]
            over -= board.period[other, 0]
        else:
            kept += net[other]
            minutes += board.period[other, 0]
    if over > 0 and minutes > 0:
        guess -= kept * over / minutes
    return guess


@tight
def choose(board: Board, table: Table, net: np.ndarray, rounds: int, dice: np.ndarray) -> int:
    """The most promising of some options not taken now, drawn by chance; −1 when none was met."""
    best, most = -1, -math.inf
    for _ in range(rounds):
        o = below(dice, len(board.item))
        if table.place[o] < 0:
            guess = promise(board, table, net, o)
            if guess > most:
                best, most = o, guess
    return best


@tight
def force(board: Board, table: Table, o: int, dice: np.ndarray) -> bool:
    """Takes an option whatever stands in its way; False where a pin or a rule forbids it even so."""
    if not free_head(board, table, o, dice) or not free_time(board, table, o):
        return False
    if not free_facility(board, table, o, dice) or not free_minutes(board, table, o, dice):
        return False
    gain = gain_of(board, table, o)
    if gain == NO:
        return False
    add(board, table, o, gain)
    return True


@tight
def extend(board: Board, table: Table, o: int, dice: np.ndarray) -> bool:
    """Gives the person further windows of the option's request: those at hand, or by chance all that fit under the caps,
    whoever has them. False where a pin forbids it."""
    c, request = board.person[o], board.request[board.item[o]]
    if request < 0:
        return True
    way = below(dice, 3)
    if way == 0:
        return True
    first = o
    while first > board.first_option[c] and board.request[board.item[first - 1]] == request:
        first -= 1
    for other in range(first, board.first_option[c + 1]):
        if board.request[board.item[other]] != request:
            break
        if table.place[other] >= 0:
            continue
        gain = gain_of(board, table, other)
        if gain > 0:
            add(board, table, other, gain)
        elif way == 2 and fits_caps(board, table, other) and not force(board, table, other, dice):
            return False
    return True


@tight
def fits_caps(board: Board, table: Table, o: int) -> bool:
    """Whether the option stays under every cap of its person."""
    c = board.person[o]
    for k in range(board.cap.shape[1]):  # noqa: SIM110 - a generator is nothing that can be compiled
        if table.minutes[c, k] + board.period[o, k] > board.cap[c, k]:
            return False
    return True


@tight
def rehome(board: Board, table: Table, i: int, blink: float, dice: np.ndarray) -> int:
    """Gives an item to whoever gains most by it, overlooking some by chance. Answers how many were asked."""
    best, most = -1, 0
    low, high = board.first_by_item[i], board.first_by_item[i + 1]
    for k in range(low, high):
        o = board.by_item[k]
        gain = gain_of(board, table, o)
        if gain > most and draw(dice) >= blink:
            best, most = o, gain
    if best >= 0:
        add(board, table, best, most)
    return high - low


@tight
def fill(board: Board, table: Table, c: int, blink: float, power: float, room: np.ndarray, dice: np.ndarray) -> int:
    """Gives a person what they gain most by, one after the other, until nothing helps. Answers how many options were
    looked at."""
    low, high = board.first_option[c], board.first_option[c + 1]
    n = 0
    for o in range(low, high):
        if table.heads_left[board.item[o]] > 0 and gain_of(board, table, o) > 0 and draw(dice) >= blink:
            room[n] = o
            n += 1
    work = high - low
    while n > 0 and table.figures[0] < len(table.log) - 8:
        best, most, score, kept = -1, 0, 0.0, 0
        for k in range(n):
            o = room[k]
            gain = gain_of(board, table, o)
            if gain <= 0:
                continue
            room[kept] = o
            kept += 1
            rated = gain * (0.8 + 0.4 * draw(dice)) / float(board.period[o, 0]) ** power
            if rated > score:
                best, most, score = o, gain, rated
        work += n
        n = kept
        if best >= 0:
            add(board, table, best, most)
    return work


@tight
def mend(
    board: Board, table: Table, blink: float, room: np.ndarray, lost: np.ndarray, rated: np.ndarray, dice: np.ndarray
) -> int:
    """Gives displaced items away again, the dearest first by chance, and fills everybody who was touched."""
    power = 0.5 * below(dice, 3)
    logged = table.figures[0]
    work = 0
    n = 0
    for k in range(logged):
        if table.log[k] < 0:
            o = -table.log[k] - 1
            score = board.value[o] * (0.5 + draw(dice))
            at = n
            while at > 0 and rated[at - 1] < score:
                rated[at], lost[at] = rated[at - 1], lost[at - 1]
                at -= 1
            rated[at], lost[at] = score, o
            n += 1
    for k in range(n):
        if table.heads_left[board.item[lost[k]]] > 0:
            work += rehome(board, table, board.item[lost[k]], blink, dice)
    for k in range(n):
        c = board.person[lost[k]]
        seen = False
        for m in range(k):
            seen |= board.person[lost[m]] == c
        if not seen:
            work += fill(board, table, c, blink, power, room, dice)
    return work


@tight
def accepted(gain: int, heat: float, dice: np.ndarray) -> bool:
    """Whether to keep a move: always if it gains, by chance if it loses little for the heat."""
    return gain >= 0 or (heat > 0 and draw(dice) < math.exp(gain / heat))


@tight
def search(
    board: Board,
    table: Table,
    best: Table,
    heat: float,
    blink: float,
    work: int,
    net: np.ndarray,
    tries: int,
    dice: np.ndarray,
    room: np.ndarray,
    lost: np.ndarray,
    rated: np.ndarray,
) -> int:
    """Moves until so many options were looked at. `best` keeps the best plan met. Answers the number of moves."""
    done, moves = 0, 0
    saved = best.figures[1]
    newest = table.figures[1] > saved
    while done < work:
        rounds = 1 + below(dice, tries)
        o = choose(board, table, net, rounds, dice)
        done += 8 + 4 * rounds
        if o < 0:
            continue
        moves += 1
        before = table.figures[1]
        table.figures[0] = 0
        if not force(board, table, o, dice) or not extend(board, table, o, dice):
            undo(board, table, before)
            continue
        done += mend(board, table, blink, room, lost, rated, dice)
        gain = table.figures[1] - before
        if not accepted(gain, heat, dice):
            undo(board, table, before)
            continue
        if gain < 0 and newest:
            undo_for_copy(board, table, best, before)
            newest = False
            saved = before
        if table.figures[1] > saved:
            newest = True
            saved = table.figures[1]
    if newest:
        keep(table, best)
    return moves


@tight
def keep(table: Table, best: Table) -> None:
    """Copies the plan."""
    for c in range(len(table.count)):
        best.count[c] = table.count[c]
        for k in range(table.count[c]):
            best.held[c, k] = table.held[c, k]
    best.figures[1] = table.figures[1]


@tight
def undo_for_copy(board: Board, table: Table, best: Table, worth: int) -> None:
    """Copies the plan as it was before the move that is logged."""
    keep(table, best)
    best.figures[1] = worth
    for k in range(table.figures[0] - 1, -1, -1):
        entry = table.log[k]
        o = abs(entry) - 1
        c = board.person[o]
        n = best.count[c]
        if entry < 0:
            best.held[c, n] = o
            best.count[c] = n + 1
        else:
            at = 0
            while best.held[c, at] != o:
                at += 1
            best.held[c, at] = best.held[c, n - 1]
            best.count[c] = n - 1
