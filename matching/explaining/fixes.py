"""Fixes for an uncovered window: what would have to change for one rule to be met, by whom, and the problem with the
change made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from matching.formats.week_format import text_of
from matching.problem import Coordinator, Interval, Limit, Problem, Request, Window
from matching.solution import Change, Fix

EFFORT = {
    "screening": 3,
    "orientation": 4,
    "credentials": 5,
    "cap": 6,
    "period_cap": 6,
    "facilities": 6,
    "sharing": 7,
    "availability": 8,
    "forbidden": 10,
    "system": 30,
    "level": 40,
    "overlap": 45,
    "rest": 46,
    "span": 47,
    "licence": 50,
    "service": 60,
    "excluded": 70,
    "work_country": 90,
    "language": 100,
}
"""How hard each rule is to ease, in no unit: paperwork is easy, an hour more is asked for, another assignment is worth
more, and skills take weeks. Only the order matters: the cheapest sum is the nearest fix."""

FIRST_CREDENTIAL_EFFORT = 20
"""What a credential never held adds to the effort of renewing one."""

NEW_PERSON_EFFORT = 150
"""Bringing in somebody new is harder than any single change, and easier than three hard ones."""


def changes_for(
    person: Coordinator,
    request: Request,
    windows: tuple[Window, ...],
    rules: tuple[str, ...],
    worked: Sequence[int],
) -> tuple[Change, ...]:
    """The changes that ease the rules for the person to take the windows. Clashes with other work are not changes of
    the problem: they are met by taking that work back. `worked` minutes are already planned for the person, in the
    whole horizon and then in each of their limits."""
    found = (_qualified(rule, person, request) or _given_room(rule, person, request, windows, worked) for rule in rules)
    return tuple(change for change in found if change is not None)


def _qualified(rule: str, person: Coordinator, request: Request) -> Change | None:
    """The change that makes the person one who may take the request at all."""
    who, facility = person.id, request.facility
    last = max(window.end for window in request.windows)
    until = text_of(last)
    match rule:
        case "service" | "level":
            values = {"coordinator": who, "service": request.service, "level": request.level}
            verb = "Train" if rule == "service" else "Raise"
            return Change(rule, f"{verb} {who} to level {request.level} in {request.service}", values)
        case "language":
            return Change(rule, f"Let {who} work in {request.language}", {"coordinator": who, "language": request.language})
        case "system":
            return Change(rule, f"Train {who} in {request.system}", {"coordinator": who, "system": request.system})
        case "credentials":
            names = [n for n in sorted(request.credentials) if person.credentials.get(n, datetime.min.replace(tzinfo=UTC)) < last]
            renewal = all(name in person.credentials for name in names)
            verb = "Renew" if renewal else "Obtain"
            values = {"coordinator": who, "credentials": dict.fromkeys(names, until)}
            return Change(rule, f"{verb} {', '.join(names)} of {who}, valid to {until} or later", values)
        case "excluded":
            return Change(rule, f"Lift the exclusion of {who} from {facility}", {"coordinator": who, "facility": facility})
        case "work_country":
            return Change(rule, f"Allow work from abroad for request {request.id}", {"request": request.id})
        case "licence":
            values = {"coordinator": who, "state": request.licence_state}
            return Change(rule, f"License {who} in {request.licence_state}", values)
        case "screening":
            return Change(rule, f"Screen {who} again, good to {until} or later", {"coordinator": who, "until": until})
        case "orientation":
            return Change(rule, f"Orient {who} at {facility}", {"coordinator": who, "facility": facility})
        case "forbidden":
            return Change(rule, f"Lift the bar of {who} from request {request.id}", {"coordinator": who, "request": request.id})
        case _:
            return None


def _given_room(
    rule: str, person: Coordinator, request: Request, windows: tuple[Window, ...], worked: Sequence[int]
) -> Change | None:
    """The change that makes room for the windows, in the person's time or among those who share the request."""
    who = person.id
    match rule:
        case "availability":
            added = [span for window in windows for span in outside(window, person)]
            spans = [[text_of(span.start), text_of(span.end)] for span in added]
            words = ", ".join(f"{start} to {end}" for start, end in spans)
            return Change(rule, f"Ask {who} to be available also {words}", {"coordinator": who, "available": spans})
        case "sharing":
            most = request.max_coordinators + 1
            return Change(
                rule,
                f"Let {most * request.headcount} people share request {request.id}",
                {"request": request.id, "max_coordinators": most},
            )
        case "cap":
            cap = worked[0] + _minutes(windows)
            if cap <= person.cap_minutes:
                return None
            return Change(
                rule,
                f"Raise the cap of {who} from {person.cap_minutes} to {cap} minutes",
                {"coordinator": who, "cap_minutes": cap},
            )
        case "period_cap":
            return _higher_limits(person, windows, worked)
        case "facilities":
            most = person.max_facilities + 1
            return Change(rule, f"Let {who} serve {most} facilities", {"coordinator": who, "max_facilities": most})
        case _:
            return None


def _minutes(windows: Iterable[Window]) -> int:
    return sum((window.end - window.start) // timedelta(minutes=1) for window in windows)


def _higher_limits(person: Coordinator, windows: tuple[Window, ...], worked: Sequence[int]) -> Change | None:
    raised: list[dict[str, object]] = []
    words: list[str] = []
    for limit, planned in zip(person.limits, worked[1:], strict=False):
        start, end = limit.during.start, limit.during.end
        needed = planned + _minutes(window for window in windows if start <= window.start < end)
        if needed > limit.cap_minutes:
            raised.append({"start": text_of(start), "end": text_of(end), "cap_minutes": needed})
            words.append(f"from {limit.cap_minutes} to {needed} minutes for {text_of(start)} to {text_of(end)}")
    if not raised:
        return None
    values = {"coordinator": person.id, "limits": raised}
    return Change("period_cap", f"Raise the cap of {person.id} {' and '.join(words)}", values)


def outside(window: Window, person: Coordinator) -> list[Interval]:
    """The parts of the window outside the person's availability."""
    missing: list[Interval] = []
    reached = window.start
    for span in sorted(person.available, key=lambda interval: interval.start):
        if span.end <= reached or span.start >= window.end:
            continue
        if span.start > reached:
            missing.append(Interval(reached, span.start))
        reached = max(reached, span.end)
    if reached < window.end:
        missing.append(Interval(reached, window.end))
    return missing


def new_person(problem: Problem, request: Request) -> tuple[str, Change]:
    """Somebody new who can take the whole request: their id, and the change that brings them in."""
    taken = {person.id for person in problem.coordinators}
    name = next(name for k in range(len(taken) + 1) if (name := f"new-{k + 1}") not in taken)
    last = text_of(max(window.end for window in request.windows))
    minutes = sum((window.end - window.start) // timedelta(minutes=1) for window in request.windows)
    values: dict[str, object] = {
        "id": name,
        "services": {request.service: request.level},
        "languages": [request.language],
        "systems": [request.system],
        "credentials": dict.fromkeys(sorted(request.credentials), last),
        "available": [[text_of(window.start), text_of(window.end)] for window in request.windows],
        "cap_minutes": minutes,
        "time_zone": request.time_zone,
        "work_country": problem.home_country,
        "licence_states": [request.licence_state] if request.licence_state else [],
        "oriented_facilities": [request.facility],
        "pay_per_hour": request.bill_per_hour,
    }
    words = f"Bring in one more person: {request.service} at level {request.level}, {request.language}, {request.system}"
    if request.credentials:
        words += f", {', '.join(sorted(request.credentials))}"
    return name, Change("everybody", words, values)


def apply_fix(problem: Problem, fix: Fix) -> Problem:
    """The problem with the fix's changes made. Its `adds` and `removes` turn the plan it was made for into one that
    fills the window."""
    for change in fix.changes:
        problem = apply_change(problem, change)
    return problem


def apply_change(problem: Problem, change: Change) -> Problem:
    """The problem with one change made. Raises ValueError for a change that is none of ours."""
    values: Mapping[str, Any] = change.values
    if change.rule == "everybody":
        return replace(problem, coordinators=(*problem.coordinators, _person_from(values)))
    if change.rule == "forbidden":
        barred = (values["coordinator"], values["request"])
        return replace(problem, forbidden=tuple(pair for pair in problem.forbidden if (pair.coordinator, pair.request) != barred))
    if change.rule in _REQUEST_EDITS:
        edit = _REQUEST_EDITS[change.rule]
        return replace(
            problem,
            requests=tuple(edit(request, values) if request.id == values["request"] else request for request in problem.requests),
        )
    if change.rule not in _PERSON_EDITS:
        raise ValueError(f"no change eases the rule {change.rule!r}")
    ease = _PERSON_EDITS[change.rule]
    return replace(
        problem,
        coordinators=tuple(
            ease(person, values) if person.id == values["coordinator"] else person for person in problem.coordinators
        ),
    )


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _spans(pairs: list[list[str]]) -> tuple[Interval, ...]:
    return tuple(Interval(_instant(start), _instant(end)) for start, end in pairs)


def _person_from(values: Mapping[str, Any]) -> Coordinator:
    return Coordinator(
        id=values["id"],
        services=dict(values["services"]),
        languages=frozenset(values["languages"]),
        systems=frozenset(values["systems"]),
        credentials={name: _instant(until) for name, until in values["credentials"].items()},
        available=_spans(values["available"]),
        cap_minutes=values["cap_minutes"],
        target_minutes=0,
        max_facilities=1,
        pay_per_hour=values["pay_per_hour"],
        time_zone=values["time_zone"],
        work_country=values["work_country"],
        licence_states=frozenset(values["licence_states"]),
        oriented_facilities=frozenset(values["oriented_facilities"]),
    )


_REQUEST_EDITS: dict[str, Callable[[Request, Mapping[str, Any]], Request]] = {
    "work_country": lambda request, _values: replace(request, offshore_allowed=True),
    "sharing": lambda request, values: replace(request, max_coordinators=values["max_coordinators"]),
}


def _with_skill(person: Coordinator, values: Mapping[str, Any]) -> Coordinator:
    return replace(person, services={**person.services, values["service"]: values["level"]})


def _with_credentials(person: Coordinator, values: Mapping[str, Any]) -> Coordinator:
    renewed = {name: _instant(until) for name, until in values["credentials"].items()}
    return replace(person, credentials={**person.credentials, **renewed})


def _with_limits(person: Coordinator, values: Mapping[str, Any]) -> Coordinator:
    raised = {(_instant(entry["start"]), _instant(entry["end"])): entry["cap_minutes"] for entry in values["limits"]}
    limits = tuple(
        Limit(limit.during, raised.get((limit.during.start, limit.during.end), limit.cap_minutes)) for limit in person.limits
    )
    return replace(person, limits=limits)


_PERSON_EDITS: dict[str, Callable[[Coordinator, Mapping[str, Any]], Coordinator]] = {
    "service": _with_skill,
    "level": _with_skill,
    "language": lambda person, values: replace(person, languages=person.languages | {values["language"]}),
    "system": lambda person, values: replace(person, systems=person.systems | {values["system"]}),
    "credentials": _with_credentials,
    "excluded": lambda person, values: replace(person, excluded_facilities=person.excluded_facilities - {values["facility"]}),
    "licence": lambda person, values: replace(person, licence_states=person.licence_states | {values["state"]}),
    "screening": lambda person, values: replace(person, screened_until=_instant(values["until"])),
    "orientation": lambda person, values: replace(person, oriented_facilities=person.oriented_facilities | {values["facility"]}),
    "availability": lambda person, values: replace(person, available=person.available + _spans(values["available"])),
    "cap": lambda person, values: replace(person, cap_minutes=values["cap_minutes"]),
    "period_cap": _with_limits,
    "facilities": lambda person, values: replace(person, max_facilities=values["max_facilities"]),
}
