"""The problem as flat arrays for the compiled search of a person's best week."""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from matching.options import Options, Points
from matching.rules import Flags, Indices

FACILITY, REQUEST, SHARED, SLOTS, MINUTES, FIRST_WINDOW, LAST_WINDOW = range(7)
"""Columns of `Tables.items`; the windows are `FIRST_WINDOW` up to `LAST_WINDOW`."""

START, END = range(2)
"""Columns of `Tables.windows`, in minutes."""

MOST_FACILITIES, TARGET, LOW, ZONE = range(4)
"""Columns of `Tables.people`: the facilities limit, slots aimed at, slots below which it is too few, the time zone."""

PAIR, NEW_FACILITY, OVER, UNDER, REST, SPAN = range(6)
"""Entries of `Tables.terms`: four prices in points, and two rules in minutes (−1: no such rule)."""


class Tables(NamedTuple):
    """What compiled functions read of `Options`, whose arrays have the same names.

    `order` lists the options by person, facility, request and item; those of person c are `first[c]` up to
    `first[c + 1]` of it. `days` (zone, window) is the local day on which a window starts."""

    first: Indices
    order: Indices
    item: Indices
    value: Points
    pinned: Flags
    period_minutes: Points
    period_cap: Points
    items: Points
    windows: Points
    people: Points
    knows: Flags
    days: Indices
    terms: Points


_KNOWN: WeakKeyDictionary[Options, Tables] = WeakKeyDictionary()


def tables_of(options: Options) -> Tables:
    """The tables of a problem, made once."""
    if options not in _KNOWN:
        _KNOWN[options] = _week_tables(options)
    return _KNOWN[options]


def _week_tables(options: Options) -> Tables:
    rules = options.day_rules
    pinned = np.zeros(len(options.item), dtype=np.bool_)
    pinned[options.pinned] = True
    request, facility = options.item_request[options.item], options.item_facility[options.item]
    rest, span = (-1 if limit is None else limit for limit in (rules.rest, rules.span))
    prices = [options.pair_price, options.facility_price, options.over_price, options.under_price]
    return Tables(
        first=options.first.astype(np.int64),
        order=np.lexsort((options.item, request, facility, options.person)).astype(np.int64),
        item=options.item,
        value=options.value,
        pinned=pinned,
        period_minutes=np.ascontiguousarray(options.period_minutes, dtype=np.int64),
        period_cap=np.ascontiguousarray(options.period_cap, dtype=np.int64),
        items=_columns(
            options.item_facility,
            options.item_request,
            options.shared_request >= 0,
            options.item_slots,
            options.item_minutes,
            options.item_first,
            options.item_last,
        ),
        windows=_columns(options.window_start, options.window_end),
        people=_columns(options.max_facilities, options.target_slots, options.low_slots, rules.zone),
        knows=np.ascontiguousarray(options.knows),
        days=_days(options),
        terms=np.array([*prices, rest, span], dtype=np.int64),
    )


def _columns(*columns: Indices | Flags) -> Points:
    return np.ascontiguousarray(np.stack(columns, axis=1), dtype=np.int64)


def _days(options: Options) -> Indices:
    rules = options.day_rules
    zones = int(rules.zone.max(initial=-1)) + 1
    days = np.ones((zones, len(options.window_start)), dtype=np.int64)
    for zone in range(zones if rules.active else 0):
        somebody = np.nonzero(rules.zone == zone)[0][:1]
        for w in range(days.shape[1] if len(somebody) else 0):
            days[zone, w] = rules.day_of(somebody, w)[0]
    return days
