"""The running plan as a planning problem: everything ahead, covered or not, with who covers it. Pure.

Every part is stated so that what runs keeps the rules of the problem: of a request for one person throughout, what each holds is
one request of its own (`<id>@<coordinator>`), which changes hands as a whole; what lacks somebody is stated as in `problem`. A
request that several may share is one request with all of its windows. Whoever breaks a rule as things stand (a credential has
ended, say) is left alone: the planner neither moves nor counts on them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from matching.problem import Assignment as Pair
from matching.problem import Problem, Request
from matching.verify import rule_violations
from staffing.scheduling.facts import Booking, Facts, Held, RequestFact, WindowFact
from staffing.scheduling.problem import open_layers, posed, stated_request


@dataclass(frozen=True, slots=True)
class Running:
    """The problem, and what runs of it: each pair of the problem with its assignment."""

    problem: Problem
    plan: Mapping[Pair, Held]


def state_running(facts: Facts, lost: Sequence[Held] = ()) -> Running | None:
    """The problem of everything ahead. `lost` are called-off assignments that still lack somebody, stated as if their
    holder came, each window by itself to fill; None when nothing is ahead.
    """
    frozen: set[UUID] = set()
    gone = {one.assignment_id for one in lost}
    while True:
        movable = [one for one in facts.held if one.assignment_id not in frozen]
        stated = _state(facts, movable, lost, frozen)
        if stated is None:
            return None
        broken = _left_alone(stated, gone)
        if not broken:
            return stated
        frozen |= broken


def _state(facts: Facts, movable: Sequence[Held], lost: Sequence[Held], frozen: set[UUID]) -> Running | None:
    plan: dict[Pair, Held] = {}
    held_of, lost_of = _by_request(movable), _by_request(lost)
    left_alone = [one for one in facts.held if one.assignment_id in frozen]
    fixed = {one.request_id for one in left_alone}
    requests = tuple(
        part
        for request in facts.requests
        for part in _parts(request, held_of[request.id], lost_of[request.id], request.id in fixed, plan)
    )
    if not requests:
        return None
    facility = {request.id: request.facility_id for request in facts.requests}
    booked = [Booking(one.coordinator_id, facility[one.request_id], one.during) for one in left_alone]
    return Running(posed(facts, requests, [*facts.bookings, *booked]), plan)


def _by_request(held: Iterable[Held]) -> dict[UUID, list[Held]]:
    found: dict[UUID, list[Held]] = defaultdict(list)
    for one in held:
        found[one.request_id].append(one)
    return found


def _parts(
    whole: RequestFact, held: Sequence[Held], lost: Sequence[Held], fixed: bool, plan: dict[Pair, Held]
) -> Iterator[Request]:
    """A request as requests of the problem, without windows at which nothing can change. Adds to `plan` who holds which."""
    concerned = {one.window_id for one in (*held, *lost)}
    request = replace(whole, windows=tuple(window for window in whole.windows if window.missing or window.id in concerned))
    shared = request.max_coordinators > 1
    if shared and not fixed and request.windows and _is_even(request, held):
        yield _as_one(request, held, lost, plan)
        return
    windows = {window.id: window for window in request.windows}
    missing = _less(request, lost)
    if any(window.missing for window in missing.windows):
        yield from open_layers(missing)
    yield from _held_parts(request, windows, held, plan, suffix="@", parts=shared)
    yield from _held_parts(request, windows, lost, plan, suffix="@@", parts=True)


def _held_parts(
    request: RequestFact,
    windows: Mapping[UUID, WindowFact],
    held: Sequence[Held],
    plan: dict[Pair, Held],
    *,
    suffix: str,
    parts: bool,
) -> Iterator[Request]:
    """What each person holds of the request, as one request each; with `parts` several people may take it."""
    by_person: dict[UUID, list[Held]] = defaultdict(list)
    for one in held:
        by_person[one.coordinator_id].append(one)
    for person, holds in sorted(by_person.items()):
        ending = f"{suffix}{person}"
        theirs = sorted(holds, key=lambda one: (one.during.start, one.window_id))
        plan.update({Pair(str(person), f"{one.window_id}{ending}"): one for one in theirs})
        sharers = len(theirs) if parts else 1
        yield stated_request(request, ending, [windows[one.window_id] for one in theirs], headcount=1, sharers=sharers)


def _is_even(request: RequestFact, held: Sequence[Held]) -> bool:
    """Whether every window of it has all of its places in the problem, taken or not."""
    taken = Counter(one.window_id for one in held)
    return all(window.missing + taken[window.id] == request.headcount for window in request.windows)


def _as_one(request: RequestFact, held: Sequence[Held], lost: Sequence[Held], plan: dict[Pair, Held]) -> Request:
    plan.update({Pair(str(one.coordinator_id), str(one.window_id)): one for one in (*held, *lost)})
    present = len({one.coordinator_id for one in (*held, *lost)})
    before = max(0, request.people - len({one.coordinator_id for one in held}))
    room = (request.max_coordinators * request.headcount - before) // request.headcount
    sharers = max(1, room, -(-present // request.headcount))
    if sharers == 1 and len(request.windows) > 1:
        # One person throughout would be a rule that what runs may break.
        sharers = 2
    return stated_request(request, "", request.windows, headcount=request.headcount, sharers=sharers)


def _less(request: RequestFact, lost: Sequence[Held]) -> RequestFact:
    """The request without the places that are looked at as lost."""
    gone = Counter(one.window_id for one in lost)
    windows = tuple(replace(window, missing=max(0, window.missing - gone[window.id])) for window in request.windows)
    return replace(request, windows=windows)


def _left_alone(stated: Running, gone: set[UUID]) -> set[UUID]:
    """The assignments to leave as they are: those of people, and in windows, that break a rule as things stand."""
    found: set[UUID] = set()
    for violation in rule_violations(stated.problem, stated.plan):
        windows = {violation.window} if violation.window else set()
        found |= {
            held.assignment_id
            for pair, held in stated.plan.items()
            if pair.coordinator == violation.coordinator or (violation.coordinator is None and pair.window in windows)
        }
    if not found and next(iter(rule_violations(stated.problem, stated.plan)), None) is not None:
        # A rule about nobody and no window in particular: then nothing of it can be moved safely.
        found = {held.assignment_id for held in stated.plan.values()}
    return found - gone
