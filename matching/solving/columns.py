"""Weeks: what one person could do in a plan, as columns of the master problem."""

from __future__ import annotations

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


class ColumnPool:
    """Columns without repetition, and their entries in the rows: items first, then shared requests, then people."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.columns: list[Column] = []
        self.fresh: list[Column] = []
        self._seen: set[tuple[int, bytes]] = set()

    def add(self, c: int, chosen: Indices) -> bool:
        """Adds a week; whether it was new."""
        key = (c, chosen.tobytes())
        if key in self._seen:
            return False
        self._seen.add(key)
        column = week_column(self.options, c, chosen)
        self.columns.append(column)
        self.fresh.append(column)
        return True

    def add_plan(self, chosen: Indices) -> None:
        """Adds everybody's week of a plan, also the empty ones."""
        people = self.options.person[chosen]
        bounds = np.searchsorted(people, np.arange(self.options.people + 1))
        for c in range(self.options.people):
            self.add(c, chosen[bounds[c] : bounds[c + 1]])

    def take_fresh(self) -> list[Column]:
        """The columns added since the last call."""
        fresh, self.fresh = self.fresh, []
        return fresh


def usage(options: Options, column: Column) -> Points:
    """The rows of the master problem in which a column has a one."""
    items = options.item[column.chosen]
    count = len(options.item_request)
    return np.concatenate(
        [items, count + shared_requests(options, items), [count + len(options.request_sharers) + column.person]]
    ).astype(np.int64)
