"""The week after a call-off: the problem with the person away and begun work fixed, and the plan without the lost
work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from matching.problem import Assignment, Coordinator, ForbiddenPair, Interval, Problem, Request, Window
from matching.relief.values import CallOff
from matching.solution import Solution, Status
from matching.verify import objective_of

CHANGE_PRICE = 400
"""Points that moving one assignment of somebody else costs where `weights.change` names no price: a quarter of an hour
of priority 3. Large enough that nobody is moved for a better fit alone, small enough that urgent work is covered."""

_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class AfterCallOff:
    """`problem` and `plan` after the call-off, as `Relief` has them. `original` names the request that a request of
    `problem` is the rest of."""

    problem: Problem
    plan: Solution
    price: int
    loss: int
    lost: tuple[Assignment, ...]
    underway: tuple[str, ...]
    worth: Mapping[str, int]
    original: Mapping[str, str]


def after_call_off(problem: Problem, plan: Solution, call_off: CallOff, price: int | None = None) -> AfterCallOff:
    """What is left of a plan that keeps every rule when somebody calls off. Doing it again changes nothing.

    Raises ValueError for an unknown coordinator, an instant without a time zone, a span that ends before it starts, and
    a plan with ids that the problem does not have."""
    since, until = _span(problem, call_off)
    price = price if price is not None else problem.weights.change or CHANGE_PRICE
    if price < 0:
        raise ValueError("the price of a change must not be negative")
    lost = _lost(problem, plan, call_off.coordinator, since, until)
    gone = {(entry.coordinator, entry.window) for entry in lost}
    left = tuple(entry for entry in plan.assignments if (entry.coordinator, entry.window) not in gone)
    requests, original, cut = _cut_requests(problem, {entry.window for entry in lost})
    windows = _windows(problem)
    begun = tuple(entry for entry in left if windows[entry.window].start < since)
    underway = tuple(
        sorted(entry.window for entry in begun if entry.coordinator == call_off.coordinator and windows[entry.window].end > since)
    )
    pins = [pin for pin in problem.pins if (pin.coordinator, pin.window) not in gone]
    pins += [*begun, *(entry for entry in left if entry.window in cut)]
    after = replace(
        problem,
        coordinators=_people(problem, left, call_off.coordinator, since, until),
        requests=requests,
        pins=tuple(dict.fromkeys(pins)),
        forbidden=_forbidden(problem, original),
        previous=left,
        weights=replace(problem.weights, change=price),
    )
    running = Solution(assignments=left, objective=objective_of(after, left), bound=None, status=Status.FEASIBLE, seconds=0.0)
    loss, worth = _losses(problem, plan, lost)
    return AfterCallOff(
        problem=after, plan=running, price=price, loss=loss, lost=lost, underway=underway, worth=worth, original=original
    )


def _span(problem: Problem, call_off: CallOff) -> tuple[datetime, datetime]:
    if all(person.id != call_off.coordinator for person in problem.coordinators):
        raise ValueError(f"there is no coordinator {call_off.coordinator!r}")
    for instant in (call_off.from_instant, call_off.until_instant):
        if instant is not None and instant.utcoffset() is None:
            raise ValueError(f"{instant.isoformat()} has no time zone: add Z or an offset such as -05:00")
    since = call_off.from_instant.astimezone(UTC) if call_off.from_instant else _FIRST
    until = call_off.until_instant.astimezone(UTC) if call_off.until_instant else _LAST
    if until <= since:
        raise ValueError("the call-off ends before it starts")
    return since, until


def _windows(problem: Problem) -> dict[str, Window]:
    return {window.id: window for request in problem.requests for window in request.windows}


def _lost(problem: Problem, plan: Solution, who: str, since: datetime, until: datetime) -> tuple[Assignment, ...]:
    """What the person was to do and does not. Of a whole request that a part is lost of, everything not begun is lost."""
    windows = _windows(problem)
    people = {person.id for person in problem.coordinators}
    for entry in plan.assignments:
        if entry.window not in windows or entry.coordinator not in people:
            unknown = f"window {entry.window!r}" if entry.window not in windows else f"coordinator {entry.coordinator!r}"
            raise ValueError(f"the plan names {unknown}, which the problem does not have")
    mine = {entry.window for entry in plan.assignments if entry.coordinator == who}
    lost = {name for name in mine if since <= windows[name].start < until}
    for request in problem.requests:
        if request.is_whole and any(window.id in lost for window in request.windows):
            lost |= {window.id for window in request.windows if window.id in mine and window.start >= since}
    return tuple(Assignment(who, name) for name in sorted(lost, key=lambda name: (windows[name].start, name)))


def _cut_requests(problem: Problem, lost: set[str]) -> tuple[tuple[Request, ...], dict[str, str], set[str]]:
    """The requests, a whole one of which a part is lost as two: what had begun, and the rest, which somebody else takes
    alone. Besides, the original of each rest, and all windows of those cut."""
    made: list[Request] = []
    original: dict[str, str] = {}
    cut: set[str] = set()
    taken = {request.id for request in problem.requests}
    for request in problem.requests:
        rest = tuple(window for window in request.windows if window.id in lost)
        if not request.is_whole or not rest or len(rest) == len(request.windows):
            made.append(request)
            continue
        name = f"{request.id}+rest"
        while name in taken:
            name += "+"
        taken.add(name)
        original[name] = request.id
        cut |= {window.id for window in request.windows}
        begun = tuple(window for window in request.windows if window.id not in lost)
        made += [replace(request, windows=begun), replace(request, id=name, windows=rest)]
    return tuple(made), original, cut


def _forbidden(problem: Problem, original: Mapping[str, str]) -> tuple[ForbiddenPair, ...]:
    rests = {request: name for name, request in original.items()}
    also = [ForbiddenPair(pair.coordinator, rests[pair.request]) for pair in problem.forbidden if pair.request in rests]
    return (*problem.forbidden, *also)


def _people(problem: Problem, left: Iterable[Assignment], away: str, since: datetime, until: datetime) -> tuple[Coordinator, ...]:
    """Everybody with the time that they can still be planned for: not what has passed, but for the work they began then.

    The one away loses nothing by being under a target that they could not reach."""
    windows = _windows(problem)
    kept: dict[str, list[Window]] = {}
    for entry in left:
        kept.setdefault(entry.coordinator, []).append(windows[entry.window])
    past = any(window.start < since for window in windows.values())
    people = []
    for person in problem.coordinators:
        own = kept.get(person.id, [])
        if person.id == away:
            target = min(person.target_minutes, sum(_minutes(window) for window in own))
            people.append(replace(person, target_minutes=target, available=_from(until, person.available, own)))
        elif past:
            people.append(replace(person, available=_from(since, person.available, own)))
        else:
            people.append(person)
    return tuple(people)


def _from(instant: datetime, available: Iterable[Interval], own: Iterable[Window]) -> tuple[Interval, ...]:
    """What is available from the instant on, and the time of the person's own work before it."""
    spans = [Interval(max(span.start, instant), span.end) for span in available if span.end > instant]
    spans += [Interval(window.start, window.end) for window in own if window.start < instant]
    joined: list[Interval] = []
    for span in sorted(spans, key=lambda span: span.start):
        if joined and span.start <= joined[-1].end:
            joined[-1] = Interval(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return tuple(joined)


def _minutes(window: Window) -> int:
    return (window.end - window.start) // timedelta(minutes=1)


def _losses(problem: Problem, plan: Solution, lost: tuple[Assignment, ...]) -> tuple[int, dict[str, int]]:
    """The points that went with all lost work, and with each piece of it (by window). The person's hours below their
    target are not held against the plan."""
    if not lost:
        return 0, {}
    who = lost[0].coordinator
    mine = {entry for entry in plan.assignments if entry.coordinator == who}
    planned = {entry.window for entry in mine}
    requests = tuple(entry for entry in problem.requests if any(window.id in planned for window in entry.windows))
    alone = replace(
        problem,
        requests=requests,
        coordinators=tuple(person for person in problem.coordinators if person.id == who),
        previous=(),
        weights=replace(problem.weights, under_target=0),
    )
    before = objective_of(alone, mine)
    together = {window.id: request.id for request in requests if request.is_whole for window in request.windows}
    pieces: dict[str, set[Assignment]] = {}
    for entry in lost:
        pieces.setdefault(together.get(entry.window, entry.window), set()).add(entry)
    worth = {entry.window: before - objective_of(alone, mine - piece) for piece in pieces.values() for entry in piece}
    return before - objective_of(alone, mine - set(lost)), worth
