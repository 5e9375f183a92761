"""From the solver's plan to what a dispatcher reads: who covers what and why, what stays uncovered and why. Pure.

A gap's `sentence` and an assignment's `sentences` may be read by the facility: no names of people, no money in them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

from matching.problem import Assignment, Problem
from matching.solution import FunnelStep, Reason, Solution, Uncovered
from matching.verify import objective_of
from staffing.scheduling.facts import CoordinatorFact, Facts, Held, RequestFact, WindowFact
from staffing.scheduling.fixes import Speaker, fix_sentence
from staffing.scheduling.problem import window_of
from staffing.scheduling.rule_words import able, are_able, is_stopped


@dataclass(frozen=True, slots=True)
class ChoiceValue:
    """A proposed (window, coordinator) and its reason."""

    window_id: UUID
    facility_id: UUID
    coordinator_id: UUID
    why: dict[str, Any]


@dataclass(frozen=True, slots=True)
class GapValue:
    """A window that would lack `missing` people, and its reason."""

    window_id: UUID
    facility_id: UUID
    missing: int
    why: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a plan proposes, ready to be written down. `summary` holds its totals and figures."""

    choices: tuple[ChoiceValue, ...]
    gaps: tuple[GapValue, ...]
    releases: tuple[UUID, ...]
    """The assignments that it would end."""
    summary: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Book:
    """The facts by the ids of the problem."""

    request_of: Mapping[UUID, RequestFact]
    window: Mapping[UUID, WindowFact]
    person: Mapping[str, CoordinatorFact]
    speaker: Speaker


def propose(
    facts: Facts, problem: Problem, plan: Solution, reasons: Iterable[Reason], running: Mapping[Assignment, Held] | None = None
) -> Proposal:
    """Put a verified and explained plan in our own terms. Of a plan near the `running` one only what it changes."""
    book = _Book(
        request_of={window.id: request for request in facts.requests for window in request.windows},
        window={window.id: window for request in facts.requests for window in request.windows},
        person={str(person.id): person for person in facts.coordinators},
        speaker=Speaker.of(facts, problem),
    )
    held = {(str(one.coordinator_id), one.window_id): one for one in (running or {}).values()}
    planned = {(one.coordinator, window_of(one.window)) for one in plan.assignments}
    releases = tuple(one for key, one in held.items() if key not in planned)
    new = (reason for reason in reasons if (reason.coordinator, window_of(reason.window)) not in held)
    choices = tuple(_choice(reason, book) for reason in new)
    gaps = _gaps(plan.uncovered, book)
    return Proposal(
        choices, gaps, tuple(one.assignment_id for one in releases), _summary(problem, plan, choices, gaps, releases, book)
    )


def _choice(reason: Reason, book: _Book) -> ChoiceValue:
    window_id = window_of(reason.window)
    request, person = book.request_of[window_id], book.person[reason.coordinator]
    next_best = book.person[reason.next_best].name if reason.next_best else ""
    why = {
        "sentences": _why_sentences(reason, request),
        "knows_facility": reason.knows_facility,
        "others": reason.others,
        "next_best": next_best,
        "advantage": reason.advantage,
        "margin_per_hour": str(_margin_per_hour(request, person)),
    }
    return ChoiceValue(window_id, request.facility_id, person.id, why)


def _why_sentences(reason: Reason, request: RequestFact) -> list[str]:
    knows = f"Knows {request.facility}" if reason.knows_facility else f"New to {request.facility}"
    match reason.others:
        case 0:
            others = "nobody else could take it as the plan stands"
        case 1:
            others = "one other person could"
        case number:
            others = f"{number} other people could"
    return [f"{knows}; {others}."]


def _gaps(uncovered: Iterable[Uncovered], book: _Book) -> tuple[GapValue, ...]:
    """One gap per window: layers of the same window lack their people together."""
    found: dict[UUID, GapValue] = {}
    for gap in uncovered:
        window_id = window_of(gap.window)
        missing = gap.missing + (found[window_id].missing if window_id in found else 0)
        # The last layer is the hardest to fill: its reason is the one that counts.
        found[window_id] = GapValue(window_id, book.request_of[window_id].facility_id, missing, _why_not(gap, book))
    return tuple(found.values())


def _why_not(gap: Uncovered, book: _Book) -> dict[str, Any]:
    return {
        "sentence": funnel_sentence(gap.funnel),
        "funnel": [{"rule": step.rule, "sentence": are_able(step.rule), "remaining": step.remaining} for step in gap.funnel],
        "near_misses": [
            {
                "coordinator_id": miss.coordinator,
                "name": book.person[miss.coordinator].name,
                "rule": miss.rule,
                "sentence": is_stopped(miss.rule),
            }
            for miss in gap.near_misses
        ],
        "nearest_fix": _fix(gap, book),
    }


def _fix(gap: Uncovered, book: _Book) -> dict[str, Any] | None:
    fix = gap.nearest_fix
    if fix is None:
        return None
    return {
        "sentence": fix_sentence(fix, book.request_of[window_of(gap.window)], book.speaker),
        "coordinator": book.speaker.person(fix.coordinator),
        "effect": fix.effect,
    }


def funnel_sentence(funnel: Iterable[FunnelStep]) -> str:
    """Why nobody is left, with counts alone: "Of 60 coordinators 9 offer the service; none of them are available …"."""
    steps = list(funnel)
    narrowed = [(after.rule, after.remaining) for before, after in pairwise(steps) if after.remaining < before.remaining]
    if not narrowed:
        return ""
    everybody = steps[0].remaining
    parts = [able(rule, left) for rule, left in narrowed]
    first = "one coordinator" if everybody == 1 else f"{everybody} coordinators"
    return f"Of {first}, {parts[0].replace(' of them ', ' ', 1)}" + "".join(f"; {part}" for part in parts[1:]) + "."


def _margin_per_hour(request: RequestFact, person: CoordinatorFact) -> Decimal:
    return (request.bill_per_hour or Decimal(0)) - (person.pay_per_hour or Decimal(0))


def _summary(
    problem: Problem,
    plan: Solution,
    choices: tuple[ChoiceValue, ...],
    gaps: tuple[GapValue, ...],
    releases: tuple[Held, ...],
    book: _Book,
) -> dict[str, Any]:
    asked = [(window.missing, _minutes(window)) for window in book.window.values()]
    asked_heads, asked_minutes = sum(heads for heads, _length in asked), sum(heads * length for heads, length in asked)
    margin = sum((_margin(choice.coordinator_id, choice.window_id, book) for choice in choices), Decimal(0))
    margin -= sum((_margin(one.coordinator_id, one.window_id, book) for one in releases), Decimal(0))
    nothing = objective_of(problem, ())
    return {
        "status": plan.status.value,
        "objective": plan.objective,
        "bound": plan.bound,
        "gap": gap_over_nothing(plan.objective, plan.bound, nothing),
        "seconds": plan.seconds,
        "asked_heads": asked_heads,
        "asked_minutes": asked_minutes,
        "covered_heads": asked_heads - sum(gap.missing for gap in gaps),
        "covered_minutes": asked_minutes - sum(gap.missing * _minutes(book.window[gap.window_id]) for gap in gaps),
        "people": len({choice.coordinator_id for choice in choices}),
        "released": len(releases),
        "margin_minor": int((margin * 100).quantize(Decimal(1), ROUND_HALF_UP)),
    }


def _margin(coordinator_id: UUID, window_id: UUID, book: _Book) -> Decimal:
    """Bill less pay of a window with this person."""
    per_hour = _margin_per_hour(book.request_of[window_id], book.person[str(coordinator_id)])
    return per_hour * _minutes(book.window[window_id]) / 60


def gap_over_nothing(objective: int, bound: int | None, nothing: int) -> float | None:
    """How much of what any plan could add to doing nothing is proven to be missing at most: 0.0 is proven best.

    Measured from the worth of the empty plan, because the price of idle people is in every plan alike.
    """
    if bound is None:
        return None
    possible = bound - nothing
    return 0.0 if possible <= 0 else round(max(0.0, (bound - objective) / possible), 6)


def _minutes(window: WindowFact) -> int:
    return int((window.during.end - window.during.start).total_seconds()) // 60
