"""The independent check of a plan. It shares no code with the rules, the model or the search, only the values of the
problem: it takes the statement of the problem (docs/planning.md) word by word, slowly and plainly, and counts the
points again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from zoneinfo import ZoneInfo

from matching.problem import Assignment, Coordinator, Interval, Problem, Request, Window
from matching.solution import Solution


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that a plan breaks: its name, the case in words, and the ids concerned where there are any."""

    rule: str
    sentence: str
    coordinator: str | None = None
    window: str | None = None


def verify_plan(problem: Problem, plan: Solution) -> tuple[Violation, ...]:
    """Every violation in the plan, its claimed objective and bound included; empty for a plan that can be trusted."""
    found = list(rule_violations(problem, plan.assignments))
    if any(violation.rule in {"unknown", "duplicate"} for violation in found):
        return tuple(found)
    counted = objective_of(problem, plan.assignments)
    if counted != plan.objective:
        found.append(Violation("objective", f"the plan is worth {counted} points, not {plan.objective} as it says"))
    found += _levels(plan, levels_of(problem, plan.assignments))
    if plan.bound is not None and plan.bound < counted:
        found.append(Violation("bound", f"the bound {plan.bound} is below the {counted} points that the plan is worth"))
    return tuple(found)


def rule_violations(problem: Problem, assignments: Iterable[Assignment]) -> Iterator[Violation]:
    """Every hard rule that the assignments break."""
    assignments = list(assignments)
    book = _Book(problem)
    known = list(book.unknown(assignments))
    yield from known
    if known:
        return
    yield from _twice(assignments)
    for assignment in assignments:
        yield from _qualification(book, assignment)
    by_person: dict[str, list[str]] = defaultdict(list)
    for assignment in assignments:
        by_person[assignment.coordinator].append(assignment.window)
    for name, windows in by_person.items():
        yield from _person(book, book.coordinators[name], windows)
    yield from _cover(book, assignments)
    yield from _decisions(book, set(assignments))


class _Book:
    """The problem by id."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.coordinators = {coordinator.id: coordinator for coordinator in problem.coordinators}
        self.windows: dict[str, Window] = {}
        self.request_of: dict[str, Request] = {}
        for request in problem.requests:
            for window in request.windows:
                self.windows[window.id] = window
                self.request_of[window.id] = request
        self.forbidden = {(pair.coordinator, pair.request) for pair in problem.forbidden}

    def unknown(self, assignments: Iterable[Assignment]) -> Iterator[Violation]:
        for assignment in assignments:
            if assignment.coordinator not in self.coordinators:
                yield Violation("unknown", f"there is no coordinator {assignment.coordinator}", assignment.coordinator)
            if assignment.window not in self.windows:
                yield Violation("unknown", f"there is no window {assignment.window}", window=assignment.window)


def _twice(assignments: Iterable[Assignment]) -> Iterator[Violation]:
    for assignment, count in Counter(assignments).items():
        if count > 1:
            case = f"{assignment.coordinator} is in window {assignment.window} {count} times"
            yield Violation("duplicate", case, assignment.coordinator, assignment.window)


def _qualification(book: _Book, assignment: Assignment) -> Iterator[Violation]:
    person, request = book.coordinators[assignment.coordinator], book.request_of[assignment.window]
    window, who = book.windows[assignment.window], assignment.coordinator
    last = max(other.end for other in request.windows)

    def broken(rule: str, case: str) -> Violation:
        return Violation(rule, f"{who} {case}", who, assignment.window)

    if request.service not in person.services:
        yield broken("service", f"does not offer {request.service}")
    elif person.services[request.service] < request.level:
        yield broken("level", f"has level {person.services[request.service]} in {request.service}, {request.level} is asked for")
    if request.language not in person.languages:
        yield broken("language", f"does not speak {request.language}")
    if request.system not in person.systems:
        yield broken("system", f"does not know {request.system}")
    for credential in sorted(request.credentials):
        if credential not in person.credentials:
            yield broken("credentials", f"does not hold {credential}")
        elif person.credentials[credential] < last:
            yield broken("credentials", f"holds {credential} only until {person.credentials[credential].isoformat()}")
    if request.facility in person.excluded_facilities:
        yield broken("excluded", f"is excluded from {request.facility}")
    if not request.offshore_allowed and person.work_country != book.problem.home_country:
        yield broken(
            "work_country", f"works from {person.work_country or 'an unknown country'}, which {request.facility} forbids"
        )
    if request.licence_state is not None and request.licence_state not in person.licence_states:
        yield broken("licence", f"is not licensed in {request.licence_state}")
    if person.screened_until is not None and person.screened_until < last:
        yield broken("screening", f"is cleared only until {person.screened_until.isoformat()}")
    if request.orientation_required and request.facility not in person.oriented_facilities:
        yield broken("orientation", f"is not oriented at {request.facility}")
    if (who, request.id) in book.forbidden:
        yield broken("forbidden", f"is barred from request {request.id}")
    if not _inside(window, person.available):
        yield broken("availability", f"is not available for all of window {window.id}")


def _inside(window: Window, available: Iterable[Interval]) -> bool:
    """Whether the stretches, laid end to end, contain the whole window."""
    reached = window.start
    for stretch in sorted(available, key=lambda interval: interval.start):
        if stretch.start <= reached < stretch.end:
            reached = stretch.end
    return reached >= window.end


def _person(book: _Book, person: Coordinator, names: list[str]) -> Iterator[Violation]:
    windows = sorted((book.windows[name] for name in names), key=lambda window: (window.start, window.end, window.id))
    yield from _clashes(book.problem, person, windows)
    minutes = sum(_minutes(window) for window in windows)
    if minutes > person.cap_minutes:
        yield Violation("cap", f"{person.id} has {minutes} minutes, the cap is {person.cap_minutes}", person.id)
    for limit in person.limits:
        inside = [window for window in windows if limit.during.start <= window.start < limit.during.end]
        minutes = sum(_minutes(window) for window in inside)
        if minutes > limit.cap_minutes:
            when = f"from {limit.during.start.isoformat()} to {limit.during.end.isoformat()}"
            case = f"{person.id} has {minutes} minutes {when}, the cap is {limit.cap_minutes}"
            yield Violation("period_cap", case, person.id, inside[-1].id)
    facilities = {book.request_of[name].facility for name in names}
    if len(facilities) > person.max_facilities:
        case = f"{person.id} serves {len(facilities)} facilities, at most {person.max_facilities} are allowed"
        yield Violation("facilities", case, person.id)


def _clashes(problem: Problem, person: Coordinator, windows: list[Window]) -> Iterator[Violation]:
    busy: Window | None = None
    for window in windows:
        if busy is not None and window.start < busy.end:
            yield Violation("overlap", f"{person.id} has {busy.id} and {window.id} at the same time", person.id, window.id)
        if busy is None or window.end > busy.end:
            busy = window
    days: dict[date, list[Window]] = defaultdict(list)
    for window in windows:
        days[window.start.astimezone(ZoneInfo(person.time_zone)).date()].append(window)
    if problem.max_span_minutes is not None:
        for day, own in days.items():
            span = max(window.end for window in own) - min(window.start for window in own)
            if span > timedelta(minutes=problem.max_span_minutes):
                case = f"{person.id} works on {day} over {span // timedelta(minutes=1)} minutes from first start to last end"
                yield Violation("span", f"{case}, at most {problem.max_span_minutes} are allowed", person.id, own[-1].id)
    if problem.rest_minutes is not None:
        for before, after in combinations(sorted(days), 2):
            rest = min(window.start for window in days[after]) - max(window.end for window in days[before])
            if rest < timedelta(minutes=problem.rest_minutes):
                case = f"{person.id} has {rest // timedelta(minutes=1)} minutes between the work of {before} and {after}"
                yield Violation("rest", f"{case}, {problem.rest_minutes} are needed", person.id, days[after][0].id)


def _cover(book: _Book, assignments: Iterable[Assignment]) -> Iterator[Violation]:
    heads = Counter(assignment.window for assignment in set(assignments))
    people: dict[str, set[str]] = defaultdict(set)
    taken: dict[tuple[str, str], set[str]] = defaultdict(set)
    for assignment in assignments:
        request = book.request_of[assignment.window]
        people[request.id].add(assignment.coordinator)
        taken[assignment.coordinator, request.id].add(assignment.window)
    for request in book.problem.requests:
        for window in request.windows:
            if heads[window.id] > request.headcount:
                case = f"window {window.id} has {heads[window.id]} people, {request.headcount} are asked for"
                yield Violation("headcount", case, window=window.id)
        allowed = request.headcount * request.max_coordinators
        if len(people[request.id]) > allowed:
            case = f"request {request.id} is shared by {len(people[request.id])} people, at most {allowed} may"
            yield Violation("sharing", case, window=request.windows[0].id)
        if request.max_coordinators == 1:
            for name in sorted(people[request.id]):
                left = [window.id for window in request.windows if window.id not in taken[name, request.id]]
                if left:
                    case = f"{name} must take all windows of request {request.id}, but leaves {', '.join(left)}"
                    yield Violation("whole", case, name, left[0])


def _decisions(book: _Book, assignments: set[Assignment]) -> Iterator[Violation]:
    for pin in book.problem.pins:
        if pin not in assignments:
            yield Violation("pin", f"{pin.coordinator} is pinned to {pin.window} and not there", pin.coordinator, pin.window)


def _minutes(window: Window) -> int:
    return (window.end - window.start) // timedelta(minutes=1)


def _levels(plan: Solution, counted: Mapping[str, int]) -> Iterator[Violation]:
    """Where the levels that a plan claims differ from those counted."""
    if plan.levels and [level.name for level in plan.levels] != list(counted):
        yield Violation("levels", f"the plan's levels are not {', '.join(counted)}")
        return
    for level in plan.levels:
        value = counted[level.name]
        if level.value != value:
            yield Violation("levels", f"the plan reaches {value} points of {level.name}, not {level.value} as it says")
        if level.bound is not None and level.bound < value:
            yield Violation("bound", f"the bound {level.bound} of {level.name} is below the {value} points that the plan reaches")


def objective_of(problem: Problem, assignments: Iterable[Assignment]) -> int:
    """The points that the assignments are worth, as `matching.problem.Weights` states them. All ids must be known."""
    return sum(levels_of(problem, assignments).values())


def levels_of(problem: Problem, assignments: Iterable[Assignment]) -> dict[str, int]:
    """The parts of what the assignments are worth, in the order in which a lexicographic plan is made: cover by
    priority; continuity, with the prices of new facilities, of pairs and of changes to the previous plan; balance; and
    margin."""
    book, weights, slot = _Book(problem), problem.weights, problem.slot_minutes
    chosen = set(assignments)
    cover = continuity = balance = margin = 0
    slots_of: Counter[str] = Counter()
    served: set[tuple[str, str]] = set()
    pairs: set[tuple[str, str]] = set()
    for assignment in chosen:
        person, request = book.coordinators[assignment.coordinator], book.request_of[assignment.window]
        slots = _minutes(book.windows[assignment.window]) // slot
        cover += slots * weights.priority[request.priority]
        margin += slots * (request.bill_per_hour - person.pay_per_hour)
        if request.facility in person.known_facilities:
            continuity += slots * weights.continuity
        slots_of[person.id] += slots
        served.add((person.id, request.facility))
        pairs.add((person.id, request.id))
    for person in problem.coordinators:
        target = person.target_minutes // slot
        balance -= weights.over_target * max(0, slots_of[person.id] - target)
        balance -= weights.under_target * max(0, target * 60 // 100 - slots_of[person.id])
    continuity -= weights.new_facility * sum(facility not in book.coordinators[who].known_facilities for who, facility in served)
    continuity -= weights.pair * len(pairs) + weights.change * sum(kept not in chosen for kept in set(problem.previous))
    return {"cover": cover, "continuity": continuity, "balance": balance, "margin": margin}
