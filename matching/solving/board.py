"""A part of a problem, with its plan, packed into arrays for compiled code.

Indices are the part's own: people, items, requests and options are numbered from 0 in the order of the whole problem.
Lists of differing lengths lie end to end, list k from `first[k]` up to `first[k + 1]`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.options import Options
from matching.rules import Flags, Indices
from matching.solving.neighbourhood import Neighbourhood

Small = NDArray[np.int32]
Bits = NDArray[np.uint64]
_WORD = 64


class Board(NamedTuple):
    """What does not change while a part is searched.

    Options are sorted by person, then item. `period` (option, period) are minutes. `strange` says that the facility is
    new to the person; `fixed` options are pinned. `by_item` lists the options of each item. `mask_word` and `mask_bits`
    are the cells of time that an item takes. Windows lie by item, early ones first; `day` (zone, window) is the local
    day. `asked` lists the items of each shared request. `prices` are those of a slot over target, of one under, of a new
    facility and of a pair; `rest` and `span` are minutes, −1 where there is no such rule."""

    person: Small
    item: Small
    value: Indices
    period: Indices
    strange: Flags
    fixed: Flags
    first_option: Small
    by_item: Small
    first_by_item: Small
    slots: Indices
    facility: Small
    request: Small
    heads: Small
    first_head: Small
    first_window: Small
    start: Indices
    end: Indices
    day: Indices
    first_mask: Small
    mask_word: Small
    mask_bits: Bits
    sharers: Small
    asked: Small
    first_asked: Small
    cap: Indices
    target: Indices
    low: Indices
    facilities: Indices
    zone: Small
    prices: Indices
    rest: int
    span: int


class Table(NamedTuple):
    """What changes. `held` (person, k) are the options each person has, `count` of them; `place` of an option is its k,
    −1 where it is not taken. `busy` (person, word) are the cells of time worked. `holder` lists the options that hold
    each item. `heads_left`, `sharers_left` are free places. `log` holds what was done since it was last emptied: option
    + 1 for one taken, − option − 1 for one given back; `figures` are its length and the worth of the plan."""

    held: Small
    count: Small  # type: ignore[assignment]  # a tuple's own `count` is of no use here
    place: Small
    busy: Bits
    minutes: Indices
    slots: Indices
    served: Indices
    heads_left: Small
    sharers_left: Small
    holder: Small
    holders: Small
    log: Small
    figures: Indices


def lay_out(options: Options, part: Neighbourhood, promising: Flags | None = None) -> tuple[Board, Indices]:
    """The board of a part, and the whole problem's number of each of its options.

    Only the `promising` options, and those taken now, are offered (None: all).
    """
    people = np.array(part.people, dtype=np.int64)
    local_item = np.full(len(options.item_request), -1, dtype=np.int64)
    local_item[part.items] = np.arange(len(part.items))
    chosen = _options_of(options, people, local_item)
    if promising is not None:
        chosen = chosen[promising[chosen] | np.isin(chosen, part.current)]
    local_person = np.full(options.people, -1, dtype=np.int64)
    local_person[people] = np.arange(len(people))
    person, item = local_person[options.person[chosen]], local_item[options.item[chosen]]
    facility = options.item_facility[part.items]
    fixed = np.zeros(len(chosen), dtype=bool)
    fixed[np.searchsorted(chosen, np.intersect1d(chosen, options.pinned))] = True
    by_item = np.argsort(item, kind="stable")
    request = _local_requests(options, part)
    windows, first_window = _windows_of(options, part.items)
    masks = _masks(options, windows, first_window)
    asked = np.argsort(request, kind="stable")[np.count_nonzero(request < 0) :]
    rules = options.day_rules
    board = Board(
        person=person.astype(np.int32),
        item=item.astype(np.int32),
        value=options.value[chosen],
        period=np.ascontiguousarray(options.period_minutes[chosen]),
        strange=~options.knows[people[person], facility[item]],
        fixed=fixed,
        first_option=_starts(person, len(people)),
        by_item=by_item.astype(np.int32),
        first_by_item=_starts(item[by_item], len(part.items)),
        slots=options.item_slots[part.items],
        facility=facility.astype(np.int32),
        request=request.astype(np.int32),
        heads=part.heads.astype(np.int32),
        first_head=np.concatenate([[0], np.cumsum(part.heads)]).astype(np.int32),
        first_window=first_window,
        start=options.window_start[windows],
        end=options.window_end[windows],
        day=_days(options, people, windows),
        first_mask=masks[0],
        mask_word=masks[1],
        mask_bits=masks[2],
        sharers=part.sharers.astype(np.int32),
        asked=asked.astype(np.int32),
        first_asked=_starts(request[asked], len(part.requests)),
        cap=np.ascontiguousarray(options.period_cap[people]),
        target=options.target_slots[people],
        low=options.low_slots[people],
        facilities=options.max_facilities[people],
        zone=np.unique(rules.zone[people], return_inverse=True)[1].astype(np.int32),
        prices=np.array([options.over_price, options.under_price, options.facility_price, options.pair_price], dtype=np.int64),
        rest=-1 if rules.rest is None else rules.rest,
        span=-1 if rules.span is None else rules.span,
    )
    return board, chosen


def set_up(board: Board) -> Table:
    """An empty table for a board."""
    people, items = len(board.target), len(board.heads)
    sizes = np.diff(board.first_option)
    shortest = np.full(people, np.iinfo(np.int64).max, dtype=np.int64)
    np.minimum.at(shortest, board.person, np.maximum(1, board.period[:, 0]))
    most = np.minimum(sizes, board.cap[:, 0] // shortest)
    words = int(board.mask_word.max(initial=0)) + 1
    return Table(
        held=np.zeros((people, int(most.max(initial=0)) + 1), dtype=np.int32),
        count=np.zeros(people, dtype=np.int32),
        place=np.full(len(board.item), -1, dtype=np.int32),
        busy=np.zeros((people, words), dtype=np.uint64),
        minutes=np.zeros_like(board.cap),
        slots=np.zeros(people, dtype=np.int64),
        served=np.zeros(people, dtype=np.int64),
        heads_left=board.heads.copy(),
        sharers_left=board.sharers.copy(),
        holder=np.zeros(int(board.first_head[-1]), dtype=np.int32),
        holders=np.zeros(items, dtype=np.int32),
        log=np.zeros(4096, dtype=np.int32),
        figures=np.zeros(2, dtype=np.int64),
    )


def _options_of(options: Options, people: Indices, local_item: Indices) -> Indices:
    mine = np.concatenate([np.zeros(0, dtype=np.int64), *(options.of_person(int(c)) for c in people)])
    return np.asarray(mine[local_item[options.item[mine]] >= 0])


def _starts(keys: Indices, count: int) -> Small:
    return np.searchsorted(keys, np.arange(count + 1)).astype(np.int32)


def _local_requests(options: Options, part: Neighbourhood) -> Indices:
    shared = options.shared_request[part.items]
    place = np.searchsorted(part.requests, shared)
    return np.where(shared >= 0, place, -1)


def _windows_of(options: Options, items: Indices) -> tuple[Indices, Small]:
    counts = options.item_last[items] - options.item_first[items]
    first = np.concatenate([[0], np.cumsum(counts)])
    owner = np.repeat(np.arange(len(items)), counts)
    windows = np.arange(first[-1]) - first[owner] + options.item_first[items][owner]
    order = np.lexsort((options.window_start[windows], owner))
    return windows[order], first.astype(np.int32)


def _days(options: Options, people: Indices, windows: Indices) -> Indices:
    """(zone, window): the local day of each window in each zone of these people."""
    _zones, one_of_each = np.unique(options.day_rules.zone[people], return_index=True)
    if not options.day_rules.active or not len(windows):
        return np.ones((len(one_of_each), len(windows)), dtype=np.int64)
    return np.stack([options.day_rules.day_of(people[one_of_each], int(w)) for w in windows], axis=1)


def _masks(options: Options, windows: Indices, first_window: Small) -> tuple[Small, Small, Bits]:
    """The cells of time each item takes: words and bits, list by list."""
    grain = max(1, int(np.gcd.reduce(np.concatenate([options.window_start, options.window_end]), initial=0)))
    first, last = options.window_start[windows] // grain, -(-options.window_end[windows] // grain)
    counts = last - first
    owner = np.repeat(np.repeat(np.arange(len(first_window) - 1), np.diff(first_window)), counts)
    begin = np.cumsum(counts) - counts
    cells = np.arange(int(counts.sum())) - np.repeat(begin, counts) + np.repeat(first, counts)
    words = cells // _WORD
    kinds = int(words.max(initial=0)) + 1
    keys, place = np.unique(owner * kinds + words, return_inverse=True)
    bits = np.zeros(len(keys), dtype=np.uint64)
    np.bitwise_or.at(bits, place, np.uint64(1) << (cells % _WORD).astype(np.uint64))
    return _starts(keys // kinds, len(first_window) - 1), (keys % kinds).astype(np.int32), bits
