"""The choices that a plan is made of, and what each is worth.

An *item* is what one person takes in one go: a whole request, or one window of a split one. An *option* is an item
with a person who passes every person rule for it. A plan is a set of options that keeps the plan rules."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from matching.day_rules import DayRules
from matching.facts import Facts
from matching.problem import Assignment
from matching.rules import Indices

Points = NDArray[np.int64]


class Options:
    """All options of a problem, sorted by person: those of person c are `first[c]` up to `first[c + 1]`.

    `person`, `item` and `value` are per option; `value` is what the option earns by itself: slots times worth, less the
    price of the pair where the item is all that the person can take of the request, plus what keeping the previous plan
    saves. Attributes `item_…` are per item; `shared_request` is the request of an item that is one of several windows
    of a split request, else −1.

    `period_minutes` (option, period) are the minutes of the option that fall in each of its person's periods, and
    `period_cap` (person, period) how many minutes each period may hold. Period 0 is the whole horizon, the others are
    the person's limits; who has fewer limits than others has periods that nothing falls in."""

    def __init__(self, facts: Facts) -> None:
        self.day_rules = DayRules(facts)
        self._make_items(facts)
        self._make_options(facts)
        self._take_people(facts)
        weights = facts.problem.weights
        self.pair_price = weights.pair
        self.facility_price = weights.new_facility
        self.over_price = weights.over_target
        self.under_price = weights.under_target
        self.constant = -weights.change * len(facts.problem.previous)
        self.pinned = self._options_of(facts, facts.problem.pins)
        self.previous = self._options_of(facts, facts.problem.previous) if weights.change else []

    def _make_items(self, facts: Facts) -> None:
        requests: list[int] = []
        first: list[int] = []
        last: list[int] = []
        for r, request in enumerate(facts.requests):
            low, high = int(facts.first_window[r]), int(facts.first_window[r + 1])
            pieces = [(low, high)] if request.is_whole else [(w, w + 1) for w in range(low, high)]
            for piece in pieces:
                requests.append(r)
                first.append(piece[0])
                last.append(piece[1])
        self.item_request = np.array(requests, dtype=np.int64)
        self.item_first, self.item_last = np.array(first, dtype=np.int64), np.array(last, dtype=np.int64)
        slots = np.concatenate([[0], np.cumsum(facts.window_slots)])
        self.item_slots = slots[self.item_last] - slots[self.item_first]
        minutes = np.concatenate([[0], np.cumsum(facts.window_minutes)])
        self.item_minutes = minutes[self.item_last] - minutes[self.item_first]
        self.item_heads = facts.request_heads[self.item_request]
        self.item_facility = facts.request_facility[self.item_request]
        windows = np.diff(facts.first_window)[self.item_request]
        several = ~facts.request_whole[self.item_request] & (windows > 1)
        self.shared_request = np.where(several, self.item_request, -1)
        self.request_sharers = facts.request_sharers
        self.request_priority = [request.priority for request in facts.requests]
        self.item_weight = np.maximum(1, facts.request_value[self.item_request])
        self.window_start, self.window_end = facts.window_start, facts.window_end
        self.window_item = np.repeat(np.arange(len(requests)), self.item_last - self.item_first)

    def _make_options(self, facts: Facts) -> None:
        eligible = facts.violations == 0
        people: list[Indices] = []
        items: list[Indices] = []
        for i in range(len(self.item_request)):
            r = self.item_request[i]
            passes = eligible[r] if facts.request_whole[r] else eligible[r] & facts.available[self.item_first[i]]
            able = np.nonzero(passes & ~self._clashes_with_itself(facts, i))[0]
            people.append(able)
            items.append(np.full(len(able), i, dtype=np.int64))
        person = np.concatenate(people) if people else np.zeros(0, dtype=np.int64)
        item = np.concatenate(items) if items else np.zeros(0, dtype=np.int64)
        order = np.lexsort((item, person))
        self.person, self.item = person[order], item[order]
        self.first = np.searchsorted(self.person, np.arange(facts.people + 1))
        self.value = self._values(facts)

    def _clashes_with_itself(self, facts: Facts, i: int) -> NDArray[np.bool_]:
        """Who cannot take the item because its own windows overlap, or break rest or span in their time zone."""
        windows = self.windows_of(i)
        starts, ends = facts.window_start[windows], facts.window_end[windows]
        order = np.argsort(starts, kind="stable")
        if bool((starts[order][1:] < ends[order][:-1]).any()):
            return np.ones(facts.people, dtype=bool)
        if not self.day_rules.active:
            return np.zeros(facts.people, dtype=bool)
        everybody = np.arange(facts.people)
        rules = self.day_rules
        return rules.rests_too_little(everybody, windows) | rules.spans_too_long(everybody, windows)

    def _values(self, facts: Facts) -> Points:
        weights = facts.problem.weights
        request = self.item_request[self.item]
        knows = facts.knows[self.person, facts.request_facility[request]]
        worth = facts.request_value[request] - facts.pay[self.person] + weights.continuity * knows
        value = self.item_slots[self.item] * worth
        value -= weights.pair * (self.shared_request[self.item] < 0)
        if weights.change and facts.problem.previous:
            kept = np.zeros((facts.people, len(facts.windows) + 1), dtype=np.int64)
            for assignment in facts.problem.previous:
                c, w = facts.coordinator_index[assignment.coordinator], facts.window_index[assignment.window]
                kept[c, w + 1] = 1
            np.cumsum(kept, axis=1, out=kept)
            first, last = self.item_first[self.item], self.item_last[self.item]
            value += weights.change * (kept[self.person, last] - kept[self.person, first])
        return np.asarray(value, dtype=np.int64)

    def _take_people(self, facts: Facts) -> None:
        self.people = facts.people
        self.cap_minutes, self.max_facilities = facts.cap_minutes, facts.max_facilities
        self.period_cap, self.period_minutes = facts.period_cap, self._minutes_by_period(facts)
        self._period_start, self._period_end = facts.period_start, facts.period_end
        self.target_slots, self.low_slots = facts.target_slots, facts.low_slots
        self.knows = facts.knows

    def _minutes_by_period(self, facts: Facts) -> Points:
        minutes = np.zeros((len(self.item), 1 + facts.periods), dtype=np.int64)
        minutes[:, 0] = self.item_minutes[self.item]
        if not facts.periods or not len(self.item):
            return minutes
        limits = np.concatenate([facts.period_start, facts.period_end], axis=1)
        kinds, kind_of = np.unique(limits, axis=0, return_inverse=True)
        kind_of = kind_of.reshape(-1)[self.person]
        for kind, (starts, ends) in enumerate(zip(kinds[:, : facts.periods], kinds[:, facts.periods :], strict=True)):
            mine = np.nonzero(kind_of == kind)[0]
            inside = (self.window_start[:, None] >= starts) & (self.window_start[:, None] < ends)
            by_item = np.add.reduceat(inside * facts.window_minutes[:, None], self.item_first, axis=0)
            minutes[mine, 1:] = by_item[self.item[mine]]
        return minutes

    def minutes_in_periods(self, people: Indices, i: int) -> Points:
        """(person, period): the minutes of an item that fall in each of the people's periods, whether or not they have
        the option. Column 0 is the whole item."""
        minutes = np.zeros((len(people), self.period_cap.shape[1]), dtype=np.int64)
        minutes[:, 0] = self.item_minutes[i]
        starts, ends = self._period_start[people], self._period_end[people]
        for w in range(self.item_first[i], self.item_last[i]):
            start = self.window_start[w]
            minutes[:, 1:] += ((start >= starts) & (start < ends)) * (self.window_end[w] - start)
        return minutes

    @property
    def best_value(self) -> Points:
        """By item: what it is worth with whoever it is worth most with; 0 where nobody can take it."""
        best = np.zeros(len(self.item_request), dtype=np.int64)
        np.maximum.at(best, self.item, self.value)
        return best

    def of_person(self, c: int) -> Indices:
        """The options of a person."""
        return np.arange(self.first[c], self.first[c + 1])

    def windows_of(self, i: int) -> Indices:
        """The windows of an item."""
        return np.arange(self.item_first[i], self.item_last[i])

    def find(self, c: int, i: int) -> int | None:
        """The option of a person and an item; None when the person may not take it."""
        low, high = int(self.first[c]), int(self.first[c + 1])
        place = low + int(np.searchsorted(self.item[low:high], i))
        return place if place < high and self.item[place] == i else None

    def _options_of(self, facts: Facts, assignments: Iterable[Assignment]) -> list[int]:
        """The options that hold the assignments. Those that no option allows are left out."""
        found: set[int] = set()
        for assignment in assignments:
            w = facts.window_index[assignment.window]
            option = self.find(facts.coordinator_index[assignment.coordinator], int(self.window_item[w]))
            if option is not None:
                found.add(option)
        return sorted(found)

    def assignments(self, facts: Facts, chosen: Iterable[int]) -> tuple[Assignment, ...]:
        """The plan's assignments by id, in order."""
        found = []
        for option in chosen:
            name, i = facts.coordinators[self.person[option]].id, self.item[option]
            found += [Assignment(name, facts.windows[w].id) for w in self.windows_of(i)]
        return tuple(sorted(found))
