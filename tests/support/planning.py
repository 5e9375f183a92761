"""Small planning problems made from a seed, and the best plan for them by trying everything."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise
from random import Random

from matching.problem import (
    Assignment,
    Coordinator,
    ForbiddenPair,
    Interval,
    Limit,
    Problem,
    Request,
    Weights,
    Window,
)
from matching.verify import objective_of, rule_violations

START = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday; the American clocks change on the Sunday after."""

ZONES = ("America/New_York", "America/Chicago", "America/Los_Angeles", "America/Phoenix", "Asia/Manila")
FACILITIES = ("F0", "F1", "F2")


def at(hours: float) -> datetime:
    """So many hours after the start of the horizon."""
    return START + timedelta(hours=hours)


def coordinator(name: str = "C0", **values: object) -> Coordinator:
    """Somebody who can do anything that `request` asks for unless told otherwise."""
    base = Coordinator(
        id=name,
        services={"prior-auth": 3},
        available=(Interval(at(0), at(24 * 8)),),
        cap_minutes=2400,
        target_minutes=0,
        max_facilities=3,
        pay_per_hour=30,
        languages=frozenset({"en"}),
        systems=frozenset({"epic"}),
        credentials={"hipaa": at(24 * 30)},
    )
    return replace(base, **values)  # type: ignore[arg-type]


def request(name: str = "R0", windows: tuple[tuple[float, float], ...] = ((9, 12),), **values: object) -> Request:
    """Prior authorisation, level 2, in English, in Epic, with HIPAA training, at F0; windows in hours."""
    base = Request(
        id=name,
        facility="F0",
        service="prior-auth",
        level=2,
        language="en",
        system="epic",
        priority=3,
        bill_per_hour=50,
        windows=tuple(Window(f"{name}.{k}", at(start), at(end)) for k, (start, end) in enumerate(windows)),
        credentials=frozenset({"hipaa"}),
    )
    return replace(base, **values)  # type: ignore[arg-type]


def problem(coordinators: list[Coordinator], requests: list[Request], **values: object) -> Problem:
    """A week of these people and requests."""
    base = Problem(
        horizon=Interval(at(0), at(24 * 7 + 12)), coordinators=tuple(coordinators), requests=tuple(requests), weights=Weights()
    )
    return replace(base, **values)  # type: ignore[arg-type]


def week(seed: int, people: int = 3, requests: int = 4) -> Problem:
    """A small week in which every rule has something to say, the same for the same seed."""
    rng = Random(seed)
    persons = [_person(rng, f"C{k}") for k in range(people)]
    asked = [_request(rng, f"R{k}") for k in range(requests)]
    windows = [window.id for entry in asked for window in entry.windows]
    made = problem(
        persons,
        asked,
        rest_minutes=rng.choice([None, None, 480, 600]),
        max_span_minutes=rng.choice([None, None, 480, 600]),
        weights=replace(Weights(), change=rng.choice([0, 0, 70])),
    )
    if rng.random() < 0.4 and persons and windows:
        made = replace(made, previous=tuple({Assignment(rng.choice(persons).id, rng.choice(windows)) for _ in range(3)}))
    if rng.random() < 0.3 and persons and asked:
        made = replace(made, forbidden=(ForbiddenPair(rng.choice(persons).id, rng.choice(asked).id),))
    if rng.random() < 0.4:
        made = replace(made, coordinators=tuple(_limited(rng, person) for person in made.coordinators))
    return made


def _limited(rng: Random, person: Coordinator) -> Coordinator:
    """The person with a cap on some of the first days, each of them or two together."""
    ends = rng.choice([[], [24], [24, 48], [10, 30, 60], [48]])
    limits = [
        Limit(Interval(at(start), at(end)), rng.choice([60, 180, 300]))
        for start, end in pairwise([0, *ends])
        if rng.random() < 0.8
    ]
    return replace(person, limits=tuple(limits))


def _person(rng: Random, name: str) -> Coordinator:
    days = [(day * 24 + rng.choice([5, 6, 8]), rng.choice([6, 10, 13])) for day in range(3) if rng.random() < 0.95]
    return coordinator(
        name,
        services={service: rng.choice([1, 2, 2, 3, 3, 4]) for service in ("prior-auth", "intake") if rng.random() < 0.93},
        available=tuple(Interval(at(start), at(start + length)) for start, length in days),
        cap_minutes=rng.choice([240, 480, 900]),
        target_minutes=rng.choice([0, 200, 400, 613]),
        max_facilities=rng.choice([1, 2, 2]),
        pay_per_hour=rng.randint(18, 45),
        time_zone=rng.choice(ZONES),
        languages=frozenset({"en"}) | ({"es"} if rng.random() < 0.4 else set()),
        systems=frozenset({"epic", "athena"} if rng.random() < 0.85 else {"epic"}),
        credentials={"hipaa": at(24 * rng.choice([1, 30, 30, 30, 30, 30, 30]))},
        known_facilities=frozenset(name for name in FACILITIES if rng.random() < 0.4),
        excluded_facilities=frozenset(name for name in FACILITIES if rng.random() < 0.08),
        work_country=rng.choice(["US", "US", "US", "PH", None]),
        licence_states=frozenset(state for state in ("TX", "OH") if rng.random() < 0.8),
        screened_until=rng.choice([None, None, None, at(30), at(24 * 30)]),
        oriented_facilities=frozenset(name for name in FACILITIES if rng.random() < 0.8),
    )


def _request(rng: Random, name: str) -> Request:
    day, start = rng.randrange(2), rng.choice([6, 8, 9, 10, 13])
    length = rng.choice([1, 1.5, 2, 3])
    windows = [(d * 24 + start, d * 24 + start + length) for d in range(day, day + rng.choice([1, 1, 2]))]
    if rng.random() < 0.25:
        windows.append((windows[-1][1], windows[-1][1] + 1))
    return request(
        name,
        tuple(windows),
        facility=rng.choice(FACILITIES),
        service=rng.choice(["prior-auth", "prior-auth", "intake"]),
        level=rng.choice([1, 2]),
        language=rng.choice(["en", "en", "en", "en", "en", "es"]),
        system=rng.choice(["epic", "athena"]),
        credentials=frozenset({"hipaa"} if rng.random() < 0.7 else set()),
        priority=rng.randint(1, 5),
        bill_per_hour=rng.randint(20, 70),
        headcount=rng.choice([1, 1, 1, 2]),
        max_coordinators=rng.choice([1, 1, 2]),
        offshore_allowed=rng.random() < 0.85,
        licence_state=rng.choice([None, None, None, None, "TX"]),
        orientation_required=rng.random() < 0.15,
    )


def units(made: Problem) -> list[tuple[Assignment, ...]]:
    """Everything that one person can take in one go and may take alone: whole requests, and windows of split ones."""
    found = []
    for person in made.coordinators:
        for entry in made.requests:
            pieces = [entry.windows] if entry.is_whole else [(window,) for window in entry.windows]
            for piece in pieces:
                unit = tuple(Assignment(person.id, window.id) for window in piece)
                if not [v for v in rule_violations(made, unit) if v.rule != "pin"]:
                    found.append(unit)
    return found


def plans_by_trying(made: Problem, most_units: int = 12) -> list[tuple[Assignment, ...]] | None:
    """Every plan that keeps the rules, by trying every set of units; None when there are too many."""
    pieces = units(made)
    if len(pieces) > most_units:
        return None
    tried = (
        tuple(assignment for unit in chosen for assignment in unit)
        for size in range(len(pieces) + 1)
        for chosen in combinations(pieces, size)
    )
    return [plan for plan in tried if next(iter(rule_violations(made, plan)), None) is None]


def best_by_trying(made: Problem, most_units: int = 12) -> int | None:
    """The worth of the best plan, by trying every set of units; None when there are too many, or no plan at all."""
    plans = plans_by_trying(made, most_units)
    return max((objective_of(made, plan) for plan in plans), default=None) if plans is not None else None
