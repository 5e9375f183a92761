"""Weeks: what one person could do in a plan, as columns of the programme that combines weeks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from matching.objective import shared_requests, week_worth
from matching.options import Options, Points
from matching.rules import Indices


@dataclass(frozen=True, slots=True)
class Column:
    """One feasible week of one person: its options, ascending, and what it is worth with the person's penalties."""

    person: int
    chosen: Indices
    worth: int


def week_column(options: Options, c: int, chosen: Indices) -> Column:
    """The week of person c that holds the chosen options."""
    return Column(c, chosen, week_worth(options, c, chosen))


def by_person(options: Options, chosen: Indices) -> Iterator[tuple[int, Indices]]:
    """Everybody with what they hold of a plan, which may be nothing."""
    first = np.searchsorted(options.person[chosen], np.arange(options.people + 1))
    for c in range(options.people):
        yield c, chosen[first[c] : first[c + 1]]


class ColumnPool:
    """Columns without repetition."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.columns: list[Column] = []
        self._seen: set[tuple[int, bytes]] = set()

    def add(self, c: int, chosen: Indices) -> bool:
        """Adds a week; whether it was new."""
        key = (c, chosen.tobytes())
        if key in self._seen:
            return False
        self._seen.add(key)
        self.columns.append(week_column(self.options, c, chosen))
        return True

    def add_plan(self, chosen: Indices) -> None:
        """Adds everybody's week of a plan, also the empty ones."""
        for c, mine in by_person(self.options, chosen):
            self.add(c, mine)


def usage(options: Options, column: Column) -> Points:
    """The rows of that programme in which a column has a one: items first, then shared requests, then people."""
    items = options.item[column.chosen]
    count = len(options.item_request)
    return np.concatenate(
        [items, count + shared_requests(options, items), [count + len(options.request_sharers) + column.person]]
    ).astype(np.int64)
