"""The nearest fix of an uncovered window as something a dispatcher can do: "Renew the HIPAA training of Joseph Abad …". Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from matching.problem import Coordinator, Interval, Problem
from matching.solution import Change, Fix
from staffing.catalogue import CREDENTIALS, EHR_SYSTEMS, LANGUAGES, service_name
from staffing.scheduling.facts import Facts, RequestFact
from staffing.scheduling.problem import ANY, window_of
from staffing.wall_clock import day_words, local_day, span_words

SOMEBODY_NEW = "somebody new"


@dataclass(frozen=True, slots=True)
class Speaker:
    """Says what the ids and codes of a problem stand for."""

    people: Mapping[str, str]
    requests: Mapping[UUID, RequestFact]
    """By window."""
    coordinators: Mapping[str, Coordinator]

    @classmethod
    def of(cls, facts: Facts, problem: Problem) -> "Speaker":
        return cls(
            people={str(person.id): person.name for person in facts.coordinators},
            requests={window.id: request for request in facts.requests for window in request.windows},
            coordinators={person.id: person for person in problem.coordinators},
        )

    def person(self, coordinator: str) -> str:
        return self.people.get(coordinator, SOMEBODY_NEW)

    def window(self, problem_id: str) -> str:
        window_id = window_of(problem_id)
        request = self.requests[window_id]
        during = next(window.during for window in request.windows if window.id == window_id)
        return f"{when(during, request.facility_zone)} at {request.facility}"


def when(during: Interval, zone: str) -> str:
    """Tue 24 Nov, 13:00–17:00 EST."""
    return span_words(during.start, during.end, zone)


def fix_sentence(fix: Fix, request: RequestFact, speaker: Speaker) -> str:
    """What to do, in one sentence; the request is the one whose window the fix fills."""
    weeks_are_named = any(change.rule == "period_cap" for change in fix.changes)
    said = [change for change in fix.changes if not (weeks_are_named and change.rule == "cap")]
    steps = [_step(change, fix, request, speaker) for change in said]
    if fix.removes:
        freed = ", ".join(speaker.window(gone.window) for gone in fix.removes)
        steps.append(f"take {speaker.person(fix.coordinator)} off {freed}")
    if not steps:
        steps.append(f"give it to {speaker.person(fix.coordinator)}")
    text = "; ".join(steps)
    return text[0].upper() + text[1:] + "."


def _step(change: Change, fix: Fix, request: RequestFact, speaker: Speaker) -> str:
    words = _STEPS.get(change.rule)
    if words is None:
        return change.sentence
    return words(_Step(change, change.values, speaker.person(fix.coordinator), fix.coordinator, request, speaker))


@dataclass(frozen=True, slots=True)
class _Step:
    change: Change
    values: Mapping[str, Any]
    who: str
    coordinator: str
    request: RequestFact
    speaker: Speaker


def _credentials(step: _Step) -> str:
    names = [CREDENTIALS.get(code, code) for code in step.values["credentials"]]
    last = max(datetime.fromisoformat(until) for until in step.values["credentials"].values())
    verb = "obtain" if step.change.sentence.startswith("Obtain") else "renew"
    return f"{verb} {' and '.join(names)} of {step.who}, valid to {day_words(last, step.request.facility_zone)} or later"


def _availability(step: _Step) -> str:
    spans = (Interval(datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in step.values["available"])
    return f"ask {step.who} to be free also {', '.join(when(span, step.request.facility_zone) for span in spans)}"


def _cap(step: _Step) -> str:
    more = step.values["cap_minutes"] - step.speaker.coordinators[step.coordinator].cap_minutes
    return f"let {step.who} work {_hours(more)} beyond the cap"


def _period_cap(step: _Step) -> str:
    coordinator = step.speaker.coordinators[step.coordinator]
    caps = {limit.during.start: limit.cap_minutes for limit in coordinator.limits}
    parts = []
    for raised in step.values["limits"]:
        start = datetime.fromisoformat(raised["start"])
        monday = local_day(start, coordinator.time_zone)
        parts.append(f"{_hours(raised['cap_minutes'] - caps[start])} in the week of {monday.day} {monday:%b}")
    return f"let {step.who} work beyond the cap: {', '.join(parts)}"


def _hours(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{rest} min" if rest else "") if part) or "0 min"


def _new_person(step: _Step) -> str:
    request = step.request
    wanted = [f"offers {service_name(request.service)} at level {request.level}"]
    wanted += [f"speaks {LANGUAGES.get(request.language, request.language)}"] if request.language not in ("", ANY) else []
    wanted += [f"knows {EHR_SYSTEMS.get(request.ehr_system, request.ehr_system)}"] if request.ehr_system else []
    wanted += [f"holds {', '.join(CREDENTIALS.get(skill, skill) for skill in request.skills)}"] if request.skills else []
    *others, last = wanted
    return f"bring in one more person who {', '.join(others)}{' and ' if others else ''}{last}"


_STEPS: dict[str, Callable[[_Step], str]] = {
    "everybody": _new_person,
    "service": lambda step: f"train {step.who} in {service_name(step.values['service'])} up to level {step.values['level']}",
    "level": lambda step: f"train {step.who} in {service_name(step.values['service'])} up to level {step.values['level']}",
    "language": lambda step: f"accept {step.who} without {LANGUAGES.get(step.values['language'], step.values['language'])}",
    "system": lambda step: f"train {step.who} in {EHR_SYSTEMS.get(step.values['system'], step.values['system'])}",
    "credentials": _credentials,
    "excluded": lambda step: f"lift the exclusion of {step.who} from {step.request.facility}",
    "work_country": lambda step: f"ask {step.request.facility} to allow work from abroad for {step.request.reference}",
    "licence": lambda step: f"license {step.who} in {step.values['state']}",
    "screening": lambda step: f"screen {step.who} again for exclusions",
    "orientation": lambda step: f"orient {step.who} at {step.request.facility}",
    "forbidden": lambda step: f"let {step.who} go beyond what is left of their week or their number of facilities",
    "availability": _availability,
    "sharing": lambda step: f"let {step.values['max_coordinators']} people share each place of {step.request.reference}",
    "cap": _cap,
    "period_cap": _period_cap,
    "facilities": lambda step: f"let {step.who} serve {step.values['max_facilities']} facilities in these weeks",
}
