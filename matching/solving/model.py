"""The exact model: one person's choices as rows and columns, and several people's with what they share.

Columns of one person: x for each option, y for each split request they may take part in, z for each facility, then
minutes over target and under 60 % of it. Rows: one for each maximal clique of windows at the same time, x ≤ y ≤ z, cap,
facilities, over and under. The same rows serve the exact model of a small problem, the parts that levels are improved by,
and relief."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.options import Options, Points
from matching.rules import Indices

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows `Σ coefficient × column ≤ limit`, flat: row k is `start[k]` up to `start[k + 1]` of `column` and
    `coefficient`."""

    start: Indices
    column: Indices
    coefficient: Points
    limit: Points

    @staticmethod
    def of(rows: Sequence[tuple[Indices, Points, int]]) -> Rows:
        """From single rows."""
        if not rows:
            nothing = np.zeros(0, dtype=np.int64)
            return Rows(np.zeros(1, dtype=np.int64), nothing, nothing, nothing)
        lengths = np.array([len(columns) for columns, _, _ in rows], dtype=np.int64)
        return Rows(
            np.concatenate([[0], np.cumsum(lengths)]),
            np.concatenate([columns for columns, _, _ in rows]),
            np.concatenate([coefficients for _, coefficients, _ in rows]),
            np.array([limit for _, _, limit in rows], dtype=np.int64),
        )

    @staticmethod
    def stacked(blocks: Sequence[tuple[Rows, int]]) -> Rows:
        """Blocks one below the other, each with its columns shifted."""
        starts = [np.zeros(1, dtype=np.int64)]
        offset = 0
        for rows, _ in blocks:
            starts.append(rows.start[1:] + offset)
            offset += int(rows.start[-1])
        return Rows(
            np.concatenate(starts),
            np.concatenate([rows.column + shift for rows, shift in blocks]),
            np.concatenate([rows.coefficient for rows, _ in blocks]),
            np.concatenate([rows.limit for rows, _ in blocks]),
        )


@dataclass(frozen=True, slots=True)
class Model:
    """Maximise `worth · columns` within the rows; columns are whole numbers from `low` to `high`.

    Column `option_column[k]` says whether `options[k]` is taken.
    """

    options: Indices
    option_column: Indices
    worth: Points
    low: Points
    high: Points
    rows: Rows

    def taken(self, columns: Floats) -> Indices:
        """The options that a solution takes, ascending."""
        return np.sort(self.options[columns[self.option_column] > 0.5])


@dataclass(frozen=True, slots=True)
class PersonModel:
    """The model of one person over some of their options. Column `len(options) + k` is y for the request
    `pair_request[k]`."""

    person: int
    model: Model
    pair_request: Indices


def person_model(options: Options, c: int, chosen: Indices) -> PersonModel:
    """The model of person c restricted to the given options of theirs (ascending)."""
    items = options.item[chosen]
    n = len(chosen)
    shared = options.shared_request[items]
    pair_request, pair_of = _numbered(shared, shared >= 0)
    facility, facility_of = _numbered(options.item_facility[items], np.ones(n, dtype=bool))
    y0, z0 = n, n + len(pair_request)
    over = z0 + len(facility)
    slots = options.item_slots[items]
    target, low = int(options.target_slots[c]), int(options.low_slots[c])
    total = int(slots.sum())
    high = np.ones(over + 2, dtype=np.int64)
    high[over], high[over + 1] = max(0, total - target), low
    rows = [(clique, np.ones(len(clique), dtype=np.int64), 1) for clique in _cliques(options, c, chosen)]
    rows += _links(pair_of, y0, facility_of, z0)
    x = np.arange(n)
    if len(facility) > options.max_facilities[c]:
        rows.append((z0 + np.arange(len(facility)), np.ones(len(facility), dtype=np.int64), int(options.max_facilities[c])))
    for minutes, cap in zip(options.period_minutes[chosen].T, options.period_cap[c].tolist(), strict=True):
        if minutes.sum() > cap:
            rows.append((x[minutes > 0], minutes[minutes > 0], cap))
    if total > target:
        rows.append((np.append(x, over), np.append(slots, -1), target))
    if low > 0:
        rows.append((np.append(x, over + 1), np.append(-slots, -1), -low))
    worth = person_worth(options, c, chosen)
    model = Model(chosen, x, worth, np.zeros(over + 2, dtype=np.int64), high, Rows.of(rows))
    return PersonModel(c, model, pair_request)


def person_worth(options: Options, c: int, chosen: Indices) -> Points:
    """What each column of `person_model(options, c, chosen)` is worth."""
    items = options.item[chosen]
    shared = options.shared_request[items]
    facility = np.unique(options.item_facility[items])
    return np.concatenate(
        [
            options.value[chosen],
            np.full(len(np.unique(shared[shared >= 0])), -options.pair_price),
            np.where(options.knows[c, facility], 0, -options.facility_price),
            [-options.over_price, -options.under_price],
        ]
    ).astype(np.int64)


def person_columns(options: Options, person: PersonModel, taken: Indices) -> Floats:
    """The values of a person's columns when exactly the taken ones of their options are taken: a hint."""
    chosen, c = person.model.options, person.person
    x = np.isin(chosen, taken)
    items = options.item[chosen]
    facility = np.unique(options.item_facility[items])
    slots = int(options.item_slots[items[x]].sum())
    return np.concatenate(
        [
            x,
            np.isin(person.pair_request, options.shared_request[items[x]]),
            np.isin(facility, options.item_facility[items[x]]),
            [max(0, slots - int(options.target_slots[c])), max(0, int(options.low_slots[c]) - slots)],
        ]
    ).astype(np.float64)


def joint_model(options: Options, people: Sequence[PersonModel], heads: Indices, sharers: Indices) -> Model:
    """The people's models side by side with what they share: item i has room for `heads[i]` of them, shared request r
    for `sharers[r]`.

    Pinned options are fixed to be taken.
    """
    shifts = np.concatenate([[0], np.cumsum([len(person.model.worth) for person in people], dtype=np.int64)])
    blocks = list(zip(people, shifts[:-1].tolist(), strict=True))
    chosen = np.concatenate([person.model.options for person in people])
    column = np.concatenate([person.model.option_column + shift for person, shift in blocks])
    pairs = [len(person.model.options) + shift + np.arange(len(person.pair_request)) for person, shift in blocks]
    requests = np.concatenate([person.pair_request for person in people])
    shared = _limits(options.item[chosen], column, heads) + _limits(requests, np.concatenate(pairs), sharers)
    low = np.zeros(shifts[-1], dtype=np.int64)
    low[column[np.isin(chosen, options.pinned)]] = 1
    return Model(
        options=chosen,
        option_column=column,
        worth=np.concatenate([person.model.worth for person in people]),
        low=low,
        high=np.concatenate([person.model.high for person in people]),
        rows=Rows.stacked([*((person.model.rows, shift) for person, shift in blocks), (Rows.of(shared), 0)]),
    )


def _limits(keys: Indices, columns: Indices, room: Indices) -> list[tuple[Indices, Points, int]]:
    """For every key with more columns than room: the sum of its columns is at most its room."""
    if not len(keys):
        return []
    order = np.argsort(keys, kind="stable")
    names, first = np.unique(keys[order], return_index=True)
    groups = np.split(columns[order], first[1:])
    return [
        (group, np.ones(len(group), dtype=np.int64), int(room[name]))
        for name, group in zip(names.tolist(), groups, strict=True)
        if len(group) > room[name]
    ]


def _numbered(keys: Indices, where: NDArray[np.bool_]) -> tuple[Indices, Indices]:
    """The different keys where wanted, and for each entry the number of its key (−1 where not wanted)."""
    names, inverse = np.unique(keys[where], return_inverse=True)
    numbers = np.full(len(keys), -1, dtype=np.int64)
    numbers[where] = inverse
    return names, numbers


def _links(pair_of: Indices, y0: int, facility_of: Indices, z0: int) -> list[tuple[Indices, Points, int]]:
    """x ≤ y for windows of split requests, y ≤ z and x ≤ z for the facility."""
    below = np.array([1, -1], dtype=np.int64)
    rows: list[tuple[Indices, Points, int]] = []
    linked: set[int] = set()
    for x in range(len(pair_of)):
        y, z = int(pair_of[x]), z0 + int(facility_of[x])
        if y < 0:
            rows.append((np.array([x, z]), below, 0))
            continue
        rows.append((np.array([x, y0 + y]), below, 0))
        if y not in linked:
            linked.add(y)
            rows.append((np.array([y0 + y, z]), below, 0))
    return rows


def _cliques(options: Options, c: int, chosen: Indices) -> list[Indices]:
    """Groups of the options (by position) of which at most one can be taken: maximal sets at one moment, and pairs by
    rest or span."""
    items = options.item[chosen]
    first, counts = options.item_first[items], options.item_last[items] - options.item_first[items]
    owner = np.repeat(np.arange(len(items)), counts)
    windows = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
    starts, ends = options.window_start[windows], options.window_end[windows]
    found: dict[bytes, Indices] = {}
    for moment in _clique_moments(starts, ends):
        members = np.unique(owner[(starts <= moment) & (ends > moment)])
        if len(members) > 1:
            found[members.tobytes()] = members
    cliques = list(found.values())
    if options.day_rules.active:
        cliques += _day_pairs(options, c, windows, owner, cliques)
    return cliques


def _clique_moments(starts: Indices, ends: Indices) -> Indices:
    """The starts at which the set of running windows is maximal: the last start before each next end."""
    moments = np.unique(starts)
    next_end = np.searchsorted(np.unique(ends), moments, side="right")
    last = np.append(next_end[1:] != next_end[:-1], True)
    return moments[last] if len(moments) else moments


def _day_pairs(options: Options, c: int, windows: Indices, owner: Indices, cliques: Iterable[Indices]) -> list[Indices]:
    clash = options.day_rules.clashes(int(options.day_rules.zone[c]), windows, windows)
    a, b = np.nonzero(clash)
    pairs = {(int(p), int(q)) for p, q in zip(owner[a], owner[b], strict=True) if p < q}
    for clique in cliques:
        pairs -= {(int(p), int(q)) for k, p in enumerate(clique) for q in clique[k + 1 :]}
    return [np.array(pair, dtype=np.int64) for pair in sorted(pairs)]
