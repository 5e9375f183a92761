"""The nearest fix for an uncovered window: the candidate that takes least effort and, when taken, is checked to fill
it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from matching.explaining.blocking import ALREADY_THERE, RULES, Masks, rules_in
from matching.explaining.fixes import (
    EFFORT,
    FIRST_CREDENTIAL_EFFORT,
    NEW_PERSON_EFFORT,
    apply_fix,
    changes_for,
    new_person,
)
from matching.facts import NEVER
from matching.problem import Assignment, ForbiddenPair, Problem
from matching.rules import Indices
from matching.solution import Fix
from matching.verify import objective_of, rule_violations

if TYPE_CHECKING:
    from matching.explaining.explain import Explainer

_CLASHES = {"overlap", "rest", "span"}
_MOST_WEIGHED = 40
_MOST_TRIES = 12


_HALF = 11
"""Bits of a mask that one table of efforts looks up."""


def _effort_tables() -> tuple[NDArray[np.int16], ...]:
    """The effort of every set of rules, for the lower bits of a mask and for the others."""
    efforts = [EFFORT.get(rule, 0) for rule in RULES]
    parts = [efforts[low : low + _HALF] for low in range(0, len(RULES), _HALF)]
    sets = range(1 << _HALF)
    return tuple(
        np.array([sum(one for bit, one in enumerate(part) if chosen >> bit & 1) for chosen in sets], dtype=np.int16)
        for part in parts
    )


_TABLES = _effort_tables()


def nearest_fix(explainer: Explainer, i: int, masks: Masks) -> Fix | None:
    """The fix of least effort for an item; None when not even somebody new could take it (its own windows clash)."""
    cost = np.zeros(len(masks), dtype=np.int16)
    for k, table in enumerate(_TABLES):
        cost += table[masks >> np.uint32(_HALF * k) & np.uint32((1 << _HALF) - 1)]
    possible = np.nonzero((cost < NEW_PERSON_EFFORT) & (masks & ALREADY_THERE == 0))[0]
    likely = possible[np.argsort(cost[possible], kind="stable")[:_MOST_WEIGHED]]
    weighed = cost[likely] + _amounts(explainer, i, likely)
    for k in np.lexsort((likely, weighed))[:_MOST_TRIES].tolist():
        if weighed[k] >= NEW_PERSON_EFFORT:
            break
        fix = _with_person(explainer, i, int(likely[k]), rules_in(int(masks[likely[k]])))
        if fix is not None:
            return fix
    return _with_somebody_new(explainer, i)


def _amounts(explainer: Explainer, i: int, people: Indices) -> NDArray[np.float64]:
    """What the size of the changes adds to the effort for each of the people: every hour counts one, a credential never
    held far more than a renewal. Rules that are kept add nothing."""
    facts, options = explainer.facts, explainer.options
    minutes = explainer.state.period_minutes[people] + options.minutes_in_periods(people, i) - options.period_cap[people]
    more = np.maximum(0, minutes).sum(axis=1) / 60
    more += facts.minutes_outside(options.windows_of(i), people) / 60
    for credential in facts.requests[options.item_request[i]].credentials:
        more += FIRST_CREDENTIAL_EFFORT * (facts.valid_until(credential)[people] == NEVER)
    return np.asarray(more)


def _with_person(explainer: Explainer, i: int, c: int, rules: tuple[str, ...]) -> Fix | None:
    """The fix that lets person c take the item; None when it does not keep all other rules."""
    facts, options, state = explainer.facts, explainer.options, explainer.state
    person = facts.coordinators[c]
    request = facts.requests[options.item_request[i]]
    windows = tuple(facts.windows[w] for w in options.windows_of(i))
    removed = _in_the_way(explainer, i, c) if _CLASHES & set(rules) else []
    worked = (state.period_minutes[c] - options.period_minutes[removed].sum(axis=0)).tolist()
    changes = changes_for(person, request, windows, rules, worked)
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
        changes += changes_for(facts.coordinators[0], request, (), ("sharing",), (0,))
    return _checked(explainer, i, Fix(name, change.sentence, tuple(changes), adds))


def _checked(explainer: Explainer, i: int, fix: Fix) -> Fix | None:
    """The fix with its effect, if taking it keeps every rule; None otherwise. Only people and requests it touches need
    a look."""
    before, plan = _part(explainer, i, fix)
    after = apply_fix(before, fix)
    taken = (plan - set(fix.removes)) | set(fix.adds)
    if next(iter(rule_violations(after, sorted(taken))), None) is not None:
        return None
    return replace(fix, effect=objective_of(after, taken) - objective_of(before, plan) - _idle(after, before))


def _idle(after: Problem, before: Problem) -> int:
    """What people brought in by the fix would cost by doing nothing: nothing, for they have no target."""
    return objective_of(after, ()) - objective_of(before, ()) if len(after.coordinators) > len(before.coordinators) else 0


def _part(explainer: Explainer, i: int, fix: Fix) -> tuple[Problem, set[Assignment]]:
    """What of the problem and of the plan the fix can touch: all that its person holds, and everybody who is on the item's
    request with what they hold of that."""
    facts, options, state, decided = explainer.facts, explainer.options, explainer.state, explainer.decided
    wanted = int(options.item_request[i])
    c = facts.coordinator_index.get(fix.coordinator)
    mine = [] if c is None else sorted(state.taken[c])
    sharers = [who for who in np.nonzero(state.held[:, wanted])[0].tolist() if who != c]
    others = [o for who in sharers for o in state.taken[who] if options.item_request[options.item[o]] == wanted]
    requests = sorted({int(options.item_request[options.item[o]]) for o in mine} | {wanted})
    people = [facts.coordinators[p] for p in (sharers if c is None else sorted([*sharers, c]))]
    windows = {window.id for r in requests for window in facts.requests[r].windows}
    asked = {facts.requests[r].id for r in requests}
    part = replace(
        explainer.problem,
        coordinators=tuple(people),
        requests=tuple(facts.requests[r] for r in requests),
        pins=tuple(pin for one in people for pin in decided.pins.get(one.id, ()) if pin.window in windows),
        forbidden=tuple(pair for one in people for pair in decided.forbidden.get(one.id, ()) if pair.request in asked),
        previous=tuple(kept for one in people for kept in decided.previous.get(one.id, ()) if kept.window in windows),
    )
    return part, set(options.assignments(facts, [*mine, *others]))


class Decided:
    """What is decided about a problem's people, by person: pins, bars and the running plan."""

    def __init__(self, problem: Problem) -> None:
        self.pins: dict[str, list[Assignment]] = {}
        self.previous: dict[str, list[Assignment]] = {}
        self.forbidden: dict[str, list[ForbiddenPair]] = {}
        for pin in problem.pins:
            self.pins.setdefault(pin.coordinator, []).append(pin)
        for kept in problem.previous:
            self.previous.setdefault(kept.coordinator, []).append(kept)
        for pair in problem.forbidden:
            self.forbidden.setdefault(pair.coordinator, []).append(pair)
