"""From the solver's relief to what a dispatcher reads and confirms: who takes what, who gives up what, what it means. Pure.

What is stored is ids, times and figures; sentences are made by the page that shows them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

from matching.problem import Assignment as Pair
from matching.problem import Problem
from staffing.scheduling.facts import CoordinatorFact, Facts, Held, RequestFact, WindowFact
from staffing.scheduling.fixes import Speaker, fix_sentence
from staffing.scheduling.problem import window_of
from staffing.scheduling.proposals import funnel_sentence
from staffing.scheduling.rule_words import are_able, is_stopped

BOTH_WAYS = {"a": "undisturbed", "b": "helpers_move"}
"""The two ways that relieve everything together, by the key under which they are confirmed."""


@dataclass(frozen=True, slots=True)
class _Book:
    """The facts by the ids of the problem."""

    requests: Mapping[UUID, RequestFact]
    windows: Mapping[UUID, WindowFact]
    people: Mapping[str, CoordinatorFact]
    running: Mapping[Pair, Held]
    away: CoordinatorFact
    speaker: Speaker


def tell(document: Mapping[str, Any], facts: Facts, problem: Problem, running: Mapping[Pair, Held], away: UUID) -> dict[str, Any]:
    """The options of a document `relief-options/1` in our own terms, each with the key under which it can be confirmed."""
    people = {str(person.id): person for person in facts.coordinators}
    book = _Book(
        requests={window.id: request for request in facts.requests for window in request.windows},
        windows={window.id: window for request in facts.requests for window in request.windows},
        people=people,
        running=running,
        away=people[str(away)],
        speaker=Speaker.of(facts, problem),
    )
    whole = {key: _option(key, document[name], book) for key, name in BOTH_WAYS.items() if document[name] is not None}
    items = [_item(number, item, book) for number, item in enumerate(document["items"], start=1)]
    return {"loss": document["loss"], "whole": whole, "items": items}


def option_of(found: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    """The option with this key."""
    options: list[dict[str, Any]] = [
        *found["whole"].values(),
        *(option for item in found["items"] for option in item["options"]),
    ]
    return next((option for option in options if option["key"] == key), None)


def _item(number: int, item: Mapping[str, Any], book: _Book) -> dict[str, Any]:
    gaps = [_why_not(gap, book) for gap in item["unrelieved"]]
    return {
        "windows": [_window(name, book) for name in item["windows"]],
        "options": [_option(f"{number}.{rank}", one, book) for rank, one in enumerate(item["options"], start=1)],
        "possible": sum(item["possible"].values()),
        "near_misses": [
            {
                "coordinator_id": miss["coordinator"],
                "name": book.people[miss["coordinator"]].name,
                "sentence": is_stopped(miss["rule"]),
            }
            for miss in item["near_misses"]
        ],
        "why": gaps[0] if gaps else None,
    }


def _near_miss(miss: Mapping[str, Any], book: _Book) -> dict[str, Any]:
    person = miss["coordinator"]
    return {"coordinator_id": person, "name": book.people[person].name, "sentence": is_stopped(miss["rule"])}


def _why_not(gap: Mapping[str, Any], book: _Book) -> dict[str, Any]:
    from matching.formats import plan_from_json
    from matching.solution import Uncovered

    shell = {"format": "relief-plan/1", "assignments": [], "objective": 0, "bound": None, "status": "feasible", "seconds": 0.0}
    (read,) = plan_from_json({**shell, "uncovered": [gap]}).uncovered
    assert isinstance(read, Uncovered)
    request = book.requests[window_of(read.window)]
    fix = read.nearest_fix
    return {
        "sentence": funnel_sentence(read.funnel),
        "funnel": [{"sentence": are_able(step.rule), "remaining": step.remaining} for step in read.funnel],
        "fix": "" if fix is None else fix_sentence(fix, request, book.speaker),
    }


def _option(key: str, option: Mapping[str, Any], book: _Book) -> dict[str, Any]:
    held = {(str(one.coordinator_id), window_of(pair.window)): one for pair, one in book.running.items()}
    adds = [(one["coordinator"], window_of(one["window"])) for one in option["adds"]]
    removes = [(one["coordinator"], window_of(one["window"])) for one in option["removes"]]
    return {
        "key": key,
        "kind": option["kind"],
        "adds": [[person, str(window)] for person, window in adds],
        "releases": [str(held[person, window].assignment_id) for person, window in removes],
        "moves": [_move(move, removes, adds, book) for move in option["moves"]],
        "covers": [_window(name, book) for name in option["covers"]],
        "leaves_open": [_window(name, book) for name in option["leaves_open"]],
        "opens": [_window(name, book) for name in option["opens"]],
        "effect": option["effect"],
        "change_cost": option["change_cost"],
        "proven": option["proven"],
        "margin_minor": _margin(adds, book) - _margin(removes, book),
        "margin_before_minor": _margin(((str(book.away.id), window_of(name)) for name in option["covers"]), book),
    }


def _move(
    move: Mapping[str, Any], removes: Sequence[tuple[str, UUID]], adds: Sequence[tuple[str, UUID]], book: _Book
) -> dict[str, Any]:
    who = move["coordinator"]
    takes = [{**_window(name, book), "from": _others(window_of(name), removes, who, book)} for name in move["takes"]]
    gives_up = [{**_window(name, book), "to": _others(window_of(name), adds, who, book)} for name in move["gives_up"]]
    return {
        "coordinator_id": who,
        "name": book.people[who].name,
        "zone": book.people[who].time_zone,
        "takes": takes,
        "gives_up": gives_up,
        "minutes_before": move["minutes_before"],
        "minutes_after": move["minutes_after"],
        "over_target_minutes": move["over_target_minutes"],
        "knows": _facilities(move["known_facilities"], book),
        "new_to": _facilities(move["new_facilities"], book),
    }


def _others(window: UUID, pairs: Iterable[tuple[str, UUID]], but: str, book: _Book) -> str:
    """Who else of these pairs has the window: whom it is taken from, or given to."""
    return " and ".join(book.people[person].name for person, one in pairs if one == window and person != but)


def _facilities(ids: Iterable[str], book: _Book) -> list[str]:
    names = {str(request.facility_id): request.facility for request in book.requests.values()}
    return [names[one] for one in ids]


def _window(name: str, book: _Book) -> dict[str, Any]:
    window_id = window_of(name)
    request, window = book.requests[window_id], book.windows[window_id]
    return {
        "window_id": str(window_id),
        "start": window.during.start.isoformat(),
        "end": window.during.end.isoformat(),
        "facility": request.facility,
        "colour": request.facility_colour,
        "zone": request.facility_zone,
        "service": request.service,
        "reference": request.reference,
        "request_id": str(request.id),
    }


def _margin(pairs: Iterable[tuple[str, UUID]], book: _Book) -> int:
    """Bill less pay of these windows with these people, in minor units."""
    total = Decimal(0)
    for person, window_id in pairs:
        during = book.windows[window_id].during
        bill = book.requests[window_id].bill_per_hour or Decimal(0)
        pay = book.people[person].pay_per_hour or Decimal(0)
        total += (bill - pay) * Decimal((during.end - during.start).total_seconds()) / 3600
    return int((total * 100).quantize(Decimal(1), ROUND_HALF_UP))
