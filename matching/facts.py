"""The problem as arrays: what the rules, the search and the explanations read. Indices stand for ids; instants are
minutes since the start of the horizon."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from itertools import chain
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from matching.problem import Coordinator, Problem
from matching.rules import PERSON_RULES, Flags, Indices

Minutes = NDArray[np.int64]

FOREVER = np.inf
NEVER = -np.inf

NO_CAP = 1 << 40
"""Minutes that nobody reaches: the cap of a period that a coordinator does not have."""


class Facts:
    """A problem in arrays. Attributes named `window_…`, `request_…` are indexed by window or request; the rest by
    coordinator.

    The windows of a request are neighbours: those of request r are `first_window[r]` up to `first_window[r + 1]`.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.coordinators = problem.coordinators
        self.requests = problem.requests
        self.people = len(problem.coordinators)
        self.start = problem.horizon.start
        self.windows = tuple(chain.from_iterable(request.windows for request in problem.requests))
        self.coordinator_index = {coordinator.id: c for c, coordinator in enumerate(problem.coordinators)}
        self.window_index = {window.id: w for w, window in enumerate(self.windows)}
        self.request_index = {request.id: r for r, request in enumerate(problem.requests)}
        self._read_windows()
        self._read_requests()
        self._read_people()
        self._read_limits()
        self._holders: dict[str, dict[str, Flags]] = {}
        self._levels: dict[str, Indices] = {}
        self._valid: dict[str, NDArray[np.float64]] = {}
        self.forbidden: dict[int, list[int]] = {}
        for pair in problem.forbidden:
            self.forbidden.setdefault(self.request_index[pair.request], []).append(self.coordinator_index[pair.coordinator])

    def _minute(self, instant: datetime) -> int:
        return (instant - self.start) // timedelta(minutes=1)

    def _read_windows(self) -> None:
        counts = [len(request.windows) for request in self.requests]
        self.first_window = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64)
        self.window_start = np.array([self._minute(window.start) for window in self.windows], dtype=np.int64)
        self.window_end = np.array([self._minute(window.end) for window in self.windows], dtype=np.int64)
        self.window_minutes = self.window_end - self.window_start
        self.window_slots = self.window_minutes // self.problem.slot_minutes

    def _read_requests(self) -> None:
        requests, priority = self.requests, self.problem.weights.priority
        names = sorted({request.facility for request in requests})
        self.facility_names = names
        self.facility_index = {name: f for f, name in enumerate(names)}
        self.request_facility = np.array([self.facility_index[request.facility] for request in requests], dtype=np.int64)
        self.request_end = np.array([self.window_end[self.windows_of(r)].max() for r in range(len(requests))], dtype=np.float64)
        self.request_whole = np.array([request.is_whole for request in requests], dtype=bool)
        self.request_heads = np.array([request.headcount for request in requests], dtype=np.int64)
        self.request_sharers = np.array([request.headcount * request.max_coordinators for request in requests], dtype=np.int64)
        self.request_value = np.array(
            [priority[request.priority] + request.bill_per_hour for request in requests], dtype=np.int64
        )

    def _read_people(self) -> None:
        people, slot = self.coordinators, self.problem.slot_minutes
        self.pay = np.array([person.pay_per_hour for person in people], dtype=np.int64)
        self.cap_minutes = np.array([person.cap_minutes for person in people], dtype=np.int64)
        self.target_slots = np.array([person.target_minutes // slot for person in people], dtype=np.int64)
        self.low_slots = self.target_slots * 6 // 10
        self.max_facilities = np.array([person.max_facilities for person in people], dtype=np.int64)
        self.at_home = np.array([person.work_country == self.problem.home_country for person in people], dtype=bool)
        self.screened_until = np.array(
            [FOREVER if person.screened_until is None else self._point(person.screened_until) for person in people]
        )
        self.knows = np.zeros((self.people, len(self.facility_names)), dtype=bool)
        for c, person in enumerate(people):
            for name in person.known_facilities:
                if name in self.facility_index:
                    self.knows[c, self.facility_index[name]] = True

    def _read_limits(self) -> None:
        """`periods` is how many limits anybody has at most; period k of a coordinator is from `period_start` to
        `period_end` and empty where they have fewer."""
        self.periods = max((len(person.limits) for person in self.coordinators), default=0)
        self.period_start = np.zeros((self.people, self.periods), dtype=np.int64)
        self.period_end = np.zeros((self.people, self.periods), dtype=np.int64)
        self.period_cap = np.full((self.people, 1 + self.periods), NO_CAP, dtype=np.int64)
        self.period_cap[:, 0] = self.cap_minutes
        for c, person in enumerate(self.coordinators):
            for k, limit in enumerate(person.limits):
                self.period_start[c, k], self.period_end[c, k] = self._minute(limit.during.start), self._minute(limit.during.end)
                self.period_cap[c, k + 1] = limit.cap_minutes

    def _point(self, instant: datetime) -> float:
        return (instant - self.start) / timedelta(minutes=1)

    def windows_of(self, r: int) -> Indices:
        """The windows of a request."""
        return np.arange(self.first_window[r], self.first_window[r + 1])

    def holds(self, attribute: str, value: str) -> Flags:
        """Which coordinators have the value in a set such as `languages`."""
        if attribute not in self._holders:
            held: dict[str, Flags] = {}
            for c, person in enumerate(self.coordinators):
                for name in getattr(person, attribute):
                    held.setdefault(name, np.zeros(self.people, dtype=bool))[c] = True
            self._holders[attribute] = held
        found = self._holders[attribute].get(value)
        return np.zeros(self.people, dtype=bool) if found is None else found

    def service_level(self, service: str) -> Indices:
        """Each coordinator's level in a service; −1 without it."""
        if service not in self._levels:
            self._levels[service] = np.array([person.services.get(service, -1) for person in self.coordinators], dtype=np.int64)
        return self._levels[service]

    def valid_until(self, credential: str) -> NDArray[np.float64]:
        """The minute until which each coordinator holds a credential; NEVER without it."""
        if credential not in self._valid:
            until = [person.credentials.get(credential) for person in self.coordinators]
            self._valid[credential] = np.array([NEVER if instant is None else self._point(instant) for instant in until])
        return self._valid[credential]

    @cached_property
    def available(self) -> Flags:
        """(window, coordinator): whether the whole window lies inside the coordinator's availability."""
        moments, before = self._free_before
        starts, ends = np.searchsorted(moments, self.window_start), np.searchsorted(moments, self.window_end)
        return np.asarray(before[ends] - before[starts] == self.window_minutes[:, None])

    def minutes_outside(self, windows: Indices, people: Indices) -> Indices:
        """How many minutes of the windows lie outside the availability of each of the people."""
        moments, before = self._free_before
        starts = np.searchsorted(moments, self.window_start[windows])[:, None]
        ends = np.searchsorted(moments, self.window_end[windows])[:, None]
        free = (before[ends, people] - before[starts, people]).sum(axis=0, dtype=np.int64)
        return np.asarray(self.window_minutes[windows].sum() - free)

    @cached_property
    def _free_before(self) -> tuple[Minutes, NDArray[np.int32]]:
        """The moments at which any window starts or ends, and (moment, coordinator) the minutes of availability before."""
        moments = np.unique(np.concatenate([self.window_start, self.window_end]))
        free = np.zeros((len(moments), self.people), dtype=np.int32)
        for c, person in enumerate(self.coordinators):
            starts, ends = self._joined(person)
            if len(starts):
                after = np.cumsum(ends - starts)
                corners = np.stack([starts, ends], axis=1).reshape(-1)
                free[:, c] = np.interp(moments, corners, np.stack([after - (ends - starts), after], axis=1).reshape(-1))
        return moments, free

    def _joined(self, person: Coordinator) -> tuple[Minutes, Minutes]:
        """The person's availability with touching intervals joined."""
        joined: list[list[int]] = []
        for start, end in sorted((self._minute(span.start), self._minute(span.end)) for span in person.available):
            if joined and start <= joined[-1][1]:
                joined[-1][1] = max(joined[-1][1], end)
            else:
                joined.append([start, end])
        return np.array([start for start, _ in joined], dtype=np.int64), np.array([end for _, end in joined], dtype=np.int64)

    @cached_property
    def violations(self) -> NDArray[np.uint32]:
        """(request, coordinator): a bit mask of the person rules that stop them; bit k stands for `PERSON_RULES[k]`; 0
        is eligible.

        For a split request the availability bit says that no window of it fits; see `available` for the single window.
        """
        masks = np.zeros((len(self.requests), self.people), dtype=np.uint32)
        for r in range(len(self.requests)):
            for bit, rule in enumerate(PERSON_RULES):
                passes = rule.passes(self, r)
                if not passes.all():
                    masks[r] |= np.multiply(~passes, np.uint32(1 << bit), dtype=np.uint32)
        return masks

    @cached_property
    def zone(self) -> Indices:
        """The index of each coordinator's time zone among those in use."""
        names = sorted({person.time_zone for person in self.coordinators})
        return np.array([names.index(person.time_zone) for person in self.coordinators], dtype=np.int64)

    @cached_property
    def window_day(self) -> Indices:
        """(zone, window): the local day on which the window starts, as a day number."""
        names = sorted({person.time_zone for person in self.coordinators})
        rows = [[window.start.astimezone(ZoneInfo(name)).toordinal() for window in self.windows] for name in names]
        return np.array(rows, dtype=np.int64).reshape(len(names), len(self.windows))
