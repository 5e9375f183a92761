"""The running plan as a problem: what is assigned keeps its rules, what is lost can be filled window by window."""

from dataclasses import replace
from datetime import timedelta
from itertools import count
from uuid import UUID

from support.planning_facts import NORTH, NOW, SOUTH, facts, person, request, span, window

from matching.formats import check_problem
from matching.verify import rule_violations
from staffing.scheduling.facts import CoordinatorFact, Facts, Held, RequestFact, WindowFact
from staffing.scheduling.problem import window_of
from staffing.scheduling.running import Running, state_running

_ids = count(9000)


def on(day: int, start: int, end: int, missing: int = 0) -> WindowFact:
    return window(f"2026-03-{day:02}T{start:02}:00", f"2026-03-{day:02}T{end:02}:00", missing)


def held(asked: RequestFact, who: CoordinatorFact, *windows: WindowFact) -> list[Held]:
    return [Held(UUID(int=next(_ids)), who.id, asked.id, one.id, one.during) for one in windows]


def asked_of(*windows: WindowFact, **values: object) -> RequestFact:
    return request(*windows, **{"headcount": 1, **values})


def stated(given: Facts, lost: list[Held] | None = None) -> Running:
    running = state_running(given, lost or [])
    assert running is not None
    assert check_problem(running.problem) == ()
    return running


def with_held(asked: list[RequestFact], people: list[CoordinatorFact], has: list[Held]) -> Facts:
    return replace(facts(asked, people), held=tuple(has))


def test_what_one_person_holds_of_a_request_changes_hands_as_a_whole() -> None:
    maria = person()
    monday, tuesday = on(9, 14, 16), on(10, 14, 16)
    asked = asked_of(monday, tuesday)
    running = stated(with_held([asked], [maria], held(asked, maria, monday, tuesday)))
    (one,) = running.problem.requests
    assert one.is_whole
    assert [window_of(entry.id) for entry in one.windows] == [monday.id, tuesday.id]
    assert {pair.coordinator for pair in running.plan} == {str(maria.id)}
    assert list(rule_violations(running.problem, running.plan)) == []


def test_lost_windows_of_a_request_for_one_person_can_be_shared_by_those_who_step_in() -> None:
    maria = person()
    days = [on(day, 14, 16, missing=1) for day in (9, 10, 11)]
    rest = on(12, 14, 16)
    asked = asked_of(*days, rest)
    running = stated(with_held([asked], [maria], held(asked, maria, rest)), held(asked, maria, *days))
    kept, lost = sorted(running.problem.requests, key=lambda one: len(one.windows))
    assert (len(kept.windows), len(lost.windows), lost.max_coordinators) == (1, 3, 3)
    assert list(rule_violations(running.problem, running.plan)) == []
    assert len(running.plan) == 4


def test_another_hole_beside_the_lost_one_stays_what_it_is() -> None:
    maria = person()
    both_missing = on(9, 14, 16, missing=2)
    asked = asked_of(both_missing, headcount=2)
    running = stated(with_held([asked], [maria], []), held(asked, maria, both_missing))
    assert sorted(one.id for one in running.problem.requests) == [f"{asked.id}", f"{asked.id}@@{maria.id}"]


def test_a_shared_request_is_one_with_all_its_places() -> None:
    maria, joseph = person(), person()
    first, second, third = on(9, 14, 16), on(10, 14, 16), on(11, 14, 16, missing=1)
    asked = asked_of(first, second, third, max_coordinators=2, people=2)
    has = [*held(asked, maria, first), *held(asked, joseph, second)]
    running = stated(with_held([asked], [maria, joseph], has))
    (one,) = running.problem.requests
    assert (len(one.windows), one.headcount, one.max_coordinators) == (3, 1, 2)
    assert list(rule_violations(running.problem, running.plan)) == []


def test_held_time_counts_once_as_the_plan_and_not_as_booked() -> None:
    maria = person(weekly_cap_minutes=120)
    monday = on(9, 14, 16)
    asked = asked_of(monday)
    running = stated(with_held([asked], [maria], held(asked, maria, monday)))
    assert [limit.cap_minutes for limit in running.problem.coordinators[0].limits] == [120, 120]
    assert list(rule_violations(running.problem, running.plan)) == []


def test_whoever_breaks_a_rule_as_things_stand_is_left_alone_and_their_time_is_taken() -> None:
    maria, joseph = person(excluded=frozenset({NORTH})), person()
    monday, tuesday, south = on(9, 14, 16), on(10, 14, 16), on(9, 18, 20)
    asked, other = asked_of(monday, tuesday), asked_of(south, facility_id=SOUTH)
    has = [*held(asked, maria, monday), *held(asked, joseph, tuesday), *held(other, maria, south)]
    running = stated(with_held([asked, other], [maria, joseph], has))
    assert {pair.coordinator for pair in running.plan} == {str(joseph.id)}
    planned = next(one for one in running.problem.coordinators if one.id == str(maria.id))
    assert all(not (free.start < monday.during.end and monday.during.start < free.end) for free in planned.available)


def test_nothing_ahead_is_no_problem() -> None:
    assert state_running(replace(facts([], [person()]), at=NOW + timedelta(0))) is None


def test_a_window_at_which_nothing_can_change_is_left_out() -> None:
    maria = person()
    begun, later = on(4, 14, 18), on(9, 14, 16)
    asked = asked_of(begun, later)
    running = stated(with_held([asked], [maria], held(asked, maria, later)))
    assert [window_of(entry.id) for one in running.problem.requests for entry in one.windows] == [later.id]
    assert span("2026-03-04T14:00", "2026-03-04T18:00") == begun.during
