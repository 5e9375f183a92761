"""The format `relief-week/1`: a planning problem as JSON, read with every fault reported at once, and written.

Instants are UTC, money is whole units per hour. Optional keys: `pins`, `forbidden`, `previous`, `rest_minutes`,
`max_span_minutes`, `home_country`, `weights.change`, and the product's further attributes of coordinators and requests
(see `matching.problem`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TypeVar

from matching.formats.reading import EPOCH, InputError, InputErrors, Node
from matching.problem import Assignment, Coordinator, ForbiddenPair, Interval, Limit, Objective, Problem, Request, Weights, Window

T = TypeVar("T")

FORMAT = "relief-week/1"

_PROBLEM_KEYS = ("format", "horizon", "coordinators", "requests")
_PROBLEM_OPTIONS = (
    *("slot_minutes", "weights", "pins", "forbidden", "previous", "rest_minutes", "max_span_minutes", "home_country"),
    *("objective", "keep_per_mille"),
)
_WEIGHT_KEYS = ("priority", "continuity", "over_target", "under_target", "new_facility", "pair", "change")
_COORDINATOR_KEYS = (
    *("id", "services", "languages", "systems", "available", "cap_minutes", "target_minutes", "max_facilities", "pay_per_hour"),
)
_COORDINATOR_OPTIONS = (
    *("credentials", "time_zone", "known_facilities", "excluded_facilities"),
    *("work_country", "licence_states", "screened_until", "oriented_facilities", "limits"),
)
_REQUEST_KEYS = (
    *("id", "facility", "service", "level", "language", "system", "priority", "bill_per_hour"),
    *("headcount", "max_coordinators", "windows"),
)
_REQUEST_OPTIONS = ("time_zone", "credentials", "offshore_allowed", "licence_state", "orientation_required")

_DEFAULT = Weights()
_MOST_PEOPLE = 1_000


def problem_from_json(document: object) -> Problem:
    """The problem in a parsed `relief-week/1` document.

    Raises InputErrors with every fault in it: unknown or missing keys, wrong types, windows that end before they start
    or lie outside the horizon, overlapping availability, ids used twice, references to nobody."""
    node = Node(document)
    if not node.keys(_PROBLEM_KEYS, _PROBLEM_OPTIONS) and not isinstance(document, dict):
        node.raise_faults()
    if node.has("format") and node.at("format").value != FORMAT:
        node.at("format").fault(f"must be {FORMAT!r}, is {str(node.at('format').value)[:40]!r}")
    horizon = _horizon(node)
    slot = node.read("slot_minutes", lambda at: at.whole(1, 24 * 60), 15)
    weights = node.read("weights", _weights, _DEFAULT)
    coordinators = tuple(_coordinator(item) for item in node.at("coordinators").items()) if node.has("coordinators") else ()
    requests = tuple(_request(item, horizon, slot) for item in node.at("requests").items()) if node.has("requests") else ()
    _check_ids(node, coordinators, requests)
    people = {coordinator.id for coordinator in coordinators}
    windows = {window.id for request in requests for window in request.windows}
    asked = {request.id for request in requests}
    problem = Problem(
        horizon=horizon,
        coordinators=coordinators,
        requests=requests,
        slot_minutes=slot,
        weights=weights,
        pins=_references(node, "pins", "window", people, windows, Assignment),
        forbidden=_references(node, "forbidden", "request", people, asked, ForbiddenPair),
        previous=_references(node, "previous", "window", people, windows, Assignment),
        rest_minutes=node.read("rest_minutes", Node.whole, None),
        max_span_minutes=node.read("max_span_minutes", Node.whole, None),
        home_country=node.read("home_country", Node.text, "US"),
        objective=node.read("objective", lambda at: at.choice(Objective), Objective.WEIGHTED),
        keep_per_mille=node.read("keep_per_mille", lambda at: at.whole(0, 1000), 1000),
    )
    node.raise_faults()
    return problem


def check_problem(problem: Problem) -> tuple[InputError, ...]:
    """Every fault of a problem that was built in code, with the path it would have in the file; empty when there is
    none."""
    try:
        problem_from_json(problem_to_json(problem))
    except InputErrors as faults:
        return faults.errors
    return ()


def _horizon(node: Node) -> Interval:
    at = node.at("horizon")
    if not node.has("horizon"):
        return Interval(EPOCH, EPOCH)
    return _interval(at) or Interval(EPOCH, EPOCH)


def _interval(node: Node) -> Interval | None:
    """A pair of instants in order; None when something is wrong with it (which is noted)."""
    before = len(node.faults)
    pair = [item.minute() for item in node.items()]
    if len(node.faults) > before:
        return None
    if len(pair) != 2:
        node.fault("must be a pair of instants, start and end")
        return None
    if pair[1] <= pair[0]:
        node.fault("ends before it starts" if pair[1] < pair[0] else "ends when it starts")
        return None
    return Interval(*pair)


def _weights(node: Node) -> Weights:
    node.keys((), _WEIGHT_KEYS)
    priority = node.read("priority", lambda at: tuple(item.whole() for item in at.items()), _DEFAULT.priority)
    if len(priority) != len(_DEFAULT.priority):
        node.at("priority").fault("must be six numbers: unused, then priorities 1 to 5")
    return Weights(
        priority=priority,
        continuity=node.read("continuity", Node.whole, _DEFAULT.continuity),
        over_target=node.read("over_target", Node.whole, _DEFAULT.over_target),
        under_target=node.read("under_target", Node.whole, _DEFAULT.under_target),
        new_facility=node.read("new_facility", Node.whole, _DEFAULT.new_facility),
        pair=node.read("pair", Node.whole, _DEFAULT.pair),
        change=node.read("change", Node.whole, _DEFAULT.change),
    )


def _coordinator(node: Node) -> Coordinator:
    node.keys(_COORDINATOR_KEYS, _COORDINATOR_OPTIONS)
    empty: frozenset[str] = frozenset()
    return Coordinator(
        id=node.read("id", Node.text, ""),
        services={key: at.whole() for key, at in node.at("services").entries()} if node.has("services") else {},
        languages=node.read("languages", Node.texts, empty),
        systems=node.read("systems", Node.texts, empty),
        credentials={key: at.instant() for key, at in node.at("credentials").entries()} if node.has("credentials") else {},
        time_zone=node.read("time_zone", Node.time_zone, "UTC"),
        available=node.read("available", _available, ()),
        cap_minutes=node.read("cap_minutes", Node.whole, 0),
        target_minutes=node.read("target_minutes", Node.whole, 0),
        max_facilities=node.read("max_facilities", Node.whole, 0),
        pay_per_hour=node.read("pay_per_hour", Node.whole, 0),
        known_facilities=node.read("known_facilities", Node.texts, empty),
        excluded_facilities=node.read("excluded_facilities", Node.texts, empty),
        work_country=node.read("work_country", Node.text, None),
        licence_states=node.read("licence_states", Node.texts, empty),
        screened_until=node.read("screened_until", Node.instant, None),
        oriented_facilities=node.read("oriented_facilities", Node.texts, empty),
        limits=node.read("limits", _limits, ()),
    )


def _available(node: Node) -> tuple[Interval, ...]:
    read = [(item.path, interval) for item in node.items() if (interval := _interval(item)) is not None]
    _no_overlap(node, read)
    return tuple(interval for _path, interval in read)


def _no_overlap(node: Node, read: Iterable[tuple[str, Interval]]) -> None:
    ordered = sorted(read, key=lambda entry: (entry[1].start, entry[1].end))
    for (path, first), (later_path, second) in pairwise(ordered):
        if second.start < first.end:
            node.faults.append(InputError(later_path, f"overlaps {path.rpartition('.')[2]}"))


def _limits(node: Node) -> tuple[Limit, ...]:
    read: list[tuple[str, Limit]] = []
    for item in node.items():
        before = len(node.faults)
        item.keys(("start", "end", "cap_minutes"))
        during = Interval(item.read("start", Node.minute, EPOCH), item.read("end", Node.minute, EPOCH))
        cap = item.read("cap_minutes", Node.whole, 0)
        if len(node.faults) > before:
            continue
        if during.end <= during.start:
            item.fault("ends before it starts" if during.end < during.start else "ends when it starts", at="end")
        else:
            read.append((item.path, Limit(during, cap)))
    _no_overlap(node, [(path, limit.during) for path, limit in read])
    return tuple(limit for _path, limit in read)


def _request(node: Node, horizon: Interval, slot: int) -> Request:
    node.keys(_REQUEST_KEYS, _REQUEST_OPTIONS)
    windows = tuple(_window(item, horizon, slot) for item in node.at("windows").items()) if node.has("windows") else ()
    if node.has("windows") and node.at("windows").value == []:
        node.at("windows").fault("must hold at least one window")
    return Request(
        id=node.read("id", Node.text, ""),
        facility=node.read("facility", Node.text, ""),
        time_zone=node.read("time_zone", Node.time_zone, "UTC"),
        service=node.read("service", Node.text, ""),
        level=node.read("level", Node.whole, 0),
        language=node.read("language", Node.text, ""),
        system=node.read("system", Node.text, ""),
        credentials=node.read("credentials", Node.texts, frozenset()),
        priority=node.read("priority", lambda at: at.whole(1, 5), 1),
        bill_per_hour=node.read("bill_per_hour", Node.whole, 0),
        headcount=node.read("headcount", lambda at: at.whole(1, _MOST_PEOPLE), 1),
        max_coordinators=node.read("max_coordinators", lambda at: at.whole(1, _MOST_PEOPLE), 1),
        windows=windows,
        offshore_allowed=node.read("offshore_allowed", Node.flag, True),
        licence_state=node.read("licence_state", Node.text, None),
        orientation_required=node.read("orientation_required", Node.flag, False),
    )


def _window(node: Node, horizon: Interval, slot: int) -> Window:
    before = len(node.faults)
    node.keys(("id", "start", "end"))
    window = Window(
        id=node.read("id", Node.text, ""), start=node.read("start", Node.minute, EPOCH), end=node.read("end", Node.minute, EPOCH)
    )
    if len(node.faults) > before:
        return window
    if window.end <= window.start:
        node.fault("ends before it starts" if window.end < window.start else "ends when it starts", at="end")
    elif (window.end - window.start) % timedelta(minutes=slot):
        node.fault(f"the window's length must be a whole number of {slot}-minute slots", at="end")
    elif horizon.end > horizon.start:
        if window.start < horizon.start:
            node.fault("lies before the horizon", at="start")
        if window.end > horizon.end:
            node.fault("lies after the horizon", at="end")
    return window


def _check_ids(node: Node, coordinators: Iterable[Coordinator], requests: Iterable[Request]) -> None:
    def once(entries: Iterable[tuple[str, str]]) -> None:
        first: dict[str, str] = {}
        for path, name in entries:
            if name and name in first:
                node.faults.append(InputError(path, f"{name!r} is also the id of {first[name]}"))
            first.setdefault(name, path.rpartition(".")[0])

    requests = list(requests)
    once((f"coordinators[{i}].id", coordinator.id) for i, coordinator in enumerate(coordinators))
    once((f"requests[{i}].id", request.id) for i, request in enumerate(requests))
    once(
        (f"requests[{i}].windows[{j}].id", window.id)
        for i, request in enumerate(requests)
        for j, window in enumerate(request.windows)
    )


def _references(
    node: Node, key: str, other: str, people: set[str], others: set[str], make: Callable[[str, str], T]
) -> tuple[T, ...]:
    """Pairs of a coordinator and a window or request, each known and named once."""
    pairs: dict[tuple[str, str], T] = {}
    if not node.has(key):
        return ()
    for item in node.at(key).items():
        item.keys(("coordinator", other))
        coordinator, name = item.read("coordinator", Node.text, ""), item.read(other, Node.text, "")
        if coordinator and coordinator not in people:
            item.fault(f"no coordinator has the id {coordinator!r}", at="coordinator")
        if name and name not in others:
            item.fault(f"no {other} has the id {name!r}", at=other)
        if coordinator and name and (coordinator, name) in pairs:
            item.fault("is named twice")
        pairs[coordinator, name] = make(coordinator, name)
    return tuple(pairs.values())


def problem_to_json(problem: Problem) -> dict[str, object]:
    """The problem as a `relief-week/1` document; what is neutral is left out. `problem_from_json` gives the same
    problem back."""
    weights = problem.weights
    document: dict[str, object] = {
        "format": FORMAT,
        "horizon": _interval_out(problem.horizon),
        "slot_minutes": problem.slot_minutes,
        "weights": {
            "priority": list(weights.priority),
            **{key: getattr(weights, key) for key in _WEIGHT_KEYS[1:-1]},
            **({"change": weights.change} if weights.change else {}),
        },
        "coordinators": [_coordinator_out(coordinator) for coordinator in problem.coordinators],
        "requests": [_request_out(request) for request in problem.requests],
    }
    if problem.pins:
        document["pins"] = [{"coordinator": pin.coordinator, "window": pin.window} for pin in problem.pins]
    if problem.forbidden:
        document["forbidden"] = [{"coordinator": pair.coordinator, "request": pair.request} for pair in problem.forbidden]
    if problem.previous:
        document["previous"] = [{"coordinator": kept.coordinator, "window": kept.window} for kept in problem.previous]
    for key in ("rest_minutes", "max_span_minutes"):
        if getattr(problem, key) is not None:
            document[key] = getattr(problem, key)
    if problem.home_country != "US":
        document["home_country"] = problem.home_country
    if problem.objective is not Objective.WEIGHTED:
        document["objective"] = problem.objective.value
    if problem.keep_per_mille != 1000:
        document["keep_per_mille"] = problem.keep_per_mille
    return document


def text_of(instant: datetime) -> str:
    """The instant as the formats write it: UTC with Z."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _interval_out(interval: Interval) -> list[str]:
    return [text_of(interval.start), text_of(interval.end)]


def _coordinator_out(coordinator: Coordinator) -> dict[str, object]:
    entry: dict[str, object] = {
        "id": coordinator.id,
        "services": dict(sorted(coordinator.services.items())),
        "languages": sorted(coordinator.languages),
        "systems": sorted(coordinator.systems),
        "credentials": {name: text_of(until) for name, until in sorted(coordinator.credentials.items())},
        "time_zone": coordinator.time_zone,
        "available": [_interval_out(interval) for interval in coordinator.available],
        "cap_minutes": coordinator.cap_minutes,
        "target_minutes": coordinator.target_minutes,
        "max_facilities": coordinator.max_facilities,
        "pay_per_hour": coordinator.pay_per_hour,
        "known_facilities": sorted(coordinator.known_facilities),
        "excluded_facilities": sorted(coordinator.excluded_facilities),
    }
    if coordinator.work_country is not None:
        entry["work_country"] = coordinator.work_country
    if coordinator.licence_states:
        entry["licence_states"] = sorted(coordinator.licence_states)
    if coordinator.screened_until is not None:
        entry["screened_until"] = text_of(coordinator.screened_until)
    if coordinator.oriented_facilities:
        entry["oriented_facilities"] = sorted(coordinator.oriented_facilities)
    if coordinator.limits:
        entry["limits"] = [
            {"start": text_of(limit.during.start), "end": text_of(limit.during.end), "cap_minutes": limit.cap_minutes}
            for limit in coordinator.limits
        ]
    return entry


def _request_out(request: Request) -> dict[str, object]:
    entry: dict[str, object] = {
        "id": request.id,
        "facility": request.facility,
        "time_zone": request.time_zone,
        "service": request.service,
        "level": request.level,
        "language": request.language,
        "system": request.system,
        "credentials": sorted(request.credentials),
        "priority": request.priority,
        "bill_per_hour": request.bill_per_hour,
        "headcount": request.headcount,
        "max_coordinators": request.max_coordinators,
        "windows": [{"id": window.id, "start": text_of(window.start), "end": text_of(window.end)} for window in request.windows],
    }
    if not request.offshore_allowed:
        entry["offshore_allowed"] = False
    if request.licence_state is not None:
        entry["licence_state"] = request.licence_state
    if request.orientation_required:
        entry["orientation_required"] = True
    return entry
