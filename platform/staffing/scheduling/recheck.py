"""Looking at a plan's choices again just before they are made: what changed since they were worked out, in words."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, tuple_

from matching.problem import Assignment as Pair
from matching.problem import Interval, Problem, Request
from matching.verify import Violation, rule_violations
from staffing.facilities.models import Facility
from staffing.identity.models import Account
from staffing.persistence.transactions import Transaction
from staffing.requests.models import CoverageWindow, RequestState, StaffingRequest
from staffing.roster.models import Coordinator
from staffing.scheduling.facts import interval_of
from staffing.scheduling.loading import load_facts
from staffing.scheduling.models import Assignment, AssignmentState, Plan
from staffing.scheduling.problem import STILL_WORTH_IT, state_problem, window_of
from staffing.wall_clock import span_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A proposed (window, coordinator) with the words to speak of it."""

    window_id: UUID
    during: Interval
    coordinator_id: UUID
    coordinator: str
    request_id: UUID
    reference: str
    facility_id: UUID
    facility: str
    facility_zone: str
    why: dict[str, Any]

    @property
    def when(self) -> str:
        return when(self.during, self.facility_zone)

    @property
    def where(self) -> str:
        return f"{self.facility} ({self.reference})"


async def what_broke(tx: Transaction, choices: Sequence[Choice], now: datetime, *, parts: bool = False) -> tuple[str, ...]:
    """A sentence for everything that keeps the choices from being made now; empty when all can.

    With `parts` several people may share what was asked of one person throughout.
    """
    if not choices:
        return ()
    if broken := await in_the_way(tx, choices, now):
        return broken
    if broken := await _windows_gone(tx, choices, now):
        return broken
    return await _rules_broken(tx, choices, now, parts)


async def in_the_way(tx: Transaction, choices: Sequence[Choice], now: datetime) -> tuple[str, ...]:
    """Who is assigned elsewhere at the same time, and which windows others have taken. Each thing is said once."""
    return (*await _busy_elsewhere(tx, choices, now), *await _already_covered(tx, choices))


async def _busy_elsewhere(tx: Transaction, choices: Sequence[Choice], now: datetime) -> list[str]:
    window, wanted = CoverageWindow, [(choice.coordinator_id, choice.window_id) for choice in choices]
    still = func.tstzrange(func.greatest(func.lower(window.during), now), func.greatest(func.upper(window.during), now))
    rows = await tx.execute(
        select(Coordinator.name, Facility.name, Facility.time_zone, Assignment.during, Plan.number, Account.name)
        .join(window, still.op("&&")(Assignment.during))
        .join(Coordinator, Coordinator.id == Assignment.coordinator_id)
        .join(Facility, Facility.id == Assignment.facility_id)
        .outerjoin(Plan, Plan.id == Assignment.plan_id)
        .join(Account, Account.id == Assignment.created_by)
        .where(
            tuple_(Assignment.coordinator_id, window.id).in_(wanted),
            Assignment.state == AssignmentState.CONFIRMED,
        )
        .order_by(Coordinator.name, Assignment.during)
        .distinct()
    )
    found: dict[tuple[str, str, str], list[str]] = {}
    for name, facility, zone, during, number, account in rows:
        found.setdefault((name, facility, _by(number, account)), []).append(when(interval_of(during), zone))
    return [f"{name} already covers {facility} on {_listed(times)} ({by})." for (name, facility, by), times in found.items()]


def when(during: Interval, zone: str) -> str:
    """Tue 24 Nov, 13:00–17:00 EST."""
    return span_words(during.start, during.end, zone)


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{'; '.join(parts[:-1])} and {parts[-1]}"


def _by(number: int | None, account: str) -> str:
    return f"plan {number}, applied by {account}" if number is not None else f"assigned by {account}"


async def _already_covered(tx: Transaction, choices: Sequence[Choice]) -> list[str]:
    per_window: dict[UUID, list[Choice]] = defaultdict(list)
    for choice in choices:
        per_window[choice.window_id].append(choice)
    rows = await tx.execute(
        select(CoverageWindow.id, CoverageWindow.headcount, func.array_agg(Coordinator.name.distinct()), func.count())
        .join(Assignment, Assignment.window_id == CoverageWindow.id)
        .join(Coordinator, Coordinator.id == Assignment.coordinator_id)
        .where(CoverageWindow.id.in_(list(per_window)), Assignment.state == AssignmentState.CONFIRMED)
        .group_by(CoverageWindow.id)
        .order_by(CoverageWindow.during)
    )
    found: dict[tuple[str, str, str], list[str]] = {}
    for window_id, headcount, names, count in rows:
        # Who is in the window already themselves is said by `_busy_elsewhere`.
        wanted = [choice for choice in per_window[window_id] if choice.coordinator not in names]
        if wanted and count + len(wanted) > headcount:
            said = (wanted[0].where, ", ".join(names), " and ".join(choice.coordinator for choice in wanted))
            found.setdefault(said, []).append(wanted[0].when)
    return [
        f"{there} {'cover' if ', ' in there else 'covers'} {where} on {_listed(times)} by now:"
        f" there is no place left for {wanted}."
        for (where, there, wanted), times in found.items()
    ]


async def _windows_gone(tx: Transaction, choices: Sequence[Choice], now: datetime) -> tuple[str, ...]:
    rows = await tx.execute(
        select(CoverageWindow.id, StaffingRequest.state, CoverageWindow.cancelled, func.upper(CoverageWindow.during))
        .join(StaffingRequest, StaffingRequest.id == CoverageWindow.request_id)
        .where(CoverageWindow.id.in_([choice.window_id for choice in choices]))
    )
    state_of = {window_id: (state, cancelled, end) for window_id, state, cancelled, end in rows}
    sentences: dict[str, None] = {}
    for choice in choices:
        state, cancelled, end = state_of[choice.window_id]
        if state != RequestState.OPEN:
            sentences[f"The request of {choice.where} is {state} by now."] = None
        elif cancelled:
            sentences[f"{choice.where} does not need {choice.when} any more."] = None
        elif end < now + STILL_WORTH_IT:
            sentences[f"{choice.when} at {choice.where} is over, or nearly."] = None
    return tuple(sentences)


async def _rules_broken(tx: Transaction, choices: Sequence[Choice], now: datetime, parts: bool) -> tuple[str, ...]:
    problem = state_problem(await load_facts(tx, now))
    if problem is None:
        return ("None of these windows is open any more.",)
    if parts:
        problem = replace(problem, requests=tuple(_shareable(request) for request in problem.requests))
    placed = place(problem, choices)
    by_pair = {(pair.coordinator, pair.window): choice for pair, choice in placed.items()}
    by_person = {str(choice.coordinator_id): choice for choice in choices}
    sentences: dict[str, None] = {}
    for violation in rule_violations(problem, placed):
        choice = by_pair.get((violation.coordinator or "", violation.window or "")) or by_person.get(violation.coordinator or "")
        sentences[_sentence(violation, choice)] = None
    missing = [choice for choice in choices if choice not in placed.values()]
    sentences.update({f"{choice.where} needs nobody on {choice.when} any more.": None for choice in missing})
    return tuple(sentences)


def _shareable(request: Request) -> Request:
    return replace(request, max_coordinators=len(request.windows)) if request.is_whole else request


def place(problem: Problem, choices: Iterable[Choice]) -> dict[Pair, Choice]:
    """The choices as assignments of a problem stated afresh. Who takes most of a request takes its first layer."""
    slots: dict[UUID, list[str]] = defaultdict(list)
    for request in problem.requests:
        for window in request.windows:
            slots[window_of(window.id)] += [window.id] * request.headcount
    by_person: dict[tuple[UUID, UUID], list[Choice]] = defaultdict(list)
    for choice in choices:
        by_person[choice.request_id, choice.coordinator_id].append(choice)
    placed: dict[Pair, Choice] = {}
    for (_request, person), taken in sorted(by_person.items(), key=lambda item: (-len(item[1]), str(item[0]))):
        for choice in taken:
            if slots[choice.window_id]:
                placed[Pair(str(person), slots[choice.window_id].pop(0))] = choice
    return placed


_Words = Callable[[Choice], str]
_RULES: dict[str, _Words] = {
    "unknown": lambda one: f"{one.coordinator} has left the roster.",
    "service": lambda one: f"{one.coordinator} does not offer the service of {one.where} any more.",
    "level": lambda one: f"{one.coordinator} does not have the level that {one.where} asks for any more.",
    "language": lambda one: f"{one.coordinator} does not speak the language that {one.where} asks for.",
    "system": lambda one: f"{one.coordinator} does not know the system of {one.where}.",
    "credentials": lambda one: f"A credential of {one.coordinator} does not last to the end of {one.where} any more.",
    "excluded": lambda one: f"{one.coordinator} must not be sent to {one.facility} any more.",
    "work_country": lambda one: f"{one.facility} does not allow the country that {one.coordinator} works from any more.",
    "licence": lambda one: f"{one.coordinator} has no licence for the state of {one.facility}.",
    "screening": lambda one: f"The exclusion screening of {one.coordinator} is out of date.",
    "availability": lambda one: f"{one.coordinator} is not available on {one.when} for {one.where} any more.",
    "cap": lambda one: f"{one.coordinator} would be beyond their cap.",
    "period_cap": lambda one: f"{one.coordinator} would be beyond their cap for the week.",
    "facilities": lambda one: f"{one.coordinator} would serve more facilities than they may.",
    "forbidden": lambda one: f"{one.coordinator} has no hours or facilities left for {one.where}, with what is assigned by now.",
    "headcount": lambda one: f"{one.where} needs fewer people on {one.when} by now.",
    "sharing": lambda one: f"More people would share {one.where} than the facility wants.",
    "whole": lambda one: f"{one.coordinator} would cover only a part of {one.where}, which wants one person throughout.",
}


def _sentence(violation: Violation, choice: Choice | None) -> str:
    words = _RULES.get(violation.rule)
    return words(choice) if words and choice else "One choice breaks a rule of planning by now."
