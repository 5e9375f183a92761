"""Rest between two local days and the span of one: which windows one person cannot both work."""

from __future__ import annotations

import numpy as np

from matching.facts import Facts
from matching.rules import Flags, Indices


class DayRules:
    """Rest and span in arrays; makes no difference where the problem sets neither. A window belongs to the local day it
    starts on."""

    def __init__(self, facts: Facts) -> None:
        self.rest, self.span = facts.problem.rest_minutes, facts.problem.max_span_minutes
        self.active = self.rest is not None or self.span is not None
        self.window_start, self.window_end = facts.window_start, facts.window_end
        self.zone = facts.zone
        self._day = facts.window_day if self.active else np.ones((len(facts.window_day), len(facts.windows)), dtype=np.int64)

    def day_of(self, people: Indices, window: int) -> Indices:
        """The local day of a window for each of the people, from 1; always 1 where no rule asks for it."""
        return np.asarray(self._day[self.zone[people], window])

    def clashes(self, zone: int, first: Indices, second: Indices) -> Flags:
        """(first, second): whether a person of that zone cannot work both. A window that alone exceeds the span clashes
        with itself."""
        return self._rest_clashes(zone, first, second) | self._span_clashes(zone, first, second)

    def _same_day(self, zone: int, first: Indices, second: Indices) -> Flags:
        return np.asarray(self._day[zone, first][:, None] == self._day[zone, second][None, :])

    def _rest_clashes(self, zone: int, first: Indices, second: Indices) -> Flags:
        if self.rest is None:
            return np.zeros((len(first), len(second)), dtype=bool)
        before = self.window_start[second][None, :] - self.window_end[first][:, None]
        after = self.window_start[first][:, None] - self.window_end[second][None, :]
        return np.asarray(~self._same_day(zone, first, second) & (np.maximum(before, after) < self.rest))

    def _span_clashes(self, zone: int, first: Indices, second: Indices) -> Flags:
        if self.span is None:
            return np.zeros((len(first), len(second)), dtype=bool)
        last = np.maximum(self.window_end[first][:, None], self.window_end[second][None, :])
        earliest = np.minimum(self.window_start[first][:, None], self.window_start[second][None, :])
        return self._same_day(zone, first, second) & (last - earliest > self.span)

    def rests_too_little(self, people: Indices, windows: Indices) -> Flags:
        """Which of the people could not work all the windows for lack of rest between them alone."""
        return self._by_zone([self._rest_clashes(zone, windows, windows).any() for zone in range(len(self._day))], people)

    def spans_too_long(self, people: Indices, windows: Indices) -> Flags:
        """Which of the people could not work all the windows because a day of them alone is too long."""
        return self._by_zone([self._span_clashes(zone, windows, windows).any() for zone in range(len(self._day))], people)

    def _by_zone(self, clash: list[np.bool_], people: Indices) -> Flags:
        return np.array(clash, dtype=bool)[self.zone[people]]
