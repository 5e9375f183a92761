"""The nearest fix for an uncovered window: the candidate that takes least effort and, when taken, is checked to fill
it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from matching.explaining.fixes import (
    EFFORT,
    FIRST_CREDENTIAL_EFFORT,
    NEW_PERSON_EFFORT,
    apply_fix,
    changes_for,
    new_person,
    outside,
)
from matching.problem import Assignment, Problem
from matching.solution import Fix
from matching.verify import objective_of, rule_violations

if TYPE_CHECKING:
    from matching.explaining.explain import Explainer

_CLASHES = {"overlap", "rest", "span"}
_MOST_WEIGHED = 40
_MOST_TRIES = 12


def nearest_fix(explainer: Explainer, i: int, masks: NDArray[np.uint32]) -> Fix | None:
    """The fix of least effort for an item; None when not even somebody new could take it (its own windows clash)."""
    from matching.explaining.explain import RULES

    effort = np.array([EFFORT.get(rule, 0) for rule in RULES], dtype=np.int64)
    broken = (masks[:, None] >> np.arange(len(RULES), dtype=np.uint32)) & np.uint32(1)
    cost = broken.astype(np.int64) @ effort
    possible = np.nonzero(broken[:, RULES.index("already_there")] == 0)[0]
    likely = possible[np.lexsort((possible, cost[possible]))][:_MOST_WEIGHED].tolist()
    rules_of = {c: tuple(rule for bit, rule in enumerate(RULES) if broken[c, bit]) for c in likely}
    weighed = {c: float(cost[c]) + _amount(explainer, i, c, rules_of[c]) for c in likely}
    for c in sorted(likely, key=lambda c: (weighed[c], c))[:_MOST_TRIES]:
        if weighed[c] >= NEW_PERSON_EFFORT:
            break
        fix = _with_person(explainer, i, c, rules_of[c])
        if fix is not None:
            return fix
    return _with_somebody_new(explainer, i)


def _amount(explainer: Explainer, i: int, c: int, rules: tuple[str, ...]) -> float:
    """What the size of the changes adds to their effort: every hour counts one, a credential never held far more than a
    renewal."""
    facts, options = explainer.facts, explainer.options
    person, request = facts.coordinators[c], facts.requests[options.item_request[i]]
    more = 0.0
    if "cap" in rules:
        more += float(explainer.state.minutes[c] + options.item_minutes[i] - options.cap_minutes[c]) / 60
    if "availability" in rules:
        spans = [span for w in options.windows_of(i) for span in outside(facts.windows[w], person)]
        more += sum((span.end - span.start).total_seconds() for span in spans) / 3600
    if "credentials" in rules:
        more += FIRST_CREDENTIAL_EFFORT * sum(name not in person.credentials for name in request.credentials)
    return more


def _with_person(explainer: Explainer, i: int, c: int, rules: tuple[str, ...]) -> Fix | None:
    """The fix that lets person c take the item; None when it does not keep all other rules."""
    facts, options, state = explainer.facts, explainer.options, explainer.state
    person = facts.coordinators[c]
    request = facts.requests[options.item_request[i]]
    windows = tuple(facts.windows[w] for w in options.windows_of(i))
    removed = _in_the_way(explainer, i, c) if _CLASHES & set(rules) else []
    worked = int(state.minutes[c]) - sum(int(options.item_minutes[options.item[option]]) for option in removed)
    changes = changes_for(explainer.problem, person, request, windows, rules, worked)
    removes = options.assignments(facts, removed)
    adds = tuple(Assignment(person.id, window.id) for window in windows)
    steps = [change.sentence for change in changes]
    if removes:
        steps.append(f"Take {person.id} off {', '.join(assignment.window for assignment in removes)}")
    steps.append(f"{'Give' if not steps else 'give'} {person.id} {', '.join(window.id for window in windows)}")
    return _checked(explainer, i, Fix(person.id, "; ".join(steps), changes, adds, removes))


def _in_the_way(explainer: Explainer, i: int, c: int) -> list[int]:
    """The person's options that clash with the item by time, rest or span."""
    options, rules = explainer.options, explainer.options.day_rules
    new = options.windows_of(i)
    zone = int(rules.zone[c])
    found = []
    for option in sorted(explainer.state.taken[c]):
        own = options.windows_of(int(options.item[option]))
        starts, ends = options.window_start, options.window_end
        overlap = (starts[own][:, None] < ends[new][None, :]) & (ends[own][:, None] > starts[new][None, :])
        if overlap.any() or rules.clashes(zone, own, new).any():
            found.append(option)
    return found


def _with_somebody_new(explainer: Explainer, i: int) -> Fix | None:
    facts = explainer.facts
    request = facts.requests[explainer.options.item_request[i]]
    name, change = new_person(explainer.problem, request)
    adds = tuple(Assignment(name, facts.windows[w].id) for w in explainer.options.windows_of(i))
    changes = [change]
    r = int(explainer.options.item_request[i])
    if explainer.state.sharers[r] >= explainer.options.request_sharers[r]:
        changes += changes_for(explainer.problem, facts.coordinators[0], request, (), ("sharing",), 0)
    return _checked(explainer, i, Fix(name, change.sentence, tuple(changes), adds))


def _checked(explainer: Explainer, i: int, fix: Fix) -> Fix | None:
    """The fix with its effect, if taking it keeps every rule; None otherwise. Only people and requests it touches need
    a look."""
    options, state, problem = explainer.options, explainer.state, explainer.problem
    touched = {fix.coordinator}
    items = [i, *(int(options.window_item[explainer.facts.window_index[gone.window]]) for gone in fix.removes)]
    for r in {int(options.item_request[item]) for item in items}:
        touched |= {explainer.facts.coordinators[c].id for c in np.nonzero(state.held[:, r])[0]}
    before = _part(problem, touched)
    plan = {assignment for assignment in explainer.plan.assignments if assignment.coordinator in touched}
    after = apply_fix(before, fix)
    taken = (plan - set(fix.removes)) | set(fix.adds)
    if next(iter(rule_violations(after, sorted(taken))), None) is not None:
        return None
    return replace(fix, effect=objective_of(after, taken) - objective_of(before, plan) - _idle(after, before))


def _idle(after: Problem, before: Problem) -> int:
    """What people brought in by the fix would cost by doing nothing: nothing, for they have no target."""
    return objective_of(after, ()) - objective_of(before, ()) if len(after.coordinators) > len(before.coordinators) else 0


def _part(problem: Problem, names: Iterable[str]) -> Problem:
    """The problem with some of its people alone."""
    kept = set(names)
    return replace(
        problem,
        coordinators=tuple(person for person in problem.coordinators if person.id in kept),
        pins=tuple(pin for pin in problem.pins if pin.coordinator in kept),
        forbidden=tuple(pair for pair in problem.forbidden if pair.coordinator in kept),
        previous=tuple(entry for entry in problem.previous if entry.coordinator in kept),
    )
