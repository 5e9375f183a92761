"""Invented weeks that look like an agency's: people and facilities across the US time zones, recurring patterns of work,
days off, and more wanted than there is time for. The same sizes, seed and version give the same problem.

The first week begins on Monday 2 March 2026, so the clocks change on its Sunday; every local day is converted by itself.
Shares and ranges are those of the published weeks (docs/benchmarks.md compares the two)."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from matching.problem import Coordinator, Interval, Problem, Request, Window

T = TypeVar("T")

MONDAY = date(2026, 3, 2)

ZONES = {
    "America/New_York": 42,
    "America/Chicago": 28,
    "America/Los_Angeles": 17,
    "America/Denver": 6,
    "America/Phoenix": 4,
    "America/Anchorage": 1.5,
    "Pacific/Honolulu": 1.5,
}
SERVICES = {
    "patient_care_coordinator": 23,
    "medical_admin_assistant": 18,
    "prior_authorization": 14,
    "medical_receptionist": 13,
    "medical_billing_assistant": 12,
    "remote_patient_monitoring": 8,
    "medical_scribe": 7,
    "telephone_triage": 5,
}
SYSTEMS = {"epic": 38, "cerner": 22, "meditech": 14, "athena": 11, "ecw": 9, "nextgen": 6}
LANGUAGES = {"es": 30, "ru": 3, "vi": 3, "ar": 3, "zh": 2, "ht": 2}
_CREDENTIALS = {"rn": 37, "chaa": 28}


@dataclass(frozen=True, slots=True)
class _Pattern:
    """What recurs: the days of the week, and stretches of local time from the first start, as (hours after it, hours)."""

    share: float
    days: tuple[int, ...]
    parts: tuple[tuple[int, int], ...]
    starts: tuple[int, ...]
    priorities: tuple[float, ...] = (14, 27, 30, 19, 10)


_DAYTIME = (7, 8, 8, 9, 9, 9, 10, 10, 11, 12, 13, 14)
_WORKDAYS = (0, 1, 2, 3, 4)
_PATTERNS = (
    _Pattern(21, _WORKDAYS, ((0, 3),), _DAYTIME),
    _Pattern(18, _WORKDAYS, ((0, 2),), _DAYTIME),
    _Pattern(15, (0, 2, 4), ((0, 4),), _DAYTIME),
    _Pattern(14, (1, 3), ((0, 3),), _DAYTIME),
    _Pattern(10, (4,), ((0, 4),), (8, 9, 10, 12, 13)),
    _Pattern(9.5, (0,), ((0, 4),), (7, 8, 9, 10)),
    _Pattern(5, _WORKDAYS, ((0, 8),), (7, 8, 9)),
    _Pattern(4, _WORKDAYS, ((0, 4), (4, 4)), (7, 8, 9)),
    _Pattern(1.3, (5, 6), ((0, 6),), (8, 9, 10)),
    _Pattern(1, (0, 1, 2, 3, 4, 5, 6), ((0, 6), (6, 6)), (6, 7)),
    _Pattern(1, (5, 6), ((0, 3), (3, 3)), (9, 10)),
    _Pattern(0.7, (2, 3), ((0, 2),), (16, 17, 18), (5, 15, 30, 30, 20)),
)

# Days of the week, local hours from and to, share.
_AVAILABILITY = (
    (46, _WORKDAYS, (7, 8, 9), 11),
    (18, (0, 1, 2, 3, 4, 5, 6), (6,), 15),
    (10.5, _WORKDAYS, (8,), 5),
    (11, _WORKDAYS, (12,), 10),
    (14.5, (0, 1, 2, 3), (7,), 13),
)


@dataclass(frozen=True, slots=True)
class _Facility:
    """What all requests of a facility share."""

    id: str
    zone: str
    system: str


@dataclass(slots=True)
class _World:
    rng: random.Random
    weeks: int
    facilities: list[_Facility] = field(default_factory=list)

    def one(self, shares: Mapping[T, float]) -> T:
        """One of the keys, by their shares."""
        return self.rng.choices(list(shares), weights=list(shares.values()))[0]

    def some(self, shares: Mapping[T, float], count: int) -> list[T]:
        """So many different keys, by their shares."""
        left, found = dict(shares), list[T]()
        for _ in range(min(count, len(left))):
            key = self.one(left)
            found.append(key)
            del left[key]
        return found

    def step(self, shares: Sequence[float], first: int = 0) -> int:
        """A number from `first` on, by the shares."""
        return self.rng.choices(range(first, first + len(shares)), weights=list(shares))[0]


def generate(coordinators: int, requests: int, *, seed: int, weeks: int = 1) -> Problem:
    """An invented problem with so many coordinators and requests over so many weeks. Raises ValueError where a number is
    out of range."""
    if coordinators < 0 or requests < 0 or not 1 <= weeks <= 52:
        raise ValueError("a problem has no less than 0 coordinators and requests and from 1 to 52 weeks")
    world = _World(random.Random(f"relief-week {coordinators} {requests} {weeks} {seed}"), weeks)  # noqa: S311 - no secret
    for k in range(max(1, round(requests * 0.37))):
        world.facilities.append(_Facility(f"F{k}", world.one(ZONES), world.one(SYSTEMS)))
    people = tuple(_coordinator(world, k) for k in range(coordinators))
    wanted = tuple(_request(world, k) for k in range(requests))
    start = datetime.combine(MONDAY, time(), UTC)
    return Problem(horizon=Interval(start, start + timedelta(days=7 * weeks, hours=12)), coordinators=people, requests=wanted)


def _instant(day: int, hour: int, zone: str) -> datetime:
    """An hour of a local day, as an instant; day 0 is the first Monday."""
    return datetime.combine(MONDAY + timedelta(days=day), time(hour), ZoneInfo(zone)).astimezone(UTC)


def _coordinator(world: _World, number: int) -> Coordinator:
    rng, zone = world.rng, world.one(ZONES)
    cap = world.one({2400: 56, 1920: 23, 1200: 21}) * world.weeks
    languages = {"en"} if rng.random() < 0.99 else set[str]()
    languages.update(world.some(LANGUAGES, world.step((64, 32, 4))))
    near = [facility.id for facility in world.facilities if facility.zone == zone]
    known = rng.sample(near, min(len(near), world.step((23, 37, 22, 18))))
    strange = [
        facility.id for facility in rng.sample(world.facilities, min(len(world.facilities), 2)) if facility.id not in known
    ]
    return Coordinator(
        id=f"C{number}",
        services={service: world.step((5, 19, 34, 26, 16), 1) for service in world.some(SERVICES, world.step((41, 40, 19), 2))},
        languages=frozenset(languages),
        systems=frozenset(world.some(SYSTEMS, world.step((41, 41, 18), 2))),
        credentials=_credentials(world),
        time_zone=zone,
        available=_available(world, zone),
        cap_minutes=cap,
        target_minutes=cap * 85 // 100 // 15 * 15,
        max_facilities=world.step((20, 34, 32, 14), 2) + (world.weeks - 1),
        pay_per_hour=rng.randint(22, 46),
        known_facilities=frozenset(known),
        excluded_facilities=frozenset(strange[: world.step((88, 11, 1))]),
    )


def _credentials(world: _World) -> dict[str, datetime]:
    """Nearly everybody has the privacy training; one in seventy credentials runs out during the first week."""
    names = ["hipaa"] if world.rng.random() < 0.99 else []
    names += [name for name, share in _CREDENTIALS.items() if world.rng.random() < share / 100]
    found = {}
    for name in names:
        day = world.rng.randint(1, 6) if world.rng.random() < 1 / 70 else 75 + 7 * world.weeks
        found[name] = datetime.combine(MONDAY + timedelta(days=day), time(), UTC)
    return found


def _available(world: _World, zone: str) -> tuple[Interval, ...]:
    """A weekly pattern with its hours, less days off: one in forty, by themselves, and now and then a whole week."""
    share = world.step([entry[0] for entry in _AVAILABILITY])
    _, days, starts, length = _AVAILABILITY[share]
    found = []
    for week in range(world.weeks):
        away = world.rng.random() < 0.015
        for day in days:
            start = world.rng.choice(starts)
            if not away and world.rng.random() >= 1 / 40:
                at = 7 * week + day
                found.append(Interval(_instant(at, start, zone), _instant(at, start + length, zone)))
    return tuple(found)


def _request(world: _World, number: int) -> Request:
    rng = world.rng
    facility = world.facilities[int(len(world.facilities) * rng.random() ** 1.3)]
    pattern = world.one({pattern: pattern.share for pattern in _PATTERNS})
    level = world.step((30, 36, 25, 9), 1)
    credentials = {"hipaa"}
    if rng.random() < 0.28:
        credentials.add(world.one({"rn": 72, "chaa": 28}))
    language = "en" if rng.random() < 0.86 else world.one({"es": 80, "ar": 5, "ru": 5, "vi": 5, "ht": 3, "zh": 2})
    return Request(
        id=f"R{number}",
        facility=facility.id,
        time_zone=facility.zone,
        service=world.one(SERVICES),
        level=level,
        language=language,
        system=facility.system,
        credentials=frozenset(credentials),
        priority=world.step(pattern.priorities, 1),
        bill_per_hour=40 + 5 * level + rng.randint(0, 12) + (3 if language != "en" else 0),
        headcount=world.step((93, 6, 1), 1),
        max_coordinators=world.step((55, 24, 21), 1),
        windows=tuple(_windows(world, f"R{number}", pattern, facility.zone)),
    )


def _windows(world: _World, request: str, pattern: _Pattern, zone: str) -> list[Window]:
    """The pattern's stretches on its days. A request over several weeks recurs in one to all of them, from any on."""
    first = world.rng.choice(pattern.starts)
    begins = world.rng.randrange(world.weeks)
    lasts = world.rng.randint(1, world.weeks - begins)
    found: list[Window] = []
    for week in range(begins, begins + lasts):
        for day in pattern.days:
            for after, hours in pattern.parts:
                at, hour = 7 * week + day, first + after
                end = _instant(at, hour + hours, zone)
                found.append(Window(f"{request}.{len(found)}", _instant(at, hour, zone), end))
    return found
