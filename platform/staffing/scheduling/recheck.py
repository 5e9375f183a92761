"""Looking at a plan's choices again just before they are made: what changed since they were worked out, in words."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, tuple_

from matching.problem import Assignment as Pair
from matching.problem import Interval, Problem
from matching.verify import Violation, rule_violations
from staffing.facilities.models import Facility
from staffing.identity.models import Account
from staffing.persistence.transactions import Transaction
from staffing.requests.lifecycle import span_words
from staffing.requests.models import CoverageWindow, RequestState, StaffingRequest
from staffing.roster.models import Coordinator
from staffing.scheduling.facts import interval_of
from staffing.scheduling.limits import overruns
from staffing.scheduling.loading import load_facts
from staffing.scheduling.models import Assignment, AssignmentState, Plan
from staffing.scheduling.problem import STILL_WORTH_IT, state_problem, window_of


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
        return _when(self.during, self.facility_zone)

    @property
    def where(self) -> str:
        return f"{self.facility} ({self.reference})"


async def what_broke(tx: Transaction, choices: Sequence[Choice], now: datetime) -> tuple[str, ...]:
    """A sentence for everything that keeps the choices from being made now; empty when all can."""
    if broken := await in_the_way(tx, choices):
        return broken
    if broken := await _windows_gone(tx, choices, now):
        return broken
    return await _rules_broken(tx, choices, now)


async def in_the_way(tx: Transaction, choices: Sequence[Choice]) -> tuple[str, ...]:
    """Who is assigned elsewhere at the same time, and which windows others have taken."""
    return (*await _busy_elsewhere(tx, choices), *await _already_covered(tx, choices))


async def _busy_elsewhere(tx: Transaction, choices: Sequence[Choice]) -> list[str]:
    window, wanted = CoverageWindow, [(choice.coordinator_id, choice.window_id) for choice in choices]
    rows = await tx.execute(
        select(Coordinator.name, Facility.name, Facility.time_zone, Assignment.during, Plan.number, Account.name)
        .join(window, window.during.op("&&")(Assignment.during))
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
    return [
        f"{name} already covers {facility} on {_when(interval_of(during), zone)} ({_by(number, account)})."
        for name, facility, zone, during, number, account in rows
    ]


def _when(during: Interval, zone: str) -> str:
    return span_words(during.start, during.end, ZoneInfo(zone))


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
    return [
        f"{', '.join(names)} {'covers' if len(names) == 1 else 'cover'} {per_window[window_id][0].where} on"
        f" {per_window[window_id][0].when} by now: there is no place left for"
        f" {' and '.join(choice.coordinator for choice in per_window[window_id])}."
        for window_id, headcount, names, count in rows
        if count + len(per_window[window_id]) > headcount
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


async def _rules_broken(tx: Transaction, choices: Sequence[Choice], now: datetime) -> tuple[str, ...]:
    stated = state_problem(await load_facts(tx, now))
    if stated is None:
        return ("None of these windows is open any more.",)
    placed = place(stated.problem, choices)
    by_pair = {(pair.coordinator, pair.window): choice for pair, choice in placed.items()}
    by_person = {str(choice.coordinator_id): choice for choice in choices}
    sentences: dict[str, None] = {}
    for violation in rule_violations(stated.problem, placed):
        choice = by_pair.get((violation.coordinator or "", violation.window or "")) or by_person.get(violation.coordinator or "")
        sentences[_sentence(violation, choice)] = None
    for pair in overruns(stated.problem, stated.week_minutes, placed):
        sentences[f"{by_person[pair.coordinator].coordinator} would be beyond their cap for the week."] = None
    missing = [choice for choice in choices if choice not in placed.values()]
    sentences.update({f"{choice.where} needs nobody on {choice.when} any more.": None for choice in missing})
    return tuple(sentences)


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
    "facilities": lambda one: f"{one.coordinator} would serve more facilities than they may.",
    "forbidden": lambda one: f"{one.coordinator} has no hours or facilities left for {one.where}, with what is assigned by now.",
    "headcount": lambda one: f"{one.where} needs fewer people on {one.when} by now.",
    "sharing": lambda one: f"More people would share {one.where} than the facility wants.",
    "whole": lambda one: f"{one.coordinator} would cover only a part of {one.where}, which wants one person throughout.",
}


def _sentence(violation: Violation, choice: Choice | None) -> str:
    words = _RULES.get(violation.rule)
    return words(choice) if words and choice else "One choice breaks a rule of planning by now."
