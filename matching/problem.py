"""The planning problem: who could work, what was asked for, and what a good plan is worth.

Everything here is a frozen value. Instants are aware UTC datetimes on whole minutes; ids are strings; money is whole
units per hour; lengths are minutes. A problem that came through `matching.formats` has been checked; one built in code
can be checked with `matching.formats.check_problem`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Objective(StrEnum):
    """How the parts of a plan's worth stand to each other."""

    WEIGHTED = "weighted"  # one sum, as the weights have it
    LEXICOGRAPHIC = "lexicographic"  # cover first, then continuity, then balance, then margin


@dataclass(frozen=True, slots=True)
class Interval:
    """A half-open stretch of time, `start` included, `end` not."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What a plan is worth, in points. Per *slot* means per `Problem.slot_minutes` (a quarter of an hour by default).

    `priority[p]` is earned for every slot covered of a request of priority p (0 is unused). `continuity` is added for
    every slot by somebody who already knows the facility. `over_target` is lost for every slot above a coordinator's
    target, `under_target` for every slot below 60 % of it. `new_facility` is lost once for each coordinator and
    facility new to them, `pair` once for each coordinator and request. `change` is lost for every assignment of the
    previous plan that the new one does not keep."""

    priority: tuple[int, ...] = (0, 100, 200, 400, 800, 1600)
    continuity: int = 30
    over_target: int = 20
    under_target: int = 10
    new_facility: int = 150
    pair: int = 50
    change: int = 0


@dataclass(frozen=True, slots=True)
class Limit:
    """A cap for part of the horizon, such as one week of several: the windows that start in `during` total at most
    `cap_minutes`."""

    during: Interval
    cap_minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coordinator:
    """A person who can be assigned.

    `services` maps a service to the person's level in it; `credentials` a credential to the instant until which it is
    valid. `available` intervals do not overlap. `cap_minutes` is never exceeded, `target_minutes` is aimed at; both
    count the whole horizon. `limits` cap parts of it, which do not overlap: a plan of several weeks has one for each.
    `max_facilities` limits the different facilities served in this plan. `known_facilities` earn continuity;
    `excluded_facilities` are never served.

    The product's further rules, each neutral when left out: `work_country` (ISO code; None: not known, so never within
    a facility that forbids work from abroad), `licence_states`, `screened_until` (exclusion screening is good until
    then; None: not tracked, no limit), `oriented_facilities`."""

    id: str
    services: Mapping[str, int]
    available: tuple[Interval, ...]
    cap_minutes: int
    target_minutes: int
    max_facilities: int
    pay_per_hour: int
    time_zone: str = "UTC"
    languages: frozenset[str] = frozenset()
    systems: frozenset[str] = frozenset()
    credentials: Mapping[str, datetime] = field(default_factory=dict)
    known_facilities: frozenset[str] = frozenset()
    excluded_facilities: frozenset[str] = frozenset()
    work_country: str | None = None
    licence_states: frozenset[str] = frozenset()
    screened_until: datetime | None = None
    oriented_facilities: frozenset[str] = frozenset()
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """One dated stretch of cover that a request asks for. Its id is unique in the whole problem."""

    id: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a facility asked for: the same kind of cover in one or more windows.

    `priority` is 1 (can wait) to 5 (must not fail). `headcount` people are wanted in every window. With
    `max_coordinators` 1 every head covers all windows alone (a *whole* request); with k at most k × headcount people
    share the windows (a *split* request).

    The product's further rules: `offshore_allowed` (False: only people working from `Problem.home_country`),
    `licence_state` (a licence for that state is needed), `orientation_required` (only people oriented at the facility).
    """

    id: str
    facility: str
    service: str
    level: int
    language: str
    system: str
    priority: int
    bill_per_hour: int
    windows: tuple[Window, ...]
    time_zone: str = "UTC"
    credentials: frozenset[str] = frozenset()
    headcount: int = 1
    max_coordinators: int = 1
    offshore_allowed: bool = True
    licence_state: str | None = None
    orientation_required: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether one person takes all windows of it or none."""
        return self.max_coordinators == 1


@dataclass(frozen=True, slots=True, order=True)
class Assignment:
    """One coordinator in one window, by their ids."""

    coordinator: str
    window: str


@dataclass(frozen=True, slots=True, order=True)
class ForbiddenPair:
    """A coordinator who must not be given any window of a request, by their ids."""

    coordinator: str
    request: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One planning problem over `horizon`, usually a week.

    `pins` must be in the plan (a pin on one window of a whole request holds for all of them); `forbidden` pairs must
    not. `previous` is the running plan: each of its assignments that the new plan drops costs `weights.change`.
    Assignments for the same person on two local days (the person's own zone; a window belongs to the day it starts on)
    keep `rest_minutes` between them; on one local day the last end is at most `max_span_minutes` after the first start.
    None switches either rule off.

    With the lexicographic objective the levels of `matching.levels` come one after the other, and what a level reached
    is kept by those after it: all of it, or `keep_per_mille` of it where a little may be given for them."""

    horizon: Interval
    coordinators: tuple[Coordinator, ...]
    requests: tuple[Request, ...]
    slot_minutes: int = 15
    weights: Weights = Weights()
    pins: tuple[Assignment, ...] = ()
    forbidden: tuple[ForbiddenPair, ...] = ()
    previous: tuple[Assignment, ...] = ()
    rest_minutes: int | None = None
    max_span_minutes: int | None = None
    home_country: str = "US"
    objective: Objective = Objective.WEIGHTED
    keep_per_mille: int = 1000
