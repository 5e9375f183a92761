"""Reading and writing problems: what is written is read back, and every fault gets its message and path, all at once."""

import json
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.planning import coordinator, problem, request, week

from matching.formats import InputErrors, check_problem, parse_json, problem_from_json, problem_to_json
from matching.problem import Assignment, ForbiddenPair


def document() -> dict[str, Any]:
    """A small correct problem as parsed JSON."""
    made = problem([coordinator(), coordinator("C1")], [request(windows=((9, 12), (33, 36))), request("R1")])
    return json.loads(json.dumps(problem_to_json(made)))


def faults(changed: object) -> list[str]:
    with pytest.raises(InputErrors) as caught:
        problem_from_json(changed)
    return [str(fault) for fault in caught.value.errors]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_what_is_written_is_read_back(seed: int) -> None:
    made = week(seed)
    assert problem_from_json(json.loads(json.dumps(problem_to_json(made)))) == made
    assert check_problem(made) == ()


def test_decisions_and_limits_are_read_back() -> None:
    made = problem([coordinator()], [request()], home_country="CA", rest_minutes=0, max_span_minutes=600)
    pin = Assignment("C0", "R0.0")
    made = replace(
        made, pins=(pin,), previous=(pin,), forbidden=(ForbiddenPair("C0", "R0"),), weights=replace(made.weights, change=9)
    )
    assert problem_from_json(problem_to_json(made)) == made


def test_the_extras_are_neutral_when_left_out() -> None:
    read = problem_from_json(document())
    person, asked = read.coordinators[0], read.requests[0]
    assert (person.work_country, person.licence_states, person.screened_until) == (None, frozenset(), None)
    assert (asked.offshore_allowed, asked.licence_state, asked.orientation_required) == (True, None, False)
    assert (read.pins, read.forbidden, read.previous, read.rest_minutes, read.max_span_minutes) == ((), (), (), None, None)


def put(path: str, value: object) -> Any:
    def change(changed: Any) -> None:
        *steps, last = [int(step) if step.isdigit() else step for step in path.split("/")]
        for step in steps:
            changed = changed[step]
        changed[last] = value

    return change


def drop(path: str, key: str) -> Any:
    def change(changed: Any) -> None:
        for step in filter(None, path.split("/")):
            changed = changed[int(step) if step.isdigit() else step]
        del changed[key]

    return change


def limit(start_day: int, end_day: int, **more: object) -> dict[str, object]:
    days = {"start": f"2026-03-0{start_day}T00:00:00Z", "end": f"2026-03-0{end_day}T00:00:00Z"}
    return {**days, "cap_minutes": 600, **more}


W = "requests/0/windows"
ONE_FAULT = [
    (put("wheather", 1), "wheather: unknown key"),
    (put("coordinators/1/nickname", "x"), "coordinators[1].nickname: unknown key"),
    (put("requests/0/windows/1/zone", "x"), "requests[0].windows[1].zone: unknown key"),
    (put("weights/luck", 1), "weights.luck: unknown key"),
    (put("format", "relief-week/9"), "format: must be 'relief-week/1'"),
    (drop("", "requests"), "requests: is missing"),
    (drop("coordinators/0", "cap_minutes"), "coordinators[0].cap_minutes: is missing"),
    (put("coordinators/0/cap_minutes", None), "coordinators[0].cap_minutes: must not be null"),
    (put("coordinators/0/cap_minutes", "40h"), "coordinators[0].cap_minutes: expected a whole number, found a text"),
    (put("coordinators/0/cap_minutes", True), "coordinators[0].cap_minutes: expected a whole number, found true or false"),
    (put("coordinators/0/pay_per_hour", 38.5), "coordinators[0].pay_per_hour: expected a whole number, found a number"),
    (put("coordinators/0/cap_minutes", -1), "coordinators[0].cap_minutes: must be from 0 to 10000000, is -1"),
    (put("coordinators/0/services", []), "coordinators[0].services: expected an object, found a list"),
    (put("coordinators/0/services", {"x": "high"}), "coordinators[0].services.x: expected a whole number, found a text"),
    (put("coordinators/0/languages", ["en", "en"]), "coordinators[0].languages: names something twice"),
    (put("coordinators/0/languages", ["en", 7]), "coordinators[0].languages[1]: expected a text, found a whole number"),
    (put("coordinators/0/time_zone", "Mars/Olympus"), "coordinators[0].time_zone: is not a known time zone: 'Mars/Olympus'"),
    (put("coordinators/0/credentials", {"x": "soon"}), "coordinators[0].credentials.x: is not an instant"),
    (
        put(
            "coordinators/0/available",
            [["2026-03-02T10:00:00Z", "2026-03-02T12:00:00Z"], ["2026-03-02T11:00:00Z", "2026-03-02T13:00:00Z"]],
        ),
        "coordinators[0].available[1]: overlaps available[0]",
    ),
    (
        put("coordinators/0/available", [["2026-03-02T10:00:00Z", "2026-03-02T09:00:00Z"]]),
        "coordinators[0].available[0]: ends before it starts",
    ),
    *(
        (put("coordinators/0/limits", limits), message)
        for limits, message in [
            ([limit(1, 2), limit(3, 4), limit(1, 3)], "coordinators[0].limits[2]: overlaps limits[0]"),
            ([limit(2, 1)], "coordinators[0].limits[0].end: ends before it starts"),
            ([limit(2, 2)], "coordinators[0].limits[0].end: ends when it starts"),
            ([limit(1, 2, cap_minutes=-1)], "coordinators[0].limits[0].cap_minutes: must be from 0 to 10000000, is -1"),
            ([limit(1, 2, weeks=1)], "coordinators[0].limits[0].weeks: unknown key"),
            ([{"start": "2026-03-02T00:00:00Z", "cap_minutes": 5}], "coordinators[0].limits[0].end: is missing"),
        ]
    ),
    (put("coordinators/0/available", [["2026-03-02T10:00:00Z"]]), "coordinators[0].available[0]: must be a pair"),
    (put(f"{W}/0/end", "2026-03-02T08:00:00Z"), "requests[0].windows[0].end: ends before it starts"),
    (put(f"{W}/0/end", "2026-03-02T12:00:00"), "requests[0].windows[0].end: is a local time"),
    (put(f"{W}/0/end", "2026-03-02T12:10:00Z"), "requests[0].windows[0].end: the window's length must be a whole number"),
    (put(f"{W}/0/end", "2026-03-02T12:00:30Z"), "requests[0].windows[0].end: must be on a whole minute"),
    (put(f"{W}/0/start", "2026-03-01T12:00:00Z"), "requests[0].windows[0].start: lies before the horizon"),
    (put(f"{W}/1/end", "2026-03-30T12:00:00Z"), "requests[0].windows[1].end: lies after the horizon"),
    (put(f"{W}/1/id", "R0.0"), "requests[0].windows[1].id: 'R0.0' is also the id of requests[0].windows[0]"),
    (put("requests/0/windows", []), "requests[0].windows: must hold at least one window"),
    (put("requests/1/id", "R0"), "requests[1].id: 'R0' is also the id of requests[0]"),
    (put("coordinators/1/id", "C0"), "coordinators[1].id: 'C0' is also the id of coordinators[0]"),
    (put("requests/0/priority", 6), "requests[0].priority: must be from 1 to 5, is 6"),
    (put("requests/0/headcount", 0), "requests[0].headcount: must be from 1 to 1000, is 0"),
    (put("requests/0/facility", ""), "requests[0].facility: must not be empty"),
    (put("requests/0/offshore_allowed", "no"), "requests[0].offshore_allowed: expected true or false, found a text"),
    (put("weights/priority", [0, 1]), "weights.priority: must be six numbers"),
    (put("horizon", ["2026-03-09T00:00:00Z", "2026-03-02T00:00:00Z"]), "horizon: ends before it starts"),
    (put("slot_minutes", 0), "slot_minutes: must be from 1 to 1440, is 0"),
    (put("pins", [{"coordinator": "C9", "window": "R0.0"}]), "pins[0].coordinator: no coordinator has the id 'C9'"),
    (put("previous", [{"coordinator": "C0", "window": "R9"}]), "previous[0].window: no window has the id 'R9'"),
    (put("forbidden", [{"coordinator": "C0", "request": "R9"}]), "forbidden[0].request: no request has the id 'R9'"),
    (put("pins", [{"coordinator": "C0", "window": "R0.0"}] * 2), "pins[1]: is named twice"),
    (put("pins", [{"coordinator": "C0"}]), "pins[0].window: is missing"),
    (put("coordinators", {}), "coordinators: expected a list, found an object"),
    (put("coordinators/0", "C0"), "coordinators[0]: expected an object, found a text"),
]


@pytest.mark.parametrize(("change", "message"), ONE_FAULT, ids=[message for _, message in ONE_FAULT])
def test_each_fault_has_its_path_and_message(change: Any, message: str) -> None:
    changed = document()
    change(changed)
    found = faults(changed)
    assert any(fault.startswith(message) for fault in found), found
    expected_extra = {"coordinators: expected a list", "coordinators[0]: expected an object"}
    if not any(message.startswith(prefix) for prefix in expected_extra):
        assert len(found) == 1, found


def test_all_faults_come_at_once() -> None:
    changed = document()
    told = [0, 3, 8, 14, 21, 32]
    for k in told:
        ONE_FAULT[k][0](changed)
    found = faults(changed)
    for k in told:
        assert any(fault.startswith(ONE_FAULT[k][1]) for fault in found), (ONE_FAULT[k][1], found)
    assert len(found) == len(told)


@pytest.mark.parametrize("value", [None, 7, "text", [], [1], True])
def test_what_is_not_an_object_is_one_fault(value: object) -> None:
    assert len(faults(value)) == 1


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_value_anywhere_makes_reading_fail_otherwise(data: st.DataObject) -> None:
    """One value anywhere in the document replaced by anything: a problem or faults, never another error."""
    changed: Any = deepcopy(document())
    spot, holder, key = changed, None, None
    while isinstance(spot, dict | list) and spot and data.draw(st.integers(0, 5)):
        key = data.draw(st.sampled_from(sorted(spot) if isinstance(spot, dict) else range(len(spot))))
        holder, spot = spot, spot[key]
    if holder is not None:
        holder[key] = data.draw(values)
    with suppress(InputErrors):
        problem_from_json(changed)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        (" \n", "is empty"),
        ('{"a": NaN}', "NaN is not a number"),
        ('{"a": 1, "a": 2}', "the key 'a' occurs twice"),
        ("[" * 100_000, "nests too deep"),
        ('{"a": ' + "9" * 5000 + "}", "it holds a number that is far too long"),
    ],
)
def test_text_that_is_not_json_is_said_so(text: str, message: str) -> None:
    with pytest.raises(InputErrors) as caught:
        parse_json(text)
    assert message in str(caught.value)
