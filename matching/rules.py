"""The hard rules, each once: a name, a sentence in plain words, and one vectorised predicate.

A *person rule* looks at a request and answers for every coordinator at once whether they pass, whatever else is
planned. A *plan rule* looks at windows to be added to a plan as it stands. The search filters by the person rules; the
funnel, the near misses and the hints on forms read both lists in this order, so what is explained is what was applied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matching.facts import Facts
    from matching.state import State

Flags = NDArray[np.bool_]
Indices = NDArray[np.int64]

FREE = 0
"""In `State.work_day`: not at work."""


@dataclass(frozen=True, slots=True)
class PersonRule:
    """`passes(facts, request)` answers for all coordinators, by index."""

    name: str
    sentence: str
    passes: Callable[[Facts, int], Flags]


@dataclass(frozen=True, slots=True)
class PlanRule:
    """`passes(state, people, item)` answers for the given coordinators whether they could take the item on top of what
    they have."""

    name: str
    sentence: str
    passes: Callable[[State, Indices, int], Flags]


def _service(facts: Facts, r: int) -> Flags:
    return np.asarray(facts.service_level(facts.requests[r].service) >= 0)


def _level(facts: Facts, r: int) -> Flags:
    return facts.service_level(facts.requests[r].service) >= facts.requests[r].level


def _language(facts: Facts, r: int) -> Flags:
    return facts.holds("languages", facts.requests[r].language)


def _system(facts: Facts, r: int) -> Flags:
    return facts.holds("systems", facts.requests[r].system)


def _credentials(facts: Facts, r: int) -> Flags:
    passes = np.ones(facts.people, dtype=bool)
    for credential in facts.requests[r].credentials:
        passes &= facts.valid_until(credential) >= facts.request_end[r]
    return passes


def _not_excluded(facts: Facts, r: int) -> Flags:
    return ~facts.holds("excluded_facilities", facts.requests[r].facility)


def _work_country(facts: Facts, r: int) -> Flags:
    return facts.at_home if not facts.requests[r].offshore_allowed else np.ones(facts.people, dtype=bool)


def _licence(facts: Facts, r: int) -> Flags:
    state = facts.requests[r].licence_state
    return np.ones(facts.people, dtype=bool) if state is None else facts.holds("licence_states", state)


def _screening(facts: Facts, r: int) -> Flags:
    return np.asarray(facts.screened_until >= facts.request_end[r])


def _orientation(facts: Facts, r: int) -> Flags:
    request = facts.requests[r]
    return (
        facts.holds("oriented_facilities", request.facility)
        if request.orientation_required
        else np.ones(facts.people, dtype=bool)
    )


def _not_forbidden(facts: Facts, r: int) -> Flags:
    passes = np.ones(facts.people, dtype=bool)
    passes[facts.forbidden.get(r, [])] = False
    return passes


def _available(facts: Facts, r: int) -> Flags:
    inside = facts.available[facts.windows_of(r)]
    return np.asarray(inside.all(axis=0) if facts.requests[r].is_whole else inside.any(axis=0))


PERSON_RULES = (
    PersonRule("service", "offers the service asked for", _service),
    PersonRule("level", "has the level asked for in that service", _level),
    PersonRule("language", "speaks the language asked for", _language),
    PersonRule("system", "knows the facility's system", _system),
    PersonRule("credentials", "holds every credential asked for to the end of the last window", _credentials),
    PersonRule("excluded", "is not excluded from the facility", _not_excluded),
    PersonRule("work_country", "works from a country that the facility allows", _work_country),
    PersonRule("licence", "is licensed in the state asked for", _licence),
    PersonRule("screening", "is cleared by exclusion screening to the end of the last window", _screening),
    PersonRule("orientation", "is oriented at the facility", _orientation),
    PersonRule("forbidden", "is not barred from this request", _not_forbidden),
    PersonRule("availability", "is available for the whole time", _available),
)


def _not_there(state: State, people: Indices, i: int) -> Flags:
    return np.asarray(~state.has[people, i])


def _sharing(state: State, people: Indices, i: int) -> Flags:
    r = int(state.options.item_request[i])
    room = state.options.request_sharers[r] - state.sharers[r]
    return np.asarray((state.held[people, r] > 0) | (room > 0))


def _no_overlap(state: State, people: Indices, i: int) -> Flags:
    passes = np.ones(len(people), dtype=bool)
    for cells in state.cells(i):
        passes &= ~state.works_during(people, cells)
    return passes


def _rest(state: State, people: Indices, i: int) -> Flags:
    rules = state.options.day_rules
    passes = np.ones(len(people), dtype=bool)
    if rules.rest is None:
        return passes
    for w in state.options.windows_of(i):
        start, end = int(state.options.window_start[w]), int(state.options.window_end[w])
        near = state.work_day[people, state.cells_between(start - rules.rest, end + rules.rest)]
        passes &= ((near == FREE) | (near == rules.day_of(people, w)[:, None])).all(axis=1)
    return passes & ~rules.rests_too_little(people, state.options.windows_of(i))


def _span(state: State, people: Indices, i: int) -> Flags:
    rules = state.options.day_rules
    passes = np.ones(len(people), dtype=bool)
    if rules.span is None:
        return passes
    for w in state.options.windows_of(i):
        start, end = int(state.options.window_start[w]), int(state.options.window_end[w])
        day = rules.day_of(people, w)[:, None]
        passes &= ~(state.work_day[people, state.cells_between(0, end - rules.span)] == day).any(axis=1)
        passes &= ~(state.work_day[people, state.cells_between(start + rules.span, state.horizon)] == day).any(axis=1)
    return passes & ~rules.spans_too_long(people, state.options.windows_of(i))


def _cap(state: State, people: Indices, i: int) -> Flags:
    options = state.options
    return np.asarray(state.minutes[people] + options.item_minutes[i] <= options.cap_minutes[people])


def _period_caps(state: State, people: Indices, i: int) -> Flags:
    options = state.options
    if options.period_cap.shape[1] == 1:
        return np.ones(len(people), dtype=bool)
    more = state.period_minutes[people] + options.minutes_in_periods(people, i)
    return np.asarray((more <= options.period_cap[people])[:, 1:].all(axis=1))


def _facilities(state: State, people: Indices, i: int) -> Flags:
    options = state.options
    serves = state.serves[people, options.item_facility[i]] > 0
    return np.asarray(serves | (state.facilities[people] < options.max_facilities[people]))


PLAN_RULES = (
    PlanRule("already_there", "is not in this window already", _not_there),
    PlanRule("sharing", "can still be one of the people who may share the request", _sharing),
    PlanRule("overlap", "is not busy elsewhere at the same time", _no_overlap),
    PlanRule("rest", "keeps the rest between two days", _rest),
    PlanRule("span", "keeps within the longest working day", _span),
    PlanRule("cap", "has minutes left under the cap", _cap),
    PlanRule("period_cap", "has minutes left under the cap of every week or period with a cap of its own", _period_caps),
    PlanRule("facilities", "may serve one more facility, or serves this one", _facilities),
)

SENTENCES = {
    "everybody": "is in the plan's team",
    **{rule.name: rule.sentence for rule in PERSON_RULES},
    **{rule.name: rule.sentence for rule in PLAN_RULES},
    "worth": "makes the plan worth more by taking it",
}
"""Every rule name that a funnel can hold, with its sentence: a phrase that completes "A coordinator passes who …"."""


def sentence_of(rule: str) -> str:
    """The sentence of a rule by its name; the name itself when it is not one of ours."""
    return SENTENCES.get(rule, rule)
